/** Sample data of the mock: one workspace, four agents, two inboxes, conversations in every state. */

const MINUTE = 60_000;
const ago = (minutes) => new Date(Date.now() - minutes * MINUTE).toISOString();

export const agents = [
  { id: 1, name: 'Ewa Lis', email: 'ewa@tarnina.example', role: 'owner', active: true, only_assigned: false },
  { id: 2, name: 'Tomek Wrona', email: 'tomek@tarnina.example', role: 'agent', active: true, only_assigned: false },
  { id: 3, name: 'Priya Nair', email: 'priya@tarnina.example', role: 'admin', active: true, only_assigned: false },
  { id: 4, name: 'Jan Sowa', email: 'jan@tarnina.example', role: 'viewer', active: true, only_assigned: false },
];

export const inboxes = [
  { id: 1, name: 'Hello', fallback_address: 'hello@tarnina.example', from_name: null, open_count: 0 },
  {
    id: 2,
    name: 'Wholesale',
    fallback_address: 'wholesale@tarnina.example',
    from_name: 'Tarnina trade desk',
    open_count: 0,
  },
];

const who = [
  ['Zofia Maj', 'zofia.maj@poczta.example'],
  ['Oliver Grant', 'oliver@fellandford.example'],
  ['Piotr Zieliński', 'p.zielinski@firma.example'],
  ['Beatriz Costa', 'beatriz@costa.example'],
  ['Daniel Reid', 'daniel@northbound.example'],
  ['Karolina Dąbrowska-Leszczyńska', 'karolina@dabrowska.example'],
  ['Marek Wójcik', 'marek.wojcik@biuro.example'],
  ['Anneke de Vries', 'anneke@devries.example'],
  ['Lena Hoffmann', 'lena@hoffmann.example'],
  ['Grzegorz Nowicki', 'gnowicki@poczta.example'],
  ['Mei Tanaka', 'mei@ridgeline.example'],
  [null, 'jakub.pawlak@szkola.example'],
];

const what = [
  [
    'Czy Skała 3 mieści się w sakwie 25 l?',
    'I jeszcze jedno: czy pokrowiec jest w zestawie, czy kupuje się go osobno?',
  ],
  ['Rain covers missing from order 20418', 'Thanks, Ewa. If they could be here before Saturday we would be all right.'],
  ['Pęknięty stelaż po dwóch nocach', 'W załączniku zdjęcia. Namiot stał w lesie, wiatru prawie nie było.'],
  ['Do you ship to Porto?', 'And is the Ridge 45 in slate back before Christmas?'],
  ['Spring 2027 order, samples', 'The two samples arrived, the buckles are better than last year.'],
  ['Formularz zwrotu: Grań 30, oliwkowy', 'Plecak jest nieużywany, metka na miejscu.'],
  ['Faktura VAT 11/2026/0418', 'Proszę o korektę, adres firmy zmienił się w październiku.'],
  ['Zip on a 2019 tent', 'Here are the photos you asked for, the slider is worn on both sides.'],
  ['Refund for order 20377', 'Thank you, it arrived this morning.'],
  ['Zmiana adresu dostawy, 20431', 'Dziękuję, wszystko się zgadza.'],
  ['Review unit for the spring issue', 'We go to print on 12 January, so before Christmas would be good.'],
  ['Is the workshop open on Saturday?', 'I would bring two packs and a stove.'],
];
const tags = [
  [],
  ['wholesale', 'missing part'],
  ['reklamacja'],
  [],
  ['wholesale'],
  [],
  [],
  ['repair'],
  [],
  [],
  ['press'],
  [],
];
const ages = [3, 8, 55, 75, 95, 110, 130, 60 * 50, 60 * 55, 60 * 76, 60 * 100, 60 * 120];

export const contacts = who.map(([name, email], i) => ({
  id: i + 1,
  name,
  identities: [{ kind: 'email', value: email, verified: i % 2 === 1 }],
  created_at: ago(60 * 24 * (40 + i)),
  conversation_count: 1,
}));

export const conversations = [];
export const messages = new Map();
let nextMessage = 1;

export function makeMessage(conversation, over) {
  return {
    id: nextMessage++,
    conversation,
    kind: 'inbound',
    author: null,
    from: null,
    to: [],
    cc: [],
    bcc: [],
    reply_to: [],
    subject: null,
    text: '',
    html: null,
    html_blocked: null,
    remote_images: 0,
    fetchable_images: 0,
    own_colours: false,
    quote_from_line: null,
    has_quote: false,
    attachments: [],
    message_id: null,
    at: new Date().toISOString(),
    sent_at: null,
    defects: [],
    authentication: null,
    trace: [],
    cut: false,
    has_raw: false,
    delivery: null,
    event: null,
    ...over,
  };
}

export function makeConversation(i, over = {}) {
  const n = i % who.length;
  const [name, email] = who[n];
  const id = conversations.length + 1;
  const minutes = i < ages.length ? ages[n] : 60 * (130 + i);
  const row = {
    id,
    inbox: n === 1 || n === 4 ? 2 : 1,
    channel: 'email',
    subject: what[n][0],
    state: 'open',
    place: 'inbox',
    contact: { id: n + 1, name, email },
    assignee: [null, 1, 2, null, 3, null, 2, 1, 3, 2, null, 1][n],
    tags: tags[n],
    message_count: 2,
    created_at: ago(minutes + 120),
    last_activity_at: ago(minutes),
    snoozed_until: null,
    unread: i < ages.length && [0, 2, 3, 5].includes(n),
    has_attachments: [2, 7].includes(n),
    draft: i === 1,
    last: {
      kind: [4, 8].includes(n) ? 'outbound' : 'inbound',
      author: n === 4 || n === 8 ? 'Priya Nair' : (name ?? email),
      preview: what[n][1],
    },
    trouble: i === 9 ? 'delivery_failed' : null,
    place_reason: null,
    related: [],
    ...over,
  };
  conversations.push(row);
  const from = { name, email };
  const hello = { name: null, email: inboxes[row.inbox - 1].fallback_address };
  messages.set(id, [
    makeMessage(id, {
      from,
      to: [hello],
      subject: row.subject,
      text: `${what[n][1]}\n\nSee https://tarnina.example/packs for the list.`,
      at: row.created_at,
      has_raw: true,
    }),
    makeMessage(id, {
      kind: 'event',
      at: row.created_at,
      event: { code: 'created', actor: null, args: { channel: 'email' } },
    }),
    makeMessage(id, {
      from,
      to: [hello],
      subject: `Re: ${row.subject}`,
      text: what[n][1],
      at: row.last_activity_at,
      has_raw: true,
    }),
  ]);
  return row;
}

for (let i = 0; i < 40; i += 1) makeConversation(i);
for (let i = 0; i < 6; i += 1)
  makeConversation(i + 3, {
    state: 'snoozed',
    unread: false,
    snoozed_until: new Date(Date.now() + (i + 2) * 3_600_000).toISOString(),
  });
for (let i = 0; i < 20; i += 1) makeConversation(i + 5, { state: 'closed', unread: false });
for (let i = 0; i < 4; i += 1) makeConversation(i + 8, { place: 'spam', unread: false, assignee: null });
for (let i = 0; i < 3; i += 1) makeConversation(i + 2, { place: 'filtered', unread: false, assignee: null });
makeConversation(6, { place: 'trash', unread: false });
