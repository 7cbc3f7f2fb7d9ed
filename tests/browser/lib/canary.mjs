/** A stranger's web server: counts who calls. A mail that is only looked at must never make it ring. */
import { createServer } from 'node:http';

/** A picture of one pixel. */
const GIF = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

export class Canary {
  hits = [];
  /** Who called, by the name they gave. */
  callers = [];
  #pages = new Map();
  #names = [];
  #server = createServer((request, response) => {
    const page = this.#pages.get(request.url);
    if (page !== undefined) return response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page);
    // A browser asks for that by itself wherever it goes.
    if (request.url === '/favicon.ico') return response.writeHead(404).end();
    this.hits.push(`${request.method} ${request.url}`);
    this.callers.push(request.headers['user-agent'] ?? '');
    // What was never handed out is asked for to fail.
    if (!this.#names.some((name) => request.url.startsWith(`/${name}`))) return response.writeHead(404).end();
    return response.writeHead(200, { 'content-type': 'image/gif', 'access-control-allow-origin': '*' }).end(GIF);
  });

  async start() {
    await new Promise((done) => this.#server.listen(0, '127.0.0.1', done));
    return this;
  }

  /** An address on it that says which attempt got through. */
  url(name) {
    this.#names.push(name);
    return `http://127.0.0.1:${this.#server.address().port}/${name}`;
  }

  /** Puts a page there, which asking for does not make it ring; gives its address. */
  serve(name, html) {
    this.#pages.set(`/${name}`, html);
    return this.url(name);
  }

  async stop() {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}
