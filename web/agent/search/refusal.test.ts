import { beforeAll, describe, expect, it } from 'vitest';
import { Problem } from '$api/client';
import { use, type Catalogue } from '$shared/i18n/index.svelte';
import pl from '../../catalogues/pl/shell.json';
import { partAt, refusal } from './refusal';

beforeAll(() => use('pl', pl as Catalogue));

describe('partAt', () => {
  it.each([
    ['before:soon tents', 0, 'before:soon'],
    ['before:soon tents', 7, 'before:soon'],
    ['łódź is:odd', 8, 'is:odd'],
    ['łódź -is:odd x', 12, '-is:odd'],
    ['inbox:"No such" x', 0, 'inbox:"No such"'],
    ['(is:odd)', 1, 'is:odd'],
    ['tents', 99, ''],
  ])('of %s at byte %d is %s', (line, at, part) => expect(partAt(line, at)).toBe(part));
});

describe('refusal', () => {
  const told = (code: string, body = {}) => refusal(new Problem(400, code, 'in English', body), 'before:soon');

  it('says what is wrong with the line', () => {
    expect(told('invalid', { field: 'q', reason: 'query_bad_date', at: 7 })).toMatch(/^W „before:soon” nie ma daty/);
  });

  it('never speaks the server’s own words', () => {
    expect(told('invalid', { field: 'q', reason: 'query_brand_new', at: 0 })).toBe(
      'Serwer nie przyjmuje tego w tej postaci.',
    );
    expect(told('brand_new')).toBe('Serwer nie mógł tego zrobić.');
    expect(told('search_too_slow')).toMatch(/^Szukanie trwało/);
    expect(refusal(new TypeError('x'), '')).toBe('Serwer nie mógł tego zrobić.');
  });
});
