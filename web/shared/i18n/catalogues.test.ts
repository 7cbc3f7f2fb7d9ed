import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

type Entry = string | Record<string, string>;
const root = new URL('../../catalogues/', `file://${process.cwd()}/shared/i18n/x`).pathname;
const languages = readdirSync(root).sort();

function read(language: string, file: string): Record<string, Entry> {
  return JSON.parse(readFileSync(`${root}${language}/${file}`, 'utf8')) as Record<string, Entry>;
}
function placeholders(text: string): string[] {
  return [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? ''))].sort();
}
const forms = (entry: Entry): Record<string, string> => (typeof entry === 'string' ? { other: entry } : entry);

describe('catalogues', () => {
  it('exist in English and Polish', () => expect(languages).toEqual(['en', 'pl']));

  for (const file of readdirSync(`${root}en`)) {
    const english = read('en', file);
    for (const language of languages) {
      const other = read(language, file);

      it(`${language}/${file} has every key and no other`, () => {
        expect(Object.keys(other).sort()).toEqual(Object.keys(english).sort());
      });

      it(`${language}/${file} uses the same placeholders`, () => {
        for (const [key, entry] of Object.entries(english)) {
          const wanted = placeholders(Object.values(forms(entry)).join(' '));
          const found = placeholders(Object.values(forms(other[key] ?? '')).join(' '));
          expect({ key, found }).toEqual({ key, found: wanted });
        }
      });

      it(`${language}/${file} has every form its plurals need`, () => {
        const needed = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
        for (const [key, entry] of Object.entries(other)) {
          if (typeof entry === 'string') continue;
          expect({ key, forms: Object.keys(entry).sort() }).toEqual({ key, forms: [...needed].sort() });
        }
      });

      it(`${language}/${file} has no empty message and no exclamation mark`, () => {
        for (const [key, entry] of Object.entries(other)) {
          for (const text of Object.values(forms(entry))) {
            expect({ key, ok: text.trim() !== '' && !text.includes('!') }).toEqual({ key, ok: true });
          }
        }
      });
    }
  }
});
