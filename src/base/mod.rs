//! What every room stands on: ids, the clock, randomness, secrets that do not print, text helpers,
//! directories for the server's user alone.
//!
//! Never a word of the domain.

pub mod clock;
pub mod files;
pub mod ids;
pub mod memory;
pub mod random;
pub mod secret;
#[cfg(test)]
pub(crate) mod soak;
pub mod text;

pub use clock::{Clock, Timestamp};
pub use secret::Secret;
