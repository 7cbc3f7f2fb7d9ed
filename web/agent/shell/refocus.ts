/**
 * When what has the focus is taken off the page – a button that did its deed, a tag that was removed – the focus goes to
 * what was around it. Only within its own region: where a whole region goes, whoever opens the next one says where.
 */

const REGION = '[data-region], aside, main, dialog';
const REACHED =
  'a[href]:not([tabindex="-1"]), button:not(:disabled, [tabindex="-1"]), input:not(:disabled, [hidden]), textarea, [tabindex="0"]';

/** What was around, from within to without, as far as it is still there and in the same region. */
function remaining(path: readonly HTMLElement[]): HTMLElement[] {
  const end = path.findIndex((one) => one.matches(REGION));
  return path.slice(0, end + 1).filter((one) => one.isConnected);
}

export function keepFocus(): () => void {
  let path: HTMLElement[] = [];
  const remember = (event: FocusEvent) => {
    path = event.composedPath().filter((one): one is HTMLElement => one instanceof HTMLElement);
  };
  const observer = new MutationObserver(() => {
    const gone = path[0];
    // A row that scrolled out of the windowed list comes back as it was.
    if (!gone || gone.isConnected || gone.matches('.row') || document.activeElement !== document.body) return;
    const near = remaining(path);
    path = [];
    for (const one of near) {
      const next = one.matches(REACHED) ? one : one.querySelector<HTMLElement>(REACHED);
      next?.focus({ preventScroll: true });
      if (next && document.activeElement === next) return;
    }
  });
  document.addEventListener('focusin', remember);
  observer.observe(document.body, { childList: true, subtree: true });
  return () => {
    document.removeEventListener('focusin', remember);
    observer.disconnect();
  };
}
