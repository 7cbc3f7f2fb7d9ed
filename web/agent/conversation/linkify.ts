/**
 * Plain text as a list of pieces, some of them links. Nothing here makes HTML: the pieces are rendered as text nodes and
 * anchors, so whatever a stranger wrote stays text.
 */

import { isPlainDomain } from '$shared/format/odd';

export type Piece = {
  text: string;
  href?: string;
  /** The real host, where its letters could pass for another's. */ host?: string;
};

// Bounded and without nested repeats, so that the time stays linear.
const CANDIDATE =
  /https?:\/\/[^\s<>"'`\\^{|}]{1,2000}|www\.[^\s<>"'`\\^{|}]{1,2000}|(?:mailto:)?[a-z0-9._%+-]{1,64}@[a-z0-9.-]{1,255}/giu;
/** Controls that turn the direction of text or hide in it; a link never contains them. */
const SLY = /[\p{Cc}\p{Cf}\u2028\u2029]/u;
const CLOSERS: Record<string, string> = { ')': '(', ']': '[', '}': '{', '»': '«', '”': '“' };

/** Cuts what ends a sentence rather than an address: "see https://a.example/x)." */
function trim(text: string): string {
  let end = text.length;
  while (end > 0) {
    const last = text[end - 1] as string;
    if (/[.,;:!?…'*_~]/.test(last)) end -= 1;
    else if (last in CLOSERS) {
      const head = text.slice(0, end);
      const opener = CLOSERS[last] as string;
      if (count(head, opener) >= count(head, last)) break;
      end -= 1;
    } else break;
  }
  return text.slice(0, end);
}

function count(text: string, sign: string): number {
  let found = 0;
  for (const one of text) if (one === sign) found += 1;
  return found;
}

/** The host in plain ASCII when it holds letters that can look like others. */
export function oddHost(url: URL, shown: string): string | undefined {
  if (!url.hostname.includes('xn--')) return undefined;
  const host = /^(?:[a-z]+:\/\/)?([^/?#:]*)/i.exec(shown)?.[1] ?? '';
  return isPlainDomain(host) ? undefined : url.hostname;
}

function link(text: string): { href: string; host?: string } | null {
  if (SLY.test(text)) return null;
  const mail = /^(?:mailto:)?([a-z0-9._%+-]+@(?:[a-z0-9-]+\.)+[a-z]{2,63})$/i.exec(text);
  if (mail) return { href: `mailto:${mail[1]}` };
  if (!/^(https?:\/\/|www\.)/i.test(text)) return null;
  try {
    const url = new URL(/^www\./i.test(text) ? `https://${text}` : text);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
    if (!/[.:]/.test(url.hostname) && url.hostname !== 'localhost') return null;
    // "https://bank.example@evil.example" would read as the bank's.
    if (url.username || url.password) return null;
    const host = oddHost(url, text);
    return { href: url.href, ...(host ? { host } : {}) };
  } catch {
    return null;
  }
}

export function linkify(text: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const found of text.matchAll(CANDIDATE)) {
    const shown = trim(found[0]);
    const before = text[found.index - 1];
    if (before && /[\p{L}\p{N}@/]/u.test(before)) continue;
    const target = shown ? link(shown) : null;
    if (!target) continue;
    if (found.index > from) pieces.push({ text: text.slice(from, found.index) });
    pieces.push({ text: shown, ...target });
    from = found.index + shown.length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from) });
  return pieces;
}
