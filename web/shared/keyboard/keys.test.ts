import { describe, expect, it, vi } from 'vitest';
import { bindingOf, isTextField, Keyboard, keycap } from './keys';

const press = (key: string, init: KeyboardEventInit = {}, target: HTMLElement = document.body) => {
  const event = new KeyboardEvent('keydown', { key, ...init });
  Object.defineProperty(event, 'target', { value: target });
  return event;
};

describe('bindingOf', () => {
  it.each([
    [{ key: 'j' }, 'j'],
    [{ key: 'E', shiftKey: true }, 'Shift+e'],
    [{ key: 'E' }, 'e'],
    [{ key: '?', shiftKey: true }, '?'],
    [{ key: '#', shiftKey: true }, '#'],
    [{ key: 'k', metaKey: true }, 'Mod+k'],
    [{ key: 'K', ctrlKey: true, shiftKey: true }, 'Mod+Shift+k'],
    [{ key: 'F6', shiftKey: true }, 'Shift+F6'],
    [{ key: 'о', code: 'KeyJ' }, 'j'],
    [{ key: ' ' }, 'Space'],
  ])('%o is %s', (init, wanted) => expect(bindingOf(press(init.key, init))).toBe(wanted));
});

describe('keycap', () => {
  it('is what stands on the keys', () => {
    expect([keycap('Mod+k', false), keycap('Mod+k', true), keycap('Shift+e', false), keycap('g i', false)]).toEqual([
      'Ctrl K',
      '⌘ K',
      'Shift E',
      'G I',
    ]);
  });
});

describe('isTextField', () => {
  it('knows where typing stays typing', () => {
    const make = (html: string) => {
      document.body.innerHTML = html;
      return document.body.firstElementChild as HTMLElement;
    };
    expect(
      ['<input>', '<textarea></textarea>', '<input type="email">', '<select></select>'].map((html) =>
        isTextField(make(html)),
      ),
    ).toEqual([true, true, true, true]);
    expect(
      ['<input type="checkbox">', '<button></button>', '<div></div>'].map((html) => isTextField(make(html))),
    ).toEqual([false, false, false]);
  });
});

describe('Keyboard', () => {
  function setUp(singles = true) {
    const ran: string[] = [];
    const command = (id: string, keys: string[], more = {}) => ({ keys, run: () => void ran.push(id), ...more });
    const commands = [
      command('close', ['e']),
      command('go', ['g i']),
      command('assign-me', ['i']),
      command('palette', ['Mod+k'], { everywhere: true }),
      command('back', ['u', 'Escape']),
      command('never', ['q'], { when: () => false }),
    ];
    return {
      ran,
      keyboard: new Keyboard(
        () => commands,
        () => singles,
      ),
    };
  }

  it('runs what the key means and leaves the rest to the browser', () => {
    const { ran, keyboard } = setUp();
    expect(keyboard.press(press('e'), false)).toBe(true);
    expect(keyboard.press(press('y'), false)).toBe(false);
    expect(keyboard.press(press('q'), false)).toBe(false);
    expect(ran).toEqual(['close']);
  });

  it('reads two keys one after the other, but not slowly', () => {
    const { ran, keyboard } = setUp();
    const at = (key: string, time: number) => {
      const event = press(key);
      vi.spyOn(event, 'timeStamp', 'get').mockReturnValue(time);
      return keyboard.press(event, false);
    };
    at('g', 0);
    at('i', 500);
    at('g', 1000);
    at('i', 5000);
    expect(ran).toEqual(['go', 'assign-me']);
    // What no sequence ends with does nothing, and not what it does alone.
    at('g', 6000);
    expect(at('e', 6100)).toBe(true);
    expect(ran).toEqual(['go', 'assign-me']);
  });

  it('rests in text fields, under dialogs and when switched off, save for keys with a modifier', () => {
    const field = document.createElement('input');
    for (const [singles, target, covered] of [
      [true, field, false],
      [true, document.body, true],
      [false, document.body, false],
    ] as const) {
      const { ran, keyboard } = setUp(singles);
      keyboard.press(press('e', {}, target), covered);
      keyboard.press(press('k', { ctrlKey: true }, target), covered);
      expect(ran).toEqual(['palette']);
    }
  });

  it('tells the command by which key it is asked', () => {
    const asked: (string | undefined)[] = [];
    const keyboard = new Keyboard(
      () => [
        {
          keys: ['j', 'ArrowDown'],
          run: () => undefined,
          when: (key?: string) => {
            asked.push(key);
            return key === 'j';
          },
        },
      ],
      () => true,
    );
    expect([keyboard.press(press('j'), false), keyboard.press(press('ArrowDown'), false)]).toEqual([true, false]);
    expect(asked).toEqual(['j', 'ArrowDown']);
  });

  it('leaves Esc working when single keys are off', () => {
    const { ran, keyboard } = setUp(false);
    keyboard.press(press('u'), false);
    keyboard.press(press('Escape'), false);
    expect(ran).toEqual(['back']);
  });
});
