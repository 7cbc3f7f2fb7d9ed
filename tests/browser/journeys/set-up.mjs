/** From the link in the log to the inbox, without a mouse; the link works once, and its secret is never in a request line. */
import { accessible } from '../lib/axe.mjs';
import { equal, ok } from '../lib/expect.mjs';
import { EWA } from '../lib/context.mjs';
import { fill, keepsFocus, press, tabTo } from '../lib/keys.mjs';

export const name = 'set-up';
export const real = true;

export async function run(context) {
  const server = await context.fresh();
  const link = await server.setupLink();
  const secret = new URL(link).hash.slice(1);
  ok(secret.length >= 20, 'the link carries a secret');
  const page = await context.page({ url: server.url, mouse: false });

  await page.goto(`${server.url}/set-up#wrong-secret`);
  await page.getByRole('heading', { name: 'This link does not work' }).waitFor();

  await page.goto('about:blank');
  await page.goto(link);
  await page.locator('#owner-name:focus').waitFor();
  await page.keyboard.type(EWA.name);
  await fill(page, 'E-mail', EWA.email);
  await fill(page, 'Password', 'short');
  await press(page, 'Continue');
  await page.locator('[aria-invalid=true]#owner-password:focus').waitFor();
  await page.keyboard.press('Control+a');
  await page.keyboard.type(EWA.password);
  await page.keyboard.press('Enter');
  await page.locator('#company-workspace_name:focus').waitFor();
  await page.keyboard.type('Tarnina');
  await page.keyboard.press('Enter');
  await page.locator('#inbox-inbox_name:focus').waitFor();
  equal(await page.getByLabel('Name of the inbox').inputValue(), 'Office', 'a name is offered');
  await accessible(page, 'set-up, first address');
  await page.keyboard.press('Enter');
  const address = page.locator('.copy .code');
  await address.waitFor();
  ok(/^[a-z0-9.-]+@desk\.test$/.test(await address.innerText()), 'the address is on our host name');
  ok(!page.url().includes('#'), 'the secret has left the address bar');
  await keepsFocus(page, 'creating');
  await press(page, 'Continue');
  await tabTo(page, 'Server');
  await press(page, /^Later/);
  await page.waitForURL('**/inbox/**');
  await page.getByText('Tarnina').first().waitFor();

  const second = await context.page({ url: server.url });
  await second.goto(link);
  await second.getByRole('link', { name: 'Go to sign-in' }).waitFor();
  const before = server.log.split(secret).slice(0, -1);
  ok(
    before.every((text) => text.endsWith('#')),
    'the secret is in the log only within the link itself, never in a request line',
  );
}
