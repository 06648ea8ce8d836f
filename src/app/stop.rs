//! The first termination signal drains requests in progress, and the second cancels them.

use std::time::Duration;

use tokio::sync::watch;

use crate::send::StopRequest;

/// Signals that come closer together than this are one: some programs send each one twice.
const ECHO: Duration = Duration::from_millis(300);

/// Says when the run is to stop: the first Ctrl-C, SIGTERM or SIGHUP lets requests under way
/// finish, the second one does not. When a console window of Windows is closed, time takes the place of the second one.
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
                let left = asked.await;
                crate::safe_fs::stop_waiting();
                sender.send_replace(StopRequest::Finish);
                tokio::time::sleep(ECHO).await;
                asked_again(left).await;
                sender.send_replace(StopRequest::Now);
                crate::journal::stop_waiting();
            });
        };
        // A process that gets no thread here gets none to send with either, and ends by itself.
        let _ = std::thread::Builder::new().spawn(listen);
    }
}

/// Waits for the second request to stop, after a first one that left this time. Half of it is for the results.
pub async fn asked_again(left: Option<Duration>) {
    match left {
        Some(left) => tokio::time::sleep(left / 2).await,
        None => {
            asked_to_stop().await;
        }
    }
}

/// Waits for Ctrl-C, SIGTERM or SIGHUP. Returns the time until the system ends the process by itself, if it will. The signals
/// are taken over by the call, before the future is polled; the call needs a runtime.
#[cfg(unix)]
pub fn asked_to_stop() -> impl Future<Output = Option<Duration>> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ]
    .map(signal);
    async move {
        let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = signals else {
            let _ = tokio::signal::ctrl_c().await;
            return None;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        None
    }
}

/// Waits for Ctrl-C, Ctrl-Break, and the end of the console window or of the session. Returns the time until Windows ends the
/// process by itself, if it will. The signals are taken over by the call, before the future is polled; the call needs a runtime.
#[cfg(windows)]
pub fn asked_to_stop() -> impl Future<Output = Option<Duration>> {
    use tokio::signal::windows;
    let keys = (windows::ctrl_c(), windows::ctrl_break());
    let ends = (
        windows::ctrl_close(),
        windows::ctrl_logoff(),
        windows::ctrl_shutdown(),
    );
    async move {
        let ((Ok(mut key), Ok(mut pause)), (Ok(mut close), Ok(mut logoff), Ok(mut shutdown))) =
            (keys, ends)
        else {
            let _ = tokio::signal::ctrl_c().await;
            return None;
        };
        tokio::select! {
            _ = key.recv() => None,
            _ = pause.recv() => None,
            _ = close.recv() => Some(CLOSING),
            _ = logoff.recv() => Some(CLOSING),
            _ = shutdown.recv() => Some(CLOSING),
        }
    }
}

/// The time that Windows gives a process once its window is closed (learn.microsoft.com/windows/console/handlerroutine).
#[cfg(windows)]
const CLOSING: Duration = Duration::from_secs(5);

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
