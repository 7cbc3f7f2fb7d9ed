/** The moments a conversation can be put off to, in the agent's own time zone. */
import type { MessageKey } from '$shared/i18n/index.svelte';

export type Preset = { key: MessageKey; at: Date };

function at(now: Date, days: number, hour: number): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, hour);
}

/** Later today, this evening, tomorrow, the weekend, next week: those that are still ahead and differ. */
export function presets(now: Date = new Date()): Preset[] {
  const later = new Date(now.getTime() + 3 * 3_600_000);
  later.setMinutes(Math.ceil(later.getMinutes() / 15) * 15, 0, 0);
  const saturday = (6 - now.getDay() + 7) % 7 || 7;
  const monday = (1 - now.getDay() + 7) % 7 || 7;
  const all: Preset[] = [
    { key: 'shell.snooze.later', at: later },
    { key: 'shell.snooze.evening', at: at(now, 0, 19) },
    { key: 'shell.snooze.tomorrow', at: at(now, 1, 8) },
    { key: 'shell.snooze.weekend', at: at(now, saturday, 10) },
    { key: 'shell.snooze.week', at: at(now, monday, 8) },
  ];
  const today = at(now, 1, 0).getTime();
  return all.filter(({ key, at: moment }) => {
    if (key === 'shell.snooze.later') return moment.getTime() < today;
    if (key === 'shell.snooze.evening') return moment.getTime() - now.getTime() > 3_600_000;
    if (key === 'shell.snooze.weekend') return now.getDay() !== 5 && now.getDay() !== 6;
    return !(key === 'shell.snooze.week' && now.getDay() === 0);
  });
}

/** Tomorrow at eight: where a time of one's own begins. */
export function tomorrow(now: Date = new Date()): Date {
  return at(now, 1, 8);
}

/** What a `datetime-local` field wants: "2026-11-23T08:00". */
export function localValue(date: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}
