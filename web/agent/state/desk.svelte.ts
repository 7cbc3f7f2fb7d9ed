/** Everything the signed-in app shares, made once by the shell and handed down by context. */
import { createContext } from 'svelte';
import type { Frame } from '$api/types';
import { browserLive, watchPage } from '$shared/live/browser';
import type { Live } from '$shared/live/live';
import { Actions } from './actions.svelte';
import { Commands } from './commands.svelte';
import { Connection } from './connection.svelte';
import { Conversations } from './conversations.svelte';
import { Counts } from './counts.svelte';
import { Directory } from './directory.svelte';
import { Layout } from './layout.svelte';
import { Lists } from './lists.svelte';
import { Selection } from './selection.svelte';
import { session, type Session } from './session.svelte';
import { Toasts } from './toasts.svelte';

export class Desk {
  readonly session: Session = session;
  readonly live: Live = browserLive();
  readonly conversations = new Conversations();
  readonly counts = new Counts();
  readonly directory = new Directory();
  readonly toasts = new Toasts();
  readonly commands = new Commands();
  readonly selection = new Selection();
  readonly layout = new Layout();
  readonly connection = new Connection(this.live);
  readonly actions = new Actions(this.conversations, this.directory, this.toasts);
  readonly lists = new Lists(this.conversations, () => session.me?.agent.id ?? 0);

  /** Counts up on every `reset`: whoever holds server data of their own reads it again when this changes. */
  resets = $state(0);
  /** Counts up whenever channels or domains changed. */
  channelsSeen = $state(0);

  /** Goes live at the snapshot the session was read at; returns the end of it. */
  start(): () => void {
    const unhear = this.live.onFrame((frame) => this.#take(frame));
    const unwatch = watchPage(this.live);
    void this.#load();
    this.live.start(this.session.me?.change ?? 0);
    return () => {
      unhear();
      unwatch();
      this.live.stop();
    };
  }

  async #load(): Promise<void> {
    // Each of them is asked for again on the next reset; the connection banner tells of the break.
    await Promise.allSettled([this.directory.load(), this.counts.load()]);
  }

  #take(frame: Frame): void {
    switch (frame.type) {
      case 'conversation':
        this.conversations.take(frame.conversation, frame.change);
        break;
      case 'gone':
        this.conversations.remove(frame.conversation_id);
        break;
      case 'counts':
        this.counts.take(frame);
        break;
      case 'inboxes':
        void this.directory.loadInboxes().catch(() => {});
        break;
      case 'channels':
        this.channelsSeen += 1;
        break;
      case 'agents':
        void this.directory.loadAgents().catch(() => {});
        break;
      case 'me':
        void this.session.load();
        break;
      case 'reset':
        this.resets += 1;
        this.conversations.distrust();
        void this.session.load().then(() => this.live.restart(this.session.me?.change ?? 0));
        void this.#load();
        this.lists.reload();
        break;
      default:
    }
  }
}

export const [getDesk, setDesk] = createContext<Desk>();
