import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { paragraphs } from './plain';
import { createRich, type RichContent, type RichEditor } from './editor';
import { safeHref } from './schema';

let editor: RichEditor | null = null;
afterEach(() => editor?.destroy());

function open(content: RichContent): { host: HTMLElement; last: () => RichContent; editor: RichEditor } {
  const host = document.body.appendChild(document.createElement('div'));
  let last = content;
  const nothing = () => {};
  const onchange = (next: RichContent) => (last = next);
  editor = createRich(host, {
    content,
    label: 'Reply',
    caret: null,
    onchange,
    onactive: nothing,
    onfiles: nothing,
    onpicture: (_file, shown) => shown('new@desk.example'),
    picture: (cid) => (cid === 'gone@desk.example' ? null : `/files/${cid}`),
  });
  return { host, last: () => last, editor };
}

describe('the rich editor', () => {
  it('takes plain text as paragraphs and gives it back as plain text', () => {
    const { host, last, editor: rich } = open({ html: null, text: 'Hi Ann,\n\nyes.\nEwa' });
    expect([...host.querySelectorAll('p')].map((one) => one.textContent)).toEqual(['Hi Ann,', 'yes.Ewa']);
    rich.link('https://a.example/x');
    rich.link(null);
    expect(last()).toEqual({ html: null, text: 'Hi Ann,\n\nyes.\nEwahttps://a.example/x' });
  });

  it('shows the pictures that were uploaded for it, keeps them by their id, and takes no others in', () => {
    const html =
      '<p>a<img src="cid:seam@desk.example" alt="The &quot;seam&quot;"><img src="https://track.example/x.gif">' +
      '<img src="cid:gone@desk.example"></p>';
    const { host, last, editor: rich } = open({ html, text: 'a' });
    const shown = [...host.querySelectorAll('.comp-text img:not(.ProseMirror-separator)')];
    expect(shown.map((one) => one.getAttribute('src'))).toEqual(['/files/seam@desk.example', null]);
    expect(shown[0]?.getAttribute('alt')).toBe('The "seam"');
    rich.link('https://a.example/x');
    const box = new DOMParser().parseFromString(last().html ?? '', 'text/html');
    const kept = [...box.querySelectorAll('img')].map((one) => one.getAttribute('src'));
    expect(kept).toEqual(['cid:seam@desk.example', 'cid:gone@desk.example']);
  });

  it('keeps what mail carries and drops the rest', () => {
    const html =
      '<style>p{color:red}</style><h2 onclick="x()">Hi</h2><p style="color:red"><b>yes</b> <a href="javascript:x()">no</a> ' +
      '<a href="https://a.example/" target="x">ok</a><img src="https://t.example/p.gif"></p><ul><li>one</li></ul><script>x()</script>';
    const { host, last, editor: rich } = open({ html, text: '' });
    rich.run('italic');
    rich.link('mailto:ann@fell.example');
    expect(last().html).toMatch(
      /^<p>Hi<\/p><p><strong>yes<\/strong> no <a href="https:\/\/a.example\/">ok<\/a><\/p><ul><li><p>one/,
    );
    expect(host.querySelector('img, script, style, [onclick]')).toBeNull();
  });

  it('parts paragraphs without losing a sign', () => {
    fc.assert(fc.property(fc.string(), (text) => paragraphs(text).flat().join('') === text.replace(/[\r\n]/g, '')));
  });

  it.each([
    ['a.example/x', 'https://a.example/x'],
    ['ann@fell.example', 'mailto:ann@fell.example'],
    ['javascript:alert(1)', null],
    ['data:text/html,x', null],
    ['nodots', null],
    ['', null],
  ])('links %j as %j', (text, href) => expect(safeHref(text)).toBe(href));
});
