/** A relay that takes every mail and keeps it: what leaves the product is read here. */
import { createServer } from 'node:net';

export class Relay {
  /** Every mail taken: {from, to: [], raw}. */
  mails = [];
  /** When set, the answer to RCPT, for example "550 5.1.1 no such person". */
  refusal = null;
  #server = createServer((socket) => this.#talk(socket));
  #sockets = new Set();

  async start() {
    await new Promise((done) => this.#server.listen(0, '127.0.0.1', done));
    return this;
  }

  get port() {
    return this.#server.address().port;
  }

  /** Mails to an address. */
  to(address) {
    return this.mails.filter((mail) => mail.to.includes(address));
  }

  async stop() {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.#server.close(done));
  }

  #talk(socket) {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket)).on('error', () => {});
    socket.setEncoding('utf8');
    let buffer = '';
    let mail = { from: '', to: [] };
    let inData = false;
    const say = (line) => socket.write(`${line}\r\n`);
    const path = (line) => /<([^>]*)>/.exec(line)?.[1] ?? '';
    const command = (line) => {
      const verb = line.slice(0, 4).toUpperCase();
      if (verb === 'EHLO') return say('250-relay.test\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 52428800');
      if (verb === 'MAIL') return ((mail = { from: path(line), to: [] }), say('250 2.1.0 ok'));
      if (verb === 'RCPT') return this.refusal ? say(this.refusal) : (mail.to.push(path(line)), say('250 2.1.5 ok'));
      if (verb === 'DATA') return ((inData = true), say('354 go on'));
      if (verb === 'QUIT') return (say('221 bye'), socket.end());
      return say('250 ok');
    };
    say('220 relay.test ESMTP');
    socket.on('data', (text) => {
      buffer += text;
      for (;;) {
        if (inData) {
          const end = buffer.startsWith('.\r\n') ? 0 : buffer.indexOf('\r\n.\r\n');
          if (end < 0) return;
          const raw = buffer.slice(0, end).replace(/^\.\./gm, '.');
          buffer = buffer.slice(end === 0 ? 3 : end + 5);
          inData = false;
          this.mails.push({ ...mail, raw });
          say('250 2.0.0 kept by relay.test');
          continue;
        }
        const end = buffer.indexOf('\r\n');
        if (end < 0) return;
        const line = buffer.slice(0, end);
        buffer = buffer.slice(end + 2);
        command(line);
      }
    });
  }
}
