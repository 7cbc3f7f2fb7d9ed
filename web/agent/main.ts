/** Starts the page. Whoever is not signed in gets the sign-in page and nothing more; the app is fetched when needed. */
import { client, Problem } from '$api/client';
import type { Me } from '$api/types';
import { browserLanguage } from '$shared/i18n/browser';
import '$shared/styles/tokens.css';
import '$shared/styles/ui.css';
import { hint } from './sign-in/hint';

const app = () => import('./app');

function root(): HTMLElement {
  const target = document.getElementById('app');
  if (!target) throw new Error('index.html has no #app');
  return target;
}

/** Who the cookie says we are; null when the app has to find out, for the server did not answer. */
async function whoAmI(): Promise<Me | 'nobody' | null> {
  try {
    return await client.get<Me>('/me');
  } catch (error) {
    return error instanceof Problem && error.status === 401 ? 'nobody' : null;
  }
}

async function signIn(target: HTMLElement): Promise<void> {
  const wanted = location.pathname === '/sign-in' ? '/inbox/all' : location.pathname + location.search;
  history.replaceState(null, '', '/sign-in');
  hint.set(false);
  const { signInPage } = await import('./sign-in/page');
  const close = signInPage(target, {
    language: browserLanguage(),
    onBegin: () => void app().catch(() => {}),
    onSignedIn: async () => {
      try {
        const [{ start }, me] = await Promise.all([app(), client.get<Me>('/me')]);
        close();
        history.replaceState(null, '', wanted);
        await start(target, me);
      } catch {
        // The cookie is set; a fresh start finds its own way, or says what is wrong.
        location.replace(wanted);
      }
    },
  });
}

async function begin(): Promise<void> {
  const target = root();
  if (/^\/set-?up\/?$/.test(location.pathname)) return (await app()).start(target, null);
  // Who was signed in last time most likely still is: then the app need not wait for the answer.
  if (hint.wasIn())
    void app()
      .then(({ ahead }) => ahead())
      .catch(() => {});
  const me = await whoAmI();
  if (me === 'nobody') return signIn(target);
  return (await app()).start(target, me);
}

try {
  await begin();
} catch (error) {
  root().textContent = 'Frontdesk did not load. Load the page again.';
  throw error;
}
