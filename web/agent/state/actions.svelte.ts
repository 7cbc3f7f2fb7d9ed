/** What an agent does to conversations: at once on the screen, with Undo, and taken back with the reason when refused. */
import { Problem } from '$api/client';
import type { ConversationPatch, ConversationRow, Place } from '$api/types';
import { moment } from '$shared/format/index';
import { t, tMaybe } from '$shared/i18n/index.svelte';
import type { Conversations } from './conversations.svelte';
import type { Directory } from './directory.svelte';
import type { Toasts } from './toasts.svelte';

/** A refusal as the end of a sentence. Never the server's own words: they are for programmers, and English. */
export function reason(error: unknown): string {
  if (!(error instanceof Problem)) return t('shell.problem.unknown');
  const field = error.field?.split(/[./]/)[0] ?? '';
  return (
    (error.code === 'invalid' && field ? tMaybe(`shell.problem.invalid.${field}`) : null) ??
    tMaybe(`shell.problem.${error.code}`) ??
    t('shell.problem.unknown')
  );
}

/** The same as a sentence of its own. */
export function reasonAlone(error: unknown): string {
  const text = reason(error);
  return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}

export class Actions {
  #conversations: Conversations;
  #directory: Directory;
  #toasts: Toasts;

  constructor(conversations: Conversations, directory: Directory, toasts: Toasts) {
    this.#conversations = conversations;
    this.#directory = directory;
    this.#toasts = toasts;
  }

  close(ids: number[]): void {
    this.#do(ids, () => ({ state: 'closed' }), t('shell.done.closed', { count: ids.length }));
  }

  reopen(ids: number[]): void {
    this.#do(ids, () => ({ state: 'open' }), t('shell.done.reopened', { count: ids.length }));
  }

  /** `until` as RFC 3339; null sleeps until the contact writes. */
  snooze(ids: number[], until: string | null): void {
    const count = ids.length;
    const text =
      until === null
        ? t('shell.done.snoozed_reply', { count })
        : t('shell.done.snoozed', { count, until: moment(until) });
    this.#do(ids, () => ({ state: 'snoozed', snoozed_until: until }), text);
  }

  assign(ids: number[], agent: number | null): void {
    const name = this.#directory.agent(agent)?.name;
    const args = { count: ids.length, name: name ?? '' };
    this.#do(ids, () => ({ assignee: agent }), t(name ? 'shell.done.assigned' : 'shell.done.unassigned', args));
  }

  /** Spam, trash, filtered, or back to the inbox. */
  place(ids: number[], place: Place): void {
    this.#do(ids, () => ({ place }), t(`shell.done.${place}`, { count: ids.length }));
  }

  move(ids: number[], inbox: number): void {
    const name = this.#directory.inbox(inbox)?.name ?? '';
    this.#do(ids, () => ({ inbox }), t('shell.done.moved', { count: ids.length, name }));
  }

  /** Puts a tag on all of them, or takes it off all. Seen on the spot, so no toast. */
  tag(ids: number[], tag: string, on: boolean): void {
    this.#do(ids, (row) => ({ tags: on ? [...new Set([...row.tags, tag])] : row.tags.filter((one) => one !== tag) }));
  }

  /** Seen on the spot, so no toast. */
  unread(ids: number[], unread: boolean): void {
    this.#do(ids, (row) => (row.unread === unread ? null : { unread }));
  }

  #do(ids: number[], change: (row: ConversationRow) => ConversationPatch | null, text?: string): void {
    const back: { id: number; patch: ConversationPatch }[] = [];
    const sent: Promise<unknown>[] = [];
    for (const id of ids) {
      const row = this.#conversations.get(id);
      const patch = row ? change(row) : null;
      if (!row || !patch) continue;
      back.push({ id, patch: inverse(row, patch) });
      sent.push(
        this.#conversations.patch(id, patch).then(
          () => null,
          (error: unknown) => error,
        ),
      );
    }
    if (!back.length) return;
    const settled = Promise.all(sent);
    const undo = () => this.#undo(back, settled);
    const toast = text === undefined ? null : this.#toasts.show({ text, undo });
    void settled.then((results) => this.#refused(results, toast));
  }

  /** Waits for the first answers, so that the way back never overtakes the way there. */
  async #undo(back: { id: number; patch: ConversationPatch }[], settled: Promise<unknown>): Promise<void> {
    await settled;
    const results = await Promise.all(
      back.map(({ id, patch }) =>
        this.#conversations.patch(id, patch).then(
          () => null,
          (error: unknown) => error,
        ),
      ),
    );
    this.#refused(results, null);
  }

  #refused(results: unknown[], toast: number | null): void {
    const errors = results.filter((one) => one !== null);
    if (!errors.length) return;
    if (toast !== null) this.#toasts.dismiss(toast);
    const args = { count: errors.length, reason: reason(errors[0]) };
    this.#toasts.show({ text: t('shell.refused', args), tone: 'danger', lasts: 12_000 });
  }
}

function inverse(row: ConversationRow, patch: ConversationPatch): ConversationPatch {
  const back: ConversationPatch = {};
  if (patch.state !== undefined) {
    back.state = row.state;
    if (row.state === 'snoozed') back.snoozed_until = row.snoozed_until;
  }
  if (patch.assignee !== undefined) back.assignee = row.assignee;
  if (patch.place !== undefined) back.place = row.place;
  if (patch.inbox !== undefined) back.inbox = row.inbox;
  if (patch.tags !== undefined) back.tags = row.tags;
  if (patch.unread !== undefined) back.unread = row.unread;
  return back;
}
