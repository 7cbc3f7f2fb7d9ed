/** Starts the real program in a data directory of its own, and stops it again. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Dns } from './dns.mjs';
import { eventually } from './expect.mjs';

const BIN = process.env.FRONTDESK_BIN ?? fileURLToPath(new URL('../../../target/debug/frontdesk', import.meta.url));

/** True when there is a program to run. */
export const present = () => existsSync(BIN);
export const binary = BIN;

export class Server {
  http = '';
  smtp = '';
  dir = mkdtempSync(join(tmpdir(), 'frontdesk-journey-'));
  log = '';
  #child = null;

  /** `env` overrides settings, as FRONTDESK_SECTION__KEY; `patience` is how long it may take to be there, in ms. */
  async start(env = {}, command = 'serve', patience = 20000) {
    this.#child = spawn(BIN, [command, '--data', this.dir], {
      cwd: this.dir,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        HOME: this.dir,
        FRONTDESK_HOSTNAME: 'desk.test',
        FRONTDESK_HTTP__LISTEN: '127.0.0.1:0',
        FRONTDESK_SMTP__LISTEN: '127.0.0.1:0',
        // A disk that others fill is no matter of the journeys.
        FRONTDESK_STORE__MIN_FREE_PERCENT: '0',
        // The world's name servers are none of theirs either.
        FRONTDESK_DNS__SERVERS: `127.0.0.1:${(await Dns.ofNothing()).port}`,
        ...env,
      },
    });
    let gone = null;
    this.#child.on('error', (error) => (gone = error.message));
    this.#child.on('exit', (code, signal) => (gone = `it ended with ${code ?? signal}`));
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => (this.log = (this.log + text).slice(-20000)));
    }
    const file = join(this.dir, 'run', 'addresses.json');
    await eventually(
      () => {
        if (gone) throw new Error(`${gone}\n${this.log}`);
        return existsSync(file) && JSON.parse(readFileSync(file, 'utf8'));
      },
      'the server says where it listens',
      patience,
    ).then((found) => Object.assign(this, found));
    return this;
  }

  get url() {
    return `http://${this.http}`;
  }

  /** The link printed for setting up, with our own address in place of the host name it carries. */
  async setupLink() {
    const file = join(this.dir, 'run', 'setup-link.txt');
    // It is made a moment after the addresses are known.
    for (let tries = 0; tries < 100 && !existsSync(file); tries += 1) await new Promise((go) => setTimeout(go, 100));
    const link = readFileSync(file, 'utf8').trim();
    return `${this.url}/set-up${link.slice(link.indexOf('#'))}`;
  }

  async stop() {
    const child = this.#child;
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((done) => child.once('exit', done));
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 8000);
      await ended;
      clearTimeout(late);
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}
