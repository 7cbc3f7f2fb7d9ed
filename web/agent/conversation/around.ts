/** Fetches the threads beside the open one while nothing else goes on, so that j and k paint from memory. */
import { router } from '../router.svelte';
import type { Desk } from '../state/desk.svelte';
import type { Threads } from '../state/thread.svelte';

const QUIET = 250;

/** Returns the end of the waiting. */
export function fetchAround(desk: Desk, threads: Threads, id: number): () => void {
  const timer = setTimeout(() => {
    const route = router.route;
    if (route.name !== 'inbox') return;
    const { ids } = desk.lists.of({ name: route.view, state: route.state });
    const at = ids.indexOf(id);
    if (at < 0) return;
    for (const next of [ids[at + 1], ids[at - 1], ids[at + 2]]) if (next !== undefined) threads.prefetch(next);
  }, QUIET);
  return () => clearTimeout(timer);
}
