/** The tricks of hostile mail, which the tests of the cleaning read as well, as mails that can be sent and told apart. */
import { readFileSync } from 'node:fs';

const FILE = new URL('../../vectors/html.json', import.meta.url);

/** Every trick by its number: {row, name, html | text | raw, …}. */
export const vectors = () => JSON.parse(readFileSync(FILE, 'utf8'));

/** What the mail says besides its trick; who opens it must be able to read this. */
export const letter = (at) => `Letter ${at} itself`;

/** Text with the stranger's server and the number of the trick in it: what rings says which one it was. */
function filled(text, at, canary) {
  const url = canary.url(`v${at}`);
  return text
    .replaceAll('{{canary}}', url)
    .replaceAll('{{host}}', url.slice('http:'.length))
    .replaceAll('{{letter}}', letter(at))
    .replaceAll('alert(1)', `alert(${at})`);
}

/** The page of a trick. Underlined words are no plain text, so that it is shown as a page, in its frame. */
export function page(vector, at, canary) {
  const html = filled(vector.html, at, canary).repeat(vector.times ?? 1) + filled(vector.after ?? '', at, canary);
  return vector.html.includes('{{letter}}') ? html : `<p><u>${letter(at)}</u></p>${html}`;
}

/** A mail as `context.mail` sends it. */
export function mailOf(vector, at, canary) {
  const text = vector.text === undefined ? undefined : filled(vector.text, at, canary);
  if (vector.raw) return { lines: vector.raw.map((line) => filled(line, at, canary)) };
  return vector.html === undefined ? { text } : { html: page(vector, at, canary), text };
}
