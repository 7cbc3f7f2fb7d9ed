/** The ordered ids of each view: pages from the server, kept true by the rows that arrive live. */
import { client, isAbort } from '$api/client';
import type { ConversationPage, ConversationRow } from '$api/types';
import type { Conversations } from './conversations.svelte';
import { place } from './merge';
import { belongs, queryOf, type View } from './views';

const PAGE = 50;
const KEPT = 12;

export class ConversationList {
  readonly view: View;
  ids = $state.raw<number[]>([]);
  /** The first page is here. */
  ready = $state(false);
  loading = $state(false);
  failed = $state.raw<unknown>(null);
  more = $state(false);
  #cursor: string | null = null;
  #store: Conversations;
  #me: () => number;
  #running: AbortController | null = null;

  constructor(view: View, store: Conversations, me: () => number) {
    this.view = view;
    this.#store = store;
    this.#me = me;
  }

  /** Reads the first page; what is shown stays until the answer is here. */
  async load(): Promise<void> {
    this.#running?.abort();
    await this.#page(null);
  }

  /** The next page, once. */
  async loadMore(): Promise<void> {
    if (this.loading || !this.more) return;
    await this.#page(this.#cursor);
  }

  async #page(cursor: string | null): Promise<void> {
    const running = new AbortController();
    this.#running = running;
    this.loading = true;
    try {
      const query = { ...queryOf(this.view), limit: PAGE, cursor };
      const page = await client.get<ConversationPage>('/conversations', { query, signal: running.signal });
      this.#cursor = page.next;
      this.more = page.next !== null;
      const fresh = page.items.map((row) => row.id);
      this.ids = cursor === null ? fresh : [...this.ids, ...fresh.filter((id) => !this.ids.includes(id))];
      for (const row of page.items) this.#store.take(row, page.change);
      this.failed = null;
      this.ready = true;
    } catch (error) {
      if (!isAbort(error)) this.failed = error;
    } finally {
      if (this.#running === running) {
        this.#running = null;
        this.loading = false;
      }
    }
  }

  /** Puts, moves or takes out one row. */
  consider(id: number, row: ConversationRow | undefined): void {
    if (!this.ready) return;
    const fits = row ? belongs(row, this.view, this.#me()) : false;
    const next = place(this.ids, id, row, fits, this.more, (other) => this.#store.get(other));
    if (next !== this.ids) this.ids = next;
  }
}

export class Lists {
  #lists = new Map<string, ConversationList>();
  #store: Conversations;
  #me: () => number;

  constructor(store: Conversations, me: () => number) {
    this.#store = store;
    this.#me = me;
    store.onRow((id, row) => {
      for (const list of this.#lists.values()) list.consider(id, row);
    });
  }

  /** The list of a view, read from the server when first asked for. */
  of(view: View): ConversationList {
    const key = `${view.name} ${view.state}`;
    let list = this.#lists.get(key);
    if (!list) {
      list = new ConversationList(view, this.#store, this.#me);
      const fresh = list;
      queueMicrotask(() => void fresh.load());
    }
    // The map keeps the order of use; the one longest unused is forgotten.
    this.#lists.delete(key);
    this.#lists.set(key, list);
    if (this.#lists.size > KEPT) this.#lists.delete(this.#lists.keys().next().value as string);
    return list;
  }

  /** After a `reset`: everything is read again. */
  reload(): void {
    for (const list of this.#lists.values()) void list.load();
  }
}
