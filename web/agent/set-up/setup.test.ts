import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { use } from '$shared/i18n/index.svelte';
import english from '../../catalogues/en/settings.json';
import { looksLikeEmail } from '../settings/email';
import { SetUp, tokenOf } from './setup.svelte';

beforeAll(() => use('en', english));
afterEach(() => vi.unstubAllGlobals());

function answers(...list: [number, unknown][]) {
  const calls: { url: string; body: unknown }[] = [];
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    calls.push({ url, body: init.body ? JSON.parse(String(init.body)) : null });
    const [status, body] = list.shift() ?? [500, {}];
    return new Response(JSON.stringify(body), { status });
  });
  return calls;
}

async function filled(): Promise<SetUp> {
  const setUp = new SetUp();
  Object.assign(setUp.owner.values, { name: ' Ewa Lis ', email: 'ewa@tarnina.example', password: 'wren moss kiln' });
  await setUp.finishOwner();
  setUp.company.values.workspace_name = 'Tarnina';
  await setUp.finishCompany();
  return setUp;
}

test('the token is the fragment, with or without its name', () => {
  expect([tokenOf('#abc-1'), tokenOf('#token=abc-1'), tokenOf('')]).toEqual(['abc-1', 'abc-1', '']);
});

test.each([
  ['', [], 'missing'],
  ['#t', [[200, { needed: true, change: 1 }]], 'open'],
  ['#t', [[200, { needed: false, change: 1 }]], 'used'],
  ['#t', [[404, { code: 'not_found' }]], 'wrong'],
  ['#t', [[503, {}]], 'offline'],
] as [string, [number, unknown][], string][])('link %s with %j is %s', async (hash, list, wanted) => {
  answers(...list);
  const setUp = new SetUp();
  await setUp.check(hash);
  expect(setUp.link).toBe(wanted);
});

test('a short password is refused here and stays on the first step', async () => {
  const setUp = new SetUp();
  Object.assign(setUp.owner.values, { name: 'Ewa', email: 'ewa@tarnina.example', password: 'short' });
  await setUp.finishOwner();
  expect(setUp.step).toBe('owner');
  expect(setUp.owner.faults.password).toContain('10');
});

test('creates, shows the address, and forgets the password', async () => {
  const calls = answers(
    [200, { needed: true }],
    [201, {}],
    [200, { items: [{ fallback_address: 'office@desk.example' }], change: 1 }],
    [200, { source: 'config', host: 'smtp.example', change: 1 }],
  );
  const setUp = await filled();
  await setUp.check('#secret');
  await setUp.create();
  expect(calls[1]?.body).toEqual({
    token: 'secret',
    name: 'Ewa Lis',
    email: 'ewa@tarnina.example',
    password: 'wren moss kiln',
    workspace_name: 'Tarnina',
    inbox_name: 'Office',
    language: 'en',
  });
  expect([setUp.step, setUp.address, setUp.configured]).toEqual(['address', 'office@desk.example', 'smtp.example']);
  expect(setUp.owner.values.password).toBe('');
});

test('a fault of the server leads back to the step that asked', async () => {
  answers([422, { code: 'invalid', field: 'email', detail: 'not an address' }]);
  const setUp = await filled();
  await setUp.create();
  expect([setUp.step, setUp.owner.faults.email]).toEqual(['owner', 'This is not valid.']);
});

test('e-mail addresses', () => {
  expect(['a@b', 'ewa.lis+x@tarnina.example'].every(looksLikeEmail)).toBe(true);
  expect(['a', '@b', 'a@', 'a b@c', 'a@b@c', 'Ewa <a@b>'].some(looksLikeEmail)).toBe(false);
});
