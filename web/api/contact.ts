/** Whom we write with, of the HTTP contract. */
import type { ConversationRow, Snapshot, Time } from './types';

export type Identity = { kind: string; value: string; verified: boolean };
export type Contact = {
  id: number;
  name: string | null;
  identities: Identity[];
  created_at: Time;
  conversation_count: number;
};
export type ContactPage = { contact: Contact; conversations: ConversationRow[] } & Snapshot;
