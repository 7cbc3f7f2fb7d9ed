/** Who is signed in, in which language and look. Small on purpose: the sign-in page loads it and nothing else of the state. */
import { client, isAbort, Problem } from '$api/client';
import type { Density, Me, MePatch, Theme } from '$api/types';
import { language, setLanguage } from '$shared/i18n/index.svelte';

export type SessionStatus = 'unknown' | 'in' | 'out' | 'unreachable';

function show(theme: Theme, density: Density): void {
  const root = document.documentElement;
  if (theme === 'auto') root.removeAttribute('data-theme');
  else root.setAttribute('data-theme', theme);
  root.setAttribute('data-density', density);
}

export class Session {
  me = $state.raw<Me | null>(null);
  status = $state<SessionStatus>('unknown');

  constructor() {
    client.onUnauthorized = () => this.#out();
  }

  /** Asks the server who we are; call after signing in and on the `me` frame. */
  async load(): Promise<void> {
    try {
      await this.take(await client.get<Me>('/me'));
    } catch (error) {
      if (isAbort(error)) return;
      if (error instanceof Problem && error.status === 401) this.#out();
      else if (this.status === 'unknown') this.status = 'unreachable';
    }
  }

  /** Takes a fresh answer: language, theme and density follow. */
  async take(me: Me): Promise<void> {
    if (me.language !== language()) await setLanguage(me.language);
    show(me.preferences.theme, me.preferences.density);
    this.me = me;
    this.status = 'in';
  }

  /** Changes the profile or preferences; throws the Problem of a refusal. */
  async patch(change: MePatch): Promise<void> {
    await client.patch('/me', change);
    await this.load();
  }

  async signOut(): Promise<void> {
    try {
      await client.del('/sessions/current');
    } finally {
      this.#out();
    }
  }

  #out(): void {
    this.me = null;
    this.status = 'out';
  }
}

/** The one session of the page. */
export const session = new Session();
