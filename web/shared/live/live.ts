/**
 * The live socket: resumes by change number, backs off, and asks over HTTP when the socket will not open.
 * It knows nothing of the screen; who listens gets frames in order and must take each one twice without harm.
 */
import type { Frame } from '$api/types';

export type LiveStatus = 'connecting' | 'live' | 'down';

export type SocketLike = {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
  onerror: (() => void) | null;
  send(text: string): void;
  close(): void;
};

/** What came of asking over HTTP: frames to catch up with, or that the past is gone, or no answer. */
export type CaughtUp = { frames: Frame[]; last: number } | 'trimmed' | 'unreachable' | 'signed_out';

export type LiveWorld = {
  open(after: number): SocketLike;
  changes(after: number): Promise<CaughtUp>;
  setTimer(run: () => void, ms: number): unknown;
  clearTimer(timer: unknown): void;
  /** 0 to 1, spreads reconnects of many browsers. */
  chance(): number;
};

const FIRST_WAIT = 500;
const LONGEST_WAIT = 20_000;
/** The server pings every 25 s or so; a socket silent for longer is dead (sleep, a changed network). */
const SILENCE = 60_000;

export class Live {
  /** The last change of which every frame was taken; a reconnect asks for what came after it. */
  last = 0;
  status: LiveStatus = 'down';
  #world: LiveWorld;
  #frames = new Set<(frame: Frame) => void>();
  #states = new Set<(status: LiveStatus) => void>();
  #socket: SocketLike | null = null;
  #timer: unknown = null;
  #silence: unknown = null;
  #failures = 0;
  #running = false;

  constructor(world: LiveWorld) {
    this.#world = world;
  }

  onFrame(run: (frame: Frame) => void): () => void {
    this.#frames.add(run);
    return () => this.#frames.delete(run);
  }

  onStatus(run: (status: LiveStatus) => void): () => void {
    this.#states.add(run);
    run(this.status);
    return () => this.#states.delete(run);
  }

  /** Begins at a snapshot: frames after `change` will follow. */
  start(change: number): void {
    this.last = Math.max(this.last, change);
    if (this.#running) return;
    this.#running = true;
    this.#connect();
  }

  /** After a `reset`: goes on from this snapshot, even if the server counts from further back now. */
  restart(change: number): void {
    this.last = change;
    if (this.#running) this.nudge();
    else this.start(change);
  }

  stop(): void {
    this.#running = false;
    this.#drop();
    this.#clear();
    this.#set('down');
  }

  /** Call on `online` and when the page comes to the front: connects now, or looks for what a dead socket missed. */
  nudge(): void {
    if (!this.#running) return;
    if (this.status === 'live') void this.#ask();
    else {
      this.#failures = 0;
      this.#drop();
      this.#connect();
    }
  }

  /** Call on `offline`: the socket may not notice for minutes. */
  lost(): void {
    if (!this.#running) return;
    this.#drop();
    this.#retry();
  }

  #connect(): void {
    this.#clear();
    this.#set('connecting');
    const socket = this.#world.open(this.last);
    this.#socket = socket;
    socket.onopen = () => this.#listen();
    socket.onmessage = (event) => this.#read(event.data);
    socket.onerror = () => {};
    socket.onclose = () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#retry();
    };
  }

  #read(data: unknown): void {
    this.#listen();
    let frame: Frame;
    try {
      frame = JSON.parse(String(data)) as Frame;
    } catch {
      return;
    }
    this.#failures = 0;
    if (this.status !== 'live') this.#set('live');
    if (frame.type === 'ping') this.#socket?.send('{"type":"pong"}');
    this.#take(frame);
  }

  #take(frame: Frame): void {
    // A batch's frames all carry its last change, so one of them says nothing of the others: the end of the batch does.
    if (frame.type === 'caught_up' || frame.type === 'reset') this.#upTo(frame.change);
    for (const run of this.#frames) run(frame);
  }

  #upTo(change: number): void {
    if (change > this.last) this.last = change;
  }

  /** Asks over HTTP what was missed; also tells a trimmed past and an ended session, which a socket cannot. */
  async #ask(): Promise<void> {
    const after = this.last;
    const answer = await this.#world.changes(after);
    if (!this.#running || typeof answer === 'string') {
      if (this.#running && answer === 'trimmed') this.#take({ type: 'reset', change: after });
      if (answer === 'signed_out') this.stop();
      return;
    }
    for (const frame of answer.frames) this.#take(frame);
    this.#upTo(answer.last);
  }

  #retry(): void {
    if (!this.#running) return;
    this.#set('down');
    this.#failures += 1;
    if (this.#failures % 3 === 2) void this.#ask();
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (this.#failures - 1)) * (0.6 + 0.8 * this.#world.chance());
    this.#clear();
    this.#timer = this.#world.setTimer(() => this.#connect(), wait);
  }

  #listen(): void {
    if (this.#silence !== null) this.#world.clearTimer(this.#silence);
    this.#silence = this.#world.setTimer(() => this.lost(), SILENCE);
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #clear(): void {
    if (this.#timer !== null) this.#world.clearTimer(this.#timer);
    if (this.#silence !== null) this.#world.clearTimer(this.#silence);
    this.#timer = null;
    this.#silence = null;
  }

  #set(status: LiveStatus): void {
    if (this.status === status) return;
    this.status = status;
    for (const run of this.#states) run(status);
  }
}
