/** F6: the focus walks navigation, list, thread and side bar. A region is whatever carries `data-region` or is an aside. */

const FOCUSABLE =
  'a[href][tabindex="0"], a[href]:not([tabindex]), button:not(:disabled, .skip, [tabindex="-1"]), input, textarea, [tabindex="0"]';

export function nextRegion(by: 1 | -1): void {
  const all = [...document.querySelectorAll<HTMLElement>('[data-region], section.thread, aside.side')].filter(
    (region, index, list) =>
      region.offsetParent !== null && list.findIndex((other) => other.contains(region)) === index,
  );
  if (!all.length) return;
  const at = all.findIndex((region) => region.contains(document.activeElement));
  const region = all[(at + by + all.length) % all.length] ?? all[0];
  const wanted = ['.row[tabindex="0"]', '[aria-current]', '[tabindex="0"]', FOCUSABLE];
  const find = (selector: string) => region?.querySelector<HTMLElement>(selector) ?? [];
  wanted.flatMap(find)[0]?.focus();
}
