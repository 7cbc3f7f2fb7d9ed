/**
 * The frame HTML mail is shown in. It is sandboxed without scripts and carries a policy of its own on top of the page's,
 * which it inherits: no inline style and no script pass either, so styles are set through the object model.
 */
import stylesheet from './mail-frame.css?url';
import type { Clean } from './purify';
import { applyStyle } from './styles';

/** `allow-scripts` must never stand beside `allow-same-origin`. */
export const SANDBOX = 'allow-same-origin allow-popups allow-popups-to-escape-sandbox';

const POLICY = [
  "default-src 'none'",
  "script-src 'none'",
  "img-src 'self' data:",
  "style-src 'self'",
  "font-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
].join('; ');

/** The empty document; its body is put in by `fill` once it has loaded. */
export const SRCDOC =
  `<!doctype html><html><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}">` +
  `<link rel="stylesheet" href="${stylesheet}"></head><body></body></html>`;

/** The attribute by which the server marks an image of another server: its number in the message. */
export const REMOTE = 'data-remote';

/** Colours and type of ours that a mail without colours of its own takes over. */
const TAKEN = ['--ink', '--ink-2', '--accent', '--accent-line', '--rule', '--mail', '--mail-ink', '--font-text'];

export type FrameLook = {
  /** The mail lies on its own sheet, in its own colours. */
  own: boolean;
  /** Its sheet is turned dark. */
  dark: boolean;
  quoteOpen: boolean;
};

/** Puts cleaned mail into the frame's document. The fragment is moved, so it is filled once. */
export function fill(doc: Document, clean: Clean): void {
  doc.body.replaceChildren(doc.adoptNode(clean.fragment));
  for (const [element, text] of clean.styles) applyStyle(element, text);
}

/** Shows the images of other servers, which ours fetches: nothing is ever asked of them from here. */
export function showImages(doc: Document, message: number): void {
  for (const image of doc.querySelectorAll<HTMLImageElement>(`img[${REMOTE}]:not([src])`)) {
    image.src = `/api/v1/messages/${message}/images/${image.getAttribute(REMOTE)}`;
  }
}

/** Dresses the frame's document: colours, sheet, folded or open history. */
export function dress(doc: Document, look: FrameLook, host: HTMLElement): void {
  const root = doc.documentElement;
  const ours = getComputedStyle(host);
  for (const name of TAKEN) root.style.setProperty(name, ours.getPropertyValue(name));
  root.style.setProperty('--size', ours.fontSize);
  root.style.setProperty('--line', ours.lineHeight);
  root.classList.toggle('own', look.own);
  root.classList.toggle('dark', look.dark);
  root.classList.toggle('quotes', look.quoteOpen);
  // A scheme other than the page's would put an opaque canvas behind a see-through document.
  root.style.colorScheme = scheme();
}

/** Whether the page is light or dark at the moment. */
export function scheme(): 'light' | 'dark' {
  const chosen = document.documentElement.dataset['theme'];
  if (chosen === 'light' || chosen === 'dark') return chosen;
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}
