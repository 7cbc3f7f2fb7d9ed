/** An address as its forms hold it. The keys are the server's names, so that its faults find their fields. */
import type { Channel, FromName, WayIn } from '$api/channel';
import type { Person } from '$api/types';
import { t } from '$shared/i18n/index.svelte';
import { autoReplyBody, autoReplyValues, checkAutoReply, touches, type AutoReplyValues } from './auto-reply';
import { looksLikeEmail } from './email';
import type { Faults } from './form.svelte';
import { html, plain } from './typed';

export type NewChannelValues = { address: string; inbox: string; way_in: WayIn };

export type ChannelValues = AutoReplyValues & {
  inbox: string;
  from_name: FromName;
  way_in: WayIn;
  plus_tags: boolean;
  catch_all: boolean;
  cc: string;
  bcc: string;
  signature: string;
};

export function channelValues(channel: Channel): ChannelValues {
  return {
    inbox: String(channel.inbox),
    from_name: channel.from_name,
    way_in: channel.way_in,
    plus_tags: channel.plus_tags,
    catch_all: channel.catch_all,
    cc: listed(channel.cc),
    bcc: listed(channel.bcc),
    signature: plain(channel.signature),
    ...autoReplyValues(channel.auto_reply),
  };
}

export function checkNewChannel(values: NewChannelValues): Faults<NewChannelValues> {
  const faults: Faults<NewChannelValues> = {};
  if (!looksLikeEmail(values.address)) faults.address = t('settings.badEmail');
  return faults;
}

export function checkChannel(values: ChannelValues): Faults<ChannelValues> {
  const faults: Faults<ChannelValues> = checkAutoReply(values);
  for (const field of ['cc', 'bcc'] as const) {
    if (!addresses(values[field]).every(looksLikeEmail)) faults[field] = t('settings.badEmail');
  }
  return faults;
}

/** What is sent of the changed fields. */
export function channelBody(changed: Partial<ChannelValues>, all: ChannelValues): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const field of ['from_name', 'way_in', 'plus_tags', 'catch_all'] as const) {
    if (changed[field] !== undefined) body[field] = changed[field];
  }
  if (touches(changed)) body['auto_reply'] = autoReplyBody(all);
  // A mailbox is saved with all that it needs, by its own part of the page.
  if (changed.way_in === 'imap') delete body['way_in'];
  if (changed.inbox !== undefined) body['inbox'] = Number(changed.inbox);
  for (const field of ['cc', 'bcc'] as const) {
    const typed = changed[field];
    if (typed !== undefined) body[field] = addresses(typed).map((email) => ({ email }));
  }
  if (changed.signature !== undefined) body['signature'] = html(changed.signature);
  return body;
}

function listed(people: readonly Person[]): string {
  return people.map((person) => person.email).join(', ');
}

function addresses(text: string): string[] {
  return text
    .split(/[\s,;]+/)
    .map((one) => one.trim())
    .filter(Boolean);
}
