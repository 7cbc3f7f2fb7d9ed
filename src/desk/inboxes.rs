//! Inboxes and their fallback addresses.

use super::{Act, Desk, Error, Result, Who};
use crate::base::text;
use crate::domain::inbox::{is_valid_local_part, local_part_from_name};
use crate::domain::{Inbox, InboxId, What};
use crate::store::{Key, Rows, Table, Writer};

/// Longest name, bytes.
const MAX_NAME: usize = 80;
/// Most inboxes.
const MAX_INBOXES: usize = 200;

/// What to change of an inbox; what is not given stays.
#[derive(Clone, Debug, Default)]
pub struct InboxPatch {
    /// The name.
    pub name: Option<String>,
    /// Local part of the fallback address.
    pub local_part: Option<String>,
    /// The name in From; empty goes back to "Agent, Inbox".
    pub from_name: Option<String>,
}

impl Desk {
    /// Adds an inbox. Without a local part its address is made from its name.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Invalid`], or [`Error::Conflict`] for an address in use.
    pub async fn add_inbox(&self, who: &Who, name: String, local_part: Option<String>) -> Result<Inbox> {
        who.must_manage()?;
        let act = self.act(who.actor());
        self.store.write(move |writer| add(writer, act, &name, local_part.as_deref())).await
    }

    /// Changes an inbox.
    ///
    /// # Errors
    /// As [`Desk::add_inbox`], and [`Error::NotFound`].
    pub async fn update_inbox(&self, who: &Who, id: InboxId, patch: InboxPatch) -> Result<Inbox> {
        who.must_manage()?;
        let act = self.act(who.actor());
        self.store
            .write(move |writer| {
                let mut inbox: Inbox = writer.find(id)?.ok_or(Error::NotFound)?;
                if let Some(name) = &patch.name {
                    inbox.name = name_of(name)?;
                }
                if let Some(local) = &patch.local_part {
                    inbox.local_part = free_local_part(writer, local, Some(id))?;
                }
                if let Some(from) = &patch.from_name {
                    inbox.from_name = Some(text::one_line(from, MAX_NAME)).filter(|name| !name.is_empty());
                }
                writer.put(&inbox)?;
                writer.change(act.at, act.actor, What::Inbox(id))?;
                Ok(inbox)
            })
            .await
    }

    /// The address an inbox always has.
    pub fn fallback_address(&self, inbox: &Inbox) -> String {
        format!("{}@{}", inbox.local_part, self.hostname)
    }
}

/// Adds an inbox.
pub(super) fn add(writer: &mut Writer<'_>, act: Act, name: &str, local_part: Option<&str>) -> Result<Inbox> {
    let name = name_of(name)?;
    if writer.all::<Inbox>()?.len() >= MAX_INBOXES {
        return Err(Error::conflict("too_many_inboxes", "no more inboxes can be added"));
    }
    let local_part = match local_part.filter(|local| !local.is_empty()) {
        Some(local) => free_local_part(writer, local, None)?,
        None => made_local_part(writer, &name)?,
    };
    let id = InboxId(writer.next_id::<Inbox>()?);
    let inbox = Inbox { id, name, local_part, from_name: None, created_at: act.at };
    writer.put(&inbox)?;
    writer.change(act.at, act.actor, What::Inbox(id))?;
    Ok(inbox)
}

/// The inbox that has this local part, if one has.
///
/// # Errors
/// The store's own.
pub fn find_by_local_part(rows: &impl Rows, local: &str) -> Result<Option<InboxId>> {
    Ok(rows.unique(Table::InboxByLocalPart, &Key::new().text(local))?.map(InboxId))
}

fn name_of(name: &str) -> Result<String> {
    let name = text::one_line(name, MAX_NAME);
    if name.is_empty() { Err(Error::invalid("name", "empty")) } else { Ok(name) }
}

fn free_local_part(rows: &impl Rows, local: &str, own: Option<InboxId>) -> Result<String> {
    let local = local.trim().to_lowercase();
    if !is_valid_local_part(&local) {
        return Err(Error::invalid("fallback_local_part", "invalid"));
    }
    match find_by_local_part(rows, &local)? {
        Some(other) if Some(other) != own => Err(Error::conflict("address_in_use", "another inbox has this address")),
        _ => Ok(local),
    }
}

fn made_local_part(rows: &impl Rows, name: &str) -> Result<String> {
    let base = local_part_from_name(name);
    let base = if is_valid_local_part(&base) { base } else { String::from("inbox") };
    for number in 1..=MAX_INBOXES + 1 {
        let local = if number == 1 { base.clone() } else { format!("{}-{number}", text::cut(&base, 34)) };
        if is_valid_local_part(&local) && find_by_local_part(rows, &local)?.is_none() {
            return Ok(local);
        }
    }
    Err(Error::conflict("address_in_use", "no address is free for this name"))
}
