//! What servers log as errors while tests run: each has to be expected by the test it belongs to.
//!
//! Every test has a runtime of its own, and what is logged on it is that test's. What the store's and the parser's
//! own threads log belongs to nobody in particular: any test that stops a server then finds it.

use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use tokio::runtime::{Handle, Id};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

struct Logged {
    runtime: Option<Id>,
    words: String,
}

struct Expected {
    runtime: Id,
    part: String,
    met: bool,
}

static LOGGED: Mutex<Vec<Logged>> = Mutex::new(Vec::new());
static EXPECTED: Mutex<Vec<Expected>> = Mutex::new(Vec::new());

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins to look, once a process. Shows the log of all servers as well when `TEST_LOG` says at which level.
pub fn watch() {
    use tracing_subscriber::filter::{EnvFilter, filter_fn};
    let ours =
        |metadata: &Metadata<'_>| *metadata.level() == Level::ERROR && metadata.target().starts_with("frontdesk");
    let shown = std::env::var("TEST_LOG").ok().map(|filter| {
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_filter(EnvFilter::new(filter))
    });
    // Only the first call of the process counts.
    let _ = tracing_subscriber::registry().with(Watch.with_filter(filter_fn(ours))).with(shown).try_init();
}

/// Says that this test is going to see an error with `part` in its words; it has to.
pub fn expect(part: &str) {
    let runtime = Handle::current().id();
    lock(&EXPECTED).push(Expected { runtime, part: part.to_owned(), met: false });
}

/// What this test did not expect and what it expected in vain.
pub fn surprises() -> Vec<String> {
    let mine = Handle::current().id();
    let (mut logged, mut expected) = (lock(&LOGGED), lock(&EXPECTED));
    let mut found = Vec::new();
    logged.retain(|one| {
        if one.runtime.is_some_and(|runtime| runtime != mine) {
            return true;
        }
        let fits = |expected: &&mut Expected| {
            (one.runtime.is_none() || expected.runtime == mine) && one.words.contains(&expected.part)
        };
        match expected.iter_mut().find(fits) {
            Some(expected) => expected.met = true,
            None => found.push(format!("logged: {}", one.words)),
        }
        false
    });
    let in_vain = expected.iter().filter(|one| one.runtime == mine && !one.met);
    found.extend(in_vain.map(|one| format!("expected and never logged: {}", one.part)));
    found
}

struct Watch;

impl<S: Subscriber> Layer<S> for Watch {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let runtime = Handle::try_current().ok().map(|handle| handle.id());
        let mut words = Words(format!("{}:", event.metadata().target()));
        event.record(&mut words);
        lock(&LOGGED).push(Logged { runtime, words: words.0 });
    }
}

struct Words(String);

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}
