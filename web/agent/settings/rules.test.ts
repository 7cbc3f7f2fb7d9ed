import { beforeAll, describe, expect, test } from 'vitest';
import type { Agent, Inbox, Relay } from '$api/types';
import { use } from '$shared/i18n/index.svelte';
import english from '../../catalogues/en/settings.json';
import { checkInbox, inboxBody, inboxValues, localPart } from './inbox';
import { canBeNarrowed, checkPerson, roleOptions, whyNot } from './person';
import { checkRelay, relayBody, relayValues } from './relay';

beforeAll(() => use('en', english));

const relay: Relay = {
  host: 'smtp.example',
  port: 465,
  tls: 'required',
  username: 'tarnina',
  has_password: true,
  source: 'workspace',
  change: 1,
};

describe('relay', () => {
  test('what the server has comes back unchanged, without touching its password', () => {
    const body = { host: 'smtp.example', port: 465, tls: 'required', username: 'tarnina' };
    expect(relayBody(relayValues(relay))).toEqual(body);
  });

  test('a password goes along only with a user name', () => {
    const values = { ...relayValues(relay), password: 'secret' };
    expect(relayBody(values).password).toBe('secret');
    const nobody = relayBody({ ...values, username: ' ' });
    expect(nobody.username).toBeNull();
    expect('password' in nobody).toBe(false);
  });

  test('no relay begins with STARTTLS on its port', () => {
    expect(relayValues({ ...relay, source: 'none' })).toMatchObject({ host: '', port: '587', tls: 'starttls' });
  });

  test.each([
    ['smtp.example', '587', []],
    ['', '587', ['host']],
    ['https://smtp.example', '587', ['host']],
    ['smtp.example', '0', ['port']],
    ['smtp.example', '65536', ['port']],
    ['smtp.example', '5e2', ['port']],
  ])('host %j, port %j has faults at %j', (host, port, wanted) => {
    expect(Object.keys(checkRelay({ ...relayValues(relay), host, port }))).toEqual(wanted);
  });
});

describe('inbox', () => {
  const inbox: Inbox = {
    id: 1,
    name: 'Biuro',
    fallback_address: 'biuro@desk.example',
    from_name: 'Tarnina',
    open_count: 0,
  };

  test('the local part ends at the last @', () => {
    expect([localPart('biuro@desk.example'), localPart('"a@b"@desk.example')]).toEqual(['biuro', '"a@b"']);
  });

  test.each([
    ['biuro', true],
    ['a.b-c_d9', true],
    ['', false],
    ['a b', false],
    ['a@b', false],
    ['.a', false],
    ['a..b', false],
    ['x'.repeat(65), false],
  ])('local part %j is fine: %j', (fallback_local_part, fine) => {
    const faults = checkInbox({ ...inboxValues(inbox), fallback_local_part }, false);
    expect(faults.fallback_local_part === undefined).toBe(fine);
  });

  test('a new inbox may leave the address to the server', () => {
    expect(checkInbox({ name: 'Nowa', fallback_local_part: '', from_name: '' }, true)).toEqual({});
  });

  test('only what changed is sent; an empty shown name is taken away', () => {
    expect(inboxBody({ from_name: ' ' })).toEqual({ from_name: null });
    expect(inboxBody({ name: ' Biuro ', fallback_local_part: 'Biuro' })).toEqual({
      name: 'Biuro',
      fallback_local_part: 'biuro',
    });
  });
});

describe('people', () => {
  const person = (id: number, role: Agent['role']): Agent => ({
    id,
    role,
    name: 'N',
    email: 'n@x',
    active: true,
    only_assigned: false,
  });

  test('nobody changes themselves, and only owners change owners', () => {
    expect(whyNot(person(1, 'owner'), person(1, 'owner'))).toBe(english['settings.people.notYourself']);
    expect(whyNot(person(2, 'admin'), person(1, 'owner'))).toBe(english['settings.people.notOwner']);
    expect(whyNot(person(2, 'owner'), person(1, 'owner'))).toBeNull();
    expect(whyNot(person(2, 'admin'), person(3, 'admin'))).toBeNull();
  });

  test('only an owner can make an owner', () => {
    const closed = (role: Agent['role']) =>
      roleOptions(person(1, role))
        .filter((one) => one.disabled)
        .map((one) => one.value);
    expect([closed('admin'), closed('owner')]).toEqual([['owner'], []]);
  });

  test('who manages sees everything', () => {
    expect((['owner', 'admin', 'agent', 'viewer'] as const).filter(canBeNarrowed)).toEqual(['agent', 'viewer']);
  });

  test('somebody new needs a name, an address and ten characters', () => {
    const faults = checkPerson({ name: ' ', email: 'x', role: 'agent', only_assigned: false, password: '123456789' });
    expect(Object.keys(faults)).toEqual(['name', 'email', 'password']);
  });
});
