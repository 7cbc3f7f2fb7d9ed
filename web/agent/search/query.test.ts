import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { join, pieces, split } from './query';

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

  it('copes with marks that do not pair', () => {
    expect(pieces('\u0002a\u0001b')).toEqual([
      { text: 'a', hit: false },
      { text: 'b', hit: true },
    ]);
  });
});
