//! Giving room back: what no row names any more.
//!
//! A sweep removes only what a durable commit has already let go of, and nothing while somebody copies
//! ([`super::hold`]); what it leaves, the next one takes.

use super::hold::Hold;
use super::{Direction, Key, Result, Rows, Store, Table, rows};

impl Store {
    /// Removes the files of blobs that no row names, up to `limit` of them; gives how many there were.
    ///
    /// # Errors
    /// The store's own.
    pub async fn sweep_blobs(&self, limit: usize) -> Result<usize> {
        let Some(hold) = Hold::remove(self.blobs.dir())? else { return Ok(0) };
        let mut dead = Vec::new();
        self.read()?.visit_prefix(Table::DeadBlobs, &Key::new(), None, Direction::Forward, &mut |key, value| {
            self.blobs.remove(&rows::decode(value)?)?;
            dead.push(key.to_vec());
            Ok(dead.len() < limit)
        })?;
        drop(hold);
        let gone = dead.clone();
        if !gone.is_empty() {
            self.write(move |writer| gone.iter().try_for_each(|key| writer.remove(Table::DeadBlobs, key))).await?;
        }
        Ok(dead.len())
    }
}
