/** Addresses that can be taken for others: letters of other alphabets, signs nobody sees. What they are in plain signs. */

/* eslint-disable no-misleading-character-class -- signs that combine are what is looked for */
/** Controls, turns of direction, blanks and joiners: on the screen they are nothing, or a space. */
const HIDDEN =
  /(?! )[\p{Cc}\p{Cf}\p{Z}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\u{e0100}-\u{e01ef}]/gu;
/** Latin letters with their signs, save those that pass for others: dotless i, long s, the ligatures. */
const PLAIN = /^[a-z\d.\-\u00df-\u00f6\u00f8-\u0130\u0134-\u0137\u0139-\u013e\u0141-\u0148\u014a-\u017e]*$/;
/** Cyrillic and Greek letters that look like Latin ones; of these alone a whole word can be made. */
const TWINS = /^[асеорхуіјѕһԁԛԝӏвкмнтαβεικνορτυχ]+$/u;

export type Odd = {
  /** Signs that are not seen; a domain in other letters; a local part that mixes alphabets or imitates one. */
  why: 'hidden' | 'domain' | 'local';
  /** The address with nothing left to mistake. */
  plain: string;
};

const numbered = (sign: string) => `‹U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}›`;

/** Whether a domain is made of letters that are what they look like. */
export function isPlainDomain(domain: string): boolean {
  const lower = domain.toLowerCase();
  return PLAIN.test(lower) && !/(^|\.)xn--/.test(lower);
}

/** A domain as machines write it: "xn--80ak6aa92e.com". */
export function asciiDomain(domain: string): string {
  try {
    return new URL(`http://${domain}/`).hostname;
  } catch {
    return domain.replace(/[^\x21-\x7e]/gu, numbered);
  }
}

function imitates(local: string): boolean {
  const letters = local.toLowerCase().replace(/\P{L}/gu, '');
  const others = letters.replace(/\p{Script=Latin}/gu, '');
  return others !== '' && (others !== letters || TWINS.test(letters));
}

/** What is odd about an address, if anything is. */
export function oddAddress(email: string): Odd | null {
  if (email.search(HIDDEN) >= 0) return { why: 'hidden', plain: email.replace(HIDDEN, numbered) };
  const at = email.lastIndexOf('@');
  if (at < 0) return null;
  const local = email.slice(0, at);
  const domain = email.slice(at + 1);
  const odd = imitates(local);
  const name = odd ? local.replace(/[^\p{Script=Latin}\x21-\x7e]/gu, numbered) : local;
  if (!isPlainDomain(domain)) return { why: 'domain', plain: `${name}@${asciiDomain(domain)}` };
  return odd ? { why: 'local', plain: `${name}@${domain}` } : null;
}

/** Where a link leads, when what is seen of it may tell otherwise; else null. */
export function oddTarget(href: string): string | null {
  const url = new URL(href);
  if (url.protocol === 'mailto:') {
    let address = url.pathname;
    try {
      address = decodeURIComponent(address);
    } catch {
      // As it stands, then.
    }
    return oddAddress(address)?.plain ?? null;
  }
  // "https://bank.example@evil.example" reads as the bank's.
  if (url.username || url.password) return url.hostname || null;
  const written = /^\s*[a-z]+:\/\/([^/?#:\\]+)/i.exec(href)?.[1] ?? '';
  return /(^|\.)xn--/.test(url.hostname) && !(written && isPlainDomain(written)) ? url.hostname : null;
}
