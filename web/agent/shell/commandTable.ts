/** The shell's commands: keyboard, palette, help sheet and bulk bar all read these lines. */
import AlarmClock from '@lucide/svelte/icons/alarm-clock';
import Keyboard from '@lucide/svelte/icons/keyboard';
import Layers from '@lucide/svelte/icons/layers';
import PanelRight from '@lucide/svelte/icons/panel-right';
import Search from '@lucide/svelte/icons/search';
import Send from '@lucide/svelte/icons/send';
import Settings2 from '@lucide/svelte/icons/settings-2';
import SquarePen from '@lucide/svelte/icons/square-pen';
import Undo2 from '@lucide/svelte/icons/undo-2';
import User from '@lucide/svelte/icons/user';
import UserX from '@lucide/svelte/icons/user-x';
import { router } from '../router.svelte';
import type { Command } from '../state/commands.svelte';
import type { Desk } from '../state/desk.svelte';
import { focusFree, focusThread, nextRegion } from './regions';
import { travel } from './travel.svelte';
import { onConversations } from './conversationCommands';

function onList(desk: Desk): Command[] {
  const group = 'list' as const;
  const inbox = () => router.route.name === 'inbox';
  // Arrows scroll a text and Enter presses a button: they are the list's only while the focus is on nothing of that kind.
  const atList = (key?: string) => inbox() && (key?.length === 1 || focusFree(key));
  const tick = (extend: boolean) => {
    const id = desk.selection.cursor ?? desk.selection.open;
    if (id === null) return;
    if (extend) desk.selection.extend(id, travel.list?.ids() ?? []);
    else desk.selection.toggle(id);
  };
  return [
    {
      id: 'next',
      group,
      label: 'shell.cmd.next',
      keys: ['j', 'ArrowDown'],
      hidden: true,
      when: atList,
      run: () => travel.step(desk, 1),
    },
    {
      id: 'previous',
      group,
      label: 'shell.cmd.previous',
      keys: ['k', 'ArrowUp'],
      hidden: true,
      when: atList,
      run: () => travel.step(desk, -1),
    },
    {
      id: 'open',
      group,
      label: 'shell.cmd.open',
      keys: ['o', 'Enter'],
      hidden: true,
      when: atList,
      run: () => (desk.selection.open === null ? travel.open(desk) : focusThread()),
    },
    {
      id: 'back',
      group,
      label: 'shell.cmd.back',
      keys: ['u', 'Escape'],
      hidden: true,
      when: () => desk.layout.drawer || desk.selection.ticking || desk.selection.open !== null,
      run: () => {
        if (desk.layout.drawer) desk.layout.drawer = false;
        else if (desk.layout.narrow && desk.layout.side) desk.layout.toggleSide();
        else if (desk.selection.ticking) desk.selection.clear();
        else travel.back(desk);
      },
    },
    { id: 'tick', group, label: 'shell.cmd.tick', keys: ['x'], hidden: true, when: inbox, run: () => tick(false) },
    {
      id: 'tick-range',
      group,
      label: 'shell.cmd.tick_range',
      keys: ['Shift+x'],
      hidden: true,
      when: inbox,
      run: () => tick(true),
    },
    {
      id: 'tick-all',
      group,
      label: 'shell.cmd.tick_all',
      keys: ['Mod+a'],
      hidden: true,
      when: inbox,
      run: () => desk.selection.tickAll(travel.list?.ids() ?? []),
    },
    {
      id: 'undo',
      group,
      label: 'shell.cmd.undo',
      keys: ['z', 'Mod+z'],
      icon: Undo2,
      when: () => desk.toasts.items.some((toast) => toast.undo),
      run: () => void desk.toasts.undoLast(),
    },
  ];
}

function onPlaces(desk: Desk): Command[] {
  const group = 'go' as const;
  const view = (name: string) => () => router.go(`/inbox/${name}`);
  return [
    { id: 'go-all', group, label: 'shell.cmd.go_all', keys: ['g i'], icon: Layers, run: view('all') },
    { id: 'go-mine', group, label: 'shell.cmd.go_mine', keys: ['g m'], icon: User, run: view('mine') },
    {
      id: 'go-unassigned',
      group,
      label: 'shell.cmd.go_unassigned',
      keys: ['g u'],
      icon: UserX,
      run: view('unassigned'),
    },
    { id: 'go-sent', group, label: 'shell.cmd.go_sent', keys: ['g t'], icon: Send, run: view('sent') },
    { id: 'go-snoozed', group, label: 'shell.cmd.go_snoozed', keys: ['g h'], icon: AlarmClock, run: view('snoozed') },
    {
      id: 'go-settings',
      group,
      label: 'shell.cmd.go_settings',
      keys: ['g s'],
      icon: Settings2,
      run: () => router.go('/settings/profile'),
    },
    { id: 'search', group, label: 'shell.cmd.search', keys: ['/'], icon: Search, run: () => router.go('/search') },
    {
      id: 'new',
      group,
      label: 'shell.cmd.new',
      keys: ['c'],
      icon: SquarePen,
      when: () => desk.session.me?.may.write ?? false,
      run: () => router.go('/new'),
    },
  ];
}

/** Everything the shell can do. */
export function shellCommands(desk: Desk): Command[] {
  const group = 'app' as const;
  return [
    ...onConversations(desk),
    ...onList(desk),
    ...onPlaces(desk),
    {
      id: 'palette',
      group,
      label: 'shell.cmd.palette',
      keys: ['Mod+k'],
      everywhere: true,
      hidden: true,
      run: () => (desk.layout.palette = !desk.layout.palette),
    },
    { id: 'help', group, label: 'shell.cmd.help', keys: ['?'], icon: Keyboard, run: () => (desk.layout.help = true) },
    {
      id: 'side',
      group,
      label: 'shell.cmd.side',
      keys: [']'],
      icon: PanelRight,
      when: () => desk.selection.open !== null,
      run: () => desk.layout.toggleSide(),
    },
    {
      id: 'regions',
      group,
      label: 'shell.cmd.regions',
      keys: ['F6'],
      everywhere: true,
      hidden: true,
      run: () => nextRegion(1),
    },
    {
      id: 'regions-back',
      group,
      label: 'shell.cmd.regions_back',
      keys: ['Shift+F6'],
      everywhere: true,
      hidden: true,
      run: () => nextRegion(-1),
    },
  ];
}
