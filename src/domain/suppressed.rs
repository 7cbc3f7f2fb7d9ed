//! Addresses that mail is not sent to any more, because it came back from there for good.

use serde::{Deserialize, Serialize};

use super::{MessageId, SuppressedId};
use crate::base::Timestamp;

/// An address that takes no mail.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Suppressed {
    /// Its id.
    pub id: SuppressedId,
    /// The address, as contacts are known by. Unique.
    pub email: String,
    /// Since when.
    pub since: Timestamp,
    /// The words of the server that refused it.
    pub words: String,
    /// The message that came back.
    pub message: MessageId,
}
