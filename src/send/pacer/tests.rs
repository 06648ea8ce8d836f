//! Tests of `send/pacer`.

use std::num::NonZeroU32;

use super::*;
use crate::clock::VirtualClock;
use crate::journal::State;

const SECOND: u64 = 1_000_000_000;

fn clock() -> Arc<VirtualClock> {
    Arc::new(VirtualClock::starting_at(
        "2026-08-01T12:00:00Z".parse().unwrap(),
    ))
}

fn pacer(rate: &str, burst: u32, clock: &Arc<VirtualClock>, store: Option<QuotaStore>) -> Pacer {
    let own: Rate = rate.parse().unwrap();
    let pace = Pace {
        own,
        own_burst: burst,
        ceiling: None,
        burst: NonZeroU32::new(burst),
        share: 1.0,
    };
    Pacer::new(pace, clock.clone(), store).unwrap()
}

/// The quota of a target, without a user limit.
fn pace(own: &str, own_burst: u32) -> Pace {
    Pace::of(own.parse().unwrap(), own_burst)
}

fn permits(pacer: &Pacer, clock: &VirtualClock, count: usize) -> Vec<f64> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let start = clock.now();
    runtime.block_on(async {
        let mut moments = Vec::new();
        for _ in 0..count {
            pacer.permit().await.unwrap();
            moments.push((clock.now() - start) as f64 / 1e9);
        }
        moments
    })
}

#[test]
fn permits_follow_the_rate_after_the_burst() {
    let time = clock();
    let all = permits(&pacer("1500/h", 10, &time, None), &time, 110);
    assert!(all[..10].iter().all(|moment| *moment == 0.0));
    for (index, moment) in all[10..].iter().enumerate() {
        let expected = 2.4 * (index + 1) as f64;
        assert!((moment - expected).abs() < 1e-3, "{index}: {moment}");
    }
    // A fractional rate is kept exactly.
    let time = clock();
    let last = *permits(&pacer("0.5/s", 1, &time, None), &time, 11)
        .last()
        .unwrap();
    assert!((last - 20.0).abs() < 1e-3, "{last}");
}

#[test]
fn no_permit_is_granted_during_a_hold() {
    let time = clock();
    let pacer = pacer("100/s", 9, &time, None);
    let later = time.now() + 3600 * SECOND;
    assert!(pacer.hold_until(later, true).unwrap());
    assert!(!pacer.hold_until(later - 1, true).unwrap());
    permits(&pacer, &time, 1);
    assert_eq!(time.now(), later);
    // Permits are granted one at a time, not all at once.
    permits(&pacer, &time, 1);
    assert_eq!(time.now(), later + 10_000_000);
}

#[test]
fn processes_and_later_runs_share_one_bucket() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Some(QuotaStore::open(&State::in_folder(folder.path()), "account").unwrap());
    let time = clock();
    let one = pacer("10/s", 20, &time, open());
    let two = pacer("10/s", 20, &time, open());
    assert_eq!(permits(&one, &time, 12), [0.0; 12]);
    // The other process has the other eight requests, not twenty.
    let rest = permits(&two, &time, 9);
    assert_eq!(rest[..7], [0.0; 7]);
    assert!(rest[8] > 0.0, "{rest:?}");
    drop((one, two));
    let next = pacer("10/s", 20, &time, open());
    assert!(next.level().0 < 1.0, "{:?}", next.level());
    // The bucket of another account is full.
    let other = QuotaStore::open(&State::in_folder(folder.path()), "other").unwrap();
    assert_eq!(pacer("10/s", 20, &time, Some(other)).level().0, 20.0);
}

#[test]
fn usage_at_a_much_higher_limit_delays_requests_once() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Some(QuotaStore::open(&State::in_folder(folder.path()), "account").unwrap());
    let time = clock();
    let fast = pacer("5000/s", 18_000_000, &time, open());
    fast.observe(None, Some(5000.0), time.now());
    drop(fast);
    let slow = pacer("1500/h", 1500, &time, open());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    // The run asks repeatedly while it waits.
    let granted = (0..4).any(|_| {
        runtime.block_on(time.sleep(Duration::from_secs(3)));
        slow.shared.take().is_ok()
    });
    assert!(granted);
}

