/** The views of the navigation: their icons, words and numbers, in order. */
import AlarmClock from '@lucide/svelte/icons/alarm-clock';
import Funnel from '@lucide/svelte/icons/funnel';
import Layers from '@lucide/svelte/icons/layers';
import Mail from '@lucide/svelte/icons/mail';
import Send from '@lucide/svelte/icons/send';
import ShieldX from '@lucide/svelte/icons/shield-x';
import Trash2 from '@lucide/svelte/icons/trash-2';
import User from '@lucide/svelte/icons/user';
import UserX from '@lucide/svelte/icons/user-x';
import type { LucideIcon } from '@lucide/svelte';
import type { ViewName } from '$api/types';
import { t, type MessageKey } from '$shared/i18n/index.svelte';
import type { Desk } from '../state/desk.svelte';
import { inboxOf } from '../state/views';

type Entry = { name: string; icon: LucideIcon; label: MessageKey; count: ViewName | null };

export const MAIN: readonly Entry[] = [
  { name: 'all', icon: Layers, label: 'shell.view.all', count: 'all' },
  { name: 'mine', icon: User, label: 'shell.view.mine', count: 'mine' },
  { name: 'unassigned', icon: UserX, label: 'shell.view.unassigned', count: 'unassigned' },
];

export const ELSEWHERE: readonly Entry[] = [
  { name: 'sent', icon: Send, label: 'shell.view.sent', count: null },
  { name: 'snoozed', icon: AlarmClock, label: 'shell.view.snoozed', count: 'snoozed' },
  { name: 'filtered', icon: Funnel, label: 'shell.view.filtered', count: 'filtered' },
  { name: 'spam', icon: ShieldX, label: 'shell.view.spam', count: 'spam' },
  { name: 'trash', icon: Trash2, label: 'shell.view.trash', count: null },
];

export type NavItem = { name: string; icon: LucideIcon; label: string; count: number };

function item(entry: Entry, desk: Desk): NavItem {
  const count = entry.count === null ? 0 : (desk.counts.views[entry.count] ?? 0);
  return { name: entry.name, icon: entry.icon, label: t(entry.label), count };
}

export const mainViews = (desk: Desk): NavItem[] => MAIN.map((entry) => item(entry, desk));
export const elsewhere = (desk: Desk): NavItem[] => ELSEWHERE.map((entry) => item(entry, desk));

export function inboxViews(desk: Desk): NavItem[] {
  return desk.directory.inboxes.map((inbox) => ({
    name: `in-${inbox.id}`,
    icon: Mail,
    label: inbox.name,
    count: desk.counts.inboxes[inbox.id] ?? 0,
  }));
}

/** How many a view holds, as the navigation says it; undefined where that is not counted. */
export function countOf(name: string, desk: Desk): number | undefined {
  const inbox = inboxOf(name);
  if (inbox !== null) return desk.counts.inboxes[inbox];
  const counted = [...MAIN, ...ELSEWHERE].find((one) => one.name === name)?.count;
  return counted ? desk.counts.views[counted] : undefined;
}

/** The title of a view. */
export function viewTitle(name: string, desk: Desk): string {
  const entry = [...MAIN, ...ELSEWHERE].find((one) => one.name === name);
  if (entry) return t(entry.label);
  const inbox = inboxOf(name);
  return (inbox === null ? undefined : desk.directory.inbox(inbox)?.name) ?? t('shell.view.all');
}
