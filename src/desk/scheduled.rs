//! Messages that are to leave later: sending one at once after all. Taking one back is [`super::undo`].

use super::conversations::visible;
use super::{Desk, Error, Result, Who};
use crate::domain::{Job, Message, MessageId, What};
use crate::mail::build;
use crate::store::Rows;

impl Desk {
    /// Sends a message now that was to be sent later. Nobody has it yet, so it gets the date of today.
    ///
    /// # Errors
    /// [`Error::Forbidden`] unless its author or a manager asks, [`Error::Conflict`] `not_scheduled`.
    pub async fn send_now(&self, who: &Who, id: MessageId) -> Result<Message> {
        let rows = self.store.read()?;
        let (message, _) = self.message(&rows, who, id)?;
        who.must_write()?;
        if message.author != Some(who.agent.id) {
            who.must_manage()?;
        }
        let none = || Error::conflict("not_scheduled", "this message does not wait for a time");
        let raw = message.raw.filter(|_| message.is_scheduled()).ok_or_else(none)?;
        let act = self.act(who.actor());
        let mail = build::redated(&self.store.blob(&rows, raw)?.into_bytes()?, act.at.millis());
        let domain =
            message.from.as_ref().and_then(|from| from.email.rsplit_once('@')).map_or("", |(_, domain)| domain);
        let mail = self.prepare(self.sign(&rows, domain, mail)?).await?;
        drop(rows);
        let scope = who.scope.clone();
        self.store
            .write_with(vec![mail], move |writer, blobs| {
                let mut message: Message = writer.find(id)?.ok_or(Error::NotFound)?;
                let conversation = visible(writer, &scope, message.conversation)?;
                let waits = message.is_scheduled();
                let delivery = message.delivery.as_mut().filter(|_| waits).ok_or_else(none)?;
                let job = delivery.job.ok_or_else(none)?;
                let mut job: Job = writer.find(job)?.filter(|job: &Job| job.attempts == 0).ok_or_else(none)?;
                (job.due_at, job.created_at) = (act.at, act.at);
                (delivery.due_at, delivery.send_at) = (Some(act.at), None);
                message.date = Some(act.at);
                message.raw = blobs.first().map(|blob| writer.add_blob(blob)).transpose()?;
                writer.put(&job)?;
                writer.put(&message)?;
                writer.change(act.at, act.actor, What::MessageChanged(conversation.id, id))?;
                Ok(message)
            })
            .await
    }
}
