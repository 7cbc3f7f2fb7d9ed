//! Randomness from the operating system, and the tokens made of it.

use std::fmt;

/// `N` random bytes.
///
/// Ends the process when the operating system has none to give: nothing safe can go on without.
#[expect(clippy::disallowed_methods, reason = "the one place that asks the system for randomness")]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0_u8; N];
    if let Err(error) = getrandom::fill(&mut out) {
        tracing::error!(%error, "the operating system gives no randomness");
        std::process::abort();
    }
    out
}

/// A random number in `0..below`; 0 when `below` is 0. The bias is under 2^-32 for bounds below 2^32.
pub fn below(below: u64) -> u64 {
    u64::from_le_bytes(bytes::<8>()).checked_rem(below).unwrap_or(0)
}

/// 128 random bits as 26 characters of lower-case base32 (RFC 4648, no padding): mail systems
/// change the case of what they carry, and base32 survives that.
pub fn token() -> String {
    data_encoding::BASE32_NOPAD.encode(&bytes::<16>()).to_ascii_lowercase()
}

/// 256 random bits as 52 characters of lower-case base32, for what opens a session.
pub fn long_token() -> String {
    data_encoding::BASE32_NOPAD.encode(&bytes::<32>()).to_ascii_lowercase()
}

/// Whether `text` has the form of a [`token`], in any case.
pub fn is_token(text: &str) -> bool {
    text.len() == 26 && text.bytes().all(|b| b.is_ascii_alphabetic() || (b'2'..=b'7').contains(&b))
}

/// Bytes shown as lower-case hexadecimal.
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_their_form_and_differ() {
        let (a, b) = (token(), token());
        assert!(is_token(&a) && is_token(&a.to_uppercase()) && a != b);
        assert!(!is_token("0189") && !is_token(&long_token()));
        assert_eq!(long_token().len(), 52);
    }
}
