/** Search finds what has just come in, in word forms, without diacritics, and by operators; hits are marked. No
 *  mouse is needed. */
import { eventually, ok } from '../lib/expect.mjs';
import { tabTo } from '../lib/keys.mjs';

export const name = 'search';
export const real = true;

const results = (page) => page.getByRole('list', { name: 'Results' }).getByRole('listitem');

async function look(page, query) {
  await tabTo(page, 'Search everything');
  await page.keyboard.press('Control+a');
  // Once for the words, then for each operator of the last search.
  for (let times = 0; times < 4; times += 1) await page.keyboard.press('Backspace');
  await page.keyboard.type(query);
  await page.keyboard.press('Enter');
}

async function finds(page, query, subject, wanted = true) {
  await look(page, query);
  await eventually(
    async () => (await results(page).filter({ hasText: subject }).count()) > 0 === wanted,
    `“${query}” ${wanted ? 'finds' : 'leaves out'} “${subject}”`,
    8000,
  );
}

export async function run(context) {
  const stamp = Date.now();
  const tents = `Namioty dla szkoły ${stamp}`;
  const invoice = `Invoice for the boats ${stamp}`;
  await context.mail({
    from: 'szkola@lodz.example',
    name: 'Szkoła nr 3',
    subject: tents,
    text: 'Potrzebujemy dwunastu namiotów w Łodzi.',
  });
  await context.mail({
    from: 'accounts@harbour.example',
    name: 'Harbour',
    subject: invoice,
    text: 'We were covering the boats last week.',
  });

  const page = await context.signedIn({ mouse: false });
  await page.keyboard.press('/');
  await page.waitForURL('**/search');
  await finds(page, `namiot ${stamp}`, tents);
  await finds(page, `lodzi ${stamp}`, tents);
  await finds(page, `cover ${stamp}`, invoice);
  await finds(page, `from:harbour.example ${stamp}`, invoice);
  await finds(page, `from:harbour.example ${stamp}`, tents, false);
  await finds(page, `subject:invoice ${stamp}`, invoice);
  await look(page, `cover ${stamp}`);
  await results(page).filter({ hasText: invoice }).first().waitFor();
  ok(new URL(page.url()).searchParams.get('q').includes(`cover ${stamp}`), 'the query is in the address');
  await page.reload();
  await results(page).filter({ hasText: invoice }).first().waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: invoice }).waitFor();
}
