//! The first termination signal drains requests in progress, and the second cancels them.

use std::time::Duration;

use tokio::sync::watch;

use crate::send::StopRequest;

/// Signals that come closer together than this are one: some programs send each one twice.
const ECHO: Duration = Duration::from_millis(300);

/// Says when the run is to stop: the first Ctrl-C, SIGTERM or SIGHUP lets requests in progress
/// finish, the second one does not.
pub struct StopSignal {
    sender: watch::Sender<StopRequest>,
    listens: std::sync::Once,
}

impl Default for StopSignal {
    fn default() -> StopSignal {
        StopSignal::new()
    }
}

impl StopSignal {
    /// A signal that does not listen yet.
    pub fn new() -> StopSignal {
        StopSignal {
            sender: watch::Sender::new(StopRequest::None),
            listens: std::sync::Once::new(),
        }
    }

    /// Where the request for a stop arrives.
    pub fn receiver(&self) -> watch::Receiver<StopRequest> {
        self.sender.subscribe()
    }

    /// Asks for what a signal would ask for, or for a pause, or takes that back. What goes further stays.
    pub fn ask(&self, request: StopRequest) {
        self.sender.send_if_modified(|asked| {
            let is_further = request > *asked || *asked <= StopRequest::Pause;
            if is_further {
                *asked = request;
            }
            is_further
        });
    }

    /// The same request, for another session of this process, which takes no signals over itself.
    pub fn shared(&self) -> StopSignal {
        let shared = StopSignal {
            sender: self.sender.clone(),
            listens: std::sync::Once::new(),
        };
        shared.leave_signals();
        shared
    }

    /// Whether anyone has asked for a stop.
    pub fn is_asked(&self) -> bool {
        *self.sender.borrow() > StopRequest::Pause
    }

    /// Leaves the signals to somebody else, who asks for what they mean.
    pub fn leave_signals(&self) {
        self.listens.call_once(|| {});
    }

    /// Takes the signals over, for as long as the process lives.
    pub fn listen(&self) {
        self.listens.call_once(|| self.take_over());
    }

    fn take_over(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        // Without a runtime the signals keep their usual effect.
        let Ok(runtime) = runtime else {
            return;
        };
        // Here and not on the thread below: a signal that arrives once this has returned is not lost.
        let asked = {
            let _in_runtime = runtime.enter();
            asked_to_stop()
        };
        let sender = self.sender.clone();
        let listen = move || {
            runtime.block_on(async {
                asked.await;
                crate::safe_fs::stop_waiting();
                sender.send_replace(StopRequest::Finish);
                tokio::time::sleep(ECHO).await;
                asked_to_stop().await;
                sender.send_replace(StopRequest::Now);
                crate::journal::stop_waiting();
            });
        };
        // A process that gets no thread here gets none to send with either, and ends by itself.
        let _ = std::thread::Builder::new().spawn(listen);
    }
}

/// Waits for Ctrl-C or, on Unix, SIGTERM or SIGHUP. The signals are taken over by the call, before the
/// future is polled; the call needs a runtime.
pub fn asked_to_stop() -> impl Future<Output = ()> {
    #[cfg(unix)]
    let signals = {
        use tokio::signal::unix::{SignalKind, signal};
        [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ]
        .map(signal)
    };
    async move {
        #[cfg(unix)]
        if let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = signals {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            return;
        }
        let _ = tokio::signal::ctrl_c().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_taken_back_and_a_stop_only_goes_further() {
        use StopRequest::{Finish, None, Now, Pause};
        for (asked, then, is) in [
            (None, Pause, Pause),
            (Pause, None, None),
            (Pause, Finish, Finish),
            (None, Finish, Finish),
            (Finish, Pause, Finish),
            (Finish, None, Finish),
            (Finish, Now, Now),
            (Now, Finish, Now),
        ] {
            let signal = StopSignal::new();
            let heard = signal.receiver();
            signal.ask(asked);
            signal.ask(then);
            assert_eq!(*heard.borrow(), is, "{asked:?}, then {then:?}");
            assert_eq!(signal.is_asked(), is > Pause);
        }
    }

    #[test]
    fn what_is_asked_for_again_wakes_nobody() {
        let signal = StopSignal::new();
        let mut heard = signal.receiver();
        signal.ask(StopRequest::Finish);
        assert!(heard.has_changed().unwrap());
        heard.mark_unchanged();
        signal.ask(StopRequest::Finish);
        assert!(!heard.has_changed().unwrap());
    }

    #[test]
    fn sessions_of_one_process_stop_together() {
        let signal = StopSignal::new();
        let shared = signal.shared();
        signal.ask(StopRequest::Finish);
        assert!(shared.is_asked());
    }
}
