import { afterEach, describe, expect, it, vi } from 'vitest';
import { client, Problem } from '$api/client';
import { use } from '$shared/i18n/index.svelte';
import english from 'virtual:catalogue/en';
import { Actions } from './actions.svelte';
import { Conversations } from './conversations.svelte';
import { Directory } from './directory.svelte';
import { sampleRow } from './sample';
import { Toasts } from './toasts.svelte';

use('en', english);
afterEach(() => vi.restoreAllMocks());

function answers(...list: (object | Problem)[]) {
  return vi.spyOn(client, 'patch').mockImplementation(async () => {
    const next = list.shift();
    if (next instanceof Error) throw next;
    return next as never;
  });
}

describe('Conversations', () => {
  it('drops a reading older than the one at hand', () => {
    const store = new Conversations();
    store.take(sampleRow(1, { subject: 'new' }), 20);
    store.take(sampleRow(1, { subject: 'old' }), 10);
    expect(store.get(1)?.subject).toBe('new');
  });

  it('takes any reading after a reset, for the server may count anew', () => {
    const store = new Conversations();
    store.take(sampleRow(1, { subject: 'before' }), 500);
    store.distrust();
    expect(store.get(1)?.subject).toBe('before');
    store.take(sampleRow(1, { subject: 'after' }), 3);
    expect(store.get(1)?.subject).toBe('after');
  });

  it('shows a change at once and keeps it over rows that arrive meanwhile', async () => {
    const store = new Conversations();
    store.take(sampleRow(1), 10);
    let answer: (value: unknown) => void = () => {};
    vi.spyOn(client, 'patch').mockImplementation(() => new Promise((done) => (answer = done)) as never);
    const done = store.patch(1, { state: 'closed' });
    expect(store.get(1)?.state).toBe('closed');
    store.take(sampleRow(1, { unread: true }), 11);
    expect(store.get(1)).toMatchObject({ state: 'closed', unread: true });
    answer({ conversation: sampleRow(1, { state: 'closed', unread: true }), change: 12 });
    await done;
    expect(store.get(1)).toMatchObject({ state: 'closed', unread: true });
  });

  it('takes a refused change back and tells its listeners', async () => {
    const store = new Conversations();
    store.take(sampleRow(1), 10);
    answers(new Problem(403, 'forbidden', 'no'));
    const seen: (string | undefined)[] = [];
    store.onRow((_, row) => seen.push(row?.state));
    await expect(store.patch(1, { state: 'closed' })).rejects.toMatchObject({ code: 'forbidden' });
    expect(store.get(1)?.state).toBe('open');
    expect(seen).toEqual(['closed', 'open']);
  });
});

describe('Actions', () => {
  function desk() {
    const store = new Conversations();
    const toasts = new Toasts();
    return { store, toasts, actions: new Actions(store, new Directory(), toasts) };
  }

  it('closes with Undo, and Undo opens again', async () => {
    const { store, toasts, actions } = desk();
    store.take(sampleRow(1), 10);
    const closed = { conversation: sampleRow(1, { state: 'closed' }), change: 11 };
    const patch = answers(closed, { conversation: sampleRow(1), change: 12 });
    actions.close([1]);
    expect(store.get(1)?.state).toBe('closed');
    expect(toasts.items[0]?.text).toBe('Closed');
    expect(toasts.undoLast()).toBe(true);
    await vi.waitFor(() => expect(patch).toHaveBeenLastCalledWith('/conversations/1', { state: 'open' }));
    await vi.waitFor(() => expect(store.get(1)?.state).toBe('open'));
    expect(toasts.items).toHaveLength(0);
  });

  it('says why when refused, and withdraws the Undo', async () => {
    const { store, toasts, actions } = desk();
    store.take(sampleRow(1), 10);
    answers(new Problem(403, 'forbidden', 'no'));
    actions.close([1]);
    await vi.waitFor(() => expect(toasts.items[0]?.tone).toBe('danger'));
    expect(toasts.items).toHaveLength(1);
    expect(toasts.items[0]?.text).toBe('Not changed: your role does not allow it.');
    expect(store.get(1)?.state).toBe('open');
  });

  it('brings a snoozed conversation back to its own time', async () => {
    const { store, toasts, actions } = desk();
    const until = '2026-12-01T08:00:00.000Z';
    store.take(sampleRow(1, { state: 'snoozed', snoozed_until: until }), 10);
    const open = { conversation: sampleRow(1), change: 11 };
    const patch = answers(open, { conversation: sampleRow(1, { state: 'snoozed', snoozed_until: until }), change: 12 });
    actions.reopen([1]);
    toasts.undoLast();
    await vi.waitFor(() =>
      expect(patch).toHaveBeenLastCalledWith('/conversations/1', { state: 'snoozed', snoozed_until: until }),
    );
  });

  it('counts in its sentence', () => {
    const { store, toasts, actions } = desk();
    for (const id of [1, 2, 3]) store.take(sampleRow(id), 10);
    answers(...[1, 2, 3].map((id) => ({ conversation: sampleRow(id, { place: 'trash' }), change: 11 })));
    actions.place([1, 2, 3], 'trash');
    expect(toasts.items[0]?.text).toBe('Moved 3 conversations to Trash');
  });
});
