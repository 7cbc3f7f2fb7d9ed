/** What the server could not make of a search line, in the reader's words. */
import { Problem } from '$api/client';
import { tMaybe } from '$shared/i18n/index.svelte';
import { reasonAlone } from '../state/actions.svelte';

const PART = /^-?(?:[a-z]+:)?(?:"[^"]*"?|[^\s()"]+)/i;

/** The part of a line that begins at a byte, the operator before it included. */
export function partAt(line: string, at: number): string {
  const bytes = new TextEncoder().encode(line);
  const before = new TextDecoder().decode(bytes.slice(0, at));
  const operator = /-?[a-z]+:$/i.exec(before)?.[0] ?? '';
  const part = PART.exec(line.slice(before.length - operator.length))?.[0] ?? '';
  return Array.from(part).slice(0, 60).join('');
}

export function refusal(error: unknown, line: string): string {
  if (error instanceof Problem && error.field === 'q') {
    const { reason, at } = error.body;
    const known = tMaybe(`shell.search.${reason ?? ''}`, { part: partAt(line, at ?? 0) });
    if (known) return known;
  }
  return reasonAlone(error);
}
