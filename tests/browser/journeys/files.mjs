/** A stranger's file opened by its own address, as from a link in a chat: it is saved, or a picture; it never runs as ours. */
import { equal, eventually, ok, pause } from '../lib/expect.mjs';

export const name = 'files';
export const real = true;

const SCRIPT = 'alert(1);top.ran=1;new Image().src="CANARY/file"';
const HTML = `<!doctype html><body onload='${SCRIPT}'><script>${SCRIPT}</script><img src=CANARY/img></body>`;
const SVG = `<svg xmlns="http://www.w3.org/2000/svg" onload='${SCRIPT}'><script>${SCRIPT}</script><image href="CANARY/svg"/></svg>`;
const GIF =
  'GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;';

/** [name, what the sender calls it, its bytes, shown in the browser rather than saved] */
const FILES = [
  ['page.html', 'text/html', HTML],
  [
    'page.xhtml',
    'application/xhtml+xml',
    `<html xmlns="http://www.w3.org/1999/xhtml"><script>${SCRIPT}</script></html>`,
  ],
  ['picture.svg', 'image/svg+xml', SVG],
  ['picture.svgz', 'image/svg+xml', SVG],
  ['feed.xml', 'application/xml', `<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="CANARY/xsl"?>${SVG}`],
  ['archive.mhtml', 'multipart/related', `MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n${HTML}`],
  ['code.js', 'text/javascript', SCRIPT],
  ['style.css', 'text/css', '@import "CANARY/css";'],
  [
    'paper.pdf',
    'application/pdf',
    `%PDF-1.7\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(${SCRIPT})>>>>endobj\ntrailer<</Root 1 0 R>>`,
  ],
  ['app.wasm', 'application/wasm', '\0asm'],
  ['flash.swf', 'application/x-shockwave-flash', 'FWS'],
  ['plain.txt', 'text/plain', HTML],
  ['no-picture.png', 'image/png', HTML],
  ['line.html', 'text/html\r\n X-Injected: yes', HTML],
  ['page.html\u202egnp.', 'text/html; charset=utf-7', HTML],
  // Picture and page in one: it is a picture to whoever is told not to guess.
  ['both.html', 'text/html', `${GIF}${HTML}`, true],
  ['both.gif', 'image/gif', `GIF89a/*${' '.repeat(40)}*/=1;${SCRIPT}`, true],
];

export async function run(context) {
  const canary = await context.canary();
  const page = await context.signedIn();
  const rang = [];
  await page.exposeFunction('alert', (which) => rang.push(which));
  const attachments = await receive(context, canary);
  equal(attachments.length, FILES.length, 'every file is there');

  const profile = page.context();
  for (const [place, [wanted, , , shown]] of FILES.entries()) {
    const { id } = attachments[place];
    for (const path of [
      `/api/v1/attachments/${id}`,
      `/api/v1/attachments/${id}?download=0`,
      `/api/v1/attachments/${id}#x`,
    ]) {
      const answer = await page.request.get(path);
      const header = (which) => answer.headers()[which] ?? '';
      const label = `${wanted} (${header('content-type')}, ${header('content-disposition')})`;
      equal(answer.status(), 200, label);
      equal(header('x-content-type-options'), 'nosniff', label);
      ok(
        /^sandbox;/.test(header('content-security-policy')),
        `${label}: a page of its own: ${header('content-security-policy')}`,
      );
      ok(!/allow-/.test(header('content-security-policy')), `${label}: which may nothing`);
      ok(shown ? header('content-type') === 'image/gif' : header('content-type') === 'application/octet-stream', label);
      ok(shown || header('content-disposition').startsWith('attachment; filename="'), `${label}: is saved`);
      ok(!/[\r\n\u202e]/.test(header('content-disposition')) && !header('x-injected'), label);
    }
    await opened(profile, `/api/v1/attachments/${id}`, wanted, shown);
  }
  await embedded(page, attachments, rang);
  await pause(300);
  equal(rang, [], 'scripts that ran');
  equal(canary.hits, [], 'requests that reached the sender’s server');

  await everyAnswerIsGuarded(page);
  const stranger = await context.page();
  for (const { id } of attachments)
    equal((await stranger.request.get(`/api/v1/attachments/${id}`)).status(), 401, 'signed out');
  // The policy of our page speaks up about what it was asked to run, as it should.
  context.forgive(/attachments\/|Refused to display/);
}

