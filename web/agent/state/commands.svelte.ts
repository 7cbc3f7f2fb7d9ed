/** The one table of what can be done: keyboard, palette and help sheet all read it, so a key cannot differ from its label. */
import type { LucideIcon } from '@lucide/svelte';
import { SvelteMap } from 'svelte/reactivity';
import type { MessageKey } from '$shared/i18n/index.svelte';

export type CommandGroup = 'conversation' | 'write' | 'list' | 'go' | 'app';

export type Command = {
  /** Unique; a later registration of the same id replaces the earlier. */
  id: string;
  group: CommandGroup;
  label: MessageKey;
  /** Bindings such as "e", "Shift+e", "g i", "Mod+k"; the first is shown. */
  keys?: string[];
  icon?: LucideIcon;
  /** Whether it can be done now; always, unless told. By a key, that key is named: some mean it only where the focus is. */
  when?: (key?: string) => boolean;
  run: () => void;
  /** Listed in the help sheet but not in the palette (travel keys). */
  hidden?: boolean;
  /** Works inside text fields and with single keys switched off: only for bindings with a modifier. */
  everywhere?: boolean;
};

/** The keys of writing. They work where something can be written; the help sheet names them everywhere. */
export const WRITING = {
  reply: { id: 'reply', label: 'shell.cmd.reply', keys: ['r'] },
  replyAll: { id: 'reply-all', label: 'conv.comp.reply_all', keys: ['a'] },
  forward: { id: 'forward', label: 'conv.msg.forward', keys: ['f'] },
  comment: { id: 'comment', label: 'shell.cmd.comment', keys: ['n'] },
  send: { id: 'send', label: 'conv.comp.send', keys: ['Mod+Enter'] },
} satisfies Record<string, Pick<Command, 'id' | 'label' | 'keys'>>;

export class Commands {
  #table = new SvelteMap<string, Command>();

  /** Adds commands; returns the call that takes them out again, made for an $effect. */
  register(commands: Command[]): () => void {
    for (const command of commands) this.#table.set(command.id, command);
    return () => {
      for (const command of commands) if (this.#table.get(command.id) === command) this.#table.delete(command.id);
    };
  }

  get all(): Command[] {
    return [...this.#table.values()];
  }

  /** Those that can be done now. */
  get ready(): Command[] {
    return this.all.filter((command) => command.when?.() ?? true);
  }

  run(id: string): boolean {
    const command = this.#table.get(id);
    if (!command || !(command.when?.() ?? true)) return false;
    command.run();
    return true;
  }

  /** The first key of a command, for labels beside buttons. */
  key(id: string): string | undefined {
    return this.#table.get(id)?.keys?.[0];
  }
}
