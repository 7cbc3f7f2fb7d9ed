/** Every known trick of hostile mail, sent by a stranger, read in the browser and answered: the letter can be read, and
 *  that is all that happens. */
import { equal, eventually, Failure, ok, pause } from '../lib/expect.mjs';
import { survey } from '../lib/survey.mjs';
import { letter, mailOf, page as pageOf, vectors } from '../lib/vectors.mjs';

export const name = 'vectors';
export const real = true;

/** Mails of one conversation: few enough that all are there when it opens. */
const TOGETHER = 12;
const sender = (at) => `mallory${at}@evil.example`;

export async function run(context) {
  const canary = await context.canary();
  const all = vectors().map((vector, at) => ({ vector, at }));
  const threads = [];
  for (let from = 0; from < all.length; from += TOGETHER) threads.push(all.slice(from, from + TOGETHER));
  const api = await context.api();
  const [rows] = await Promise.all([deliver(context, api, canary, threads), theyDoHarmElsewhere(context, all)]);

  // Two readers at once, for the time it takes.
  const told = { faults: [], abroad: [], rang: [] };
  const places = [...threads.keys()];
  await Promise.all(
    [0, 1].map(async (reader) => {
      const page = await context.page();
      await listen(page, told.rang);
      strangers(page, told.abroad);
      await context.enter(page);
      for (const place of places.filter((one) => one % 2 === reader)) {
        await read(page, api, rows[place], threads[place]).catch((error) => told.faults.push(error.message));
      }
      await pause(500);
    }),
  );
  equal(told.faults, [], 'faults');
  equal(canary.hits, [], 'requests that reached the sender’s server');
  equal(told.abroad, [], 'requests that left our origin, and pages that were left');
  equal(told.rang, [], 'scripts that ran');
  await whatLeftIsHarmless(context, canary, threads);
}

/** Sends every mail, and an answer to each conversation; gives the conversations. */
async function deliver(context, api, canary, threads) {
  await Promise.all([...threads.entries()].map(([number, thread]) => send(context, canary, thread, number)));
  const rows = await filed(api, threads.length);
  await Promise.all([...threads.entries()].map(([number, thread]) => answer(api, rows[number], thread, canary)));
  return rows;
}

/** Tells of every script that runs, in the page or in any frame of it. */
async function listen(page, rang) {
  // Two readers tell into one list.
  const trial = `tried ${Math.random()}`;
  await page.exposeFunction('alert', (which) => rang.push(which));
  page.on('dialog', (dialog) => (rang.push(dialog.message()), dialog.dismiss()));
  await page.evaluate((which) => alert(which), trial);
  equal(rang.filter((which) => which === trial).length, 1, 'a script that runs is heard of');
  rang.splice(rang.indexOf(trial), 1);
}

/** Requests and frames that go anywhere but to us. */
function strangers(page, found) {
  const ours = (url) => !/^(https?|wss?|ftp):/.test(url) || new URL(url).host === new URL(page.url()).host;
  page.on('request', (request) => page.url().startsWith('http') && !ours(request.url()) && found.push(request.url()));
  page.on('popup', (popup) => found.push(`popup ${popup.url()}`));
  page.on('framenavigated', (frame) => {
    if (frame !== page.mainFrame() && !/^about:/.test(frame.url())) found.push(`frame ${frame.url()}`);
  });
}

/** Pages side by side as a program shows them that defends nothing; it notes which scripts ran. */
function naked(pages) {
  const listening = '<script>window.alert = (which) => top.rang.push(which)</script>';
  const frames = pages.map((html) => `${listening}${html}`.replaceAll('&', '&amp;').replaceAll('"', '&quot;'));
  return `<!doctype html><script>window.rang = []</script>${frames.map((html) => `<iframe srcdoc="${html}"></iframe>`).join('')}`;
}

/** In a page that does not defend itself the tricks work: else what follows would prove nothing. Some say so
 *  for all: others bring the browser itself down. */
async function theyDoHarmElsewhere(context, all) {
  const canary = await context.canary();
  const page = await context.page();
  const shown = all.filter(({ vector }) => /^C[12]$/.test(vector.row));
  const html = naked(shown.map(({ vector, at }) => pageOf(vector, at, canary)));
  await page.goto(canary.serve('naked', html), { waitUntil: 'commit' });
  const told = () => new Set(canary.hits.map((hit) => /v(\d+)/.exec(hit)?.[1])).size;
  const ran = () => page.evaluate(() => new Set(window.rang).size);
  await eventually(async () => (await ran()) >= 15 && told() >= 5, 'unprotected, the tricks run and call home', 15000);
  await page.context().close();
  context.forgive(/./);
}

async function send(context, canary, thread, number) {
  const ids = [];
  for (const { vector, at } of thread) {
    const id = `v${at}-${Date.now()}@evil.example`;
    const subject = `Thread ${number} of tricks`;
    const mail = mailOf(vector, at, canary);
    await context.mail({
      from: sender(number),
      name: `Mallory ${number}`,
      subject,
      id,
      references: ids.slice(0, 1),
      ...mail,
    });
    ids.push(id);
  }
}

/** The conversations in the order they were sent. */
async function filed(api, wanted) {
  const ours = async () => {
    const { items } = await api.get('/conversations?limit=200');
    return items.filter((row) => /^Thread \d+ of tricks$/.test(row.subject));
  };
  const rows = await eventually(
    async () => {
      const found = await ours();
      return (
        found.length === wanted && (await api.get(`/conversations/${found[0].id}/messages`)).items.length > 0 && found
      );
    },
    'the mails are filed',
    30000,
  );
  return rows.sort((a, b) => Number(/\d+/.exec(a.subject)) - Number(/\d+/.exec(b.subject))).map((row) => row.id);
}

