import { describe, expect, it } from 'vitest';
import settings from '../../catalogues/en/settings.json';
import { browserLanguage, language, loadPart, setLanguage, t, tMaybe, use, type MessageKey } from './index.svelte';

const say = (key: string, args?: Record<string, string | number>) => t(key as MessageKey, args);

describe('t', () => {
  it('fills in and chooses plural forms', () => {
    use('pl', {
      hi: 'Cześć, {name}',
      n: { one: '{count} rozmowa', few: '{count} rozmowy', many: '{count} rozmów', other: '?' },
    });
    expect(say('hi', { name: 'Ewa' })).toBe('Cześć, Ewa');
    expect([1, 2, 5, 12, 22].map((count) => say('n', { count }))).toEqual([
      '1 rozmowa',
      '2 rozmowy',
      '5 rozmów',
      '12 rozmów',
      '22 rozmowy',
    ]);
  });

  it('never loses a message: an unknown key shows itself, an unknown argument stays', () => {
    use('en', { hi: 'Hello, {name}' });
    expect(say('none')).toBe('none');
    expect(tMaybe('none')).toBeNull();
    expect(say('hi', { other: 1 })).toBe('Hello, {name}');
  });

  it('loads both languages and binds short Polish words', async () => {
    await setLanguage('pl');
    expect(language()).toBe('pl');
    expect(document.documentElement.lang).toBe('pl');
    expect(t('shell.view.mine')).toBe('Moje');
    expect(t('shell.unreachable_hint')).toContain('i\u00a0spróbuj');
    await setLanguage('en');
    expect(t('shell.view.mine')).toBe('Mine');
  });

  it('fetches the words of settings when they are needed, and keeps them through a change of language', async () => {
    await setLanguage('en');
    const key = Object.keys(settings)[0] as MessageKey;
    expect(tMaybe(key)).toBeNull();
    await loadPart('settings');
    expect(tMaybe(key)).not.toBeNull();
    await setLanguage('pl');
    expect(tMaybe(key)).not.toBeNull();
    expect(tMaybe('shell.view.mine')).toBe('Moje');
  });
});

describe('browserLanguage', () => {
  it.each([
    [['pl-PL', 'en'], 'pl'],
    [['de-DE', 'en-GB'], 'en'],
    [['de'], 'en'],
  ])('%s', (wanted, found) => expect(browserLanguage(wanted)).toBe(found));
});
