/** Addresses that pass for others: senders, links and heads of a mail that say one thing and mean another. */
import { equal } from '../lib/expect.mjs';
import { row } from '../lib/thread.mjs';

export const name = 'odd-address';
export const real = true;

const DOMAIN = 'xn--80ak6aa92e.com';

export async function run(context) {
  const page = await context.signedIn();
  const stamp = Date.now();
  const arrives = async (fields) => {
    await context.mail(fields);
    await row(page, fields.subject).click();
    await page.getByRole('heading', { name: fields.subject }).waitFor();
  };
  await arrives({
    from: `kontakt@${DOMAIN}`,
    name: 'Apple',
    subject: `Bill ${stamp}`,
    html:
      '<h1>Your bill</h1><p><a id="one" href="https://аррӏе.com/pay">Pay at apple.com</a></p>' +
      '<p style="font-size:0;color:white"><a href="https://bank.example@evil.example/">bank.example</a></p>' +
      '<p><a href="https://fell.example/">fell.example</a></p>',
  });
  const thread = page.locator('section.thread');
  await thread.getByText(`Written out, the address is kontakt@${DOMAIN}`).waitFor();
  await page.locator('aside.side').getByRole('img', { name: 'letters that can pass for others' }).waitFor();
  const notes = page.frameLocator('iframe').first().locator('.fd-target');
  await notes.first().waitFor();
  equal(
    (await notes.allTextContents()).map((text) => text.trim()),
    [`[${DOMAIN}]`, '[evil.example]'],
    'links that lead elsewhere are written out, others are not',
  );
  equal(await notes.last().evaluate((note) => getComputedStyle(note).fontSize), '12px', 'a mail cannot hide the note');

  await arrives({
    from: 'anna@fell.example',
    name: 'Anna Fell',
    subject: `Hidden ${stamp}`,
    text: 'Where does this go?',
    headers: ['Reply-To: =?utf-8?B?QW5uYQ==?= <supp\u043ert@fell.example>'],
  });
  await thread.getByText('letters that can pass for others: supp‹U+043E›rt@fell.example').waitFor();

  await arrives({
    from: 'ewa@tarnina.example',
    name: 'Ewa Lis',
    subject: `Colleague ${stamp}`,
    text: 'Pay this bill.',
  });
  await thread.getByText('The sender’s address is that of somebody of the team.').waitFor();
  await thread.getByRole('button', { name: 'Options for this message' }).last().click();
  await page.getByRole('menuitem', { name: 'Message details' }).click();
  const way = thread.locator('.facts li');
  await way.getByText(/^journey\.test .* → desk\.test$/).waitFor();
  await way.getByText('not encrypted').waitFor();
  equal(await way.count(), 1, 'steps of the way, as far as our own server knows them');
  equal(await thread.getByText('Written out').count(), 0, 'an ordinary address carries no mark');
}
