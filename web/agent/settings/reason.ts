/** Why the server said no, in the reader's words. */
import { Problem } from '$api/client';
import { t, tMaybe } from '$shared/i18n/index.svelte';
import { reasonAlone } from '../state/actions.svelte';

/** One sentence for a refusal. What is not a `Problem` is a fault of ours and goes on up. */
export function reason(error: unknown): string {
  if (!(error instanceof Problem)) throw error;
  if (error.offline) return t('settings.offline');
  if (error.code === 'forbidden' || error.code === 'read_only') return t('settings.forbidden');
  if (error.code === 'rate_limited') return t('settings.wait');
  return tMaybe(`shell.problem.${error.code}`)
    ? reasonAlone(error)
    : t('settings.fault', { status: String(error.status) });
}

/** The form's field that the server names: "password.new" and "/new" both mean "new". */
export function fieldOf(error: unknown): string | null {
  if (!(error instanceof Problem) || !error.field) return null;
  return error.field.split(/[./]/).pop() || null;
}

/** The sentence below a field. */
export function fieldReason(error: Problem): string {
  if (/_in_use$/.test(error.code)) return t('settings.taken');
  return tMaybe(`settings.reason.${error.body.reason ?? ''}`) ?? t('settings.reason.invalid');
}
