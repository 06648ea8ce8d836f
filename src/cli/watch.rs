use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::Result;
use notify::{RecursiveMode, Watcher};

use super::args::{CommonArgs, SweepArgs};
use super::interrupt::StopSignal;
use super::sweep::Sweep;
use super::{logging, terminal, whole_text};
use crate::clock::{Clock, SystemClock};
use crate::model::Exit;

/// `rosterpatch watch INBOX`: sweeps again and again until it is asked to stop.
pub(super) fn run(common: &CommonArgs, args: &SweepArgs) -> Result<Exit> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (watch, bar) = terminal::watcher(common, clock.clone());
    logging::start(common, bar);
    let stop = StopSignal::new();
    stop.listen();
    let sweep = Sweep::new(common, args, clock, watch.as_ref(), &stop)?;
    // What cannot be read at the start is a mistake; later it may be a share that is away.
    sweep.inbox_files()?;
    let (wake, woken) = mpsc::channel();
    // Changes are only a reason to look sooner: on a network share none are told.
    let watcher = notify::recommended_watcher(move |_| {
        // Whoever looks no more is not to be woken.
        let _ = wake.send(());
    })
    .and_then(|mut watcher| {
        watcher.watch(&args.inbox, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    });
    if watcher.is_err() {
        tracing::info!("changes of the folder are not told here, so it is looked at now and then");
    }
    tell_systemd(&stop);
    let mut seen = HashMap::new();
    let mut unsettled = false;
    while !stop.is_asked() {
        let before = seen.clone();
        match sweep.once(&mut seen) {
            Ok(_) => unsettled = before != seen,
            // A share that is away comes back.
            Err(error) => terminal::error(&whole_text(&error)),
        }
        let pause = if unsettled {
            sweep
                .settle
                .max(Duration::from_millis(100))
                .min(sweep.interval)
        } else {
            sweep.interval
        };
        rest(pause, unsettled, &woken, &stop);
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
    std::thread::spawn(move || {
        while *stopped.borrow() == crate::send::StopRequest::None {
            let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
            std::thread::sleep(limit / 3);
        }
    });
}
