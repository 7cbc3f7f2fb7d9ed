/** Which language to begin with, before anybody is known. Free of the framework, so that the sign-in page can use it. */
import type { Language } from '$api/types';

export const LANGUAGES: readonly Language[] = ['en', 'pl'];

/** The first language of the browser that we have. */
export function browserLanguage(wanted: readonly string[] = navigator.languages): Language {
  for (const tag of wanted) {
    const found = LANGUAGES.find((known) => tag.toLowerCase().split('-')[0] === known);
    if (found) return found;
  }
  return 'en';
}
