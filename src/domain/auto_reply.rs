//! Automatic replies: what a channel says by itself to somebody who writes, and to whom it did.

use serde::{Deserialize, Serialize};

use super::hours::Hours;
use super::{AutoRepliedId, MessageId};
use crate::base::Timestamp;

/// What a channel says by itself to whoever begins a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AutoReply {
    /// Whether it does.
    pub enabled: bool,
    /// The subject towards somebody who may not be who they say they are; empty for a plain one.
    pub subject: String,
    /// The words: HTML, cleaned, with `{{contact.name}}` and `{{conversation.number}}`.
    pub text: String,
    /// At which hours.
    pub when: When,
    /// The hours.
    pub hours: Hours,
}

/// At which hours an automatic reply is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// At all.
    #[default]
    Always,
    /// While nobody is there.
    OutsideHours,
    /// While somebody is.
    InsideHours,
}

impl AutoReply {
    /// Whether somebody who writes at this moment is answered.
    pub fn speaks(&self, at: Timestamp) -> bool {
        self.enabled
            && match self.when {
                When::Always => true,
                When::OutsideHours => !self.hours.is_open(at),
                When::InsideHours => self.hours.is_open(at),
            }
    }
}

/// Somebody who was answered by itself, or is about to be: once a day and address.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AutoReplied {
    /// Its id.
    pub id: AutoRepliedId,
    /// The message that is answered.
    pub message: MessageId,
    /// The address the answer goes to.
    pub to: String,
    /// The same as it is compared: without a tag. Unique.
    pub key: String,
    /// When.
    pub at: Timestamp,
    /// Whether it was sent; none while that is being decided.
    #[serde(default)]
    pub sent: Option<Proof>,
}

/// What is known of the address an automatic reply went to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The mail was that address's own.
    Proven,
    /// Nobody knows: somebody else may have written in its name.
    Unproven,
}

impl AutoReplied {
    /// The domain it went to.
    pub fn domain(&self) -> &str {
        self.key.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

/// Whether an address, as contacts are known by, is a machine's, which answers are lost on or come back from
/// (RFC 3834 section 2).
pub fn is_machine(address: &str) -> bool {
    let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
    let plain: String = local.chars().filter(|c| !matches!(c, '-' | '_' | '.')).collect();
    let machine =
        |name: &str| plain.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['+', '=']));
    ["mailerdaemon", "postmaster", "noreply", "donotreply", "bounce", "bounces", "listserv", "majordomo"]
        .into_iter()
        .any(machine)
        || local.starts_with("owner-")
        || local.starts_with("bounce-")
        || local.starts_with("bounces-")
        || local.split('+').next().is_some_and(|plain| plain.ends_with("-request") || plain.ends_with("-bounces"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_known_by_their_names() {
        for machine in [
            "mailer-daemon@x.example",
            "postmaster@x.example",
            "no-reply@x.example",
            "noreply@x.example",
            "no_reply+tag@x.example",
            "do-not-reply@x.example",
            "donotreply@x.example",
            "owner-list@x.example",
            "list-request@x.example",
            "list-request+help@x.example",
            "bounce+abc=shop@x.example",
            "bounces-17@x.example",
            "list-bounces@x.example",
        ] {
            assert!(is_machine(machine), "{machine}");
        }
        for person in
            ["jan@x.example", "postmasters@x.example", "owner@x.example", "noreplyan@x.example", "request@x.example"]
        {
            assert!(!is_machine(person), "{person}");
        }
    }

    #[test]
    fn the_hours_decide() {
        let monday_noon = Timestamp::parse_rfc3339("2026-03-02T12:00:00Z").unwrap();
        let night = Timestamp::parse_rfc3339("2026-03-02T23:00:00Z").unwrap();
        for (when, noon, late) in
            [(When::Always, true, true), (When::OutsideHours, false, true), (When::InsideHours, true, false)]
        {
            let reply = AutoReply { enabled: true, when, ..AutoReply::default() };
            assert_eq!((reply.speaks(monday_noon), reply.speaks(night)), (noon, late), "{when:?}");
            assert!(!AutoReply { enabled: false, ..reply }.speaks(night));
        }
    }
}
