//! Tests of `send/gcra_state`.

use super::*;
use crate::journal::State as Place;
use crate::send::tests::SetBack;

const SECOND: u64 = 1_000_000_000;
const HOUR: u64 = 3600 * SECOND;

struct Machine {
    folder: tempfile::TempDir,
    clock: Arc<SetBack>,
}

impl Machine {
    fn new() -> Machine {
        Machine {
            folder: tempfile::tempdir().unwrap(),
            clock: SetBack::new(),
        }
    }

    fn store(&self) -> QuotaStore {
        QuotaStore::open(&Place::in_folder(self.folder.path()), "account").unwrap()
    }

    fn open(&self, rate: &str, depth: u32) -> GcraState {
        self.open_with(Some(self.store()), rate, depth)
    }

    fn open_with(&self, store: Option<QuotaStore>, rate: &str, depth: u32) -> GcraState {
        let clock = Steady::open(None, self.clock.clone()).unwrap();
        GcraState::open(store, clock, bucket(rate, depth)).unwrap()
    }

    fn level(&self, rate: &str, depth: u32) -> f64 {
        self.open(rate, depth).level(self.clock.at())
    }

    fn shared(&self) -> SharedQuota {
        self.store().update(|shared| (None, shared)).unwrap()
    }

    fn write(&self, shared: SharedQuota) {
        self.store().update(|_| (Some(shared), ())).unwrap();
    }
}

fn bucket(rate: &str, depth: u32) -> (Rate, NonZeroU32) {
    (rate.parse().unwrap(), NonZeroU32::new(depth).unwrap())
}

fn take(bucket: &GcraState, times: usize) {
    for number in 0..times {
        assert_eq!(bucket.take(), Ok(()), "{number}");
        assert!(bucket.take_error().is_none());
    }
}

#[test]
fn the_used_quota_is_kept_when_the_rate_changes() {
    let machine = Machine::new();
    let now = machine.clock.at();
    take(&machine.open("5000/h", 5000), 3);
    let bucket = machine.open("1500/h", 1500);
    let of_now = |shared| bucket.lock().state.in_own_intervals(shared, now);
    let shared = machine.shared();
    assert_eq!(shared.arrival, now + 3 * 720_000_000);
    assert_eq!(of_now(shared), now + 3 * 2_400_000_000);
    // A row without a rate or with the same rate is used unchanged.
    for interval in [0, 2_400_000_000] {
        let shared = SharedQuota {
            arrival: now + 9000 * 2_400_000_000,
            interval,
            ..shared
        };
        assert_eq!(of_now(shared), shared.arrival, "{interval}");
    }
}

#[test]
fn only_state_made_implausible_by_the_clock_is_replaced() {
    let machine = Machine::new();
    let bucket = machine.open("1500/h", 100);
    take(&bucket, 2);
    let shared = machine.shared();
    let fixed = |shared| bucket.lock().state.fixed(shared).map(|fixed| fixed.arrival);
    assert_eq!(fixed(shared), None, "as it is");
    let later = SharedQuota {
        arrival: shared.arrival + 1,
        ..shared
    };
    assert_eq!(fixed(later), Some(shared.arrival));
    let of_another_rate = SharedQuota {
        interval: 7,
        ..later
    };
    assert_eq!(fixed(of_another_rate), None);
}

#[test]
fn the_latest_clock_of_the_api_is_shared() {
    let machine = Machine::new();
    let bucket = machine.open("1500/h", 100);
    let heard = |api_date, dated_at| {
        let now = machine.clock.at();
        let mut kept = bucket.lock();
        let shared = SharedQuota {
            api_date,
            dated_at,
            ..SharedQuota::default()
        };
        kept.state.learn(shared, now);
        kept.state.heard
    };
    assert_eq!(heard(0, 0), None, "nobody has");
    assert_eq!(heard(200, 20), Some((200, 20)));
    assert_eq!(heard(100, 10), Some((200, 20)));
    assert_eq!(heard(250, 20), Some((200, 20)), "the first of one moment");
    assert_eq!(heard(300, 30), Some((300, 30)));
}

