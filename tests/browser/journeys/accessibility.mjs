/** axe-core finds nothing to complain of on any screen, in either theme, wide or narrow; and nothing sticks out at any
 *  width, in either language. */
import { accessible, fits } from '../lib/axe.mjs';
import { Failure } from '../lib/expect.mjs';
import { atTheDoor, conversationOf, firstRun, ownConversation, states } from '../lib/states.mjs';
import { furnish, screens, settled } from '../lib/tour.mjs';

export const name = 'accessibility';

const OLA = { name: 'Ola Zięba', email: 'ola@tarnina.example', password: 'moss tower kiln wren' };
const MAIL = ['iframe'];

export async function run(context) {
  const faults = [];
  const note = (error, label) => faults.push(error instanceof Failure ? error.message : `${label}: ${error.message}`);
  const main = await furnish(context);
  if (!context.mock) await somewhereToMove(context);
  const own = {};
  for (const label of ['1440', '390', 'pl']) if (!context.mock) own[label] = await ownConversation(context, label);

  const all = async (label, width) => ({
    ...screens(main),
    ...(context.mock
      ? {}
      : states(context, { main, own: own[label], html: await conversationOf(context, 'Spring'), phone: width < 720 })),
  });
  const walk = async (page, list, label, look) => {
    for (const [name, open] of Object.entries(list)) {
      // One screen that does not open, or has a fault, must not hide those of the others.
      try {
        await open(page);
        await look(page, `${name} ${label}`);
      } catch (error) {
        note(error, `${name} ${label}`);
      }
    }
  };
  const both = (page, label) => inBothThemes(page, label, note);
  const wideAndNarrow = async (width) => {
    const stranger = await context.page({ width });
    if (!context.mock) await walk(stranger, atTheDoor, String(width), both);
    await walk(await context.signedIn({ width }), await all(String(width), width), String(width), both);
    if (!context.mock) await withoutServer(context, width, (page, label) => both(page, label));
  };
  const polish = async () => {
    await settledIn(context, OLA);
    const page = await context.signedIn({ person: OLA, width: 390, language: 'pl' });
    await walk(page, await all('pl', 390), '390 pl', (one, label) => settled(one).then(() => fits(one, label)));
  };
  const tablet = async () => {
    const page = await context.signedIn({ width: 1024 });
    await walk(page, screens(main), '1024', (one, label) => settled(one).then(() => fits(one, label)));
  };
  const walks = [wideAndNarrow(1440), wideAndNarrow(390)];
  if (!context.mock) walks.push(polish().then(tablet), beginning(context, both));
  await Promise.all(walks.map((one) => one.catch((error) => note(error, 'a walk'))));
  if (faults.length > 0) throw new Failure(faults.join('\n'));
}

/** All rules in the light theme; in the dark one those that colours decide. */
async function inBothThemes(page, label, note) {
  await settled(page);
  await accessible(page, `${label} light`, MAIL).catch((error) => note(error, label));
  await fits(page, label).catch((error) => note(error, label));
  // Nothing moves: a reader who wants no movement is what the browser is told of.
  await page.emulateMedia({ colorScheme: 'dark' });
  await accessible(page, `${label} dark`, MAIL, ['color-contrast', 'link-in-text-block']).catch((error) =>
    note(error, label),
  );
  await page.emulateMedia({ colorScheme: 'light' });
}

/** Somebody whose language is Polish and who may change everything. */
async function settledIn(context, person) {
  const api = await context.api();
  await api.post('/agents', { ...person, role: 'admin' });
  await (await context.api(person)).patch('/me', { language: 'pl' });
}

/** With one inbox alone there is nothing to choose from. */
async function somewhereToMove(context) {
  const api = await context.api();
  if ((await api.get('/inboxes')).items.length < 2)
    await api.post('/inboxes', { name: 'Sales', fallback_local_part: 'sales' });
}

async function withoutServer(context, width, look) {
  const wire = await context.wire();
  const page = await context.signedIn({ url: wire.url, width });
  await page.locator('a.row').first().waitFor();
  wire.cut();
  await page.locator('.banner.off').waitFor();
  await look(page, `no connection ${width}`);
}

/** The first run of a server of its own, at both widths of one window. */
async function beginning(context, look) {
  const server = await context.fresh();
  const page = await context.page({ url: server.url });
  await firstRun(server, page, async (label) => {
    await look(page, `${label} 1440`);
    await page.setViewportSize({ width: 390, height: 844 });
    await look(page, `${label} 390`);
    await page.setViewportSize({ width: 1440, height: 900 });
  });
}
