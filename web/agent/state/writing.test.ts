import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Draft, Message, MessageAnswer } from '$api/types';
import { EMPTY } from './draft-merge';
import { DraftBox } from './drafts.svelte';
import { Outbox, type OutItem } from './outbox.svelte';
import { memoryShelf } from './shelf';
import { Thread } from './thread.svelte';

type Call = { method: string; path: string; body: Record<string, unknown> };
let calls: Call[] = [];
let answer: (call: Call) => [number, unknown] | 'offline' = () => [200, {}];

beforeEach(() => {
  calls = [];
  vi.useFakeTimers();
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
    const call = { method: init.method ?? '', path, body: JSON.parse((init.body as string) ?? '{}') };
    calls.push(call);
    const given = answer(call);
    if (given === 'offline') throw new TypeError('no network');
    const [status, body] = given;
    return new Response(status === 204 ? null : JSON.stringify(body), { status });
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});
const settle = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

function message(id: number, over: Partial<Message> = {}): Message {
  return {
    id,
    conversation: 7,
    kind: 'inbound',
    author: null,
    text: '',
    at: '2026-11-19T10:00:00.000Z',
    ...over,
  } as Message;
}

describe('Outbox', () => {
  const shelf = memoryShelf();
  const told: string[] = [];
  const world = {
    shelf,
    owner: () => 'agent 1',
    sent: (_: MessageAnswer, item: OutItem) => void told.push(`sent ${item.client_id}`),
    held: (item: OutItem) => void told.push(`held ${item.client_id}`),
    refused: (item: OutItem) => void told.push(`refused ${item.client_id}`),
    tried: () => {},
  };
  const piece = (id: string, conversation = 7) => ({
    client_id: id,
    conversation,
    kind: 'reply' as const,
    body: { client_id: id, kind: 'reply' as const, text: id },
    content: { ...EMPTY, text: id },
  });
  beforeEach(() => (told.length = 0));

  it('says the same piece again, under the same id and in order, until the server has it', async () => {
    const outbox = new Outbox(world);
    answer = () => 'offline';
    await outbox.send(piece('a'));
    await outbox.send(piece('b'));
    expect(outbox.waiting).toBe(2);
    answer = () => [201, { message: message(9), change: 3 }];
    calls = [];
    await settle(5000);
    expect(calls.map((call) => call.body['client_id'])).toEqual(['a', 'b']);
    expect(told).toEqual(['sent a', 'sent b']);
    expect(outbox.items).toEqual([]);
    expect(await shelf.all('outbox', '')).toEqual([]);
  });

  it('finds after a reload what was not sent', async () => {
    answer = () => 'offline';
    await new Outbox(world).send(piece('c'));
    const again = new Outbox(world);
    answer = () => [201, { message: message(9), change: 3 }];
    await again.load();
    await settle();
    expect(told).toEqual(['sent c']);
    expect(await shelf.all('outbox', '')).toEqual([]);
  });

  it('gives a held or refused piece back instead of trying again', async () => {
    const outbox = new Outbox(world);
    answer = () => [409, { status: 409, code: 'stale_reply', detail: '', since: [message(8)] }];
    await outbox.send(piece('d'));
    expect(outbox.held.get(7)?.since).toHaveLength(1);
    answer = () => [403, { status: 403, code: 'read_only', detail: '' }];
    await outbox.send(piece('e'));
    expect(told).toEqual(['held d', 'refused e']);
    calls = [];
    await settle(120_000);
    expect(calls).toEqual([]);
  });
});

