import { beforeEach, describe, expect, it } from 'vitest';
import { use } from '$shared/i18n/index.svelte';
import { day, initials, personName, size, upTo99, when } from './index';

const now = new Date(2026, 10, 20, 12, 0);

beforeEach(() => use('en', {}));

describe('when', () => {
  it.each([
    [new Date(2026, 10, 20, 9, 5), '09:05'],
    [new Date(2026, 10, 20, 0, 0), '00:00'],
    [new Date(2026, 10, 19, 23, 59), 'Thu'],
    [new Date(2026, 10, 14, 9, 0), 'Sat'],
    [new Date(2026, 10, 13, 9, 0), '13 Nov'],
    [new Date(2025, 10, 13, 9, 0), '13 Nov 2025'],
  ])('%s', (date, wanted) => expect(when(date, now)).toBe(wanted));

  it('speaks the language in force', () => {
    use('pl', {});
    expect(day(new Date(2026, 10, 13), now)).toBe('13 lis');
  });
});

describe('size', () => {
  it.each([
    [412, '412\u00a0B'],
    [18_200, '18\u00a0kB'],
    [2_440_000, '2.4\u00a0MB'],
  ])('%i', (bytes, wanted) => expect(size(bytes)).toBe(wanted));
});

describe('names', () => {
  it('give initials', () => {
    expect(['Zofia Maj', 'Karolina Dąbrowska-Leszczyńska', 'ann@x.example', 'Łukasz', ''].map(initials)).toEqual([
      'ZM',
      'KL',
      'A',
      'Ł',
      '?',
    ]);
  });
  it('fall back to the address', () => {
    expect(personName({ name: ' ', email: 'a@b.example' })).toBe('a@b.example');
  });
  it('counts stop at 99', () => expect([upTo99(7), upTo99(99), upTo99(100)]).toEqual(['7', '99', '99+']));
});
