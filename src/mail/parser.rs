//! The thread on which mails are parsed: its own stack, a bounded queue, and a parse that panics
//! takes nothing with it.
//!
//! The caller records an attempt before it asks, so that even the end of the process cannot make
//! one mail stop the next.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::parse::{self, Parsed};

/// Stack of the thread in bytes.
const STACK: usize = 8 * 1024 * 1024;
/// Mails that may wait; askers beyond wait with them.
const QUEUE: usize = 16;

struct Job {
    raw: Bytes,
    answer: oneshot::Sender<Parsed>,
}

/// A handle to the parser thread. The thread ends when the last handle is dropped.
#[derive(Clone, Debug)]
pub struct Parser {
    jobs: mpsc::Sender<Job>,
}

impl Parser {
    /// Starts the thread; an error is the system's, which gives no more threads.
    pub fn start() -> std::io::Result<Parser> {
        Parser::with(parse::parse)
    }

    fn with(parse: fn(&[u8]) -> Parsed) -> std::io::Result<Parser> {
        let (jobs, mut waiting) = mpsc::channel(QUEUE);
        let run = move || {
            // A panic drops the one answer it was about; the queue goes on.
            while catch_unwind(AssertUnwindSafe(|| serve(&mut waiting, parse))).is_err() {
                tracing::error!("the parser panicked on a mail");
            }
        };
        thread::Builder::new().name("mail-parser".into()).stack_size(STACK).spawn(run)?;
        Ok(Parser { jobs })
    }

    /// Reads `raw`. Never fails: where the parser panics the answer says so in its defects.
    pub async fn parse(&self, raw: Bytes) -> Parsed {
        let (answer, answered) = oneshot::channel();
        if self.jobs.send(Job { raw, answer }).await.is_err() {
            return Parsed::panicked();
        }
        answered.await.unwrap_or_else(|_| Parsed::panicked())
    }
}

fn serve(waiting: &mut mpsc::Receiver<Job>, parse: fn(&[u8]) -> Parsed) {
    while let Some(job) = waiting.blocking_recv() {
        let parsed = parse(&job.raw);
        // Nobody may be waiting any more; then the work was for nothing, and that is all.
        let _ = job.answer.send(parsed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_costs_one_mail_only() {
        let parser = Parser::with(|raw| if raw == b"bad" { panic!("as asked") } else { parse::parse(raw) }).unwrap();
        for _ in 0..3 {
            assert!(parser.parse(Bytes::from_static(b"bad")).await.unreadable());
            assert_eq!(parser.parse(Bytes::from_static(b"Subject: hi\r\n\r\n")).await.subject, "hi");
        }
    }

    #[tokio::test]
    async fn many_askers_wait_their_turn() {
        let parser = Parser::start().unwrap();
        let asked = (0..100).map(|n| {
            let parser = parser.clone();
            async move { parser.parse(Bytes::from(format!("Subject: {n}\r\n\r\n"))).await.subject }
        });
        let answers = futures_util::future::join_all(asked).await;
        assert!(answers.iter().enumerate().all(|(n, subject)| *subject == n.to_string()));
    }
}
