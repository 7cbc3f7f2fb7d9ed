/** How a mail fares on its way, as one sentence. */
import type { Delivery, DeliveryAttempt } from '$api/types';
import { clock, daysAgo, moment } from '$shared/format/index';
import { t } from '$shared/i18n/index.svelte';

export type DeliveryLine = {
  tone: 'wait' | 'ok' | 'bad' | 'plain';
  text: string;
  /** It can still be taken back. */
  undo: boolean;
  /** It can be tried again by hand. */
  retry: boolean;
  /** It waits for a time that was set: it can be sent at once. */
  later: boolean;
  /** Until when the sentence counts seconds. */
  ticking: boolean;
};

const HOLD = 60_000;
const LONGEST_QUOTE = 140;

function line(tone: DeliveryLine['tone'], text: string, more: Partial<DeliveryLine> = {}): DeliveryLine {
  return { tone, text, undo: false, retry: false, later: false, ticking: false, ...more };
}

/** The remote server's words, on one line and not endless. */
export function words(reply: string): string {
  const flat = reply.replace(/\s+/g, ' ').trim();
  return flat.length > LONGEST_QUOTE ? `${flat.slice(0, LONGEST_QUOTE - 1)}…` : flat;
}

function lastOf(delivery: Delivery, ...outcomes: DeliveryAttempt['outcome'][]): DeliveryAttempt | undefined {
  return delivery.attempts.findLast((attempt) => outcomes.includes(attempt.outcome));
}

function acceptedBy(reply: string): string | undefined {
  return /\b(?:by|at)\s+((?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,63})\b/i.exec(reply)?.[1];
}

function sent(delivery: Delivery, at: (time: string) => string): DeliveryLine {
  const accepted = lastOf(delivery, 'accepted');
  if (!accepted) return line('ok', t('conv.dl.sent_bare'));
  // What else the server said, a number of its own mostly, is in the details.
  const host = acceptedBy(accepted.reply);
  const time = at(accepted.at);
  return line('ok', host ? t('conv.dl.sent_by', { time, host }) : t('conv.dl.sent', { time }));
}

function failed(delivery: Delivery): DeliveryLine {
  const refused = delivery.recipients.filter((one) => one.state === 'failed');
  const reply = words(refused.find((one) => one.reply)?.reply ?? lastOf(delivery, 'refused', 'error')?.reply ?? '');
  const some = refused.length > 0 && refused.length < delivery.recipients.length;
  const who = refused.map((one) => one.email).join(', ');
  const key = some ? 'conv.dl.failed_some' : reply ? 'conv.dl.failed' : 'conv.dl.failed_bare';
  return line('bad', t(key, { words: reply, who }), { retry: true });
}

export function deliveryLine(delivery: Delivery, now: Date): DeliveryLine {
  const at = (time: string) => (daysAgo(new Date(time), now) === 0 ? clock(time) : moment(time, now));
  const left = delivery.due_at ? Date.parse(delivery.due_at) - now.getTime() : 0;
  switch (delivery.state) {
    case 'queued':
      if (!delivery.attempts.length && left > 0 && left <= HOLD) {
        const text = t('conv.dl.sending_in', { count: Math.ceil(left / 1000) });
        return line('wait', text, { undo: true, ticking: true });
      }
      if (delivery.send_at && left > 0) {
        return line('wait', t('conv.dl.later', { time: at(delivery.send_at) }), { undo: true, later: true });
      }
      return line('wait', t('conv.dl.queued'));
    case 'sending':
      return line('wait', t('conv.dl.sending'));
    case 'retrying': {
      const reply = words(lastOf(delivery, 'deferred', 'error', 'refused')?.reply ?? '');
      const time = delivery.due_at ? at(delivery.due_at) : '';
      const key = !time ? 'conv.dl.retrying_bare' : reply ? 'conv.dl.retrying_words' : 'conv.dl.retrying';
      return line('wait', t(key, { time, words: reply }), { retry: true });
    }
    case 'sent':
      return sent(delivery, at);
    case 'failed':
      return failed(delivery);
    default:
      return line('plain', t('conv.dl.cancelled'));
  }
}
