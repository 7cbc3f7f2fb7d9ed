/** The routes of the mock, contract by contract. */
import { makeConversation, makeMessage } from './data.mjs';
import { state } from './state.mjs';

export class Refusal extends Error {
  constructor(status, code, detail, more = {}, headers = {}) {
    super(detail);
    Object.assign(this, { status, code, more, headers });
  }
}

const read = (body) => ({ ...body, change: state.change });
const created = (body, headers) => ({ respond: { status: 201, body, headers } });
const agent = (id) => state.agents.find((one) => one.id === id);
const seen = new Map();

function conversation(id) {
  const row = state.conversation(id);
  if (!row) throw new Refusal(404, 'not_found', 'no such conversation');
  return row;
}

function page(items, query) {
  const limit = Number(query.get('limit') ?? 50);
  const from = Number(query.get('cursor') ?? 0);
  const next = from + limit < items.length ? String(from + limit) : null;
  return { items: items.slice(from, from + limit), next };
}

function list({ query, me }) {
  const is = (name, test) => query.get(name) === null || test(query.get(name));
  const rows = state.conversations.filter(
    (row) =>
      is('place', (v) => row.place === v) &&
      is('state', (v) => row.state === v) &&
      is('inbox', (v) => row.inbox === Number(v)) &&
      is('contact', (v) => row.contact.id === Number(v)) &&
      is('tag', (v) => row.tags.includes(v)) &&
      is('view', (v) => v !== 'sent' || row.last?.kind === 'outbound') &&
      is('assignee', (v) => row.assignee === (v === 'me' ? me : v === 'none' ? null : Number(v))),
  );
  rows.sort((a, b) => b.last_activity_at.localeCompare(a.last_activity_at) || b.id - a.id);
  return read(page(rows, query));
}

function patch({ params: [id], body, me }) {
  const row = conversation(id);
  if ('tags' in body) {
    for (const tag of body.tags) if (!row.tags.includes(tag)) state.event(row, 'tagged', me, { tag });
    for (const tag of row.tags) if (!body.tags.includes(tag)) state.event(row, 'untagged', me, { tag });
  }
  if ('assignee' in body)
    state.event(row, body.assignee ? 'assigned' : 'unassigned', me, body.assignee ? { agent: body.assignee } : {});
  if (body.state && body.state !== row.state) {
    const code = { closed: 'closed', snoozed: 'snoozed', open: 'reopened' }[body.state];
    state.event(row, code, me, body.snoozed_until ? { until: body.snoozed_until } : {});
    if (body.state !== 'snoozed') row.snoozed_until = null;
  }
  if (body.place && body.place !== row.place) state.event(row, 'placed', me, { place: body.place });
  if (body.inbox && body.inbox !== row.inbox) state.event(row, 'moved', me, { inbox: body.inbox });
  Object.assign(row, body);
  state.changed(row);
  return read({ conversation: { ...row } });
}

function deliver(message) {
  const seconds = 10;
  message.delivery = {
    state: 'queued',
    due_at: new Date(Date.now() + seconds * 1000).toISOString(),
    attempts: [],
    recipients: message.to.map(({ email }) => ({ email, state: 'queued', reply: null })),
  };
  setTimeout(() => {
    if (message.delivery.state !== 'queued') return;
    const reply = '250 2.0.0 Ok: queued by mx1.example';
    message.delivery = {
      state: 'sent',
      due_at: null,
      attempts: message.to.map(({ email }) => ({
        at: new Date().toISOString(),
        recipient: email,
        outcome: 'accepted',
        reply,
      })),
      recipients: message.to.map(({ email }) => ({ email, state: 'sent', reply })),
    };
    state.emit({ type: 'message', message: { ...message } });
  }, seconds * 1000).unref();
}

function attachmentsOf(body) {
  return (body.attachments ?? []).map((id) => state.attachments.get(id)?.meta).filter(Boolean);
}

