/** Signing in, out, wrong, too often; in both languages; without a mouse. */
import { accessible } from '../lib/axe.mjs';
import { EWA } from '../lib/context.mjs';
import { equal, ok } from '../lib/expect.mjs';
import { fill, press } from '../lib/keys.mjs';

export const name = 'sign-in';

async function attempt(page, email, password) {
  await fill(page, 'E-mail', email);
  await fill(page, /^(Password|Hasło)$/, password);
  await page.keyboard.press('Enter');
}

export async function run(context) {
  const page = await context.page({ mouse: false });
  await page.goto('/inbox/mine');
  await page.waitForURL('**/sign-in');
  equal(await page.locator('#email').getAttribute('autocomplete'), 'username', 'password managers know the e-mail');
  equal(await page.locator('#password').getAttribute('autocomplete'), 'current-password', 'and the password');
  ok(await page.evaluate(() => document.activeElement?.id === 'email'), 'typing can begin at once');

  const said = [];
  for (const email of [EWA.email, 'nobody@tarnina.example']) {
    await attempt(page, email, 'wrong');
    const alert = page.getByRole('alert');
    await alert.waitFor();
    said.push(await alert.innerText());
    ok(await alert.evaluate((element) => document.activeElement === element), 'the fault has the focus');
  }
  equal(said[0], said[1], 'wrong password and unknown e-mail read the same');
  await accessible(page, 'sign-in with a fault');

  await press(page, 'Polski');
  await page.getByRole('button', { name: 'Zaloguj się' }).waitFor();
  equal(await page.locator('html').getAttribute('lang'), 'pl', 'the page says its language');
  await press(page, 'Pokaż hasło', { key: 'Space' });
  equal(await page.locator('#password').getAttribute('type'), 'text', 'the password can be read');

  await attempt(page, EWA.email, EWA.password);
  await page.waitForURL('**/inbox/mine');
  await page.locator('html[lang=en]').waitFor();

  await page.locator('a.row, .list').first().waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press('s');
  await page.waitForURL('**/settings/profile');
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  await press(page, 'Sign out');
  await page.waitForURL('**/sign-in');
  equal((await page.request.get('/api/v1/me')).status(), 401, 'the session has ended on the server');
  if (!context.mock) await tooOften(context);
}

/** Only the one who guesses is made to wait, and is told how long. */
async function tooOften(context) {
  const server = await context.fresh();
  const page = await context.page({ url: server.url, mouse: false });
  await page.goto('/sign-in');
  for (let tries = 0; tries < 40; tries += 1) {
    const [answer] = await Promise.all([
      page.waitForResponse('**/api/v1/sessions'),
      attempt(page, 'x@y.example', `guess ${tries}`),
    ]);
    await page.getByRole('alert').waitFor();
    if (answer.status() !== 429) continue;
    ok(/Wait \d+ (second|minute)/.test(await page.getByRole('alert').innerText()), 'the page says how long');
    ok(Number(answer.headers()['retry-after']) > 0, 'so does Retry-After');
    return;
  }
  ok(false, '40 guesses in a row are held up');
}
