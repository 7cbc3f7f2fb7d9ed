/** A reply: who it goes to is shown, it waits to be taken back, and what leaves is what was written.
 *  All of it without a mouse. */
import { equal, eventually, ok } from '../lib/expect.mjs';
import { keepsFocus, press } from '../lib/keys.mjs';
import { answerBox, openMail, write } from '../lib/thread.mjs';

export const name = 'reply';

export async function run(context) {
  const page = await context.signedIn({ mouse: false });
  const subject = `Order 5512, ${Date.now()}`;
  await openMail(context, page, {
    from: 'jan@kupiec.example',
    name: 'Jan Kupiec',
    subject,
    text: 'Where is it?\n\n-- \nJan',
    id: `order-${Date.now()}@kupiec.example`,
  });

  await write(page, 'It left this morning.');
  ok(
    (await page.locator('form', { has: answerBox(page) }).innerText()).includes('Jan'),
    'the recipient stands above the text',
  );
  await page.keyboard.press('Control+Enter');
  const message = page.getByRole('log').getByText('It left this morning.');
  await message.waitFor();
  await page.getByText(/Sending in \d+ s/).waitFor();
  await press(page, 'Undo', { back: true });
  const text = () => answerBox(page).evaluate((element) => element.value ?? element.innerText);
  await eventually(async () => (await text()).includes('It left this morning.'), 'the text is back in the composer');
  if (!context.mock) equal(context.relay.to('jan@kupiec.example').length, 0, 'nothing has left');

  await keepsFocus(page, 'taking a reply back');
  await page.keyboard.press('r');
  await page.keyboard.press('Control+End');
  await page.keyboard.type(' Tracking follows.');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('log').getByText('It left this morning. Tracking follows.').waitFor();
  if (context.mock) return;
  await eventually(() => context.relay.to('jan@kupiec.example').length > 0, 'the mail leaves', 30000);
  const [mail] = context.relay.to('jan@kupiec.example');
  ok(/^In-Reply-To: <order-\d+@kupiec\.example>/im.test(mail.raw), 'it answers the mail it answers');
  ok(/^Subject: Re: Order 5512/im.test(mail.raw), 'and carries its subject');
  equal(context.relay.to('jan@kupiec.example').length, 1, 'it left once');
  await page.getByText(/^Delivered/).waitFor({ timeout: 10000 });

  context.relay.refusal = '550 5.1.1 no such person here';
  await write(page, 'And one more thing.');
  await page.keyboard.press('Control+Enter');
  await page
    .getByText(/Not delivered.*no such person here/)
    .first()
    .waitFor({ timeout: 30000 });
  await page.getByRole('button', { name: 'Try again' }).first().waitFor();

  await takenBackFromElsewhere(context, page);
}

/** A reply that this page did not send itself, with a file: undone here, its words and the file come back. */
async function takenBackFromElsewhere(context, page) {
  const api = await context.api();
  const conversation = Number(/(\d+)(?:[?#]|$)/.exec(page.url())[1]);
  const { attachment } = await api.upload('offer.txt', 'our best price');
  const said = { client_id: `other-${Date.now()}`, kind: 'reply', text: 'Our offer.', attachments: [attachment.id] };
  await api.post(`/conversations/${conversation}/messages`, said);
  await page.getByRole('log').getByText('Our offer.').waitFor();
  await page.getByRole('log').getByRole('button', { name: 'Undo' }).waitFor();
  await press(page, 'Undo', { back: true });
  const composer = page.locator('form', { has: answerBox(page) });
  await composer.getByText('offer.txt').waitFor();
  await eventually(async () => (await composer.innerText()).includes('Our offer.'), 'the words are back as well');
}