/** What an agent pastes is a stranger's as well: into a comment that the team sees, into a reply that leaves. */
async function answer(api, conversation, thread, canary) {
  const pages = thread.filter(({ vector }) => vector.html && !vector.times);
  for (const kind of pages.length ? ['comment', 'reply'] : []) {
    const html = pages.map(({ vector, at }) => `<div>${pageOf(vector, at, canary)}</div>`).join('\n');
    await api.post(`/conversations/${conversation}/messages`, {
      client_id: crypto.randomUUID(),
      kind,
      html: `<p>Ours</p>${html}`,
    });
  }
}

async function read(page, api, conversation, thread) {
  const messages = await eventually(async () => {
    const { items } = await api.get(`/conversations/${conversation}/messages?limit=100`);
    const mails = items.filter((item) => item.kind === 'inbound');
    return mails.length === thread.length && items;
  }, `${thread.length} mails are in conversation ${conversation}`);
  await page.goto(`/inbox/all/${conversation}`);
  await page.getByRole('log').waitFor();
  const mails = messages.filter((item) => item.kind === 'inbound');
  const faults = [];
  for (const [place, { vector, at }] of thread.entries()) {
    const label = `${vector.row} ${vector.name}`;
    const find = () => page.evaluate(survey, [mails[place].id, letter(at)]);
    const seen = await eventually(async () => {
      const found = await find();
      return found?.read && found.pictures >= (vector.pictures ?? 0) && found;
    }, label).catch(
      async (error) => (faults.push(`${label}: ${error.message}: ${JSON.stringify(await find())}`), null),
    );
    if (!seen) continue;
    if (seen.faults.length) faults.push(`${label}: ${seen.faults.join(', ')}`);
    if (vector.pictures !== undefined && seen.pictures !== vector.pictures)
      faults.push(`${label}: ${seen.pictures} pictures`);
    const flat = (text) => text.replace(/\s+/g, ' ').trim();
    if (vector.shown && !flat(seen.text).includes(flat(vector.shown.replaceAll('alert(1)', `alert(${at})`))))
      faults.push(`${label}: shown as ${seen.text}`);
    if (vector.html && mails[place].html && !seen.framed) faults.push(`${label}: not in its frame`);
  }
  for (const { id, kind } of messages.filter((item) => item.kind === 'comment' || item.kind === 'outbound')) {
    const shown = await page
      .locator(`#message-${id}`)
      .evaluate((element) =>
        [...element.querySelectorAll('*')]
          .filter((one) =>
            one.matches(
              'script, style, form, input, textarea, select, object, embed, img[src], [onerror], [onload], a[href^="javascript:" i]',
            ),
          )
          .map((one) => one.outerHTML.slice(0, 80)),
      );
    if (shown.length) faults.push(`${kind}: ${shown.join(' ')}`);
  }
  await unharmed(page, conversation, faults);
  if (faults.length) throw new Failure(faults.join('\n'));
}

/** The page around the mails is as it always is. */
async function unharmed(page, conversation, faults) {
  const [state, frames] = await Promise.all([
    page.evaluate(() => ({
      title: document.title,
      at: location.pathname,
      odd: {}.x ?? window.ran ?? null,
      scrolls: document.documentElement.scrollWidth > innerWidth,
      over: document.elementFromPoint(300, 300)?.closest('iframe, .msg') !== null,
      body: getComputedStyle(document.body).display,
    })),
    page
      .frames()
      .slice(1)
      .map((frame) => frame.url()),
  ]);
  ok(!/ran|alert/.test(state.title), state.title);
  const wanted = {
    title: state.title,
    at: `/inbox/all/${conversation}`,
    odd: null,
    scrolls: false,
    over: false,
    body: 'block',
  };
  for (const key of Object.keys(wanted))
    if (state[key] !== wanted[key]) faults.push(`the page’s ${key} is ${state[key]}`);
  for (const url of frames) if (url !== 'about:srcdoc') faults.push(`a frame of ${url}`);
}

/** Replies quote what a stranger wrote. Whoever reads them with a program that defends nothing is not harmed by us. */
async function whatLeftIsHarmless(context, canary, threads) {
  const numbers = threads.flatMap((thread, number) =>
    thread.some(({ vector }) => vector.html && !vector.times) ? [number] : [],
  );
  const sent = (number) => context.relay.to(sender(number))[0];
  await eventually(() => numbers.every(sent), 'the replies leave', 40000);
  const page = await context.page();
  const html = numbers.map((number) => htmlOf(sent(number).raw));
  ok(
    html.every((one) => one.includes('Ours')),
    'the replies say what was written',
  );
  await page.goto(canary.serve('sent', naked(html)));
  await pause(700);
  equal(canary.hits, [], 'requests of the mails we sent');
  equal(await page.evaluate(() => window.rang), [], 'scripts of the mails we sent');
}

/** The page of a mail of ours. */
function htmlOf(raw) {
  const part = raw.split(/\r?\n--/).find((one) => /^content-type: text\/html/im.test(one));
  const [head, ...rest] = part.split(/\r?\n\r?\n/);
  const body = rest.join('\n\n');
  if (/base64/i.test(head)) return Buffer.from(body, 'base64').toString();
  if (!/quoted-printable/i.test(head)) return body;
  const bytes = body
    .replace(/=\r?\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString();
}
