/** New mail: said politely, gathered over a second so that a burst is one sentence. */
import { personName } from '$shared/format/index';
import { t } from '$shared/i18n/index.svelte';
import type { Desk } from '../state/desk.svelte';

const GATHER = 1000;

export function newsOf(desk: Desk): () => void {
  const from = new Map<number, string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = desk.live.onFrame((frame) => {
    if (frame.type !== 'message' || frame.message.kind !== 'inbound' || !frame.message.from) return;
    // A changed message comes again: only what is minutes old is news.
    if (Date.now() - Date.parse(frame.message.at) > 300_000) return;
    from.set(frame.message.id, personName(frame.message.from));
    timer ??= setTimeout(() => {
      timer = undefined;
      const count = from.size;
      desk.toasts.announce(t('shell.news', { count, name: [...from.values()][0] ?? '' }));
      from.clear();
    }, GATHER);
  });
  return () => {
    clearTimeout(timer);
    end();
  };
}
