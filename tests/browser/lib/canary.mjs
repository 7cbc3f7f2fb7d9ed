/** A stranger's web server: counts who calls. A mail that is only looked at must never make it ring. */
import { createServer } from 'node:http';

/** A picture of one pixel. */
const GIF = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

export class Canary {
  hits = [];
  /** Who called, by the name they gave. */
  callers = [];
  #server = createServer((request, response) => {
    this.hits.push(`${request.method} ${request.url}`);
    this.callers.push(request.headers['user-agent'] ?? '');
    response.writeHead(200, { 'content-type': 'image/gif', 'access-control-allow-origin': '*' }).end(GIF);
  });

  async start() {
    await new Promise((done) => this.#server.listen(0, '127.0.0.1', done));
    return this;
  }

  /** An address on it that says which attempt got through. */
  url(name) {
    return `http://127.0.0.1:${this.#server.address().port}/${name}`;
  }

  async stop() {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}
