/** The time as sentences need it: every second while something counts down, else every half minute. */

export class Ticker {
  now = $state.raw(new Date());

  run(fast: boolean): () => void {
    this.now = new Date();
    const timer = setInterval(() => (this.now = new Date()), fast ? 500 : 30_000);
    return () => clearInterval(timer);
  }
}
