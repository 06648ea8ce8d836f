//! The quota as the server measures it, on a virtual clock: ten thousand requests at each of four rates.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use rosterpatch::clock::{Clock, UnixNanos, VirtualClock};
use rosterpatch::events::Unobserved;
use rosterpatch::journal::{JournalError, QuotaStore, Record};
use rosterpatch::model::{Outcome, Pending, RowState};
use rosterpatch::send::{
    Backoff, Client, ClientOptions, Credentials, Pace, Pacer, Sender, SenderOptions, Stats,
    StopRequest, Transport,
};
use rosterpatch::targets;
use tokio::sync::{mpsc, watch};

use crate::harness::{Folder, Seen, Server, evening, respond};

/// A journal that records nothing, because these tests measure only when requests arrive.
struct NoRecord;

impl Record for NoRecord {
    async fn intent(&self, _: u64, _: u32) -> Result<(), JournalError> {
        Ok(())
    }

    async fn outcome(&self, _: Outcome) -> Result<(), JournalError> {
        Ok(())
    }

    async fn durable(&self) -> Result<Vec<(u64, RowState)>, JournalError> {
        std::future::pending().await
    }

    async fn flush(&self) -> Result<(), JournalError> {
        Ok(())
    }
}

fn call(row: u64) -> Pending {
    Pending {
        row,
        path: "/student/x".into(),
        body: b"{}".to_vec(),
        ..Pending::default()
    }
}

