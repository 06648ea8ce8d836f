//! The first termination signal drains requests in progress, and the second cancels them.

use std::time::Duration;

use tokio::sync::watch;

use crate::send::StopRequest;

/// Signals within this time count as one, because some programs send each signal twice.
const ECHO: Duration = Duration::from_millis(300);

/// The stop requests of a run. The first Ctrl-C, SIGTERM or SIGHUP lets requests in progress finish, and the second
/// cancels them. After the console window of Windows is closed, they are canceled after a time.
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
    /// Creates a stop signal that does not handle process signals yet.
    pub fn new() -> StopSignal {
        StopSignal {
            sender: watch::Sender::new(StopRequest::None),
            listens: std::sync::Once::new(),
        }
    }

    /// Returns the receiver of stop requests.
    pub fn receiver(&self) -> watch::Receiver<StopRequest> {
        self.sender.subscribe()
    }

    /// Requests a stop or a pause, or withdraws a pause. A stop request is never withdrawn.
    pub fn ask(&self, request: StopRequest) {
        self.sender.send_if_modified(|asked| {
            let is_further = request > *asked || *asked <= StopRequest::Pause;
            if is_further {
                *asked = request;
            }
            is_further
        });
    }

    /// Returns a stop signal with the same requests for another session of this process. It handles no process signals.
    pub fn shared(&self) -> StopSignal {
        let shared = StopSignal {
            sender: self.sender.clone(),
            listens: std::sync::Once::new(),
        };
        shared.leave_signals();
        shared
    }

    /// Returns whether a stop was requested.
    pub fn is_asked(&self) -> bool {
        *self.sender.borrow() > StopRequest::Pause
    }

    /// Leaves process signals to the caller, which requests the stop itself.
    pub fn leave_signals(&self) {
        self.listens.call_once(|| {});
    }

    /// Handles process signals until the process ends.
    pub fn listen(&self) {
        self.listens.call_once(|| self.take_over());
    }

    fn take_over(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        // Without a runtime, signals keep their default effect.
        let Ok(runtime) = runtime else {
            return;
        };
        // Handlers are installed before this function returns, so that no later signal is lost.
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
        // Without this thread, no thread for sending can be created either, and the process ends.
        let _ = std::thread::Builder::new().spawn(listen);
    }
}

/// Waits for the second stop request. If the first one limits the time left, half of that time is for the results.
pub async fn asked_again(left: Option<Duration>) {
    match left {
        Some(left) => tokio::time::sleep(left / 2).await,
        None => {
            asked_to_stop().await;
        }
    }
}

/// Waits for Ctrl-C, SIGTERM or SIGHUP. Returns `None`: the system does not end the process. The call installs the
/// handlers before the future is polled, and needs a runtime.
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

/// Waits for Ctrl-C, Ctrl-Break, or the end of the console window or the session. Returns the time until Windows ends
/// the process, if it does. The call installs the handlers before the future is polled, and needs a runtime.
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

/// The time after which Windows ends a process whose window is closed
/// (learn.microsoft.com/windows/console/handlerroutine).
#[cfg(windows)]
const CLOSING: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_can_be_withdrawn_and_a_stop_only_escalates() {
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
    fn a_repeated_request_does_not_notify() {
        let signal = StopSignal::new();
        let mut heard = signal.receiver();
        signal.ask(StopRequest::Finish);
        assert!(heard.has_changed().unwrap());
        heard.mark_unchanged();
        signal.ask(StopRequest::Finish);
        assert!(!heard.has_changed().unwrap());
    }

    #[test]
    fn sessions_of_one_process_share_stop_requests() {
        let signal = StopSignal::new();
        let shared = signal.shared();
        signal.ask(StopRequest::Finish);
        assert!(shared.is_asked());
    }
}
