/** Short words about what was just done, with the way back. They wait while pointed at or focused. */

export type ToastInput = {
  text: string;
  /** Takes the deed back; shown as "Undo" and run by `z`. */
  undo?: () => void | Promise<void>;
  tone?: 'plain' | 'danger';
  /** Milliseconds; 8 s unless told. */
  lasts?: number;
};
export type Toast = ToastInput & { id: number };

const LASTS = 8000;
const KEPT = 3;

export class Toasts {
  items = $state.raw<Toast[]>([]);
  /** What a screen reader is told politely, without anything being shown. */
  said = $state('');
  #next = 1;
  #timers = new Map<number, { timer: ReturnType<typeof setTimeout>; ends: number; left: number }>();

  show(input: ToastInput): number {
    const toast = { ...input, id: this.#next++ };
    const items = [...this.items, toast];
    for (const old of items.slice(0, -KEPT)) this.#forget(old.id);
    this.items = items.slice(-KEPT);
    this.#run(toast.id, input.lasts ?? LASTS);
    return toast.id;
  }

  /** Says something to screen readers only. */
  announce(text: string): void {
    this.said = this.said === text ? `${text}\u00a0` : text;
  }

  dismiss(id: number): void {
    this.#forget(id);
    this.items = this.items.filter((toast) => toast.id !== id);
  }

  async undo(id: number): Promise<void> {
    const toast = this.items.find((one) => one.id === id);
    this.dismiss(id);
    await toast?.undo?.();
  }

  /** `z`: takes back the newest deed still on the screen; false when there is none. */
  undoLast(): boolean {
    const toast = this.items.findLast((one) => one.undo);
    if (!toast) return false;
    void this.undo(toast.id);
    return true;
  }

  pause(): void {
    for (const [id, entry] of this.#timers) {
      clearTimeout(entry.timer);
      this.#timers.set(id, { ...entry, left: Math.max(1500, entry.ends - Date.now()) });
    }
  }

  resume(): void {
    // A copy, since running one again puts it at the end of the map.
    for (const [id, entry] of [...this.#timers]) this.#run(id, entry.left);
  }

  #run(id: number, ms: number): void {
    this.#forget(id);
    const timer = setTimeout(() => this.dismiss(id), ms);
    this.#timers.set(id, { timer, ends: Date.now() + ms, left: ms });
  }

  #forget(id: number): void {
    const entry = this.#timers.get(id);
    if (entry) clearTimeout(entry.timer);
    this.#timers.delete(id);
  }
}
