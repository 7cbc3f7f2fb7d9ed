/** Who may change whom, and what a person's form sends. */
import type { Agent, Role } from '$api/types';
import { MIN_PASSWORD, lengthOf } from '$shared/format/strength';
import { t } from '$shared/i18n/index.svelte';
import { looksLikeEmail } from './email';
import type { Faults } from './form.svelte';
import { ROLES } from './options';

export type PersonValues = { name: string; email: string; role: Role; only_assigned: boolean; password: string };

/** Why `me` may not change the role or access of `person`; null when they may. */
export function whyNot(me: Agent, person: Agent): string | null {
  if (me.id === person.id) return t('settings.people.notYourself');
  if (person.role === 'owner' && me.role !== 'owner') return t('settings.people.notOwner');
  return null;
}

/** The roles `me` may give: only an owner makes owners. */
export function roleOptions(me: Agent): { value: Role; label: string; disabled: boolean }[] {
  return ROLES.map((role) => ({
    value: role,
    label: `${t(`settings.people.${role}`)}: ${lower(t(`settings.people.${role}Hint`))}`,
    disabled: role === 'owner' && me.role !== 'owner',
  }));
}

/** Only these roles can be kept to what is assigned to them. */
export function canBeNarrowed(role: Role): boolean {
  return role === 'agent' || role === 'viewer';
}

export function checkPerson(values: PersonValues): Faults<PersonValues> {
  const faults: Faults<PersonValues> = {};
  if (!values.name.trim()) faults.name = t('settings.required');
  if (!looksLikeEmail(values.email)) faults.email = t('settings.badEmail');
  if (lengthOf(values.password) < MIN_PASSWORD) faults.password = t('settings.strength.empty', { min: MIN_PASSWORD });
  return faults;
}

function lower(text: string): string {
  return text.charAt(0).toLocaleLowerCase() + text.slice(1);
}
