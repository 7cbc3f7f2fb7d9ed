/** An address of one's own: added, its records published and seen, mail to it answered under it, and what waits. */
import { accessible, fits } from '../lib/axe.mjs';
import { EWA } from '../lib/context.mjs';
import { Dns } from '../lib/dns.mjs';
import { eventually, ok } from '../lib/expect.mjs';
import { compose, deliver } from '../lib/smtp.mjs';

export const name = 'channels';
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
  const server = await context.fresh({
    FRONTDESK_DNS__SERVERS: `127.0.0.1:${dns.port}`,
    FRONTDESK_DELIVERY__PRIVATE_NETWORKS: '127.0.0.0/8',
  });
  const page = await context.page({ url: server.url });
  const api = page.request;
  const headers = { origin: server.url };
  const token = new URL(await server.setupLink()).hash.slice(1).replace(/^token=/, '');
  const data = {
    ...EWA,
    token,
    workspace_name: 'Tarnina',
    inbox_name: 'Office',
    language: 'en',
  };
  ok((await api.post(`${server.url}/api/v1/setup`, { data, headers })).ok(), 'set-up is done');

  await page.goto(`${server.url}/settings/channels`);
  await page.getByRole('heading', { name: 'No address of your own yet' }).waitFor();
  await accessible(page, 'no address yet');
  await page.getByRole('button', { name: 'New address' }).click();
  await page.getByLabel('Address', { exact: true }).fill('no address');
  await page.getByRole('button', { name: 'Add the address' }).click();
  await page.locator('#channel-address[aria-invalid=true]').waitFor();
  await page.getByLabel('Address', { exact: true }).fill('help@tarnina.example');
  await accessible(page, 'a new address');
  await page.getByRole('button', { name: 'Add the address' }).click();
  await page.getByRole('heading', { level: 1, name: 'help@tarnina.example' }).waitFor();
  await records(page, api, server, dns);
  await settings(page);
  await answered(page, server, dns);
  await filtered(page, server);
  await automatic(page, server);
  await mailbox(page, server);
}

/** A mailbox elsewhere is tried before it is set, and says what is wrong with it. */
async function mailbox(page, server) {
  await page.goto(`${server.url}/settings/channels`);
  await page.getByRole('button', { name: 'New address' }).click();
  await page.getByLabel('Address', { exact: true }).fill('office@tarnina.example');
  await page.getByLabel('How mail comes in').selectOption('imap');
  await page.getByRole('button', { name: 'Try it' }).click();
  await page.locator('#channel-mailbox-host[aria-invalid=true]').waitFor();
  await page.getByLabel('Server', { exact: true }).fill('127.0.0.1');
  await page.getByLabel('Encryption').selectOption('starttls');
  ok((await page.getByLabel('Port', { exact: true }).inputValue()) === '143', 'the port follows the encryption');
  await page.getByLabel('User name').fill('office');
  await page.getByLabel('Password or token', { exact: true }).fill('wort-und-tat');
  await page.getByRole('button', { name: 'Try it' }).click();
  await page.getByText('The server cannot be reached', { exact: true }).waitFor();
  await accessible(page, 'a mailbox that was tried');
  await page.getByRole('button', { name: 'Add the address' }).click();
  await page.getByRole('heading', { level: 1, name: 'office@tarnina.example' }).waitFor();
  await page.getByRole('button', { name: 'Save the mailbox' }).waitFor();
  const kept = await page.getByLabel('Password or token', { exact: true }).inputValue();
  ok(kept === '', 'the password is not shown again');
  await fits(page, 'an address with a mailbox');
}

/** What is missing is shown with the record to add, and seen once it is there. */
async function records(page, api, server, dns) {
  const verdicts = (word) => page.getByRole('main').getByText(word, { exact: true });
  await verdicts('Missing').first().waitFor();
  ok((await page.getByText('v=DKIM1; k=rsa;').count()) === 1, 'the key to publish is shown');
  await accessible(page, 'an address with its records');
  const domains = (await (await api.get(`${server.url}/api/v1/domains`)).json()).items;
  const domain = domains.find((one) => one.name === 'tarnina.example');
  const host = domains.find((one) => one.is_hostname).name;
  for (const key of domain.keys) dns.add(key.record_name, 'TXT', key.record_value);
  dns.add(host, 'A', '192.0.2.7').add('tarnina.example', 'MX', `10 ${host}`);
  dns.add('tarnina.example', 'TXT', `v=spf1 a:${host} -all`).add('_dmarc.tarnina.example', 'TXT', 'v=DMARC1; p=reject');
  await eventually(async () => {
    await page.getByRole('button', { name: 'Look now' }).click();
    await page.getByRole('button', { name: 'Look now' }).waitFor();
    return (await verdicts('Passes').count()) >= 6;
  }, 'published records pass');
  const told = await page.getByRole('main').innerText();
  ok(told.includes('The address has no name.'), `what is still missing is told: ${told}`);
  await page.setViewportSize({ width: 390, height: 844 });
  await fits(page, 'an address on a phone');
  await page.setViewportSize({ width: 1440, height: 900 });
}

async function settings(page) {
  await page.getByLabel('Shown name').selectOption({ label: 'Tarnina' });
  await page.getByLabel('Signature').fill('Tarnina\nul. Leśna 4');
  await page.getByLabel('Copy to', { exact: true }).fill('archive@tarnina.example, nobody');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('[aria-invalid=true]').first().waitFor();
  await page.getByLabel('Copy to', { exact: true }).fill('archive@tarnina.example');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Not saved').waitFor({ state: 'detached' });
  await page.reload();
  await page.getByRole('button', { name: 'Set up help@tarnina.example' }).click();
  const kept = await page.getByLabel('Signature').inputValue();
  ok(kept === 'Tarnina\nul. Leśna 4', `the signature is kept: ${kept}`);
}

