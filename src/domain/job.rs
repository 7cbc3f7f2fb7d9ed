//! What is to be done later, or outside: rows of the durable queue.

use serde::{Deserialize, Serialize};

use super::{AutoRepliedId, JobId, MessageId};
use crate::base::Timestamp;

/// A job. It may run twice, so whatever runs it must bear that.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What to do.
    pub work: Work,
    /// Not before.
    pub due_at: Timestamp,
    /// How often it was begun; written before each try.
    #[serde(default)]
    pub attempts: u32,
    /// How many tries in a row were begun and never heard of again: each may have ended the process.
    #[serde(default)]
    pub cut_short: u32,
    /// Whether somebody asked for this very try, whatever was found out before.
    #[serde(default)]
    pub insist: bool,
    /// Whether people were told that it takes long.
    #[serde(default)]
    pub told_late: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// The time somebody set for it, however far away that is.
    #[serde(default)]
    pub set_for: Option<Timestamp>,
    /// Set when it was given up: it stays to be looked at.
    #[serde(default)]
    pub parked: Option<String>,
}

impl Job {
    /// One that was never begun.
    pub fn new(id: JobId, work: Work, created_at: Timestamp, due_at: Timestamp) -> Job {
        Job {
            id,
            work,
            due_at,
            attempts: 0,
            cut_short: 0,
            insist: false,
            told_late: false,
            created_at,
            set_for: None,
            parked: None,
        }
    }
}

/// Kinds of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Send an outbound message to those of its recipients who have not got it.
    SendMail(MessageId),
    /// Find out whether a message that was received is from whom it says it is.
    Authenticate(MessageId),
    /// Answer a message by itself, once it is known whose it is.
    AutoReply(AutoRepliedId),
}
