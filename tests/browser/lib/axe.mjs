/** Accessibility of what is on the screen, by axe-core. */
import { ok } from './expect.mjs';
import { axeSource } from './need.mjs';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Fails with every violation and where it stands. `exclude` are selectors of content that is not ours, mail above all;
 *  `rules` are those to look at, all unless told. */
export async function accessible(page, label, exclude = [], rules = null) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axeSource());
  const violations = await page.evaluate(
    async ([tags, out, only]) => {
      const result = await window.axe.run(
        { exclude: out },
        { runOnly: only ?? tags, iframes: false, resultTypes: ['violations'] },
      );
      return result.violations.map(
        ({ id, nodes }) =>
          `${id}: ${nodes
            .slice(0, 4)
            .map((node) => node.target.join(' '))
            .join(' | ')}`,
      );
    },
    [TAGS, exclude, rules],
  );
  ok(violations.length === 0, `${label}:\n${violations.join('\n')}`);
}

/** Nothing may stick out sideways. */
export async function fits(page, label) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  ok(over <= 0, `${label} is ${over} px wider than the window`);
}
