/** Which conversations a deed is meant for: the ticked ones, else the open one, else the one the cursor is on. */
import { SvelteSet } from 'svelte/reactivity';

export class Selection {
  /** The row the keyboard is on. */
  cursor = $state<number | null>(null);
  /** The conversation open beside the list. */
  open = $state<number | null>(null);
  readonly ticked = new SvelteSet<number>();
  /** Ticking was begun with the button, before the first tick. */
  #begun = $state(false);
  #anchor: number | null = null;

  /** The ids a command acts on. */
  get ids(): number[] {
    if (this.ticked.size) return [...this.ticked];
    const one = this.open ?? this.cursor;
    return one === null ? [] : [one];
  }

  /** Rows show their boxes. */
  get ticking(): boolean {
    return this.#begun || this.ticked.size > 0;
  }

  begin(): void {
    this.#begun = true;
  }

  toggle(id: number): void {
    if (this.ticked.has(id)) this.ticked.delete(id);
    else this.ticked.add(id);
    this.#anchor = id;
  }

  /** Shift: from the last ticked row to this one, in the order of the list. */
  extend(id: number, ids: readonly number[]): void {
    const from = this.#anchor === null ? -1 : ids.indexOf(this.#anchor);
    const to = ids.indexOf(id);
    if (from < 0 || to < 0) {
      this.toggle(id);
      return;
    }
    for (const one of ids.slice(Math.min(from, to), Math.max(from, to) + 1)) this.ticked.add(one);
  }

  tickAll(ids: readonly number[]): void {
    for (const id of ids) this.ticked.add(id);
  }

  clear(): void {
    this.ticked.clear();
    this.#begun = false;
    this.#anchor = null;
  }
}
