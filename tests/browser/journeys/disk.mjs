/** A disk that is nearly full: every page says so, whatever its size and language, and goes on working. */
import { accessible, fits } from '../lib/axe.mjs';
import { EWA } from '../lib/context.mjs';
import { ok } from '../lib/expect.mjs';

export const name = 'disk';
export const real = true;

/** More than any disk has free here: 1 TiB. */
const BOUND = String(2 ** 40);

export async function run(context) {
  const server = await context.fresh({ FRONTDESK_STORE__MIN_FREE_BYTES: BOUND });
  const page = await context.page({ url: server.url });
  const token = new URL(await server.setupLink()).hash.slice(1).replace(/^token=/, '');
  const answer = await page.request.post(`${server.url}/api/v1/setup`, {
    data: { ...EWA, token, workspace_name: 'Tarnina', inbox_name: 'Hello', language: 'en' },
    headers: { origin: server.url },
  });
  ok(answer.ok(), `set-up is answered ${answer.status()}`);
  await page.goto(`${server.url}/inbox/all`);
  const banner = page.getByRole('status').filter({ hasText: 'no new mail is taken' });
  await banner.waitFor();
  await accessible(page, 'the inbox while the disk is nearly full');
  await page.setViewportSize({ width: 390, height: 844 });
  await fits(page, 'the same on a phone');
  const changed = await page.request.patch(`${server.url}/api/v1/me`, {
    data: { language: 'pl' },
    headers: { origin: server.url },
  });
  ok(changed.ok(), 'another language is chosen');
  await page.getByRole('status').filter({ hasText: 'nie przyjmujemy nowej poczty' }).waitFor();
  await fits(page, 'the same in Polish');
}
