/**
 * What was told to be sent and is not acknowledged yet. Each piece lies in this browser until the server has taken it,
 * and carries an id of its own, so that sending it again after a broken connection sends it once.
 */
import { SvelteMap } from 'svelte/reactivity';
import { client, Problem } from '$api/client';
import type { DraftKind, Message, MessageAnswer, NewMessage, Time } from '$api/types';
import type { DraftContent } from './draft-merge';
import type { Shelf } from './shelf';

export type OutItem = {
  client_id: string;
  conversation: number;
  kind: DraftKind;
  body: NewMessage;
  /** What goes back into the composer when it is not sent after all. */
  content: DraftContent;
  at: Time;
  /** `waiting`: no answer yet, kept in this browser. */
  state: 'sending' | 'waiting';
};

/** What the server tells of a message that holds a reply back: who and when, not always the words. */
export type Since = Pick<Message, 'id' | 'kind' | 'author' | 'from' | 'at'> & Partial<Message>;

/** A reply the server held back because others wrote in between. */
export type Held = { since: Since[]; at: Time; close: boolean };

export type OutboxWorld = {
  shelf: Shelf;
  owner: () => string;
  sent: (answer: MessageAnswer, item: OutItem) => void;
  held: (item: OutItem) => void;
  refused: (item: OutItem, problem: Problem) => void;
  /** After every try, whatever came of it. */
  tried: () => void;
};

const FIRST_WAIT = 2000;
const LONGEST_WAIT = 60_000;

/** 128 random bits; `crypto.randomUUID` is missing on plain http. */
export function clientId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Worth saying again as it is: no answer, or the server cannot just now. */
function passing(error: unknown): boolean {
  if (!(error instanceof Problem)) return true;
  return error.offline || error.status === 401 || error.status === 429 || error.status >= 500;
}

export class Outbox {
  items = $state.raw<OutItem[]>([]);
  readonly held = new SvelteMap<number, Held>();
  #world: OutboxWorld;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #busy = new Set<string>();

  constructor(world: OutboxWorld) {
    this.#world = world;
  }

  /** How many wait for the server. */
  get waiting(): number {
    return this.items.filter((item) => item.state === 'waiting').length;
  }

  /** A piece of this conversation is being handed over at this moment. */
  busy(conversation: number): boolean {
    return this.items.some((item) => item.conversation === conversation && this.#busy.has(item.client_id));
  }

  of(conversation: number): OutItem[] {
    return this.items.filter((item) => item.conversation === conversation);
  }

  /** What an earlier page left unsent. */
  async load(): Promise<void> {
    const kept = await this.#world.shelf.all<OutItem>('outbox', `${this.#world.owner()} `).catch(() => []);
    const known = new Set(this.items.map((item) => item.client_id));
    const old = kept
      .filter((item) => !known.has(item.client_id))
      .map((item) => ({ ...item, state: 'waiting' as const }));
    this.items = [...old, ...this.items].sort((a, b) => (a.at < b.at ? -1 : 1));
    if (old.length) void this.retry();
  }

  async send(item: Omit<OutItem, 'state' | 'at'>): Promise<void> {
    const whole: OutItem = { ...item, at: new Date().toISOString(), state: 'sending' };
    this.held.delete(item.conversation);
    this.items = [...this.items, whole];
    await this.#world.shelf.put('outbox', this.#key(whole), $state.snapshot(whole)).catch(() => {});
    // Behind what waits in the same conversation, so that the order stays.
    const before = this.items.find((one) => one.conversation === whole.conversation);
    if (before && before.client_id !== whole.client_id && before.state === 'waiting') {
      this.#mark(whole, 'waiting');
      void this.retry();
    } else await this.#post(whole);
  }

  /** Everything that waits, in order, until the first that still cannot be sent. */
  async retry(): Promise<void> {
    clearTimeout(this.#timer);
    for (const item of this.items.filter((one) => one.state === 'waiting')) {
      if (!(await this.#post(item))) return;
    }
  }

  /** Takes an unsent piece out again, to be edited or dropped. */
  take(id: string): OutItem | undefined {
    const item = this.items.find((one) => one.client_id === id);
    if (!item || this.#busy.has(id)) return undefined;
    this.#forget(item);
    return item;
  }

  async #post(item: OutItem): Promise<boolean> {
    if (this.#busy.has(item.client_id) || !this.items.some((one) => one.client_id === item.client_id)) return true;
    this.#busy.add(item.client_id);
    try {
      const answer = await client.post<MessageAnswer>(`/conversations/${item.conversation}/messages`, item.body);
      this.#failures = 0;
      this.#forget(item);
      this.#world.sent(answer, item);
      return true;
    } catch (error) {
      if (passing(error)) {
        this.#mark(item, 'waiting');
        this.#again();
        return false;
      }
      this.#forget(item);
      this.#back(item, error as Problem);
      return true;
    } finally {
      this.#busy.delete(item.client_id);
      this.#world.tried();
    }
  }

  #back(item: OutItem, problem: Problem): void {
    if (problem.code === 'stale_reply') {
      const since: Since[] = problem.body.since ?? [];
      this.held.set(item.conversation, { since, at: item.at, close: item.body.and_close ?? false });
      this.#world.held(item);
    } else this.#world.refused(item, problem);
  }

  #again(): void {
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#failures);
    this.#failures += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.retry(), wait);
  }

  #mark(item: OutItem, state: OutItem['state']): void {
    this.items = this.items.map((one) => (one.client_id === item.client_id ? { ...one, state } : one));
  }

  #forget(item: OutItem): void {
    this.items = this.items.filter((one) => one.client_id !== item.client_id);
    void this.#world.shelf.del('outbox', this.#key(item)).catch(() => {});
  }

  #key(item: OutItem): string {
    return `${this.#world.owner()} ${item.at} ${item.client_id}`;
  }
}
