/** Filters as their form holds them: a list is typed as lines. */
import type { Filters } from '$api/channel';
import { t } from '$shared/i18n/index.svelte';
import type { Faults } from './form.svelte';

export type FiltersValues = {
  allow: string;
  deny: string;
  /** An inbox has kinds of its own rather than the workspace's. */
  own: boolean;
  automatic: boolean;
  bulk: boolean;
  role: boolean;
  unsubscribe: boolean;
};

export function filtersValues(filters: Filters | null): FiltersValues {
  const kinds = filters?.kinds ?? { automatic: true, bulk: true, role: false, unsubscribe: false };
  return {
    allow: (filters?.allow ?? []).join('\n'),
    deny: (filters?.deny ?? []).join('\n'),
    own: filters?.kinds != null,
    ...kinds,
  };
}

function lines(text: string): string[] {
  return text
    .split(/[\s,;]+/)
    .map((one) => one.trim())
    .filter(Boolean);
}

/** An address or a domain; the server has the last word. */
function looksRight(entry: string): boolean {
  return /^(@?|[^\s@]+@)[^\s@]+\.[^\s@.]+$/.test(entry);
}

export function checkFilters(values: FiltersValues): Faults<FiltersValues> {
  const faults: Faults<FiltersValues> = {};
  for (const list of ['allow', 'deny'] as const) {
    const odd = lines(values[list]).find((entry) => !looksRight(entry));
    if (odd) faults[list] = t('settings.filters.odd', { entry: odd });
  }
  return faults;
}

export function filtersBody(values: FiltersValues, ofInbox: boolean): Omit<Filters, 'change'> {
  const { automatic, bulk, role, unsubscribe } = values;
  const kinds = ofInbox && !values.own ? null : { automatic, bulk, role, unsubscribe };
  return { allow: lines(values.allow), deny: lines(values.deny), kinds };
}
