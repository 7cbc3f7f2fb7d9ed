/** Two threads worth looking at: one with HTML mail, reply and comment, one with a failed delivery. */
import { conversations, makeMessage, messages } from './data.mjs';

const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();

/** The rich thread of the mock-ups: HTML mail, reply with delivery, comment, new message. */
const oliver = { name: 'Oliver Grant', email: 'oliver@fellandford.example' };
const trade = { name: null, email: 'wholesale@tarnina.example' };
messages.set(2, [
  makeMessage(2, {
    from: oliver,
    to: [trade],
    cc: [{ name: null, email: 'accounts@fellandford.example' }],
    subject: 'Rain covers missing from order 20418',
    at: ago(110),
    has_raw: true,
    text: 'Hello, one carton of our autumn order came this morning. The packs are fine, but the rain covers are not in it.\n\nOn 2 Nov Ewa wrote:\n> Two cartons leave on Friday.\n> Ewa',
    html: '<p>Hello, one carton of our autumn order came this morning. The packs are fine, but the rain covers are not in it:</p><table style="border-collapse:collapse;width:100%"><tr style="background:#27424f;color:#fff"><th align="left" style="padding:4px 8px">Item</th><th style="padding:4px 8px">Ordered</th><th style="padding:4px 8px">Received</th></tr><tr><td style="padding:4px 8px">Ridge 45, slate</td><td align="right">12</td><td align="right">12</td></tr><tr><td style="padding:4px 8px">Rain cover 40–50 l</td><td align="right">12</td><td align="right"><b>0</b></td></tr></table><div class="fd-quote"><p>On 2 Nov Ewa wrote:</p><blockquote>Two cartons leave on Friday.<br>Ewa</blockquote></div>',
    remote_images: 2,
    fetchable_images: 2,
    own_colours: true,
    quote_from_line: 2,
    has_quote: true,
  }),
  makeMessage(2, { kind: 'event', at: ago(109), event: { code: 'assigned', actor: 3, args: { agent: 1 } } }),
  makeMessage(2, {
    kind: 'outbound',
    author: 1,
    from: { name: 'Ewa Lis', email: 'wholesale@tarnina.example' },
    to: [oliver],
    subject: 'Re: Rain covers missing from order 20418',
    at: ago(80),
    text: 'Hi Oliver, sorry about that. The covers went in a second carton; I am finding out where it is and will write again before eleven.',
    delivery: {
      state: 'sent',
      due_at: null,
      attempts: [
        {
          at: ago(80),
          recipient: oliver.email,
          outcome: 'accepted',
          reply: '250 2.0.0 Ok: queued by mx1.fellandford.example',
        },
      ],
      recipients: [{ email: oliver.email, state: 'sent', reply: '250 Ok' }],
    },
  }),
  makeMessage(2, {
    kind: 'comment',
    author: 2,
    at: ago(32),
    text: 'The second carton is at the depot in Kendal since Friday, the label lost its door number. Driver comes Thursday, so don’t promise today.',
  }),
  makeMessage(2, {
    from: oliver,
    to: [trade],
    subject: 'Re: Rain covers missing from order 20418',
    at: ago(8),
    has_raw: true,
    text: 'Thanks, Ewa. If they could be here before Saturday we would be all right: twelve people on a guided walk, and the forecast is what it is.',
    attachments: [{ id: 1, name: 'delivery-note.pdf', type: 'application/pdf', size: 48_213, inline: false }],
  }),
]);
conversations[1].message_count = 4;
conversations[1].has_attachments = true;
messages.get(10).push(
  makeMessage(10, {
    kind: 'outbound',
    author: 2,
    from: { name: 'Tomek Wrona', email: 'hello@tarnina.example' },
    to: [{ name: 'Grzegorz Nowicki', email: 'gnowicki@poczta.example' }],
    at: ago(60 * 76),
    text: 'Adres zmieniony.',
    delivery: {
      state: 'failed',
      due_at: null,
      attempts: [
        { at: ago(60 * 75), recipient: 'gnowicki@poczta.example', outcome: 'refused', reply: '550 5.1.1 No such user' },
      ],
      recipients: [{ email: 'gnowicki@poczta.example', state: 'failed', reply: '550 5.1.1 No such user' }],
    },
  }),
);
