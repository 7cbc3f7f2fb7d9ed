/**
 * Style attributes of a mail, kept from the parser and set later through the object model. A strict content policy lets
 * no style attribute be parsed, in any document of the page; properties set by script it does allow.
 */

/** The attribute a style waits in until the mail stands in its frame. */
export const DEFERRED = 'data-fd-style';

const SPACE = /[\s/]/;

/** Renames every `style` attribute. Runs before the cleaning, so what it gets wrong can only lose a look, never safety. */
export function deferStyles(html: string): string {
  let out = '';
  let at = 0;
  for (;;) {
    const open = html.indexOf('<', at);
    if (open < 0) return out + html.slice(at);
    out += html.slice(at, open);
    at = open;
    if (!/[a-z]/i.test(html[open + 1] ?? '')) {
      out += '<';
      at += 1;
      continue;
    }
    const end = tagEnd(html, open + 1);
    out += end.text;
    at = end.at;
  }
}

/** One start tag from behind its "<", with its style renamed. Linear: every sign is read once. */
function tagEnd(html: string, from: number): { text: string; at: number } {
  let at = from;
  let text = '<';
  const take = (while_: (sign: string) => boolean) => {
    const start = at;
    while (at < html.length && while_(html[at] as string)) at += 1;
    return html.slice(start, at);
  };
  text += take((sign) => !SPACE.test(sign) && sign !== '>');
  while (at < html.length && html[at] !== '>') {
    text += take((sign) => SPACE.test(sign));
    const name = take((sign) => !SPACE.test(sign) && sign !== '=' && sign !== '>');
    text += name.toLowerCase() === 'style' ? DEFERRED : name;
    text += take((sign) => SPACE.test(sign));
    if (html[at] !== '=') continue;
    at += 1;
    text += '=' + take((sign) => SPACE.test(sign));
    const quote = html[at];
    if (quote === '"' || quote === "'") {
      at += 1;
      text += quote + take((sign) => sign !== quote) + (at < html.length ? quote : '');
      at += 1;
    } else text += take((sign) => !/[\s>]/.test(sign));
  }
  return { text, at: Math.min(at, html.length) };
}

const BARRED = new Set([
  'position',
  'z-index',
  'inset',
  'top',
  'left',
  'right',
  'bottom',
  'cursor',
  'content',
  'animation',
]);

/** Sets a style attribute's declarations one by one; those that fetch, float over the mail or hide code are dropped. */
export function applyStyle(element: HTMLElement, text: string): void {
  element.style.cssText = text;
  for (const name of Array.from(element.style)) {
    const value = element.style.getPropertyValue(name);
    const calls = /(?:url|image|image-set|cross-fade|element|var|env|expression)\s*\(/i.test(value);
    if (calls || BARRED.has(name) || name.startsWith('--')) element.style.removeProperty(name);
  }
}
