use std::collections::HashMap;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use notify::{RecursiveMode, Watcher};

use super::error::AppError;
use super::session::Session;
use super::stop::StopSignal;
use super::sweep::Sweep;
use crate::log;
use crate::model::{Code, Exit, Fact};

/// Sweeps again and again until the session is asked to stop; `complain` hears why the folder could
/// not be read now and then.
///
/// # Errors
/// When the folder cannot be read at the start.
pub fn watch(
    session: &Session,
    sweep: &Sweep<'_>,
    complain: &dyn Fn(&AppError),
) -> Result<Exit, AppError> {
    let stop = &session.stop;
    let options = &sweep.options;
    // What cannot be read at the start is a mistake; later it may be a share that is away.
    let mut seen = HashMap::new();
    sweep.look(&mut seen)?;
    let (wake, woken) = mpsc::channel();
    // Changes are only a reason to look sooner: on a network share none are told.
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        use notify::event::{AccessKind, AccessMode, EventKind};
        // That the folder was looked into, by this process too, is no change.
        let is_look = matches!(
            event,
            Ok(notify::Event { kind: EventKind::Access(access), .. })
                if access != AccessKind::Close(AccessMode::Write)
        );
        if !is_look {
            // A watcher that has ended is not woken.
            let _ = wake.send(());
        }
    })
    .and_then(|mut watcher| {
        watcher.watch(&options.folder, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    });
    if watcher.is_err() {
        log::info(&Fact::new(Code::InboxNotWatched));
    }
    tell_systemd(stop);
    while !stop.is_asked() {
        // A share that is away comes back.
        let entries = sweep.once(&mut seen).and_then(|_| sweep.look(&mut seen));
        if let Err(error) = entries {
            complain(&error);
        }
        let unsettled = seen
            .values()
            .any(|(_, since)| since.elapsed() < options.settle);
        let pause = if unsettled {
            let soon = options.settle.max(Duration::from_millis(100));
            soon.min(options.interval)
        } else {
            options.interval
        };
        rest(pause, unsettled, &woken, stop);
    }
    // systemd may be gone, or never have been.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    Ok(Exit::Success)
}

/// Waits for so long, for a change of the folder, or for a stop. A file that has to settle first
/// is not looked at sooner.
fn rest(pause: Duration, unsettled: bool, woken: &mpsc::Receiver<()>, stop: &StopSignal) {
    let until = Instant::now() + pause;
    while !stop.is_asked() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        match woken.recv_timeout(left.min(Duration::from_millis(100))) {
            Ok(()) if !unsettled => break,
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                std::thread::sleep(left.min(Duration::from_millis(100)));
            }
        }
    }
    // Many changes are one reason to look.
    while woken.try_recv().is_ok() {}
}

/// Tells systemd that the service is ready, and that it lives, for as long as it has not been asked
/// to stop.
fn tell_systemd(stop: &StopSignal) {
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    let Some(limit) = sd_notify::watchdog_enabled() else {
        return;
    };
    let stopped = stop.receiver();
    let tell = move || {
        while *stopped.borrow() <= crate::send::StopRequest::Pause {
            let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
            std::thread::sleep(limit / 3);
        }
    };
    if let Err(error) = std::thread::Builder::new().spawn(tell) {
        log::warn(&Fact::new(Code::NoWatchdog).with_io(&error));
    }
}
