#!/usr/bin/env node
/**
 * Walks through the product in a real browser, against the real program.
 *   node tests/browser/run.mjs [--only NAME[,NAME]] [--screens DIR] [--mock] [--readme]
 * With --mock the built page (web/dist) runs against the mock of the contract, and journeys that need the program are
 * left out. With --readme only docs/inbox.png is taken anew, of the demo. FRONTDESK_BIN is the program (else target/debug/frontdesk), CHROMIUM the browser (else /usr/bin/chromium).
 * The last line is "N passed, N failed"; the exit code is 0 only when nothing failed.
 */
import { parseArgs } from 'node:util';
import { Context } from './lib/context.mjs';
import { binary, present } from './lib/server.mjs';

const NAMES = [
  'set-up',
  'sign-in',
  'live-mail',
  'reply',
  'stale-reply',
  'search',
  'offline',
  'keyboard',
  'hostile-mail',
  'vectors',
  'strangers-words',
  'files',
  'settings',
  'channels',
  'trust',
  'nowhere',
  'disk',
  'snooze',
  'odd-address',
  'accessibility',
  'screens',
];

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    screens: { type: 'string' },
    mock: { type: 'boolean', default: false },
    readme: { type: 'boolean', default: false },
  },
});
const usual = () => NAMES.filter((name) => name !== 'screens' || values.screens);
const wanted = values.readme ? ['readme'] : (values.only?.split(',') ?? usual());

function report(line) {
  process.stdout.write(`${line}\n`);
}

async function runOne(journey, context) {
  const began = Date.now();
  try {
    await journey.run(context);
    await context.close();
    report(`ok    ${journey.name} (${Date.now() - began} ms)`);
    return true;
  } catch (error) {
    await context.keepEvidence(journey.name).catch(() => {});
    await context.close().catch(() => {});
    report(
      `FAIL  ${journey.name} (${Date.now() - began} ms)\n      ${String(error?.stack ?? error).replaceAll('\n', '\n      ')}`,
    );
    return false;
  }
}

if (!values.mock && !present()) {
  report(`no program at ${binary}: build it, or set FRONTDESK_BIN\n0 passed, 1 failed`);
  process.exit(1);
}
const tally = { passed: 0, failed: 0 };
const context = await Context.open({ screens: values.screens ?? null, mock: values.mock });
try {
  for (const name of wanted) {
    const journey = await import(`./journeys/${name}.mjs`);
    if (values.mock && journey.real) {
      report(`left  ${name}: needs the program`);
      continue;
    }
    tally[(await runOne(journey, context)) ? 'passed' : 'failed'] += 1;
  }
} catch (error) {
  tally.failed += 1;
  report(String(error?.stack ?? error));
} finally {
  await context.end();
}
report(`${tally.passed} passed, ${tally.failed} failed`);
process.exitCode = tally.failed > 0 || tally.passed === 0 ? 1 : 0;
