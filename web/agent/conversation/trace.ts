/** How a mail came, read from its trace lines: who gave it to whom, when, and how long that took. */
import { language } from '$shared/i18n/index.svelte';

export type Hop = {
  /** Who handed it over, as it called itself, with the address it came from. */
  from: string;
  by: string;
  /** "TLS 1.3", or null when it crossed the network open. */
  tls: string | null;
  at: Date | null;
  /** Seconds since the hop before, or since it was written; null when that cannot be told. */
  took: number | null;
};

export type Trace = {
  /** Where reports of failure go, from Return-Path: "" is a mail that wants none; null is not known. */
  envelope: string | null;
  /** In the order of the way, the first server first. */
  hops: Hop[];
};

const field = (line: string, name: string) =>
  line.toLowerCase().startsWith(`${name}:`) ? line.slice(name.length + 1).trim() : null;

function moment(text: string): Date | null {
  const at = new Date(text.replace(/\([^)]*\)/g, '').trim());
  return Number.isNaN(at.getTime()) ? null : at;
}

function hop(value: string): Hop {
  const at = value.lastIndexOf(';');
  const way = at < 0 ? value : value.slice(0, at);
  const from = /(?:^|\s)from\s+(\S+)(?:\s+\(([^)]{1,200})\))?/i.exec(way);
  const literal = from?.[2] && from[2] !== from[1] ? ` ${from[2]}` : '';
  const version = /\bTLSv?(\d)[._]?(\d)?/i.exec(way);
  const secure = /\bwith\s+\S*SMTPS/i.test(way);
  return {
    from: from ? `${from[1]}${literal}` : '',
    by: /\sby\s+(\S+)/i.exec(` ${way}`)?.[1] ?? '',
    tls: version ? `TLS ${version[1]}${version[2] ? `.${version[2]}` : ''}` : secure ? 'TLS' : null,
    at: at < 0 ? null : moment(value.slice(at + 1)),
    took: null,
  };
}

/** Reads trace lines, newest first as they stand in a mail. */
export function readTrace(lines: readonly string[], sent: string | null): Trace {
  const envelope = lines.map((line) => field(line, 'return-path')).find((one) => one !== null) ?? null;
  const hops = lines.flatMap((line) => field(line, 'received') ?? []).map(hop);
  let before = sent === null ? null : new Date(sent);
  for (const one of hops.reverse()) {
    if (one.at && before) one.took = Math.round((one.at.getTime() - before.getTime()) / 1000);
    before = one.at ?? before;
  }
  return { envelope: envelope === null ? null : envelope.replace(/^<|>$/g, ''), hops };
}

/** "+3 sec", "+2 min", "-1 hr": a length of time in its largest unit. */
export function length(seconds: number): string {
  const size = Math.abs(seconds);
  const [unit, of] =
    size < 60 ? ['second', 1] : size < 3600 ? ['minute', 60] : size < 86_400 ? ['hour', 3600] : ['day', 86_400];
  const format = { style: 'unit', unit, unitDisplay: 'short', signDisplay: 'always' } as const;
  return new Intl.NumberFormat(language(), format as Intl.NumberFormatOptions).format(Math.trunc(seconds / Number(of)));
}
