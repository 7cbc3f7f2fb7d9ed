/** The contract's types for addresses, domains, what is known of them, and the queue. */
import type { ChannelFault, Imap } from './mailbox';
import type { Person, Snapshot, Time } from './types';

export type FromName = 'agent' | 'agent_company' | 'company';
export type WayIn = 'mx' | 'forward' | 'imap';

export type AutoReplyWhen = 'always' | 'outside_hours' | 'inside_hours';
/** What an address says by itself; times are 09:00 to 24:00, closed days 2026-12-25 or, each year, 12-25. */
export type AutoReply = {
  enabled: boolean;
  subject: string;
  /** HTML. */
  text: string;
  when: AutoReplyWhen;
  hours: { zone: string; week: { day: number; from: string; to: string }[]; closed: string[] };
};

export type Channel = {
  id: number;
  kind: 'email';
  inbox: number;
  address: string;
  from_name: FromName;
  signature: string;
  cc: Person[];
  bcc: Person[];
  plus_tags: boolean;
  catch_all: boolean;
  way_in: WayIn;
  proven_at: Time | null;
  probe_sent_at: Time | null;
  imap: Imap | null;
  state: 'ok' | 'broken';
  fault: ChannelFault | null;
  auto_reply: AutoReply;
};

export type DkimKey = {
  selector: string;
  algorithm: string;
  state: 'active' | 'next' | 'retired';
  created_at: Time;
  retired_at: Time | null;
  record_name: string;
  record_value: string;
};

export type Domain = {
  id: number;
  name: string;
  is_hostname: boolean;
  keys: DkimKey[];
  relay: { host: string; port: number; tls: string; username: string | null; has_password: boolean } | null;
};

export type Verdict = 'passes' | 'missing' | 'change' | 'not_needed' | 'unknown';
export type Finding = {
  check: 'host' | 'reverse_name' | 'mx' | 'spf' | 'dkim' | 'dmarc';
  verdict: Verdict;
  /** Code of the sentence about it. */
  code: string;
  args: Record<string, string>;
  kind: string;
  name: string;
  /** What it should say, where that is known. */
  record: string | null;
};
export type Examination = { items: Finding[]; activated: boolean };

export type WaitingMail = {
  /** The message: retry and cancel go by it. */
  message: number;
  conversation: number;
  subject: string;
  from: Person | null;
  recipients: { email: string; reply: string | null }[];
  state: 'queued' | 'sending' | 'retrying' | 'failed';
  queued_at: Time;
  due_at: Time | null;
  attempts: number;
};
export type Outgoing = { items: WaitingMail[]; waiting: number; oldest_at: Time | null } & Snapshot;

export type Suppressed = { id: number; email: string; since: Time; words: string };

export type Filters = {
  allow: string[];
  deny: string[];
  kinds: { automatic: boolean; bulk: boolean; role: boolean; unsubscribe: boolean } | null;
} & Snapshot;
