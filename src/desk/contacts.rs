//! Contacts: found or made from who writes.

use super::{Act, Desk, Error, Result, Who};
use crate::base::text;
use crate::domain::contact::{Identity, IdentityKind};
use crate::domain::{Contact, ContactId, Person, What};
use crate::store::{Rows, Table, Writer, identity_key};

/// Longest name, bytes.
const MAX_NAME: usize = 200;

/// The contact with that e-mail address, made when there is none. A name in a mail is taken only where none
/// is known: nobody renames a contact by writing.
pub(super) fn find_or_add(writer: &mut Writer<'_>, act: Act, person: &Person) -> Result<Contact> {
    let value = crate::mail::address::contact_key(&person.email);
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

impl Desk {
    /// Sets a contact's name; an empty one goes back to what their mail says.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::NotFound`].
    pub async fn rename_contact(&self, who: &Who, id: ContactId, name: String) -> Result<Contact> {
        who.must_write()?;
        let act = self.act(who.actor());
        self.store
            .write(move |writer| {
                let mut contact: Contact = writer.find(id)?.ok_or(Error::NotFound)?;
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
