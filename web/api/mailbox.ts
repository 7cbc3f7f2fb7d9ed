/** The contract's types for mailboxes elsewhere. */
import type { Time } from './types';

export type ImapAfter = 'leave' | 'mark_seen' | 'move' | 'delete';

export type Imap = {
  host: string;
  port: number;
  security: 'tls' | 'starttls';
  user: string;
  login: 'password' | 'xoauth2';
  folders: string[];
  after: ImapAfter;
  move_to: string | null;
  since: Time | null;
  fingerprint: string | null;
  skipped: number;
  skipped_at: Time | null;
};

/** What is wrong with an address. */
export type ChannelFault = { since: Time; code: MailboxOutcome; words: string };

export type MailboxOutcome =
  | 'unreachable'
  | 'silent'
  | 'tls'
  | 'login_refused'
  | 'folder_missing'
  | 'refused'
  | 'closed'
  | 'protocol'
  | 'no_room'
  | 'internal';

export type MailboxCheck = {
  outcome: 'ok' | MailboxOutcome;
  words: string | null;
  fingerprint: string | null;
  folders: string[];
};
