/** Where the new messages begin for this agent in this browser, and the telling of the server that they are read. */
import type { Desk } from '../state/desk.svelte';
import type { Shelf } from '../state/shelf';
import type { Thread } from '../state/thread.svelte';
import { firstNew } from './pieces';

/** A glance while travelling with j and k is not reading. */
const READ_AFTER = 700;

export class Reading {
  /** What was read before is known, so that the thread can be placed. */
  known = $state(false);
  newFrom = $state<number | null>(null);
  #desk: Desk;
  #shelf: Shelf;
  #id: number;
  #thread: Thread;
  #key: string;
  #placed = false;
  #told = 0;

  constructor(desk: Desk, shelf: Shelf, id: number, thread: Thread) {
    this.#desk = desk;
    this.#shelf = shelf;
    this.#id = id;
    this.#thread = thread;
    this.#key = `agent ${desk.session.me?.agent.id ?? 0} ${id}`;
  }

  /** For an $effect: marks the line once, then tells the server when the thread has been on the screen a while. */
  watch(): () => void {
    const row = this.#desk.conversations.get(this.#id);
    const last = this.#thread.items.at(-1)?.id;
    if (!this.#thread.ready || !row || last === undefined) return () => {};
    if (!this.#placed) void this.#place(row.unread);
    if (this.#told >= last) return () => {};
    const tell = () => {
      if (document.visibilityState !== 'visible') return;
      this.#told = last;
      void this.#shelf.put('read', this.#key, last).catch(() => {});
      // Refused for whoever may not write; then the mark stays, no more.
      if (row.unread) void this.#desk.conversations.patch(this.#id, { unread: false }).catch(() => {});
    };
    const timer = setTimeout(tell, READ_AFTER);
    document.addEventListener('visibilitychange', tell);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', tell);
    };
  }

  async #place(unread: boolean): Promise<void> {
    this.#placed = true;
    if (unread) {
      const read = await this.#shelf.get<number>('read', this.#key).catch(() => undefined);
      this.newFrom = firstNew(this.#thread.items, true, read ?? null);
    }
    this.known = true;
  }
}
