//! What name servers said, read and ready, for as long as they allow.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use mail_auth::ResolverCache;

/// Answers kept.
const MOST: usize = 4096;

/// Answers of one kind.
pub(super) struct Kept<K, V>(Mutex<HashMap<K, (V, Instant)>>);

impl<K, V> Default for Kept<K, V> {
    fn default() -> Kept<K, V> {
        Kept(Mutex::new(HashMap::new()))
    }
}

impl<K: Hash + Eq, V: Clone> ResolverCache<K, V> for Kept<K, V> {
    fn get<Q>(&self, name: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(name).filter(|(_, until)| *until > Instant::now()).map(|(value, _)| value.clone())
    }

    fn remove<Q>(&self, name: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name).map(|(value, _)| value)
    }

    fn insert(&self, key: K, value: V, valid_until: Instant) {
        let now = Instant::now();
        if valid_until <= now {
            return;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.retain(|_, (_, until)| *until > now);
            if all.len() >= MOST {
                // Somebody asks for many names: beginning anew costs less than choosing.
                all.clear();
            }
        }
        all.insert(key, (value, valid_until));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn answers_are_kept_as_long_as_they_hold_and_never_too_many() {
        let kept: Kept<Box<str>, usize> = Kept::default();
        let now = Instant::now();
        kept.insert("gone".into(), 1, now);
        assert_eq!(kept.get("gone"), None);
        for n in 0..=MOST {
            kept.insert(n.to_string().into(), n, now + Duration::from_secs(60));
        }
        assert_eq!(kept.get(MOST.to_string().as_str()), Some(MOST));
        assert_eq!(kept.get("0"), None);
        assert_eq!(kept.remove(MOST.to_string().as_str()), Some(MOST));
    }
}