/// Sends `requests` to `server`, and returns the pacer's quota at the end.
fn send(pace: Pace, requests: u64, server: &Server, clock: &Arc<VirtualClock>) -> (String, u32) {
    let folder = Folder::new();
    let mut spec = targets::load("meitner").unwrap();
    // The server's responses do not contain a record.
    spec.answers.expects = None;
    let spec = Arc::new(spec);
    let credentials = Credentials::find(&spec, |_| Some("x".into())).unwrap();
    let options = ClientOptions {
        base_url: server.base_url.clone(),
        timeout: Duration::from_secs(45),
        ca_certificates: None,
    };
    let client = Client::new(spec.clone(), credentials, &options, clock.clone()).unwrap();
    let store = QuotaStore::open(&folder.state(), "account").unwrap();
    let pacer = Pacer::new(pace, clock.clone(), Some(store)).unwrap();
    let stats = Stats::default();
    let options = SenderOptions {
        // One request at a time, so that the clock does not advance during a request.
        concurrency: 1,
        max_attempts: 5,
        backoff: Backoff::default(),
        grace: Duration::from_secs(10),
    };
    let random = SmallRng::seed_from_u64(1);
    let transport = Transport::new(
        &client,
        &spec,
        &pacer,
        clock.as_ref(),
        &Unobserved,
        options,
        &stats,
        random,
    );
    let sender = Sender {
        transport: &transport,
        record: &NoRecord,
        reread: None,
        explain: &|_, _| Vec::new(),
        refused_column: &|_| None,
        not_applied: &|_, _| None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (calls, receiver) = mpsc::channel(1);
    let (_never, never) = watch::channel(StopRequest::None);
    let feeder = std::thread::spawn(move || {
        // The receiver is gone if the run has stopped.
        let _ = calls.blocking_send((1..=requests).map(call).collect());
    });
    let stop = runtime
        .block_on(sender.deliver(receiver, never, false))
        .unwrap();
    assert_eq!(stop, None);
    feeder.join().unwrap();
    let (rate, burst) = pacer.quota();
    (rate.to_string(), burst)
}

fn pace(rate: &str, burst: u32) -> Pace {
    Pace {
        burst: NonZeroU32::new(burst),
        ..Pace::of(rate.parse().unwrap(), burst)
    }
}

/// Starts a server that records when requests arrive.
fn noting(
    clock: &Arc<VirtualClock>,
    answer: impl Fn(&Seen) -> axum::http::Response<axum::body::Body> + Send + Sync + 'static,
) -> (Server, Arc<Mutex<Vec<UnixNanos>>>) {
    let times: Arc<Mutex<Vec<UnixNanos>>> = Arc::default();
    let (noted, clock) = (times.clone(), clock.clone());
    let server = Server::start_forgetful(move |seen| {
        noted.lock().unwrap().push(clock.now());
        answer(seen)
    });
    (server, times)
}

/// Returns the largest number of requests in any window of this period.
fn worst_window(times: &[UnixNanos], period: u64) -> usize {
    let mut first = 0;
    let mut worst = 0;
    for (last, time) in times.iter().enumerate() {
        while time - times[first] >= period {
            first += 1;
        }
        worst = worst.max(last - first + 1);
    }
    worst
}

#[test]
fn no_window_exceeds_the_quota_and_nearly_all_of_it_is_used() {
    for (rate, quota, burst, period) in [
        ("5/s", 5.0, 5, 1.0),
        ("50/s", 50.0, 50, 1.0),
        ("500/s", 500.0, 500, 1.0),
        ("1500/h", 1500.0, 1500, 3600.0),
    ] {
        let clock = evening();
        let (server, times) = noting(&clock, |_| respond(200, &[], "{}"));
        send(pace(rate, burst), 10_000, &server, &clock);
        let times = times.lock().unwrap();
        assert_eq!(times.len(), 10_000);
        let worst = worst_window(&times, (period * 1e9) as u64);
        assert!(worst as f64 <= quota + f64::from(burst), "{rate}: {worst}");
        let elapsed = (times[9_999] - times[0]) as f64 / 1e9;
        let allowed = f64::from(burst) + elapsed * quota / period;
        let used = 10_000.0 / allowed;
        assert!(used >= 0.98, "{rate}: {used}");
        println!("{rate}: worst window {worst}, used {used:.4}");
    }
}

#[test]
fn the_rate_follows_the_limit_that_the_api_announces() {
    for (announced, ceiling, expected) in [
        ("5000", None, "5000/h"),
        ("300", None, "300/h"),
        ("5000", Some("1000/h"), "1000/h"),
        ("300", Some("1000/h"), "300/h"),
        ("nonsense", None, "1500/h"),
        ("0", None, "1500/h"),
        ("-1", None, "1500/h"),
    ] {
        let clock = evening();
        let (server, _) = noting(&clock, move |_| {
            respond(200, &[("RateLimit-Limit", announced)], "{}")
        });
        let pace = Pace {
            burst: None,
            ceiling: ceiling.map(|rate| rate.parse().unwrap()),
            ..pace("1500/h", 1500)
        };
        let (rate, _) = send(pace, 20, &server, &clock);
        assert_eq!(rate, expected, "{announced} {ceiling:?}");
    }
}

#[test]
fn a_lower_remaining_quota_from_the_api_is_applied() {
    // The target file's quota is 1,500, but other clients have used all but ten.
    let clock = evening();
    let (server, times) = noting(&clock, |seen| {
        let left = 9_usize.saturating_sub(seen.before).to_string();
        respond(200, &[("RateLimit-Remaining", &left)], "{}")
    });
    send(pace("1500/h", 1500), 13, &server, &clock);
    let times = times.lock().unwrap();
    assert_eq!(times[9], times[0], "ten at once");
    assert!(
        times[11] > times[0],
        "and then at the quota's pace: {times:?}"
    );
    assert_eq!(times[12] - times[11], 2_400_000_000);
}

#[test]
fn a_share_limits_the_run_to_part_of_the_quota() {
    let clock = evening();
    let (server, times) = noting(&clock, |_| respond(200, &[], "{}"));
    let pace = Pace {
        share: 0.8,
        burst: None,
        ..pace("1500/h", 10)
    };
    send(pace, 20, &server, &clock);
    let times = times.lock().unwrap();
    assert_eq!(times.iter().filter(|time| **time == times[0]).count(), 8);
    assert_eq!(times[19] - times[18], 3_000_000_000, "1,200 an hour");
}

#[test]
fn a_wait_of_an_hour_uses_no_attempt() {
    let clock = evening();
    let (server, times) = noting(&clock, |seen| match seen.before {
        0 => respond(429, &[("Retry-After", "3600")], "{}"),
        _ => respond(200, &[], "{}"),
    });
    send(pace("100/s", 10), 3, &server, &clock);
    let times = times.lock().unwrap();
    assert_eq!(times[1] - times[0], 3_600_000_000_000);
}
