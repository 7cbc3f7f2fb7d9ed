/** F6: the focus walks navigation, list, thread and side bar. A region is whatever carries `data-region` or is an aside. */

const WANTED = [
  '.row[tabindex="0"]',
  '[aria-current]',
  '[tabindex="0"]',
  'a[href]:not([tabindex="-1"]), button:not(:disabled, .skip, [tabindex="-1"]), input, textarea',
];

/** Where the focus goes in a region; a region that has no such place is passed over. */
function target(region: HTMLElement): HTMLElement | undefined {
  return WANTED.flatMap((selector) => region.querySelector<HTMLElement>(selector) ?? [])[0];
}

export function nextRegion(by: 1 | -1): void {
  const all = [...document.querySelectorAll<HTMLElement>('[data-region], section.thread, aside.side')].filter(
    (region, index, list) =>
      region.offsetParent !== null && target(region) && list.findIndex((other) => other.contains(region)) === index,
  );
  const here = all.findIndex((region) => region.contains(document.activeElement));
  // From nowhere it begins with the first, or going back with the last.
  const region = here < 0 ? all.at(by > 0 ? 0 : -1) : all[(here + by + all.length) % all.length];
  if (region) target(region)?.focus();
}

/** Puts the focus on the text of the open conversation, where arrows and space scroll it. */
export function focusThread(): void {
  document.querySelector<HTMLElement>('[data-region="thread"] > .scroll')?.focus({ preventScroll: true });
}

/** Whether the focus is where a key may be the list's: on nothing, or for arrows on a link or button beside the text. */
export function focusFree(key = ''): boolean {
  const at = document.activeElement;
  if (at === null || at === document.body) return true;
  return key.startsWith('Arrow') && at.closest('[data-region="list"], [data-region="nav"]') !== null;
}
