/** A contact as the side bar shows it; the last few stay in memory, so that travelling does not flicker. */
import { client, isAbort } from '$api/client';
import type { Contact, ContactPage, ConversationRow } from '$api/types';

const KEPT = 30;
const known = new Map<number, ContactPage>();

function keep(page: ContactPage): void {
  known.delete(page.contact.id);
  known.set(page.contact.id, page);
  if (known.size > KEPT) known.delete(known.keys().next().value as number);
}

export class ContactCard {
  contact = $state.raw<Contact | null>(null);
  conversations = $state.raw<ConversationRow[]>([]);
  failed = $state(false);
  #running: AbortController | null = null;

  /** Shows what is in memory at once and reads it anew. */
  async load(id: number): Promise<void> {
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    this.#show(known.get(id) ?? null);
    this.failed = false;
    try {
      const page = await client.get<ContactPage>(`/contacts/${id}`, { signal: running.signal });
      keep(page);
      this.#show(page);
    } catch (error) {
      if (!isAbort(error)) this.failed = true;
    }
  }

  /** At once on the screen; a refusal puts the old name back and throws its Problem. */
  async rename(name: string): Promise<void> {
    const before = this.contact;
    if (!before) return;
    this.contact = { ...before, name: name || null };
    try {
      await client.patch(`/contacts/${before.id}`, { name });
      const page = known.get(before.id);
      if (page) keep({ ...page, contact: { ...page.contact, name: name || null } });
    } catch (error) {
      if (this.contact?.id === before.id) this.contact = before;
      throw error;
    }
  }

  #show(page: ContactPage | null): void {
    this.contact = page?.contact ?? null;
    this.conversations = page?.conversations ?? [];
  }
}
