/** What stands behind the composer of a thread: which of the two drafts is open, who gets it, and the sending. */
import type { ConversationRow, DraftKind, NewMessage, Person } from '$api/types';
import { t } from '$shared/i18n/index.svelte';
import type { Correspondence } from '../state/correspondence.svelte';
import { enclosed, forwarding, isEmpty } from '../state/draft-merge';
import type { DraftBox } from '../state/drafts.svelte';
import { clientId, type Held, type Since } from '../state/outbox.svelte';
import type { Thread } from '../state/thread.svelte';
import { samePeople } from './addresses';
import { Uploads } from './uploads.svelte';

export type Addressed = { to: Person[]; cc: Person[]; bcc: Person[] };

export class Answer {
  kind = $state<DraftKind>('reply');
  /** Why it was not sent just now. */
  fault = $state('');
  readonly row: () => ConversationRow;
  readonly thread: Thread;
  readonly #all: Correspondence;
  readonly #boxes: Record<DraftKind, DraftBox>;
  readonly #uploads: Record<DraftKind, Uploads>;

  constructor(all: Correspondence, row: () => ConversationRow, thread: Thread) {
    this.#all = all;
    this.row = row;
    this.thread = thread;
    const id = row().id;
    this.#boxes = { reply: all.drafts.of(id, 'reply'), comment: all.drafts.of(id, 'comment') };
    this.#uploads = { reply: this.#uploader('reply'), comment: this.#uploader('comment') };
  }

  #uploader(kind: DraftKind): Uploads {
    const box = this.#boxes[kind];
    return new Uploads(
      (file) => box.edit({ attachments: [...box.content.attachments, file] }),
      () => enclosed(box.content),
    );
  }

  get box(): DraftBox {
    return this.#boxes[this.kind];
  }

  get uploads(): Uploads {
    return this.#uploads[this.kind];
  }

  get held(): Held | undefined {
    return this.#all.outbox.held.get(this.row().id);
  }

  /** Brings the open draft in; what already waits to be sent is not a draft any more. */
  load(): void {
    const kind = this.kind;
    const waits = this.#all.outbox.of(this.row().id).some((item) => item.kind === kind);
    if (!waits) void this.#boxes[kind].load(this.row().draft);
  }

  /** Who gets the reply: those named in the draft, else those the server proposes. */
  get people(): Addressed {
    const { to, cc, bcc } = this.#boxes.reply.content;
    if (to !== null) return { to, cc, bcc };
    return { ...this.thread.replyAll, bcc: [] };
  }

  address(part: Partial<Addressed>): void {
    const next = { ...this.people, ...part };
    const all = this.thread.replyAll;
    const proposed = !this.forwarded && samePeople(next.to, all.to) && samePeople(next.cc, all.cc) && !next.bcc.length;
    this.#boxes.reply.edit(proposed ? { to: null, cc: [], bcc: [] } : next);
    this.fault = '';
  }

  /** r and a: to the sender, or to all; people picked by hand stay. */
  aim(whom: 'one' | 'all'): void {
    this.kind = 'reply';
    if (this.forwarded) this.endForward();
    const { people, thread } = this;
    const is = (other: { to: Person[]; cc: Person[] }) =>
      samePeople(people.to, other.to) && samePeople(people.cc, other.cc) && !people.bcc.length;
    if (!is(thread.replyAll) && !is(thread.replyOne)) return;
    this.address({ ...(whom === 'one' ? thread.replyOne : thread.replyAll), bcc: [] });
  }

  /** The message that is passed on, if one is. */
  get forwarded(): { of: number; files: number[] | null } | null {
    return this.#boxes.reply.content.forward ?? null;
  }

  /** Passes a message on, to nobody yet; what is written already is the note above it. */
  forward(of: number): void {
    this.kind = 'reply';
    this.fault = '';
    this.#boxes.reply.edit({ forward: { of, files: null }, to: [], cc: [], bcc: [] });
  }

  forwardFiles(files: number[]): void {
    const of = this.forwarded?.of;
    if (of !== undefined) this.#boxes.reply.edit({ forward: { of, files } });
  }

  /** An answer again, to whom the server proposes. */
  endForward(): void {
    this.#boxes.reply.edit({ forward: null, to: null, cc: [], bcc: [] });
  }

  #refusal(): string {
    const reply = this.kind === 'reply';
    if (isEmpty(this.box.content)) return t('conv.comp.no_text');
    if (this.uploads.running) return t('conv.comp.uploading', { count: this.uploads.running });
    const { to, cc, bcc } = this.people;
    return reply && !(to.length + cc.length + bcc.length) ? t('conv.comp.no_recipient') : '';
  }

  /** Sends what is open, now or at a time; false when something is missing, said in `fault`. */
  send(close: boolean, at: Date | null = null): boolean {
    this.fault = this.#refusal();
    if (this.fault) return false;
    const box = this.box;
    const content = box.content;
    const client_id = clientId();
    const reply = this.kind === 'reply';
    const files = enclosed(content);
    const body: NewMessage = {
      client_id,
      kind: this.kind,
      ...(content.html === null ? { text: content.text } : { html: content.html }),
      ...(files.length ? { attachments: files.map((one) => one.id) } : {}),
      ...(close ? { and_close: true } : {}),
      ...(at ? { send_at: at.toISOString() } : {}),
      ...(reply ? forwarding(content.forward) : {}),
      ...(reply ? { ...this.people, last_seen_change: this.thread.lastSeen } : {}),
    };
    box.empty();
    void this.#all.outbox.send({ client_id, conversation: this.row().id, kind: this.kind, body, content });
    return true;
  }

  /** The held reply after all: the thread is read anew, so that only what comes later holds it again. */
  async sendAnyway(): Promise<void> {
    const close = this.held?.close ?? false;
    await this.thread.load();
    this.seen();
    this.kind = 'reply';
    this.send(close);
  }

  /** The agent goes and reads what came in between. */
  seen(): void {
    this.thread.see();
    this.letGo();
  }

  /** The banner goes; the text stays, and a later send is compared again. */
  letGo(): void {
    this.#all.outbox.held.delete(this.row().id);
  }

  /** What the held banner lists. */
  get since(): Since[] {
    const told = this.held?.since ?? [];
    if (!told.length) return this.thread.unseen;
    return told.map((one) => this.thread.items.find((message) => message.id === one.id) ?? one);
  }
}
