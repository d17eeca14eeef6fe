//! What a client and the wire see: a train of probes, a train of requests, advertisements.

mod adverts;
mod probes;
mod requests;

pub use adverts::{Advert, AdvertCapture};
pub use probes::ProbeTrain;
pub use requests::{RequestTrain, Requests};

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// A thread that ends with this value.
#[derive(Debug)]
struct Train {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Train {
    fn start(run: impl FnOnce(&AtomicBool) + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            // Measuring must not wait for what is measured; without the right to it, it may.
            let _ = sys::realtime::round_robin(10);
            run(&seen);
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Train {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn time_left(until: std::time::Instant) -> rustix::time::Timespec {
    let left = until.saturating_duration_since(std::time::Instant::now());
    rustix::time::Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() }
}
