/**
 * Every conversation row this page has seen, once, by id. A change of ours lies over the server's row until the
 * server answers, so the eye sees it in the same frame; a refusal lifts it off again.
 */
import { SvelteMap } from 'svelte/reactivity';
import { client } from '$api/client';
import type { ConversationAnswer, ConversationPatch, ConversationRow } from '$api/types';

type Held = { row: ConversationRow; change: number };
export type RowListener = (id: number, row: ConversationRow | undefined) => void;

export class Conversations {
  #server = new SvelteMap<number, Held>();
  #pending = new SvelteMap<number, ConversationPatch[]>();
  #listeners = new Set<RowListener>();

  /** The row as the person should see it: ours over the server's. Reactive. */
  get(id: number): ConversationRow | undefined {
    const held = this.#server.get(id);
    if (!held) return undefined;
    const over = this.#pending.get(id);
    return over ? Object.assign({}, held.row, ...over) : held.row;
  }

  /** Takes a row read at `change`; an older reading than the one at hand is dropped. */
  take(row: ConversationRow, change: number): void {
    const known = this.#server.get(row.id);
    if (known && known.change > change) return;
    this.#server.set(row.id, { row, change });
    this.#tell(row.id);
  }

  /** The conversation is gone, or we may no longer see it. */
  remove(id: number): void {
    this.#server.delete(id);
    this.#pending.delete(id);
    this.#tell(id);
  }

  /** After a `reset`: what is shown stays until it is read again, and any reading is newer than it. */
  distrust(): void {
    for (const [id, held] of [...this.#server]) this.#server.set(id, { row: held.row, change: -1 });
  }

  /** Every tag this page has met: the choices when tagging. */
  tags(): Set<string> {
    const found = new Set<string>();
    for (const { row } of this.#server.values()) for (const tag of row.tags) found.add(tag);
    return found;
  }

  onRow(run: RowListener): () => void {
    this.#listeners.add(run);
    return () => this.#listeners.delete(run);
  }

  /** Reads one row from the server; throws its Problem. */
  async load(id: number, signal?: AbortSignal): Promise<ConversationRow> {
    const answer = await client.get<ConversationAnswer>(`/conversations/${id}`, signal ? { signal } : {});
    this.take(answer.conversation, answer.change);
    return answer.conversation;
  }

  /** Changes a conversation, visible at once; a refusal takes it back and throws the Problem. */
  async patch(id: number, patch: ConversationPatch): Promise<void> {
    this.#pending.set(id, [...(this.#pending.get(id) ?? []), patch]);
    this.#tell(id);
    try {
      const answer = await client.patch<ConversationAnswer>(`/conversations/${id}`, patch);
      this.#lift(id, patch);
      this.take(answer.conversation, answer.change);
    } catch (error) {
      this.#lift(id, patch);
      throw error;
    } finally {
      this.#tell(id);
    }
  }

  /** Changes what only this browser knows, until the next row from the server: for example `draft`. */
  touch(id: number, part: Partial<ConversationRow>): void {
    const held = this.#server.get(id);
    if (!held) return;
    this.#server.set(id, { row: { ...held.row, ...part }, change: held.change });
    this.#tell(id);
  }

  #lift(id: number, patch: ConversationPatch): void {
    const rest = (this.#pending.get(id) ?? []).filter((one) => one !== patch);
    if (rest.length) this.#pending.set(id, rest);
    else this.#pending.delete(id);
  }

  #tell(id: number): void {
    const row = this.get(id);
    for (const run of this.#listeners) run(id, row);
  }
}
