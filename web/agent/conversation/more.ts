/** The menu of what is done rarely to a conversation. */
import Ban from '@lucide/svelte/icons/ban';
import FileText from '@lucide/svelte/icons/file-text';
import Inbox from '@lucide/svelte/icons/inbox';
import Link from '@lucide/svelte/icons/link';
import Mail from '@lucide/svelte/icons/mail';
import ShieldX from '@lucide/svelte/icons/shield-x';
import Trash2 from '@lucide/svelte/icons/trash-2';
import { client, Problem } from '$api/client';
import type { ConversationRow, Message } from '$api/types';
import { t } from '$shared/i18n/index.svelte';
import type { MenuItem } from '$shared/ui/Menu.svelte';
import { conversationHref } from '../router.svelte';
import { reasonAlone } from '../state/actions.svelte';
import type { Desk } from '../state/desk.svelte';
import { rawUrl } from './header';

async function copyLink(desk: Desk, id: number): Promise<void> {
  try {
    await navigator.clipboard.writeText(location.origin + conversationHref(id));
    desk.toasts.show({ text: t('conv.copied') });
  } catch {
    desk.toasts.show({ text: t('conv.copy_failed'), tone: 'danger' });
  }
}

/** Keeps a sender out; the conversation goes to the spam, from where it can be brought back. */
async function block(desk: Desk, row: ConversationRow): Promise<void> {
  try {
    await client.post(`/conversations/${row.id}/block`, {});
    desk.toasts.show({ text: t('conv.blocked', { email: row.contact.email }) });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    desk.toasts.show({ text: t('shell.refused', { count: 1, reason: reasonAlone(error) }), tone: 'danger' });
  }
}

/** Downloads without leaving the page. */
function download(url: string, name: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
}

export function moreItems(
  desk: Desk,
  row: ConversationRow,
  messages: readonly Message[],
  write: boolean,
  key: (command: string) => string | undefined,
): MenuItem[] {
  const item = (label: string, icon: typeof Mail, run: () => void, command?: string, danger = false): MenuItem => {
    const cap = command ? key(command) : undefined;
    return { label, icon, run, ...(cap ? { key: cap } : {}), ...(danger ? { danger } : {}) };
  };
  const place = (to: ConversationRow['place']) => () => desk.actions.place([row.id], to);
  const raw = messages.findLast((message) => message.has_raw);
  const items: MenuItem[] = [];
  items.push(item(t('conv.mark_unread'), Mail, () => desk.actions.unread([row.id], true), 'unread'));
  if (write && row.place !== 'inbox') items.push(item(t('conv.to_inbox'), Inbox, place('inbox'), 'to-inbox'));
  items.push(item(t('conv.copy_link'), Link, () => void copyLink(desk, row.id)));
  if (raw) items.push(item(t('conv.original'), FileText, () => download(rawUrl(raw), `${raw.id}.eml`)));
  if (write) {
    items.push('rule');
    if (row.place !== 'spam') items.push(item(t('conv.spam'), ShieldX, place('spam'), 'spam'));
    items.push(item(t('conv.block'), Ban, () => void block(desk, row), undefined, true));
    if (row.place !== 'trash') items.push(item(t('conv.trash'), Trash2, place('trash'), 'trash', true));
  }
  return items;
}
