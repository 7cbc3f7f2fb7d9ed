/** What an address says by itself, as its form holds it: hours of a day as "09:00-17:00, 18:00-20:00", closed days as lines. */
import type { AutoReply, AutoReplyWhen } from '$api/channel';
import { t } from '$shared/i18n/index.svelte';
import type { Faults } from './form.svelte';
import { html, plain } from './typed';

export const DAYS = [1, 2, 3, 4, 5, 6, 7] as const;
type DayKey = `day${(typeof DAYS)[number]}`;

export type AutoReplyValues = {
  enabled: boolean;
  subject: string;
  text: string;
  when: AutoReplyWhen;
  zone: string;
  closed: string;
} & Record<DayKey, string>;

const SPAN = /^([01]\d|2[0-3]):([0-5]\d)[-–]([01]\d|2[0-4]):([0-5]\d)$/;
const CLOSED = /^(\d{4}-)?\d{2}-\d{2}$/;
const KEYS: readonly string[] = ['enabled', 'subject', 'text', 'when', 'zone', 'closed', ...DAYS.map(dayKey)];

export function dayKey(day: (typeof DAYS)[number]): DayKey {
  return `day${day}`;
}

export function autoReplyValues(reply: AutoReply): AutoReplyValues {
  const of = (day: number) =>
    reply.hours.week
      .filter((span) => span.day === day)
      .map((span) => `${span.from}-${span.to}`)
      .join(', ');
  const days = Object.fromEntries(DAYS.map((day) => [dayKey(day), of(day)])) as Record<DayKey, string>;
  const { enabled, subject, when, hours } = reply;
  return {
    enabled,
    subject,
    text: plain(reply.text),
    when,
    zone: hours.zone,
    closed: hours.closed.join('\n'),
    ...days,
  };
}

export function checkAutoReply(values: AutoReplyValues): Faults<AutoReplyValues> {
  const faults: Faults<AutoReplyValues> = {};
  if (values.enabled && !values.text.trim()) faults.text = t('settings.reason.empty');
  for (const day of DAYS) {
    const sound = (span: string) => SPAN.test(span) && span.slice(0, 5) < span.slice(6);
    if (!parts(values[dayKey(day)]).every(sound)) faults[dayKey(day)] = t('settings.reply.badHours');
  }
  if (!parts(values.closed).every((day) => CLOSED.test(day))) faults.closed = t('settings.reply.badDay');
  return faults;
}

/** Whether any of it was changed. */
export function touches(changed: object): boolean {
  return Object.keys(changed).some((key) => KEYS.includes(key));
}

/** All of it as it is sent: the server takes it as one. */
export function autoReplyBody(values: AutoReplyValues): AutoReply {
  const spans = (day: (typeof DAYS)[number]) =>
    parts(values[dayKey(day)]).map((span) => ({ day, from: span.slice(0, 5), to: span.slice(6) }));
  return {
    enabled: values.enabled,
    subject: values.subject,
    text: html(values.text),
    when: values.when,
    hours: { zone: values.zone, week: DAYS.flatMap(spans), closed: parts(values.closed) },
  };
}

function parts(text: string): string[] {
  return text
    .split(/[\s,;]+/)
    .map((one) => one.trim())
    .filter(Boolean);
}
