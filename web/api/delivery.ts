/** How a mail of ours fares on its way, of the HTTP contract. */
import type { Time } from './types';

export type DeliveryState = 'queued' | 'sending' | 'sent' | 'retrying' | 'failed' | 'cancelled';

export type DeliveryAttempt = {
  at: Time;
  recipient: string | null;
  outcome: 'accepted' | 'deferred' | 'refused' | 'error' | 'bounced';
  reply: string;
};

export type Delivery = {
  state: DeliveryState;
  due_at: Time | null;
  send_at?: Time | null;
  attempts: DeliveryAttempt[];
  recipients: { email: string; state: string; reply: string | null }[];
};
