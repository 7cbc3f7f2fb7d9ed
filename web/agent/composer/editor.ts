/** The rich text editor: ProseMirror with the little formatting mail carries well. Loaded when somebody begins to write. */
import { baseKeymap, chainCommands, lift, setBlockType, toggleMark, wrapIn } from 'prosemirror-commands';
import { history, redo, undo } from 'prosemirror-history';
import { inputRules, wrappingInputRule } from 'prosemirror-inputrules';
import { keymap } from 'prosemirror-keymap';
import { DOMParser as ContentParser, DOMSerializer, type Node } from 'prosemirror-model';
import { liftListItem, sinkListItem, splitListItem, wrapInList } from 'prosemirror-schema-list';
import { EditorState, Selection, TextSelection, type Command } from 'prosemirror-state';
import { EditorView } from 'prosemirror-view';
import { paragraphs, SEPARATORS } from './plain';
import { schema, safeHref } from './schema';
import { isPicture } from './uploads.svelte';

export type RichContent = { html: string | null; text: string };
export type Format = 'bold' | 'italic' | 'bullets' | 'numbers' | 'quote';
export type Active = Record<Format, boolean> & { link: string | null };

export type RichOptions = {
  content: RichContent;
  label: string;
  /** Offset in the text at which the caret stands; null leaves the focus where it is. */
  caret: number | null;
  onchange: (content: RichContent) => void;
  onactive: (active: Active) => void;
  onfiles: (files: File[]) => void;
  /** Uploads a picture for the text; `shown` is called with its Content-ID when it is there. */
  onpicture: (file: File, shown: (cid: string) => void) => void;
  /** Where the picture with that Content-ID is to be seen; null when it is not there any more. */
  picture: (cid: string) => string | null;
};
export type RichEditor = {
  focus: () => void;
  set: (content: RichContent) => void;
  name: (label: string) => void;
  run: (format: Format) => void;
  /** Puts a link on the selection, or takes it off; with nothing selected the address itself is written. */
  link: (href: string | null) => void;
  destroy: () => void;
};

const { nodes, marks } = schema;

function docOf({ html, text }: RichContent): Node {
  const parser = ContentParser.fromSchema(schema);
  if (html !== null) {
    const inert = new DOMParser().parseFromString(html, 'text/html');
    for (const odd of inert.querySelectorAll('style, script, title, template')) odd.remove();
    return parser.parse(inert.body);
  }
  const blocks = paragraphs(text).map((lines) => {
    const inline = lines.flatMap((line, index) => [
      ...(index ? [nodes.hard_break.create()] : []),
      ...(line ? [schema.text(line)] : []),
    ]);
    return nodes.paragraph.create(null, inline);
  });
  return nodes.doc.create(null, blocks);
}

/** Plain when nothing but paragraphs and line breaks is in it. */
function isPlain(doc: Node): boolean {
  let plain = true;
  doc.descendants((node) => {
    if (node.marks.length || !['paragraph', 'text', 'hard_break'].includes(node.type.name)) plain = false;
    return plain;
  });
  return plain;
}

function contentOf(doc: Node): RichContent {
  const text = doc.textBetween(0, doc.content.size, SEPARATORS.block, SEPARATORS.line).replace(/\n{3,}/g, '\n\n');
  if (isPlain(doc)) return { html: null, text };
  const box = document.implementation.createHTMLDocument().createElement('div');
  box.append(DOMSerializer.fromSchema(schema).serializeFragment(doc.content, { document: box.ownerDocument }));
  return { html: box.innerHTML, text };
}

function within(state: EditorState, name: string): boolean {
  const { $from } = state.selection;
  for (let depth = $from.depth; depth > 0; depth -= 1) if ($from.node(depth).type.name === name) return true;
  return false;
}

function activeOf(state: EditorState): Active {
  const { from, to, empty, $from } = state.selection;
  const has = (name: 'strong' | 'em' | 'link') =>
    empty
      ? Boolean(marks[name].isInSet(state.storedMarks ?? $from.marks()))
      : state.doc.rangeHasMark(from, to, marks[name]);
  const link = has('link') ? ($from.marks().find((mark) => mark.type === marks.link)?.attrs['href'] ?? '') : null;
  return {
    bold: has('strong'),
    italic: has('em'),
    bullets: within(state, 'bullet_list'),
    numbers: within(state, 'ordered_list'),
    quote: within(state, 'blockquote'),
    link: link as string | null,
  };
}

/** Into the list or quote, or out of it. */
function toggleWrap(name: 'bullet_list' | 'ordered_list' | 'blockquote'): Command {
  return (state, dispatch) => {
    if (name === 'blockquote')
      return within(state, name) ? lift(state, dispatch) : wrapIn(nodes.blockquote)(state, dispatch);
    if (within(state, name)) return liftListItem(nodes.list_item)(state, dispatch);
    return wrapInList(nodes[name])(state, dispatch);
  };
}

const COMMANDS: Record<Format, Command> = {
  bold: toggleMark(marks.strong),
  italic: toggleMark(marks.em),
  bullets: toggleWrap('bullet_list'),
  numbers: toggleWrap('ordered_list'),
  quote: toggleWrap('blockquote'),
};

