/** Sends mail by talking SMTP over a socket: what a stranger's server does, and nothing more. */
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';

/** Reads replies of one or more lines from a socket, in order. */
function replies(socket) {
  let buffer = '';
  const waiting = [];
  const ready = [];
  const give = () => {
    for (;;) {
      const end = /^(\d{3} .*)\r\n/m.exec(buffer);
      if (!end) return;
      const upTo = end.index + end[0].length;
      const reply = buffer.slice(0, upTo).trimEnd();
      buffer = buffer.slice(upTo);
      const next = waiting.shift();
      if (next) next.done(reply);
      else ready.push(reply);
    }
  };
  const fail = (error) => waiting.splice(0).forEach((one) => one.fail(error));
  socket.setEncoding('utf8');
  socket.on('data', (text) => ((buffer += text), give()));
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the server closed the connection')));
  return () =>
    ready.length > 0 ? Promise.resolve(ready.shift()) : new Promise((done, fail) => waiting.push({ done, fail }));
}

function header(text) {
  return /^[\x20-\x7e]*$/.test(text) ? text : `=?utf-8?B?${Buffer.from(text).toString('base64')}?=`;
}

/** A message as a mail program writes it. `id` and `references` are without angle brackets; `lines` are all that
 *  follows From, To, Subject, Date and ids, as it stands. */
export function compose({ from, name, to, subject, text, html, id, references = [], headers = [], lines: own }) {
  const lines = [
    `From: ${name ? `${header(name)} <${from}>` : from}`,
    `To: ${to}`,
    `Subject: ${header(subject)}`,
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${id ?? `${randomUUID()}@${from.split('@')[1]}`}>`,
    ...(references.length
      ? [`In-Reply-To: <${references.at(-1)}>`, `References: ${references.map((one) => `<${one}>`).join(' ')}`]
      : []),
    ...headers,
    ...(own ?? ['MIME-Version: 1.0']),
  ];
  if (own) return lines.join('\r\n');
  const part = (type, body) => [
    `Content-Type: ${type}; charset=utf-8`,
    'Content-Transfer-Encoding: base64',
    '',
    ...(Buffer.from(body)
      .toString('base64')
      .match(/.{1,76}/g) ?? []),
  ];
  if (html === undefined) return [...lines, ...part('text/plain', text ?? '')].join('\r\n');
  const boundary = `b-${randomUUID()}`;
  const both = [
    text === undefined ? [] : [`--${boundary}`, ...part('text/plain', text)],
    [`--${boundary}`, ...part('text/html', html)],
  ];
  return [
    ...lines,
    `Content-Type: multipart/alternative; boundary="${boundary}"`,
    '',
    ...both.flat(),
    `--${boundary}--`,
  ].join('\r\n');
}

/** Hands one message to the server at "host:port" and gives back its answer to the last dot. */
export async function deliver(address, { from, to, raw }) {
  const [host, port] = address.split(/:(?=\d+$)/);
  const socket = connect({ host, port: Number(port) });
  const reply = replies(socket);
  const say = async (line, wanted) => {
    if (line !== null) socket.write(`${line}\r\n`);
    const answer = await reply();
    if (!answer.startsWith(wanted)) throw new Error(`SMTP: ${line ?? 'greeting'} was answered ${answer}`);
    return answer;
  };
  try {
    await say(null, '220');
    await say('EHLO journey.test', '250');
    await say(`MAIL FROM:<${from}>`, '250');
    await say(`RCPT TO:<${to}>`, '250');
    await say('DATA', '354');
    return await say(`${raw.replace(/\r?\n/g, '\r\n').replace(/^\./gm, '..')}\r\n.`, '250');
  } finally {
    socket.end('QUIT\r\n');
  }
}
