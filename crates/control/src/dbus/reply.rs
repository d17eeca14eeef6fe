//! An answer that a caller on the bus waits for.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// Given once, by another thread: whether what was asked for was done.
#[derive(Clone, Debug, Default)]
pub(super) struct Reply(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    done: Option<bool>,
    waker: Option<Waker>,
}

impl Reply {
    /// Gives the answer.
    pub(super) fn give(&self, done: bool) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.done = Some(done);
        let waker = waiting.waker.take();
        drop(waiting);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Future for Reply {
    type Output = bool;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match waiting.done {
            Some(done) => Poll::Ready(done),
            None => {
                waiting.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}
