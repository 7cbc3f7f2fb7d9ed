import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { signInPage } from './page';

let close: () => void;
let signedIn: number;

beforeEach(async () => {
  signedIn = 0;
  close = signInPage(document.body, { language: 'en', onSignedIn: () => void (signedIn += 1) });
  await vi.waitFor(() => expect(document.querySelector('#email')).not.toBeNull());
});
afterEach(() => {
  close();
  vi.unstubAllGlobals();
});

const get = <E extends HTMLElement>(selector: string) => document.querySelector<E>(selector)!;

function answer(status: number, headers: Record<string, string> = {}) {
  const bodies: unknown[] = [];
  vi.stubGlobal('fetch', async (_url: string, init: RequestInit) => {
    bodies.push(JSON.parse(String(init.body)));
    return new Response(JSON.stringify({ code: 'x', agent: {} }), { status, headers });
  });
  return bodies;
}

function submit(email: string, password: string) {
  get<HTMLInputElement>('#email').value = email;
  get<HTMLInputElement>('#password').value = password;
  get<HTMLFormElement>('form').dispatchEvent(new Event('submit', { cancelable: true }));
}

test('sends what was typed and says so when signed in', async () => {
  const bodies = answer(201);
  submit(' ewa@tarnina.example ', ' pass word ');
  await vi.waitFor(() => expect(signedIn).toBe(1));
  expect(bodies).toEqual([{ email: 'ewa@tarnina.example', password: ' pass word ' }]);
});

test('a refusal is announced, focused, and keeps what was typed', async () => {
  answer(401);
  submit('ewa@tarnina.example', 'wrong');
  await vi.waitFor(() => expect(get('[role=alert]').hidden).toBe(false));
  expect(document.activeElement).toBe(get('[role=alert]'));
  expect(get<HTMLInputElement>('#password').value).toBe('wrong');
  expect(get('#email').hasAttribute('aria-invalid')).toBe(false);
});

test('while it has to wait, nothing is sent', async () => {
  const bodies = answer(429, { 'retry-after': '40' });
  submit('a@b', 'x');
  await vi.waitFor(() => expect(get('[role=alert]').textContent).toContain('40 seconds'));
  submit('a@b', 'x');
  expect(bodies.length).toBe(1);
  expect(get('.btn-primary').getAttribute('aria-disabled')).toBe('true');
});

test('an empty field is named and focused, and nothing is sent', () => {
  const bodies = answer(201);
  submit('', '');
  expect(document.activeElement).toBe(get('#email'));
  expect(get('#email').getAttribute('aria-describedby')).toBe('email-error');
  expect(bodies).toEqual([]);
});

test('changes language without losing what was typed', async () => {
  get<HTMLInputElement>('#email').value = 'ewa@tarnina.example';
  get<HTMLButtonElement>('.langs button[lang=pl]').click();
  await vi.waitFor(() => expect(get('.btn-primary').textContent).toBe('Zaloguj się'));
  expect(document.documentElement.lang).toBe('pl');
  expect(get<HTMLInputElement>('#email').value).toBe('ewa@tarnina.example');
});
