/** An inbox as its form holds it. The keys are the server's names, so that its faults find their fields. */
import type { Inbox } from '$api/types';
import { t } from '$shared/i18n/index.svelte';
import type { Faults } from './form.svelte';

export type InboxValues = { name: string; fallback_local_part: string; from_name: string };

/** The part of an address before its last "@". */
export function localPart(address: string): string {
  const at = address.lastIndexOf('@');
  return at < 0 ? address : address.slice(0, at);
}

export function inboxValues(inbox: Inbox | null): InboxValues {
  return {
    name: inbox?.name ?? '',
    fallback_local_part: inbox ? localPart(inbox.fallback_address) : '',
    from_name: inbox?.from_name ?? '',
  };
}

/** A new inbox may leave its address to the server; one that has an address may not give it up for nothing. */
export function checkInbox(values: InboxValues, isNew: boolean): Faults<InboxValues> {
  const faults: Faults<InboxValues> = {};
  if (!values.name.trim()) faults.name = t('settings.required');
  const local = values.fallback_local_part.trim();
  const plain = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i.test(local) && local.length <= 64;
  if (!plain && !(isNew && local === '')) faults.fallback_local_part = t('settings.inboxes.badLocalPart');
  return faults;
}

/** What is sent of the changed fields. */
export function inboxBody(changed: Partial<InboxValues>): Record<string, string | null> {
  const body: Record<string, string | null> = {};
  if (changed.name !== undefined) body.name = changed.name.trim();
  if (changed.fallback_local_part?.trim()) body.fallback_local_part = changed.fallback_local_part.trim().toLowerCase();
  if (changed.from_name !== undefined) body.from_name = changed.from_name.trim() || null;
  return body;
}
