//! What the reading side of a connection tells the answering side: one verdict a head, in order.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use poem::http::StatusCode;

/// What was found about a request before it was parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may be answered; the connection must end with it when `close` says so.
    Pass {
        /// Nothing after this request is looked at.
        close: bool,
    },
    /// It is answered with this and the connection ends.
    Refuse(Refusal),
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) detail: &'static str,
}

/// The verdicts not taken yet and the number of requests being answered.
#[derive(Default)]
pub(super) struct Exchange(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    verdicts: VecDeque<Verdict>,
    under_way: usize,
    /// Who waits for the last answer's end.
    waiting: Option<Waker>,
}

/// A request being answered; dropped with the last byte of the answer's body.
pub(super) struct UnderWay(Arc<Exchange>);

impl Exchange {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A head went through, or was replaced by one that stands for a refusal.
    pub(super) fn judged(self: &Arc<Self>, verdict: Verdict) {
        let mut inner = self.inner();
        inner.verdicts.push_back(verdict);
        inner.under_way += 1;
    }

    /// The verdict on the next request. Without one the request did not pass the guard: refused.
    pub(super) fn next(self: &Arc<Self>) -> (Verdict, UnderWay) {
        let mut inner = self.inner();
        let unseen = Refusal { status: StatusCode::BAD_REQUEST, detail: "the request is malformed" };
        let verdict = inner.verdicts.pop_front().unwrap_or_else(|| {
            inner.under_way += 1;
            Verdict::Refuse(unseen)
        });
        (verdict, UnderWay(Arc::clone(self)))
    }

    /// Whether no request is being answered; when one is, the task is woken at the end of the last.
    pub(super) fn is_quiet(&self, cx: &mut Context<'_>) -> bool {
        let mut inner = self.inner();
        if inner.under_way > 0 {
            inner.waiting = Some(cx.waker().clone());
        }
        inner.under_way == 0
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut inner = self.0.inner();
        inner.under_way = inner.under_way.saturating_sub(1);
        if inner.under_way == 0
            && let Some(waiting) = inner.waiting.take()
        {
            waiting.wake();
        }
    }
}
