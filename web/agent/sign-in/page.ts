/** Signing in. Wrong e-mail and wrong password read the same, so the page tells nobody who works here. */
import { client, Problem } from '$api/client';
import type { Language } from '$api/types';
import { make, put } from './dom';
import { fieldFault, outcome, sentence, waitText, type Fault } from './fault';
import { build, type Parts } from './parts';
import './sign-in.css';
import { speak, type Say } from './words';

export type SignInOptions = {
  language: Language;
  /** Called once the server has set the cookie. */
  onSignedIn: () => void | Promise<void>;
  /** Called when the person begins to type: the moment to fetch what comes next. */
  onBegin?: () => void;
};

class SignInPage {
  readonly #parts: Parts = build();
  readonly #options: SignInOptions;
  #say: Say = (key) => key;
  #language: Language;
  #fault: Fault | null = null;
  #busy = false;
  #until = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: SignInOptions) {
    this.#options = options;
    this.#language = options.language;
  }

  async open(host: HTMLElement): Promise<void> {
    await this.#speak(this.#language);
    const { root, form, email, eye, help, languages } = this.#parts;
    form.addEventListener('submit', (event) => (event.preventDefault(), void this.#submit()));
    form.addEventListener('input', () => this.#options.onBegin?.(), { once: true });
    eye.addEventListener('click', () => this.#toggle());
    help.button.addEventListener('click', () => {
      help.text.hidden = !help.text.hidden;
      this.#tell();
    });
    for (const { button, language } of languages) button.addEventListener('click', () => void this.#speak(language));
    host.replaceChildren(root);
    email.input.focus();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#parts.root.remove();
  }

  async #speak(language: Language): Promise<void> {
    this.#say = await speak(language);
    this.#language = language;
    document.documentElement.lang = language;
    document.title = `${this.#say('signIn.page')} – Frontdesk`;
    this.#tell();
  }

  get #left(): number {
    return Math.max(0, Math.ceil((this.#until - Date.now()) / 1000));
  }

  /** Puts every word and state where it belongs. */
  #tell(): void {
    const { words, eye, password, help, languages, alert, button, status, email } = this.#parts;
    const say = this.#say;
    for (const [key, element] of words) element.textContent = say(key, { host: location.host });
    put(eye, 'aria-label', say(password.input.type === 'password' ? 'signIn.show' : 'signIn.hide'));
    put(help.button, 'aria-expanded', String(!help.text.hidden));
    for (const one of languages) put(one.button, 'aria-pressed', String(one.language === this.#language));
    put(languages[0]?.button.parentElement ?? button, 'aria-label', say('signIn.language'));
    const text = sentence(say, this.#fault);
    alert.root.hidden = text === null;
    alert.text.textContent = text;
    email.fault(this.#fault?.kind === 'email' ? say('signIn.needEmail') : null);
    password.fault(this.#fault?.kind === 'password' ? say('signIn.needPassword') : null);
    const left = this.#left;
    button.classList.toggle('busy', this.#busy);
    put(button, 'aria-disabled', this.#busy || left > 0 ? 'true' : null);
    button.textContent = this.#busy ? say('signIn.submitting') : left > 0 ? waitText(say, left) : say('signIn.submit');
    status.textContent = this.#fault?.kind === 'wait' && left === 0 ? say('signIn.again') : '';
  }

  #toggle(): void {
    const { password, eye } = this.#parts;
    const shown = password.input.type === 'text';
    password.input.type = shown ? 'password' : 'text';
    eye.classList.toggle('shown', !shown);
    this.#tell();
  }

  #show(fault: Fault): void {
    this.#fault = fault;
    this.#busy = false;
    if (fault.kind === 'wait') this.#wait(fault.seconds);
    this.#tell();
    const { alert, email, password } = this.#parts;
    if (fault.kind === 'email') email.input.focus();
    else if (fault.kind === 'password') password.input.focus();
    else alert.root.focus();
  }

  #wait(seconds: number): void {
    this.#until = Date.now() + seconds * 1000;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      if (this.#left === 0) clearInterval(this.#timer);
      this.#tell();
    }, 1000);
  }

  async #submit(): Promise<void> {
    if (this.#busy || this.#left > 0) return;
    const email = this.#parts.email.input.value;
    const password = this.#parts.password.input.value;
    const missing = fieldFault(email, password);
    if (missing) return this.#show(missing);
    this.#busy = true;
    this.#fault = null;
    this.#tell();
    try {
      await client.post('/sessions', { email: email.trim(), password });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return this.#show(outcome(error));
    }
    await this.#options.onSignedIn();
  }
}

/** Shows the page inside `host`; gives back the way to take it away. */
export function signInPage(host: HTMLElement, options: SignInOptions): () => void {
  const inner = make('div');
  host.append(inner);
  const page = new SignInPage(options);
  void page.open(inner);
  return () => {
    page.close();
    inner.remove();
  };
}
