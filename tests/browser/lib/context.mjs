/** What a journey works with: a server that is set up, a browser, people, mail, and the eyes on the page. */
import { mkdirSync } from 'node:fs';
import { Api } from './api.mjs';
import { Canary } from './canary.mjs';
import { ok } from './expect.mjs';
import { MockServer } from './mock.mjs';
import { chromium } from './need.mjs';
import { Relay } from './relay.mjs';
import { Server } from './server.mjs';
import { compose, deliver } from './smtp.mjs';
import { Wire } from './wire.mjs';

export const EWA = { name: 'Ewa Lis', email: 'ewa@tarnina.example', password: 'wren moss kiln tower' };
export const TOMEK = { name: 'Tomek Wrona', email: 'tomek@tarnina.example', password: 'kiln tower wren moss' };

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--no-first-run',
];
const SIZES = { 1440: [1440, 900], 1024: [1024, 768], 390: [390, 844] };

export class Context {
  browser;
  screens;
  relay;
  /** True when the page runs against the mock: journeys leave out what only the program can show. */
  mock;
  #server = null;
  #inbox = '';
  #contexts = [];
  #stops = [];
  #complaints = [];

  static async open({ screens, mock }) {
    const context = new Context();
    context.screens = screens;
    context.mock = mock;
    context.relay = await new Relay().start();
    context.browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ARGS,
    });
    return context;
  }

  /** A server of this journey's own, with the set-up still open. */
  async fresh(env = {}) {
    const server = this.mock ? await new MockServer().start({ setUp: true }) : await new Server().start(env);
    this.#stops.push(() => server.stop());
    return server;
  }

  /** The server the journeys share: set up, with Ewa the owner, Tomek an agent and the relay in place. */
  async server() {
    if (this.#server) return this.#server;
    if (this.mock) {
      this.#server = await new MockServer().start();
      this.#inbox = (await (await this.api()).get('/inboxes')).items[0].fallback_address;
      return this.#server;
    }
    const relay = {
      FRONTDESK_RELAY__HOST: '127.0.0.1',
      FRONTDESK_RELAY__PORT: String(this.relay.port),
      FRONTDESK_RELAY__TLS: 'none',
      // The canary's, so that a picture can be asked for.
      FRONTDESK_FETCH__PRIVATE_NETWORKS: '127.0.0.0/8',
    };
    this.#server = await new Server().start(relay);
    const token = new URL(await this.#server.setupLink()).hash.slice(1).replace(/^token=/, '');
    const api = new Api(this.#server.url);
    await api.post('/setup', { token, workspace_name: 'Tarnina', inbox_name: 'Office', language: 'en', ...EWA });
    await api.post('/agents', { ...TOMEK, role: 'agent' });
    this.#inbox = (await api.get('/inboxes')).items[0].fallback_address;
    return this.#server;
  }

  /** The contract, signed in as a person. */
  async api(person = EWA) {
    return new Api((await this.server()).url).signIn(person);
  }

  /** The address of the first inbox. */
  async address() {
    await this.server();
    return this.#inbox;
  }

  /** A stranger's mail arrives over SMTP; gives the server's answer. Fields as of `compose`. */
  async mail(fields) {
    const server = await this.server();
    const to = fields.to ?? this.#inbox;
    if (this.mock)
      return server.call('mail', { name: fields.name, email: fields.from, subject: fields.subject, text: fields.text });
    return deliver(server.smtp, { from: fields.from, to, raw: compose({ ...fields, to }) });
  }

  async canary() {
    const canary = await new Canary().start();
    this.#stops.push(() => canary.stop());
    return canary;
  }

  async wire() {
    const wire = await new Wire((await this.server()).http).start();
    this.#stops.push(() => wire.stop());
    return wire;
  }

  /** A page in a browser profile of its own. Faults of the page fail the journey at its end; so does a mouse where there
   *  is none. */
  async page({ width = 1440, theme = 'light', language = 'en', url, zone = 'Europe/Warsaw', mouse = true } = {}) {
    const [w, h] = SIZES[width];
    const profile = await this.browser.newContext({
      baseURL: url ?? (await this.server()).url,
      viewport: { width: w, height: h },
      colorScheme: theme,
      locale: language === 'pl' ? 'pl-PL' : 'en-GB',
      timezoneId: zone,
      hasTouch: width === 390,
      isMobile: width === 390,
      reducedMotion: 'reduce',
    });
    this.#contexts.push(profile);
    const page = await profile.newPage();
    page.setDefaultTimeout(8000);
    if (!mouse) {
      await page.addInitScript(() => {
        addEventListener('pointerdown', () => console.error('a mouse was used'), true);
      });
    }
    page.on('pageerror', (error) => this.#complaints.push(`page error: ${error.message}`));
    page.on('console', (message) => {
      if (/Content Security Policy|Refused to|a mouse was used/.test(message.text()))
        this.#complaints.push(message.text());
    });
    return page;
  }

  /** A page with a person signed in, at `path`. The session is made through the contract: signing in has a journey of its own. */
  async signedIn({ person = EWA, path = '/inbox/all', ...options } = {}) {
    return this.enter(await this.page(options), { person, path, url: options.url });
  }

  /** The same for a page that is there already. */
  async enter(page, { person = EWA, path = '/inbox/all', url } = {}) {
    const answer = await page.request.post('/api/v1/sessions', {
      data: { email: person.email, password: person.password },
      headers: { origin: new URL(url ?? (await this.server()).url).origin },
    });
    ok(answer.ok(), `signing in as ${person.email} is answered ${answer.status()}`);
    await page.goto(path);
    await page.locator('main').first().waitFor();
    return page;
  }

  /** Complaints a journey provokes on purpose (blocked content of a hostile mail). */
  forgive(pattern) {
    this.#complaints = this.#complaints.filter((line) => !pattern.test(line));
  }

  /** Pictures of every open page, for whoever has to find out why. */
  async keepEvidence(name) {
    if (!this.screens) return;
    mkdirSync(this.screens, { recursive: true });
    const pages = this.#contexts.flatMap((profile) => profile.pages());
    await Promise.all(pages.map((page, at) => page.screenshot({ path: `${this.screens}/FAIL-${name}-${at}.png` })));
  }

  /** Ends what one journey opened; fails when a page complained. */
  async close() {
    const complaints = this.#complaints;
    this.#complaints = [];
    for (const profile of this.#contexts.splice(0)) await profile.close();
    for (const stop of this.#stops.splice(0).reverse()) await stop();
    this.relay.refusal = null;
    ok(complaints.length === 0, `the page complained:\n${complaints.join('\n')}`);
  }

  async end() {
    await this.browser.close();
    await this.#server?.stop();
    await this.relay.stop();
  }
}
