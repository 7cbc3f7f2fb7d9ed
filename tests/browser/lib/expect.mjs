/** Assertions that say what was found, and waits that say what never came. */
import { isDeepStrictEqual } from 'node:util';

export class Failure extends Error {}

export function ok(found, what) {
  if (!found) throw new Failure(what);
}

export function equal(found, wanted, what) {
  if (!isDeepStrictEqual(found, wanted)) {
    throw new Failure(`${what}: found ${JSON.stringify(found)}, wanted ${JSON.stringify(wanted)}`);
  }
}

/** Asks `probe` until it gives something true; fails after `ms`. */
export async function eventually(probe, what, ms = 5000) {
  const end = Date.now() + ms;
  let last;
  for (;;) {
    try {
      const found = await probe();
      if (found) return found;
      last = found;
    } catch (error) {
      last = error.message;
    }
    if (Date.now() > end) throw new Failure(`${what} within ${ms} ms; last seen: ${last}`);
    await pause(50);
  }
}

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));
