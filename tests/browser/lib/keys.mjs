/** What somebody does who has a keyboard and no mouse: walks with Tab, sees where they are, presses Enter. */
import { Failure, ok } from './expect.mjs';

/** Where the focus is: its name as a screen reader has it, roughly, and whether it can be seen. */
export function focused(page) {
  return page.evaluate(() => {
    const element = document.activeElement;
    if (!element || element === document.body) return { name: '', role: 'nothing', seen: false };
    const words = (text) => text?.replace(/\s+/g, ' ').trim();
    const by = element.getAttribute('aria-labelledby');
    const name =
      words(element.getAttribute('aria-label')) ||
      words(by && document.getElementById(by)?.textContent) ||
      words(element.labels?.[0]?.textContent) ||
      words(element.textContent)?.slice(0, 80) ||
      element.title;
    const rings = (one) => {
      const style = getComputedStyle(one);
      return (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1) || style.boxShadow !== 'none';
    };
    // A field's ring may be drawn by the box around it.
    let ring = false;
    for (let one = element, up = 0; one && up < 4 && !ring; one = one.parentElement, up += 1) {
      ring = rings(one) && (up === 0 || one.matches(':focus-within'));
    }
    const box = element.getBoundingClientRect();
    const [x, y] = [box.left + Math.min(box.width / 2, 40), box.top + Math.min(box.height / 2, 12)];
    const top = document.elementFromPoint(x, y);
    const bare = Boolean(top && (element.contains(top) || top.contains(element)));
    const role = element.getAttribute('role') ?? element.localName;
    return { name: name ?? '', role, seen: ring && bare && box.width > 0, ring, bare, id: element.id };
  });
}

const matches = (found, wanted) => (wanted instanceof RegExp ? wanted.test(found.name) : found.name === wanted);

/** Presses Tab until the element of that name has the focus, which can be seen at every step; fails with the way it took. */
export async function tabTo(page, wanted, { back = false, most = 60 } = {}) {
  const way = [];
  for (let step = 0; step <= most; step += 1) {
    const found = await focused(page);
    if (step > 0 && found.role !== 'nothing') {
      ok(found.ring, `the focus on ${found.role} “${found.name}” cannot be seen`);
      ok(found.bare, `${found.role} “${found.name}” has the focus and is covered or out of sight`);
    }
    if (matches(found, wanted)) return found;
    way.push(`${found.role} “${found.name}”`);
    await page.keyboard.press(back ? 'Shift+Tab' : 'Tab');
  }
  throw new Failure(`${wanted} was never reached; the way was\n  ${way.join('\n  ')}`);
}

/** Walks to a button or link and presses it. */
export async function press(page, wanted, options = {}) {
  await tabTo(page, wanted, options);
  await page.keyboard.press(options.key ?? 'Enter');
}

/** Walks to a field and writes into it, over what is there. */
export async function fill(page, wanted, text, options = {}) {
  await tabTo(page, wanted, options);
  await page.keyboard.press('Control+a');
  await page.keyboard.type(text);
}

/** After something was done the focus is somewhere, so that the next key has an effect. */
export async function keepsFocus(page, after) {
  const found = await focused(page);
  ok(found.role !== 'nothing', `${after}: the focus is lost`);
}
