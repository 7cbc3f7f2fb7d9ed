/** Whether a mail is from whom it says it is, of the HTTP contract. */

export type Verdict = 'pass' | 'fail' | 'none' | 'temperror' | 'checking';
export type CheckResult = 'pass' | 'fail' | 'softfail' | 'neutral' | 'none' | 'temperror' | 'permerror';

export type DkimCheck = {
  result: CheckResult;
  domain: string;
  selector: string;
  /** Whether the signer is the domain in From. */
  aligned: boolean;
  /** from_not_signed, length, changed, expired, no_key, broken, unreachable. */
  reason: string | null;
};

export type Authentication = {
  verdict: Verdict;
  spf: { result: CheckResult; domain: string; aligned: boolean; helo: string } | null;
  dkim: DkimCheck[];
  dmarc: { result: CheckResult; domain: string; policy: 'none' | 'quarantine' | 'reject' | null } | null;
  iprev: { result: CheckResult; address: string; name: string | null } | null;
};
