import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { before, place } from './merge';

type Row = { id: number; last_activity_at: string };
const row = (id: number, minute: number): Row => ({
  id,
  last_activity_at: new Date(Date.UTC(2026, 10, 19, 0, minute)).toISOString(),
});
const rows = (...list: Row[]) => new Map(list.map((one) => [one.id, one]));

describe('place', () => {
  const known = rows(row(1, 30), row(2, 20), row(3, 10));
  const get = (id: number) => known.get(id);

  it('puts a new row where its activity belongs', () => {
    expect(place([1, 2, 3], 4, row(4, 25), true, false, get)).toEqual([1, 4, 2, 3]);
    expect(place([1, 2, 3], 4, row(4, 40), true, false, get)).toEqual([4, 1, 2, 3]);
    expect(place([1, 2, 3], 4, row(4, 5), true, false, get)).toEqual([1, 2, 3, 4]);
  });

  it('moves a row up when something happens in it', () => {
    expect(place([1, 2, 3], 3, row(3, 50), true, false, get)).toEqual([3, 1, 2]);
  });

  it('leaves the very same array when nothing moves', () => {
    const ids = [1, 2, 3];
    expect(place(ids, 2, row(2, 20), true, false, get)).toBe(ids);
    expect(place(ids, 9, undefined, false, false, get)).toBe(ids);
    expect(place(ids, 9, row(9, 1), null, false, get)).toBe(ids);
  });

  it('takes out what no longer belongs or is gone', () => {
    expect(place([1, 2, 3], 2, row(2, 20), false, false, get)).toEqual([1, 3]);
    expect(place([1, 2, 3], 2, undefined, false, false, get)).toEqual([1, 3]);
  });

  it('leaves rows older than the page to the next page', () => {
    const ids = [1, 2, 3];
    expect(place(ids, 4, row(4, 5), true, true, get)).toBe(ids);
  });

  it('breaks ties by the higher id, as the server does', () => {
    expect(place([1, 2, 3], 4, row(4, 20), true, false, get)).toEqual([1, 4, 2, 3]);
  });

  it('keeps any list in order whatever arrives', () => {
    const change = fc.record({ id: fc.nat(30), minute: fc.nat(500), fits: fc.boolean() });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 80 }), (changes) => {
        const store = new Map<number, Row>();
        const inside = new Set<number>();
        let ids: number[] = [];
        for (const { id, minute, fits } of changes) {
          store.set(id, row(id, minute));
          ids = place(ids, id, store.get(id), fits, false, (one) => store.get(one));
          if (fits) inside.add(id);
          else inside.delete(id);
        }
        const wanted = [...inside].sort((a, b) => (before(store.get(a) as Row, store.get(b) as Row) ? -1 : 1));
        expect(ids).toEqual(wanted);
      }),
    );
  });
});
