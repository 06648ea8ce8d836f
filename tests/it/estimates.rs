//! The estimated finish time of a run, compared with the actual one on a virtual clock at 10, 50 and 90
//! percent of the rows.

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use rosterpatch::clock::{Clock, VirtualClock};
use rosterpatch::events::{Observer, Progress, RunEvent, WaitingFor};
use rosterpatch::journal::{QuotaStore, State, account_of};
use rosterpatch::run::Ended;
use rosterpatch::send::{Client, ClientOptions, Credentials, Pace, Pacer, StopRequest};
use rosterpatch::targets;
use tokio::sync::watch;

use crate::harness::{Folder, LibraryRun, Server, evening, plain_roster, respond};

/// Records the progress events of a run with their time.
#[derive(Clone)]
struct Notes {
    clock: Arc<VirtualClock>,
    said: Arc<Mutex<Vec<(Timestamp, Progress)>>>,
    /// The number of sent rows at which the run is stopped, and the sender for the stop.
    stop: Option<(u64, watch::Sender<StopRequest>)>,
}

impl Observer for Notes {
    fn on_event(&self, event: &RunEvent) {
        let (RunEvent::Progress(progress) | RunEvent::Started { progress, .. }) = event else {
            return;
        };
        let now = self.clock.timestamp();
        self.said.lock().unwrap().push((now, (**progress).clone()));
        if let Some((rows, stop)) = &self.stop
            && progress.sent >= *rows
        {
            stop.send_replace(StopRequest::Finish);
        }
    }
}

/// Returns a run with a quota of 1,500 requests an hour, a burst of 100, and one request at a time.
fn paced(clock: &Arc<VirtualClock>) -> (LibraryRun, Notes) {
    let notes = Notes {
        clock: clock.clone(),
        said: Arc::default(),
        stop: None,
    };
    let mut run = LibraryRun::new();
    run.clock = clock.clone();
    run.rate = "1500/h".parse().unwrap();
    run.burst = 100;
    run.sender.concurrency = 1;
    run.observer = Box::new(notes.clone());
    (run, notes)
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    (to.as_millisecond() - from.as_millisecond()) as f64 / 1000.0
}

/// Returns the first progress event with at least this many rows sent.
fn at(notes: &Notes, rows: u64) -> (Timestamp, Progress) {
    let said = notes.said.lock().unwrap();
    let found = said.iter().find(|(_, progress)| progress.sent >= rows);
    found.unwrap().clone()
}

/// Asserts that the estimate at this many rows is close to the actual finish.
fn holds(notes: &Notes, ended: &Ended, rows: u64) {
    let (now, progress) = at(notes, rows);
    let said = seconds(now, progress.finish.unwrap());
    let took = seconds(now, ended.summary.finished_at);
    assert!(
        (said - took).abs() <= 0.05 * took,
        "with {} of {} sent it said {said:.0} s, and it took {took:.0} s",
        progress.sent,
        progress.to_send
    );
}

#[test]
fn a_rate_limited_run_estimates_its_finish() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(1000));
    let clock = evening();
    let (run, notes) = paced(&clock);
    let server = Server::start_forgetful(|_| respond(200, &[], "{}"));
    let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(ended.summary.states.updated, 1000);
    for rows in [100, 500, 900] {
        holds(&notes, &ended, rows);
    }
    let (_, half) = at(&notes, 500);
    assert_eq!(half.waiting_for, Some(WaitingFor::Quota));
    assert_eq!((half.done, half.rows), (500, 1000));
}

#[test]
fn the_estimate_includes_a_retry_after_wait() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(600));
    let clock = evening();
    let (run, notes) = paced(&clock);
    let count = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start_forgetful(move |_| {
        match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            200 => respond(429, &[("Retry-After", "1800")], "{}"),
            _ => respond(200, &[], "{}"),
        }
    });
    let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(ended.summary.states.updated, 600);
    let waits = {
        let said = notes.said.lock().unwrap();
        let waits =
            |said: &&(Timestamp, Progress)| said.1.waiting_for == Some(WaitingFor::RetryAfter);
        said.iter().find(waits).unwrap().clone()
    };
    let said = seconds(waits.0, waits.1.finish.unwrap());
    let took = seconds(waits.0, ended.summary.finished_at);
    assert!((said - took).abs() <= 0.05 * took, "{said} {took}");
    for rows in [300, 540] {
        holds(&notes, &ended, rows);
    }
}

#[test]
fn a_resumed_run_counts_finished_rows_and_estimates_the_rest() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(800));
    let clock = evening();
    let (mut run, mut notes) = paced(&clock);
    let (stop, asked) = watch::channel(StopRequest::None);
    notes.stop = Some((302, stop));
    run.observer = Box::new(notes);
    run.stop = Some(asked);
    // The API allows half of the target file's quota.
    let server = Server::start_forgetful(|_| respond(200, &[("RateLimit-Limit", "750")], "{}"));
    let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
    let done = ended.summary.states.updated;
    assert!((302..310).contains(&done), "{done}");

    let (mut run, notes) = paced(&clock);
    run.resume = Some(ended.summary.run);
    let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(ended.summary.states.updated, 800);
    let (_, first) = notes.said.lock().unwrap()[0].clone();
    assert_eq!(
        (first.done, first.rows, first.sent, first.to_send),
        (done, 800, done, 800)
    );
    assert_eq!(first.rate, "750/h");
    for rows in [done, 400, 720] {
        holds(&notes, &ended, rows);
    }
}

/// Starts a server that makes one more request on the shared quota for each request it receives, as another
/// process would.
fn other_process(folder: &Folder, clock: &Arc<VirtualClock>) -> (Server, Arc<OnceLock<Pacer>>) {
    let pacer: Arc<OnceLock<Pacer>> = Arc::default();
    let asked = pacer.clone();
    let (folder, clock) = (folder.path("state"), clock.clone());
    let server = Server::start_forgetful(move |seen| {
        let host = seen.headers["host"].to_str().unwrap();
        let pacer = asked.get_or_init(|| pacer_of(&folder, &clock, &format!("http://{host}")));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().build();
                runtime.unwrap().block_on(pacer.permit()).unwrap();
            });
        });
        respond(200, &[], "{}")
    });
    (server, pacer)
}

fn pacer_of(state: &Path, clock: &Arc<VirtualClock>, base_url: &str) -> Pacer {
    let spec = Arc::new(targets::load("meitner").unwrap());
    let credentials = Credentials::find(&spec, |_| Some("sandbox".into())).unwrap();
    let identity = credentials.identity();
    let options = ClientOptions {
        base_url: base_url.to_owned(),
        timeout: Duration::from_secs(45),
        ca_certificates: None,
    };
    let client = Client::new(spec, credentials, &options, clock.clone()).unwrap();
    let store = QuotaStore::open(
        &State::in_folder(state),
        &account_of(client.origin(), &identity),
    )
    .unwrap();
    let pace = Pace::of("1500/h".parse().unwrap(), 100);
    Pacer::new(pace, clock.clone(), Some(store)).unwrap()
}

#[test]
fn the_estimate_accounts_for_other_users_of_the_quota() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(600));
    let clock = evening();
    let (server, _pacer) = other_process(&folder, &clock);
    let (run, notes) = paced(&clock);
    let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
    let alone = 500.0 * 2.4;
    let took = ended.summary.duration_s;
    assert!(took > 1.9 * alone, "they share it: {took}");
    for rows in [150, 300, 540] {
        holds(&notes, &ended, rows);
    }
}
