/** axe-core finds nothing to complain of on any screen, in either theme, and nothing sticks out at any width. */
import { accessible, fits } from '../lib/axe.mjs';
import { Failure } from '../lib/expect.mjs';
import { furnish, screens, settled } from '../lib/tour.mjs';

export const name = 'accessibility';

const MAIL = ['iframe'];

export async function run(context) {
  const all = screens(await furnish(context));
  const faults = [];
  const note = (label) => (error) =>
    faults.push(error instanceof Failure ? error.message : `${label}: ${error.message}`);
  const look = async (width, theme) => {
    const page = await context.signedIn({ width, theme });
    for (const [name, open] of Object.entries(all)) {
      const label = `${name} ${width} ${theme}`;
      // One screen that does not open, or has a fault, must not hide those of the others.
      await open(page).catch(note(label));
      await settled(page);
      await accessible(page, label, MAIL).catch(note(label));
      await fits(page, label).catch(note(label));
    }
    await page.context().close();
  };
  for (const width of [1440, 1024, 390]) await Promise.all(['light', 'dark'].map((theme) => look(width, theme)));
  if (faults.length > 0) throw new Failure(faults.join('\n'));
}
