/** Whether the server is reached. The banner waits 1.5 s, since most breaks are shorter. */
import type { Live, LiveStatus } from '$shared/live/live';

const PATIENCE = 1500;

export class Connection {
  status = $state<LiveStatus>('connecting');
  /** True when the break has lasted long enough to be worth a word. */
  broken = $state(false);
  /** How many replies wait in this browser; the outbox keeps it. */
  unsent = $state(0);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(live: Live) {
    live.onStatus((status) => this.#take(status));
  }

  #take(status: LiveStatus): void {
    this.status = status;
    if (status === 'live') {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.broken = false;
    } else if (this.#timer === undefined) {
      this.#timer = setTimeout(() => (this.broken = true), PATIENCE);
    }
  }
}
