//! The ticker repeats a task on its own thread.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// Does something again and again in a thread of its own, for as long as it is kept.
#[derive(Debug)]
pub(super) struct Ticker {
    /// Nothing is sent: its end is what the thread hears.
    _alive: Sender<()>,
}

impl Ticker {
    /// Does `work` after each time of this length.
    pub(super) fn start(every: Duration, work: impl Fn() + Send + 'static) -> Ticker {
        let (alive, ended) = channel::<()>();
        let tick = move || {
            while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                work();
            }
        };
        // If no thread can be started, nothing ticks and the run continues.
        let _ = std::thread::Builder::new().spawn(tick);
        Ticker { _alive: alive }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ticks_until_it_is_dropped() {
        let (tick, ticks) = channel();
        let ticker = Ticker::start(Duration::from_millis(1), move || {
            // The counter may have ended.
            let _ = tick.send(());
        });
        for _ in 0..3 {
            ticks.recv().unwrap();
        }
        drop(ticker);
        // The thread ends, and with it what it would tick with.
        while ticks.recv().is_ok() {}
    }
}
