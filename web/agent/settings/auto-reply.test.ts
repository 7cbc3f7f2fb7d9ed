import { beforeAll, describe, expect, test } from 'vitest';
import type { AutoReply } from '$api/channel';
import { use } from '$shared/i18n/index.svelte';
import english from '../../catalogues/en/settings.json';
import { autoReplyBody, autoReplyValues, checkAutoReply, touches } from './auto-reply';

beforeAll(() => use('en', english));

const reply: AutoReply = {
  enabled: true,
  subject: 'Thank you',
  text: '<p>Hello {{contact.name}},<br>we &lt;3 mail.</p>',
  when: 'outside_hours',
  hours: {
    zone: 'Europe/Warsaw',
    week: [
      { day: 1, from: '09:00', to: '12:00' },
      { day: 1, from: '13:00', to: '17:00' },
      { day: 6, from: '22:00', to: '24:00' },
    ],
    closed: ['2026-12-25', '05-03'],
  },
};

describe('automatic reply', () => {
  test('what the server has comes back unchanged', () => {
    const values = autoReplyValues(reply);
    expect(values.day1).toBe('09:00-12:00, 13:00-17:00');
    expect(values.text).toBe('Hello {{contact.name}},\nwe <3 mail.');
    expect(checkAutoReply(values)).toEqual({});
    expect(autoReplyBody(values)).toEqual(reply);
  });

  test.each([
    [{ text: ' ' }, 'text'],
    [{ day2: '9-17' }, 'day2'],
    [{ day2: '17:00-09:00' }, 'day2'],
    [{ day2: '09:00-24:30 x' }, 'day2'],
    [{ closed: '25.12.2026' }, 'closed'],
  ])('%o is refused', (but, field) => {
    expect(Object.keys(checkAutoReply({ ...autoReplyValues(reply), ...but }))).toEqual([field]);
  });

  test('it is sent when any of it was changed', () => {
    expect(touches({ day7: '' })).toBe(true);
    expect(touches({ signature: 'x' })).toBe(false);
  });
});
