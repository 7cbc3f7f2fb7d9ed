//! What the store must know of an entity: its table, its index keys, its tallies, the blobs it names.
//! They are said in one place, and [`super::Writer::put`] keeps all of them right by difference.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Key, Table};
use crate::domain::BlobId;

/// A key in an index table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IndexKey {
    /// The index.
    pub table: Table,
    /// The key.
    pub key: Key,
    /// For unique indexes, the id it leads to; plain ones carry the id at the end of the key.
    pub unique: bool,
}

impl IndexKey {
    /// A key that ends in the id it leads to.
    pub fn plain(table: Table, key: Key, id: u64) -> IndexKey {
        IndexKey { table, key: key.u64(id), unique: false }
    }

    /// A key that leads to one id alone.
    pub fn unique(table: Table, key: Key) -> IndexKey {
        IndexKey { table, key, unique: true }
    }
}

/// A tally that counts an entity.
pub type TallyKey = Key;

/// Something with an id that the store keeps.
pub trait Entity: Serialize + DeserializeOwned + Clone {
    /// Its table.
    const TABLE: Table;
    /// Its id's type.
    type Id: Copy + Into<u64>;

    /// Its id.
    fn id(&self) -> u64;

    /// The index keys it stands under.
    fn index_keys(&self) -> Vec<IndexKey> {
        Vec::new()
    }

    /// The tallies that count it.
    fn tallies(&self) -> Vec<TallyKey> {
        Vec::new()
    }

    /// The blobs it names; a blob that no row names is swept.
    fn blobs(&self) -> Vec<BlobId> {
        Vec::new()
    }
}
