/** Which call goes where, and the small ones in place. */
import { addAgent, addInbox, member, putRelay, setUp, signIn } from './settings.mjs';
import { state } from './state.mjs';
import {
  attachmentsOf,
  conversation,
  created,
  list,
  patch,
  read,
  Refusal,
  search,
  start,
  thread,
  write,
} from './routes.mjs';

const agent = (id) => state.agents.find((one) => one.id === id);

function me({ me: id }) {
  const { role } = agent(id);
  const may = { write: role !== 'viewer', manage: role === 'owner' || role === 'admin' };
  return read({
    agent: agent(id),
    workspace: state.workspace,
    language: state.language,
    preferences: state.preferences,
    may,
    undo_seconds: 10,
    disk: 'enough',
    broken_channels: [],
  });
}

function patchMe({ me: id, body }) {
  if (body.password && body.password.current === 'wrong')
    throw new Refusal(400, 'invalid', 'that is not the present password', { field: 'password.current' });
  if (body.name) agent(id).name = body.name;
  if (body.language) state.language = body.language;
  Object.assign(state.preferences, body.preferences ?? {});
  state.emit({ type: 'me' });
  return me({ me: id });
}

function draftKey({ params: [id], query }) {
  return `${id} ${query.get('kind') ?? 'reply'}`;
}

function putDraft(call) {
  const key = draftKey(call);
  const row = conversation(call.params[0]);
  const old = state.drafts.get(key);
  const kind = call.query.get('kind') ?? 'reply';
  const { base_revision: base, ...rest } = call.body;
  if (old && base !== undefined && base !== old.revision)
    throw new Refusal(409, 'conflict', 'the draft was changed elsewhere');
  const draft = {
    id: old?.id ?? state.drafts.size + 1,
    kind,
    to: [],
    cc: [],
    bcc: [],
    html: null,
    text: null,
    ...old,
    ...rest,
    attachments: attachmentsOf(call.body),
    revision: (old?.revision ?? 0) + 1,
    updated_at: new Date().toISOString(),
  };
  state.drafts.set(key, draft);
  if (!row.draft) {
    row.draft = true;
    state.changed(row);
  }
  return read({ draft });
}

function dropDraft(call) {
  const row = conversation(call.params[0]);
  state.drafts.delete(draftKey(call));
  row.draft = false;
  state.changed(row);
}

function getDraft(call) {
  const draft = state.drafts.get(draftKey(call));
  if (!draft) throw new Refusal(404, 'not_found', 'no draft');
  return read({ draft, ...draft });
}

function upload({ query, raw, type }) {
  const id = state.attachments.size + 2;
  const meta = {
    id,
    name: query.get('name') ?? 'file',
    type: type ?? 'application/octet-stream',
    size: raw.length,
    inline: false,
  };
  state.attachments.set(id, { meta, raw });
  return created({ attachment: meta });
}

function download({ params: [id] }) {
  const found = state.attachments.get(id) ?? {
    meta: { type: 'application/pdf', name: 'delivery-note.pdf' },
    raw: Buffer.from('%PDF-1.4\n%%EOF'),
  };
  return {
    respond: {
      headers: { 'content-type': found.meta.type, 'content-disposition': `inline; filename="${found.meta.name}"` },
      bytes: found.raw,
    },
  };
}

function message(call, change) {
  const found = state.message(call.params[0]);
  if (!found) throw new Refusal(404, 'not_found', 'no such message');
  change(found);
  state.emit({ type: 'message', message: { ...found } });
  return read({ message: found });
}

const cancel = (call) =>
  message(call, (found) => {
    if (found.delivery?.state !== 'queued') throw new Refusal(409, 'too_late', 'it is on its way');
    found.delivery = { ...found.delivery, state: 'cancelled', due_at: null };
  });
const retry = (call) => message(call, (found) => Object.assign(found.delivery, { state: 'queued' }));
const raw = () => ({
  respond: {
    headers: { 'content-type': 'message/rfc822' },
    bytes: Buffer.from('From: someone@example.org\r\nSubject: raw\r\n\r\nBody\r\n'),
  },
});

