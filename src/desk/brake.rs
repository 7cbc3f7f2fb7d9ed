//! The brake on guessing passwords: how long somebody has to wait before the next try.
//!
//! A try is counted before the password is looked at, so that many at once are no way around it, and given
//! back when it was right. It is counted under more than one name: who tries from one network waits for long,
//! and an account that is tried from everywhere waits for moments only, or strangers could lock its owner out.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::base::{Timestamp, text};

/// Names the brake remembers before it forgets the oldest.
const MAX_REMEMBERED: usize = 10_000;
/// Milliseconds after which failures no longer count.
const FORGET_AFTER: i64 = 3_600_000;
/// Longest account name that is told apart from others, bytes.
const MAX_NAME: usize = 320;

/// Under what tries are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// One account from one network.
    Pair,
    /// One account from everywhere.
    Account,
    /// All accounts from one network.
    Network,
}

impl Kind {
    /// Tries that are free before the brake takes hold.
    fn free(self) -> u32 {
        match self {
            Kind::Pair => 5,
            Kind::Account => 50,
            Kind::Network => 100,
        }
    }

    /// Longest wait, seconds.
    fn longest(self) -> i64 {
        match self {
            Kind::Pair | Kind::Network => 900,
            Kind::Account => 5,
        }
    }
}

/// What is known under one name.
#[derive(Clone, Copy, Debug)]
struct Tries {
    count: u32,
    last: Timestamp,
    /// Somebody got in under this name before.
    known: bool,
}

impl Tries {
    /// Milliseconds to wait still.
    fn wait(self, kind: Kind, now: Timestamp) -> i64 {
        let over = self.count.saturating_sub(kind.free());
        let wait = if over == 0 { 0 } else { (1_i64 << over.min(10)).min(kind.longest()) };
        self.last.plus_seconds(wait).millis().saturating_sub(now.millis())
    }
}

type Name = (Kind, String);

/// What was tried lately.
#[derive(Default)]
pub(super) struct Brake(Mutex<HashMap<Name, Tries>>);

/// A try that was let through and counted.
pub(super) struct Try {
    names: [Name; 3],
}

impl Brake {
    /// Counts a try at `account` from `network`; the seconds to wait when it comes too early.
    pub(super) fn begin(&self, account: &str, network: &str, now: Timestamp) -> Result<Try, u64> {
        let account = text::cut(account, MAX_NAME);
        let names = [
            (Kind::Pair, format!("{account} {network}")),
            (Kind::Account, String::from(account)),
            (Kind::Network, String::from(network)),
        ];
        let mut brake = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for name in &names {
            if let Some(tries) = brake.get_mut(name) {
                // A clock that went back must not make anybody wait for longer.
                tries.last = tries.last.min(now);
            }
        }
        let known = names.iter().any(|name| brake.get(name).is_some_and(|tries| tries.known));
        // From where the owner got in lately, strangers elsewhere hold nobody up.
        let holds = names.iter().filter(|(kind, _)| !(known && *kind == Kind::Account));
        let wait = holds.filter_map(|name| Some(brake.get(name)?.wait(name.0, now))).max();
        if let Some(wait) = wait.filter(|wait| *wait > 0) {
            return Err(wait.unsigned_abs().div_ceil(1000));
        }
        if brake.len() > MAX_REMEMBERED {
            forget(&mut brake);
        }
        for name in &names {
            let tries = brake.entry(name.clone()).or_insert(Tries { count: 0, last: now, known: false });
            let old = now.millis().saturating_sub(tries.last.millis()) > FORGET_AFTER;
            let before = if old { 0 } else { tries.count };
            *tries = Tries { count: before.saturating_add(1), last: now, ..*tries };
        }
        Ok(Try { names })
    }

    /// The password was right: the account starts anew from there. What else that network tried still counts,
    /// or an account of one's own would buy guesses at those of others.
    pub(super) fn succeeded(&self, one: &Try) {
        let mut brake = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for name in &one.names {
            let Some(tries) = brake.get_mut(name) else { continue };
            match name.0 {
                Kind::Pair => *tries = Tries { count: 0, known: true, ..*tries },
                Kind::Account | Kind::Network => tries.count = tries.count.saturating_sub(1),
            }
        }
    }
}

/// Forgets the older half.
fn forget(brake: &mut HashMap<Name, Tries>) {
    let mut times: Vec<Timestamp> = brake.values().map(|tries| tries.last).collect();
    let middle = times.len() / 2;
    let (_, median, _) = times.select_nth_unstable(middle);
    let median = *median;
    brake.retain(|_, tries| tries.last > median);
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp(1_772_442_000_000);

    /// How many of `tries` are let through at one moment.
    fn let_through(brake: &Brake, account: &str, network: &str, tries: usize, now: Timestamp) -> usize {
        (0..tries).filter(|_| brake.begin(account, network, now).is_ok()).count()
    }

    #[test]
    fn tries_at_once_count_before_they_fail() {
        assert_eq!(let_through(&Brake::default(), "ewa", "net", 200, START), 6);
    }

    #[test]
    fn a_network_is_let_try_several_accounts_and_not_any_number() {
        let brake = Brake::default();
        assert_eq!(let_through(&brake, "ewa", "net", 50, START), 6);
        assert_eq!(let_through(&brake, "jan", "net", 50, START), 6, "one account's failures are not another's");
        let rest: usize = (0..60).map(|n| let_through(&brake, &format!("a{n}"), "net", 5, START)).sum();
        assert_eq!(12 + rest, 101);
    }

    #[test]
    fn an_own_account_buys_no_guesses() {
        let brake = Brake::default();
        let mut guesses = 0;
        for n in 0..200 {
            let own = brake.begin("mallory", "net", START);
            let Ok(own) = own else { break };
            brake.succeeded(&own);
            guesses += let_through(&brake, &format!("a{n}"), "net", 1, START);
        }
        assert!((99..=101).contains(&guesses), "{guesses}");
    }

    #[test]
    fn strangers_do_not_lock_the_owner_out() {
        let brake = Brake::default();
        let home = brake.begin("ewa", "home", START).unwrap_or_else(|_| panic!("the first try"));
        brake.succeeded(&home);
        for n in 0..100 {
            let_through(&brake, "ewa", &format!("net {n}"), 10, START);
        }
        assert!(brake.begin("ewa", "home", START).is_ok(), "from where they got in");
        let wait = brake.begin("ewa", "elsewhere", START).err();
        assert!(wait.is_some_and(|wait| wait <= 5), "from elsewhere after a moment: {wait:?}");
        assert!(brake.begin("ewa", "elsewhere", START.plus_seconds(5)).is_ok());
    }

    #[test]
    fn a_clock_that_goes_back_holds_nobody_for_longer() {
        let brake = Brake::default();
        let_through(&brake, "ewa", "net", 7, START.plus_days(30));
        assert!(brake.begin("ewa", "net", START).err().is_some_and(|wait| wait <= 2));
        assert!(brake.begin("ewa", "net", START.plus_seconds(2)).is_ok());
        assert!(brake.begin("ewa", "other", START).is_ok());
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let brake = Brake::default();
        for n in 0..12_000_i64 {
            let_through(&brake, &format!("a{n}"), &format!("n{n}"), 1, START.plus_seconds(n));
        }
        assert!(brake.0.lock().unwrap().len() <= MAX_REMEMBERED + 3);
    }
}
