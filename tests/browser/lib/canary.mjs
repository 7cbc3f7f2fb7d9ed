/** A stranger's web server: counts who calls. A mail that is only looked at must never make it ring. */
import { createServer } from 'node:http';

export class Canary {
  hits = [];
  #server = createServer((request, response) => {
    this.hits.push(`${request.method} ${request.url}`);
    response.writeHead(200, { 'content-type': 'image/gif', 'access-control-allow-origin': '*' }).end('GIF89a');
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
