/** What was found about a mail's sender, in words. */
import type { Authentication, DkimCheck, Message } from '$api/types';
import { t, tMaybe } from '$shared/i18n/index.svelte';

type Found = Pick<Message, 'authentication' | 'from'>;

const domainOf = (message: Found) =>
  message.authentication?.dmarc?.domain ?? message.from?.email.split('@').at(-1) ?? '';

/** What follows, in a sentence; empty where nothing was looked at. */
export function verdictWords(message: Found): string {
  const verdict = message.authentication?.verdict;
  return verdict ? t(`conv.trust.${verdict}_how`, { domain: domainOf(message) }) : '';
}

const beside = (words: string, aligned: boolean) => (aligned ? words : t('conv.trust.beside', { words }));

function spf(found: NonNullable<Authentication['spf']>): string {
  const { result, domain } = found;
  if (!domain) return t('conv.trust.spf_nobody');
  if (result === 'pass') return beside(t('conv.trust.spf_pass', { domain }), found.aligned);
  if (result === 'fail' || result === 'softfail') return t('conv.trust.spf_fail', { domain });
  return t(result.endsWith('error') ? 'conv.trust.unasked' : 'conv.trust.spf_none', { domain });
}

function dkim(found: DkimCheck): string {
  const { result, domain, reason } = found;
  if (result === 'pass') return beside(t('conv.trust.dkim_pass', { domain }), found.aligned);
  return (domain && tMaybe(`conv.trust.dkim.${reason}`, { domain })) || t('conv.trust.dkim_broken');
}

function dmarc({ result, domain, policy }: NonNullable<Authentication['dmarc']>): string {
  if (result.endsWith('error')) return t('conv.trust.unasked', { domain });
  if (policy === null) return t('conv.trust.dmarc_none', { domain });
  if (result === 'pass') return t('conv.trust.dmarc_pass', { domain });
  return t(`conv.trust.dmarc_fail_${policy}`, { domain });
}

function iprev({ result, address, name }: NonNullable<Authentication['iprev']>): string {
  if (result === 'pass') return t('conv.trust.iprev_pass', { address, name: name ?? '' });
  return t(result === 'temperror' ? 'conv.trust.iprev_unasked' : 'conv.trust.iprev_fail', { address });
}

/** Each check with its name, for the facts of a message. */
export function trustFacts(found: Authentication | null): [string, string[]][] {
  if (!found || found.verdict === 'checking') return [];
  const facts: [string, string[]][] = [];
  if (found.spf) facts.push(['SPF', [spf(found.spf)]]);
  if (found.spf) facts.push(['DKIM', found.dkim.length ? found.dkim.map(dkim) : [t('conv.trust.dkim_none')]]);
  if (found.dmarc) facts.push(['DMARC', [dmarc(found.dmarc)]]);
  if (found.iprev) facts.push([t('conv.trust.server'), [iprev(found.iprev)]]);
  return facts;
}
