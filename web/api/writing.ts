/** What a message can be besides its words and recipients. */
import type { Person } from './types';

/** Sent not before this time. */
export type Later = { send_at?: string };

/** A message that is passed on under the words; without `forward_files` all of its files go along. */
export type Forwarding = { forward_of?: number; forward_files?: number[] };

/** The same in a draft, as the server keeps it. */
export type Forwarded = { forward_of?: number | null; forward_files?: number[] | null };

export type NewConversation = Later & {
  client_id: string;
  inbox: number;
  to: Person[];
  cc?: Person[];
  bcc?: Person[];
  subject: string;
  html?: string;
  text?: string;
  attachments?: number[];
};
