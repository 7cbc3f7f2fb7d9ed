//! Contacts: found or made from who writes.

use super::{Act, Desk, Error, Result, Who, views};
use crate::base::text;
use crate::domain::contact::{Identity, IdentityKind};
use crate::domain::{Contact, ContactId, Conversation, Kind, Message, MessageId, Person, Scope, What};
use crate::mail::address::contact_key;
use crate::store::{Direction, Key, Rows, Table, Writer, identity_key};

/// Longest name, bytes.
const MAX_NAME: usize = 200;
/// Rows at the head of a thread among which its first mail is.
const FIRST_ROWS: usize = 20;

/// The contact with that e-mail address, made when there is none. A name in a mail is taken only where none
/// is known: nobody renames a contact by writing.
pub(super) fn find_or_add(writer: &mut Writer<'_>, act: Act, person: &Person) -> Result<Contact> {
    let value = contact_key(&person.email);
    let name = person.name.as_deref().map(|name| text::one_line(name, MAX_NAME)).filter(|name| !name.is_empty());
    if let Some(id) = writer.unique(Table::ContactByIdentity, &identity_key(IdentityKind::Email, &value))? {
        let mut contact: Contact = writer.get(ContactId(id))?;
        if contact.name.is_none() && name.is_some() && !contact.named_by_agent {
            contact.name = name;
            writer.put(&contact)?;
            writer.change(act.at, act.actor, What::Contact(contact.id))?;
        }
        return Ok(contact);
    }
    let identity = Identity { kind: IdentityKind::Email, value, shown: person.email.clone(), verified_at: None };
    let contact = Contact {
        id: ContactId(writer.next_id::<Contact>()?),
        name,
        named_by_agent: false,
        identities: vec![identity],
        created_at: act.at,
    };
    writer.put(&contact)?;
    writer.change(act.at, act.actor, What::Contact(contact.id))?;
    Ok(contact)
}

/// The name of a conversation's contact for the asker. Who began it and does not see all that was said with the
/// contact is told what they typed: an address must not give a name away.
///
/// # Errors
/// The store's own.
pub fn name_for(
    rows: &impl Rows,
    scope: &Scope,
    conversation: &Conversation,
    contact: &Contact,
) -> Result<Option<String>> {
    if views::sees_all_of(rows, scope, contact.id)? {
        return Ok(contact.name.clone());
    }
    let thread = Key::new().u64(conversation.id.0);
    for id in rows.ids(Table::MessageByConversation, &thread, None, Direction::Forward, FIRST_ROWS)? {
        let message: Message = rows.get(MessageId(id))?;
        match message.kind {
            Kind::Inbound => break,
            Kind::Outbound => {
                let mut all = message.to.into_iter().chain(message.cc).chain(message.bcc);
                let typed = all.find(|person| contact_key(&person.email) == conversation.identity);
                return Ok(typed.and_then(|person| person.name));
            }
            Kind::Comment | Kind::Event => {}
        }
    }
    Ok(contact.name.clone())
}

impl Desk {
    /// Sets a contact's name; an empty one goes back to what their mail says.
    ///
    /// # Errors
    /// [`Error::NotFound`] for who sees none of what was said with them, [`Error::ReadOnly`] for who may only read
    /// or does not see all of it: the name is everybody's.
    pub async fn rename_contact(&self, who: &Who, id: ContactId, name: String) -> Result<Contact> {
        let act = self.act(who.actor());
        let scope = who.scope.clone();
        self.store
            .write(move |writer| {
                let mut contact: Contact = writer.find(id)?.ok_or(Error::NotFound)?;
                if views::count_with(writer, &scope, id)? == 0 {
                    return Err(Error::NotFound);
                }
                if !scope.may_write || !views::sees_all_of(writer, &scope, id)? {
                    return Err(Error::ReadOnly);
                }
                let name = text::one_line(&name, MAX_NAME);
                contact.named_by_agent = !name.is_empty();
                contact.name = Some(name).filter(|name| !name.is_empty());
                writer.put(&contact)?;
                writer.change(act.at, act.actor, What::Contact(id))?;
                Ok(contact)
            })
            .await
    }
}
