/** Snoozed until they reply: said so in list and thread, and back with their next mail. */
import { equal, eventually } from '../lib/expect.mjs';
import { row } from '../lib/thread.mjs';

export const name = 'snooze';
export const real = true;

export async function run(context) {
  const subject = `Boat hire ${Date.now()}`;
  const lena = { from: 'lena@przystan.example', name: 'Lena Reda' };
  const id = `${crypto.randomUUID()}@przystan.example`;
  await context.mail({ ...lena, id, subject, text: 'Is the boat free in June?' });
  const page = await context.signedIn();
  await row(page, subject).click();
  const thread = page.locator('section.thread');
  await thread.getByText('Is the boat free in June?').first().waitFor();
  await page.keyboard.press('h');
  await page.getByRole('option', { name: /Until they reply/ }).click();
  await page.getByText('Snoozed until they reply').first().waitFor();
  await eventually(async () => (await row(page, subject).count()) === 0, 'it leaves the open ones');
  await thread.locator('.t-head').getByText('Snoozed until they reply').waitFor();
  await thread.getByRole('log').getByText('snoozed this until they reply').waitFor();

  await page.goto('/inbox/snoozed');
  await row(page, subject).getByText('until they reply').waitFor();
  const api = await context.api();
  const found = async () => (await api.get('/conversations?limit=50')).items.find((one) => one.subject === subject);
  const asleep = await found();
  equal([asleep.state, asleep.snoozed_until], ['snoozed', null], 'it sleeps without a time');

  const url = `/conversations/${asleep.id}/messages`;
  await api.post(url, { client_id: crypto.randomUUID(), kind: 'reply', text: 'From the tenth on. When do you come?' });
  equal((await found()).state, 'snoozed', 'our own reply wakes nothing');
  await context.mail({ ...lena, subject: `Re: ${subject}`, references: [id], text: 'On the twelfth.' });
  await eventually(async () => (await found()).state === 'open', 'their reply brings it back');
  await eventually(async () => (await row(page, subject).count()) === 0, 'it leaves the snoozed ones');
  await page.goto('/inbox/all');
  await row(page, subject).waitFor();
}
