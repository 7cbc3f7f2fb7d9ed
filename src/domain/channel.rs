//! Channels: ways in and out of an inbox. Today there is one kind, e-mail.

use serde::{Deserialize, Serialize};

use super::{AutoReply, ChannelId, InboxId, Person, mailbox::Mailbox};
use crate::base::Timestamp;

/// A way in and out. It belongs to one inbox, which may have several.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Channel {
    /// Its id.
    pub id: ChannelId,
    /// The inbox it belongs to.
    pub inbox: InboxId,
    /// When it was made.
    pub created_at: Timestamp,
    /// What it is, with what only that kind has.
    pub kind: ChannelKind,
}

impl Channel {
    /// The e-mail channel it is.
    pub fn email(&self) -> &EmailChannel {
        match &self.kind {
            ChannelKind::Email(email) => email,
        }
    }

    /// The same, to be changed.
    pub fn email_mut(&mut self) -> &mut EmailChannel {
        match &mut self.kind {
            ChannelKind::Email(email) => email,
        }
    }
}

/// What a channel is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// An e-mail address of the team's own.
    Email(EmailChannel),
}

/// An address of the team's own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EmailChannel {
    /// The address: local part in lower case, domain in lower-case A-labels. Unique.
    pub address: String,
    /// Which name stands in From.
    #[serde(default)]
    pub from_name: FromName,
    /// What closes each message: HTML, cleaned when it is used; empty for none.
    #[serde(default)]
    pub signature: String,
    /// Copied on each new message, besides those whom the writer names.
    #[serde(default)]
    pub cc: Vec<Person>,
    /// The same, hidden.
    #[serde(default)]
    pub bcc: Vec<Person>,
    /// Whether `address+anything` is this address too.
    #[serde(default = "yes")]
    pub plus_tags: bool,
    /// Whether it takes what comes to addresses of its domain that are nobody's.
    #[serde(default)]
    pub catch_all: bool,
    /// How mail comes in.
    #[serde(default)]
    pub way_in: WayIn,
    /// What it says by itself to whoever begins a conversation.
    #[serde(default)]
    pub auto_reply: AutoReply,
}

fn yes() -> bool {
    true
}

impl EmailChannel {
    /// One with the usual settings.
    pub fn new(address: String, way_in: WayIn) -> EmailChannel {
        EmailChannel {
            address,
            from_name: FromName::default(),
            signature: String::new(),
            cc: Vec::new(),
            bcc: Vec::new(),
            plus_tags: true,
            catch_all: false,
            way_in,
            auto_reply: AutoReply::default(),
        }
    }

    /// The domain behind the @.
    pub fn domain(&self) -> &str {
        self.address.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

/// Which name stands in From.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromName {
    /// The agent's: "Ewa Lis".
    Agent,
    /// The agent's and the company's: "Ewa Lis, Tarnina".
    #[default]
    AgentCompany,
    /// The company's: "Tarnina".
    Company,
}

impl FromName {
    /// The name an agent writes under for a company.
    pub fn name(self, agent: &str, company: &str) -> String {
        match self {
            FromName::Agent => String::from(agent),
            FromName::AgentCompany => format!("{agent}, {company}"),
            FromName::Company => String::from(company),
        }
    }
}

/// How mail to an address comes in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WayIn {
    /// The domain's MX record names this machine.
    #[default]
    Mx,
    /// A mailbox elsewhere forwards to the inbox's fallback address.
    Forward(Forward),
    /// A mailbox elsewhere is looked into.
    Imap(Box<Mailbox>),
}

impl WayIn {
    /// The name, as the interface writes it.
    pub fn name(&self) -> &'static str {
        match self {
            WayIn::Mx => "mx",
            WayIn::Forward(_) => "forward",
            WayIn::Imap(_) => "imap",
        }
    }

    /// The mailbox that is looked into.
    pub fn mailbox(&self) -> Option<&Mailbox> {
        match self {
            WayIn::Imap(mailbox) => Some(mailbox),
            WayIn::Mx | WayIn::Forward(_) => None,
        }
    }
}

/// Whether a forward works.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forward {
    /// The secret of the probe that is under way, and when it was sent.
    #[serde(default)]
    pub probe: Option<(String, Timestamp)>,
    /// When a probe last came back.
    #[serde(default)]
    pub proven_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_from_follow_the_mode() {
        let names =
            [FromName::Agent, FromName::AgentCompany, FromName::Company].map(|mode| mode.name("Ewa", "Sp. z o.o."));
        assert_eq!(names, ["Ewa", "Ewa, Sp. z o.o.", "Sp. z o.o."]);
    }
}
