//! What the queue's jobs are to this channel.

use std::sync::Arc;

use super::authenticating::Checking;
use super::sending::Sending;
use crate::domain::JobId;
use crate::domain::job::{Job, Work};
use crate::jobs;
use crate::store::Rows;

/// Does the jobs of e-mail.
pub struct Mailing {
    /// Sends.
    pub sending: Arc<Sending>,
    /// Finds out about senders.
    pub checking: Checking,
}

impl jobs::Work for Mailing {
    async fn run(&self, job: JobId) -> Result<(), String> {
        let row = {
            let rows = self.checking.desk.store.read().map_err(|error| error.to_string())?;
            rows.find::<Job>(job).map_err(|error| error.to_string())?
        };
        match row.map(|row| row.work) {
            Some(Work::SendMail(_)) => self.sending.send_job(job).await,
            Some(Work::Authenticate(_)) => self.checking.run(job).await,
            Some(Work::AutoReply(_)) => self.checking.desk.auto_reply(job).await.map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }
}
