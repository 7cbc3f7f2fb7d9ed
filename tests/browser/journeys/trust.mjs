/** Whether a mail is from whom it says it is: shown with it, changed as it is found out, told in full on request. */
import { accessible, fits } from '../lib/axe.mjs';
import { EWA } from '../lib/context.mjs';
import { Dns } from '../lib/dns.mjs';
import { eventually, ok } from '../lib/expect.mjs';
import { compose, deliver } from '../lib/smtp.mjs';

export const name = 'trust';
export const real = true;

export async function run(context) {
  const dns = await new Dns().start();
  try {
    await journey(context, dns);
  } finally {
    dns.stop();
  }
}

async function journey(context, dns) {
  const server = await context.fresh({ FRONTDESK_DNS__SERVERS: `127.0.0.1:${dns.port}` });
  const page = await context.page({ url: server.url });
  const headers = { origin: server.url };
  const token = new URL(await server.setupLink()).hash.slice(1).replace(/^token=/, '');
  const data = { ...EWA, token, workspace_name: 'Tarnina', inbox_name: 'Office', language: 'en' };
  ok((await page.request.post(`${server.url}/api/v1/setup`, { data, headers })).ok(), 'set-up is done');
  const get = async (path) => (await page.request.get(`${server.url}/api/v1${path}`)).json();
  const to = (await get('/inboxes')).items[0].fallback_address;

  dns.add('honest.example', 'TXT', 'v=spf1 ip4:127.0.0.1 -all');
  dns.add('bank.example', 'TXT', 'v=spf1 -all').add('_dmarc.bank.example', 'TXT', 'v=DMARC1; p=reject');
  dns.add('slow.example', 'TXT', 'v=spf1 ip4:127.0.0.1 -all');
  dns.silent('slow.example', true);
  /** A mail arrives; the page shows its thread. */
  const receive = async (domain, subject) => {
    const from = `anna@${domain}`;
    await deliver(server.smtp, { from, to, raw: compose({ from, name: 'Anna', to, subject, text: 'Words' }) });
    const found = await eventually(async () => {
      const places = await Promise.all(['inbox', 'spam'].map((place) => get(`/conversations?place=${place}`)));
      return places.flatMap((list) => list.items).find((one) => one.subject === subject);
    }, `${subject} is filed`);
    await page.goto(`${server.url}/inbox/${found.place === 'spam' ? 'spam' : 'all'}/${found.id}`);
    await page.getByRole('heading', { level: 1, name: subject }).waitFor();
  };
  const badge = (verdict) => page.getByRole('log').locator(`[data-verdict=${verdict}]`);
  const facts = async () => {
    await page.getByRole('log').getByRole('article').hover();
    await page.getByRole('button', { name: 'Options for this message' }).click();
    await page.getByRole('menuitem', { name: 'Message details' }).click();
    const list = page.getByRole('log').locator('dl.facts');
    await list.waitFor();
    return list.innerText();
  };

  await receive('slow.example', 'Slow');
  await badge('checking').waitFor();
  await accessible(page, 'a sender that is being checked');
  dns.silent('slow.example', false);
  await badge('pass').waitFor({ timeout: 15_000 });

  await receive('honest.example', 'Honest');
  await badge('pass').waitFor();
  let told = await facts();
  for (const part of ['Sent by a server of honest.example', 'Not signed', 'honest.example publishes no policy'])
    ok(told.includes(part), `the facts say ${part}: ${told}`);
  await accessible(page, 'a verified mail with its facts');

  await receive('quiet.example', 'Quiet');
  await badge('none').getByText('Not verified').waitFor();

  await receive('bank.example', 'Forged');
  await badge('fail').getByText('Not from who it says it is').waitFor();
  await page.getByText('This mail does not come from bank.example').waitFor();
  await page.getByText('Put here by Frontdesk').waitFor();
  told = await facts();
  ok(told.includes('which asks to refuse such mail'), `the facts say what is asked for: ${told}`);
  await accessible(page, 'a forged mail');
  if (context.screens) await page.screenshot({ path: `${context.screens}/trust-forged.png` });
  await page.setViewportSize({ width: 390, height: 844 });
  await page.reload();
  await badge('fail').waitFor();
  await fits(page, 'a forged mail on a phone');
  await accessible(page, 'a forged mail on a phone');
  if (context.screens) await page.screenshot({ path: `${context.screens}/trust-forged-390.png` });
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.reload();

  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Move to the inbox' }).click();
  await eventually(
    async () => (await page.getByText('Put here by Frontdesk').count()) === 0,
    'what was brought back has no reason any more',
  );
}
