import { describe, expect, it } from 'vitest';
import { sampleRow } from './sample';
import { belongs, queryOf } from './views';

const ME = 7;
const fits = (name: string, over: Parameters<typeof sampleRow>[1], state: 'open' | 'snoozed' | 'closed' = 'open') =>
  belongs(sampleRow(1, over), { name, state }, ME);

describe('belongs', () => {
  it.each([
    ['all', {}, true],
    ['all', { state: 'closed' as const }, false],
    ['all', { place: 'spam' as const }, false],
    ['mine', { assignee: ME }, true],
    ['mine', { assignee: 8 }, false],
    ['unassigned', {}, true],
    ['unassigned', { assignee: ME }, false],
    ['in-1', {}, true],
    ['in-2', {}, false],
    ['snoozed', { state: 'snoozed' as const }, true],
    ['spam', { place: 'spam' as const, state: 'closed' as const }, true],
    ['trash', {}, false],
    ['sent', { last: { kind: 'outbound' as const, author: 'Ewa', preview: '' } }, true],
    ['sent', {}, null],
  ])('%s %o is %s', (name, over, wanted) => expect(fits(name, over)).toBe(wanted));

  it('follows the tab', () => expect(fits('mine', { assignee: ME, state: 'closed' }, 'closed')).toBe(true));
});

describe('queryOf', () => {
  it('asks the server for the same', () => {
    expect(queryOf({ name: 'mine', state: 'open' })).toEqual({ place: 'inbox', state: 'open', assignee: 'me' });
    expect(queryOf({ name: 'in-3', state: 'closed' })).toEqual({ place: 'inbox', state: 'closed', inbox: 3 });
    expect(queryOf({ name: 'spam', state: 'open' })).toEqual({ place: 'spam' });
    expect(queryOf({ name: 'sent', state: 'open' })).toEqual({ view: 'sent' });
  });
});
