/** What can be done with ticked rows, in the order the summary shows it. */
import { t } from '$shared/i18n/index.svelte';
import { keycap } from '$shared/keyboard/keys';
import type { MenuItem } from '$shared/ui/Menu.svelte';
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

/** Those with a button of their own; the others stand under "More". */
export const FIRST = ['close', 'assign', 'snooze', 'tag'];

export function first(desk: Desk): Command[] {
  return FIRST.flatMap((id) => desk.commands.ready.find((command) => command.id === id) ?? []);
}

export function rest(desk: Desk): MenuItem[] {
  return bulkCommands(desk)
    .filter((command) => !FIRST.includes(command.id))
    .map((command) => ({
      label: t(command.label),
      run: command.run,
      ...(command.icon ? { icon: command.icon } : {}),
      ...(command.keys?.[0] ? { key: keycap(command.keys[0]) } : {}),
    }));
}
