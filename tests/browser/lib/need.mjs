/** Packages of the web side, so that the journeys need no installation of their own. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../../web/package.json', import.meta.url));

export const { chromium } = require('playwright-core');

let axe;
/** The text of axe-core, read when first asked for. */
export function axeSource() {
  axe ??= readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
  return axe;
}
