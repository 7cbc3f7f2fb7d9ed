/** Addresses that mean nothing, and conversations that are not there: said as such, with a way back. */
import { equal, eventually } from '../lib/expect.mjs';

export const name = 'nowhere';

export async function run(context) {
  const page = await context.signedIn({ path: '/nope' });
  for (const path of ['/nope', '/inbox/999999/conversation/7', '/inbox/all/x', '/inbox/in-999999']) {
    await page.goto(path);
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
    await eventually(async () => (await page.title()).includes('There is no such page'), `${path} has its title`);
  }
  await page.getByRole('link', { name: 'Go to the inbox' }).click();
  await page.waitForURL('**/inbox/all');
  await eventually(async () => !(await page.title()).includes('no such page'), 'the inbox has its own title');

  await page.goto('/inbox/all/999999');
  const thread = page.locator('section.thread');
  await thread.getByRole('heading', { name: 'There is no such conversation' }).waitFor();
  equal(await thread.locator('textarea, [contenteditable]').count(), 0, 'there is nothing to answer');
  await thread.getByRole('button', { name: 'Back to the list' }).click();
  await page.waitForURL('**/inbox/all');

  const polish = await context.signedIn({ path: '/inbox/all' });
  await polish.route('**/api/v1/me', async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), language: 'pl' } });
  });
  await polish.goto('/nope');
  await polish.getByRole('heading', { name: 'Nie ma takiej strony' }).waitFor();
  await polish.goto(`/search?q=${encodeURIComponent('łódź before:soon')}`);
  await polish.getByRole('alert').getByText('W „before:soon” nie ma daty.').waitFor();
}
