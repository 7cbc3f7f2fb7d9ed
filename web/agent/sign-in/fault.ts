/** What can go wrong while signing in, told apart without telling who exists. */
import type { Problem } from '$api/client';
import type { Say } from './words';

export type Fault =
  | { kind: 'email' | 'password' | 'wrong' | 'offline' }
  | { kind: 'wait'; seconds: number }
  | { kind: 'fault'; status: number };

/** Seconds to wait when the server does not say how long. */
export const DEFAULT_WAIT = 30;

/** The first field left empty, null when both are filled. */
export function fieldFault(email: string, password: string): Fault | null {
  if (!email.trim()) return { kind: 'email' };
  return password ? null : { kind: 'password' };
}

/** A refusal as the page tells it: unknown, wrong and deactivated read alike. */
export function outcome(problem: Problem): Fault {
  if (problem.offline) return { kind: 'offline' };
  if (problem.status === 429) return { kind: 'wait', seconds: Math.ceil(problem.retryAfter ?? DEFAULT_WAIT) };
  if ([400, 401, 422].includes(problem.status)) return { kind: 'wrong' };
  return { kind: 'fault', status: problem.status };
}

/** "40 seconds", "3 minutes": minutes from two minutes on, rounded up. */
export function waitText(say: Say, seconds: number): string {
  if (seconds < 120) return say('signIn.seconds', { count: seconds });
  return say('signIn.minutes', { count: Math.ceil(seconds / 60) });
}

/** The sentence above the fields; null for a fault that stands at its field. */
export function sentence(say: Say, fault: Fault | null): string | null {
  switch (fault?.kind) {
    case 'wrong':
      return say('signIn.wrong');
    case 'offline':
      return say('signIn.offline');
    case 'wait':
      return say('signIn.tooMany', { wait: waitText(say, fault.seconds) });
    case 'fault':
      return say('signIn.fault', { status: fault.status });
    default:
      return null;
  }
}
