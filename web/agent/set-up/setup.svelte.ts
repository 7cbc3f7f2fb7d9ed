/** The first run: what is asked, in which order, and what the server makes of it. The token stays in the fragment,
 *  which browsers never send in a request line, until it is posted. */
import { client, Problem } from '$api/client';
import type { Inbox, Items, Relay, SetupBody } from '$api/types';
import { MAX_PASSWORD, MIN_PASSWORD, lengthOf } from '$shared/format/strength';
import { language, t } from '$shared/i18n/index.svelte';
import { looksLikeEmail } from '../settings/email';
import { Form, type Faults } from '../settings/form.svelte';
import { fieldOf, fieldReason, reason } from '../settings/reason';
import { checkRelay, relayBody, relayValues } from '../settings/relay';

export type LinkState = 'checking' | 'open' | 'missing' | 'wrong' | 'used' | 'offline';
export type StepName = 'owner' | 'company' | 'inbox' | 'address' | 'relay';

type Owner = { name: string; email: string; password: string };

/** The server's field names, and the step each is asked in. */
const ASKED_IN: Record<string, 'owner' | 'company' | 'inbox'> = {
  name: 'owner',
  email: 'owner',
  password: 'owner',
  workspace_name: 'company',
  inbox_name: 'inbox',
};

function checkOwner(values: Owner): Faults<Owner> {
  const faults: Faults<Owner> = {};
  if (!values.name.trim()) faults.name = t('settings.required');
  if (!looksLikeEmail(values.email)) faults.email = t('settings.badEmail');
  const length = lengthOf(values.password);
  if (length < MIN_PASSWORD) faults.password = t('settings.strength.empty', { min: MIN_PASSWORD });
  if (length > MAX_PASSWORD) faults.password = t('settings.strength.long', { max: MAX_PASSWORD });
  return faults;
}

/** The secret word of a link: "#word" or "#token=word". */
export function tokenOf(hash: string): string {
  return decodeURIComponent(hash.replace(/^#(token=)?/, ''));
}

export class SetUp {
  link = $state<LinkState>('checking');
  step = $state<StepName>('owner');
  address = $state<string | null>(null);
  /** The relay of the configuration file, when there is one. */
  configured = $state<string | null>(null);
  busy = $state(false);
  refusal = $state<string | null>(null);
  readonly owner = new Form<Owner>('owner', { name: '', email: '', password: '' }, checkOwner);
  readonly company = new Form('company', { workspace_name: '' }, (values) =>
    values.workspace_name.trim() ? {} : { workspace_name: t('settings.required') },
  );
  readonly inbox = new Form('inbox', { inbox_name: '' }, (values) =>
    values.inbox_name.trim() ? {} : { inbox_name: t('settings.required') },
  );
  readonly relay = new Form('relay', relayValues(null), checkRelay);
  #token = '';

  /** Looks whether the link still opens the set-up. */
  async check(hash: string): Promise<void> {
    if (this.created) return;
    this.#token = tokenOf(hash);
    if (!this.#token) {
      this.link = 'missing';
      return;
    }
    this.link = 'checking';
    try {
      const { needed } = await client.get<{ needed: boolean }>('/setup', { query: { token: this.#token } });
      this.link = needed ? 'open' : 'used';
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.link = error.status === 0 || error.status >= 500 ? 'offline' : 'wrong';
    }
  }

  /** True once the server has made the workspace: nothing before it can be changed here any more. */
  get created(): boolean {
    return this.step === 'address' || this.step === 'relay';
  }

  async finishOwner(): Promise<void> {
    if (await this.owner.save(async () => {})) this.step = this.#after('company');
  }

  async finishCompany(): Promise<void> {
    if (!(await this.company.save(async () => {}))) return;
    if (!this.inbox.values.inbox_name) this.inbox.values.inbox_name = t('settings.setUp.inboxDefault');
    this.step = 'inbox';
  }

  /** Sends everything; afterwards the owner is signed in. */
  async create(): Promise<void> {
    if (this.busy || !(await this.inbox.save(async () => {}))) return;
    this.busy = true;
    this.refusal = null;
    try {
      await client.post('/setup', this.#body());
      this.owner.values.password = '';
      this.#token = '';
      history.replaceState(null, '', location.pathname);
      await this.#readBack();
      this.step = 'address';
    } catch (error) {
      this.#refuse(error);
    } finally {
      this.busy = false;
    }
  }

  /** Saves the relay; true when the inbox may open. */
  saveRelay(): Promise<boolean> {
    return this.relay.save((_changed, all) => client.put('/settings/relay', relayBody(all)));
  }

  #body(): SetupBody {
    const { name, email, password } = this.owner.values;
    return {
      token: this.#token,
      name: name.trim(),
      email: email.trim(),
      password,
      workspace_name: this.company.values.workspace_name.trim(),
      inbox_name: this.inbox.values.inbox_name.trim(),
      language: language(),
    };
  }

  /** The address and a configured relay are shown when they can be read; the set-up is done either way. */
  async #readBack(): Promise<void> {
    try {
      const inboxes = await client.get<Items<Inbox>>('/inboxes');
      this.address = inboxes.items[0]?.fallback_address ?? null;
      const relay = await client.get<Relay>('/settings/relay');
      this.configured = relay.source === 'config' ? relay.host : null;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
  }

  #refuse(error: unknown): void {
    const field = fieldOf(error);
    const step = field ? ASKED_IN[field] : undefined;
    if (error instanceof Problem && field && step) {
      this[step].blame({ [field]: fieldReason(error) });
      this.step = step;
    } else if (error instanceof Problem && (error.status === 404 || error.status === 409 || error.status === 410)) {
      this.link = error.status === 404 ? 'wrong' : 'used';
    } else {
      this.refusal = reason(error);
    }
  }

  /** Steps that were filled in before are passed over when one of them is changed. */
  #after(next: 'company'): StepName {
    return this.company.values.workspace_name && this.inbox.values.inbox_name ? 'inbox' : next;
  }
}
