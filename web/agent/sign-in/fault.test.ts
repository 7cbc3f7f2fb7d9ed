import { expect, test } from 'vitest';
import { Problem } from '$api/client';
import english from '../../catalogues/en/sign-in.json';
import polish from '../../catalogues/pl/sign-in.json';
import { fieldFault, outcome, sentence, waitText } from './fault';
import { speaker } from './words';

const en = speaker('en', english);
const pl = speaker('pl', polish);

test('every refusal that could tell who exists reads the same', () => {
  const said = [400, 401, 422].map((status) => sentence(en, outcome(new Problem(status, 'x', 'secret reason'))));
  expect(new Set(said).size).toBe(1);
  expect(said[0]).toBe(english['signIn.wrong']);
});

test('a fault of the set-up in front of the server is not blamed on the password', () => {
  expect(sentence(en, outcome(new Problem(403, 'bad_origin', '')))).toContain('403');
  expect(sentence(en, outcome(new Problem(0, 'network', '')))).toBe(english['signIn.offline']);
});

test('says how long to wait, in forms of each language', () => {
  expect(sentence(en, outcome(new Problem(429, 'rate_limited', '', {}, 61)))).toContain('61 seconds');
  expect(outcome(new Problem(429, 'rate_limited', ''))).toEqual({ kind: 'wait', seconds: 30 });
  expect([1, 2, 5, 22, 120, 299].map((count) => waitText(pl, count))).toEqual([
    '1 sekundę',
    '2 sekundy',
    '5 sekund',
    '22 sekundy',
    '2 minuty',
    '5 minut',
  ]);
});

test('the first empty field is named', () => {
  expect([fieldFault(' ', ''), fieldFault('a@b', ''), fieldFault('a@b', 'x')]).toEqual([
    { kind: 'email' },
    { kind: 'password' },
    null,
  ]);
});
