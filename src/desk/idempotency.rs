//! The same request sent twice is done once: `client_id` is unique per actor and route, and kept for 7 days
//! with the row it made.

use serde::{Deserialize, Serialize};

use super::{Error, Result};
use crate::base::Timestamp;
use crate::domain::AgentId;
use crate::store::{Direction, Key, Rows, Table, Writer};

/// Days a client id is remembered.
pub const KEPT_DAYS: i64 = 7;
/// Longest client id, bytes.
const MAX_CLIENT_ID: usize = 100;

/// A request that carries a client id.
#[derive(Clone, Debug)]
pub struct Request {
    key: Key,
    body: [u8; 32],
}

#[derive(Serialize, Deserialize)]
struct Answered {
    body: Vec<u8>,
    result: u64,
}

impl Request {
    /// The request `client_id` of `agent` on `route`, whose content is `body`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an id that is empty or too long.
    pub fn new(agent: AgentId, route: &str, client_id: &str, body: &impl Serialize) -> Result<Request> {
        if client_id.is_empty() || client_id.len() > MAX_CLIENT_ID {
            return Err(Error::invalid("client_id", "invalid"));
        }
        let body = serde_json::to_vec(body).map_err(|_| Error::invalid("body", "invalid"))?;
        let name = blake3::hash(format!("{route}\n{client_id}").as_bytes());
        let key = Key::new().u64(agent.0).bytes(name.as_bytes());
        Ok(Request { key, body: *blake3::hash(&body).as_bytes() })
    }

    /// The id of the row that the first such request made.
    ///
    /// # Errors
    /// [`Error::Conflict`] `client_id_reused` when that request said something else.
    pub fn answered(&self, rows: &impl Rows) -> Result<Option<u64>> {
        let Some(bytes) = rows.get_bytes(Table::ClientIds, self.key.as_bytes())? else { return Ok(None) };
        let answered: Answered = rmp_serde::from_slice(&bytes).map_err(crate::store::Error::from)?;
        if answered.body != self.body {
            return Err(Error::conflict("client_id_reused", "this client_id was used for another request"));
        }
        Ok(Some(answered.result))
    }

    /// Remembers the row it made.
    ///
    /// # Errors
    /// The store's own.
    pub fn remember(&self, writer: &mut Writer<'_>, at: Timestamp, result: u64) -> Result<()> {
        let answered = Answered { body: self.body.to_vec(), result };
        let value = rmp_serde::to_vec_named(&answered).map_err(crate::store::Error::from)?;
        writer.insert(Table::ClientIds, self.key.as_bytes(), &value)?;
        let by_time = Key::new().time(at).bytes(self.key.as_bytes());
        writer.insert(Table::ClientIdByTime, by_time.as_bytes(), &[])?;
        Ok(())
    }
}

/// Forgets what is older than `before`, up to `limit`; gives how many.
pub(super) fn forget(writer: &mut Writer<'_>, before: Timestamp, limit: usize) -> Result<usize> {
    super::retention::trim_pair(writer, Table::ClientIdByTime, Table::ClientIds, before, limit)
}

/// The oldest rows of a table whose keys begin with a time.
pub(super) fn oldest(rows: &impl Rows, table: Table, limit: usize) -> Result<Vec<Vec<u8>>> {
    let mut keys = Vec::new();
    rows.visit_prefix(table, &Key::new(), None, Direction::Forward, &mut |key, _| {
        keys.push(key.to_vec());
        Ok(keys.len() < limit)
    })?;
    Ok(keys)
}
