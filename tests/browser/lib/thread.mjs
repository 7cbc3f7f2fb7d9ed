/** Steps that several journeys take in a conversation. */
import { eventually } from './expect.mjs';

/** The row of the list that shows a subject. */
export const row = (page, subject) => page.locator('a.row', { hasText: subject });

/** The text box of the composer; the plain one and the rich one carry the same name. */
export const answerBox = (page, kind = 'Reply to') =>
  page
    .getByRole('textbox', { name: new RegExp(`^${kind}`) })
    .locator('visible=true')
    .first();

/** Lets a mail come in and opens it from the list, where the newest stands first. */
export async function openMail(context, page, fields) {
  await context.mail(fields);
  await row(page, fields.subject).waitFor();
  await page.keyboard.press('j');
  await page.getByRole('heading', { name: fields.subject }).waitFor();
}

/** Writes into the composer as a person does: the key, then the words. */
export async function write(page, text, key = 'r') {
  await page.keyboard.press(key);
  const box = answerBox(page, key === 'n' ? 'Comment' : 'Reply to');
  await box.waitFor();
  await eventually(
    () => box.evaluate((element) => element === document.activeElement || element.contains(document.activeElement)),
    'the composer has the focus',
  );
  await page.keyboard.type(text);
}
