/** What screens look like while something is going on: writing, choosing, faults. Found by keys and marks of the page, so
 *  that they open in every language. */
import { TOMEK } from './context.mjs';
import { eventually, pause } from './expect.mjs';

const PICKERS = { snooze: 'h', assign: 's', tag: 'l', move: 'v' };

/** A conversation that one reader of all states has for itself: what it types must not reach another's draft. */
export async function ownConversation(context, label) {
  const api = await context.api();
  const subject = `Desk of ${label}`;
  const find = async () => (await api.get('/conversations?limit=100')).items.find((one) => one.subject === subject)?.id;
  await context.mail({
    from: `desk.${label}@kupiec.example`,
    name: `Wanda ${label}`,
    subject,
    text: 'Is it still there?',
  });
  return eventually(find, 'the mail is filed');
}

export async function conversationOf(context, subject) {
  const { items } = await (await context.api()).get('/conversations?limit=100');
  return items.find((one) => one.subject.startsWith(subject)).id;
}

async function writes(page, key, text) {
  await page.keyboard.press(key);
  await page.waitForFunction(() => document.activeElement?.matches('textarea, [contenteditable]'));
  await page.keyboard.press('Control+a');
  await page.keyboard.type(text);
}

/** Screens by name, as of the tour. `main` is what all look at, `own` what this one writes in, `html` a mail with pictures. */
export function states(context, { main, own, html, phone }) {
  const thread = async (page, id) => {
    await page.goto(`/inbox/all/${id}`);
    await page.locator('[role=log]').waitFor();
  };
  const at = (path, ready) => async (page) => {
    await page.goto(path);
    await page.locator(ready).first().waitFor();
  };
  const opened = (path, button) => async (page) => {
    await at(path, button)(page);
    await page.locator(button).first().click();
    await page.locator('main input, aside input').first().waitFor();
  };
  const menu = async (page) => {
    await thread(page, main);
    await page.locator('[role=log] .options button').first().click({ force: true });
    await page.getByRole('menuitem').first().waitFor();
  };
  const pickers = Object.entries(PICKERS).map(([name, key]) => [
    `picker of ${name}`,
    async (page) => {
      await thread(page, main);
      // What there is to choose from may still be on its way.
      await eventually(async () => {
        if ((await page.locator('dialog[open] [role=listbox]').count()) > 0) return true;
        await page.keyboard.press(key);
        await pause(150);
        return false;
      }, `the picker of ${name} opens`);
    },
  ]);
  const phoneOnly = {
    drawer: async (page) => {
      await at('/inbox/all', 'a.row')(page);
      await page.locator('.views-btn').click();
      await page.getByRole('dialog').waitFor();
    },
    'contact as a sheet': async (page) => {
      await thread(page, main);
      await page.keyboard.press(']');
      await page.locator('aside.side').waitFor();
    },
  };
  return {
    'mail with pictures': (page) => thread(page, html),
    'menu of a message': menu,
    'message details': async (page) => {
      await menu(page);
      await page.getByRole('menuitem').first().click();
      await page.locator('[role=log] dl').waitFor();
    },
    ...Object.fromEntries(pickers),
    ...(phone ? phoneOnly : {}),
    'search without results': at('/search?q=zzqqxx', 'h1'),
    'search of nonsense': at('/search?q=before%3Anever', 'h1'),
    'editor of an inbox': opened('/settings/inboxes', 'main li > .btn'),
    'new inbox with a fault': async (page) => {
      await opened('/settings/inboxes', 'main .btn-primary')(page);
      await page.locator('#inbox-fallback_local_part').fill('not an address');
      await page.keyboard.press('Enter');
      await page.locator('[aria-invalid=true]').first().waitFor();
    },
    'new person': opened('/settings/people', 'main .btn-primary'),
    nowhere: at('/settings/nowhere', 'main'),
    composer: async (page) => {
      await thread(page, own);
      await writes(page, 'r', 'It is, and put aside.');
      await page.locator('.comp-bar button[aria-pressed]').click();
      await page.locator('.comp-to button').click();
      await page.locator('.comp [role=toolbar]').waitFor();
    },
    'passing on': async (page) => {
      await thread(page, main);
      await page.keyboard.press('f');
      await page.locator('.fwd').waitFor();
    },
    'sending later': async (page) => {
      await thread(page, own);
      await writes(page, 'r', 'On Monday, then.');
      await page.locator('.btn-split .more').click();
      await page.locator('[role=menu]').waitFor();
    },
    'held reply': async (page) => {
      await thread(page, own);
      await writes(page, 'r', 'Of course.');
      const [text, tomek] = [`Sold this morning, ${Date.now()}.`, await context.api(TOMEK)];
      await tomek.post(`/conversations/${own}/messages`, { client_id: crypto.randomUUID(), kind: 'comment', text });
      await page.getByRole('log').getByText(text).waitFor();
      await page.keyboard.press('Control+Enter');
      await page.locator('.held').waitFor();
    },
    'other version': async (page) => {
      await thread(page, own);
      await writes(page, 'r', 'First words.');
      await page.keyboard.press('Control+Enter');
      const undo = page.getByRole('log').locator('.msg-f button').last();
      await undo.waitFor();
      await writes(page, 'r', 'Second words.');
      await undo.click();
      await page.locator('.thread .banner').waitFor();
    },
    toast: async (page) => {
      await thread(page, own);
      await page.keyboard.press('e');
      await page.locator('.toast').waitFor();
    },
  };
}

/** Signing in, as strangers see it; `page` is nobody's. */
export const atTheDoor = {
  'sign-in': async (page) => {
    await page.goto('/sign-in');
    await page.locator('#email:focus').waitFor();
  },
  'sign-in, nothing written': async (page) => {
    await page.keyboard.press('Enter');
    await page.locator('[aria-invalid=true]').first().waitFor();
  },
  'sign-in, wrong': async (page) => {
    await page.locator('#email').fill('nobody@tarnina.example');
    await page.locator('#password').fill('no such password');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
  },
};

/** The first run, step by step; looks at each with `look(label)`. */
export async function firstRun(server, page, look) {
  await page.goto(`${server.url}/set-up`);
  await page.getByRole('alert').waitFor();
  await look('set-up without its link');
  await page.goto('about:blank');
  await page.goto(await server.setupLink());
  await page.locator('#owner-name').waitFor();
  await look('set-up, owner');
  await page.keyboard.press('Enter');
  await page.locator('#owner-name[aria-invalid=true]').waitFor();
  await look('set-up, owner with faults');
  await page.locator('#owner-name').fill('Ewa Lis');
  await page.locator('#owner-email').fill('ewa@tarnina.example');
  await page.locator('#owner-password').fill('wren moss kiln tower');
  await page.keyboard.press('Enter');
  await page.locator('#company-workspace_name').waitFor();
  await look('set-up, company');
  await page.keyboard.press('Enter');
  await page.locator('[aria-invalid=true]').first().waitFor();
  await look('set-up, company with a fault');
  await page.locator('#company-workspace_name').fill('Tarnina');
  await page.keyboard.press('Enter');
  await page.locator('#inbox-inbox_name').waitFor();
  await look('set-up, inbox');
  await page.keyboard.press('Enter');
  await page.locator('.copy .code').waitFor();
  await look('set-up, address');
  await page.locator('main .btn-primary').click();
  await page.locator('li[aria-current=step] select').waitFor();
  await look('set-up, relay');
  await page.locator('li[aria-current=step] .btn-quiet.btn-lg').click();
  await page.waitForURL('**/inbox/all');
  await page.locator('.list .scroll').waitFor();
  await look('an inbox with nothing in it yet');
}