#[test]
fn a_hold_applies_to_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Some(QuotaStore::open(&State::in_folder(folder.path()), "account").unwrap());
    let time = clock();
    let later = time.now() + 3600 * SECOND;
    pacer("10/s", 20, &time, open())
        .hold_until(later, true)
        .unwrap();
    permits(&pacer("10/s", 20, &time, open()), &time, 1);
    assert_eq!(time.now(), later);
}

#[test]
fn setting_the_clock_back_a_day_does_not_delay_requests() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Some(QuotaStore::open(&State::in_folder(folder.path()), "account").unwrap());
    let time = clock();
    permits(&pacer("1500/h", 10, &time, open()), &time, 10);
    let earlier = Arc::new(VirtualClock::starting_at(
        "2026-07-31T12:00:00Z".parse().unwrap(),
    ));
    let waited = permits(&pacer("1500/h", 10, &earlier, open()), &earlier, 1)[0];
    assert!(waited <= 2.4 * 2.0, "{waited}");
}

#[test]
fn a_hold_without_throttling_keeps_the_bucket() {
    let folder = tempfile::tempdir().unwrap();
    let store = QuotaStore::open(&State::in_folder(folder.path()), "account").unwrap();
    let time = clock();
    let pacer = pacer("10/s", 20, &time, Some(store));
    let later = time.now() + 60 * SECOND;
    pacer.hold_until(later, false).unwrap();
    let waited = permits(&pacer, &time, 20);
    assert_eq!(waited, [60.0; 20]);
}

#[test]
fn a_process_with_another_rate_inherits_the_used_requests() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Some(QuotaStore::open(&State::in_folder(folder.path()), "account").unwrap());
    let time = clock();
    permits(&pacer("5000/h", 5000, &time, open()), &time, 3000);
    let level = pacer("1500/h", 1500, &time, open()).level().0;
    assert!(level < 1.0, "{level}");
    let level = pacer("5000/h", 5000, &time, open()).level().0;
    assert!((level - 2000.0).abs() < 200.0, "{level}");
}

#[test]
fn remaining_requests_only_lower_the_estimate() {
    let time = clock();
    let pacer = pacer("10/s", 20, &time, None);
    pacer.observe(None, Some(3.0), time.now());
    assert_eq!(pacer.level().0, 3.0);
    pacer.observe(None, Some(15.0), time.now());
    assert_eq!(pacer.level().0, 3.0);
    for nonsense in [-1.0, f64::NAN, f64::INFINITY] {
        pacer.observe(None, Some(nonsense), time.now());
        assert_eq!(pacer.level().0, 3.0, "{nonsense}");
    }
}

#[test]
fn a_new_limit_keeps_the_used_requests() {
    let time = clock();
    let pace = pace("1500/h", 1500);
    let pacer = Pacer::new(pace, time.clone(), None).unwrap();
    permits(&pacer, &time, 100);
    pacer.observe(Some("5000/h".parse().unwrap()), None, time.now());
    assert_eq!(pacer.quota().1, 5000);
    let level = pacer.level().0;
    assert!((level - 4900.0).abs() < 0.1, "{level}");
}

/// A clock whose wall time can be set, and whose monotonic time cannot.
#[derive(Debug)]
struct SetClock {
    boot: &'static str,
    since_boot: Mutex<u64>,
    ahead: Mutex<u64>,
}

impl SetClock {
    fn new(boot: &'static str, since: u64) -> Arc<SetClock> {
        Arc::new(SetClock {
            boot,
            since_boot: Mutex::new(since),
            ahead: Mutex::new(1_785_585_600 * SECOND),
        })
    }

    fn step(&self, seconds: u64) {
        *self.ahead.lock().unwrap() += seconds * SECOND;
    }

    fn pass(&self, seconds: u64) {
        *self.since_boot.lock().unwrap() += seconds * SECOND;
    }
}

impl Clock for SetClock {
    fn now(&self) -> UnixNanos {
        *self.ahead.lock().unwrap() + *self.since_boot.lock().unwrap()
    }

    fn since_boot(&self) -> Option<(crate::clock::Boot, u64)> {
        Some((self.boot.into(), *self.since_boot.lock().unwrap()))
    }

    fn sleep_until(&self, deadline: UnixNanos) -> crate::clock::Sleep<'_> {
        let wait = deadline.saturating_sub(self.now());
        *self.since_boot.lock().unwrap() += wait;
        Box::pin(std::future::ready(()))
    }
}

