//! Tests of `run/progress`.

use std::time::Duration;

use super::*;
use crate::model::RowState;
use crate::run::tests::{Desk, Watched};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// A bucket of 1,500 per hour with this level.
fn road(level: f64) -> Road {
    Road {
        level,
        interval: Duration::from_millis(2400),
        wait: Duration::ZERO,
        pace: None,
    }
}

fn quota() -> (Rate, u32) {
    ("1500/h".parse().unwrap(), 1500)
}

/// A run of 3,000 rows, none of which was sent.
fn begun() -> State {
    State {
        rows: 4000,
        to_send: 3000,
        began: Mark {
            at: 0,
            requests: 50,
        },
        is_sending: true,
        ..State::default()
    }
}

fn seconds(progress: &Progress) -> i64 {
    progress.finish.unwrap().as_second()
}

#[test]
fn the_end_is_estimated_from_the_quota_and_requests_per_row() {
    let mut state = begun();
    assert_eq!(
        seconds(&state.progress(50, quota(), road(1500.0), NOW)),
        3600
    );
    // Of ten rows, some were retried. The same share is expected of the others.
    (state.sent, state.sent_here) = (10, 10);
    let each = state.progress(65, quota(), road(0.0), NOW);
    assert_eq!(seconds(&each), (2990.0 * 1.5 * 2.4) as i64);
    // Requests in progress are not counted yet, or were sent by another process.
    state.sent_here = 100;
    let each = state.progress(65, quota(), road(0.0), NOW);
    assert_eq!(seconds(&each), (2990.0 * 2.4) as i64);
}

#[test]
fn a_lower_stored_rate_applies_until_the_api_reports_another() {
    let known = |rate: &str, requests, level| {
        let mut state = begun();
        state.known = Some(rate.parse().unwrap());
        state.progress(requests, quota(), road(level), NOW)
    };
    // A bucket of half the depth is used equally.
    let slow = known("750/h", 50, 1500.0);
    assert_eq!((&*slow.rate, seconds(&slow)), ("750/h", 10_800));
    let used = known("750/h", 50, 500.0);
    assert_eq!(seconds(&used), 14_400, "it is empty");
    let heard = known("750/h", 51, 1500.0);
    assert_eq!((&*heard.rate, seconds(&heard)), ("1500/h", 3600));
    let fast = known("3000/h", 50, 1500.0);
    assert_eq!((&*fast.rate, seconds(&fast)), ("1500/h", 3600));
    let same = known("25/m", 50, 1500.0);
    assert_eq!((&*same.rate, seconds(&same)), ("1500/h", 3600));
}

#[test]
fn a_run_reports_the_reason_of_its_wait() {
    let mut state = begun();
    let waits = |state: &State, road| state.progress(50, quota(), road, NOW).waiting_for;
    assert_eq!(waits(&state, road(1.0)), None);
    assert_eq!(waits(&state, road(0.9)), Some(WaitingFor::Quota));
    let named = Road {
        wait: Duration::from_secs(1),
        ..road(1500.0)
    };
    assert_eq!(waits(&state, named), Some(WaitingFor::RetryAfter));
    state.sent = 3000;
    assert_eq!(waits(&state, named), None, "there is no next one");
    assert_eq!(waits(&state, road(0.0)), None);
}

#[test]
fn progress_is_reported_each_second_on_request_and_at_the_end() {
    let mut state = begun();
    state.reported_at = 5 * EVERY;
    assert!(!state.must_report(6 * EVERY - 1, false));
    assert!(state.must_report(6 * EVERY, false));
    assert!(state.must_report(5 * EVERY, true));
    state.states.updated = 3999;
    assert!(!state.must_report(5 * EVERY, false));
    state.states.updated = 4000;
    assert!(state.must_report(5 * EVERY, false));
    state.is_sending = false;
    assert!(!state.must_report(9 * EVERY, true), "nothing is sent");
}

#[test]
fn the_rate_is_measured_after_twenty_requests() {
    let seen = |requests: u64, seconds: u64| {
        let mut state = State::default();
        state.note(Mark {
            at: EVERY,
            requests: 7,
        });
        state.note(Mark {
            at: EVERY + seconds * EVERY,
            requests: 7 + requests,
        });
        observed(&state.marks)
    };
    assert_eq!(seen(20, 10), Some(0.5));
    assert_eq!(seen(19, 10), None, "they tell too little");
    assert_eq!(seen(40, 0), None, "no time has passed");
    assert_eq!(observed(&VecDeque::new()), None);
}

#[test]
fn only_recent_requests_count_for_the_rate() {
    let mut state = State::default();
    // Ten per second, and then one.
    for at in 0..100 {
        let requests = 10 * at;
        state.note(Mark {
            at: at * EVERY,
            requests,
        });
    }
    for at in 0..64 {
        state.note(Mark {
            at: (100 + at) * EVERY,
            requests: 1000 + at,
        });
    }
    assert_eq!(observed(&state.marks), Some(1.0));
    assert_eq!(state.marks.len(), MARKS);
}

