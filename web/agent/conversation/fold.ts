/** Parts a plain text into what was written now and the history quoted under it. Nothing is ever taken away. */

export type Folded = { own: string; quoted: string; /** Lines in `quoted`. */ lines: number };

/** `from` is the 0-based line at which the history starts, or null. A text that is all history is not folded. */
export function fold(text: string, from: number | null): Folded {
  const whole = { own: text, quoted: '', lines: 0 };
  if (from === null || from < 0) return whole;
  const lines = text.split('\n');
  if (from >= lines.length) return whole;
  const own = lines.slice(0, from).join('\n').replace(/\s+$/, '');
  if (own.trim() === '') return whole;
  const quoted = lines.slice(from).join('\n');
  return { own, quoted, lines: quoted.replace(/\n+$/, '').split('\n').length };
}

/** How many lines the history has, for HTML mail whose text alternative knows where it starts. */
export function quotedLines(text: string, from: number | null): number | null {
  const { lines } = fold(text, from);
  return lines || null;
}
