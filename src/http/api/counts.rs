//! Counts beside the views.

use std::collections::BTreeMap;

use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use super::caller::Caller;
use super::failure::{broken, problem};
use crate::desk::views;
use crate::store::Rows;

/// Counts beside the views; they stop at 100, which means "99+".
#[derive(Object, Clone, Debug)]
pub struct Counts {
    /// By view: `all`, `mine`, `unassigned`, `snoozed`, `closed`, `sent`, `filtered`, `spam`, `trash`.
    pub views: BTreeMap<String, u64>,
    /// Open conversations by inbox.
    pub inboxes: BTreeMap<String, u64>,
    /// Open conversations the asker has yet to read.
    pub unread: u64,
    /// The snapshot this was read at.
    pub change: u64,
}

impl Counts {
    /// Counts as the interface writes them.
    pub fn of(counts: views::Counts, change: u64) -> Counts {
        let text = |(name, number): (&str, usize)| (String::from(name), number as u64);
        Counts {
            views: counts.views.into_iter().map(text).collect(),
            inboxes: counts.inboxes.into_iter().map(|(id, number)| (id.to_string(), number as u64)).collect(),
            unread: counts.unread as u64,
            change,
        }
    }
}

pub(in crate::http) struct CountsApi;

#[OpenApi]
impl CountsApi {
    /// Counts beside the views.
    #[oai(path = "/counts", method = "get", operation_id = "get_counts")]
    async fn get(&self, caller: Caller) -> poem::Result<Json<Counts>> {
        let rows = caller.rows()?;
        let counts = views::counts(&rows, caller.who()).map_err(problem)?;
        Ok(Json(Counts::of(counts, rows.last_change().map_err(broken)?)))
    }
}
