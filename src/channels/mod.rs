//! Ways in and out. A channel turns outside bytes into a call on the desk, and a queued job into outside bytes.
//!
//! Never the store's writer past the desk; siblings never import each other.

pub mod email;