/** Mail to the address is answered under it; what cannot leave is seen in the queue and can be taken back. */
async function answered(page, server, dns) {
  dns.add('fell.example', 'MX', '10 mx.fell.example').add('mx.fell.example', 'A', '127.66.0.2');
  const mail = {
    from: 'o@fell.example',
    name: 'Oliver',
    to: 'help@tarnina.example',
    subject: 'Tent',
    text: 'Where is it?',
  };
  await deliver(server.smtp, {
    from: mail.from,
    to: mail.to,
    raw: compose(mail),
  });
  await page.goto(`${server.url}/inbox/all`);
  await page.getByRole('link', { name: /Tent/ }).first().click();
  await page.getByText('Where is it?').first().waitFor();
  await page.keyboard.press('r');
  await page.getByText('help@tarnina.example').first().waitFor();
  await page.keyboard.type('On its way.');
  const said = page.waitForResponse((one) => one.request().method() === 'POST' && one.url().endsWith('/messages'));
  await page.keyboard.press('Control+Enter');
  ok((await said).status() === 201, 'the reply is taken');
  await page.goto(`${server.url}/settings/queue`);
  await page.getByRole('link', { name: /Tent/ }).waitFor();
  await eventually(
    async () => (await page.getByText('mx.fell.example [127.66.0.2]').count()) > 0,
    'why it waits is told',
    40_000,
  );
  await accessible(page, 'the queue');
  await page.setViewportSize({ width: 390, height: 844 });
  await fits(page, 'the queue on a phone');
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.getByRole('button', { name: 'Take back' }).click();
  await page.getByText('Nothing waits.').waitFor();
}

/** What is set aside says why and comes back by one key; who is blocked is kept out until the list says otherwise. */
async function filtered(page, server) {
  const mail = { from: 'news@shop.example', to: 'help@tarnina.example', subject: 'Sale', text: 'Everything must go' };
  const raw = compose({ ...mail, headers: ['Precedence: bulk'] });
  await deliver(server.smtp, { from: mail.from, to: mail.to, raw });
  await page.goto(`${server.url}/inbox/filtered`);
  await page.getByRole('link', { name: /Sale/ }).first().click();
  await page.getByText('bulk mail, or of a mailing list').waitFor();
  await page.getByRole('button', { name: 'More' }).first().click();
  await page.getByRole('menuitem', { name: 'Block the sender' }).click();
  await page.getByText('news@shop.example is kept out from now on.').waitFor();
  const refused = await deliver(server.smtp, { from: mail.from, to: mail.to, raw: `${raw} again` }).catch(String);
  ok(/550 5\.7\.1/.test(refused), `the sender is refused: ${refused}`);
  await page.goto(`${server.url}/settings/filters`);
  const list = page.getByLabel('Keep out', { exact: true });
  await eventually(async () => (await list.inputValue()) === 'news@shop.example', 'the list has the sender');
  await accessible(page, 'the filters');
  await page.setViewportSize({ width: 390, height: 844 });
  await fits(page, 'the filters on a phone');
  await page.setViewportSize({ width: 1440, height: 900 });
  await list.fill('not a domain');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('is neither an address nor a domain').waitFor();
  await list.fill('');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Not saved').waitFor({ state: 'detached' });
  const taken = await deliver(server.smtp, { from: mail.from, to: mail.to, raw: `${raw} once more` }).catch(String);
  ok(!/550/.test(String(taken)), `the sender is let in again: ${taken}`);
}

/** The address answers by itself outside its hours, which say what is wrong with them, and the thread marks it. */
async function automatic(page, server) {
  await page.goto(`${server.url}/settings/channels`);
  await page.getByRole('button', { name: 'Set up help@tarnina.example' }).click();
  await page.getByLabel('Answer new conversations by itself').check();
  await page.getByLabel('Text', { exact: true }).fill('Hello {{contact.name}},\nwe are closed & back tomorrow.');
  await page.getByLabel('When', { exact: true }).selectOption({ label: 'Outside these hours' });
  await page.getByLabel('Time zone').selectOption('Europe/Warsaw');
  for (const day of ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday']) await page.getByLabel(day).fill('');
  await page.getByLabel('Monday').fill('9 to 5');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Hours look like 09:00-17:00.').waitFor();
  await accessible(page, 'an automatic reply');
  await page.setViewportSize({ width: 390, height: 844 });
  await fits(page, 'an automatic reply on a phone');
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.getByLabel('Monday').fill('00:00-00:01');
  await page.getByLabel('Closed days').fill('12-25\n2027-04-06');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Not saved').waitFor({ state: 'detached' });
  await page.reload();
  await page.getByRole('button', { name: 'Set up help@tarnina.example' }).click();
  const kept = await page.getByLabel('Closed days').inputValue();
  ok(kept.split('\n').sort().join(' ') === '12-25 2027-04-06', `the closed days are kept: ${kept}`);
  const mail = { from: 'anna@fell.example', to: 'help@tarnina.example', subject: 'Open?', text: 'Are you there?' };
  await deliver(server.smtp, { from: mail.from, to: mail.to, raw: compose(mail) });
  await page.goto(`${server.url}/inbox/all`);
  await page.getByRole('link', { name: /Open\?/ }).first().click();
  const said = page.getByRole('article').filter({ hasText: 'we are closed & back tomorrow.' });
  await said.getByText('Automatic reply').waitFor();
  await said.getByText('Hello anna@fell.example,').waitFor();
  await accessible(page, 'a thread with an automatic reply');
}
