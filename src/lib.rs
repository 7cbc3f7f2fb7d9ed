//! Frontdesk: the whole front desk of a small team in one binary.
//!
//! The rooms stand here from the ground up; a room imports only rooms above it in this list.
//! `docs/ARCHITECTURE.md` tells what each holds and what it must never do, and `tests/tidy.rs`
//! holds the sources against it.

pub mod app;
pub mod base;
pub mod channels;
pub mod cli;
pub mod config;
pub mod desk;
pub mod domain;
pub mod http;
pub mod jobs;
pub mod mail;
pub mod net;
pub mod search;
pub mod store;
