import { describe, expect, it } from 'vitest';
import { names, oursAmong } from './header';

const ours = oursAmong(['hello@tarnina.example', 'Wholesale@Tarnina.example', ''], 'Wholesale');
const TOKEN = 'a'.repeat(25) + '7';

describe('an address of ours', () => {
  it.each([
    ['hello@tarnina.example', 'hello@', 'an inbox'],
    ['WHOLESALE@tarnina.example', 'wholesale@', 'in any case of letters'],
    [`reply+${TOKEN}@tarnina.example`, 'Wholesale', 'where answers come back to'],
    [`Reply+${TOKEN.toUpperCase()}@Tarnina.example`, 'Wholesale', 'the same, shouted'],
    [`reply+${TOKEN}@other.example`, null, 'a token at a host of somebody else'],
    ['reply+short@tarnina.example', null, 'no token'],
    ['oliver@fell.example', null, 'a stranger'],
  ])('%s is %s: %s', (email, called, _why) => expect(ours(email)).toBe(called));

  it('is said once, however often it stands there', () => {
    const to = [`reply+${TOKEN}@tarnina.example`, `reply+${TOKEN}@tarnina.example`].map((email) => ({
      name: null,
      email,
    }));
    expect(names([...to, { name: 'Oliver', email: 'oliver@fell.example' }], ours)).toBe('Wholesale, Oliver');
  });
});
