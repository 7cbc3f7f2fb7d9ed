//! The periodic table: everything that is done by the clock, on one page.

use std::sync::Arc;

use super::tls::{LOOK_SECONDS, Watched};
use crate::base::memory;
use crate::config::Config;
use crate::desk::Desk;
use crate::desk::retention::Keep;
use crate::jobs::Task;

/// All periodic tasks.
pub(super) fn tasks(desk: &Arc<Desk>, config: &Config, certificates: Vec<Watched>) -> Vec<Task> {
    let certificates = Arc::new(certificates);
    let keep =
        Keep { trash_days: i64::from(config.retention.trash_days), spam_days: i64::from(config.retention.spam_days) };
    let words = |error: crate::desk::Error| error.to_string();
    vec![
        task("wake snoozed conversations", 5, desk, move |desk| async move {
            desk.wake_snoozed().await.map(drop).map_err(words)
        }),
        task("look at the disk's room", 5, desk, move |desk| async move { desk.look_at_room().await.map_err(words) }),
        task("look at the certificate files", LOOK_SECONDS, desk, move |_| {
            let certificates = Arc::clone(&certificates);
            async move {
                // One that cannot be used does not keep the other from being looked at.
                let wrong: Vec<String> = certificates.iter().filter_map(|files| files.look().err()).collect();
                if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
            }
        }),
        task("give memory back", 10, desk, |_| async {
            memory::give_back();
            Ok(())
        }),
        task(
            "end sessions",
            3600,
            desk,
            move |desk| async move { desk.sweep_sessions().await.map(drop).map_err(words) },
        ),
        task("remove unsent uploads", 600, desk, move |desk| async move {
            desk.sweep_uploads().await.map(drop).map_err(words)
        }),
        task("rewrite segments that are mostly dead", 3600, desk, |desk| async move {
            desk.store.sweep_segments(1).await.map(drop).map_err(|error| error.to_string())
        }),
        task("remove files that nothing names", 86_400, desk, |desk| async move {
            desk.store.sweep_orphans(desk.clock.now(), 1000).await.map(drop).map_err(|error| error.to_string())
        }),
        task("retire what is past its time", 600, desk, move |desk| async move {
            while desk.retire(keep).await.map_err(words)? {}
            Ok(())
        }),
    ]
}

fn task<F, R>(name: &'static str, every_seconds: i64, desk: &Arc<Desk>, run: F) -> Task
where
    F: Fn(Arc<Desk>) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), String>> + Send + 'static,
{
    let desk = Arc::clone(desk);
    Task { name, every_seconds, run: Box::new(move || Box::pin(run(Arc::clone(&desk)))) }
}
