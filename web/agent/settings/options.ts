/** Choices that several pages offer. */
import type { Language, Role } from '$api/types';

/** Each language in its own words, whatever the page speaks. */
export const LANGUAGE_OPTIONS: readonly { value: Language; label: string }[] = [
  { value: 'en', label: 'English' },
  { value: 'pl', label: 'Polski' },
];

/** From the most to the least. */
export const ROLES: readonly Role[] = ['owner', 'admin', 'agent', 'viewer'];
