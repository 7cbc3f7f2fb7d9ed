//! Mail that lies in a mailbox elsewhere, fetched by IMAP (RFC 3501, RFC 2177): the last mail dealt with is known by its
//! number, never by a flag or a date, and nothing is changed there but what was asked for.
//!
//! The other side may be anybody: whatever it says has a bound, and nothing it says ends more than its own connection.

mod fault;
mod folders;
mod open;
mod parse;
mod poll;
mod polling;
mod session;
mod wire;

pub use fault::Fault;
pub use open::{Checked, Reach, Timeouts, check};
pub use polling::Polling;

#[cfg(test)]
mod tests;
