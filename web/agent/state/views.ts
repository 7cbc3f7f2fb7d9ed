/** What each view holds: the query that asks the server for it, and the same rule for rows that arrive live. */
import type { Query } from '$api/client';
import type { ConversationRow, Place } from '$api/types';
import type { ListState } from '../router.svelte';

export type View = { name: string; state: ListState };

/** Views with the tabs Open, Snoozed and Closed; the others show every state. */
export function hasTabs(name: string): boolean {
  return name === 'all' || name === 'mine' || name === 'unassigned' || name.startsWith('in-');
}

/** The inbox id of a view such as `in-3`. */
export function inboxOf(name: string): number | null {
  const found = /^in-(\d{1,15})$/.exec(name);
  return found ? Number(found[1]) : null;
}

const PLACES: readonly string[] = ['filtered', 'spam', 'trash'];
const NAMED: readonly string[] = ['all', 'mine', 'unassigned', 'sent', 'snoozed', ...PLACES];

/** Whether there can be such a view. That the inbox of one exists only the server knows. */
export function isView(name: string): boolean {
  return NAMED.includes(name) || inboxOf(name) !== null;
}

export function queryOf(view: View): Query {
  if (view.name === 'sent') return { view: 'sent' };
  if (view.name === 'snoozed') return { place: 'inbox', state: 'snoozed' };
  if (PLACES.includes(view.name)) return { place: view.name };
  const query: Query = { place: 'inbox', state: view.state };
  if (view.name === 'mine') query['assignee'] = 'me';
  if (view.name === 'unassigned') query['assignee'] = 'none';
  const inbox = inboxOf(view.name);
  if (inbox !== null) query['inbox'] = inbox;
  return query;
}

/** Whether a row belongs to the view now. For Sent the row alone cannot tell once others have answered: null then. */
export function belongs(row: ConversationRow, view: View, me: number): boolean | null {
  if (view.name === 'sent') return row.last?.kind === 'outbound' ? true : null;
  if (PLACES.includes(view.name)) return row.place === (view.name as Place);
  if (row.place !== 'inbox') return false;
  if (view.name === 'snoozed') return row.state === 'snoozed';
  if (row.state !== view.state) return false;
  if (view.name === 'mine') return row.assignee === me;
  if (view.name === 'unassigned') return row.assignee === null;
  const inbox = inboxOf(view.name);
  return inbox === null || row.inbox === inbox;
}
