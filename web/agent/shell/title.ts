/** The tab: "(4) Tarnina" and a dot on the icon while something is unread; other pages than the inbox say which. */
import plain from '$shared/brand/favicon.svg';
import fresh from '$shared/brand/favicon-new.svg';
import { upTo99 } from '$shared/format/index';

export function tellUnread(unread: number, workspace: string, page: string | null): void {
  const name = [page, workspace, 'Frontdesk'].filter(Boolean).join(' · ');
  document.title = unread > 0 ? `(${upTo99(unread)}) ${name}` : name;
  const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  const wanted = unread > 0 ? fresh : plain;
  if (link && link.getAttribute('href') !== wanted) link.setAttribute('href', wanted);
}
