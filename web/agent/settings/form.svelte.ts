/** What a page of settings has been changed to but not saved. Nothing typed is ever lost to a refusal or a live change. */
import { tick } from 'svelte';
import { Problem } from '$api/client';
import { fieldOf, fieldReason, reason } from './reason';

export type Value = string | number | boolean;
type Values = Record<string, Value>;
export type Faults<T> = Partial<Record<keyof T & string, string>>;
/** Faults by field; empty when the values may be sent. */
export type Check<T> = (values: T) => Faults<T>;

export type Shape = { readonly dirty: boolean };

export class Form<T extends Values> {
  values = $state() as T;
  saving = $state(false);
  /** Why the last save was refused as a whole. */
  refusal = $state<string | null>(null);
  /** True from a save until the next change. */
  saved = $state(false);
  #kept = $state.raw() as T;
  #faults = $state.raw<Faults<T>>({});
  /** The values the faults were found in. */
  #faulty = $state.raw<Partial<T>>({});
  readonly #name: string;
  readonly #check: Check<T>;

  /** `name` starts the ids of the fields, so that a fault can be focused. */
  constructor(name: string, initial: T, check: Check<T> = () => ({})) {
    this.#name = name;
    this.#check = check;
    this.#kept = initial;
    this.values = { ...initial };
  }

  /** Fields that differ from what the server has. */
  get changed(): (keyof T & string)[] {
    return Object.keys(this.#kept).filter((key) => this.values[key] !== this.#kept[key]);
  }

  get dirty(): boolean {
    return this.changed.length > 0;
  }

  /** What is wrong, by field. A fault goes away as soon as its field is changed. */
  get faults(): Faults<T> {
    const entries = Object.entries(this.#faults).filter(([key]) => this.values[key] === this.#faulty[key]);
    return Object.fromEntries(entries) as Faults<T>;
  }

  /** Puts faults on fields, in place of those before. */
  blame(faults: Faults<T>): void {
    this.#faults = faults;
    this.#faulty = { ...this.values };
  }

  /** The id of a field's control. */
  id(key: keyof T & string): string {
    return `${this.#name}-${key}`;
  }

  /** Takes what the server has now. Fields the person has touched keep what was typed. */
  take(fresh: T): void {
    const touched = new Set(this.changed);
    const next = { ...fresh };
    for (const key of Object.keys(fresh) as (keyof T & string)[]) if (touched.has(key)) next[key] = this.values[key];
    this.#kept = fresh;
    this.values = next;
  }

  /** Back to what the server has. */
  discard(): void {
    this.values = { ...this.#kept };
    this.blame({});
    this.refusal = null;
  }

  /** Checks, sends the changed fields and keeps the values when the server takes them. True when saved. */
  async save(send: (changed: Partial<T>, all: T) => Promise<unknown>): Promise<boolean> {
    if (this.saving) return false;
    this.refusal = null;
    this.blame(this.#check(this.values));
    if (Object.keys(this.faults).length > 0) {
      await this.#focusFault();
      return false;
    }
    const sent = $state.snapshot(this.values) as T;
    const changed = Object.fromEntries(this.changed.map((key) => [key, sent[key]])) as Partial<T>;
    this.saving = true;
    try {
      await send(changed, sent);
      this.#settle(sent);
      return true;
    } catch (error) {
      await this.#refuse(error);
      return false;
    } finally {
      this.saving = false;
    }
  }

  #settle(sent: T): void {
    // What was typed while the request was under way stays, and stays unsaved.
    this.#kept = { ...this.#kept, ...sent };
    this.saved = true;
  }

  async #refuse(error: unknown): Promise<void> {
    const field = fieldOf(error);
    if (error instanceof Problem && field !== null && field in this.values) {
      this.blame({ [field]: fieldReason(error) } as Faults<T>);
      await this.#focusFault();
    } else {
      this.refusal = reason(error);
    }
  }

  async #focusFault(): Promise<void> {
    await tick();
    const first = Object.keys(this.values).find((key) => this.faults[key]);
    if (first) document.getElementById(this.id(first))?.focus();
  }
}
