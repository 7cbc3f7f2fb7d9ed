/** Where we are, from the address; History API only. Every place a person can be has an address of its own. */

import { isView } from './state/views';

export type ListState = 'open' | 'snoozed' | 'closed';

export type Route =
  | { name: 'inbox'; view: string; conversation: number | null; state: ListState }
  | { name: 'search'; q: string; conversation: number | null }
  | { name: 'new' }
  | { name: 'settings'; section: string }
  | { name: 'sign-in' }
  | { name: 'set-up' }
  | { name: 'nowhere' };

const STATES: readonly string[] = ['open', 'snoozed', 'closed'];

function id(text: string | undefined | null): number | null {
  return text && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

const NOWHERE: Route = { name: 'nowhere' };

function inboxAt(parts: string[], query: URLSearchParams): Route {
  const [, view = 'all', open] = parts;
  const conversation = id(open);
  if (!isView(view) || (open !== undefined && conversation === null)) return NOWHERE;
  const state = query.get('state') ?? 'open';
  return { name: 'inbox', view, conversation, state: (STATES.includes(state) ? state : 'open') as ListState };
}

/** How many parts the address of a place has at most. */
const DEPTH: Record<string, number> = { inbox: 3, settings: 2 };

/** The place an address means. The root means the inbox; what nobody knows is a place of its own. */
export function parse(url: URL): Route {
  const parts = url.pathname.split('/').filter(Boolean).map(decodeURIComponentSafe);
  const query = url.searchParams;
  const first = parts[0] ?? 'inbox';
  if (parts.length > (DEPTH[first] ?? 1)) return NOWHERE;
  switch (first) {
    case 'inbox':
      return inboxAt(parts, query);
    case 'search':
      return { name: 'search', q: query.get('q') ?? '', conversation: id(query.get('open')) };
    case 'settings':
      return { name: 'settings', section: parts[1] ?? 'profile' };
    case 'new':
      return { name: 'new' };
    case 'sign-in':
      return { name: 'sign-in' };
    case 'set-up':
    case 'setup':
      return { name: 'set-up' };
    default:
      return NOWHERE;
  }
}

function decodeURIComponentSafe(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a place; `parse` of it gives the place back. */
export function href(route: Route): string {
  const query = new URLSearchParams();
  let path: string;
  switch (route.name) {
    case 'inbox':
      path = `/inbox/${encodeURIComponent(route.view)}${route.conversation === null ? '' : `/${route.conversation}`}`;
      if (route.state !== 'open') query.set('state', route.state);
      break;
    case 'search':
      path = '/search';
      if (route.q) query.set('q', route.q);
      if (route.conversation !== null) query.set('open', String(route.conversation));
      break;
    case 'settings':
      path = `/settings/${encodeURIComponent(route.section)}`;
      break;
    default:
      path = `/${route.name}`;
  }
  const tail = query.toString();
  return tail ? `${path}?${tail}` : path;
}

/** Shorthand for the address of a conversation within a view. */
export function conversationHref(conversation: number, view = 'all', state: ListState = 'open'): string {
  return href({ name: 'inbox', view, conversation, state });
}

export class Router {
  route = $state.raw<Route>({ name: 'inbox', view: 'all', conversation: null, state: 'open' });
  /** Somebody has gone somewhere since the page was loaded. */
  moved = false;

  constructor() {
    this.#read();
  }

  /** Listens for back, forward and clicks on our own links; returns the end of it. */
  start(): () => void {
    const pop = () => {
      this.moved = true;
      this.#read();
    };
    const click = (event: MouseEvent) => this.#click(event);
    window.addEventListener('popstate', pop);
    document.addEventListener('click', click);
    return () => {
      window.removeEventListener('popstate', pop);
      document.removeEventListener('click', click);
    };
  }

  /** Goes to a place or an address of ours. `replace` leaves no step in the history. */
  go(to: Route | string, options: { replace?: boolean } = {}): void {
    const address = typeof to === 'string' ? to : href(to);
    this.moved = true;
    if (address !== location.pathname + location.search + location.hash) {
      if (options.replace) history.replaceState(null, '', address);
      else history.pushState(null, '', address);
    }
    this.#read();
  }

  #read(): void {
    this.route = parse(new URL(location.href));
  }

  #click(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest?.('a[href]') as HTMLAnchorElement | null;
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (link.pathname.startsWith('/api/')) return;
    if (link.hash && link.pathname === location.pathname && link.search === location.search) return;
    event.preventDefault();
    this.go(link.pathname + link.search + link.hash);
  }
}

/** The one router of the page. */
export const router = new Router();
