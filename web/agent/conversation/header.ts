/** Who a mail went to, as one short line, and where its original lies. */
import { BASE } from '$api/client';
import type { Message, Person } from '$api/types';
import { personName } from '$shared/format/index';
import { t } from '$shared/i18n/index.svelte';

export function rawUrl(message: Pick<Message, 'id'>): string {
  return `${BASE}/messages/${message.id}/raw`;
}

/** Where an attachment is downloaded from. */
export function fileUrl(file: { id: number }): string {
  return `${BASE}/attachments/${file.id}`;
}

/** People by name; an address of ours by its part before the @, since everybody here knows the rest. */
export function names(people: readonly Person[], ours: (email: string) => boolean): string {
  return people
    .map((person) => (ours(person.email) ? `${person.email.split('@')[0]}@` : personName(person)))
    .join(', ');
}

export function toLine(message: Message, ours: (email: string) => boolean): string {
  const parts: string[] = [];
  if (message.to.length) parts.push(t('conv.msg.to', { names: names(message.to, ours) }));
  if (message.cc.length) parts.push(t('conv.msg.cc', { names: names(message.cc, ours) }));
  if (message.bcc.length) parts.push(t('conv.msg.bcc', { names: names(message.bcc, ours) }));
  return parts.join(', ');
}

/** "Oliver Grant <oliver@fell.example>" for the facts of a message. */
export function fullNames(people: readonly Person[]): string {
  return people.map(({ name, email }) => (name ? `${name} <${email}>` : email)).join(', ');
}
