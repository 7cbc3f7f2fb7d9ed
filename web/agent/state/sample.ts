/** A conversation row for tests. */
import type { ConversationRow } from '$api/types';

export function sampleRow(id: number, over: Partial<ConversationRow> = {}): ConversationRow {
  const at = '2026-11-19T10:41:00.000Z';
  return {
    id,
    inbox: 1,
    channel: 'email',
    subject: `Subject ${id}`,
    state: 'open',
    place: 'inbox',
    contact: { id: 1, name: 'Oliver Grant', email: 'oliver@fellandford.example' },
    assignee: null,
    tags: [],
    message_count: 1,
    created_at: at,
    last_activity_at: at,
    snoozed_until: null,
    unread: false,
    has_attachments: false,
    draft: false,
    last: { kind: 'inbound', author: 'Oliver Grant', preview: 'Hello' },
    trouble: null,
    place_reason: null,
    related: [],
    ...over,
  };
}
