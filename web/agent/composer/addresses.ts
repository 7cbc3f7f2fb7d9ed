/** Typed or pasted recipients into people; what cannot be an address is handed back. The server has the last word. */
import type { Person } from '$api/types';

// One @, no spaces or brackets, a dotted or bare domain; letters of any script, since mail allows them.
const EMAIL = /^[^\s<>()[\]\\,;:"@]{1,64}@[\p{L}\p{N}](?:[\p{L}\p{N}.-]{0,251}[\p{L}\p{N}])?$/u;

export function isEmail(text: string): boolean {
  return EMAIL.test(text) && !text.includes('..');
}

/** One recipient: "a@b.example", "Ann Fell <a@b.example>" or "\"Fell, Ann\" <a@b.example>". */
export function parsePerson(text: string): Person | null {
  const trimmed = text.trim().replace(/^mailto:/i, '');
  const named = /^(.{0,300}?)\s*<([^<>]{1,320})>$/.exec(trimmed);
  const email = (named ? (named[2] as string) : trimmed).trim();
  if (!isEmail(email)) return null;
  const name = (named?.[1] ?? '')
    .trim()
    .replace(/^"(.*)"$/, '$1')
    .replace(/\\(.)/g, '$1')
    .trim();
  return { name: name || null, email };
}

/** Parts a list at commas, semicolons and line ends, but not inside quotes or angle brackets. */
function split(text: string): string[] {
  const parts: string[] = [];
  let part = '';
  let quoted = false;
  for (const sign of text) {
    if (sign === '"') quoted = !quoted;
    if (!quoted && /[,;\n]/.test(sign)) {
      parts.push(part);
      part = '';
    } else part += sign;
  }
  parts.push(part);
  return parts.map((one) => one.trim()).filter(Boolean);
}

export function parsePeople(text: string): { people: Person[]; rest: string } {
  const people: Person[] = [];
  const rest: string[] = [];
  for (const part of split(text)) {
    const person = parsePerson(part);
    // "a@b.example c@d.example" is two people with nothing between them.
    const several = person ? [person] : part.split(/\s+/).map(parsePerson);
    if (several.every((one): one is Person => one !== null)) people.push(...several);
    else rest.push(part);
  }
  return { people, rest: rest.join(', ') };
}

/** The list with the new people at its end, nobody twice. */
export function addPeople(list: readonly Person[], more: readonly Person[]): Person[] {
  const out = [...list];
  for (const person of more) {
    if (!out.some((one) => sameAddress(one, person))) out.push(person);
  }
  return out;
}

export function sameAddress(a: Person, b: Person): boolean {
  return a.email.toLowerCase() === b.email.toLowerCase();
}

/** Whether two lists name the same addresses, in whatever order. */
export function samePeople(a: readonly Person[], b: readonly Person[]): boolean {
  return a.length === b.length && a.every((one) => b.some((other) => sameAddress(one, other)));
}
