import { beforeEach, describe, expect, it } from 'vitest';
import type { Frame } from '$api/types';
import { Live, type CaughtUp, type LiveWorld, type SocketLike } from './live';

class FakeSocket implements SocketLike {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  onerror: (() => void) | null = null;
  sent: string[] = [];
  closed = false;
  readonly after: number;
  constructor(after: number) {
    this.after = after;
  }
  send(text: string): void {
    this.sent.push(text);
  }
  close(): void {
    this.closed = true;
  }
  hear(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
}

type Timer = { run: () => void; at: number };
let sockets: FakeSocket[];
let timers: Timer[];
let now: number;
let answer: CaughtUp;
let asked: number[];
let frames: Frame[];
let live: Live;

function pass(ms: number): void {
  const until = now + ms;
  for (;;) {
    const next = timers.filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0];
    if (!next) break;
    timers.splice(timers.indexOf(next), 1);
    now = next.at;
    next.run();
  }
  now = until;
}
const socket = () => sockets.at(-1) as FakeSocket;
const settle = () => new Promise((done) => setTimeout(done));

beforeEach(() => {
  sockets = [];
  timers = [];
  asked = [];
  frames = [];
  now = 0;
  answer = 'unreachable';
  const world: LiveWorld = {
    open: (after) => {
      const fresh = new FakeSocket(after);
      sockets.push(fresh);
      return fresh;
    },
    changes: async (after) => {
      asked.push(after);
      return answer;
    },
    setTimer: (run, ms) => {
      const timer = { run, at: now + ms };
      timers.push(timer);
      return timer;
    },
    clearTimer: (timer) => {
      const at = timers.indexOf(timer as Timer);
      if (at >= 0) timers.splice(at, 1);
    },
    chance: () => 0.5,
  };
  live = new Live(world);
  live.onFrame((frame) => frames.push(frame));
  live.start(100);
});

describe('Live', () => {
  it('begins at the snapshot and is live with the first frame', () => {
    expect(socket().after).toBe(100);
    expect(live.status).toBe('connecting');
    socket().hear({ type: 'hello', change: 120 });
    expect(live.status).toBe('live');
    expect(live.last).toBe(100);
  });

  it('asks again from the last change it took, never from where the server stood', () => {
    socket().hear({ type: 'hello', change: 130 });
    socket().hear({ type: 'gone', change: 105, conversation_id: 1 });
    socket().hear({ type: 'caught_up', change: 105 });
    socket().onclose?.();
    pass(1000);
    expect(sockets).toHaveLength(2);
    expect(socket().after).toBe(105);
  });

  it('asks for a batch again that broke off, whichever of its frames it had', () => {
    for (const frame of [1, 2]) {
      socket().hear({ type: 'gone', change: 105, conversation_id: frame });
      socket().onclose?.();
      pass(5000);
      expect(socket().after).toBe(100);
    }
  });

  it('hands on frames in order and survives what is not JSON', () => {
    socket().hear({ type: 'gone', change: 101, conversation_id: 1 });
    socket().onmessage?.({ data: '{' });
    socket().hear({ type: 'gone', change: 101, conversation_id: 2 });
    expect(frames.map((frame) => frame.type)).toEqual(['gone', 'gone']);
  });

  it('waits longer each time, and begins short again once it was live', () => {
    const gaps: number[] = [];
    for (let i = 0; i < 8; i += 1) {
      const before = sockets.length;
      const start = now;
      socket().onclose?.();
      while (sockets.length === before) pass(100);
      gaps.push(now - start);
    }
    expect(gaps[0]).toBeLessThanOrEqual(600);
    expect(gaps[4]).toBeGreaterThan(gaps[1] as number);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(20_100);
    socket().hear({ type: 'hello', change: 100 });
    socket().onclose?.();
    const before = sockets.length;
    pass(600);
    expect(sockets.length).toBe(before + 1);
  });

  it('answers pings and takes a silent socket for dead', () => {
    socket().hear({ type: 'ping', change: 100 });
    expect(socket().sent).toEqual(['{"type":"pong"}']);
    const first = socket();
    pass(59_000);
    expect(first.closed).toBe(false);
    pass(2_000);
    expect(first.closed).toBe(true);
    expect(sockets.length).toBe(2);
  });

  it('connects at once when the network is back, however long the wait had grown', () => {
    for (let i = 0; i < 6; i += 1) {
      socket().onclose?.();
      pass(30_000);
    }
    const before = sockets.length;
    socket().onclose?.();
    live.nudge();
    expect(sockets.length).toBe(before + 1);
  });

  it('looks for what a sleeping page missed even while the socket seems open', async () => {
    socket().hear({ type: 'hello', change: 100 });
    answer = { frames: [{ type: 'gone', change: 107, conversation_id: 9 }], last: 107 };
    live.nudge();
    await settle();
    expect(asked).toEqual([100]);
    expect(frames.at(-1)).toEqual({ type: 'gone', change: 107, conversation_id: 9 });
    expect(live.last).toBe(107);
  });

  it('tells a reset when the past is trimmed', async () => {
    answer = 'trimmed';
    socket().onclose?.();
    pass(1000);
    socket().onclose?.();
    await settle();
    expect(frames.at(-1)?.type).toBe('reset');
  });

  it('stops when the session has ended', async () => {
    answer = 'signed_out';
    socket().hear({ type: 'hello', change: 100 });
    live.nudge();
    await settle();
    expect(live.status).toBe('down');
    const before = sockets.length;
    pass(120_000);
    expect(sockets.length).toBe(before);
  });

  it('ignores the close of a socket it has given up', () => {
    const old = socket();
    live.lost();
    pass(1000);
    const before = sockets.length;
    old.onclose?.();
    pass(200);
    expect(sockets.length).toBe(before);
  });

  it('goes on from where the server stands after a reset, also from further back', () => {
    socket().hear({ type: 'gone', change: 300, conversation_id: 1 });
    live.restart(5);
    socket().onclose?.();
    pass(1000);
    expect(socket().after).toBe(5);
  });
});
