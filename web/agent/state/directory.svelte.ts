/** The agents and inboxes of the workspace: names for ids, and the choices in menus. */
import { client } from '$api/client';
import type { Agent, Inbox, Items } from '$api/types';

export class Directory {
  agents = $state.raw<Agent[]>([]);
  inboxes = $state.raw<Inbox[]>([]);
  #known = $state(false);

  async load(): Promise<void> {
    await Promise.all([this.loadAgents(), this.loadInboxes()]);
  }

  async loadAgents(): Promise<void> {
    this.agents = (await client.get<Items<Agent>>('/agents')).items;
  }

  async loadInboxes(): Promise<void> {
    this.inboxes = (await client.get<Items<Inbox>>('/inboxes')).items;
    this.#known = true;
  }

  agent(id: number | null): Agent | undefined {
    return id === null ? undefined : this.agents.find((agent) => agent.id === id);
  }

  inbox(id: number): Inbox | undefined {
    return this.inboxes.find((inbox) => inbox.id === id);
  }

  /** Told only once the inboxes are here: there is none of this number, or not for this agent. */
  lacks(inbox: number | null): boolean {
    return inbox !== null && this.#known && !this.inbox(inbox);
  }

  /** Those a conversation can be given to. */
  get assignable(): Agent[] {
    return this.agents.filter((agent) => agent.active && agent.role !== 'viewer');
  }
}
