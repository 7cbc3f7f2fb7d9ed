import fc from 'fast-check';
import { flushSync, mount, unmount } from 'svelte';
import { describe, expect, it } from 'vitest';
import { linkify } from './linkify';
import TextBody from './TextBody.svelte';

function links(text: string): string[] {
  return linkify(text).flatMap((piece) => (piece.href ? [piece.href] : []));
}

function tagsOf(text: string): { tags: Set<string>; content: string; html: string } {
  const target = document.createElement('div');
  const body = mount(TextBody, { target, props: { text, quoteFrom: null, open: true } });
  flushSync();
  const tags = new Set([...target.querySelectorAll('*')].map((one) => one.localName));
  const result = { tags, content: target.textContent ?? '', html: target.innerHTML };
  void unmount(body);
  return result;
}

const HOSTILE = [
  'a@a.co?]<img/src=x/onerror=alert(1)>',
  '[x]: https://a.example "><script>alert(1)</script>',
  '<scr<script>ipt>alert(1)</scr</script>ipt>',
  'javascript:alert(1) JaVaScRiPt:alert(1) java\tscript:alert(1)',
  'data:text/html,<script>alert(1)</script> vbscript:x',
  'https://a.example/"onmouseover="alert(1)',
  "https://a.example/'onmouseover='alert(1)",
  'http://a.example/<svg/onload=alert(1)>',
  '&lt;img src=x onerror=alert(1)&gt; &#60;b&#62;',
];

describe('linkify', () => {
  it('finds addresses and leaves the sentence around them', () => {
    expect(
      links('See https://tarnina.example/packs. Or (www.tarnina.example/a_(b)), then mail ewa@tarnina.example!'),
    ).toEqual(['https://tarnina.example/packs', 'https://www.tarnina.example/a_(b)', 'mailto:ewa@tarnina.example']);
  });

  it('keeps every character of the text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        (text) =>
          linkify(text)
            .map((one) => one.text)
            .join('') === text,
      ),
    );
  });

  it('links only http, https and mailto', () => {
    const noise = fc.string({ unit: fc.constantFrom(...'htps:/w.@a <>"\'&;%javscript\u202e\u200bé'.split('')) });
    fc.assert(
      fc.property(noise, (text) => links(text).every((href) => /^(https?:\/\/|mailto:)/.test(href))),
      { numRuns: 500 },
    );
  });

  it.each([
    'https://bank.example@evil.example/',
    'https://a.example/\u202egpj.exe',
    'http://',
    'https://nodots',
    'www.',
  ])('leaves %j as text', (text) => expect(links(text)).toEqual([]));

  it('names the real host behind letters that are not Latin, and stays quiet for Polish ones', () => {
    expect(linkify('https://аррӏе.example/')[0]?.host).toMatch(/^xn--/);
    expect(linkify('https://żółw.example/')[0]?.host).toBeUndefined();
  });

  it('takes time in proportion to the text', () => {
    const begin = performance.now();
    linkify('a'.repeat(200_000));
    linkify('www.'.repeat(50_000));
    linkify('a@'.repeat(100_000));
    linkify('https://((((((((((('.repeat(10_000));
    expect(performance.now() - begin).toBeLessThan(2000);
  });
});

describe('TextBody', () => {
  const allowed = new Set(['a', 'br', 'p', 'span', 'div']);

  it.each(HOSTILE)('shows %j as text', (text) => {
    const { tags, content } = tagsOf(text);
    expect(content).toContain(text);
    for (const tag of tags) expect(allowed).toContain(tag);
  });

  it('never emits a tag other than a, br, p and span inside its own box', () => {
    const sign = fc.constantFrom(...'<>"\'&/=abimgsrc onerror:@.\n\thtps'.split(''));
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: sign }), fc.string()), (text) => {
        const { tags } = tagsOf(text);
        return [...tags].every((tag) => allowed.has(tag));
      }),
      { numRuns: 150 },
    );
  });
});
