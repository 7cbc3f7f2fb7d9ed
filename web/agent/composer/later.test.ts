import { expect, it } from 'vitest';
import { localValue, moments } from './later';

it('offers an hour, tomorrow and Monday, each once', () => {
  const of = (day: string) => moments(new Date(day)).map(({ at }) => localValue(at));
  // A Wednesday, then a Sunday: its tomorrow is Monday.
  expect(of('2026-11-25T16:20:30')).toEqual(['2026-11-25T17:20', '2026-11-26T08:00', '2026-11-30T08:00']);
  expect(of('2026-11-29T16:20:30')).toEqual(['2026-11-29T17:20', '2026-11-30T08:00']);
  expect(of('2026-11-30T07:00:00')).toEqual(['2026-11-30T08:00', '2026-12-01T08:00', '2026-12-07T08:00']);
});
