//! E-mail as a channel: the SMTP receiver and the delivery of replies.
//!
//! Never routing, contacts or threads: what a mail means is the desk's.

pub mod address;
pub mod authenticating;
pub mod command;
mod connection;
pub mod data;
pub mod delivery;
pub mod doctor;
pub mod filing;
pub mod imap;
pub mod import;
pub mod intake;
mod pace;
pub mod receiver;
pub mod reply;
pub mod sending;
pub mod session;
pub mod settings;
pub mod taking;
mod tls;
pub mod trace;
mod underway;
pub mod work;

pub use address::Mailbox;
pub use delivery::{Outcome, OutgoingEnvelope, RecipientResult, Security, Server, deliver};
pub use intake::{Accepted, Body, Envelope, Intake, IntakeError, RecipientAnswer, StorageState, TlsInfo};
pub use receiver::Receiver;
pub use settings::Settings;

#[cfg(test)]
mod tests;
