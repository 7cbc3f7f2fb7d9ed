import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Delivery, EventCode, Message } from '$api/types';
import { use, type Catalogue } from '$shared/i18n/index.svelte';
import { mergeCatalogue } from '../../scripts/catalogues';
import { deliveryLine } from './delivery';
import { eventSentence, type Names } from './events';
import { fold } from './fold';
import { firstNew, pieces } from './pieces';
import { plainText, spans } from './sentence';

const en = mergeCatalogue('catalogues', 'en') as Catalogue;
const pl = mergeCatalogue('catalogues', 'pl') as Catalogue;
const names: Names = {
  agent: (id) => ({ 1: 'Ewa Lis', 2: 'Tomek Wrona' })[id],
  inbox: (id) => ({ 2: 'Wholesale' })[id],
};

function message(id: number, over: Partial<Message> = {}): Message {
  return { id, kind: 'inbound', at: '2026-11-19T10:41:00.000Z', author: null, event: null, ...over } as Message;
}
function event(code: string, actor: number | null, args: Record<string, string | number> = {}): Message {
  return message(1, { kind: 'event', event: { code: code as EventCode, actor, args } });
}
const said = (code: string, actor: number | null, args?: Record<string, string | number>) =>
  plainText(eventSentence(event(code, actor, args), names));

describe('fold', () => {
  it('parts a reply from what it quotes and counts the lines', () => {
    expect(fold('Yes.\n\nOn Monday Ewa wrote:\n> Sure?\n> Ewa\n', 2)).toEqual({
      own: 'Yes.',
      quoted: 'On Monday Ewa wrote:\n> Sure?\n> Ewa\n',
      lines: 3,
    });
  });

  it('leaves a mail that is all quotation open, and one without', () => {
    expect(fold('\n> Sure?', 1).lines).toBe(0);
    expect(fold('Yes.', null).own).toBe('Yes.');
    expect(fold('Yes.', 7).own).toBe('Yes.');
  });

  it('loses nothing but the blank space at the fold', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.integer({ min: -2, max: 9 }), (lines, from) => {
        const text = lines.join('\n');
        const parts = fold(text, from);
        const bare = (one: string) => one.replace(/\s/g, '');
        return bare(parts.own + parts.quoted) === bare(text);
      }),
    );
  });
});

describe('events as sentences', () => {
  it('speaks English', () => {
    use('en', en);
    expect(said('assigned', 2, { agent: 1 })).toBe('Tomek Wrona assigned this to Ewa Lis');
    expect(said('assigned', 1, { agent: 1 })).toBe('Ewa Lis took this');
    expect(said('assigned', null, { agent: 1 })).toBe('Assigned to Ewa Lis');
    expect(said('moved', 1, { inbox: 2 })).toBe('Ewa Lis moved this to Wholesale');
    expect(said('placed', null, { place: 'spam' })).toBe('Moved to Spam');
    expect(said('tagged', 1, { tag: 'repair' })).toBe('Ewa Lis added the tag repair');
    expect(said('moved', 1, { inbox: 88, name: 'Old desk' })).toBe('Ewa Lis moved this to Old desk');
    expect(said('subject_changed', 1, { was: 'Hi' })).toBe('Ewa Lis changed the subject, it was Hi');
    expect(said('reopened', null, { by: 'reply', was: 'closed' })).toBe('Reopened by a new mail');
    expect(said('delivery_failed', null, { message: 4 })).toBe('A mail could not be delivered');
    expect(said('teleported', 1)).toContain('teleported');
  });

  it('speaks Polish without guessing anybody’s gender', () => {
    use('pl', pl);
    expect(said('assigned', 2, { agent: 1 })).toBe('Tomek Wrona · przypisano: Ewa Lis');
    expect(said('closed', 1)).toBe('Ewa Lis · zamknięto');
    expect(said('placed', null, { place: 'trash' })).toBe('Przeniesiono: kosz');
    expect(said('untagged', 1, { tag: 'zwrot' })).toBe('Ewa Lis · usunięto etykietę zwrot');
  });

  it.each(['en', 'pl'] as const)('has a sentence for every code in %s, with no gap left open', (language) => {
    use(language, language === 'en' ? en : pl);
    const codes: EventCode[] = [
      ...([
        'assigned',
        'unassigned',
        'closed',
        'reopened',
        'snoozed',
        'unsnoozed',
        'tagged',
        'untagged',
        'moved',
      ] as const),
      ...(['placed', 'created', 'linked', 'subject_changed', 'send_cancelled', 'delivery_failed'] as const),
    ];
    for (const code of codes) {
      for (const actor of [1, 99, null]) {
        const text = said(code, actor, { agent: 7, until: '2026-11-20T08:00:00.000Z', recipient: 'a@b.example' });
        expect(text).not.toMatch(/conv\.|[{}\p{Cc}]/u);
        expect(text.length).toBeGreaterThan(3);
      }
    }
  });

  it('sets names in bold, and a name cannot set anything itself', () => {
    use('en', en);
    const sly: Names = { ...names, agent: () => '\u0001Ewa\u0002 {tag}' };
    expect(eventSentence(event('tagged', 1, { tag: 'x' }), sly)).toEqual([
      { text: 'Ewa {tag}', bold: true },
      { text: ' added the tag ', bold: false },
      { text: 'x', bold: true },
    ]);
    expect(spans('plain')).toEqual([{ text: 'plain', bold: false }]);
  });
});

