//! Filters: who is let in, who is kept out, and which kinds of mail are set aside.

use super::conversations::visible;
use super::{Desk, Error, Result, Who, conversations};
use crate::domain::filter::{Filters, listed};
use crate::domain::{Conversation, ConversationId, Inbox, InboxId, Place, What};
use crate::mail::address::{Mailbox, contact_key, domain_key};
use crate::store::{Rows, Writer};

/// Most entries of a list.
const MAX_LISTED: usize = 2_000;

/// The setting that holds the workspace's filters, or an inbox's.
fn setting(inbox: Option<InboxId>) -> String {
    inbox.map_or_else(|| String::from("filters"), |inbox| format!("filters-{inbox}"))
}

/// The filters of the workspace, or of an inbox.
///
/// # Errors
/// The store's own.
pub fn of(rows: &impl Rows, inbox: Option<InboxId>) -> Result<Filters> {
    Ok(rows.setting(&setting(inbox))?.unwrap_or_default())
}

impl Desk {
    /// Sets the filters of the workspace, or of an inbox. Entries are brought into the form in which they are
    /// compared, each once.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`], [`Error::Invalid`].
    pub async fn set_filters(&self, who: &Who, inbox: Option<InboxId>, filters: Filters) -> Result<Filters> {
        who.must_manage()?;
        let allow = entries("allow", &filters.allow)?;
        let deny = entries("deny", &filters.deny)?;
        let filters = Filters { allow, deny, kinds: filters.kinds };
        let act = self.act(who.actor());
        self.store
            .write(move |writer| {
                if let Some(inbox) = inbox {
                    writer.find::<Inbox>(inbox)?.ok_or(Error::NotFound)?;
                }
                writer.set(&setting(inbox), &filters)?;
                writer.change(act.at, act.actor, What::Workspace)?;
                Ok(filters.clone())
            })
            .await
    }

    /// Keeps the sender of a conversation out from now on, and puts the conversation among the spam.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::ReadOnly`], [`Error::Conflict`] `list_full`.
    pub async fn block_sender(&self, who: &Who, id: ConversationId) -> Result<Conversation> {
        let act = self.act(who.actor());
        let scope = who.scope.clone();
        self.store
            .write(move |writer| {
                let mut conversation = visible(writer, &scope, id)?;
                if !scope.may_write {
                    return Err(Error::ReadOnly);
                }
                deny(writer, &conversation.identity)?;
                let before = conversation.attributes();
                if conversation.place != Place::Spam {
                    conversations::put_into(writer, act, &mut conversation, Place::Spam)?;
                }
                writer.put(&conversation)?;
                writer.change(act.at, act.actor, What::Workspace)?;
                if conversation.attributes() != before {
                    writer.change(act.at, act.actor, What::Conversation(id))?;
                }
                Ok(conversation)
            })
            .await
    }

    /// Whether mail from this envelope's sender is refused for an inbox. Lists of who is let in come first.
    ///
    /// # Errors
    /// The store's own: the sender's server is to try later.
    pub fn denies(&self, sender: &str, inbox: InboxId) -> Result<bool> {
        let rows = &*self.store.recent()?;
        let key = contact_key(sender);
        for filters in [of(rows, Some(inbox))?, of(rows, None)?] {
            if listed(&filters.allow, &key) {
                return Ok(false);
            }
            if listed(&filters.deny, &key) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Adds an address to those whom the workspace keeps out.
fn deny(writer: &mut Writer<'_>, address: &str) -> Result<()> {
    let mut filters = of(writer, None)?;
    filters.allow.retain(|entry| entry != address);
    if !filters.deny.iter().any(|entry| entry == address) {
        if filters.deny.len() >= MAX_LISTED {
            return Err(Error::conflict("list_full", "the list of blocked senders is full"));
        }
        filters.deny.push(String::from(address));
    }
    Ok(writer.set(&setting(None), &filters)?)
}

fn entries(field: &'static str, list: &[String]) -> Result<Vec<String>> {
    if list.len() > MAX_LISTED {
        return Err(Error::invalid(field, "too_many"));
    }
    let mut out: Vec<String> = Vec::new();
    for entry in list.iter().map(|entry| entry.trim()).filter(|entry| !entry.is_empty()) {
        let key = match entry.strip_prefix('@').unwrap_or(entry) {
            domain if !domain.contains('@') => domain_key(domain),
            address => Mailbox::parse(address, true).ok().map(|mailbox| contact_key(&mailbox.to_string())),
        };
        let key = key.ok_or(Error::invalid(field, "invalid"))?;
        if !out.contains(&key) {
            out.push(key);
        }
    }
    Ok(out)
}
