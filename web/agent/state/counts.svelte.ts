/** How many conversations each view and inbox holds; the server's numbers, 100 meaning "99+". */
import { client } from '$api/client';
import type { Counts as CountsAnswer, CountsBody, ViewName } from '$api/types';

export class Counts {
  views = $state.raw<Partial<Record<ViewName, number>>>({});
  inboxes = $state.raw<Record<string, number>>({});
  unread = $state(0);

  async load(): Promise<void> {
    this.take(await client.get<CountsAnswer>('/counts'));
  }

  take(body: CountsBody): void {
    this.views = body.views;
    this.inboxes = body.inboxes;
    this.unread = body.unread;
  }
}
