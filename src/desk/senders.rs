//! Under which address a message goes out, and where answers and bounces come to.

use super::{Desk, Result, channels};
use crate::domain::agent::Agent;
use crate::domain::channel::WayIn;
use crate::domain::{Channel, ChannelId, Conversation, Inbox, InboxId, Person};
use crate::mail::thread;
use crate::store::Rows;

/// Who a message is from.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    /// The channel; none for the inbox's fallback address.
    pub(super) channel: Option<Channel>,
    /// From.
    pub(super) from: Person,
    /// Reply-To, when it is another address than From.
    pub(super) reply_to: Option<String>,
}

impl Sender {
    /// The domain of From: it signs, and stands in Message-ID.
    pub(super) fn domain(&self) -> &str {
        self.from.email.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl Desk {
    /// Who a message of a conversation is from: the channel that was chosen, else the one the conversation goes through.
    pub(super) fn sender(
        &self,
        rows: &impl Rows,
        agent: &Agent,
        conversation: &Conversation,
        chosen: Option<ChannelId>,
    ) -> Result<Sender> {
        let inbox: Inbox = rows.get(conversation.inbox)?;
        let Some(channel) = channel_of(rows, inbox.id, chosen.or(conversation.channel))? else {
            let name = inbox.from_name.clone().unwrap_or_else(|| format!("{}, {}", agent.name, inbox.name));
            let from = Person { name: Some(name), email: self.fallback_address(&inbox) };
            return Ok(Sender {
                channel: None,
                reply_to: Some(thread::reply_address(&conversation.token, &self.hostname)),
                from,
            });
        };
        let email = channel.email();
        let name = email.from_name.name(&agent.name, &self.workspace(rows)?.name);
        let from = Person { name: Some(name), email: email.address.clone() };
        // Answers to an address that is only looked into from here have to go there.
        let reply_to = match email.way_in {
            WayIn::Mx => Some(thread::reply_address(&conversation.token, email.domain())),
            WayIn::Forward(_) | WayIn::Imap(_) => None,
        };
        Ok(Sender { channel: Some(channel), from, reply_to })
    }

    /// The address a conversation's next message goes out under.
    ///
    /// # Errors
    /// The store's own.
    pub fn from_address(&self, rows: &impl Rows, conversation: &Conversation) -> Result<String> {
        if let Some(channel) = channel_of(rows, conversation.inbox, conversation.channel)? {
            return Ok(channel.email().address.clone());
        }
        let inbox = rows.find::<Inbox>(conversation.inbox)?;
        Ok(inbox.map(|inbox| self.fallback_address(&inbox)).unwrap_or_default())
    }

    /// Whether an address is one of ours, which never is among the recipients of an answer.
    ///
    /// # Errors
    /// The store's own.
    pub fn is_own_address(&self, rows: &impl Rows, address: &str) -> Result<bool> {
        let Some((local, domain)) = address.rsplit_once('@') else { return Ok(false) };
        let domain = domain.to_lowercase();
        if domain == self.hostname {
            return Ok(true);
        }
        let local = local.to_lowercase();
        if thread::token_of_reply_address(address, &domain).is_some() {
            return Ok(!channels::of_domain(rows, &domain)?.is_empty());
        }
        let plain = local.split_once('+').map_or(local.as_str(), |(plain, _)| plain);
        Ok(channels::by_address(rows, &format!("{plain}@{domain}"))?.is_some())
    }
}

/// The channel to use in an inbox: the wanted one when it is this inbox's, else the inbox's first. A conversation that
/// was moved answers under its new inbox's address.
pub(super) fn channel_of(rows: &impl Rows, inbox: InboxId, wanted: Option<ChannelId>) -> Result<Option<Channel>> {
    if let Some(id) = wanted
        && let Some(channel) = rows.find::<Channel>(id)?
        && channel.inbox == inbox
    {
        return Ok(Some(channel));
    }
    if wanted.is_none() {
        return Ok(None);
    }
    Ok(channels::of_inbox(rows, inbox)?.into_iter().next())
}
