/** Every screen, for those who look at all of them. */
import { eventually } from './expect.mjs';

export const SUBJECT = 'Twelve tents for the school trip';

/** One conversation that shows every kind of message, made once. */
export async function furnish(context) {
  const api = await context.api();
  const found = (await api.get('/conversations?limit=100')).items.find((one) => one.subject === SUBJECT);
  if (found || context.mock) return found?.id ?? (await api.get('/conversations?limit=1')).items[0].id;
  await context.mail({
    from: 'szkola@lodz.example',
    name: 'Szkoła Podstawowa nr 3',
    subject: SUBJECT,
    text: 'Good morning,\nwe need twelve tents by 3 June.\n\nOn 2 May Ewa wrote:\n> We have ten.\n> Would that do?\n',
  });
  await context.mail({
    from: 'news@letters.example',
    name: 'Letters',
    subject: 'Spring on sale',
    html: '<body bgcolor="#ffeecc"><h1 style="color:#a00">Sale</h1><p>All tents.</p><img src="https://letters.example/x.png"></body>',
  });
  await context.mail({
    from: 'ola@kupiec.example',
    name: 'Ola Kupiec',
    subject: 'Pęknięty stelaż',
    text: 'Dzień dobry, stelaż pękł.',
  });
  const all = ['Twelve', 'Spring', 'Pęknięty'];
  const { id } = await eventually(async () => {
    const { items } = await api.get('/conversations?limit=100');
    const filed = all.every((word) => items.some((one) => one.subject.startsWith(word)));
    return filed && items.find((one) => one.subject === SUBJECT);
  }, 'the mails of the tour are filed');
  const post = (body) => api.post(`/conversations/${id}/messages`, { client_id: crypto.randomUUID(), ...body });
  await post({ kind: 'comment', text: 'They paid late last year.' });
  await post({ kind: 'reply', text: 'Twelve are put aside for you.' });
  await api.patch(`/conversations/${id}`, { tags: ['school'], assignee: (await api.get('/me')).agent.id });
  return id;
}

/** Screens by name; each is `open(page)`, from anywhere. */
export function screens(conversation) {
  const at = (path, ready) => async (page) => {
    await page.goto(path);
    await page.locator(ready).first().waitFor();
  };
  const thread = at(`/inbox/all/${conversation}`, '[role=log]');
  return {
    list: at('/inbox/all', 'a.row'),
    thread,
    empty: at('/inbox/trash', 'main'),
    comment: async (page) => {
      await thread(page);
      await page.keyboard.press('n');
      await page.keyboard.type('Ask accounts first.');
    },
    palette: async (page) => {
      await at('/inbox/all', 'a.row')(page);
      await page.keyboard.press('Control+k');
      await page.getByRole('dialog').first().waitFor();
    },
    help: async (page) => {
      await at('/inbox/all', 'a.row')(page);
      await page.keyboard.press('?');
      await page.getByRole('dialog').first().waitFor();
    },
    bulk: async (page) => {
      await at('/inbox/all', 'a.row')(page);
      await page.keyboard.press('j');
      await page.keyboard.press('x');
    },
    search: at('/search?q=tents', 'h1'),
    'search-empty': at('/search', 'h1'),
    new: at('/new', 'form'),
    profile: at('/settings/profile', 'h1'),
    appearance: at('/settings/appearance', 'h1'),
    inboxes: at('/settings/inboxes', 'h1'),
    channels: at('/settings/channels', 'h1'),
    filters: at('/settings/filters', 'h1'),
    queue: at('/settings/queue', 'h1'),
    people: at('/settings/people', 'h1'),
    person: async (page) => {
      await at('/settings/people', 'tbody button')(page);
      await page.locator('tbody button').first().click();
    },
    mail: at('/settings/mail', 'h1'),
    workspace: at('/settings/workspace', 'h1'),
    about: at('/settings/about', 'h1'),
  };
}

/** Waits until nothing on the page moves or loads. */
export async function settled(page) {
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
  await page.waitForTimeout(250);
}