function contact({ params: [id], body }, change = false) {
  const found = state.contacts.find((one) => one.id === id);
  if (!found) throw new Refusal(404, 'not_found', 'no such contact');
  const conversations = state.conversations.filter((row) => row.contact.id === id);
  if (change) {
    found.name = body.name;
    for (const row of conversations) {
      row.contact = { ...row.contact, name: body.name };
      state.changed(row);
    }
  }
  return read({
    contact: { ...found, conversation_count: conversations.length },
    conversations: conversations.slice(0, 20),
  });
}

export const routes = [
  ['POST', /^\/sessions$/, signIn],
  [
    'DELETE',
    /^\/sessions\/current$/,
    () => ({ respond: { status: 204, headers: { 'set-cookie': 'fd=; Path=/; Max-Age=0' } } }),
  ],
  [
    'GET',
    /^\/setup$/,
    ({ query }) => {
      if (query.get('token') !== 'demo') throw new Refusal(404, 'not_found', 'no such link');
      return { needed: state.setup };
    },
  ],
  ['POST', /^\/setup$/, setUp],
  ['GET', /^\/me$/, me],
  ['PATCH', /^\/me$/, patchMe],
  ['GET', /^\/inboxes$/, () => read({ items: state.inboxes })],
  ['POST', /^\/inboxes$/, addInbox],
  ['PATCH', /^\/inboxes\/(\d+)$/, member('inboxes', 'inboxes')],
  ['GET', /^\/agents$/, () => read({ items: state.agents })],
  ['POST', /^\/agents$/, addAgent],
  ['PATCH', /^\/agents\/(\d+)$/, member('agents', 'agents')],
  ['GET', /^\/settings\/relay$/, () => read(state.relay)],
  ['PUT', /^\/settings\/relay$/, putRelay],
  [
    'POST',
    /^\/settings\/relay\/test$/,
    ({ body }) =>
      body.to?.includes('refuse')
        ? { outcome: 'refused', reply: '535 5.7.8 authentication failed' }
        : { outcome: 'accepted', reply: '250 2.0.0 Ok: queued as 4F2A' },
  ],
  ['GET', /^\/settings\/workspace$/, () => read({ name: state.workspace.name })],
  [
    'PATCH',
    /^\/settings\/workspace$/,
    ({ body }) => {
      state.workspace.name = body.name;
      state.emit({ type: 'me' });
      return read({ name: body.name });
    },
  ],
  ['GET', /^\/counts$/, ({ me: id }) => read(state.counts(id))],
  ['GET', /^\/conversations$/, list],
  ['POST', /^\/conversations$/, start],
  ['GET', /^\/conversations\/(\d+)$/, ({ params: [id] }) => read({ conversation: { ...conversation(id) } })],
  ['PATCH', /^\/conversations\/(\d+)$/, patch],
  ['GET', /^\/conversations\/(\d+)\/messages$/, thread],
  ['POST', /^\/conversations\/(\d+)\/messages$/, write],
  ['GET', /^\/conversations\/(\d+)\/draft$/, getDraft],
  ['PUT', /^\/conversations\/(\d+)\/draft$/, putDraft],
  ['DELETE', /^\/conversations\/(\d+)\/draft$/, dropDraft],
  ['POST', /^\/messages\/(\d+)\/cancel$/, cancel],
  ['POST', /^\/messages\/(\d+)\/retry$/, retry],
  ['GET', /^\/messages\/(\d+)\/raw$/, raw],
  ['POST', /^\/attachments$/, upload],
  ['GET', /^\/attachments\/(\d+)$/, download],
  ['GET', /^\/search$/, search],
  ['GET', /^\/contacts\/(\d+)$/, (call) => contact(call)],
  ['PATCH', /^\/contacts\/(\d+)$/, (call) => contact(call, true)],
  ['GET', /^\/changes$/, ({ query }) => ({ items: state.since(Number(query.get('after'))), last: state.change })],
];
