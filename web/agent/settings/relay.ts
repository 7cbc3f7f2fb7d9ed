/** The relay's form: what it starts from, what may be sent, and what is sent. */
import type { Relay, RelayBody } from '$api/types';
import { t } from '$shared/i18n/index.svelte';
import type { Faults } from './form.svelte';

export type RelayValues = {
  host: string;
  port: string;
  tls: Relay['tls'];
  username: string;
  password: string;
};

/** The port that usually goes with each kind of encryption. */
export const USUAL_PORT: Record<Relay['tls'], string> = { required: '465', starttls: '587', none: '25' };

/** `null` starts an empty form. The password is never told by the server. */
export function relayValues(relay: Relay | null): RelayValues {
  if (!relay || relay.source === 'none') {
    return { host: '', port: USUAL_PORT.starttls, tls: 'starttls', username: '', password: '' };
  }
  return { host: relay.host, port: String(relay.port), tls: relay.tls, username: relay.username ?? '', password: '' };
}

export function checkRelay(values: RelayValues): Faults<RelayValues> {
  const faults: Faults<RelayValues> = {};
  const host = values.host.trim();
  if (!host || /[\s/@]/.test(host)) faults.host = t('settings.mail.badHost');
  const port = Number(values.port.trim());
  if (!/^\d{1,5}$/.test(values.port.trim()) || port < 1 || port > 65535) faults.port = t('settings.mail.badPort');
  return faults;
}

/** A password goes along only when one was typed; a user name left empty takes both away. */
export function relayBody(values: RelayValues): RelayBody {
  const body: RelayBody = { host: values.host.trim(), port: Number(values.port.trim()), tls: values.tls };
  const username = values.username.trim();
  body.username = username || null;
  if (username && values.password) body.password = values.password;
  return body;
}
