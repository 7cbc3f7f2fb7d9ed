/** Threads, drafts and outbox of the signed-in page, made once for a desk and fed by its live frames. */
import { BASE, client, isAbort, Problem } from '$api/client';
import type { Frame, Message } from '$api/types';
import { clock } from '$shared/format/index';
import { t } from '$shared/i18n/index.svelte';
import { reason } from './actions.svelte';
import type { Desk } from './desk.svelte';
import { EMPTY, type DraftContent } from './draft-merge';
import { Drafts } from './drafts.svelte';
import { Outbox, type OutItem } from './outbox.svelte';
import { browserShelf, type Shelf } from './shelf';
import { Threads } from './thread.svelte';

export class Correspondence {
  readonly shelf: Shelf = browserShelf();
  readonly threads: Threads;
  readonly drafts: Drafts;
  readonly outbox: Outbox;
  /** Opens the composer in sight to pass a message on; none while there is no composer. */
  forward = $state.raw<((message: Message) => void) | null>(null);
  /** What was sent from here lately, for Undo: the composer gets it back as it was. */
  #sent = new Map<number, OutItem>();
  #late: Frame[] = [];
  #toasts = new Map<number, number>();
  #desk: Desk;

  constructor(desk: Desk) {
    this.#desk = desk;
    const owner = () => `agent ${desk.session.me?.agent.id ?? 0}`;
    this.threads = new Threads(() => desk.session.me?.agent.id ?? 0);
    this.drafts = new Drafts({
      shelf: this.shelf,
      owner,
      mark: (id, draft) => {
        if (desk.conversations.get(id)?.draft !== draft) desk.conversations.touch(id, { draft });
      },
    });
    this.outbox = new Outbox({
      shelf: this.shelf,
      owner,
      sent: (answer, item) => {
        this.#sent.set(answer.message.id, item);
        this.threads.peek(item.conversation)?.take(answer.message, answer.change);
        desk.conversations.take(answer.conversation, answer.change);
        void this.drafts.of(item.conversation, item.kind).discard();
        // A reply in sight counts down by itself; one that took its conversation off the list is told of.
        if (item.kind === 'reply' && item.body.and_close) this.#offerUndo(answer.message);
        desk.connection.unsent = this.outbox.waiting;
      },
      tried: () => {
        for (const frame of this.#late.splice(0)) this.#hear(frame);
      },
      held: (item) => {
        this.#giveBack(item);
        // The words of what came in between are read with the thread.
        void this.threads.peek(item.conversation)?.load();
      },
      refused: (item, problem) => {
        this.#giveBack(item);
        desk.toasts.show({ text: t('conv.send.refused', { reason: reason(problem) }), tone: 'danger', lasts: 12_000 });
      },
    });
    void this.outbox.load();
    desk.live.onFrame((frame) => this.#hear(frame));
    desk.live.onStatus((status) => {
      if (status !== 'live') return;
      void this.outbox.retry();
      this.drafts.flush();
    });
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'hidden') this.drafts.flush();
    });
    $effect.root(() => {
      $effect(() => {
        desk.connection.unsent = this.outbox.waiting;
      });
    });
  }

  /** Our own words often come back over the socket before the answer is here: they wait, so as not to stand there twice. */
  #hear(frame: Frame): void {
    const ours = frame.type === 'message' && frame.message.author === this.#desk.session.me?.agent.id;
    if (ours && this.outbox.busy(frame.message.conversation)) this.#late.push(frame);
    else this.threads.takeFrame(frame);
  }

  #giveBack(item: OutItem): void {
    this.drafts.of(item.conversation, item.kind).restore(item.content);
  }

  #offerUndo(message: Message): void {
    const seconds = this.#desk.session.me?.undo_seconds ?? 0;
    if (!seconds || message.delivery?.state !== 'queued') return;
    const name = message.to.map((person) => person.name ?? person.email).join(', ');
    const text = t('conv.send.toast', { name });
    const toast = this.#desk.toasts.show({ text, undo: () => this.undo(message), lasts: seconds * 1000 });
    this.#toasts.set(message.id, toast);
  }

  /** Takes a reply back within its seconds; its words return to the composer. */
  async undo(message: Message): Promise<void> {
    const desk = this.#desk;
    const toast = this.#toasts.get(message.id);
    if (toast !== undefined) desk.toasts.dismiss(toast);
    this.#toasts.delete(message.id);
    try {
      const answer = await client.post<{ message: Message }>(`/messages/${message.id}/cancel`);
      this.threads.peek(message.conversation)?.amend(answer.message);
      const item = this.#sent.get(message.id);
      // The words come whole with the answer; the files are no longer on the message, but the draft's again.
      const taken = { ...answer.message, attachments: message.attachments };
      this.drafts.of(message.conversation, 'reply').restore(item?.content ?? contentOf(taken));
    } catch (error) {
      const late = error instanceof Problem && error.status === 409;
      const text = late ? t('conv.undo.late') : t('conv.undo.failed', { reason: reason(error) });
      desk.toasts.show({ text, tone: 'danger' });
    }
  }

  /** Lets a composer pass messages on while it is in sight; gives the call that ends it, made for an $effect. */
  takeForwards(open: (message: Message) => void): () => void {
    this.forward = open;
    return () => {
      if (this.forward === open) this.forward = null;
    };
  }

  /** Reads the words of a message that were too long to come along with others. */
  async readWhole(message: Message): Promise<void> {
    try {
      const { message: whole } = await client.get<{ message: Message }>(`/messages/${message.id}`);
      this.threads.peek(message.conversation)?.amend(whole);
    } catch (error) {
      if (isAbort(error)) return;
      this.#desk.toasts.show({ text: t('conv.msg.whole_failed', { reason: reason(error) }), tone: 'danger' });
    }
  }

  /** Sends now what was to be sent later. */
  async sendNow(message: Message): Promise<void> {
    try {
      const answer = await client.post<{ message: Message }>(`/messages/${message.id}/send_now`);
      this.threads.peek(message.conversation)?.amend(answer.message);
    } catch (error) {
      this.#desk.toasts.show({ text: t('conv.later.failed', { reason: reason(error) }), tone: 'danger' });
    }
  }

  /** Queues a mail again that could not be delivered. */
  async tryAgain(message: Message): Promise<void> {
    try {
      const answer = await client.post<{ message: Message }>(`/messages/${message.id}/retry`);
      this.threads.peek(message.conversation)?.amend(answer.message);
    } catch (error) {
      const text = t('conv.retry.failed', { reason: reason(error) });
      this.#desk.toasts.show({ text, tone: 'danger' });
    }
  }

  /** An unsent piece back into the composer, for editing. */
  editUnsent(item: OutItem): void {
    const taken = this.outbox.take(item.client_id);
    if (taken) this.#giveBack(taken);
  }

  /** Drops an unsent piece, with a way back. */
  dropUnsent(item: OutItem): void {
    const taken = this.outbox.take(item.client_id);
    if (!taken) return;
    const undo = () => this.#giveBack(taken);
    this.#desk.toasts.show({ text: t('conv.unsent.dropped', { time: clock(taken.at) }), undo });
  }
}

function contentOf(message: Message): DraftContent {
  const { text, to, cc, bcc, attachments, forward_of } = message;
  if (forward_of) {
    // The note alone: what was passed on comes under it again. Its files are the original's.
    const note = text.split(/^-{10} .+ -{10}$/m)[0]?.trimEnd() ?? '';
    return { ...EMPTY, text: note, to, cc, bcc, forward: { of: forward_of, files: null } };
  }
  let html = message.html;
  for (const { id, content_id, inline } of attachments) {
    if (inline) html = html?.replaceAll(`src="${BASE}/attachments/${id}"`, `src="cid:${content_id}"`) ?? null;
  }
  return { ...EMPTY, html, text, to, cc, bcc, attachments };
}

const made = new WeakMap<Desk, Correspondence>();

/** The one of this desk, made when first asked for. */
export function correspondence(desk: Desk): Correspondence {
  let found = made.get(desk);
  if (!found) made.set(desk, (found = new Correspondence(desk)));
  return found;
}
