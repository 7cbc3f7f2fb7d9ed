/**
 * The second cleaning of HTML mail, in the browser, after the server's own. What comes out is a fragment of an inert
 * document; style attributes are taken off and handed over apart, to be set property by property.
 */
import createPurifier, { type Config } from 'dompurify';
import { oddTarget } from '$shared/format/odd';
import { t } from '$shared/i18n/index.svelte';
import { REMOTE } from './frame';
import { deferStyles, DEFERRED } from './styles';

export type Clean = { fragment: DocumentFragment; styles: [HTMLElement, string][] };

const FORBIDDEN = [
  ...['style', 'form', 'input', 'button', 'textarea', 'select', 'option', 'label', 'fieldset', 'dialog'],
  ...['svg', 'math', 'iframe', 'frame', 'object', 'embed', 'link', 'meta', 'base', 'title', 'template', 'slot'],
  ...['video', 'audio', 'source', 'track', 'picture', 'map', 'area', 'canvas', 'portal'],
];
const CONFIG: Config & { RETURN_DOM_FRAGMENT: true } = {
  USE_PROFILES: { html: true },
  FORBID_TAGS: FORBIDDEN,
  FORBID_ATTR: [
    'id',
    'name',
    'srcset',
    'background',
    'poster',
    'ping',
    'usemap',
    'tabindex',
    'contenteditable',
    'popover',
  ],
  ALLOW_DATA_ATTR: false,
  ADD_ATTR: [DEFERRED, REMOTE],
  ADD_URI_SAFE_ATTR: [DEFERRED],
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};
const OWN_FILE = /^\/api\/v1\/attachments\/(\d{1,15})$/;
const PICTURE = /^data:image\/(?:png|jpeg|gif|webp);base64,/i;

function guardLink(link: HTMLElement): void {
  const href = link.getAttribute('href') ?? '';
  let target: URL | null = null;
  try {
    // No base: an address relative to us was never meant by the sender.
    target = new URL(href.trim());
  } catch {
    // Falls through to the removal.
  }
  if (!target || !/^(https?|mailto|tel):$/.test(target.protocol)) {
    link.removeAttribute('href');
    return;
  }
  link.setAttribute('target', '_blank');
  link.setAttribute('rel', 'noopener noreferrer');
  // Where a link leads is told, whatever its words say.
  link.setAttribute('title', target.href.slice(0, 500));
}

/** Behind a link that leads elsewhere than it looks, where that is. */
function writeOut(link: HTMLAnchorElement): void {
  const target = oddTarget(link.getAttribute('href') ?? '');
  if (target === null || link.textContent.includes(target)) return;
  const note = document.createElement('bdi');
  note.className = 'fd-target';
  note.title = t('conv.odd.link');
  note.textContent = ` [${target.slice(0, 300)}]`;
  link.after(note);
}

/** Files of the message at hand: a mail shows its own pictures, never those of another one. */
let files: ReadonlySet<number> = new Set();

function shown(address: string): boolean {
  return PICTURE.test(address) || files.has(Number(OWN_FILE.exec(address)?.[1] ?? NaN));
}

function guard(node: Element): void {
  if (node.localName === 'a') guardLink(node as HTMLElement);
  for (const name of ['src', 'href'] as const) {
    if (node.localName === 'a' && name === 'href') continue;
    const value = node.getAttribute(name);
    if (value !== null && !shown(value)) node.removeAttribute(name);
  }
  if (node.localName !== 'img' || !/^\d{1,3}$/.test(node.getAttribute(REMOTE) ?? '')) node.removeAttribute(REMOTE);
  if (node.hasAttribute('class')) {
    if (node.classList.contains('fd-quote')) node.setAttribute('class', 'fd-quote');
    else node.removeAttribute('class');
  }
}

const purifier = createPurifier(window);
purifier.addHook('afterSanitizeAttributes', guard);

/** `own`: ids of the attachments that came with the message. */
export function purify(html: string, own: Iterable<number>): Clean {
  files = new Set(own);
  const fragment = purifier.sanitize(deferStyles(html), CONFIG);
  const styles: [HTMLElement, string][] = [];
  for (const element of fragment.querySelectorAll<HTMLElement>(`[${DEFERRED}]`)) {
    styles.push([element, element.getAttribute(DEFERRED) ?? '']);
    element.removeAttribute(DEFERRED);
  }
  for (const element of fragment.querySelectorAll('[style]')) element.removeAttribute('style');
  for (const link of fragment.querySelectorAll<HTMLAnchorElement>('a[href]')) writeOut(link);
  return { fragment, styles };
}
