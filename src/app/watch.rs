//! Watching an inbox: repeated sweeps until a stop is requested.

use std::collections::HashMap;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use notify::{RecursiveMode, Watcher};

use super::error::AppError;
use super::session::Session;
use super::stop::StopSignal;
use super::sweep::{Sweep, SweepOptions};
use crate::log;
use crate::model::{Code, Exit, Fact};

/// Sweeps an inbox repeatedly until a stop is requested. `complain` receives errors from reading the folder.
///
/// # Errors
/// Fails if the folder cannot be read at the start.
pub fn watch(
    session: &Session,
    sweep: &Sweep<'_>,
    complain: &dyn Fn(&AppError),
) -> Result<Exit, AppError> {
    let stop = &session.stop;
    let options = &sweep.options;
    // An unreadable folder at the start is a mistake; later it may be an unavailable network share.
    let mut seen = HashMap::new();
    sweep.look(&mut seen)?;
    let (wake, woken) = mpsc::channel();
    // Events only shorten the wait between passes: network shares do not deliver them.
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if may_be_change(&event) {
            // The send fails once the watch has ended.
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
    #[cfg(unix)]
    tell_systemd(stop);
    while !stop.is_asked() {
        // The error may be temporary, for example an unavailable share.
        let passed = sweep.pass(&mut seen);
        let passed = passed.and_then(|is_refused| sweep.look(&mut seen).map(|_| is_refused));
        let is_refused = passed.unwrap_or_else(|error| {
            complain(&error);
            false
        });
        let mut since = seen.values().map(|(_, since)| since);
        let unsettled = since.any(|since| is_unsettled(*since, options.settle));
        let pause = pause(options, unsettled, is_refused);
        rest(pause, unsettled, &woken, stop);
    }
    #[cfg(unix)]
    // The notification fails without systemd.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    Ok(Exit::Success)
}

/// The maximum delay until `watch` notices a change to the config or to a credential file while an account is
/// refused.
const NOTICED: Duration = Duration::from_secs(5);

/// Returns whether an event may be a change of the folder. Read access is not, including that of this
/// process.
fn may_be_change(event: &notify::Result<notify::Event>) -> bool {
    use notify::event::{AccessKind, AccessMode, EventKind};
    match event {
        Ok(notify::Event {
            kind: EventKind::Access(access),
            ..
        }) => *access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

/// Returns whether a file that is unchanged since `since` may still be incomplete.
fn is_unsettled(since: Instant, settle: Duration) -> bool {
    since.elapsed() < settle
}

/// Returns the time until the next pass. With unsettled files, it is the settle time.
fn pause(options: &SweepOptions, unsettled: bool, is_refused: bool) -> Duration {
    let soon = options.settle.max(Duration::from_millis(100));
    let all = [(unsettled, soon), (is_refused, NOTICED)].into_iter();
    let shorter = all.filter(|(is_due, _)| *is_due).map(|(_, pause)| pause);
    shorter.fold(options.interval, Duration::min)
}

/// Waits for `pause`, for a change of the folder, or for a stop. Changes do not shorten the wait while a file
/// must settle.
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
    // Several events cause only one pass.
    while woken.try_recv().is_ok() {}
}

/// Notifies systemd that the service is ready, and sends watchdog signals until a stop is requested.
#[cfg(unix)]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::send::StopRequest;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn the_next_pass_starts_when_files_may_have_settled() {
        let pause = |settle, interval, unsettled, is_refused| {
            let options = SweepOptions {
                folder: "in".into(),
                settle: Duration::from_millis(settle),
                interval: Duration::from_millis(interval),
                again: false,
                fresh: false,
            };
            super::pause(&options, unsettled, is_refused).as_millis()
        };
        assert_eq!(pause(2_000, 30_000, false, false), 30_000);
        assert_eq!(pause(2_000, 30_000, true, false), 2_000);
        assert_eq!(pause(0, 30_000, true, false), 100, "not without a rest");
        assert_eq!(pause(60_000, 30_000, true, false), 30_000);
        // New credentials are noticed before the interval ends.
        assert_eq!(pause(2_000, 30_000, false, true), 5_000);
        assert_eq!(pause(2_000, 30_000, true, true), 2_000);
        assert_eq!(pause(2_000, 1_000, false, true), 1_000);
    }

    #[test]
    fn reading_a_folder_is_not_a_change() {
        use notify::event::{AccessKind, AccessMode, CreateKind, EventKind};
        let of = |kind| may_be_change(&Ok(notify::Event::new(kind)));
        let access = |access| of(EventKind::Access(access));
        assert!(!access(AccessKind::Open(AccessMode::Any)));
        assert!(!access(AccessKind::Close(AccessMode::Read)));
        assert!(!access(AccessKind::Read));
        assert!(
            access(AccessKind::Close(AccessMode::Write)),
            "it is written"
        );
        assert!(of(EventKind::Create(CreateKind::File)));
        assert!(of(EventKind::Any));
        assert!(may_be_change(&Err(notify::Error::generic("too many"))));
    }

    #[test]
    fn a_file_settles_after_the_settle_time_without_changes() {
        assert!(is_unsettled(Instant::now(), LONG));
        assert!(!is_unsettled(Instant::now(), Duration::ZERO));
    }

    /// Returns the duration of a rest of `pause` while the folder changes repeatedly.
    fn rest_of(unsettled: bool, pause: Duration, stop: &StopSignal) -> Duration {
        let (wake, woken) = mpsc::channel();
        for _ in 0..3 {
            wake.send(()).unwrap();
        }
        let began = Instant::now();
        rest(pause, unsettled, &woken, stop);
        // Several events cause only one pass.
        assert!(woken.try_recv().is_err());
        began.elapsed()
    }

    #[test]
    fn a_change_ends_a_rest_unless_a_file_must_settle_and_a_stop_always() {
        let stop = StopSignal::new();
        assert!(rest_of(false, LONG, &stop) < LONG / 2);
        let short = Duration::from_millis(20);
        assert!(rest_of(true, short, &stop) >= short);
        let (_wake, woken) = mpsc::channel();
        let began = Instant::now();
        rest(short, false, &woken, &stop);
        assert!(began.elapsed() >= short);
        stop.ask(StopRequest::Finish);
        assert!(rest_of(true, LONG, &stop) < LONG / 2);
    }
}
