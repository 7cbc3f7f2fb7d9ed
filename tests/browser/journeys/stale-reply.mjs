/** A reply written while somebody else was quicker is held, says what happened, and loses no word; all by keyboard. */
import { TOMEK } from '../lib/context.mjs';
import { eventually, ok } from '../lib/expect.mjs';
import { keepsFocus, press } from '../lib/keys.mjs';
import { answerBox, openMail, write } from '../lib/thread.mjs';

export const name = 'stale-reply';
export const real = true;

export async function run(context) {
  const page = await context.signedIn({ mouse: false });
  const subject = `Refund, ${Date.now()}`;
  await openMail(context, page, {
    from: 'ola@kupiec.example',
    name: 'Ola Kupiec',
    subject,
    text: 'Can I have it back?',
  });
  const conversation = Number(/\/inbox\/[^/]+\/(\d+)/.exec(page.url())[1]);
  const tomek = await context.api(TOMEK);

  // Between pressing Send and the server hearing of it, a colleague comments: nobody's clock can help here.
  let quicker = false;
  await page.route(`**/api/v1/conversations/${conversation}/messages`, async (route) => {
    if (route.request().method() === 'POST' && !quicker) {
      quicker = true;
      await tomek.post(`/conversations/${conversation}/messages`, {
        client_id: crypto.randomUUID(),
        kind: 'comment',
        text: 'Do not refund, it was refunded yesterday.',
      });
    }
    await route.continue();
  });
  await write(page, 'Of course, we refund it today.');
  await page.keyboard.press('Control+Enter');
  const held = page.getByRole('alert').filter({ hasText: 'Your reply was held back.' });
  await held.waitFor();
  ok((await held.innerText()).includes('refunded yesterday'), 'it says what was added');
  ok((await held.innerText()).includes(TOMEK.name), 'and who added it');
  const text = await answerBox(page).evaluate((element) => element.value ?? element.innerText);
  ok(text.includes('Of course, we refund it today.'), 'the text is kept');

  await press(page, 'Send mine as well', { back: true });
  await page.getByRole('log').getByText('Of course, we refund it today.').waitFor();
  await eventually(async () => (await held.count()) === 0, 'the banner goes');
  await keepsFocus(page, 'sending all the same');
}
