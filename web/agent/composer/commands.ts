/** What the composer of the open conversation adds to keyboard, palette and help sheet. */
import Forward from '@lucide/svelte/icons/forward';
import Lock from '@lucide/svelte/icons/lock';
import Reply from '@lucide/svelte/icons/reply';
import ReplyAll from '@lucide/svelte/icons/reply-all';
import type { DraftKind } from '$api/types';
import { WRITING, type Command } from '../state/commands.svelte';
import type { Desk } from '../state/desk.svelte';
import type { Answer } from './reply.svelte';

export function answerCommands(
  desk: Desk,
  answer: Answer,
  write: (kind: DraftKind) => Promise<void>,
  pass: (message: number) => Promise<void>,
): Command[] {
  const group = 'write' as const;
  const when = () => desk.session.me?.may.write ?? false;
  const reply = (whom: 'one' | 'all') => () => {
    answer.aim(whom);
    void write('reply');
  };
  // The newest mail that is no forward itself.
  const newest = () =>
    answer.thread.items.findLast(
      ({ kind, forward_of, delivery }) =>
        (kind === 'inbound' || kind === 'outbound') && !forward_of && delivery?.state !== 'cancelled',
    );
  const forward = () => {
    const message = newest();
    if (message) void pass(message.id);
  };
  return [
    { ...WRITING.reply, group, icon: Reply, when, run: reply('one') },
    { ...WRITING.replyAll, group, icon: ReplyAll, when, run: reply('all') },
    { ...WRITING.forward, group, icon: Forward, when: () => when() && newest() !== undefined, run: forward },
    { ...WRITING.comment, group, icon: Lock, when, run: () => void write('comment') },
  ];
}
