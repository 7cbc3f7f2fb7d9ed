import { describe, expect, it } from 'vitest';
import { localValue, presets } from './snooze';

const keys = (now: Date) => presets(now).map(({ key }) => key.replace('shell.snooze.', ''));

describe('presets', () => {
  it('on a Wednesday morning offers all five', () => {
    expect(keys(new Date(2026, 10, 18, 9))).toEqual(['later', 'evening', 'tomorrow', 'weekend', 'week']);
  });

  it('late in the evening offers nothing that is over', () => {
    expect(keys(new Date(2026, 10, 18, 22, 30))).toEqual(['tomorrow', 'weekend', 'week']);
  });

  it('does not offer the same moment twice', () => {
    expect(keys(new Date(2026, 10, 20, 9))).not.toContain('weekend');
    expect(keys(new Date(2026, 10, 22, 9))).not.toContain('week');
  });

  it('lies ahead, always', () => {
    for (let hour = 0; hour < 24 * 14; hour += 1) {
      const now = new Date(2026, 9, 20, hour, 59);
      for (const { key, at } of presets(now)) expect({ key, ahead: at > now }).toEqual({ key, ahead: true });
    }
  });
});

describe('localValue', () => {
  it('is what a datetime field reads', () => expect(localValue(new Date(2026, 0, 5, 8, 3))).toBe('2026-01-05T08:03'));
});
