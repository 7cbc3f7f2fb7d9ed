/** The built page in front of the mock of the contract: for working on the page without the program. The policy is
 *  the program's own, so that what it would refuse is refused here too. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, request as ask } from 'node:http';
import { connect } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from './expect.mjs';

const WEB = fileURLToPath(new URL('../../../web/', import.meta.url));
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; " +
  "manifest-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

export class MockServer {
  http = '';
  #child;
  #front;
  #back = 0;
  #dist = process.env.FRONTDESK_DIST ?? join(WEB, 'dist');

  async start({ setUp = false } = {}) {
    if (!existsSync(join(this.#dist, 'index.html'))) throw new Error(`build the page first: ${this.#dist} is missing`);
    this.#back = await freePort();
    this.#child = spawn(process.execPath, [join(WEB, 'mock/server.mjs'), String(this.#back)], {
      stdio: 'ignore',
      env: { ...process.env, MOCK_SETUP: setUp ? '1' : '' },
    });
    await eventually(
      () => fetch(`http://127.0.0.1:${this.#back}/api/v1/me`).then(() => true),
      'the mock answers',
      10000,
    );
    this.#front = createServer((request, response) => this.#answer(request, response));
    this.#front.on('upgrade', (request, socket) => this.#upgrade(request, socket));
    await new Promise((done) => this.#front.listen(0, '127.0.0.1', done));
    this.http = `127.0.0.1:${this.#front.address().port}`;
    return this;
  }

  get url() {
    return `http://${this.http}`;
  }

  setupLink() {
    return `${this.url}/set-up#demo`;
  }

  /** One of the mock's own calls: mail arrives, sockets drop. */
  call(name, body = {}) {
    return fetch(`http://127.0.0.1:${this.#back}/mock/${name}`, { method: 'POST', body: JSON.stringify(body) });
  }

  async stop() {
    this.#child?.kill('SIGTERM');
    this.#front?.closeAllConnections();
    await new Promise((done) => (this.#front ? this.#front.close(done) : done()));
  }

  #answer(request, response) {
    const { pathname } = new URL(request.url, this.url);
    if (pathname.startsWith('/api/')) {
      const options = {
        port: this.#back,
        host: '127.0.0.1',
        path: request.url,
        method: request.method,
        headers: request.headers,
      };
      const onward = ask(
        options,
        (answer) => (response.writeHead(answer.statusCode, answer.headers), answer.pipe(response)),
      );
      onward.on('error', () => response.destroy());
      return request.pipe(onward);
    }
    const wanted = join(this.#dist, normalize(pathname));
    const file =
      wanted.startsWith(this.#dist) && extname(wanted) && existsSync(wanted) ? wanted : join(this.#dist, 'index.html');
    response.writeHead(200, {
      'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
      'content-security-policy': POLICY,
    });
    response.end(readFileSync(file));
  }

  #upgrade(request, near) {
    const far = connect(this.#back, '127.0.0.1', () => {
      const headers = Object.entries(request.headers).map(([name, value]) => `${name}: ${value}`);
      far.write(`GET ${request.url} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
      near.pipe(far).pipe(near);
    });
    far.on('error', () => near.destroy());
    near.on('error', () => far.destroy()).on('close', () => far.destroy());
  }
}

async function freePort() {
  const probe = createServer();
  await new Promise((done) => probe.listen(0, '127.0.0.1', done));
  const { port } = probe.address();
  await new Promise((done) => probe.close(done));
  return port;
}
