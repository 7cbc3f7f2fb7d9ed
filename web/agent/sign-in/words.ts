/** The few messages of the sign-in page, so that it need not fetch those of the whole app. */
import type { Language } from '$api/types';
import type english from '../../catalogues/en/sign-in.json';

type Words = Record<string, string | Record<string, string>>;
export type WordKey = keyof typeof english;
export type Say = (key: WordKey, args?: Record<string, string | number>) => string;

const loaders: Record<Language, () => Promise<{ default: unknown }>> = {
  en: () => import('../../catalogues/en/sign-in.json'),
  pl: () => import('../../catalogues/pl/sign-in.json'),
};

/** Speaks with the given messages. An entry with plural forms is chosen by `args.count`. */
export function speaker(language: Language, words: Words): Say {
  const plural = new Intl.PluralRules(language);
  return (key, args = {}) => {
    const entry = words[key] ?? key;
    const form =
      typeof entry === 'string' ? entry : (entry[plural.select(Number(args.count ?? 0))] ?? entry.other ?? key);
    return form.replace(/\{(\w+)\}/g, (whole, name: string) => String(args[name] ?? whole));
  };
}

/** Fetches the messages of a language. */
export async function speak(language: Language): Promise<Say> {
  return speaker(language, (await loaders[language]()).default as Words);
}