fn by(clock: &Arc<SetClock>, store: Option<QuotaStore>) -> Pacer {
    let pace = pace("1500/h", 100);
    Pacer::new(pace, clock.clone(), store).unwrap()
}

fn drain(pacer: &Pacer) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        for _ in 0..100 {
            pacer.permit().await.unwrap();
        }
    });
}

#[test]
fn a_clock_that_is_set_forward_fills_no_bucket() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Some(QuotaStore::open(&State::in_folder(folder.path()), "account").unwrap());
    let clock = SetClock::new("a", 1000 * SECOND);
    let pacer = by(&clock, open());
    drain(&pacer);
    for seconds in [3600, 300 * 366 * 86_400] {
        clock.step(seconds);
        assert!(pacer.level().0 < 1.0, "in the process: {seconds}");
        assert!(by(&clock, open()).level().0 < 1.0, "in the next: {seconds}");
    }
    // Elapsed time counts once for all processes.
    clock.pass(240);
    assert!((pacer.level().0 - 100.0).abs() < 1.5, "{}", pacer.level().0);
    drop(pacer);
    assert!(by(&clock, open()).level().0 > 98.0);
}

#[test]
fn after_a_restart_time_counts_as_confirmed_by_the_apis_clock() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Some(QuotaStore::open(&State::in_folder(folder.path()), "account").unwrap());
    let date = |seconds: u64| (1_785_590_000 + seconds) * SECOND;
    let clock = SetClock::new("a", 1000 * SECOND);
    let pacer = by(&clock, open());
    pacer.observe_date(date(0));
    drain(&pacer);
    drop(pacer);
    // The wall clock shows two hours later, and the API's clock two minutes.
    let restarted = SetClock::new("b", 10 * SECOND);
    restarted.step(990 + 7200);
    let pacer = by(&restarted, open());
    assert!(
        pacer.level().0 < 1.5,
        "nothing is believed yet: {}",
        pacer.level().0
    );
    pacer.observe_date(date(120));
    let level = pacer.level().0;
    assert!((49.0..52.0).contains(&level), "{level}");
    pacer.observe_date(date(7200));
    assert!(pacer.level().0 < 52.0, "and no more later");
}

#[test]
fn a_small_burst_limits_its_process_and_keeps_the_shared_bucket() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Some(QuotaStore::open(&State::in_folder(folder.path()), "account").unwrap());
    let time = clock();
    let with_burst = |burst: Option<u32>| {
        let pace = Pace {
            burst: burst.and_then(NonZeroU32::new),
            ..pace("1500/h", 1500)
        };
        Pacer::new(pace, time.clone(), open()).unwrap()
    };
    let usual = with_burst(None);
    assert_eq!(permits(&usual, &time, 1000), vec![0.0; 1000]);
    drop(usual);
    let small = with_burst(Some(20));
    assert!(small.level().0 <= 20.0, "{:?}", small.level());
    let moments = permits(&small, &time, 5);
    assert!(moments[4] < 5.0 * 2.4 + 0.1, "{moments:?}");
    drop(small);
    // The rest of 1,500 after 1,005 requests, plus the requests refilled since.
    let left = with_burst(None).level().0;
    assert!((495.0..=501.0).contains(&left), "{left}");

    // With an almost full bucket, only the small burst is granted at once.
    let folder = tempfile::tempdir().unwrap();
    let store = QuotaStore::open(&State::in_folder(folder.path()), "account").unwrap();
    let pace = Pace {
        burst: NonZeroU32::new(20),
        ..pace("1500/h", 1500)
    };
    let small = Pacer::new(pace, time.clone(), Some(store)).unwrap();
    assert_eq!(small.level().0, 20.0);
    let moments = permits(&small, &time, 22);
    assert_eq!(moments[..20], [0.0; 20]);
    assert!((moments[20] - 2.4).abs() < 1e-3, "{moments:?}");
    // A limit of the API changes both.
    small.observe(Some("3000/h".parse().unwrap()), None, time.now());
    let moments = permits(&small, &time, 1);
    assert!((moments[0] - 1.2).abs() < 1e-3, "{moments:?}");
}

#[test]
fn a_lease_is_returned_unless_another_process_took_requests_since() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Some(QuotaStore::open(&State::in_folder(folder.path()), "account").unwrap());
    let time = clock();
    // Requests for a tenth of a second are leased: ten.
    let (one, two) = (
        pacer("100/s", 100, &time, open()),
        pacer("100/s", 100, &time, open()),
    );
    permits(&one, &time, 1);
    permits(&two, &time, 1);
    drop(one);
    assert_eq!(pacer("100/s", 100, &time, open()).level().0, 78.0);
    drop(two);
    assert_eq!(pacer("100/s", 100, &time, open()).level().0, 88.0);
}

