/**
 * A small stand-in for the server: the HTTP contract in memory, for development and component tests.
 * Never part of the product. Sign in as ewa@tarnina.example with any password but "wrong".
 *   node mock/server.mjs [port]      8787 unless told; MOCK_SETUP=1 begins with set-up open (token "demo")
 *   POST /mock/mail {conversation?, name?, email?, subject?, text?}   an inbound mail arrives
 *   POST /mock/drop                  closes every socket · POST /mock/reset sends `reset` · POST /mock/many?n=10000
 *   POST /mock/slow?ms=800           every answer waits · POST /mock/fail?n=1 the next n changes are refused
 */
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { state } from './state.mjs';
import { Refusal, routes } from './routes.mjs';

const port = Number(process.argv[2] ?? process.env.MOCK_PORT ?? 8787);
const sockets = new Set();
const settings = { slow: 0, fail: 0 };

state.listen((frame) => {
  for (const socket of sockets) tell(socket, frame);
});

/** A frame, and that it was all of its batch. */
function tell(socket, frame) {
  socket.send(JSON.stringify(frame));
  socket.send(JSON.stringify({ type: 'caught_up', change: frame.change }));
}

function mock(url, body) {
  switch (url.pathname) {
    case '/mock/mail':
      return state.arrive(body);
    case '/mock/drop':
      for (const socket of sockets) socket.terminate();
      return {};
    case '/mock/reset':
      return state.emit({ type: 'reset' });
    case '/mock/many':
      return state.many(Number(url.searchParams.get('n') ?? 1000));
    case '/mock/slow':
      settings.slow = Number(url.searchParams.get('ms') ?? 0);
      return settings;
    case '/mock/fail':
      settings.fail = Number(url.searchParams.get('n') ?? 1);
      return settings;
    default:
      throw new Refusal(404, 'not_found', 'no such mock call');
  }
}

function api(request, url, raw) {
  const path = url.pathname.slice('/api/v1'.length);
  const json = (request.headers['content-type'] ?? '').includes('json') && raw.length > 0;
  const body = json ? JSON.parse(raw.toString()) : {};
  const open = path.startsWith('/sessions') || path.startsWith('/setup');
  const me = /fd=(\d+)/.exec(request.headers.cookie ?? '')?.[1];
  if (!open && !me) throw new Refusal(401, 'unauthorized', 'sign in first');
  if (request.method !== 'GET' && !open && settings.fail > 0) {
    settings.fail -= 1;
    throw new Refusal(403, 'forbidden', 'your role does not allow this');
  }
  for (const [method, pattern, run] of routes) {
    const found = method === request.method && pattern.exec(path);
    if (found)
      return run({
        params: found.slice(1).map(Number),
        query: url.searchParams,
        body,
        raw,
        me: Number(me),
        type: request.headers['content-type'],
      });
  }
  throw new Refusal(404, 'not_found', `${request.method} ${path}`);
}

function answer(response, result) {
  const { status = 200, headers = {}, body, bytes } = result?.respond ?? { body: result };
  if (bytes) return response.writeHead(status, headers).end(bytes);
  if (body === undefined) return response.writeHead(204, headers).end();
  return response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const url = new URL(request.url, 'http://mock');
    const raw = Buffer.concat(chunks);
    setTimeout(() => {
      try {
        const mocked = url.pathname.startsWith('/mock/');
        answer(response, mocked ? mock(url, raw.length ? JSON.parse(raw.toString()) : {}) : api(request, url, raw));
      } catch (error) {
        if (!(error instanceof Refusal)) console.error(error);
        const status = error.status ?? 500;
        const problem = {
          type: 'about:blank',
          title: error.code,
          status,
          code: error.code ?? 'internal',
          detail: error.message,
          ...error.more,
        };
        response
          .writeHead(status, { 'content-type': 'application/problem+json', ...error.headers })
          .end(JSON.stringify(problem));
      }
    }, settings.slow);
  });
});

const live = new WebSocketServer({ noServer: true });
server.on('upgrade', (request, socket, head) => {
  const url = new URL(request.url, 'http://mock');
  if (url.pathname !== '/api/v1/live' || !/fd=\d+/.test(request.headers.cookie ?? '')) return socket.destroy();
  return live.handleUpgrade(request, socket, head, (ws) => {
    sockets.add(ws);
    ws.on('close', () => sockets.delete(ws));
    ws.on('error', () => ws.terminate());
    ws.send(JSON.stringify({ type: 'hello', change: state.change }));
    for (const frame of state.since(Number(url.searchParams.get('after') ?? 0))) tell(ws, frame);
  });
});
setInterval(() => {
  for (const ws of sockets) ws.send(JSON.stringify({ type: 'ping', change: state.change }));
}, 25_000).unref();

server.listen(port, '127.0.0.1', () => console.log(JSON.stringify({ http: `127.0.0.1:${server.address().port}` })));
