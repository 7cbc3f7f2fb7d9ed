/** The app itself: everything that only somebody signed in, or setting up, needs. */
import { mount } from 'svelte';
import type { Me } from '$api/types';
import { browserLanguage, setLanguage } from '$shared/i18n/index.svelte';
import App from './App.svelte';
import { hint } from './sign-in/hint';
import { session } from './state/session.svelte';

/** Fetches what somebody signed in sees first, while the server is still asked who it is. */
export function ahead(): void {
  // What could not be fetched now is fetched, and complained of, when it is shown.
  import('./shell/Shell.svelte').catch(() => {});
}

/** Mounts the app; `me` is what the server has just said of us, when it was asked. */
export async function start(target: HTMLElement, me: Me | null): Promise<void> {
  await setLanguage(me?.language ?? browserLanguage());
  if (me) await session.take(me);
  mount(App, { target });
  if (me) hint.set(true);
}
