/** Forms outlive the page they stand on: whoever looks something up elsewhere finds what was typed on coming back. */
import type { Desk } from '../state/desk.svelte';
import type { Shape } from './form.svelte';

const byDesk = new WeakMap<Desk, Map<string, Shape>>();

/** The form of that name for this session, made when there is none yet. Signing out drops them all. */
export function keptForm<F extends Shape>(desk: Desk, name: string, make: () => F): F {
  const forms = byDesk.get(desk) ?? new Map<string, Shape>();
  byDesk.set(desk, forms);
  const found = forms.get(name) as F | undefined;
  if (found) return found;
  const made = make();
  forms.set(name, made);
  return made;
}

/** True when anything typed in Settings waits to be saved. */
export function anyUnsaved(desk: Desk): boolean {
  return [...(byDesk.get(desk)?.values() ?? [])].some((form) => form.dirty);
}
