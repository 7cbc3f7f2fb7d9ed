/** Why the server said no, in the reader's words where we have them and in the server's otherwise. */
import { Problem } from '$api/client';
import { t, tMaybe } from '$shared/i18n/index.svelte';

/** One sentence for a refusal. What is not a `Problem` is a fault of ours and goes on up. */
export function reason(error: unknown): string {
  if (!(error instanceof Problem)) throw error;
  if (error.offline) return t('settings.offline');
  if (error.code === 'forbidden' || error.code === 'read_only') return t('settings.forbidden');
  if (error.code === 'rate_limited') return t('settings.wait');
  return error.detail || t('settings.fault', { status: String(error.status) });
}

/** The form's field that the server names: "password.new" and "/new" both mean "new". */
export function fieldOf(error: unknown): string | null {
  if (!(error instanceof Problem) || !error.field) return null;
  return error.field.split(/[./]/).pop() || null;
}

/** The sentence below a field. */
export function fieldReason(error: Problem): string {
  if (/_in_use$/.test(error.code)) return t('settings.taken');
  return tMaybe(`settings.reason.${error.body.reason ?? ''}`) ?? (error.detail || t('settings.required'));
}
