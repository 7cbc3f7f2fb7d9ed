//! Keys: fields in order of use, numbers big-endian, so that bytes sort as the fields do.

use crate::base::Timestamp;

/// A key being put together.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Key(Vec<u8>);

impl Key {
    /// An empty key: the start of every range.
    pub fn new() -> Key {
        Key(Vec::with_capacity(32))
    }

    /// The key of a row: its id.
    pub fn id(id: u64) -> Key {
        Key::new().u64(id)
    }

    /// Adds a number.
    #[must_use]
    pub fn u64(mut self, value: u64) -> Key {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Adds a small number.
    #[must_use]
    pub fn u8(mut self, value: u8) -> Key {
        self.0.push(value);
        self
    }

    /// Adds a moment; moments before 1970 sort before those after.
    #[must_use]
    pub fn time(self, at: Timestamp) -> Key {
        self.u64(flip(at))
    }

    /// Adds text, ended by a zero byte so that a field behind it starts after it; zero bytes in it are dropped.
    #[must_use]
    pub fn text(mut self, value: &str) -> Key {
        self.0.extend(value.bytes().filter(|byte| *byte != 0));
        self.0.push(0);
        self
    }

    /// Adds bytes of a fixed length.
    #[must_use]
    pub fn bytes(mut self, value: &[u8]) -> Key {
        self.0.extend_from_slice(value);
        self
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, owned.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// Maps a moment to a number in the same order: the sign bit turned over.
fn flip(at: Timestamp) -> u64 {
    at.0.cast_unsigned() ^ (1 << 63)
}

/// The last eight bytes of a key as a number: index keys end in the id they lead to.
pub(super) fn last_id(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().map(|tail| u64::from_be_bytes(*tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_their_fields_do() {
        let times = [i64::MIN, -5, 0, 7, i64::MAX].map(|at| Key::new().time(Timestamp(at)).into_bytes());
        assert!(times.is_sorted());
        assert!(Key::new().text("a").u64(9).into_bytes() < Key::new().text("ab").u64(1).into_bytes());
        let key = Key::new().u64(3).time(Timestamp(-5)).u64(77).into_bytes();
        assert_eq!(last_id(&key), Some(77));
    }
}
