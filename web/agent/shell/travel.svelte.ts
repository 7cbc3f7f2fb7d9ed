/** Moving through the list by keyboard, wherever the focus is. The list on the screen lends its ids and its scrolling. */
import { conversationHref, router } from '../router.svelte';
import type { Desk } from '../state/desk.svelte';

type Shown = { ids: () => readonly number[]; show: (id: number, focus: boolean) => Promise<void> };

class Travel {
  list: Shown | null = null;
  /** Where the cursor last stood, for when its row has left the list. */
  #index = 0;

  /** One row on or back. Beside the list the conversation opens with it; on the phone only the cursor moves. */
  step(desk: Desk, by: number): void {
    const ids = this.list?.ids() ?? [];
    if (!ids.length) return;
    const from = this.#onlyCursor(desk) ? desk.selection.cursor : (desk.selection.open ?? desk.selection.cursor);
    const at = from === null ? -1 : ids.indexOf(from);
    let to: number;
    if (at >= 0) to = at + by;
    else if (from === null) to = 0;
    else to = by > 0 ? this.#index : this.#index - 1;
    const index = Math.max(0, Math.min(ids.length - 1, to));
    this.#go(desk, ids, index, true);
  }

  /** Opens what follows a conversation that leaves the list; back to the list when nothing does. */
  after(desk: Desk, id: number): () => void {
    const ids = this.list?.ids() ?? [];
    const at = ids.indexOf(id);
    const next = at < 0 ? undefined : (ids[at + 1] ?? ids[at - 1]);
    return () => {
      if (next === undefined) this.back(desk);
      else this.#go(desk, this.list?.ids() ?? [], (this.list?.ids() ?? []).indexOf(next), true);
    };
  }

  /** Keeps the place of a row, so that the next step goes on from there once it is gone. */
  note(id: number | null): void {
    const at = id === null ? -1 : (this.list?.ids() ?? []).indexOf(id);
    if (at >= 0) this.#index = at;
  }

  open(desk: Desk): void {
    const id = desk.selection.cursor;
    const route = router.route;
    if (id === null || route.name !== 'inbox') return;
    router.go(conversationHref(id, route.view, route.state));
  }

  /** From a conversation to its list, the cursor on its row. */
  back(desk: Desk): void {
    const route = router.route;
    if (route.name !== 'inbox' || route.conversation === null) return;
    const id = route.conversation;
    desk.selection.cursor = id;
    router.go({ ...route, conversation: null });
    setTimeout(() => void this.list?.show(id, true));
  }

  /** On the phone, and while rows are being ticked, nothing opens by itself. */
  #onlyCursor(desk: Desk): boolean {
    return desk.layout.phone || desk.selection.ticking;
  }

  #go(desk: Desk, ids: readonly number[], index: number, focus: boolean): void {
    const id = ids[index];
    if (id === undefined) return;
    this.#index = index;
    desk.selection.cursor = id;
    const route = router.route;
    if (!this.#onlyCursor(desk) && route.name === 'inbox') {
      router.go(conversationHref(id, route.view, route.state), { replace: route.conversation !== null });
    }
    void this.list?.show(id, focus);
  }
}

/** One list is on the screen at a time. */
export const travel = new Travel();
