/** The HTTP contract as TypeScript (base /api/v1). Ids are integers, times RFC 3339 UTC with milliseconds, absent is null. */

import type { Delivery } from './delivery';
import type { Authentication } from './trust';
import type { Forwarded, Forwarding, Later } from './writing';

export type * from './account';
export type * from './contact';
export type * from './delivery';
export type * from './trust';

/** A moment as the server writes it, for example `2026-11-19T10:41:00.000Z`. */
export type Time = string;

export type Person = { name: string | null; email: string };

export type ConversationState = 'open' | 'snoozed' | 'closed';
export type Place = 'inbox' | 'filtered' | 'spam' | 'trash';
export type Trouble = 'delivery_failed' | 'delivery_delayed' | 'unreadable';

export type ContactBrief = { id: number; name: string | null; email: string };

export type ConversationRow = {
  id: number;
  inbox: number;
  channel: 'email';
  subject: string;
  state: ConversationState;
  place: Place;
  /** Why the program itself put it there: dmarc_fail. */
  place_reason: string | null;
  contact: ContactBrief;
  /** Agent id. */
  assignee: number | null;
  tags: string[];
  message_count: number;
  created_at: Time;
  last_activity_at: Time;
  snoozed_until: Time | null;
  unread: boolean;
  has_attachments: boolean;
  /** The asker has a draft in this conversation. */
  draft: boolean;
  last: { kind: 'inbound' | 'outbound' | 'comment'; author: string; preview: string } | null;
  trouble: Trouble | null;
  related: number[];
};

export type Attachment = {
  id: number;
  name: string;
  type: string;
  size: number;
  inline: boolean;
  content_id?: string | null;
};

export type EventCode =
  | 'assigned'
  | 'unassigned'
  | 'closed'
  | 'reopened'
  | 'snoozed'
  | 'unsnoozed'
  | 'tagged'
  | 'untagged'
  | 'moved'
  | 'placed'
  | 'created'
  | 'linked'
  | 'subject_changed'
  | 'send_cancelled'
  | 'send_retried'
  | 'delivery_failed'
  | 'delivery_delayed'
  | 'bounced';

export type MessageEvent = {
  code: EventCode;
  /** Agent id; null means the system acted. */
  actor: number | null;
  args: Record<string, string | number>;
};

export type MessageKind = 'inbound' | 'outbound' | 'comment' | 'event';

export type Message = {
  id: number;
  conversation: number;
  kind: MessageKind;
  /** Agent id. */
  author: number | null;
  from: Person | null;
  to: Person[];
  cc: Person[];
  bcc: Person[];
  reply_to: Person[];
  subject: string | null;
  text: string;
  /** Already cleaned by the server; a body fragment. */
  html: string | null;
  /** Why the HTML is not shown: too_large, too_deep, unreadable. */
  html_blocked: string | null;
  remote_images: number;
  fetchable_images: number;
  /** The HTML brings colours of its own. */
  own_colours: boolean;
  /** 0-based line of `text` at which quoted history starts. */
  quote_from_line: number | null;
  has_quote: boolean;
  attachments: Attachment[];
  message_id: string | null;
  at: Time;
  /** The Date header. */
  sent_at: Time | null;
  defects: string[];
  authentication: Authentication | null;
  /** Our own Authentication-Results, Return-Path and Received lines, newest first. */
  trace: string[];
  /** Its words were too long for a list: `/messages/{id}` has the whole of it. */
  cut: boolean;
  has_raw: boolean;
  delivery: Delivery | null;
  event: MessageEvent | null;
  forward_of?: number | null;
  /** A machine answers here: our automatic reply, or somebody's to our mail. */
  automatic?: boolean;
};

export type Role = 'owner' | 'admin' | 'agent' | 'viewer';
export type Agent = { id: number; name: string; email: string; role: Role; active: boolean; only_assigned: boolean };
export type Inbox = {
  id: number;
  name: string;
  fallback_address: string;
  from_name: string | null;
  open_count: number;
};

/** Every JSON answer to a GET carries the change number it was read at. */
export type Snapshot = { change: number };
export type Items<T> = { items: T[] } & Snapshot;

export type ViewName = 'all' | 'mine' | 'unassigned' | 'snoozed' | 'closed' | 'sent' | 'filtered' | 'spam' | 'trash';

/** Numbers stop at 100, which means "99+". */
export type CountsBody = { views: Record<ViewName, number>; inboxes: Record<string, number>; unread: number };
export type Counts = CountsBody & Snapshot;

export type ConversationPage = { items: ConversationRow[]; next: string | null } & Snapshot;
export type ConversationAnswer = { conversation: ConversationRow } & Snapshot;

export type ConversationPatch = {
  state?: ConversationState;
  snoozed_until?: Time | null;
  assignee?: number | null;
  tags?: string[];
  place?: Place;
  inbox?: number;
  subject?: string;
  unread?: boolean;
};

export type MessagesPage = {
  /** Oldest first; the newest page when `before` is not given. */
  items: Message[];
  earlier: boolean;
  reply_to: { to: Person[]; cc: Person[]; from: string };
  reply_one: { to: Person[]; cc: Person[] };
} & Snapshot;

export type NewMessage = Later &
  Forwarding & {
    client_id: string;
    kind: 'reply' | 'comment';
    to?: Person[];
    cc?: Person[];
    bcc?: Person[];
    html?: string;
    text?: string;
    attachments?: number[];
    last_seen_change?: number;
    and_close?: boolean;
  };
export type MessageAnswer = { message: Message; conversation: ConversationRow } & Snapshot;

export type DraftKind = 'reply' | 'comment';
export type Draft = Forwarded & {
  id: number;
  revision: number;
  kind: DraftKind;
  to: Person[];
  cc: Person[];
  bcc: Person[];
  html: string | null;
  text: string | null;
  attachments: Attachment[];
  updated_at: Time;
};
export type DraftBody = Forwarding & {
  to?: Person[];
  cc?: Person[];
  bcc?: Person[];
  html?: string;
  text?: string;
  attachments?: number[];
  base_revision?: number;
};

/** A conversation's row with its newest hit. `snippet` is plain text; hits stand between U+0001 and U+0002. */
export type SearchItem = ConversationRow & { hit: { message_id: number; snippet: string } };
export type SearchPage = {
  items: SearchItem[];
  next: string | null;
  index: { ready: boolean; behind: number };
} & Snapshot;

/** One frame of the live socket, also an item of GET /changes. */
export type Frame =
  | { type: 'hello'; change: number }
  | { type: 'conversation'; change: number; conversation: ConversationRow }
  | { type: 'message'; change: number; message: Message }
  | { type: 'gone'; change: number; conversation_id: number }
  | ({ type: 'counts'; change: number } & CountsBody)
  | { type: 'inboxes' | 'channels' | 'agents' | 'me' | 'reset' | 'ping' | 'caught_up'; change: number };

/** The body of an application/problem+json answer. `since` comes with stale_reply. */
export type ProblemBody = {
  type?: string;
  title?: string;
  status: number;
  code: string;
  detail: string;
  field?: string;
  reason?: string;
  /** The byte of a search line at which it is wrong. */
  at?: number;
  since?: Message[];
};
