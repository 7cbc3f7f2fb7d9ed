import { describe, expect, it } from 'vitest';
import { addPeople, isEmail, parsePeople, parsePerson, samePeople } from './addresses';

describe('addresses', () => {
  it('reads what people type and paste', () => {
    expect(parsePerson(' mailto:ann@fell.example ')).toEqual({ name: null, email: 'ann@fell.example' });
    expect(parsePerson('"Fell, Ann" <ann@fell.example>')).toEqual({ name: 'Fell, Ann', email: 'ann@fell.example' });
    expect(
      parsePeople('"Fell, Ann" <ann@fell.example>; bob@fell.example\nZoë <zoë@żółw.example>, oops').people,
    ).toHaveLength(3);
    expect(parsePeople('a@b.example c@d.example').people).toHaveLength(2);
    expect(parsePeople('a@b.example, not an address')).toMatchObject({ rest: 'not an address' });
  });

  it.each([
    '',
    'a',
    'a@',
    '@b',
    'a b@c.example',
    'a@b..example',
    'a@b.example,',
    '<a@b.example',
    'a@-b',
    'a\r\n@b.example',
  ])('refuses %j', (text) => expect(isEmail(text)).toBe(false));

  it('names nobody twice and compares without regard to order or case', () => {
    const ann = { name: 'Ann', email: 'ANN@fell.example' };
    const also = { name: null, email: 'ann@fell.example' };
    expect(addPeople([ann], [also])).toEqual([ann]);
    const bob = { name: null, email: 'bob@fell.example' };
    expect(samePeople([ann, bob], [bob, also])).toBe(true);
    expect(samePeople([ann], [bob])).toBe(false);
  });
});
