/** What a reply can be made of: paragraphs, lists, quotes, pictures; bold, italic, links. Anything else pasted in falls away. */
import { Schema, type DOMOutputSpec } from 'prosemirror-model';

/** The address when a reply may link to it, else null. */
export function safeHref(text: string): string | null {
  const trimmed = text.trim();
  const whole = /^[a-z][a-z0-9+.-]*:/i.test(trimmed)
    ? trimmed
    : trimmed.includes('@')
      ? `mailto:${trimmed}`
      : `https://${trimmed}`;
  try {
    const url = new URL(whole);
    if (!/^(https?|mailto):$/.test(url.protocol)) return null;
    if (url.protocol !== 'mailto:' && !/[.:]/.test(url.hostname) && url.hostname !== 'localhost') return null;
    return url.href;
  } catch {
    return null;
  }
}

function linkAttrs(dom: HTMLElement): { href: string } | false {
  const href = dom.getAttribute('href') ?? '';
  if (!/^(https?|mailto):/i.test(href)) return false;
  const safe = safeHref(href);
  return safe === null ? false : { href: safe };
}

/** Only pictures that were uploaded for this very text: others stay with whom they were copied from. */
function pictureAttrs(dom: HTMLElement): { cid: string; alt: string } | false {
  const cid = /^cid:(.+)$/i.exec(dom.getAttribute('src') ?? '')?.[1];
  return cid ? { cid, alt: dom.getAttribute('alt') ?? '' } : false;
}

const normalWeight = (dom: HTMLElement) => dom.style.fontWeight !== 'normal' && dom.style.fontWeight !== '400';

export const schema = new Schema({
  nodes: {
    doc: { content: 'block+' },
    paragraph: {
      content: 'inline*',
      group: 'block',
      parseDOM: [{ tag: 'p' }, { tag: 'h1, h2, h3, h4, h5, h6' }, { tag: 'pre' }],
      toDOM: (): DOMOutputSpec => ['p', 0],
    },
    blockquote: {
      content: 'block+',
      group: 'block',
      defining: true,
      parseDOM: [{ tag: 'blockquote' }],
      toDOM: (): DOMOutputSpec => ['blockquote', 0],
    },
    bullet_list: {
      content: 'list_item+',
      group: 'block',
      parseDOM: [{ tag: 'ul' }],
      toDOM: (): DOMOutputSpec => ['ul', 0],
    },
    ordered_list: {
      attrs: { order: { default: 1, validate: 'number' } },
      content: 'list_item+',
      group: 'block',
      parseDOM: [{ tag: 'ol', getAttrs: (dom) => ({ order: Number(dom.getAttribute('start')) || 1 }) }],
      toDOM: (node): DOMOutputSpec =>
        node.attrs['order'] === 1 ? ['ol', 0] : ['ol', { start: String(node.attrs['order']) }, 0],
    },
    list_item: {
      content: 'paragraph block*',
      defining: true,
      parseDOM: [{ tag: 'li' }],
      toDOM: (): DOMOutputSpec => ['li', 0],
    },
    text: { group: 'inline' },
    picture: {
      inline: true,
      group: 'inline',
      draggable: true,
      attrs: { cid: { validate: 'string' }, alt: { default: '', validate: 'string' } },
      parseDOM: [{ tag: 'img[src]', getAttrs: pictureAttrs }],
      toDOM: (node): DOMOutputSpec => [
        'img',
        { src: `cid:${node.attrs['cid'] as string}`, alt: node.attrs['alt'] as string },
      ],
    },
    hard_break: {
      inline: true,
      group: 'inline',
      selectable: false,
      leafText: () => '\n',
      parseDOM: [{ tag: 'br' }],
      toDOM: (): DOMOutputSpec => ['br'],
    },
  },
  marks: {
    link: {
      attrs: { href: { validate: 'string' } },
      inclusive: false,
      parseDOM: [{ tag: 'a[href]', getAttrs: linkAttrs }],
      toDOM: (mark): DOMOutputSpec => ['a', { href: mark.attrs['href'] as string }, 0],
    },
    em: {
      parseDOM: [{ tag: 'i' }, { tag: 'em' }, { style: 'font-style=italic' }],
      toDOM: (): DOMOutputSpec => ['em', 0],
    },
    strong: {
      parseDOM: [
        { tag: 'strong' },
        { tag: 'b', getAttrs: (dom) => normalWeight(dom) && null },
        { style: 'font-weight', getAttrs: (value) => /^(bold(er)?|[6-9]\d{2})$/.test(value) && null },
      ],
      toDOM: (): DOMOutputSpec => ['strong', 0],
    },
  },
});