function write({ params: [id], body, me }) {
  const row = conversation(id);
  if (seen.has(body.client_id)) return created(seen.get(body.client_id));
  const after = body.last_seen_change ?? Infinity;
  const since = state
    .since(after)
    .filter(
      (f) =>
        f.type === 'message' && f.message.conversation === id && f.message.kind !== 'event' && f.message.author !== me,
    )
    .map((f) => f.message);
  if (since.length) throw new Refusal(409, 'stale_reply', 'something came in between', { since });
  const text = body.text ?? (body.html ?? '').replace(/<[^>]+>/g, ' ').trim();
  const reply = body.kind === 'reply';
  const message = makeMessage(id, {
    kind: reply ? 'outbound' : 'comment',
    author: me,
    text,
    html: body.html ?? null,
    to: body.to ?? [],
    cc: body.cc ?? [],
    bcc: body.bcc ?? [],
    from: reply ? { name: agent(me).name, email: 'hello@tarnina.example' } : null,
    subject: reply ? `Re: ${row.subject}` : null,
    attachments: attachmentsOf(body),
  });
  if (reply) deliver(message);
  state.drafts.delete(`${id} ${body.kind}`);
  row.draft = false;
  if (body.and_close) row.state = 'closed';
  state.add(row, message);
  const answer = read({ message, conversation: { ...row } });
  seen.set(body.client_id, answer);
  return created(answer);
}

function start({ body, me }) {
  if (seen.has(body.client_id)) return created(seen.get(body.client_id));
  if (!body.to?.length) throw new Refusal(400, 'invalid', 'somebody has to get it', { field: 'to' });
  const at = new Date().toISOString();
  const row = makeConversation(0, {
    inbox: body.inbox,
    subject: body.subject,
    assignee: me,
    tags: [],
    unread: false,
    contact: { id: 1, ...body.to[0] },
    created_at: at,
    last_activity_at: at,
    message_count: 0,
  });
  state.messages.set(row.id, []);
  const text = body.text ?? (body.html ?? '').replace(/<[^>]+>/g, ' ').trim();
  const message = makeMessage(row.id, {
    kind: 'outbound',
    author: me,
    from: { name: agent(me).name, email: 'hello@tarnina.example' },
    to: body.to,
    cc: body.cc ?? [],
    bcc: body.bcc ?? [],
    subject: body.subject,
    text,
    html: body.html ?? null,
    attachments: attachmentsOf(body),
  });
  deliver(message);
  state.add(row, message);
  const answer = read({ conversation: { ...row }, message });
  seen.set(body.client_id, answer);
  return created(answer);
}

function thread({ params: [id], query }) {
  const row = conversation(id);
  const all = state.messages.get(id) ?? [];
  const before = Number(query.get('before') ?? Infinity);
  const limit = Number(query.get('limit') ?? 50);
  const until = all.filter((message) => message.id < before);
  const to = [{ name: row.contact.name, email: row.contact.email }];
  const from = state.inboxes.find((one) => one.id === row.inbox).fallback_address;
  const cc = all.find((message) => message.cc.length)?.cc ?? [];
  return read({
    items: until.slice(-limit),
    earlier: until.length > limit,
    reply_to: { to, cc, from },
    reply_one: { to, cc: [] },
  });
}

function search({ query }) {
  const q = query.get('q') ?? '';
  const bad = /(^|\s)(before|after):(?!\d{4})(\S+)/.exec(q);
  if (bad) throw new Refusal(400, 'invalid', `“${bad[3]}” is not a date`, { field: 'q' });
  const words = q
    .split(/\s+/)
    .filter((word) => word && !word.includes(':'))
    .map((word) => word.toLowerCase());
  const wants = Object.fromEntries(
    [...q.matchAll(/(\w+):(\S+)/g)].map(([, name, value]) => [name, value.toLowerCase()]),
  );
  const hits = state.conversations.flatMap((row) => {
    const text = `${row.subject}. ${row.last?.preview ?? ''} ${row.contact.name ?? ''} ${row.contact.email}`;
    const ok =
      words.every((word) => text.toLowerCase().includes(word)) &&
      (!wants.is || row.state === wants.is || (wants.is === 'unread' && row.unread)) &&
      (!wants.tag || row.tags.includes(wants.tag)) &&
      (!wants.from || text.toLowerCase().includes(wants.from));
    if (!ok) return [];
    const marked = words.reduce(
      (out, word) =>
        out.replace(new RegExp(word.replace(/[^\p{L}\p{N}]/gu, '.'), 'giu'), (hit) => `\u0001${hit}\u0002`),
      row.last?.preview ?? '',
    );
    return [{ ...row, hit: { message_id: state.messages.get(row.id)?.[0]?.id ?? 0, snippet: marked } }];
  });
  const { items, next } = page(hits, query);
  return read({ items, next, total_shown: items.length, index: { ready: true, behind: 0 } });
}

export { attachmentsOf, conversation, created, list, patch, read, search, seen, start, thread, write };
export { routes } from './table.mjs';
