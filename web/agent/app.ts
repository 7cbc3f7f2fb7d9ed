/** The app itself: everything that only somebody signed in, or setting up, needs. */
import { mount } from 'svelte';
import type { Me } from '$api/types';
import { browserLanguage, setLanguage } from '$shared/i18n/index.svelte';
import App from './App.svelte';
import { hint } from './sign-in/hint';
import { session } from './state/session.svelte';

/** Mounts the app; `me` is what the server has just said of us, when it was asked. */
export async function start(target: HTMLElement, me: Me | null): Promise<void> {
  await setLanguage(me?.language ?? browserLanguage());
  if (me) await session.take(me);
  mount(App, { target });
  if (me) hint.set(true);
}
