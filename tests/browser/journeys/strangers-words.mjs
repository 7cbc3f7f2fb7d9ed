/** Whatever a stranger may name – themselves, a subject, a file, a tag – is words wherever it is shown, never markup. */
import { TOMEK } from '../lib/context.mjs';
import { equal, eventually, ok, pause } from '../lib/expect.mjs';
import { row } from '../lib/thread.mjs';

export const name = 'strangers-words';
export const real = true;

const BAIT = '"\'><img src=x onerror=alert(1)><script>alert(1)</script>{{7*7}}${alert(1)}';
/** Names that programs trip over. */
const ODD = ['__proto__', 'constructor', 'toString'];

export async function run(context) {
  const stamp = String(Date.now()).slice(-7);
  const mark = (what) => `${what}${stamp}${BAIT}`;
  const page = await context.page();
  const rang = [];
  await page.exposeFunction('alert', (which) => rang.push(which));
  page.on('dialog', (dialog) => (rang.push(dialog.message()), dialog.dismiss()));

  const api = await context.api();
  const shown = { subject: mark('Subject'), who: mark('Name'), file: mark('File').replaceAll('/', '') };
  await api.post('/inboxes', { name: mark('Inbox'), fallback_local_part: `bait-${stamp}` });
  await send(context, shown, `bait-${stamp}@desk.test`, stamp);
  // It says that it comes through a list, and so it is set aside.
  const found = await eventually(
    async () =>
      (await api.get('/conversations?view=filtered&limit=50')).items.find((one) =>
        one.subject.startsWith(`Subject${stamp}`),
      ),
    'the mail is filed',
  );
  const id = found.id;
  await api.patch(`/conversations/${id}`, { tags: [mark('Tag').slice(0, 60), ...ODD], place: 'inbox' });

  await context.enter(page);
  // Everything in the address that a page might read into an object.
  await page.goto(`/inbox/all/${id}?__proto__[x]=1&constructor[prototype][x]=1&__proto__.x=1#__proto__[x]=1`);
  await page.getByRole('log').waitFor();
  const visible = async (what, label, where = page) =>
    eventually(
      async () => (await where.getByText(what, { exact: false }).count()) > 0,
      `${label} shows “${what}” as words`,
    );
  const bait = (what) => `${what}${stamp}"'><img src=x`;

  await visible(bait('Subject'), 'the thread');
  await visible(bait('Name'), 'the thread', page.getByRole('log'));
  await visible(`File${stamp}_'__img src=x`, 'the list of files');
  await visible(bait('Subject'), 'the list', row(page, `Subject${stamp}`));
  await visible(bait('Name'), 'the list', row(page, `Subject${stamp}`));
  await visible(bait('Tag'), 'the tags', page.locator('.thread'));
  await visible('__proto__', 'the tags', page.locator('.thread'));
  await visible(bait('Inbox'), 'the navigation');
  await harmless(page, rang, 'inbox');

  await page.getByRole('button', { name: 'Options for this message' }).click();
  await page.getByRole('menuitem', { name: 'Message details' }).click();
  await page.getByRole('log').locator('dl.facts').waitFor();
  const facts = await page.getByRole('log').locator('dl.facts').innerText();
  for (const part of [bait('Subject'), bait('Name'), 'onerror=alert(1)'])
    ok(facts.includes(part), `the details show ${part}: ${facts}`);
  await harmless(page, rang, 'details');

  await toastsAndPickers(page, id, bait, visible);
  await harmless(page, rang, 'toasts and pickers');
  await palette(page, stamp, bait, visible);
  await search(page, stamp, bait, visible);
  await harmless(page, rang, 'search');

  await page.goto('/settings/inboxes');
  await visible(bait('Inbox'), 'the settings');
  await context.signedIn({ person: TOMEK, path: `/inbox/all/${id}` });
  await pause(300);
  await harmless(page, rang, 'settings');
}

async function send(context, shown, to, stamp) {
  const quoted = (text) => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
  const word = (text) => `=?utf-8?B?${Buffer.from(text).toString('base64')}?=`;
  await context.mail({
    from: `stranger-${stamp}@evil.example`,
    to,
    subject: shown.subject,
    headers: [
      `Reply-To: "${quoted(shown.who)}" <r'{}${stamp}@evil.example>`,
      `Cc: "${quoted(`Copy${stamp}${BAIT}`)}" <c@evil.example>`,
      `X-Mailer: ${BAIT}`,
      `List-Id: ${BAIT}`,
      ...ODD.map((odd) => `${odd}: ${BAIT}`),
    ],
    name: word(shown.who),
    id: `id${stamp}<img/src=x/onerror=alert(1)>`.replace(/[<>]/g, '') + '@evil.example',
    lines: [
      'MIME-Version: 1.0',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      'Content-Type: text/plain; charset=utf-8',
      '',
      `Preview${stamp}${BAIT}`,
      '--b',
      `Content-Type: application/x-bait; name="${word(shown.file)}"`,
      `Content-Disposition: attachment; filename="${word(shown.file)}"`,
      '',
      'words',
      '--b--',
    ],
  });
}

/** No script ran, no element came from the words, no object has grown. */
async function harmless(page, rang, where) {
  equal(rang, [], `${where}: scripts that ran`);
  const state = await page.evaluate(() => ({
    odd: {}.x ?? null,
    images: [...document.querySelectorAll('img[src="x"], img[onerror], script:not([src])')].length,
    title: document.title,
  }));
  equal([state.odd, state.images], [null, 0], `${where}: what the words became`);
  ok(!/<|49|alert/.test(state.title), `${where}: the title is ours: ${state.title}`);
}

async function toastsAndPickers(page, id, bait, visible) {
  for (const [key, label] of [
    ['l', 'the picker of tags'],
    ['v', 'the picker of inboxes'],
  ]) {
    await page.keyboard.press(key);
    const dialog = page.getByRole('dialog').first();
    await dialog.waitFor();
    await visible(bait('Subject'), label, dialog);
    await page.keyboard.press('Escape');
    await eventually(async () => (await page.getByRole('dialog').count()) === 0, `${label} closes`);
  }
  await page.keyboard.press('e');
  await page.getByRole('button', { name: 'Undo' }).first().waitFor();
  await page.keyboard.press('z');
  await page.goto(`/inbox/all/${id}`);
  await page.getByRole('log').waitFor();
}

async function palette(page, stamp, bait, visible) {
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Search or jump to' }).fill(`Subject${stamp}`);
  await visible(bait('Subject'), 'the palette', page.getByRole('dialog'));
  await page.keyboard.press('Escape');
}

async function search(page, stamp, bait, visible) {
  await page.goto(`/search?q=${encodeURIComponent(`Preview${stamp}`)}&__proto__[x]=1`);
  const results = page.getByRole('list', { name: 'Results' });
  await eventually(
    async () => {
      if ((await results.count()) > 0 && (await results.getByRole('listitem').count()) > 0) return true;
      await page.reload();
      await pause(300);
      return false;
    },
    'search finds it',
    8000,
  );
  await visible(bait('Subject'), 'the results', results);
  await page.goto(`/search?q=${encodeURIComponent(BAIT)}`);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await pause(300);
}
