/** Dates, sizes and names as the look prescribes: absolute after an hour, 24 h, a space before units. */
import { language } from '$shared/i18n/index.svelte';

const DAY = 86_400_000;
const cache = new Map<string, Intl.DateTimeFormat>();

function dates(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const locale = language() === 'en' ? 'en-GB' : language();
  const key = locale + JSON.stringify(options);
  let format = cache.get(key);
  if (!format) cache.set(key, (format = new Intl.DateTimeFormat(locale, options)));
  return format;
}

function startOfDay(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/** Whole days from `date` to `now` by the calendar: 0 today, 1 yesterday, -1 tomorrow. */
export function daysAgo(date: Date, now: Date = new Date()): number {
  return Math.round((startOfDay(now) - startOfDay(date)) / DAY);
}

/** The reader's time zone by its IANA name: what a day is for them. */
export function zone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** "10:41" */
export function clock(time: string | Date): string {
  return dates({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(new Date(time));
}

/** "Fri" */
export function weekday(time: string | Date): string {
  return dates({ weekday: 'short' }).format(new Date(time));
}

/** "19 Nov", with the year when it is not this one. */
export function day(time: string | Date, now: Date = new Date()): string {
  const date = new Date(time);
  const year = date.getFullYear() === now.getFullYear() ? undefined : 'numeric';
  return dates({ day: 'numeric', month: 'short', ...(year ? { year } : {}) }).format(date);
}

/** What a list shows: "10:41" today, "Fri" within the week, then "19 Nov". */
export function when(time: string | Date, now: Date = new Date()): string {
  const date = new Date(time);
  const ago = daysAgo(date, now);
  if (ago === 0) return clock(date);
  if (ago > 0 && ago < 7) return weekday(date);
  return day(date, now);
}

/** "Thursday 19 November, 10:41", with the year when it is not this one: for tooltips. */
export function fullTime(time: string | Date, now: Date = new Date()): string {
  const date = new Date(time);
  const year = date.getFullYear() === now.getFullYear() ? {} : ({ year: 'numeric' } as const);
  return `${dates({ weekday: 'long', day: 'numeric', month: 'long', ...year }).format(date)}, ${clock(date)}`;
}

/** "Thu 19 Nov, 10:41": a choice of a time, where there is little room. */
export function dayTime(time: string | Date): string {
  const date = new Date(time);
  return `${dates({ weekday: 'short', day: 'numeric', month: 'short' }).format(date)}, ${clock(date)}`;
}

/** "19 Nov, 10:41" or "10:41" today: a moment within a sentence. */
export function moment(time: string | Date, now: Date = new Date()): string {
  const date = new Date(time);
  return daysAgo(date, now) === 0 ? clock(date) : `${day(date, now)}, ${clock(date)}`;
}

/** "412 B", "18 kB", "2.4 MB"; 1 kB is 1,000 B. */
export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 10 ? 0 : 1;
  const text = new Intl.NumberFormat(language(), { maximumFractionDigits: digits }).format(value);
  return `${text}\u00a0${units[unit]}`;
}

/** A count that stops at 99: the server says 100 for "more". */
export function upTo99(count: number): string {
  return count > 99 ? '99+' : String(count);
}

/** Two letters for an avatar: "Zofia Wrona" gives "ZW", "ann@x.org" gives "A". */
export function initials(nameOrEmail: string): string {
  const words = nameOrEmail.split('@')[0]?.match(/[\p{L}\p{N}]+/gu) ?? [];
  const first = words[0] ?? '?';
  const last = nameOrEmail.includes('@') || words.length < 2 ? '' : (words[words.length - 1] ?? '');
  return ((Array.from(first)[0] ?? '') + (Array.from(last)[0] ?? '')).toLocaleUpperCase();
}

/** The name of a person, or the address where no name is known. */
export function personName(person: { name: string | null; email: string }): string {
  return person.name?.trim() || person.email;
}
