import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fold, match } from './match';

describe('match', () => {
  it('finds without case and diacritics, and marks what it found', () => {
    expect(match('Zgłoszenie Łódź', 'lodz')).toEqual([
      { text: 'Zgłoszenie ', hit: false },
      { text: 'Łódź', hit: true },
    ]);
  });

  it('prefers the beginning of a word', () => {
    expect(match('Mark as read, really read', 're')?.find((piece) => piece.hit)?.text).toBe('re');
    expect(match('Spread read', 'read')).toEqual([
      { text: 'Spread ', hit: false },
      { text: 'read', hit: true },
    ]);
  });

  it('wants every word', () => expect(match('Assign to me', 'assign you')).toBeNull());

  it('gives the label back whole', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme', maxLength: 3 }), (label, query) => {
        expect(fold(label)).toHaveLength(label.length);
        const found = match(label, query);
        if (found) expect(found.map((piece) => piece.text).join('')).toBe(label);
      }),
    );
  });
});
