/** The pages of Settings, in the order they are offered. */
import type { MessageKey } from '$shared/i18n/index.svelte';

export type SectionId =
  'profile' | 'appearance' | 'inboxes' | 'channels' | 'filters' | 'people' | 'mail' | 'queue' | 'workspace' | 'about';
export type Section = { id: SectionId; label: MessageKey };

const IDS: readonly SectionId[] = [
  'profile',
  'appearance',
  'inboxes',
  'channels',
  'filters',
  'people',
  'mail',
  'queue',
  'workspace',
  'about',
];

export const SECTIONS: readonly Section[] = IDS.map((id) => ({
  id,
  label: `settings.${id}` as const,
}));

export function isSection(text: string): text is SectionId {
  return (IDS as readonly string[]).includes(text);
}
