/** A mail that arrives over SMTP stands in the list without anything being pressed, is told, and opens without a mouse. */
import { equal, eventually, ok } from '../lib/expect.mjs';

export const name = 'live-mail';

export async function run(context) {
  const page = await context.signedIn({ mouse: false });
  await page.evaluate(() => (window.untouched = true));
  const subject = `Zażółć gęślą jaźń ${Date.now()}`;
  const began = Date.now();
  const answer = await context.mail({
    from: 'zofia@kowalik.example',
    name: 'Zofia Kowalik',
    subject,
    text: 'Dzień dobry,\nczy paczka już wyszła?\n\nPozdrawiam\nZofia',
  });
  if (!context.mock) ok(/^250 /.test(answer), `the server takes the mail: ${answer}`);
  const row = page.locator('a.row', { hasText: subject });
  await row.waitFor({ timeout: 5000 });
  const took = Date.now() - began;
  ok(took < 3000, `the row is there ${took} ms after the mail was handed over`);
  ok(await page.evaluate(() => window.untouched), 'the page was not loaded again');
  ok(/unread/.test(await row.getAttribute('class')), 'the row is unread');
  ok((await row.innerText()).includes('Zofia Kowalik'), 'the row says who');
  await eventually(async () => /^\(\d+\+?\)/.test(await page.title()), 'the title counts it');
  const first = await page.locator('a.row').first().innerText();
  ok(first.includes(subject), 'the newest stands first');

  await page.keyboard.press('j');
  await page.getByText('czy paczka już wyszła?').first().waitFor();
  await page.getByRole('heading', { name: subject }).waitFor();
  await eventually(async () => !/unread/.test((await row.getAttribute('class')) ?? ''), 'opening it makes it read');
  equal(await page.evaluate(() => window.untouched), true, 'still the same page');

  const thread = page.getByRole('log');
  await context.mail({
    from: 'zofia@kowalik.example',
    name: 'Zofia Kowalik',
    subject: `Inna sprawa ${subject}`,
    text: 'Jeszcze jedno.',
  });
  await page.locator('a.row', { hasText: `Inna sprawa ${subject}` }).waitFor();
  ok((await thread.innerText()).includes('czy paczka już wyszła?'), 'new mail elsewhere leaves the open thread alone');
}
