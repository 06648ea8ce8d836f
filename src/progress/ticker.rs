//! A thread that repeats a task.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// A thread that repeats a task until this is dropped.
#[derive(Debug)]
pub(super) struct Ticker {
    /// Sends nothing: dropping it ends the thread.
    _alive: Sender<()>,
}

impl Ticker {
    /// Starts a thread that calls `work` at this interval.
    pub(super) fn start(every: Duration, work: impl Fn() + Send + 'static) -> Ticker {
        let (alive, ended) = channel::<()>();
        let tick = move || {
            while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                work();
            }
        };
        // If no thread can be started, the run continues without ticks.
        let _ = std::thread::Builder::new().spawn(tick);
        Ticker { _alive: alive }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticker_ticks_until_it_is_dropped() {
        let (tick, ticks) = channel();
        let ticker = Ticker::start(Duration::from_millis(1), move || {
            // The receiver may be closed.
            let _ = tick.send(());
        });
        for _ in 0..3 {
            ticks.recv().unwrap();
        }
        drop(ticker);
        // The loop ends only when the thread has ended and dropped its sender.
        while ticks.recv().is_ok() {}
    }
}
