/** Keeps a thread where it opened, at its first new message or its end, until the person scrolls. */

const SCROLL_KEYS = new Set(['ArrowUp', 'ArrowDown', 'PageUp', 'PageDown', 'Home', 'End', ' ']);
/** Room left above the "New" line, in px. */
const AIR = 48;

export class Anchor {
  #box: HTMLElement | null = null;
  #held = false;

  /** Places the box and holds it there; returns the end of it. */
  open(box: HTMLElement): () => void {
    this.#box = box;
    this.#held = true;
    this.#place();
    const observer = new ResizeObserver(() => this.#place());
    for (const one of [box, ...box.children]) observer.observe(one);
    const release = () => this.release();
    const key = (event: KeyboardEvent) => SCROLL_KEYS.has(event.key) && this.release();
    const end = () => {
      // Back at the end by hand: what comes in is followed again.
      if (!this.#held && this.#left() < 4) this.#held = true;
    };
    box.addEventListener('wheel', release, { passive: true });
    box.addEventListener('touchmove', release, { passive: true });
    box.addEventListener('pointerdown', release);
    box.addEventListener('keydown', key);
    box.addEventListener('scrollend', end);
    return () => {
      observer.disconnect();
      this.#box = null;
      box.removeEventListener('wheel', release);
      box.removeEventListener('touchmove', release);
      box.removeEventListener('pointerdown', release);
      box.removeEventListener('keydown', key);
      box.removeEventListener('scrollend', end);
    };
  }

  /** The person reads elsewhere: nothing moves any more. */
  release(): void {
    this.#held = false;
  }

  /** Something of ours was added at the end: it is shown. */
  follow(): void {
    if (!this.#box) return;
    this.#held = true;
    requestAnimationFrame(() => this.#place());
  }

  #left(): number {
    const box = this.#box;
    return box ? box.scrollHeight - box.scrollTop - box.clientHeight : 0;
  }

  #place(): void {
    const box = this.#box;
    if (!box || !this.#held) return;
    const fresh = box.querySelector<HTMLElement>('[data-new]');
    const end = box.scrollHeight - box.clientHeight;
    const top = fresh ? fresh.getBoundingClientRect().top - box.getBoundingClientRect().top + box.scrollTop - AIR : end;
    box.scrollTop = Math.min(end, top);
  }
}
