/** Reads key presses as bindings ("e", "Shift+e", "g i", "Mod+k") and finds the command they mean. */

export type Bound = {
  keys?: string[];
  when?: (key?: string) => boolean;
  run: () => void;
  everywhere?: boolean;
};

type Press = Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>;

const SEQUENCE_MS = 1200;

/** Ctrl, or Cmd on a Mac. */
export function isMac(platform: string = navigator.platform): boolean {
  return /mac|iphone|ipad/i.test(platform);
}

/** The binding of one press. A layout without Latin letters falls back to the key's place on the keyboard. */
export function bindingOf(event: Press): string {
  let key = event.key;
  if (key.length === 1 && /[^\x20-\x7e]/.test(key)) {
    const letter = /^Key([A-Z])$/.exec(event.code)?.[1];
    if (letter) key = letter.toLowerCase();
  }
  const letter = /^[a-z]$/i.test(key);
  if (letter) key = key.toLowerCase();
  if (key === ' ') key = 'Space';
  const parts: string[] = [];
  if (event.ctrlKey || event.metaKey) parts.push('Mod');
  if (event.altKey) parts.push('Alt');
  // "?" and "#" need Shift on some layouts and not on others: the sign itself is what counts.
  if (event.shiftKey && (letter || key.length > 1)) parts.push('Shift');
  parts.push(key);
  return parts.join('+');
}

/** True where typing must stay typing. */
export function isTextField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement)
    return true;
  return target instanceof HTMLInputElement && !/^(checkbox|radio|button|submit|reset|range|file)$/.test(target.type);
}

/** How a binding is shown on a keycap: "Ctrl K", "⇧ E", "G I", "Esc". */
export function keycap(binding: string, mac = isMac()): string {
  const names: Record<string, string> = {
    Mod: mac ? '⌘' : 'Ctrl',
    Shift: 'Shift',
    Escape: 'Esc',
    Enter: '⏎',
    ArrowDown: '↓',
    ArrowUp: '↑',
  };
  return binding
    .split(' ')
    .map((press) =>
      press === '+'
        ? press
        : press
            .split('+')
            .map((part) => names[part] ?? part.toUpperCase())
            .join(' '),
    )
    .join(' ');
}

export class Keyboard {
  #commands: () => Bound[];
  #singles: () => boolean;
  #first: { key: string; at: number } | null = null;

  /** `singles` tells whether keys without a modifier are switched on. */
  constructor(commands: () => Bound[], singles: () => boolean) {
    this.#commands = commands;
    this.#singles = singles;
  }

  /** Runs what the press means; true when it meant something, so that the browser need not act. */
  press(event: KeyboardEvent, covered: boolean): boolean {
    if (event.isComposing || event.key === 'Shift' || event.key === 'Control' || event.key === 'Alt') return false;
    const text = isTextField(event.target);
    const key = bindingOf(event);
    const first = this.#first && event.timeStamp - this.#first.at < SEQUENCE_MS ? this.#first.key : null;
    this.#first = null;
    // Only keys that write a character can be switched off: Esc and Ctrl+A stay.
    const allowed = !text && !covered && (this.#singles() || key.length > 1);
    const open = this.#commands().filter((one) => one.everywhere || allowed);
    const sequence = first === null ? undefined : this.#find(open, `${first} ${key}`);
    if (first !== null && !sequence && /^\S$/.test(key)) {
      // An unknown end of a sequence means nothing, and least of all what its last key means alone.
      return true;
    }
    const command = sequence ?? this.#find(open, key);
    if (command) {
      command.run();
      return true;
    }
    if (open.some((one) => one.keys?.some((binding) => binding.startsWith(`${key} `)))) {
      this.#first = { key, at: event.timeStamp };
      return true;
    }
    return false;
  }

  #find(open: Bound[], binding: string): Bound | undefined {
    return open.findLast((one) => one.keys?.includes(binding) && (one.when?.(binding) ?? true));
  }
}