function plugins() {
  const done: Command = () => true;
  const brk: Command = (state, dispatch) => {
    dispatch?.(state.tr.replaceSelectionWith(nodes.hard_break.create()).scrollIntoView());
    return true;
  };
  return [
    history(),
    inputRules({
      rules: [
        wrappingInputRule(/^\s*[-*]\s$/, nodes.bullet_list),
        wrappingInputRule(/^(\d+)\.\s$/, nodes.ordered_list, (match) => ({ order: Number(match[1]) })),
        wrappingInputRule(/^\s*>\s$/, nodes.blockquote),
      ],
    }),
    keymap({
      // Sending is the form's business; here it must only not break a line.
      'Mod-Enter': done,
      'Shift-Mod-Enter': done,
      'Mod-b': COMMANDS.bold,
      'Mod-i': COMMANDS.italic,
      'Mod-z': undo,
      'Mod-y': redo,
      'Shift-Mod-z': redo,
      'Shift-Enter': brk,
      Enter: chainCommands(splitListItem(nodes.list_item)),
      'Mod-[': chainCommands(liftListItem(nodes.list_item), lift),
      'Mod-]': sinkListItem(nodes.list_item),
      'Mod-Alt-0': setBlockType(nodes.paragraph),
    }),
    keymap(baseKeymap),
  ];
}

function caretAt(doc: Node, offset: number): Selection {
  let low = 0;
  let high = doc.content.size;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (doc.textBetween(0, middle, SEPARATORS.block, SEPARATORS.line).length < offset) low = middle + 1;
    else high = middle;
  }
  return TextSelection.near(doc.resolve(Math.min(low, doc.content.size)), -1);
}

function setLink(view: EditorView, href: string | null): void {
  const { from, to, empty, $from } = view.state.selection;
  const tr = view.state.tr;
  const safe = href === null ? null : safeHref(href);
  if (empty && safe !== null && !marks.link.isInSet($from.marks())) {
    tr.insert(from, schema.text(safe.replace(/^mailto:/, ''), [marks.link.create({ href: safe })]));
  } else {
    let [start, end] = [from, to];
    if (empty) {
      // The whole link the caret stands in.
      const inside = (pos: number) => Boolean(marks.link.isInSet(tr.doc.resolve(pos).marks()));
      while (start > $from.start() && inside(start - 1)) start -= 1;
      start = Math.max($from.start(), start - 1);
      while (end < $from.end() && inside(end + 1)) end += 1;
    }
    tr.removeMark(start, end, marks.link);
    if (safe !== null) tr.addMark(start, end, marks.link.create({ href: safe }));
  }
  view.dispatch(tr);
  view.focus();
}

function shownPicture(node: Node, where: RichOptions['picture']): HTMLElement {
  const image = document.createElement('img');
  const url = where(node.attrs['cid'] as string);
  if (url) image.src = url;
  image.alt = node.attrs['alt'] as string;
  image.title = image.alt;
  return image;
}

export function createRich(host: HTMLElement, options: RichOptions): RichEditor {
  const doc = docOf(options.content);
  const selection = options.caret === null ? Selection.atEnd(doc) : caretAt(doc, options.caret);
  const takeFiles = (event: Event, data: DataTransfer | null): boolean => {
    const files = [...(data?.files ?? [])];
    if (!files.length) return false;
    event.preventDefault();
    const pictures = files.filter(isPicture);
    for (const file of pictures) options.onpicture(file, (cid) => put(cid, file.name));
    const others = files.filter((file) => !isPicture(file));
    if (others.length) options.onfiles(others);
    return true;
  };
  // Where the caret is when it is there: nothing that was selected or written meanwhile goes.
  const put = (cid: string, alt: string): void => {
    if (view.isDestroyed) return;
    const node = nodes.picture.create({ cid, alt });
    view.dispatch(view.state.tr.insert(view.state.selection.head, node).scrollIntoView());
  };
  const drop = (view: EditorView, event: DragEvent): boolean => {
    if (!event.dataTransfer?.files.length) return false;
    const place = view.posAtCoords({ left: event.clientX, top: event.clientY });
    if (place) view.dispatch(view.state.tr.setSelection(TextSelection.near(view.state.doc.resolve(place.pos))));
    return takeFiles(event, event.dataTransfer);
  };
  const view = new EditorView(host, {
    state: EditorState.create({ doc, selection, plugins: plugins() }),
    attributes: { role: 'textbox', 'aria-multiline': 'true', 'aria-label': options.label, class: 'comp-text' },
    handlePaste: (_view, event) => takeFiles(event, event.clipboardData),
    handleDrop: drop,
    nodeViews: { picture: (node) => ({ dom: shownPicture(node, options.picture) }) },
    dispatchTransaction(tr) {
      view.updateState(view.state.apply(tr));
      if (tr.docChanged && !tr.getMeta('outside')) options.onchange(contentOf(tr.doc));
      options.onactive(activeOf(view.state));
    },
  });
  if (options.caret !== null) view.focus();
  return {
    focus: () => view.focus(),
    set(content) {
      const next = docOf(content);
      const tr = view.state.tr.replaceWith(0, view.state.doc.content.size, next.content);
      view.dispatch(tr.setSelection(Selection.atEnd(tr.doc)).setMeta('outside', true));
    },
    name: (label) => view.dom.setAttribute('aria-label', label),
    run(format) {
      COMMANDS[format](view.state, view.dispatch.bind(view), view);
      view.focus();
    },
    link: (href) => setLink(view, href),
    destroy: () => view.destroy(),
  };
}
