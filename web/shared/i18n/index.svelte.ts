/** Messages in the reader's language: one chunk a language, and one more for settings, each fetched on demand. */
import type conversation from '../../catalogues/en/conversation.json';
import type settings from '../../catalogues/en/settings.json';
import type shell from '../../catalogues/en/shell.json';
import type { Language } from '$api/types';

export type MessageKey = keyof typeof shell | keyof typeof conversation | keyof typeof settings;
export type Args = Record<string, string | number>;
type Entry = string | Record<string, string>;
export type Catalogue = Record<string, Entry>;

export { browserLanguage, LANGUAGES } from './browser';

type Loaders = Record<Language, () => Promise<{ default: Catalogue }>>;
/** What is fetched only with the pages that speak it. */
export type Part = 'settings';

const loaders: Loaders = {
  en: () => import('virtual:catalogue/en'),
  pl: () => import('virtual:catalogue/pl'),
};
const parts: Record<Part, Loaders> = {
  settings: {
    en: () => import('virtual:catalogue/en/settings'),
    pl: () => import('virtual:catalogue/pl/settings'),
  },
};
/** The parts in use: a change of language fetches them again. */
const inUse = new Set<Part>();

let current = $state<Language>('en');
let catalogue = $state.raw<Catalogue>({});
let plural = new Intl.PluralRules('en');

/** The language in force; reactive. */
export function language(): Language {
  return current;
}

/** Fetches the catalogue and switches; also sets `<html lang>`. */
export async function setLanguage(next: Language): Promise<void> {
  const loaded = await Promise.all([loaders[next](), ...[...inUse].map((part) => parts[part][next]())]);
  use(next, Object.assign({}, ...loaded.map((one) => one.default)) as Catalogue);
}

/** Adds a part to what can be said; to be awaited before the page that needs it is shown. */
export async function loadPart(part: Part): Promise<void> {
  inUse.add(part);
  let messages: Catalogue;
  let spoken: Language;
  do {
    spoken = current;
    messages = (await parts[part][spoken]()).default;
  } while (spoken !== current);
  catalogue = { ...catalogue, ...messages };
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

/** Fetches a page together with the words of settings that it speaks. */
export async function withPart<T>(page: () => Promise<T>, part: Part = 'settings'): Promise<T> {
  const [module] = await Promise.all([page(), loadPart(part)]);
  return module;
}
