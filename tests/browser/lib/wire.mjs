/** The wire between browser and server, which can be cut and mended: what a train tunnel does. */
import { connect, createServer } from 'node:net';

export class Wire {
  #sockets = new Set();
  #whole = true;
  #server;

  constructor(target) {
    const [host, port] = target.split(/:(?=\d+$)/);
    this.#server = createServer((near) => {
      if (!this.#whole) return near.destroy();
      const far = connect({ host, port: Number(port) });
      for (const [one, other] of [
        [near, far],
        [far, near],
      ]) {
        this.#sockets.add(one);
        one.on('error', () => {});
        one.on('close', () => (this.#sockets.delete(one), other.destroy()));
      }
      near.pipe(far).pipe(near);
    });
  }

  async start() {
    await new Promise((done) => this.#server.listen(0, '127.0.0.1', done));
    return this;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  cut() {
    this.#whole = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend() {
    this.#whole = true;
  }

  async stop() {
    this.cut();
    await new Promise((done) => this.#server.close(done));
  }
}
