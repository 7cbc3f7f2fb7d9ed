import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { finished, join, pieces, split } from './query';

describe('split', () => {
  it('takes known operators out as tokens', () => {
    expect(split('is:open rain -tag:press from:"Oliver Grant" cover')).toEqual({
      tokens: [
        { negated: false, operator: 'is', value: 'open' },
        { negated: true, operator: 'tag', value: 'press' },
        { negated: false, operator: 'from', value: '"Oliver Grant"' },
      ],
      words: 'rain cover',
    });
  });

  it('leaves what only looks like one alone', () => {
    expect(split('re: 10:41 https://x.example from:').tokens).toEqual([]);
  });

  it('loses nothing', () => {
    const word = fc.constantFrom('rain', 'is:open', '-tag:"a b"', 'x:y', 'from:', '10:41', '"rain', 'zażółć');
    fc.assert(
      fc.property(fc.array(word), (words) => {
        const line = words.join(' ');
        const parts = split(line);
        const again = join(parts.tokens, parts.words);
        expect(again.split(/\s+/).sort()).toEqual(line.trim().split(/\s+/).sort());
      }),
    );
  });
});

describe('pieces', () => {
  it('marks the hits', () => {
    expect(pieces('the \u0001rain\u0002 cover')).toEqual([
      { text: 'the ', hit: false },
      { text: 'rain', hit: true },
      { text: ' cover', hit: false },
    ]);
  });

  it('leaves out the marks of quoting, and not a sign that stands alone', () => {
    const text = (snippet: string) =>
      pieces(snippet)
        .map((piece) => piece.text)
        .join('');
    expect(text('wrote: > > Hi Anna, > >\u0001ten\u0002 > >> pieces')).toBe('wrote: Hi Anna, >ten pieces');
    expect(text('where 7 > 5, -> there')).toBe('where 7 > 5, -> there');
  });

  it('copes with marks that do not pair', () => {
    expect(pieces('\u0002a\u0001b')).toEqual([
      { text: 'a', hit: false },
      { text: 'b', hit: true },
    ]);
  });
});

describe('finished', () => {
  const at = (line: string) => {
    const caret = line.indexOf('|');
    const parts = finished(line.replace('|', ''), caret);
    const words = `${parts.words.slice(0, parts.caret)}|${parts.words.slice(parts.caret)}`;
    return [parts.tokens.map((token) => token.value).join(), words];
  };

  it.each([
    ['is:open |', 'open', '|', 'with a space after it'],
    ['is:open|', '', 'is:open|', 'not while it is written'],
    ['rain is:open |', 'open', 'rain |', 'what stands before it stays'],
    ['is:open rain tag:press |', 'open,press', 'rain |', 'several, as from the clipboard'],
    ['is:o| rain', '', 'is:o| rain', 'not what the caret is in'],
    ['is:open |rain', 'open', '|rain', 'before words'],
    ['subject:"order |', '', 'subject:"order |', 'not with its quotes open'],
    ['subject:"order 20418" |', '"order 20418"', '|', 'with its quotes closed'],
    ['re: 10:41 |', '', 're: 10:41 |', 'nothing that only looks like one'],
  ])('%s gives %s: %s', (line, values, words) => expect(at(line)).toEqual([values, words]));
});
