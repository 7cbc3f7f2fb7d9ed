import { describe, expect, test } from 'vitest';
import { lengthOf, madeUp, strength } from './strength';

describe('strength', () => {
  test.each([
    ['', 'empty'],
    ['short', 'short'],
    ['aaaaaaaaaaaa', 'weak'],
    ['abcdefghijkl', 'weak'],
    ['password2026', 'weak'],
    ['wren moss kiln', 'good'],
    ['wren moss kiln tower', 'strong'],
    ['zażółć gęślą jaźń', 'strong'],
    ['x'.repeat(1025), 'long'],
  ])('%s is %s', (password, wanted) => {
    expect(strength(password)).toBe(wanted);
  });

  test('what others know of the person does not count', () => {
    expect(strength('ewa.lis.tarnina')).not.toBe('weak');
    expect(strength('ewa.lis.tarnina', ['Ewa Lis', 'ewa@tarnina.example'])).toBe('weak');
  });

  test('counts characters, not code units', () => {
    expect(lengthOf('🙂🙂')).toBe(2);
  });
});

describe('madeUp', () => {
  test('is strong, and another one each time', () => {
    const made = Array.from({ length: 50 }, madeUp);
    expect(new Set(made).size).toBe(50);
    for (const password of made) {
      expect(password).toMatch(/^([b-df-hj-np-tv-z][aeiou]){2}(-([b-df-hj-np-tv-z][aeiou]){2}){4}$/);
      expect(strength(password)).toBe('strong');
    }
  });
});
