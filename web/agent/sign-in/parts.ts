/** The elements of the sign-in page, without a word in them: those come with the language. */
import type { Language } from '$api/types';
import { icon, make, put } from './dom';
import type { WordKey } from './words';

type Field = { input: HTMLInputElement; fault: (text: string | null) => void };

export type Parts = {
  root: HTMLElement;
  form: HTMLFormElement;
  email: Field;
  password: Field;
  eye: HTMLButtonElement;
  button: HTMLButtonElement;
  alert: { root: HTMLElement; text: HTMLElement };
  help: { button: HTMLButtonElement; text: HTMLElement };
  status: HTMLElement;
  languages: { language: Language; button: HTMLButtonElement }[];
  /** Elements whose whole text is one message. */
  words: Map<WordKey, HTMLElement>;
};

const LANGUAGES: [Language, string][] = [
  ['en', 'English'],
  ['pl', 'Polski'],
];

/** A field that says its fault below itself. */
function field(input: HTMLInputElement, box: HTMLElement): Field {
  const text = make('span');
  const error = make('small', { class: 'err', id: `${input.id}-error`, hidden: true }, icon('alert'), text);
  box.append(error);
  const fault = (said: string | null) => {
    error.hidden = said === null;
    text.textContent = said;
    put(input, 'aria-invalid', said === null ? null : 'true');
    put(input, 'aria-describedby', said === null ? null : error.id);
  };
  return { input, fault };
}

function input(id: string, type: string, autocomplete: string): HTMLInputElement {
  const literal = { autocapitalize: 'off', autocorrect: 'off', spellcheck: 'false' };
  return make('input', { class: 'input', id, name: id, type, autocomplete, ...literal });
}

export function build(): Parts {
  const words = new Map<WordKey, HTMLElement>();
  const word = <E extends HTMLElement>(key: WordKey, element: E): E => {
    words.set(key, element);
    return element;
  };

  const emailInput = input('email', 'email', 'username');
  const emailBox = make('div', { class: 'field' }, word('signIn.email', make('label', { for: 'email' })), emailInput);

  const helpButton = word('signIn.help', make('button', { type: 'button', class: 'forgot', 'aria-controls': 'help' }));
  const helpText = make(
    'div',
    { id: 'help', class: 'help', hidden: true },
    word('signIn.helpForgot', make('p')),
    word('signIn.helpNew', make('p')),
  );
  const passwordInput = input('password', 'password', 'current-password');
  const eye = make('button', { type: 'button', class: 'btn btn-icon' }, icon('show'), icon('hide'));
  const passwordBox = make(
    'div',
    { class: 'field' },
    make(
      'div',
      { class: 'line' },
      word('signIn.password', make('label', { class: 'lbl', for: 'password' })),
      helpButton,
    ),
    make('div', { class: 'pw' }, passwordInput, eye),
  );

  const alertText = make('span');
  const alert = make('p', { class: 'alert', role: 'alert', tabindex: '-1', hidden: true }, icon('alert'), alertText);
  const button = make('button', { class: 'btn btn-primary btn-lg' });
  const status = make('p', { class: 'vh', role: 'status' });
  const form = make('form', { novalidate: true }, alert, emailBox, passwordBox, helpText, button, status);

  const languages = LANGUAGES.map(([language, name]) => ({
    language,
    button: make('button', { type: 'button', lang: language }, name),
  }));
  const root = make(
    'div',
    { class: 'sign-in' },
    make(
      'main',
      {},
      make('div', { class: 'mark' }, icon('bell'), make('span', {}, 'Frontdesk')),
      word('signIn.title', make('h1', { class: 'title' })),
      form,
    ),
    make(
      'footer',
      {},
      word('signIn.host', make('span')),
      make('span', { class: 'langs push', role: 'group' }, ...languages.map((one) => one.button)),
    ),
  );
  return {
    root,
    form,
    email: field(emailInput, emailBox),
    password: field(passwordInput, passwordBox),
    eye,
    button,
    alert: { root: alert, text: alertText },
    help: { button: helpButton, text: helpText },
    status,
    languages,
    words,
  };
}
