/** A morning's work without a mouse: read, answer, comment, close, take back, go elsewhere, look up the keys. */
import { EWA } from '../lib/context.mjs';
import { equal, eventually, ok } from '../lib/expect.mjs';
import { tabTo } from '../lib/keys.mjs';
import { answerBox, row, write } from '../lib/thread.mjs';

export const name = 'keyboard';

export async function run(context) {
  const page = await context.page({ mouse: false });
  const stamp = Date.now();
  for (const at of [1, 2, 3]) {
    await context.mail({
      from: `key${at}@klawisz.example`,
      name: `Key ${at}`,
      subject: `Key ${at} of ${stamp}`,
      text: `Text ${at} of ${stamp}`,
    });
  }
  await page.goto('/sign-in');
  await page.locator('#email:focus').waitFor();
  await page.keyboard.type(EWA.email);
  await tabTo(page, 'Password');
  await page.keyboard.type(EWA.password);
  await page.keyboard.press('Enter');
  await row(page, `Key 3 of ${stamp}`).waitFor();

  await page.keyboard.press('j');
  await eventually(() => page.url().match(/\/inbox\/all\/\d+/), 'j opens the first conversation');
  await page.getByText(`Text 3 of ${stamp}`).first().waitFor();
  await page.keyboard.press('j');
  await page.getByRole('heading', { name: `Key 2 of ${stamp}` }).waitFor();
  await page.keyboard.press('k');
  await page.getByRole('heading', { name: `Key 3 of ${stamp}` }).waitFor();

  await write(page, 'jjj eee', 'n');
  equal(await page.getByRole('heading', { name: `Key 3 of ${stamp}` }).count(), 1, 'single keys rest while one writes');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('log').getByText('jjj eee').waitFor();
  await page.keyboard.press('Escape');
  await eventually(
    async () =>
      !(await answerBox(page, 'Comment').evaluate(
        (box) => box === document.activeElement || box.contains(document.activeElement),
      )),
    'Esc leaves the text',
  );

  await page.keyboard.press('e');
  await eventually(async () => (await row(page, `Key 3 of ${stamp}`).count()) === 0, 'e closes: the row goes');
  await page.keyboard.press('z');
  await row(page, `Key 3 of ${stamp}`).waitFor();

  await page.keyboard.press('?');
  const help = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await help.waitFor();
  await listed(help);
  await page.keyboard.press('Escape');
  await eventually(async () => (await help.count()) === 0, 'Esc closes the help');

  await page.keyboard.press('Control+k');
  const palette = page.getByRole('combobox', { name: 'Search or jump to' });
  await palette.waitFor();
  await page.keyboard.type('appear');
  await page.keyboard.press('Escape');

  await fresh(page, stamp);

  await page.keyboard.press('g');
  await page.keyboard.press('m');
  await page.waitForURL('**/inbox/mine**');
  await page.keyboard.press('g');
  await page.keyboard.press('s');
  await page.waitForURL('**/settings/**');
  ok((await page.getByRole('heading', { level: 1 }).innerText()) === 'My profile', 'g s opens the settings');
}

/** Every key one needs is on the sheet, also where nothing is open and nothing can be written. */
async function listed(help) {
  const lines = (await help.getByRole('term').allInnerTexts()).map((text) => text.trim());
  const keys = await help
    .locator('dd')
    .evaluateAll((all) => all.map((one) => [...one.children].map((key) => key.textContent)));
  const line = (name) => keys[lines.indexOf(name)];
  equal(line('Reply'), ['R'], 'R is listed');
  equal(line('Reply to all'), ['A'], 'A is listed');
  equal(line('Write a comment'), ['N'], 'N is listed');
  equal(line('Send'), ['Ctrl ⏎'], 'Ctrl+Enter is listed');
  equal(line('Next conversation'), ['J', '↓'], 'arrows are listed');
  equal(line('Open'), ['O', '⏎'], 'Enter is listed');
}

/** A page just loaded has the focus nowhere: arrows walk the list all the same, and stay out of a text. */
async function fresh(page, stamp) {
  await page.goto('/inbox/all');
  await row(page, `Key 3 of ${stamp}`).waitFor();
  await page.keyboard.press('?');
  const help = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await help.waitFor();
  await listed(help);
  await page.keyboard.press('Escape');
  await eventually(async () => (await help.count()) === 0, 'Esc closes the help');
  await page.evaluate(() => document.activeElement?.blur?.());
  await page.keyboard.press('ArrowDown');
  await page.getByRole('heading', { name: `Key 3 of ${stamp}` }).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.getByRole('heading', { name: `Key 2 of ${stamp}` }).waitFor();
  await page.keyboard.press('ArrowUp');
  await page.getByRole('heading', { name: `Key 3 of ${stamp}` }).waitFor();
  await page.keyboard.press('o');
  await page.keyboard.press('ArrowDown');
  equal(
    await page.getByRole('heading', { name: `Key 3 of ${stamp}` }).count(),
    1,
    'arrows scroll a text that has the focus',
  );
}
