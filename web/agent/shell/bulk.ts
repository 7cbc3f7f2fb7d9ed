/** What can be done with ticked rows, in the order the summary shows it. */
import type { Command } from '../state/commands.svelte';
import type { Desk } from '../state/desk.svelte';

const ORDER = [
  'to-inbox',
  'close',
  'reopen',
  'assign',
  'assign-me',
  'tag',
  'move',
  'snooze',
  'unread',
  'read',
  'spam',
  'trash',
];

export function bulkCommands(desk: Desk): Command[] {
  const ready = desk.commands.ready;
  return ORDER.flatMap((id) => ready.find((command) => command.id === id) ?? []);
}
