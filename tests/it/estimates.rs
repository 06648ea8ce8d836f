//! The time at which a run says that it will be done, held against when it is: on a clock that the test
//! owns, at a tenth, at half and at nine tenths of the way.

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

/// Takes note of how far a run said it was, and when.
#[derive(Clone)]
struct Notes {
    clock: Arc<VirtualClock>,
    said: Arc<Mutex<Vec<(Timestamp, Progress)>>>,
    /// Asked to stop once so many rows are sent.
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

/// A run of 1,500 requests an hour, 100 of them at once, one in progress at a time.
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

/// What was said when so many rows had been sent.
fn at(notes: &Notes, rows: u64) -> (Timestamp, Progress) {
    let said = notes.said.lock().unwrap();
    let found = said.iter().find(|(_, progress)| progress.sent >= rows);
    found.unwrap().clone()
}

/// Holds what was said at a part of the way against when the run ended.
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
fn a_paced_run_knows_when_it_will_be_done() {
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
fn a_wait_that_the_api_named_is_reckoned_with() {
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
fn a_resumed_run_counts_what_was_done_before_and_reckons_the_rest() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(800));
    let clock = evening();
    let (mut run, mut notes) = paced(&clock);
    let (stop, asked) = watch::channel(StopRequest::None);
    notes.stop = Some((302, stop));
    run.observer = Box::new(notes);
    run.stop = Some(asked);
    // The API lets through half of what the target's file says.
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

/// Another process on the same quota: it makes a request for each one that is made to the server.
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
    let pace = Pace {
        own: "1500/h".parse().unwrap(),
        own_burst: 100,
        ceiling: None,
        burst: None,
        share: 1.0,
    };
    Pacer::new(pace, clock.clone(), Some(store)).unwrap()
}

#[test]
fn a_quota_that_another_draws_on_is_seen_by_what_it_lets_through() {
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
