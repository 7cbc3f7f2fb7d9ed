/** Drafts: in this browser with every keystroke, on the server after a second of quiet; never overwritten unseen. */
import { client, Problem } from '$api/client';
import type { Draft, DraftKind } from '$api/types';
import { EMPTY, isEmpty, mergeDrafts, same, toBody, type DraftContent, type KeptDraft } from './draft-merge';
import type { Shelf } from './shelf';

const QUIET = 1000;
const AGAIN = 15_000;
/** For how long after a save nobody else's is expected. */
const TRUSTED = 10_000;

export type DraftWorld = {
  shelf: Shelf;
  /** Key prefix of the agent: drafts of one agent are never shown to another in the same browser. */
  owner: () => string;
  /** Tells the row whether a draft is there. */
  mark: (conversation: number, draft: boolean) => void;
};

export class DraftBox {
  readonly conversation: number;
  readonly kind: DraftKind;
  content = $state.raw<DraftContent>(EMPTY);
  /** Counts up whenever the content was replaced from outside the editor. */
  version = $state(0);
  /** When the server last took it; null while it has not. */
  savedAt = $state.raw<string | null>(null);
  /** A version from another window that was not used. */
  other = $state.raw<DraftContent | null>(null);
  loaded = $state(false);
  #world: DraftWorld;
  #base = 0;
  #dirty = false;
  /** When the server's draft was last known for sure, in ms. */
  #synced = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #saving: Promise<void> | null = null;
  #writing: Promise<void> = Promise.resolve();
  #key: string;

  constructor(conversation: number, kind: DraftKind, world: DraftWorld) {
    this.conversation = conversation;
    this.kind = kind;
    this.#world = world;
    this.#key = `${world.owner()} ${conversation} ${kind}`;
  }

