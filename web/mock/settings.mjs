/** Sign-in, set-up and settings of the mock. */
import { created, read, Refusal } from './routes.mjs';
import { state } from './state.mjs';

const agent = (id) => state.agents.find((one) => one.id === id);
const session = (id) => created({ agent: agent(id) }, { 'set-cookie': `fd=${id}; Path=/; HttpOnly; SameSite=Lax` });

export function signIn({ body }) {
  const found = state.agents.find((one) => one.email === String(body.email ?? '').toLowerCase() && one.active);
  if (body.password === 'slow down')
    throw new Refusal(429, 'rate_limited', 'too many tries', {}, { 'retry-after': '30' });
  if (!found || body.password === 'wrong') throw new Refusal(401, 'unauthorized', 'e-mail or password is not right');
  return session(found.id);
}

export function setUp({ body }) {
  if (!state.setup || body.token !== 'demo') throw new Refusal(404, 'not_found', 'this link is used up');
  if ((body.password ?? '').length < 10)
    throw new Refusal(400, 'invalid', 'the password needs 10 characters', { field: 'password' });
  state.setup = false;
  state.workspace.name = body.workspace_name;
  state.language = body.language;
  Object.assign(agent(1), { name: body.name, email: body.email });
  state.inboxes[0].name = body.inbox_name;
  return session(1);
}

export function member(listName, kind) {
  return ({ params: [id], body }) => {
    const found = state[listName].find((one) => one.id === id);
    if (!found) throw new Refusal(404, 'not_found', 'no such thing');
    const { fallback_local_part: local, ...rest } = body;
    delete rest.password;
    if (local) rest.fallback_address = `${local}@tarnina.example`;
    Object.assign(found, rest);
    state.emit({ type: kind });
    return read({ [kind.replace(/e?s$/, '')]: found });
  };
}

export function addInbox({ body }) {
  if (!body.name) throw new Refusal(400, 'invalid', 'a name is needed', { field: 'name' });
  const local = body.fallback_local_part ?? body.name.toLowerCase().replace(/\W+/g, '-');
  const inbox = {
    id: state.inboxes.length + 1,
    name: body.name,
    fallback_address: `${local}@tarnina.example`,
    from_name: null,
    open_count: 0,
  };
  state.inboxes.push(inbox);
  state.emit({ type: 'inboxes' });
  return created(read({ inbox }));
}

export function addAgent({ body }) {
  if (state.agents.some((one) => one.email === body.email))
    throw new Refusal(409, 'conflict', 'that address is taken', { field: 'email' });
  const rest = { ...body };
  delete rest.password;
  const added = { id: state.agents.length + 1, active: true, only_assigned: false, ...rest };
  state.agents.push(added);
  state.emit({ type: 'agents' });
  return created(read({ agent: added }));
}

export function putRelay({ body }) {
  const { password, ...rest } = body;
  Object.assign(state.relay, rest, {
    source: 'workspace',
    has_password: state.relay.has_password || Boolean(password),
  });
  return read(state.relay);
}