#[test]
fn setting_the_clock_back_does_not_extend_a_hold() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Some(QuotaStore::open(&State::in_folder(folder.path()), "account").unwrap());
    let start = "2026-08-01T12:00:00Z".parse().unwrap();
    let time = Arc::new(VirtualClock::starting_at(start));
    let held = pacer("100/s", 9, &time, open());
    held.hold_until(time.now() + 60 * SECOND, false).unwrap();
    drop(held);
    // With the clock set back an hour, it would wait an hour longer.
    let before = Arc::new(VirtualClock::starting_at(
        "2026-08-01T11:00:00Z".parse().unwrap(),
    ));
    let (_, wait) = pacer("100/s", 9, &before, open()).level();
    assert!(wait <= Duration::from_secs(60), "{wait:?}");
    assert!(wait > Duration::from_secs(50), "{wait:?}");
}

#[test]
fn a_rate_or_share_of_one_command_does_not_change_the_shared_bucket() {
    for (ceiling, share, at_once, interval) in [
        (None, 0.1, 150, 24.0),
        (Some("300/h"), 1.0, 300, 12.0),
        (Some("300/h"), 0.5, 150, 24.0),
        // A rate above the announced one has no effect.
        (Some("9000/h"), 0.5, 750, 4.8),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let open = || Some(QuotaStore::open(&State::in_folder(folder.path()), "account").unwrap());
        let time = clock();
        let usual = pace("1500/h", 1500);
        let limited = Pace {
            ceiling: ceiling.map(|rate: &str| rate.parse().unwrap()),
            share,
            ..usual
        };
        // The API announces the limit of the target file.
        let announced = usual.own;
        let before = Pacer::new(usual, time.clone(), open()).unwrap();
        permits(&before, &time, 700);
        drop(before);

        let run = Pacer::new(limited, time.clone(), open()).unwrap();
        run.observe(Some(announced), None, time.now());
        assert_eq!(run.level().0, f64::from(at_once), "{ceiling:?} {share}");
        let all = permits(&run, &time, at_once as usize + 2);
        assert_eq!(all[at_once as usize - 1], 0.0, "{ceiling:?} {share}");
        for (number, moment) in all[at_once as usize..].iter().enumerate() {
            let expected = interval * (number + 1) as f64;
            assert!((moment - expected).abs() < 1e-3, "{ceiling:?}: {moment}");
        }
        drop(run);
        let again = Pacer::new(limited, time.clone(), open()).unwrap();
        again.observe(Some(announced), None, time.now());
        assert!(again.level().0 < 1.0, "of the next run with the same limit");

        let next = Pacer::new(usual, time.clone(), open()).unwrap();
        let back = 2.0 * interval / 2.4;
        let left = 1500.0 - 700.0 - f64::from(at_once) - 2.0 + back;
        let level = next.level().0;
        assert!((level - left).abs() < 0.01, "{ceiling:?}: {level}, {left}");
    }
}

#[test]
fn a_permit_that_waits_takes_from_each_bucket_once() {
    let time = clock();
    let pace = Pace {
        burst: NonZeroU32::new(5),
        share: 0.5,
        ..pace("1500/h", 10)
    };
    let pacer = Pacer::new(pace, time.clone(), None).unwrap();
    // Other processes have used up the API's quota.
    pacer.observe(None, Some(0.0), time.now());
    assert_eq!(permits(&pacer, &time, 3), [2.4, 4.8, 7.2]);
    let (_, of_limit) = &pacer.limits[0];
    let (_, of_burst) = &pacer.limits[1];
    let came_back = 7.2 / 4.8;
    for bucket in [of_limit, of_burst] {
        let level = bucket.level(time.now());
        assert!((level - (5.0 - 3.0 + came_back)).abs() < 0.01, "{level}");
    }
}

