/** Plain text and paragraphs, both ways: an empty line parts paragraphs, a single line end is a line break. */

export const SEPARATORS = { block: '\n\n', line: '\n' } as const;

/** Paragraphs as lists of lines; an empty text is one empty paragraph. */
export function paragraphs(text: string): string[][] {
  return text
    .replace(/\r\n?/g, '\n')
    .split(/\n{2,}/)
    .map((block) => block.split('\n'));
}