/** Whatever answers, found or not, says what a page made of it may do. */
async function everyAnswerIsGuarded(page) {
  const paths = [
    '/',
    '/sign-in',
    '/set-up',
    '/inbox/all',
    '/settings/about',
    '/nowhere/at/all',
    '/assets/none.js',
    '/<script>',
  ];
  for (const path of [...paths, '/api/v1/none', '/api/v1/me', '/api/v1/attachments/999999999', '/healthz']) {
    const headers = (await page.request.get(path)).headers();
    const policy = headers['content-security-policy'] ?? '';
    ok(/default-src 'none'/.test(policy) && !/unsafe/.test(policy), `${path}: ${policy}`);
    ok(/^sandbox|frame-ancestors 'none'/.test(policy), `${path} can be framed: ${policy}`);
    equal(headers['x-content-type-options'], 'nosniff', path);
    ok(/no-referrer|same-origin/.test(headers['referrer-policy'] ?? ''), `${path}: ${headers['referrer-policy']}`);
  }
}

async function receive(context, canary) {
  const subject = `Files ${Date.now()}`;
  const word = (text) => `=?utf-8?B?${Buffer.from(text).toString('base64')}?=`;
  const bytes = (text) =>
    Buffer.from(text.replaceAll('CANARY', canary.url('f').slice(0, -2)), 'latin1').toString('base64');
  const parts = FILES.flatMap(([file, type, text]) => [
    '--b',
    `Content-Type: ${type}`,
    `Content-Disposition: attachment; filename="${word(file)}"`,
    'Content-Transfer-Encoding: base64',
    '',
    ...bytes(text).match(/.{1,76}/g),
  ]);
  const lines = [
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    '',
    'See files.',
    ...parts,
    '--b--',
  ];
  await context.mail({ from: 'files@evil.example', name: 'Files', subject, lines });
  const api = await context.api();
  const found = await eventually(async () => {
    const { items } = await api.get('/conversations?limit=50');
    return items.find((one) => one.subject === subject);
  }, 'the mail with files is filed');
  const { items } = await api.get(`/conversations/${found.id}/messages`);
  return items.find((one) => one.kind === 'inbound').attachments;
}

/** Goes there as if the address had been typed. */
async function opened(profile, path, label, shown) {
  const tab = await profile.newPage();
  const rang = [];
  tab.on('dialog', (dialog) => (rang.push(dialog.message()), dialog.dismiss()));
  const download = tab.waitForEvent('download', { timeout: 4000 }).catch(() => null);
  const answer = await tab.goto(path).catch((error) => error);
  if (shown) {
    equal(
      await tab.evaluate(() => [document.contentType, origin]),
      ['image/gif', 'null'],
      `${label}: a picture, and nobody’s page`,
    );
  } else {
    ok(answer instanceof Error && (await download), `${label}: is saved, not opened`);
    equal(await tab.evaluate(() => location.href), 'about:blank', `${label}: nothing was opened`);
  }
  equal(rang, [], `${label}: scripts that ran`);
  await tab.close();
}

/** Nor can our own page be brought to run one of them, as a script, a style or a frame. */
async function embedded(page, attachments, rang) {
  await page.evaluate(
    (ids) => {
      for (const id of ids) {
        for (const [tag, name] of [
          ['script', 'src'],
          ['iframe', 'src'],
          ['object', 'data'],
          ['embed', 'src'],
        ]) {
          const element = document.createElement(tag);
          element[name] = `/api/v1/attachments/${id}`;
          document.body.append(element);
        }
        document.head.append(
          Object.assign(document.createElement('link'), { rel: 'stylesheet', href: `/api/v1/attachments/${id}` }),
        );
      }
    },
    attachments.map((one) => one.id),
  );
  await pause(800);
  equal(rang, [], 'scripts that ran within our page');
  equal(await page.evaluate(() => window.ran ?? null), null, 'and left nothing');
}
