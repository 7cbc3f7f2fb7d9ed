/** Who a mail went to, as one short line, and where its original lies. */
import { BASE } from '$api/client';
import type { Message, Person } from '$api/types';
import { personName } from '$shared/format/index';
import { oddAddress } from '$shared/format/odd';
import { t } from '$shared/i18n/index.svelte';

export function rawUrl(message: Pick<Message, 'id'>): string {
  return `${BASE}/messages/${message.id}/raw`;
}

/** Where an attachment is downloaded from. */
export function fileUrl(file: { id: number }): string {
  return `${BASE}/attachments/${file.id}`;
}

/** What an address of ours is called in a thread; null for everybody else's. */
export type Ours = (email: string) => string | null;

/** The address that answers to our mail come back to: a token, which tells nobody anything. */
const REPLY = /^reply\+[a-z2-7]{26}@(.+)$/;

/** By its part before the @, since everybody here knows the rest; `inbox` is the name for the address of answers. */
export function oursAmong(addresses: readonly string[], inbox: string): Ours {
  const own = new Set(addresses.filter(Boolean).map((address) => address.toLowerCase()));
  const hosts = new Set([...own].map((address) => address.slice(address.lastIndexOf('@') + 1)));
  return (email) => {
    const address = email.toLowerCase();
    if (own.has(address)) return `${address.split('@')[0]}@`;
    return hosts.has(REPLY.exec(address)?.[1] ?? '') ? inbox : null;
  };
}

/** People by name, and ours by what they are called here; each once. */
export function names(people: readonly Person[], ours: Ours): string {
  return [...new Set(people.map((person) => ours(person.email) ?? personName(person)))].join(', ');
}

export function toLine(message: Message, ours: Ours): string {
  const parts: string[] = [];
  if (message.to.length) parts.push(t('conv.msg.to', { names: names(message.to, ours) }));
  if (message.cc.length) parts.push(t('conv.msg.cc', { names: names(message.cc, ours) }));
  if (message.bcc.length) parts.push(t('conv.msg.bcc', { names: names(message.bcc, ours) }));
  return parts.join(', ');
}

/** "Oliver Grant <oliver@fell.example>" for the facts of a message; an odd address is written out behind it. */
export function fullNames(people: readonly Person[]): string {
  return people
    .map(({ name, email }) => {
      const odd = oddAddress(email);
      return (name ? `${name} <${email}>` : email) + (odd && odd.plain !== email ? ` [${odd.plain}]` : '');
    })
    .join(', ');
}

/** What is odd about the addresses an answer would go to, in words; null when nothing is. */
export function oddSender(message: Pick<Message, 'from' | 'reply_to'>): string | null {
  for (const { email } of [...(message.from ? [message.from] : []), ...message.reply_to]) {
    const odd = oddAddress(email);
    if (odd) return t(`conv.odd.${odd.why}`, { address: odd.plain });
  }
  return null;
}
