/** Takes docs/inbox.png: the inbox of the demo with a conversation open. Run by --readme only. */
import { fileURLToPath } from 'node:url';
import { Api } from '../lib/api.mjs';
import { eventually } from '../lib/expect.mjs';
import { Server } from '../lib/server.mjs';
import { settled } from '../lib/tour.mjs';

export const name = 'readme';
export const real = true;

const FILE = fileURLToPath(new URL('../../../docs/inbox.png', import.meta.url));
const SUBJECT = /^Rain covers missing/;
const EWA = { email: 'ewa@tarnina.example', password: 'tarnina-demo' };

/** A zone in which it is evening now: the demo's mails are of the last hours, and shown with their times. */
function zone() {
  const ahead = 20 - new Date().getUTCHours();
  return ahead === 0 ? 'UTC' : `Etc/GMT${ahead > 0 ? '-' : '+'}${Math.abs(ahead > 14 ? ahead - 24 : ahead)}`;
}

export async function run(context) {
  const server = new Server();
  try {
    await server.start({}, 'demo', 120000);
    // While it fills itself it listens elsewhere.
    const url = await eventually(() => /open +(http:\S+)/.exec(server.log)?.[1], 'the demo is there', 120000);
    const { items } = await (await new Api(url).signIn(EWA)).get('/conversations?limit=100');
    const { id } = items.find((one) => SUBJECT.test(one.subject));
    const page = await context.page({ url, zone: zone() });
    await page.request.post('/api/v1/sessions', { data: EWA, headers: { origin: url } });
    await page.goto(`/inbox/all/${id}`);
    await page.locator('[role=log]').waitFor();
    await settled(page);
    await page.screenshot({ path: FILE });
  } finally {
    await server.stop();
  }
}
