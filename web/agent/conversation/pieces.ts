/** A thread as it is read: messages, with a line where a day begins and where the new ones begin. */
import type { Message } from '$api/types';

export type Piece =
  | { key: string; type: 'day'; at: string }
  | { key: string; type: 'new' }
  | { key: string; type: 'message'; message: Message };

function dayOf(at: string): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
}

/** `newFrom`: id of the first message the agent has not seen. A thread that is all of today has no day line. */
export function pieces(messages: readonly Message[], newFrom: number | null, now: Date): Piece[] {
  const out: Piece[] = [];
  let day = dayOf(now.toISOString());
  let marked = newFrom === null;
  for (const message of messages) {
    const own = dayOf(message.at);
    if (own !== day) out.push({ key: `day ${own} ${message.id}`, type: 'day', at: message.at });
    day = own;
    if (!marked && message.id >= (newFrom as number)) {
      out.push({ key: 'new', type: 'new' });
      marked = true;
    }
    out.push({ key: `m ${message.id}`, type: 'message', message });
  }
  return out;
}

/**
 * The first message that is new to this agent: after the last one they are known to have read, else the contact's
 * messages since the team last wrote. null when nothing is new.
 */
export function firstNew(messages: readonly Message[], unread: boolean, read: number | null): number | null {
  if (!unread) return null;
  const spoken = messages.filter((message) => message.kind !== 'event');
  if (read !== null && spoken.some((message) => message.id === read)) {
    return spoken.find((message) => message.id > read)?.id ?? null;
  }
  const ours = spoken.findLastIndex((message) => message.kind !== 'inbound');
  // With nothing before it a line saying "New" would tell nothing.
  return ours < 0 ? null : (spoken[ours + 1]?.id ?? null);
}
