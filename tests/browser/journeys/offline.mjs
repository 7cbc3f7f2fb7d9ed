/** The wire is cut while mail keeps coming and a reply is written. Once mended, nothing is missing and nothing is
 *  twice. Nor is a mouse needed. */
import { equal, eventually, ok, pause } from '../lib/expect.mjs';
import { openMail, write } from '../lib/thread.mjs';

export const name = 'offline';
export const real = true;

const MAILS = 12;

export async function run(context) {
  const wire = await context.wire();
  const page = await context.signedIn({ url: wire.url, mouse: false });
  await page.evaluate(() => (window.untouched = true));
  const stamp = Date.now();
  await openMail(context, page, {
    from: 'kasia@tunel.example',
    name: 'Kasia',
    subject: `Before the tunnel ${stamp}`,
    text: 'Hello?',
  });

  wire.cut();
  for (let mail = 0; mail < MAILS; mail += 1) {
    await context.mail({
      from: `p${mail}@tunel.example`,
      name: `Passenger ${mail}`,
      subject: `In the tunnel ${stamp} no ${mail}.`,
      text: 'Are you there?',
    });
  }
  await page.getByText(/Connection lost/).waitFor({ timeout: 6000 });
  await write(page, 'Written in the tunnel.');
  await page.keyboard.press('Control+Enter');
  await page.getByText('Not sent yet, kept in this browser').waitFor();

  wire.mend();
  const rows = page.locator('a.row', { hasText: `In the tunnel ${stamp}` });
  await eventually(async () => (await rows.count()) === MAILS, `all ${MAILS} mails are in the list`, 20000);
  for (let mail = 0; mail < MAILS; mail += 1) {
    equal(
      await page.locator('a.row', { hasText: `In the tunnel ${stamp} no ${mail}.` }).count(),
      1,
      `mail ${mail} is there once`,
    );
  }
  await eventually(async () => (await page.getByText(/Connection lost/).count()) === 0, 'the banner goes');
  await eventually(
    async () => (await page.getByText('Not sent yet, kept in this browser').count()) === 0,
    'the reply is handed over',
  );
  ok(await page.evaluate(() => window.untouched), 'the page was never loaded again');

  const api = await context.api();
  const conversation = Number(/\/inbox\/[^/]+\/(\d+)/.exec(page.url())[1]);
  await pause(300);
  const { items } = await api.get(`/conversations/${conversation}/messages`);
  equal(
    items.filter((message) => message.text.includes('Written in the tunnel.')).length,
    1,
    'the reply is on the server once',
  );
  const open = await api.get('/conversations?state=open&place=inbox&limit=100');
  const unread = open.items.filter((one) => one.unread).length;
  await eventually(
    async () => (await page.title()).startsWith(`(${Math.min(unread, 99)}`),
    `the title counts the ${unread} unread`,
  );
}