#[test]
fn unproven_time_counts_once_as_confirmed_by_the_api() {
    let day = 24 * HOUR;
    let machine = Machine::new();
    let now = machine.clock.at();
    let written = SharedQuota {
        arrival: now + 100 * 2_400_000_000,
        interval: 2_400_000_000,
        not_before: now + 50 * SECOND,
        held_at: now,
        steady: now,
        wall: now - 100 * SECOND,
        api_date: day,
        dated_at: now,
    };
    for (shared, api, left, held) in [
        (written, day + 24 * SECOND, 10.0, 26),
        // At most the time that the wall clock shows.
        (written, day + 1000 * SECOND, 41.66, 0),
        // There was no API clock or wall clock when the bucket was written.
        (
            SharedQuota {
                api_date: 0,
                dated_at: 0,
                ..written
            },
            day,
            0.0,
            50,
        ),
        (SharedQuota { wall: 0, ..written }, 2 * day, 0.0, 50),
    ] {
        machine.write(shared);
        let bucket = machine.open("1500/h", 100);
        bucket.observe_date(api);
        // Confirmed time is not counted again.
        bucket.observe_date(api + HOUR);
        let level = bucket.level(now);
        assert!((level - left).abs() < 0.01, "{level}, {left}");
        let wait = bucket.not_before().saturating_sub(now) / SECOND;
        assert_eq!(wait, held);
        drop(bucket);
        let next = machine.level("1500/h", 100);
        assert!((next - left).abs() < 0.01, "of the next: {next}, {left}");
    }
}

#[test]
fn a_hold_keeps_its_length_after_the_clock_was_set_back() {
    let machine = Machine::new();
    for store in [None, Some(machine.store())] {
        let bucket = machine.open_with(store, "100/s", 9);
        let until = machine.clock.at() + 60 * SECOND;
        assert!(bucket.hold_until(until, false).unwrap());
        assert!(!bucket.hold_until(until, false).unwrap(), "as before");
        assert_eq!(bucket.not_before(), until);
        machine.clock.set_back(HOUR);
        assert_eq!(bucket.not_before(), machine.clock.at() + 60 * SECOND);
        machine.clock.pass(20 * SECOND);
        assert_eq!(bucket.not_before(), machine.clock.at() + 40 * SECOND);
    }
}

#[test]
fn a_hold_of_another_process_applies_here() {
    let machine = Machine::new();
    let (one, two) = (machine.open("10/s", 20), machine.open("10/s", 20));
    let until = machine.clock.at() + 60 * SECOND;
    two.hold_until(until, false).unwrap();
    assert_eq!(one.take(), Err(Duration::from_secs(60)));
    assert_eq!(one.not_before(), until);
    machine.clock.pass(60 * SECOND);
    take(&one, 20);
}

#[test]
fn a_lease_is_used_up_before_the_next_one() {
    let machine = Machine::new();
    let bucket = machine.open("100/s", 100);
    let taken = || (machine.shared().arrival - machine.clock.at()) / 10_000_000;
    // The first request, and a lease of ten.
    for (times, all) in [(1, 11), (10, 11), (1, 22)] {
        take(&bucket, times);
        assert_eq!(taken(), all);
    }
}

#[test]
fn setting_the_clock_back_voids_a_lease() {
    let machine = Machine::new();
    let one = machine.open("100/s", 100);
    take(&one, 1);
    machine.clock.set_back(HOUR);
    assert!(one.take().is_err(), "what it was worth, nobody knows");
    // Another process corrects the bucket, and it refills.
    drop(machine.open("100/s", 100));
    machine.clock.pass(2 * SECOND);
    take(&one, 50);
    let level = machine.level("100/s", 100);
    assert!(level <= 50.0, "what the first one took is seen: {level}");
}

