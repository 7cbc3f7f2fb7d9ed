/** How good a new password looks, before the server judges it. A hint, never a gate beyond the length. */

export const MIN_PASSWORD = 10;
export const MAX_PASSWORD = 1024;

export type Strength = 'empty' | 'short' | 'weak' | 'good' | 'strong' | 'long';

const COMMON = [
  'password',
  'passw0rd',
  'haslo',
  'hasło',
  'qwerty',
  'qwertz',
  'letmein',
  'welcome',
  'witaj',
  'admin',
  'frontdesk',
  'iloveyou',
  'polska',
  'zaq12wsx',
];

/** Characters as a reader counts them. */
export function lengthOf(password: string): number {
  return Array.from(password).length;
}

/** Letters and digits that go on by one: "abcd", "4321". */
function runs(text: string): number {
  const codes = Array.from(text, (letter) => letter.codePointAt(0) ?? 0);
  return codes.filter((code, at) => at > 0 && Math.abs(code - (codes[at - 1] ?? 0)) <= 1).length;
}

/** What is left once common words, years and the person's own data are taken out. */
function rest(password: string, own: readonly string[]): string {
  let left = password.toLowerCase();
  const words = own.flatMap((text) => text.toLowerCase().split(/[^\p{L}\p{N}]+/u)).filter((word) => word.length > 2);
  for (const word of [...COMMON, ...words]) left = left.split(word).join('');
  return left.replace(/(19|20)\d\d/g, '');
}

/** `own` is what others know of the person: name, e-mail, company. */
export function strength(password: string, own: readonly string[] = []): Strength {
  const length = lengthOf(password);
  if (length === 0) return 'empty';
  if (length < MIN_PASSWORD) return 'short';
  if (length > MAX_PASSWORD) return 'long';
  const left = rest(password, own);
  const kinds = new Set(Array.from(left)).size;
  if (lengthOf(left) < MIN_PASSWORD - 2 || kinds < 5 || runs(left) > lengthOf(left) / 2) return 'weak';
  return lengthOf(left) >= 16 && kinds >= 8 ? 'strong' : 'good';
}

const CONSONANTS = 'bdfghjklmnprstvz';
const VOWELS = 'aeiou';

function pick(letters: string): string {
  const limit = 256 - (256 % letters.length);
  for (;;) {
    const byte = crypto.getRandomValues(new Uint8Array(1))[0] ?? 0;
    if (byte < limit) return letters.charAt(byte % letters.length);
  }
}

/** A password that can be read over the telephone: five groups of two syllables, 63 bits. */
export function madeUp(): string {
  const group = () => pick(CONSONANTS) + pick(VOWELS) + pick(CONSONANTS) + pick(VOWELS);
  return Array.from({ length: 5 }, group).join('-');
}
