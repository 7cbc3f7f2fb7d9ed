/** Pictures of every screen at three widths, in both themes and languages, into the folder of --screens. */
import { mkdirSync } from 'node:fs';
import { ok } from '../lib/expect.mjs';
import { furnish, screens, settled } from '../lib/tour.mjs';

export const name = 'screens';

export async function run(context) {
  ok(context.screens, 'a folder is given with --screens');
  mkdirSync(context.screens, { recursive: true });
  const all = screens(await furnish(context));
  const api = await context.api();
  try {
    for (const language of ['en', 'pl']) {
      await api.patch('/me', { language });
      for (const width of [1440, 1024, 390]) {
        for (const theme of ['light', 'dark']) {
          const page = await context.signedIn({ width, theme, language });
          for (const [name, open] of Object.entries(all)) {
            await open(page);
            await settled(page);
            await page.screenshot({ path: `${context.screens}/${name}-${width}-${theme}-${language}.png` });
          }
          await page.context().close();
        }
      }
    }
  } finally {
    await api.patch('/me', { language: 'en' });
  }
}
