/** The messages of a conversation as this page holds them: the newest page, earlier ones on demand, kept true by frames. */
import { client, isAbort } from '$api/client';
import type { Frame, Message, MessagesPage, Person } from '$api/types';

const PAGE = 50;
const KEPT = 24;

type Recipients = { to: Person[]; cc: Person[] };
const NOBODY: Recipients = { to: [], cc: [] };

/** A message as it is now, with the words that were read whole before: they never change. */
function kept(message: Message, held: Message | undefined): Message {
  if (!message.cut || !held || held.cut) return message;
  const { text, html, quote_from_line } = held;
  return { ...message, text, html, quote_from_line, cut: false };
}

export class Thread {
  readonly id: number;
  /** Oldest first. */
  items = $state.raw<Message[]>([]);
  /** Older messages wait on the server. */
  earlier = $state(false);
  ready = $state(false);
  loadingEarlier = $state(false);
  failed = $state.raw<unknown>(null);
  replyAll = $state.raw<Recipients>(NOBODY);
  replyOne = $state.raw<Recipients>(NOBODY);
  /** The address a reply goes out from. */
  from = $state('');
  /** What others wrote since the agent last saw the thread. */
  unseen = $state.raw<Message[]>([]);
  /** When the agent last saw everything. */
  seenAt = new Date();
  #seen = 0;
  #change = 0;
  #changes = new Map<number, number>();
  #me: () => number;
  #loading: Promise<void> | null = null;

  constructor(id: number, me: () => number) {
    this.id = id;
    this.#me = me;
  }

  /** The change up to which the agent has seen this thread: what the server compares before it takes a reply. */
  get lastSeen(): number {
    return this.unseen.length ? this.#seen : this.#change;
  }

  /** The newest page, once; a second call while it runs waits for the first. */
  load(): Promise<void> {
    this.#loading ??= this.#load().finally(() => (this.#loading = null));
    return this.#loading;
  }

  async #load(): Promise<void> {
    try {
      const page = await client.get<MessagesPage>(`/conversations/${this.id}/messages`, { query: { limit: PAGE } });
      this.#adopt(page);
      this.failed = null;
    } catch (error) {
      if (!isAbort(error)) this.failed = error;
    }
  }

  #adopt(page: MessagesPage): void {
    const first = page.items[0]?.id ?? Infinity;
    const newest = this.items.at(-1)?.id ?? 0;
    // Older pages stay when they touch the fresh one; else there would be a hole nobody sees.
    const older = newest >= first ? this.items.filter((message) => message.id < first) : [];
    const known = new Set(this.items.map((message) => message.id));
    const fresh = this.ready ? page.items.filter((message) => !known.has(message.id)) : [];
    const items = page.items.map((message) => {
      const held = this.items.find((one) => one.id === message.id);
      if (held && (this.#changes.get(message.id) ?? 0) > page.change) return held;
      this.#changes.set(message.id, page.change);
      return kept(message, held);
    });
    const later = this.items.filter((one) => one.id > (page.items.at(-1)?.id ?? 0) && this.#isLater(one, page.change));
    this.items = [...older, ...items, ...later];
    if (!older.length) this.earlier = page.earlier;
    this.replyAll = { to: page.reply_to.to, cc: page.reply_to.cc };
    this.replyOne = page.reply_one;
    this.from = page.reply_to.from;
    const seen = this.#seen;
    this.#notice(fresh);
    this.#change = Math.max(this.#change, page.change);
    if (!this.ready) this.see();
    else if (!this.unseen.length) this.#seen = Math.max(seen, page.change);
    this.ready = true;
  }

  #isLater(message: Message, change: number): boolean {
    return (this.#changes.get(message.id) ?? 0) > change;
  }

  /** The page before the oldest message here. */
  async loadEarlier(): Promise<void> {
    const first = this.items[0];
    if (!first || !this.earlier || this.loadingEarlier) return;
    this.loadingEarlier = true;
    try {
      const query = { limit: PAGE, before: first.id };
      const page = await client.get<MessagesPage>(`/conversations/${this.id}/messages`, { query });
      this.items = [...page.items.filter((message) => message.id < first.id), ...this.items];
      this.earlier = page.earlier;
      this.failed = null;
    } catch (error) {
      if (!isAbort(error)) this.failed = error;
    } finally {
      this.loadingEarlier = false;
    }
  }

  /** Takes a message that is new or has changed; one older than the reading at hand is dropped. */
  take(message: Message, change: number): void {
    const known = this.#changes.get(message.id) ?? -1;
    if (known > change) return;
    const at = this.items.findIndex((one) => one.id === message.id);
    const first = this.items[0];
    if (at < 0 && (!this.ready || (first && this.earlier && message.id < first.id))) return;
    this.#changes.set(message.id, change);
    if (at >= 0) this.items = this.items.with(at, kept(message, this.items[at]));
    else {
      this.items = [...this.items, message].sort((a, b) => a.id - b.id);
      this.#notice([message]);
    }
    this.#change = Math.max(this.#change, change);
    if (!this.unseen.length) this.#seen = this.#change;
  }

  /** Takes the answer to a deed of ours on a message: newer than what is here, whatever its number. */
  amend(message: Message): void {
    this.take(message, Math.max(this.#changes.get(message.id) ?? 0, 0));
  }

  /** The agent has everything before their eyes. */
  see(): void {
    this.unseen = [];
    this.#seen = this.#change;
    this.seenAt = new Date();
  }

  #notice(messages: Message[]): void {
    const others = messages.filter((one) => one.kind !== 'event' && one.author !== this.#me());
    if (others.length) this.unseen = [...this.unseen, ...others];
  }
}

export class Threads {
  #threads = new Map<number, Thread>();
  #me: () => number;

  constructor(me: () => number) {
    this.#me = me;
  }

  /** The thread of a conversation, at once when it was read before, else read now. */
  of(id: number): Thread {
    let thread = this.#threads.get(id);
    if (!thread) {
      thread = new Thread(id, this.#me);
      const fresh = thread;
      queueMicrotask(() => void fresh.load());
    }
    // The map keeps the order of use; the one longest unused is forgotten.
    this.#threads.delete(id);
    this.#threads.set(id, thread);
    if (this.#threads.size > KEPT) this.#threads.delete(this.#threads.keys().next().value as number);
    return thread;
  }

  /** Reads a thread that will likely be opened next. */
  prefetch(id: number): void {
    if (!this.#threads.has(id)) this.of(id);
  }

  /** The thread if this page holds it. */
  peek(id: number): Thread | undefined {
    return this.#threads.get(id);
  }

  takeFrame(frame: Frame): void {
    if (frame.type === 'message') this.#threads.get(frame.message.conversation)?.take(frame.message, frame.change);
    else if (frame.type === 'gone') this.#threads.delete(frame.conversation_id);
    else if (frame.type === 'reset') for (const thread of this.#threads.values()) void thread.load();
  }
}