  get #path(): string {
    return `/conversations/${this.conversation}/draft`;
  }

  /** Reads what this browser keeps, then what the server has if there may be something. */
  async load(ask: boolean): Promise<void> {
    if (this.loaded) return;
    const kept = (await this.#world.shelf.get<KeptDraft>('drafts', this.#key).catch(() => undefined)) ?? null;
    if (kept && !this.loaded) {
      this.#base = kept.base;
      this.#replace(kept);
    }
    this.loaded = true;
    if (!ask && !kept) return;
    const server = await this.#read();
    if (server === undefined) {
      if (kept?.dirty) this.#later(AGAIN);
      return;
    }
    this.#synced = Date.now();
    // Whatever was typed while the answer was on its way counts as ours.
    const ours = this.#dirty ? this.#kept() : kept;
    this.#merge(ours, server);
  }

  /** null: none there; undefined: no answer. */
  async #read(): Promise<Draft | null | undefined> {
    try {
      const answer = await client.get<Draft | { draft: Draft }>(this.#path, { query: { kind: this.kind } });
      return 'draft' in answer ? answer.draft : answer;
    } catch (error) {
      return error instanceof Problem && error.status === 404 ? null : undefined;
    }
  }

  #merge(ours: KeptDraft | null, server: Draft | null): void {
    const merged = mergeDrafts(ours, server);
    this.#base = merged.base;
    this.#dirty = merged.dirty;
    this.other = merged.other;
    if (server && !merged.dirty) this.savedAt = server.updated_at;
    if (!same(merged.use, this.content)) this.#replace(merged.use);
    void this.#keep();
    if (merged.dirty) this.#later(QUIET);
  }

  /** Something was typed, attached or addressed. */
  edit(part: Partial<DraftContent>): void {
    const next = { ...this.content, ...part };
    if (same(next, this.content) && next.text === this.content.text) return;
    this.content = next;
    this.#dirty = true;
    this.savedAt = null;
    void this.#keep();
    this.#later(QUIET);
  }

  /** Puts content in from outside: a reply taken back or held. What stood here is offered as the other version. */
  restore(content: DraftContent): void {
    if (!isEmpty(this.content) && !same(this.content, content)) this.other = this.content;
    this.#replace(content);
    this.savedAt = null;
    this.#dirty = true;
    void this.#keep();
    this.#later(QUIET);
  }

  /** Swaps to the version that was not used. */
  swap(): void {
    const other = this.other;
    if (!other) return;
    this.other = isEmpty(this.content) ? null : this.content;
    this.#replace(other);
    this.#dirty = true;
    void this.#keep();
    this.#later(QUIET);
  }

  dismissOther(): void {
    this.other = null;
  }

  /** Empties the box because its words went into the outbox; the server's copy goes when they are sent. */
  empty(): void {
    clearTimeout(this.#timer);
    this.#replace(EMPTY);
    this.#dirty = false;
    this.savedAt = null;
    this.other = null;
    void this.#world.shelf.del('drafts', this.#key).catch(() => {});
    this.#world.mark(this.conversation, false);
  }

  /** The words were sent: the server's copy is not needed. What was typed since stays. */
  async discard(): Promise<void> {
    await this.#saving?.catch(() => {});
    const base = this.#base;
    this.#base = 0;
    if (base === 0 || this.#dirty) return;
    await client.del(this.#path, { query: { kind: this.kind } }).catch(() => {});
  }

  /** Saves now what would be saved in a moment. */
  flush(): void {
    if (this.#dirty) this.#later(0);
  }

  #replace(content: DraftContent): void {
    const { html, text, to, cc, bcc, attachments, forward = null } = content;
    this.content = { html, text, to, cc, bcc, attachments, forward };
    this.version += 1;
  }

  #kept(): KeptDraft {
    return { ...this.content, base: this.#base, edited_at: new Date().toISOString(), dirty: this.#dirty };
  }

  /** One write after the other, so that an earlier one never lands last. */
  #keep(): Promise<void> {
    this.#writing = this.#writing
      .then(() => {
        if (isEmpty(this.content) && !this.#dirty) return this.#world.shelf.del('drafts', this.#key);
        return this.#world.shelf.put('drafts', this.#key, $state.snapshot(this.#kept()));
      })
      .catch(() => {});
    return this.#writing;
  }

  #later(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#saving ??= this.#save().finally(() => (this.#saving = null));
    }, ms);
  }

  async #save(): Promise<void> {
    if (!this.#dirty) return;
    const query = { kind: this.kind };
    try {
      if (await this.#behind()) return;
      const sent = this.content;
      if (isEmpty(sent)) {
        if (this.#base > 0) await client.del(this.#path, { query });
        this.#base = 0;
        this.#world.mark(this.conversation, false);
      } else {
        const answer = await client.put<{ draft: Draft }>(this.#path, toBody(sent, this.#base), { query });
        this.#base = answer.draft.revision;
        this.savedAt = answer.draft.updated_at;
        this.#world.mark(this.conversation, true);
      }
      this.#synced = Date.now();
      this.#dirty = this.content !== sent;
      if (this.#dirty) this.#later(QUIET);
      void this.#keep();
    } catch (error) {
      // Kept here in any case; said again when the server answers.
      if (!(error instanceof Problem) || error.offline || error.status >= 429) this.#later(AGAIN);
    }
  }

  /**
   * The server lets the newest save win, so another window's words would be lost without a trace. After a pause its
   * draft is read first: when it has moved on, the two are merged instead of saved over. True when that was so.
   */
  async #behind(): Promise<boolean> {
    if (Date.now() - this.#synced < TRUSTED) return false;
    const server = await this.#read();
    if (server === undefined) throw new Problem(0, 'network', 'no answer from the server');
    this.#synced = Date.now();
    if ((server?.revision ?? 0) === this.#base) return false;
    this.#merge(this.#kept(), server);
    return true;
  }
}

export class Drafts {
  #boxes = new Map<string, DraftBox>();
  #world: DraftWorld;

  constructor(world: DraftWorld) {
    this.#world = world;
  }

  of(conversation: number, kind: DraftKind): DraftBox {
    const key = `${this.#world.owner()} ${conversation} ${kind}`;
    let box = this.#boxes.get(key);
    if (!box) this.#boxes.set(key, (box = new DraftBox(conversation, kind, this.#world)));
    return box;
  }

  /** The page goes to the back or the network is here again: everything unsaved is saved now. */
  flush(): void {
    for (const box of this.#boxes.values()) box.flush();
  }
}