#[test]
fn the_api_and_the_bucket_may_differ_by_less_than_one_request() {
    let machine = Machine::new();
    let bucket = machine.open("1500/h", 100);
    let now = machine.clock.at();
    take(&bucket, 1);
    for (remaining, left) in [(100.0, 99.0), (99.0, 99.0), (98.0, 99.0), (97.0, 97.0)] {
        bucket.lower_to(remaining, now);
        assert_eq!(bucket.level(now), left, "{remaining}");
    }
    drop(bucket);
    assert_eq!(machine.level("1500/h", 100), 97.0, "for everyone");
}

#[test]
fn a_new_limit_keeps_requests_taken_by_another_process() {
    let machine = Machine::new();
    let (one, two) = (machine.open("1500/h", 100), machine.open("1500/h", 100));
    take(&one, 10);
    take(&two, 20);
    one.set_bucket(bucket("3000/h", 200));
    assert_eq!(machine.level("3000/h", 200), 170.0);
    // The process returns its own lease.
    let machine = Machine::new();
    let one = machine.open("100/s", 100);
    take(&one, 1);
    one.set_bucket(bucket("50/s", 50));
    assert_eq!(machine.level("50/s", 50), 49.0);
}

#[test]
fn a_new_limit_keeps_requests_refilled_before_the_hold_ends() {
    let machine = Machine::new();
    for (passed, hold) in [(24, 0), (10, 20), (30, 20)] {
        let one = machine.open_with(None, "1500/h", 100);
        take(&one, 10);
        machine.clock.pass(passed * SECOND);
        let until = machine.clock.at() + hold * SECOND;
        one.hold_until(until, false).unwrap();
        one.set_bucket(bucket("3000/h", 200));
        assert_eq!(one.level(until), 200.0, "{passed} {hold}");
        let known = one.lock().state.known;
        assert!(known <= until, "{passed} {hold}");
    }
    // Requests missing beyond the hold are also missing at the new rate.
    let one = machine.open_with(None, "1500/h", 100);
    take(&one, 10);
    let until = machine.clock.at() + 12 * SECOND;
    one.hold_until(until, false).unwrap();
    one.set_bucket(bucket("3000/h", 200));
    assert_eq!(one.level(until), 195.0);
}

#[test]
fn a_bucket_started_like_another_holds_at_most_as_much() {
    let machine = Machine::new();
    for (taken, left) in [(0, 10.0), (4, 6.0), (15, 0.0), (100, 0.0)] {
        let (one, other) = (
            machine.open_with(None, "1500/h", 10),
            machine.open_with(None, "1500/h", 100),
        );
        take(&other, taken);
        one.begin_like(&other);
        assert_eq!(one.level(machine.clock.at()), left, "{taken}");
        if left == 0.0 {
            let one_comes_back = Duration::from_millis(2400);
            assert_eq!(one.take(), Err(one_comes_back), "{taken}");
        }
    }
}

#[test]
fn a_failing_store_is_reported_before_anything_is_sent() {
    let machine = Machine::new();
    let failing = || machine.open_with(Some(QuotaStore::failing_after(1)), "1500/h", 100);
    let told_of = |what: &str, fail: &dyn Fn(&GcraState)| {
        let bucket = failing();
        assert!(bucket.take_error().is_none(), "{what}");
        fail(&bucket);
        assert!(bucket.take_error().is_some(), "{what}");
        assert!(bucket.take_error().is_none(), "{what}: once");
    };
    told_of("a request", &|bucket| assert!(bucket.take().is_ok()));
    told_of("what remains", &|bucket| bucket.lower_to(3.0, 2 * HOUR));
    told_of("a limit", &|bucket| bucket.announce("{}"));
    let held = failing().hold_until(2 * HOUR, false);
    assert!(held.is_err());
}
