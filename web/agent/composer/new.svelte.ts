/** A conversation that we begin: kept in this browser until it is sent, sent once however often it is tried. */
import { client } from '$api/client';
import type { ConversationRow, Message, Person } from '$api/types';
import type { NewConversation } from '$api/writing';
import { t } from '$shared/i18n/index.svelte';
import { reason } from '../state/actions.svelte';
import type { Desk } from '../state/desk.svelte';
import { EMPTY, enclosed, isEmpty, type DraftContent } from '../state/draft-merge';
import { clientId } from '../state/outbox.svelte';
import type { Shelf } from '../state/shelf';
import { Uploads } from './uploads.svelte';

export type NewDraft = DraftContent & { to: Person[]; subject: string; inbox: number | null };
type Kept = NewDraft & { client_id: string };

const BLANK: NewDraft = { ...EMPTY, to: [], subject: '', inbox: null };

export class Opening {
  draft = $state.raw<NewDraft>(BLANK);
  version = $state(0);
  fault = $state('');
  /** The field the fault is about. */
  field = $state<'to' | 'subject' | 'inbox' | 'text' | null>(null);
  sending = $state(false);
  readonly uploads = new Uploads(
    (file) => this.edit({ attachments: [...this.draft.attachments, file] }),
    () => enclosed(this.draft),
  );
  #id = clientId();
  #desk: Desk;
  #shelf: Shelf;
  #key: string;

  constructor(desk: Desk, shelf: Shelf) {
    this.#desk = desk;
    this.#shelf = shelf;
    this.#key = `agent ${desk.session.me?.agent.id ?? 0} new`;
  }

  async load(): Promise<void> {
    const kept = await this.#shelf.get<Kept>('drafts', this.#key).catch(() => undefined);
    if (!kept || !isEmpty(this.draft)) return;
    const { client_id, ...draft } = kept;
    this.#id = client_id;
    this.draft = draft;
    this.version += 1;
  }

  /** The inbox it goes out from; the first one unless chosen. */
  get inbox(): number | null {
    return this.draft.inbox ?? this.#desk.directory.inboxes[0]?.id ?? null;
  }

  edit(part: Partial<NewDraft>): void {
    this.draft = { ...this.draft, ...part };
    this.fault = '';
    this.field = null;
    // Other words under the same id would not be the same mail.
    this.#id = clientId();
    this.#keep();
  }

  #keep(): void {
    const kept: Kept = { ...this.draft, client_id: this.#id };
    void this.#shelf.put('drafts', this.#key, $state.snapshot(kept)).catch(() => {});
  }

  /** Throws the draft away, with a way back. */
  discard(): void {
    const old = this.draft;
    this.#clear();
    if (isEmpty(old) && !old.subject && !old.to.length) return;
    const undo = () => {
      this.draft = old;
      this.version += 1;
      this.#keep();
    };
    this.#desk.toasts.show({ text: t('conv.new.discarded'), undo });
  }

  #clear(): void {
    this.draft = BLANK;
    this.version += 1;
    this.#id = clientId();
    void this.#shelf.del('drafts', this.#key).catch(() => {});
  }

  #missing(): [NonNullable<Opening['field']>, string] | null {
    const { draft } = this;
    if (this.inbox === null) return ['inbox', t('conv.comp.no_inbox')];
    if (!(draft.to.length + draft.cc.length + draft.bcc.length)) return ['to', t('conv.comp.no_recipient')];
    if (!draft.subject.trim()) return ['subject', t('conv.comp.no_subject')];
    if (isEmpty(draft)) return ['text', t('conv.comp.no_text')];
    if (this.uploads.running) return ['text', t('conv.comp.uploading', { count: this.uploads.running })];
    return null;
  }

  /** The conversation once the server has it; null when something is missing or it was refused. */
  async send(at: Date | null = null): Promise<ConversationRow | null> {
    const missing = this.#missing();
    if (missing) [this.field, this.fault] = missing;
    if (missing || this.sending) return null;
    this.sending = true;
    try {
      const answer = await client.post<{ conversation: ConversationRow; message: Message; change: number }>(
        '/conversations',
        { ...this.#body(), ...(at ? { send_at: at.toISOString() } : {}) },
      );
      this.#desk.conversations.take(answer.conversation, answer.change ?? 0);
      this.#clear();
      return answer.conversation;
    } catch (error) {
      this.fault = t('conv.new.failed', { reason: reason(error) });
      return null;
    } finally {
      this.sending = false;
    }
  }

  #body(): NewConversation {
    const { to, cc, bcc, subject, html, text } = this.draft;
    const attachments = enclosed(this.draft);
    return {
      client_id: this.#id,
      inbox: this.inbox ?? 0,
      to,
      ...(cc.length ? { cc } : {}),
      ...(bcc.length ? { bcc } : {}),
      subject: subject.trim(),
      ...(html === null ? { text } : { html }),
      ...(attachments.length ? { attachments: attachments.map((one) => one.id) } : {}),
    };
  }
}
