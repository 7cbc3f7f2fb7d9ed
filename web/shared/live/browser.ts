/** The live socket of a real page: WebSocket, HTTP fallback, and the page's own signs of coming and going. */
import { BASE, client, isAbort, Problem } from '$api/client';
import type { Frame } from '$api/types';
import { Live, type CaughtUp, type SocketLike } from './live';

async function changes(after: number): Promise<CaughtUp> {
  try {
    const answer = await client.get<{ items: Frame[]; last: number }>('/changes', { query: { after } });
    return { frames: answer.items, last: answer.last };
  } catch (error) {
    if (error instanceof Problem && error.status === 410) return 'trimmed';
    if (error instanceof Problem && error.status === 401) return 'signed_out';
    if (error instanceof Problem || isAbort(error)) return 'unreachable';
    throw error;
  }
}

export function browserLive(): Live {
  return new Live({
    open: (after) => {
      const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
      return new WebSocket(`${scheme}://${location.host}${BASE}/live?after=${after}`) as unknown as SocketLike;
    },
    changes,
    setTimer: (run, ms) => setTimeout(run, ms),
    clearTimer: (timer) => clearTimeout(timer as number),
    chance: () => Math.random(),
  });
}

/** Nudges the socket when the network or the page comes back; returns the end of it. */
export function watchPage(live: Live): () => void {
  const online = () => live.nudge();
  const offline = () => live.lost();
  const visible = () => document.visibilityState === 'visible' && live.nudge();
  window.addEventListener('online', online);
  window.addEventListener('offline', offline);
  document.addEventListener('visibilitychange', visible);
  return () => {
    window.removeEventListener('online', online);
    window.removeEventListener('offline', offline);
    document.removeEventListener('visibilitychange', visible);
  };
}
