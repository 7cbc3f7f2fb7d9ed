//! All integration tests, in one binary: a whole server each, driven from outside.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests stop at what they did not expect"
)]

mod answering;
mod bench;
mod receiving;
mod support;
