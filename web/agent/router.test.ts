import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { href, parse, Router, type Route } from './router.svelte';

const at = (path: string) => parse(new URL(path, 'https://desk.example'));

describe('parse', () => {
  it.each<[string, Route]>([
    ['/', { name: 'inbox', view: 'all', conversation: null, state: 'open' }],
    ['/inbox/mine', { name: 'inbox', view: 'mine', conversation: null, state: 'open' }],
    ['/inbox/in-3/42?state=closed', { name: 'inbox', view: 'in-3', conversation: 42, state: 'closed' }],
    ['/inbox/all/42?state=odd', { name: 'inbox', view: 'all', conversation: 42, state: 'open' }],
    ['/search?q=is%3Aopen+rain', { name: 'search', q: 'is:open rain', conversation: null }],
    ['/settings', { name: 'settings', section: 'profile' }],
    ['/settings/people', { name: 'settings', section: 'people' }],
    ['/sign-in', { name: 'sign-in' }],
    ['/set-up#token', { name: 'set-up' }],
    ['/new', { name: 'new' }],
    ['/inbox', { name: 'inbox', view: 'all', conversation: null, state: 'open' }],
    ['/inbox/spam/', { name: 'inbox', view: 'spam', conversation: null, state: 'open' }],
  ])('%s', (path, route) => expect(at(path)).toEqual(route));

  it.each([
    '/nope',
    '/%E0%A4%A',
    '/inbox/nope',
    '/inbox/in-x',
    '/inbox/all/4x',
    '/inbox/999999/conversation/7',
    '/inbox/all/7/raw',
    '/settings/people/7',
    '/search/more',
    '/constructor',
  ])('%s is no page', (path) => expect(at(path)).toEqual({ name: 'nowhere' }));
});

describe('href', () => {
  it('is read back as the same place', () => {
    const text = fc.string({ minLength: 1, maxLength: 20 }).filter((one) => one !== '.' && one !== '..');
    const id = fc.option(fc.nat(), { nil: null });
    const view = fc.oneof(
      fc.constantFrom('all', 'mine', 'sent', 'trash'),
      fc.nat().map((inbox) => `in-${inbox}`),
    );
    const state = fc.constantFrom('open', 'snoozed', 'closed');
    const route = fc.oneof(
      fc.record({ name: fc.constant('inbox'), view, conversation: id, state }),
      fc.record({ name: fc.constant('search'), q: fc.string(), conversation: id }),
      fc.record({ name: fc.constant('settings'), section: text }),
    ) as fc.Arbitrary<Route>;
    fc.assert(fc.property(route, (one) => void expect(at(href(one))).toEqual(one)));
  });
});

describe('Router', () => {
  let router: Router;
  beforeEach(() => {
    history.replaceState(null, '', '/inbox/all');
    router = new Router();
    document.body.innerHTML = '';
    return router.start();
  });

  function click(html: string, init: MouseEventInit = {}): boolean {
    document.body.innerHTML = html;
    const event = new MouseEvent('click', { bubbles: true, cancelable: true, ...init });
    // The page itself goes nowhere in a test; whether it would have is what counts.
    const seen: boolean[] = [];
    window.addEventListener('click', (one) => (seen.push(one.defaultPrevented), one.preventDefault()), { once: true });
    document.body.firstElementChild?.dispatchEvent(event);
    return seen[0] ?? false;
  }

  it('follows links of ours without loading a page', () => {
    expect(click('<a href="/inbox/mine/7">x</a>')).toBe(true);
    expect(router.route).toMatchObject({ view: 'mine', conversation: 7 });
  });

  it.each([
    ['<a href="/api/v1/messages/1/raw">x</a>', {}],
    ['<a href="https://elsewhere.example/">x</a>', {}],
    ['<a href="/inbox/mine" target="_blank">x</a>', {}],
    ['<a href="/inbox/mine" download>x</a>', {}],
    ['<a href="/inbox/mine">x</a>', { ctrlKey: true }],
  ])('leaves %s to the browser', (html, init) => {
    const ours = click(html, init);
    expect(router.route).toMatchObject({ view: 'all' });
    expect(ours).toBe(false);
  });

  it('replaces without a step in the history', () => {
    const before = history.length;
    router.go('/inbox/spam', { replace: true });
    expect(history.length).toBe(before);
    expect(router.route).toMatchObject({ view: 'spam' });
  });
});
