/** The moments a message can be sent at later, in the agent's own time zone. */
import type { MessageKey } from '$shared/i18n/index.svelte';

export type Moment = { key: MessageKey; at: Date };

/** In an hour, tomorrow at eight, on Monday at eight; Monday once when it is tomorrow. */
export function moments(now: Date = new Date()): Moment[] {
  const at = (days: number, hour: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, hour);
  const monday = (1 - now.getDay() + 7) % 7 || 7;
  const hour = new Date(now.getTime() + 3_600_000);
  hour.setSeconds(0, 0);
  return [
    { key: 'conv.later.hour', at: hour },
    { key: 'conv.later.tomorrow', at: at(1, 8) },
    ...(monday > 1 ? [{ key: 'conv.later.monday' as const, at: at(monday, 8) }] : []),
  ];
}

/** What a `datetime-local` field wants: "2026-11-23T08:00". */
export function localValue(date: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}
