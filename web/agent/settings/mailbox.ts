/** A mailbox elsewhere as its form holds it. The keys are the server's names, so that its faults find their fields. */
import type { Imap, ImapAfter } from '$api/mailbox';
import { t } from '$shared/i18n/index.svelte';
import type { Faults } from './form.svelte';

export type MailboxValues = {
  host: string;
  security: Imap['security'];
  port: string;
  user: string;
  secret: string;
  login: Imap['login'];
  folders: string;
  after: ImapAfter;
  move_to: string;
  since: string;
  fingerprint: string;
};

export const USUAL_PORT: Record<Imap['security'], string> = { tls: '993', starttls: '143' };

export function mailboxValues(imap: Imap | null): MailboxValues {
  return {
    host: imap?.host ?? '',
    security: imap?.security ?? 'tls',
    port: String(imap?.port ?? USUAL_PORT.tls),
    user: imap?.user ?? '',
    secret: '',
    login: imap?.login ?? 'password',
    folders: (imap?.folders ?? ['INBOX']).join('\n'),
    after: imap?.after ?? 'leave',
    move_to: imap?.move_to ?? '',
    since: imap?.since?.slice(0, 10) ?? '',
    fingerprint: imap?.fingerprint ?? '',
  };
}

export function checkMailbox(values: MailboxValues): Faults<MailboxValues> {
  const faults: Faults<MailboxValues> = {};
  for (const field of ['host', 'user'] as const) {
    if (!values[field].trim()) faults[field] = t('settings.reason.empty');
  }
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65535) faults.port = t('settings.reason.invalid');
  if (values.after === 'move' && !values.move_to.trim()) faults.move_to = t('settings.reason.empty');
  return faults;
}

/** What is sent: a password that was not typed is not, and the one that is kept stays. */
export function mailboxBody(values: MailboxValues): Record<string, unknown> {
  return {
    ...values,
    port: Number(values.port),
    secret: values.secret || null,
    folders: folderList(values.folders),
    move_to: values.after === 'move' ? values.move_to : null,
    since: values.since ? `${values.since}T00:00:00Z` : null,
    fingerprint: values.fingerprint.trim() || null,
  };
}

/** One folder a line. */
export function folderList(text: string): string[] {
  return text
    .split('\n')
    .map((one) => one.trim())
    .filter(Boolean);
}
