/** Messages in the reader's language. One chunk a language, fetched on demand; English stands in for a missing key. */
import type conversation from '../../catalogues/en/conversation.json';
import type settings from '../../catalogues/en/settings.json';
import type shell from '../../catalogues/en/shell.json';
import type { Language } from '$api/types';

export type MessageKey = keyof typeof shell | keyof typeof conversation | keyof typeof settings;
export type Args = Record<string, string | number>;
type Entry = string | Record<string, string>;
export type Catalogue = Record<string, Entry>;

export { browserLanguage, LANGUAGES } from './browser';

const loaders: Record<Language, () => Promise<{ default: Catalogue }>> = {
  en: () => import('virtual:catalogue/en'),
  pl: () => import('virtual:catalogue/pl'),
};

let current = $state<Language>('en');
let catalogue = $state.raw<Catalogue>({});
let plural = new Intl.PluralRules('en');

/** The language in force; reactive. */
export function language(): Language {
  return current;
}

/** Fetches the catalogue and switches; also sets `<html lang>`. */
export async function setLanguage(next: Language): Promise<void> {
  const loaded = await loaders[next]();
  use(next, loaded.default);
}

/** Switches to a catalogue at hand. Tests use it too. */
export function use(next: Language, messages: Catalogue): void {
  plural = new Intl.PluralRules(next);
  catalogue = messages;
  current = next;
  if (typeof document !== 'undefined') document.documentElement.lang = next;
}

function fill(text: string, args?: Args): string {
  if (!args) return text;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = args[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? new Intl.NumberFormat(current).format(value) : value;
  });
}

/** The message of `key` with `{name}` filled in. An entry with plural forms is chosen by `args.count`. */
export function t(key: MessageKey, args?: Args): string {
  const entry = catalogue[key];
  if (entry === undefined) return key;
  if (typeof entry === 'string') return fill(entry, args);
  const form = plural.select(Number(args?.count ?? 0));
  return fill(entry[form] ?? entry['other'] ?? key, args);
}

/** As `t` for a key put together at run time; null when there is no such message. */
export function tMaybe(key: string, args?: Args): string | null {
  return catalogue[key] === undefined ? null : t(key as MessageKey, args);
}