describe('delivery as a sentence', () => {
  const now = new Date('2026-11-19T10:00:00.000Z');
  const delivery = (over: Partial<Delivery>): Delivery => ({
    state: 'queued',
    due_at: null,
    attempts: [],
    recipients: [],
    ...over,
  });

  it('counts down while it can be taken back', () => {
    use('en', en);
    expect(deliveryLine(delivery({ due_at: '2026-11-19T10:00:07.400Z' }), now)).toMatchObject({
      text: 'Sending in 8 s',
      undo: true,
      ticking: true,
    });
    expect(deliveryLine(delivery({}), now)).toMatchObject({ text: 'Queued', undo: false });
  });

  it('quotes the other server, on one line', () => {
    use('en', en);
    const attempts = [
      {
        at: '2026-11-19T09:31:00.000Z',
        recipient: 'a@b.example',
        outcome: 'refused' as const,
        reply: '550 5.1.1\r\n No such user',
      },
    ];
    const recipients = [{ email: 'a@b.example', state: 'failed', reply: null }];
    expect(deliveryLine(delivery({ state: 'failed', attempts, recipients }), now)).toMatchObject({
      text: 'Not delivered: “550 5.1.1 No such user”',
      tone: 'bad',
      retry: true,
    });
    const accepted = [
      { ...attempts[0]!, outcome: 'accepted' as const, reply: '250 2.0.0 Ok: queued by mx1.b.example' },
    ];
    expect(deliveryLine(delivery({ state: 'sent', attempts: accepted }), now).text).toMatch(
      /^Delivered \d\d:31, accepted by mx1\.b\.example$/,
    );
  });

  it('has words for every state in both languages', () => {
    for (const [language, words] of [
      ['en', en],
      ['pl', pl],
    ] as const) {
      use(language, words);
      for (const state of ['queued', 'sending', 'sent', 'retrying', 'failed', 'cancelled'] as const) {
        expect(deliveryLine(delivery({ state }), now).text).not.toMatch(/conv\.|[{}]/);
      }
    }
  });
});

describe('pieces of a thread', () => {
  const now = new Date('2026-11-19T12:00:00.000Z');

  it('marks days and where the new messages begin', () => {
    const thread = [
      message(1, { at: '2026-11-17T12:00:00.000Z' }),
      message(2, { at: '2026-11-17T13:00:00.000Z' }),
      message(5, { at: now.toISOString() }),
    ];
    expect(pieces(thread, 5, now).map((one) => one.type)).toEqual([
      'day',
      'message',
      'message',
      'day',
      'new',
      'message',
    ]);
    expect(pieces([message(9, { at: now.toISOString() })], null, now).map((one) => one.type)).toEqual(['message']);
  });

  it('finds the first new message by what was read here, else by who spoke last', () => {
    const thread = [
      message(1),
      message(2, { kind: 'outbound' }),
      message(3),
      message(4, { kind: 'event' }),
      message(5),
    ];
    expect(firstNew(thread, true, 3)).toBe(5);
    expect(firstNew(thread, true, null)).toBe(3);
    expect(firstNew(thread, true, 77)).toBe(3);
    expect(firstNew(thread, false, null)).toBeNull();
    expect(firstNew([message(1)], true, null)).toBeNull();
  });
});
