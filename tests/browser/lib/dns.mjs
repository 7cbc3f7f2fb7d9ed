/** A name server on loopback that knows the names it is told, for journeys: A, MX and TXT over UDP and TCP. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const KINDS = { A: 1, MX: 15, TXT: 16 };

function name(text) {
  const labels = text.split('.').filter(Boolean);
  return Buffer.concat([
    ...labels.map((label) => Buffer.from([label.length, ...Buffer.from(label)])),
    Buffer.from([0]),
  ]);
}

function data(kind, value) {
  if (kind === 'A') return Buffer.from(value.split('.').map(Number));
  if (kind === 'MX') {
    const [preference, host] = value.split(' ');
    return Buffer.concat([Buffer.from([0, Number(preference)]), name(host)]);
  }
  const bytes = Buffer.from(value);
  const pieces = [];
  for (let at = 0; at < bytes.length; at += 255) {
    const piece = bytes.subarray(at, at + 255);
    pieces.push(Buffer.from([piece.length]), piece);
  }
  return Buffer.concat(pieces);
}

export class Dns {
  static #nothing = null;
  #records = [];
  #silent = new Set();
  #udp = createSocket('udp4');
  #tcp = createServer((socket) => this.#talk(socket));

  async start() {
    await new Promise((done) => this.#udp.bind(0, '127.0.0.1', done));
    this.port = this.#udp.address().port;
    await new Promise((done) => this.#tcp.listen(this.port, '127.0.0.1', done));
    this.#udp.on('message', (message, from) => {
      const answer = this.#answer(message, 1232);
      if (answer) this.#udp.send(answer, from.port, from.address);
    });
    return this;
  }

  /** One that knows no name, for servers that are told of no other; it holds no process up. */
  static ofNothing() {
    Dns.#nothing ??= new Dns().start().then((dns) => {
      dns.#udp.unref();
      dns.#tcp.unref();
      return dns;
    });
    return Dns.#nothing;
  }

  stop() {
    this.#udp.close();
    this.#tcp.close();
  }

  add(owner, kind, value) {
    this.#records.push({
      owner: owner.toLowerCase().replace(/\.$/, ''),
      kind,
      value,
    });
    return this;
  }

  /** Says nothing about a name, until it is told to. */
  silent(owner, is) {
    if (is) this.#silent.add(owner);
    else this.#silent.delete(owner);
  }

  #talk(socket) {
    let kept = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      kept = Buffer.concat([kept, chunk]);
      while (kept.length >= 2 && kept.length >= 2 + kept.readUInt16BE()) {
        const answer = this.#answer(kept.subarray(2, 2 + kept.readUInt16BE()), 65_000);
        kept = kept.subarray(2 + kept.readUInt16BE());
        if (!answer) continue;
        socket.write(Buffer.concat([Buffer.from([answer.length >> 8, answer.length & 255]), answer]));
      }
    });
  }

  #answer(message, most) {
    let at = 12;
    const labels = [];
    while (message[at]) {
      labels.push(message.toString('latin1', at + 1, at + 1 + message[at]));
      at += 1 + message[at];
    }
    const asked = labels.join('.').toLowerCase();
    if (this.#silent.has(asked)) return null;
    const kind = message.readUInt16BE(at + 1);
    const question = message.subarray(12, at + 5);
    const known = this.#records.filter((one) => one.owner === asked);
    const found = known.filter((one) => KINDS[one.kind] === kind);
    const answers = found.map((one) => {
      const bytes = data(one.kind, one.value);
      const head = Buffer.from([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 0, bytes.length >> 8, bytes.length & 255]);
      return Buffer.concat([head, bytes]);
    });
    const whole = (flags, list) => {
      const head = Buffer.from([
        message[0],
        message[1],
        0x81 | flags,
        known.length ? 0x80 : 0x83,
        0,
        1,
        0,
        list.length,
        0,
        0,
        0,
        0,
      ]);
      return Buffer.concat([head, question, ...list]);
    };
    const answer = whole(0, answers);
    return answer.length <= most ? answer : whole(2, []);
  }
}
