/** What happened to a conversation, as a sentence in the reader's language. */
import type { Message } from '$api/types';
import { moment } from '$shared/format/index';
import { t, tMaybe, type MessageKey } from '$shared/i18n/index.svelte';
import { sentence, type Span } from './sentence';

/** Where names for ids come from; undefined when nobody by that id is known. */
export type Names = { agent: (id: number) => string | undefined; inbox: (id: number) => string | undefined };

type EventArgs = Record<string, string | number | null>;

function first(args: EventArgs, ...names: string[]): string | number | undefined {
  for (const name of names) if (args[name] !== undefined && args[name] !== null) return args[name];
  return undefined;
}

/** The name of somebody or something by id; the name the event carries when the id is not known any more. */
function of(args: EventArgs, name: string, find: (id: number) => string | undefined): string {
  const id = first(args, name);
  return (typeof id === 'number' ? find(id) : undefined) ?? named(first(args, 'name', name), find);
}

function named(value: string | number | undefined, find: (id: number) => string | undefined): string {
  if (value === undefined) return t('conv.ev.somebody');
  if (typeof value === 'number') return find(value) ?? t('conv.ev.number', { id: String(value) });
  return value;
}

/** The values a sentence of this code needs, all as text. */
function details(code: string, args: EventArgs, names: Names): Record<string, string> {
  switch (code) {
    case 'assigned':
    case 'unassigned':
      return { agent: of(args, 'agent', names.agent) };
    case 'moved':
      return { inbox: of(args, 'inbox', names.inbox) };
    case 'snoozed': {
      const until = first(args, 'until');
      return { until: until === undefined ? '' : moment(new Date(until)) };
    }
    case 'tagged':
    case 'untagged':
      return { tag: String(first(args, 'tag') ?? '') };
    case 'placed': {
      const place = String(first(args, 'place') ?? '');
      return { place: tMaybe(`conv.place.${place}`) ?? place };
    }
    case 'subject_changed':
      return { subject: String(first(args, 'subject') ?? ''), was: String(first(args, 'was') ?? '') };
    case 'linked':
      return { id: String(first(args, 'conversation') ?? '') };
    case 'delivery_failed':
      return { email: String(first(args, 'recipient') ?? ''), reply: String(first(args, 'reply') ?? '') };
    default:
      return {};
  }
}

/** The variant of a code's sentence that its values allow. */
function variant(code: string, args: EventArgs, values: Record<string, string>, actor: number | null): string {
  if (code === 'assigned' && actor !== null && first(args, 'agent') === actor) return 'assigned_self';
  if (code === 'subject_changed' && !values['subject']) return 'subject_was';
  if (code === 'reopened' && args['by'] === 'reply') return 'reopened_reply';
  if (code === 'snoozed' && !values['until']) return 'snoozed_open';
  if (code === 'delivery_failed' && !values['email']) return 'delivery_failed_bare';
  return code;
}

/** The sentence of an event, names in bold. A code this page does not know is still told. */
export function eventSentence(message: Message, names: Names): Span[] {
  const event = message.event;
  if (!event) return [];
  const values = details(event.code, event.args, names);
  const key = variant(event.code, event.args, values, event.actor);
  const by = event.actor === null ? null : (names.agent(event.actor) ?? t('conv.ev.somebody'));
  const found = [by === null ? '' : `conv.ev.${key}.by`, `conv.ev.${key}`].find((one) => one && tMaybe(one) !== null);
  if (!found) return sentence('conv.ev.unknown', { code: event.code });
  return sentence(found as MessageKey, { ...values, ...(by === null ? {} : { actor: by }) });
}
