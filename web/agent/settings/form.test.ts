import { beforeAll, describe, expect, test } from 'vitest';
import { Problem } from '$api/client';
import { use } from '$shared/i18n/index.svelte';
import english from '../../catalogues/en/settings.json';
import { Form } from './form.svelte';

const start = { name: 'Ewa', email: 'ewa@tarnina.example' };

describe('Form', () => {
  beforeAll(() => use('en', english));

  test('sends only what changed and is clean afterwards', async () => {
    const form = new Form('f', start);
    form.values.name = 'Ewa Lis';
    let sent: unknown;
    expect(await form.save(async (changed) => (sent = changed))).toBe(true);
    expect(sent).toEqual({ name: 'Ewa Lis' });
    expect(form.dirty).toBe(false);
    expect(form.saved).toBe(true);
  });

  test('a live change keeps what was typed and renews the rest', () => {
    const form = new Form('f', start);
    form.values.name = 'Ewa Lis';
    form.take({ name: 'E. Lis', email: 'lis@tarnina.example' });
    expect(form.values).toEqual({ name: 'Ewa Lis', email: 'lis@tarnina.example' });
    expect(form.changed).toEqual(['name']);
    form.discard();
    expect(form.values.name).toBe('E. Lis');
  });

  test('a fault the server puts on a field stands at that field, and the text stays', async () => {
    const form = new Form('f', start);
    form.values.email = 'taken@tarnina.example';
    const refuse = () => Promise.reject(new Problem(409, 'address_in_use', 'in use', { field: 'email' }));
    expect(await form.save(refuse)).toBe(false);
    expect(form.faults.email).toBe(english['settings.taken']);
    expect(form.values.email).toBe('taken@tarnina.example');
    expect(form.dirty).toBe(true);
    form.values.email = 'free@tarnina.example';
    expect(form.faults.email).toBeUndefined();
  });

  test('no answer is said as such and nothing is lost', async () => {
    const form = new Form('f', start);
    form.values.name = 'Ewa Lis';
    expect(await form.save(() => Promise.reject(new Problem(0, 'network', '')))).toBe(false);
    expect(form.refusal).toBe(english['settings.offline']);
    expect(form.values.name).toBe('Ewa Lis');
  });

  test('what its own check refuses is never sent', async () => {
    const form = new Form('f', start, (values) => (values.name ? {} : { name: 'needed' }));
    form.values.name = '';
    let calls = 0;
    expect(await form.save(async () => (calls += 1))).toBe(false);
    expect([calls, form.faults.name]).toEqual([0, 'needed']);
  });

  test('what is typed while saving stays unsaved', async () => {
    const form = new Form('f', start);
    form.values.name = 'Ewa L';
    await form.save(async () => {
      form.values.name = 'Ewa Lis';
    });
    expect(form.values.name).toBe('Ewa Lis');
    expect(form.changed).toEqual(['name']);
  });
});
