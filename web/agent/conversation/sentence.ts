/** Sentences with names in bold: the names are marked before the message is filled in, so word order stays the language's. */
import { t, type Args, type MessageKey } from '$shared/i18n/index.svelte';

export type Span = { text: string; bold: boolean };

const OPEN = '\u0001';
const CLOSE = '\u0002';

function mark(value: string): string {
  // eslint-disable-next-line no-control-regex -- a stranger's text must not bring the marks themselves
  return OPEN + value.replace(/[\u0001\u0002]/g, '') + CLOSE;
}

/** The message of `key`; the values of `bold` stand out, those of `plain` do not. */
export function sentence(key: MessageKey, bold: Record<string, string>, plain: Args = {}): Span[] {
  const marked = Object.fromEntries(Object.entries(bold).map(([name, value]) => [name, mark(value)]));
  return spans(t(key, { ...plain, ...marked }));
}

export function spans(text: string): Span[] {
  const out: Span[] = [];
  for (const part of text.split(OPEN)) {
    const [inside, after] = part.includes(CLOSE) ? part.split(CLOSE, 2) : [null, part];
    if (inside) out.push({ text: inside, bold: true });
    if (after) out.push({ text: after, bold: false });
  }
  return out;
}

export function plainText(parts: Span[]): string {
  return parts.map((part) => part.text).join('');
}
