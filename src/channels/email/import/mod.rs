//! Importing mailboxes: old mail goes over a stream, from who can read the files to who holds the store.
//!
//! [`source`] finds the mails and their order, [`client`] sends them, [`server`] files them through the desk,
//! [`wire`] is what goes between the two. Beside a running server the stream is a socket; without one it is a pipe
//! within the process.

pub mod client;
mod maildir;
pub mod server;
pub mod source;
pub mod wire;

pub use client::{Sum, send};
pub use server::receive;
pub use source::{Problem, Source};
pub use wire::{Begin, MAX_MAIL};
