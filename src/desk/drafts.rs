//! Drafts: what somebody has begun to write, kept on the server. One an agent, conversation and kind.

use super::conversations::visible;
use super::{Act, Desk, Error, Result, Who, attachments, forwarding, replies};
use crate::domain::draft::{DraftKind, Forward};
use crate::domain::{AgentId, AttachmentId, ConversationId, Draft, DraftId, Person, What};
use crate::store::{Key, Rows, Table, Writer};

/// What a save says.
#[derive(Clone, Debug, Default)]
pub struct DraftContent {
    /// Recipients, when they were changed.
    pub to: Option<Vec<Person>>,
    /// Copies.
    pub cc: Option<Vec<Person>>,
    /// Hidden copies.
    pub bcc: Option<Vec<Person>>,
    /// The text as HTML.
    pub html: Option<String>,
    /// The plain text.
    pub text: Option<String>,
    /// Files.
    pub attachments: Vec<AttachmentId>,
    /// The message it passes on, and which of its files.
    pub forward: Option<Forward>,
}

impl Desk {
    /// Saves a draft: the newest wins, and its revision grows.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::ReadOnly`], [`Error::TooLarge`].
    pub async fn save_draft(
        &self,
        who: &Who,
        conversation: ConversationId,
        kind: DraftKind,
        content: DraftContent,
    ) -> Result<Draft> {
        who.must_write()?;
        let long = |part: &Option<String>| part.as_ref().is_some_and(|part| part.len() > replies::MAX_WORDS);
        let people = [&content.to, &content.cc, &content.bcc];
        let many = people.iter().any(|list| list.as_ref().is_some_and(|list| list.len() > replies::MAX_RECIPIENTS));
        if long(&content.html) || long(&content.text) || many || content.attachments.len() > replies::MAX_FILES {
            return Err(Error::TooLarge);
        }
        let act = self.act(who.actor());
        let (agent, scope) = (who.agent.clone(), who.scope.clone());
        self.store
            .write(move |writer| {
                visible(writer, &scope, conversation)?;
                if let Some(forward) = &content.forward {
                    forwarding::original(writer, conversation, forward)?;
                }
                for file in &content.attachments {
                    attachments::own_unbound(writer, &agent, *file)?;
                }
                let old = find(writer, agent.id, Some(conversation), kind)?;
                let id = match &old {
                    Some(old) => old.id,
                    None => DraftId(writer.next_id::<Draft>()?),
                };
                let draft = Draft {
                    id,
                    author: agent.id,
                    conversation: Some(conversation),
                    kind,
                    revision: old.map_or(1, |old| old.revision + 1),
                    to: content.to.clone(),
                    cc: content.cc.clone(),
                    bcc: content.bcc.clone(),
                    html: content.html.clone(),
                    text: content.text.clone(),
                    attachments: content.attachments.clone(),
                    forward: content.forward.clone(),
                    updated_at: act.at,
                };
                writer.put(&draft)?;
                writer.change(act.at, act.actor, What::Draft(agent.id, id, Some(conversation)))?;
                Ok(draft)
            })
            .await
    }

    /// Drops a draft; nothing happens when there is none.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the conversation is not there for the asker.
    pub async fn drop_draft(&self, who: &Who, conversation: ConversationId, kind: DraftKind) -> Result<()> {
        let act = self.act(who.actor());
        let (agent, scope) = (who.agent.id, who.scope.clone());
        self.store
            .write(move |writer| {
                visible(writer, &scope, conversation)?;
                drop_draft(writer, act, agent, Some(conversation), kind)
            })
            .await
    }
}

/// The agent's draft there, if there is one.
///
/// # Errors
/// The store's own.
pub fn find(
    rows: &impl Rows,
    author: AgentId,
    conversation: Option<ConversationId>,
    kind: DraftKind,
) -> Result<Option<Draft>> {
    let key = Key::new().u64(author.0).u64(conversation.map_or(0, |id| id.0)).u8(kind.code());
    match rows.unique(Table::DraftByPlace, &key)? {
        Some(id) => Ok(rows.find(DraftId(id))?),
        None => Ok(None),
    }
}

/// Drops the agent's draft there, if there is one.
pub(super) fn drop_draft(
    writer: &mut Writer<'_>,
    act: Act,
    author: AgentId,
    conversation: Option<ConversationId>,
    kind: DraftKind,
) -> Result<()> {
    if let Some(draft) = find(writer, author, conversation, kind)? {
        writer.delete::<Draft>(draft.id)?;
        writer.change(act.at, act.actor, What::Draft(author, draft.id, conversation))?;
    }
    Ok(())
}
