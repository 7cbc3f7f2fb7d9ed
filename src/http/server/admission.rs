//! Who may connect: caps on connections in all and per address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Counts open connections.
pub(super) struct Admission {
    slots: Arc<Semaphore>,
    per_address: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// An open connection's place; given back when dropped.
pub(super) struct Permit {
    _slot: Option<OwnedSemaphorePermit>,
    counted: Option<(Arc<Admission>, IpAddr)>,
}

impl Admission {
    pub(super) fn new(in_all: usize, per_address: usize) -> Arc<Admission> {
        let slots = Arc::new(Semaphore::new(in_all.min(Semaphore::MAX_PERMITS)));
        Arc::new(Admission { slots, per_address, open: Mutex::default() })
    }

    /// Waits for a free place, so that connections beyond the cap stay in the system's backlog.
    pub(super) async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.slots).acquire_owned().await.ok()
    }

    /// A place for `address`, or `None` when it has too many. Exempt ones are not counted by address.
    pub(super) fn admit(
        self: &Arc<Self>,
        slot: Option<OwnedSemaphorePermit>,
        address: IpAddr,
        exempt: bool,
    ) -> Option<Permit> {
        if exempt {
            return Some(Permit { _slot: slot, counted: None });
        }
        let key = neighbourhood(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(key).or_insert(0);
        if *count >= self.per_address {
            return None;
        }
        *count += 1;
        Some(Permit { _slot: slot, counted: Some((Arc::clone(self), key)) })
    }

    fn leave(&self, key: IpAddr) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                open.remove(&key);
            }
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some((admission, key)) = self.counted.take() {
            admission.leave(key);
        }
    }
}

/// What counts as one address: an IPv4 address, or an IPv6 /64, which one customer usually has whole.
pub fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn places_are_counted_by_neighbourhood_and_given_back() {
        let admission = Admission::new(10, 2);
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let a = admission.admit(None, ip("2001:db8::1"), false);
        let b = admission.admit(None, ip("2001:db8::ffff:2"), false);
        assert!(a.is_some() && b.is_some());
        assert!(admission.admit(None, ip("2001:db8::3"), false).is_none());
        assert!(admission.admit(None, ip("2001:db8::3"), true).is_some(), "exempt");
        assert!(admission.admit(None, ip("2001:db8:0:1::3"), false).is_some(), "another /64");
        drop(a);
        assert!(admission.admit(None, ip("2001:db8::3"), false).is_some());
        let v4 = admission.admit(None, ip("192.0.2.1"), false);
        let mapped = admission.admit(None, ip("::ffff:192.0.2.1"), false);
        assert!(admission.admit(None, ip("192.0.2.1"), false).is_none());
        drop((b, v4, mapped));
        assert!(admission.open.lock().unwrap().is_empty(), "nothing is remembered of those who left");
    }

    #[tokio::test]
    async fn the_cap_in_all_makes_newcomers_wait() {
        let admission = Admission::new(1, 9);
        let slot = admission.slot().await;
        let permit = admission.admit(slot, "192.0.2.1".parse().unwrap(), false);
        let wait = std::time::Duration::from_millis(20);
        assert!(tokio::time::timeout(wait, admission.slot()).await.is_err());
        drop(permit);
        assert!(tokio::time::timeout(wait, admission.slot()).await.is_ok());
    }
}