describe('DraftBox', () => {
  const draft = (over: Partial<Draft>): Draft =>
    ({
      id: 1,
      kind: 'reply',
      to: [],
      cc: [],
      bcc: [],
      html: null,
      text: '',
      attachments: [],
      revision: 1,
      updated_at: '',
      ...over,
    }) as Draft;
  const box = (shelf = memoryShelf()) =>
    [new DraftBox(7, 'reply', { shelf, owner: () => 'agent 1', mark: () => {} }), shelf] as const;

  it('keeps every keystroke here and saves once it is quiet', async () => {
    const [one, shelf] = box();
    const saved = draft({ revision: 1, updated_at: '2026-11-19T10:00:00.000Z' });
    answer = (call) => (call.method === 'GET' ? [404, { code: 'not_found' }] : [200, { draft: saved }]);
    await one.load(false);
    one.edit({ text: 'H' });
    await settle(400);
    one.edit({ text: 'Hi' });
    await settle();
    expect(await shelf.get('drafts', 'agent 1 7 reply')).toMatchObject({ text: 'Hi', dirty: true });
    expect(calls).toEqual([]);
    await settle(1100);
    expect(calls.filter((call) => call.method === 'PUT').map((call) => call.body['text'])).toEqual(['Hi']);
    expect(one.savedAt).toBe('2026-11-19T10:00:00.000Z');
  });

  it('keeps both versions when another window saved first', async () => {
    const [one] = box();
    await one.load(false);
    one.edit({ text: 'mine' });
    const theirs = draft({ revision: 3, text: 'theirs', updated_at: '2020-01-01T00:00:00.000Z' });
    answer = (call) => [200, { draft: call.method === 'GET' ? theirs : draft({ revision: 4, text: 'mine' }) }];
    await settle(5000);
    expect(one.content.text).toBe('mine');
    expect(one.other?.text).toBe('theirs');
    expect(calls.map((call) => call.method)).toEqual(['GET', 'PUT']);
    expect(calls.at(-1)?.body).toMatchObject({ base_revision: 3, text: 'mine' });
    one.swap();
    expect(one.content.text).toBe('theirs');
    expect(one.other?.text).toBe('mine');
  });

  it('asks before the first save after a pause, and not with every save', async () => {
    const [one] = box();
    let revision = 0;
    answer = (call) => {
      if (call.method === 'GET') return revision ? [200, { draft: draft({ revision }) }] : [404, { code: 'not_found' }];
      return [200, { draft: draft({ revision: ++revision }) }];
    };
    await one.load(false);
    for (const text of ['a', 'ab', 'abc']) {
      one.edit({ text });
      await settle(1500);
    }
    expect(calls.map((call) => call.method)).toEqual(['GET', 'PUT', 'PUT', 'PUT']);
    await settle(20_000);
    one.edit({ text: 'abcd' });
    await settle(1500);
    expect(calls.slice(4).map((call) => call.method)).toEqual(['GET', 'PUT']);
  });
});

describe('Thread', () => {
  const page = (items: Message[], change: number) => ({
    items,
    earlier: false,
    reply_to: { to: [], cc: [], from: '' },
    reply_one: { to: [], cc: [] },
    change,
  });

  it('holds what was seen still while others write, and moves it with our own words', async () => {
    const thread = new Thread(7, () => 1);
    answer = () => [200, page([message(1)], 10)];
    await thread.load();
    expect(thread.lastSeen).toBe(10);
    thread.take(message(2, { kind: 'outbound', author: 1 }), 12);
    expect(thread.lastSeen).toBe(12);
    thread.take(message(3), 15);
    thread.take(message(4, { kind: 'comment', author: 1 }), 17);
    expect(thread.lastSeen).toBe(12);
    expect(thread.unseen.map((one) => one.id)).toEqual([3]);
    thread.see();
    expect(thread.lastSeen).toBe(17);
  });

  it('takes a frame twice or late without harm', async () => {
    const thread = new Thread(7, () => 1);
    answer = () => [200, page([message(1), message(2, { text: 'new' })], 10)];
    await thread.load();
    thread.take(message(2, { text: 'old' }), 9);
    thread.take(message(3), 11);
    thread.take(message(3), 11);
    expect(thread.items.map((one) => [one.id, one.text])).toEqual([
      [1, ''],
      [2, 'new'],
      [3, ''],
    ]);
  });

  it('keeps the words of a long mail that were read whole', async () => {
    const thread = new Thread(7, () => 1);
    answer = () => [200, page([message(1, { text: 'the begin', cut: true })], 10)];
    await thread.load();
    thread.amend(message(1, { text: 'the beginning and the end', cut: false }));
    thread.take(message(1, { text: 'the begin', cut: true, subject: 'changed' }), 12);
    expect(thread.items.map((one) => [one.text, one.cut, one.subject])).toEqual([
      ['the beginning and the end', false, 'changed'],
    ]);
  });

  it('leaves no hole when the past was missed', async () => {
    const thread = new Thread(7, () => 1);
    answer = () => [200, page([message(1), message(2)], 10)];
    await thread.load();
    answer = () => [200, page([message(8), message(9)], 40)];
    await thread.load();
    expect(thread.items.map((one) => one.id)).toEqual([8, 9]);
    expect(thread.unseen.map((one) => one.id)).toEqual([8, 9]);
  });
});
