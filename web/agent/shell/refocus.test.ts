import { afterEach, beforeEach, expect, test } from 'vitest';
import { keepFocus } from './refocus';

let stop: () => void;
const at = () => document.activeElement?.id || document.activeElement?.localName;
const find = (id: string) => document.getElementById(id) as HTMLElement;
async function remove(id: string): Promise<void> {
  find(id).remove();
  await new Promise((done) => setTimeout(done));
}

beforeEach(() => {
  document.body.innerHTML = `
    <nav data-region="nav"><a id="home" href="/">Home</a></nav>
    <main id="main" data-region="thread"><div id="text" tabindex="0">
      <p id="line"><button id="undo">Undo</button></p><p><button id="next">Next</button></p>
      <a class="row" id="row" href="/x">Row</a></div></main>`;
  stop = keepFocus();
});
afterEach(() => stop());

test('the focus of a removed button goes to what was around it', async () => {
  find('undo').focus();
  await remove('undo');
  expect(at()).toBe('text');
});

test('also when more than the button went', async () => {
  find('undo').focus();
  await remove('line');
  expect(at()).toBe('text');
});

test('where the whole region goes, and for a row of the list, nothing is chosen', async () => {
  find('row').focus();
  await remove('row');
  expect(at()).toBe('body');
  find('next').focus();
  await remove('main');
  expect(at()).toBe('body');
});

test('a focus that somebody else has moved stays there', async () => {
  find('undo').focus();
  find('undo').remove();
  find('home').focus();
  await new Promise((done) => setTimeout(done));
  expect(at()).toBe('home');
});
