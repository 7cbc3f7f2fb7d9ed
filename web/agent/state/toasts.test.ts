import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Toasts } from './toasts.svelte';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('Toasts', () => {
  it('go after eight seconds', () => {
    const toasts = new Toasts();
    toasts.show({ text: 'Closed' });
    vi.advanceTimersByTime(7900);
    expect(toasts.items).toHaveLength(1);
    vi.advanceTimersByTime(200);
    expect(toasts.items).toHaveLength(0);
  });

  it('wait while pointed at, then have the rest of their time', () => {
    const toasts = new Toasts();
    toasts.show({ text: 'Closed' });
    vi.advanceTimersByTime(5000);
    toasts.pause();
    vi.advanceTimersByTime(60_000);
    expect(toasts.items).toHaveLength(1);
    toasts.resume();
    vi.advanceTimersByTime(2900);
    expect(toasts.items).toHaveLength(1);
    vi.advanceTimersByTime(200);
    expect(toasts.items).toHaveLength(0);
  });

  it('undo the newest that can be undone', () => {
    const toasts = new Toasts();
    const first = vi.fn();
    const second = vi.fn();
    toasts.show({ text: 'a', undo: first });
    toasts.show({ text: 'b', undo: second });
    toasts.show({ text: 'c' });
    expect(toasts.undoLast()).toBe(true);
    expect([first.mock.calls.length, second.mock.calls.length]).toEqual([0, 1]);
    toasts.undoLast();
    expect(toasts.undoLast()).toBe(false);
  });

  it('never stand more than three high', () => {
    const toasts = new Toasts();
    for (const text of ['a', 'b', 'c', 'd']) toasts.show({ text });
    expect(toasts.items.map((toast) => toast.text)).toEqual(['b', 'c', 'd']);
  });
});