#[test]
fn a_wait_beyond_the_patience_is_returned() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let time = clock();
    let pacer = pacer("1500/h", 1, &time, None);
    let permit = || runtime.block_on(pacer.permit()).unwrap();
    let wait = Duration::from_millis(2400);
    assert_eq!(permit(), Permit::Granted);
    pacer.set_patience(Some(wait - Duration::from_nanos(1)));
    assert_eq!(permit(), Permit::Later(wait));
    pacer.set_patience(Some(wait));
    assert_eq!(permit(), Permit::Granted);
    // The wait also includes a hold of the API.
    let minute = Duration::from_secs(60);
    pacer.hold_until(time.now() + 60 * SECOND, false).unwrap();
    assert_eq!(permit(), Permit::Later(minute));
    pacer.set_patience(Some(minute));
    assert_eq!(permit(), Permit::Granted);
    pacer.set_patience(None);
    pacer.hold_until(time.now() + 3600 * SECOND, false).unwrap();
    assert_eq!(permit(), Permit::Granted);
}

#[test]
fn a_pause_affects_its_process_only_and_keeps_its_length() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Some(QuotaStore::open(&State::in_folder(folder.path()), "account").unwrap());
    let time = crate::send::tests::SetBack::new();
    let pace = pace("100/s", 100);
    let paused = Pacer::new(pace, time.clone(), open()).unwrap();
    let other = Pacer::new(pace, time.clone(), open()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let wait = |pacer: &Pacer| {
        let start = time.now();
        runtime.block_on(pacer.permit()).unwrap();
        (time.now() - start) / SECOND
    };
    paused.pause_until(time.now() + 60 * SECOND);
    // An earlier time has no effect.
    paused.pause_until(time.now() + 10 * SECOND);
    assert_eq!(wait(&other), 0);
    assert_eq!(wait(&paused), 60);
    paused.pause_until(time.now() + 60 * SECOND);
    time.pass(20 * SECOND);
    time.set_back(3600 * SECOND);
    assert_eq!(wait(&paused), 60, "an hour more is not waited for");
    assert_eq!(wait(&paused), 0);
}

#[test]
fn each_announced_limit_replaces_the_previous_one_unless_it_is_implausible() {
    let time = clock();
    let rate = |text: &str| text.parse::<Rate>().unwrap();
    let pace = Pace {
        burst: NonZeroU32::new(20),
        share: 1e-5,
        ..pace("1500/h", 1500)
    };
    let pacer = Pacer::new(pace, time.clone(), None).unwrap();
    for (announced, in_force) in [
        ("5000/h", "5000/h"),
        ("300/h", "300/h"),
        ("300/h", "300/h"),
        // One request in centuries.
        ("1/d", "300/h"),
        ("600/h", "600/h"),
    ] {
        pacer.observe(Some(rate(announced)), None, time.now());
        assert_eq!(pacer.quota().0, rate(in_force).part(1e-5), "{announced}");
    }
}

#[test]
fn a_burst_follows_the_announced_limit_and_keeps_the_used_requests() {
    let time = clock();
    let pace = Pace {
        burst: NonZeroU32::new(20),
        ..pace("1500/h", 1500)
    };
    let pacer = Pacer::new(pace, time.clone(), None).unwrap();
    permits(&pacer, &time, 12);
    pacer.observe(Some("3000/h".parse().unwrap()), None, time.now());
    assert_eq!(pacer.quota(), ("3000/h".parse().unwrap(), 20));
    assert_eq!(pacer.level().0, 8.0);
    let moments = permits(&pacer, &time, 9);
    assert_eq!(moments[7], 0.0);
    assert!((moments[8] - 1.2).abs() < 1e-3, "{moments:?}");
}

#[test]
fn batches_that_wait_for_the_burst_take_nothing_from_the_shared_limit() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Some(QuotaStore::open(&State::in_folder(folder.path()), "account").unwrap());
    let time = clock();
    let pace = Pace {
        ceiling: Some("1200/h".parse().unwrap()),
        burst: NonZeroU32::new(3),
        ..pace("1500/h", 1500)
    };
    let first = Pacer::new(pace, time.clone(), open()).unwrap();
    assert_eq!(permits(&first, &time, 3), [0.0; 3]);
    drop(first);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut granted = 0;
    for _ in 0..30 {
        runtime.block_on(time.sleep(Duration::from_secs(1)));
        let pacer = Pacer::new(pace, time.clone(), open()).unwrap();
        pacer.set_patience(Some(Duration::ZERO));
        let permit = runtime.block_on(pacer.permit()).unwrap();
        granted += u32::from(permit == Permit::Granted);
    }
    assert_eq!(granted, 10, "one every three seconds");
}
