/** Finding what was typed in a label: case and diacritics do not count, every word must occur. */

/** Lower case without diacritics, one character for one, so that places in it are places in the text. */
export function fold(text: string): string {
  let out = '';
  for (const unit of text) {
    const plain = unit.normalize('NFD').replace(/\p{M}/gu, '').replace('ł', 'l').replace('Ł', 'L').toLowerCase();
    out += plain.length === unit.length ? plain : unit;
  }
  return out;
}

export type Piece = { text: string; hit: boolean };

/** The label in pieces with the hits marked; null when a word is missing. */
export function match(label: string, query: string): Piece[] | null {
  const words = fold(query).split(/\s+/).filter(Boolean);
  const folded = fold(label);
  const marks = new Array<boolean>(label.length).fill(false);
  for (const word of words) {
    const start = new RegExp(`(^|[^\\p{L}\\p{N}])${word.replace(/[\^$\\.*+?()[\]{}|/]/g, '\\$&')}`, 'u').exec(folded);
    const at = start ? start.index + start[0].length - word.length : folded.indexOf(word);
    if (at < 0) return null;
    marks.fill(true, at, at + word.length);
  }
  const pieces: Piece[] = [];
  for (let i = 0; i < label.length; i += 1) {
    const hit = marks[i] ?? false;
    const last = pieces.at(-1);
    if (last && last.hit === hit) last.text += label.charAt(i);
    else pieces.push({ text: label.charAt(i), hit });
  }
  return pieces;
}
