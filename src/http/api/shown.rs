//! Rendering messages off the async threads: cleaned HTML that was wanted lately, and few threads at a time.
//!
//! Reading bodies and cleaning HTML costs milliseconds to seconds; done among the async workers, one thread of
//! long mails would hold up everybody.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::State;
use super::failure::{broken, problem};
use super::render::Renderer;
use crate::desk::Who;
use crate::domain::MessageId;
use crate::store::Error;

/// Cleaned HTML that is remembered, bytes in all.
const REMEMBERED_BYTES: usize = 32 << 20;
/// Messages of which it is remembered.
const REMEMBERED: usize = 1024;
/// Renderings at the same time.
const AT_ONCE: usize = 4;

/// A message's HTML, cleaned.
#[derive(Clone, Debug, Default)]
pub(super) struct Clean {
    pub html: Option<String>,
    pub blocked: Option<&'static str>,
    pub remote_images: u32,
    pub remote_addresses: Vec<String>,
    pub own_colours: bool,
    pub has_quote: bool,
}

impl Clean {
    fn size(&self) -> usize {
        let addresses: usize = self.remote_addresses.iter().map(String::len).sum();
        self.html.as_ref().map_or(0, String::len).saturating_add(addresses)
    }
}

/// Cleaned HTML of messages that were looked at lately, and the turns of those who render.
pub struct Shown {
    kept: Mutex<Kept>,
    turns: Arc<Semaphore>,
}

#[derive(Default)]
struct Kept {
    /// The latest used first.
    items: VecDeque<(MessageId, Arc<Clean>)>,
    bytes: usize,
}

impl Default for Shown {
    fn default() -> Shown {
        Shown { kept: Mutex::default(), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Shown {
    pub(super) fn get(&self, id: MessageId, make: impl FnOnce() -> Clean) -> Arc<Clean> {
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept().used(id);
        known.unwrap_or_else(|| {
            let clean = Arc::new(make());
            kept().keep(id, &clean);
            clean
        })
    }
}

impl Kept {
    fn used(&mut self, id: MessageId) -> Option<Arc<Clean>> {
        let place = self.items.iter().position(|(known, _)| *known == id)?;
        let (_, clean) = self.items.remove(place)?;
        self.items.push_front((id, Arc::clone(&clean)));
        Some(clean)
    }

    fn keep(&mut self, id: MessageId, clean: &Arc<Clean>) {
        // Somebody else may have cleaned the same one meanwhile.
        if self.items.iter().any(|(known, _)| *known == id) {
            return;
        }
        self.bytes = self.bytes.saturating_add(clean.size());
        self.items.push_front((id, Arc::clone(clean)));
        while self.bytes > REMEMBERED_BYTES || self.items.len() > REMEMBERED {
            let Some((_, oldest)) = self.items.pop_back() else { break };
            self.bytes = self.bytes.saturating_sub(oldest.size());
        }
    }
}

/// What `work` makes of the store as it is now, on a thread of its own when it is its turn.
pub(super) async fn rendered<T: Send + 'static>(
    state: &Arc<State>,
    who: &Who,
    work: impl FnOnce(&Renderer<'_>) -> poem::Result<T> + Send + 'static,
) -> poem::Result<T> {
    let stopped = || broken(Error::Stopped);
    // The thread keeps the turn: one who goes away does not end what was begun.
    let turn = Arc::clone(&state.shown.turns).acquire_owned().await.map_err(|_| stopped())?;
    let (state, who) = (Arc::clone(state), who.clone());
    let done = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let rows = state.desk.store.read().map_err(|error| problem(error.into()))?;
        work(&Renderer { desk: &state.desk, shown: &state.shown, rows: &rows, who: &who })
    });
    done.await.map_err(|_| stopped())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bound_by_its_bytes_and_the_latest_stays() {
        let shown = Shown::default();
        let long = || Clean { html: Some("x".repeat(3 << 20)), ..Clean::default() };
        for id in 0..100 {
            shown.get(MessageId(id), long);
            shown.get(MessageId(0), || unreachable!("it was used just now"));
        }
        shown.get(MessageId(99), || unreachable!("long ones are remembered too"));
        let kept = shown.kept.lock().unwrap();
        assert_eq!((kept.items.len(), kept.bytes), (10, 30 << 20));
    }
}