/// A tracker of a roster with two rows and an empty line between them.
fn tracked(work: impl FnOnce(&Desk, &Tracker<'_>)) -> Vec<RunEvent> {
    tracked_at("1500/h", work)
}

/// The same tracker with another rate.
fn tracked_at(rate: &str, work: impl FnOnce(&Desk, &Tracker<'_>)) -> Vec<RunEvent> {
    let desk = Desk::new("id,name\np1,Åsa\n\np2,Bo\n");
    let prepared = desk.prepared();
    let (stats, watched) = (Stats::default(), Watched::default());
    let pace = crate::send::Pace {
        own: rate.parse().unwrap(),
        own_burst: 10,
        ..desk.settings.delivery.pace
    };
    let pacer = Pacer::new(pace, desk.clock.clone(), None).unwrap();
    {
        let clock = desk.clock.as_ref();
        let tracker = Tracker::new(&watched, clock, &pacer, &stats, &prepared.survey);
        work(&desk, &tracker);
    }
    watched.events()
}

fn plan() -> Plan {
    Plan {
        to_send: 5,
        rate: "750/h".into(),
        settled: StateCounts {
            invalid: 1,
            ..StateCounts::default()
        },
        ..Plan::default()
    }
}

fn done(row: u64, sent: bool) -> RunEvent {
    RunEvent::RowDone {
        row,
        line: 0,
        state: RowState::Updated,
        sent,
    }
}

fn progress_in(events: &[RunEvent]) -> Vec<&Progress> {
    let progress = events.iter().filter_map(|event| match event {
        RunEvent::Progress(progress) | RunEvent::Started { progress, .. } => Some(&**progress),
        _ => None,
    });
    progress.collect()
}

#[test]
fn a_resumed_run_continues_its_progress() {
    let states = StateCounts {
        invalid: 1,
        updated: 2,
        ..StateCounts::default()
    };
    let events = tracked(|desk, tracker| {
        tracker.start("r", &plan(), states, false);
        tracker.on_event(&done(1, true));
        desk.later(Duration::from_secs(1));
        tracker.on_event(&done(2, false));
    });
    let all = progress_in(&events);
    let [first, second] = all[..] else {
        panic!("one when it begins and one a second later: {all:?}");
    };
    assert_eq!(
        (first.rows, first.done, first.sent, first.to_send),
        (2, 3, 2, 5)
    );
    assert_eq!(first.states, states);
    assert_eq!(first.rate, "750/h", "as the plan knew it");
    assert_eq!((second.done, second.sent, second.states.updated), (5, 3, 4));
    assert!(matches!(&events[0], RunEvent::Started { run, .. } if run == "r"));
    let lines: Vec<u64> = events
        .iter()
        .filter_map(|event| match event {
            RunEvent::RowDone { line, .. } => Some(*line),
            _ => None,
        })
        .collect();
    assert_eq!(lines, [2, 4], "as the spreadsheet counts");
    assert!(matches!(events.last(), Some(RunEvent::BrokeOff)));
}

#[test]
fn a_wait_of_the_api_is_reported_immediately_unlike_a_pause() {
    let events = tracked(|_, tracker| {
        tracker.start("r", &plan(), StateCounts::default(), false);
        tracker.on_event(&RunEvent::Waiting {
            until: NOW,
            wait: Duration::from_secs(9),
            status: 429,
        });
        tracker.on_event(&RunEvent::Paused { is_paused: true });
    });
    let kinds: Vec<&str> = events
        .iter()
        .map(|event| match event {
            RunEvent::Started { .. } => "started",
            RunEvent::Waiting { .. } => "waiting",
            RunEvent::Progress(_) => "progress",
            RunEvent::Paused { .. } => "paused",
            RunEvent::BrokeOff => "broke off",
            _ => "other",
        })
        .collect();
    assert_eq!(
        kinds,
        ["started", "waiting", "progress", "paused", "broke off"]
    );
}

#[test]
fn no_end_is_reported_before_sending_begins() {
    let events = tracked(|_, tracker| tracker.on_event(&RunEvent::DryRunEnded));
    assert!(matches!(events[..], [RunEvent::DryRunEnded]), "{events:?}");
}

#[test]
fn a_retry_is_reported_by_spreadsheet_row() {
    let events = tracked(|_, tracker| {
        for row in [Some(2), None] {
            tracker.on_event(&RunEvent::Retrying {
                row,
                line: None,
                attempt: 1,
                wait: Duration::ZERO,
                why: crate::events::Attempt::Answered(503),
            });
        }
    });
    let lines: Vec<Option<u64>> = events
        .iter()
        .filter_map(|event| match event {
            RunEvent::Retrying { line, .. } => Some(*line),
            _ => None,
        })
        .collect();
    assert_eq!(lines, [Some(4), None]);
}

#[test]
fn the_forecast_uses_the_pacer() {
    tracked(|_, tracker| {
        let road = tracker.road(Some(0.25));
        assert_eq!((road.level, road.pace), (10.0, Some(0.25)));
        assert_eq!(road.interval, Duration::from_millis(2400));
        assert_eq!(road.wait, Duration::ZERO);
    });
}

#[test]
fn the_end_is_estimated_from_the_rate_since_sending_began() {
    let events = tracked_at("1000/s", |desk, tracker| {
        let ask = |times| (0..times).for_each(|_| tracker.stats.count(true, false));
        // Requests of the planning phase do not count for the rows.
        ask(50);
        let plan = Plan {
            to_send: 3000,
            ..Plan::default()
        };
        tracker.start("r", &plan, StateCounts::default(), false);
        for row in 1..=39 {
            tracker.on_event(&done(row, true));
        }
        ask(60);
        desk.later(Duration::from_secs(20));
        tracker.on_event(&done(40, true));
    });
    let last = progress_in(&events).last().unwrap().finish.unwrap();
    // A third of a second per request, and one and a half requests per row: 2,960 are left.
    let began: Timestamp = "2026-08-20T18:00:20Z".parse().unwrap();
    let seconds = last.duration_since(began).as_secs_f64();
    assert!((seconds - 1480.0).abs() < 0.01, "{seconds}");
}
