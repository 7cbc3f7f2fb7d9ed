import { describe, expect, it } from 'vitest';
import { isSimple } from './simple';

const mail = {
  text: 'Hi Ann,\n\nyes & no.\n',
  has_quote: false,
  quote_from_line: null,
  own_colours: false,
  remote_images: 0,
};
const simple = (html: string, over = {}) => isSimple({ ...mail, html, ...over });

describe('isSimple', () => {
  it('takes paragraphs and breaks that say what the text says', () => {
    expect(simple('<p>Hi Ann,</p><p>yes &amp; no.</p>')).toBe(true);
    expect(simple('<div dir="ltr">Hi Ann,<br><br>yes&nbsp;&amp; no.</div>')).toBe(true);
  });

  it.each([
    '<p>Hi <b>Ann</b>,</p><p>yes &amp; no.</p>',
    '<p style="color:red">Hi Ann,</p><p>yes &amp; no.</p>',
    '<p>Hi Ann,</p><p>yes &amp; no.</p><img src="/api/v1/attachments/3">',
    '<p>Hi Ann,</p><p>something else</p>',
    '<table><tbody><tr><td>Hi Ann, yes &amp; no.</td></tr></tbody></table>',
  ])('leaves %s to its frame', (html) => expect(simple(html)).toBe(false));

  it('looks past quoted history, but only when the text has it as well', () => {
    const html = '<p>Hi Ann,</p><p>yes &amp; no.</p><div class="fd-quote"><b>old</b></div>';
    const text = `${mail.text}\n> old`;
    expect(simple(html, { text, has_quote: true, quote_from_line: 4 })).toBe(true);
    expect(simple(html, { has_quote: true })).toBe(false);
  });

  it('leaves alone what brings colours or pictures, and what has no text', () => {
    const html = '<p>Hi Ann,</p><p>yes &amp; no.</p>';
    expect(simple(html, { own_colours: true })).toBe(false);
    expect(simple(html, { remote_images: 1 })).toBe(false);
    expect(simple(html, { text: '' })).toBe(false);
  });
});
