/** What the mock remembers, and the numbered changes it tells its sockets. */
import { agents, contacts, conversations, inboxes, makeConversation, makeMessage, messages } from './data.mjs';
import './threads.mjs';

const listeners = new Set();
const log = [];

export const state = {
  change: 1000,
  agents,
  inboxes,
  contacts,
  conversations,
  messages,
  drafts: new Map(),
  attachments: new Map(),
  setup: process.env.MOCK_SETUP === '1',
  workspace: { name: 'Tarnina', hostname: 'desk.tarnina.example' },
  language: 'en',
  preferences: { theme: 'auto', density: 'comfortable', shortcuts: true },
  relay: {
    host: 'smtp.relay.example',
    port: 587,
    tls: 'starttls',
    username: 'tarnina',
    has_password: true,
    source: 'workspace',
  },

  listen(run) {
    listeners.add(run);
  },

  /** Numbers a frame, keeps it and tells it. */
  emit(frame) {
    state.change += 1;
    const numbered = { ...frame, change: state.change };
    log.push(numbered);
    for (const run of listeners) run(numbered);
    return numbered;
  },

  since(after) {
    return log.filter((frame) => frame.change > after);
  },

  conversation(id) {
    return state.conversations.find((row) => row.id === id);
  },

  message(id) {
    for (const list of state.messages.values()) {
      const found = list.find((message) => message.id === id);
      if (found) return found;
    }
    return undefined;
  },

  counts(me) {
    const top = (count) => Math.min(count, 100);
    const inbox = state.conversations.filter((row) => row.place === 'inbox');
    const open = inbox.filter((row) => row.state === 'open');
    const at = (place) => top(state.conversations.filter((row) => row.place === place).length);
    const inboxCounts = Object.fromEntries(
      state.inboxes.map((one) => [one.id, top(open.filter((row) => row.inbox === one.id).length)]),
    );
    return {
      views: {
        all: top(open.length),
        mine: top(open.filter((row) => row.assignee === me).length),
        unassigned: top(open.filter((row) => row.assignee === null).length),
        snoozed: top(inbox.filter((row) => row.state === 'snoozed').length),
        closed: top(inbox.filter((row) => row.state === 'closed').length),
        sent: top(open.filter((row) => row.last?.kind === 'outbound').length),
        filtered: at('filtered'),
        spam: at('spam'),
        trash: at('trash'),
      },
      inboxes: inboxCounts,
      unread: top(open.filter((row) => row.unread).length),
    };
  },

  /** Tells that a row changed, and the counts with it. */
  changed(row) {
    state.emit({ type: 'conversation', conversation: { ...row } });
    state.emit({ type: 'counts', ...state.counts(1) });
  },

  /** Adds a message to a conversation and moves the row. */
  add(row, message, preview) {
    const list = state.messages.get(row.id) ?? [];
    list.push(message);
    state.messages.set(row.id, list);
    if (message.kind !== 'event') {
      row.message_count += 1;
      row.last_activity_at = message.at;
      const author = message.author
        ? state.agents.find((one) => one.id === message.author).name
        : (message.from?.name ?? message.from?.email ?? '');
      row.last = { kind: message.kind, author, preview: preview ?? message.text.slice(0, 160) };
    }
    state.emit({ type: 'message', message: { ...message } });
    state.changed(row);
    return message;
  },

  event(row, code, actor, args = {}) {
    const message = makeMessage(row.id, { kind: 'event', event: { code, actor, args } });
    state.messages.get(row.id).push(message);
    state.emit({ type: 'message', message });
  },

  arrive({
    conversation,
    name = 'Nina Berg',
    email = 'nina@berg.example',
    subject = 'A question about sizes',
    text = 'Does the vest come in XS?',
  } = {}) {
    let row = conversation ? state.conversation(conversation) : undefined;
    if (!row) {
      let contact = state.contacts.find((one) => one.identities[0].value === email);
      if (!contact) {
        contact = {
          id: state.contacts.length + 1,
          name,
          identities: [{ kind: 'email', value: email, verified: false }],
          created_at: new Date().toISOString(),
          conversation_count: 0,
        };
        state.contacts.push(contact);
      }
      const at = new Date().toISOString();
      row = makeConversation(0, {
        subject,
        inbox: 1,
        contact: { id: contact.id, name: contact.name, email },
        assignee: null,
        tags: [],
        created_at: at,
        last_activity_at: at,
        message_count: 0,
      });
      state.messages.set(row.id, []);
    }
    row.unread = true;
    if (row.state !== 'open') row.state = 'open';
    const from = { name: row.contact.name, email: row.contact.email };
    state.add(
      row,
      makeMessage(row.id, {
        from,
        to: [{ name: null, email: 'hello@tarnina.example' }],
        subject: row.subject,
        text,
        has_raw: true,
      }),
    );
    return row;
  },

  many(n) {
    for (let i = 0; i < n; i += 1) makeConversation(i + 100);
    state.emit({ type: 'reset' });
    return { conversations: state.conversations.length };
  },
};
