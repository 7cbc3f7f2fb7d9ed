/** The search line as tokens and words. The server alone decides what they mean; here they are only shown and removed. */

export type Token = { negated: boolean; operator: string; value: string };

export const OPERATORS = ['from', 'to', 'subject', 'inbox', 'assignee', 'tag', 'is', 'has', 'before', 'after'] as const;
const PART = /(-?)([a-z]+):("[^"]*"?|\S+)\s*|\S+\s*/giu;

/** Splits a line: known operators with a value become tokens, the rest stays words in its order. */
export function split(line: string): { tokens: Token[]; words: string } {
  const tokens: Token[] = [];
  let words = '';
  for (const found of line.matchAll(PART)) {
    const operator = found[2]?.toLowerCase();
    if (operator && (OPERATORS as readonly string[]).includes(operator)) {
      tokens.push({ negated: found[1] === '-', operator, value: found[3] ?? '' });
    } else {
      words += found[0];
    }
  }
  return { tokens, words };
}

/**
 * What has been finished before the caret: an operator with a space after it, its quotes closed. The rest of the line
 * stays as it is, and `caret` says where the caret then stands.
 */
export function finished(line: string, caret: number): { tokens: Token[]; words: string; caret: number } {
  const tokens: Token[] = [];
  let before = '';
  for (const [part] of line.slice(0, caret).matchAll(PART)) {
    const [token] = /\s$/.test(part) ? split(part).tokens : [];
    if (token && !/^"[^"]*$/.test(token.value)) tokens.push(token);
    else before += part;
  }
  return { tokens, words: before + line.slice(caret), caret: before.length };
}

/** A token as it is written. */
export function written(token: Token): string {
  return `${token.negated ? '-' : ''}${token.operator}:${token.value}`;
}

/** The whole line again, tokens first. */
export function join(tokens: Token[], words: string): string {
  return [...tokens.map(written), words.trim()].filter(Boolean).join(' ');
}

/** Without the marks of quoting, which in running text are only noise; a single one may be a sign of its own. */
function unquoted(text: string): string {
  const marks = text.match(/(?<!\S)>+(?!\S)/g) ?? [];
  return marks.length > 1 ? text.replace(/(?<!\S)>+(?:\s+>+)*\s+/g, '') : text;
}

/** A snippet in pieces; hits stand between U+0001 and U+0002. */
export function pieces(text: string): { text: string; hit: boolean }[] {
  const snippet = unquoted(text);
  const out: { text: string; hit: boolean }[] = [];
  let hit = false;
  // eslint-disable-next-line no-control-regex -- the server marks hits with these two
  for (const part of snippet.split(/([\u0001\u0002])/)) {
    if (part === '\u0001') hit = true;
    else if (part === '\u0002') hit = false;
    else if (part) out.push({ text: part, hit });
  }
  return out;
}
