/** The rule by which one row is put into an ordered list of ids. Pure, so that it can be tested by itself. */

type Dated = { id: number; last_activity_at: string };

/** Newest activity first, then the higher id: the server's own order. */
export function before(a: Dated, b: Dated): boolean {
  if (a.last_activity_at !== b.last_activity_at) return a.last_activity_at > b.last_activity_at;
  return a.id > b.id;
}

/**
 * The list with `id` where it belongs now; the very same array when nothing moves.
 * `fits` null means "cannot tell": it stays where it is and is not put in. `more` means that older rows wait on the
 * server, so a row older than all of ours is left to the next page.
 */
export function place(
  ids: number[],
  id: number,
  row: Dated | undefined,
  fits: boolean | null,
  more: boolean,
  get: (id: number) => Dated | undefined,
): number[] {
  const at = ids.indexOf(id);
  if (fits === null && at < 0) return ids;
  if (!row || fits === false) return at < 0 ? ids : ids.filter((one) => one !== id);
  const rest = at < 0 ? ids : ids.filter((one) => one !== id);
  let low = 0;
  let high = rest.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = get(rest[middle] as number);
    if (other && before(other, row)) low = middle + 1;
    else high = middle;
  }
  if (low === at) return ids;
  if (at < 0 && more && low === rest.length) return ids;
  return [...rest.slice(0, low), id, ...rest.slice(low)];
}
