/** What can be done to conversations, each with its key, its icon and when it makes sense. */
import AlarmClock from '@lucide/svelte/icons/alarm-clock';
import Check from '@lucide/svelte/icons/check';
import FolderInput from '@lucide/svelte/icons/folder-input';
import Inbox from '@lucide/svelte/icons/inbox';
import Mail from '@lucide/svelte/icons/mail';
import MailOpen from '@lucide/svelte/icons/mail-open';
import RotateCcw from '@lucide/svelte/icons/rotate-ccw';
import ShieldX from '@lucide/svelte/icons/shield-x';
import Tag from '@lucide/svelte/icons/tag';
import Trash2 from '@lucide/svelte/icons/trash-2';
import User from '@lucide/svelte/icons/user';
import UserCheck from '@lucide/svelte/icons/user-check';
import type { ConversationRow } from '$api/types';
import type { Command } from '../state/commands.svelte';
import type { Desk } from '../state/desk.svelte';
import { travel } from './travel.svelte';

/** Rows the deed is meant for; none where the agent may only read. */
function rows(desk: Desk): ConversationRow[] {
  if (!desk.session.me?.may.write) return [];
  return desk.selection.ids.flatMap((id) => desk.conversations.get(id) ?? []);
}

/** Does a deed that takes rows off the list: the ticks go, and the next step knows where it was. */
function leaving(desk: Desk, act: (ids: number[]) => void): void {
  const ids = desk.selection.ids;
  travel.note(ids[0] ?? null);
  act(ids);
  desk.selection.clear();
}

/** Deeds on the ticked conversations, or the one at hand. */
export function onConversations(desk: Desk): Command[] {
  const some =
    (test: (row: ConversationRow) => boolean = () => true) =>
    () =>
      rows(desk).some(test);
  const ids = () => desk.selection.ids;
  const me = () => desk.session.me?.agent.id ?? 0;
  const group = 'conversation' as const;
  return [
    {
      id: 'close',
      group,
      label: 'shell.cmd.close',
      keys: ['e'],
      icon: Check,
      when: some((row) => row.state !== 'closed'),
      run: () => leaving(desk, (all) => desk.actions.close(all)),
    },
    {
      id: 'close-next',
      group,
      label: 'shell.cmd.close_next',
      keys: ['Shift+e'],
      icon: Check,
      when: () =>
        desk.selection.open !== null &&
        desk.selection.ticked.size === 0 &&
        rows(desk).some((row) => row.state !== 'closed'),
      run: () => {
        const go = travel.after(desk, desk.selection.open ?? 0);
        leaving(desk, (all) => desk.actions.close(all));
        go();
      },
    },
    {
      id: 'reopen',
      group,
      label: 'shell.cmd.reopen',
      keys: ['Shift+o'],
      icon: RotateCcw,
      when: some((row) => row.state !== 'open'),
      run: () => leaving(desk, (all) => desk.actions.reopen(all)),
    },
    {
      id: 'snooze',
      group,
      label: 'shell.cmd.snooze',
      keys: ['h'],
      icon: AlarmClock,
      when: some(),
      run: () => desk.layout.pick('snooze', ids()),
    },
    {
      id: 'assign',
      group,
      label: 'shell.cmd.assign',
      keys: ['s'],
      icon: UserCheck,
      when: some(),
      run: () => desk.layout.pick('assign', ids()),
    },
    {
      id: 'assign-me',
      group,
      label: 'shell.cmd.assign_me',
      keys: ['i'],
      icon: User,
      when: some((row) => row.assignee !== me()),
      run: () => leaving(desk, (all) => desk.actions.assign(all, me())),
    },
    {
      id: 'tag',
      group,
      label: 'shell.cmd.tag',
      keys: ['l'],
      icon: Tag,
      when: some(),
      run: () => desk.layout.pick('tag', ids()),
    },
    {
      id: 'move',
      group,
      label: 'shell.cmd.move',
      keys: ['v'],
      icon: FolderInput,
      when: () => rows(desk).length > 0 && desk.directory.inboxes.length > 1,
      run: () => desk.layout.pick('move', ids()),
    },
    {
      id: 'unread',
      group,
      label: 'shell.cmd.unread',
      keys: ['Shift+u'],
      icon: Mail,
      when: some((row) => !row.unread),
      run: () => desk.actions.unread(ids(), true),
    },
    {
      id: 'read',
      group,
      label: 'shell.cmd.read',
      keys: ['Shift+i'],
      icon: MailOpen,
      when: some((row) => row.unread),
      run: () => desk.actions.unread(ids(), false),
    },
    {
      id: 'to-inbox',
      group,
      label: 'shell.cmd.to_inbox',
      keys: ['Shift+m'],
      icon: Inbox,
      when: some((row) => row.place !== 'inbox'),
      run: () => leaving(desk, (all) => desk.actions.place(all, 'inbox')),
    },
    {
      id: 'spam',
      group,
      label: 'shell.cmd.spam',
      keys: ['!'],
      icon: ShieldX,
      when: some((row) => row.place !== 'spam'),
      run: () => leaving(desk, (all) => desk.actions.place(all, 'spam')),
    },
    {
      id: 'trash',
      group,
      label: 'shell.cmd.trash',
      keys: ['#'],
      icon: Trash2,
      when: some((row) => row.place !== 'trash'),
      run: () => leaving(desk, (all) => desk.actions.place(all, 'trash')),
    },
  ];
}
