//! Tests of `send/deliver`.

use std::sync::Mutex;

use super::*;
use crate::journal::JournalError;
use crate::model::Problem;
use crate::send::tests::{Cast, Reply, Scene, reply};

/// Stores outcomes, which are durable immediately.
#[derive(Default)]
struct Kept {
    outcomes: Mutex<Vec<Outcome>>,
    durable: Mutex<Vec<(u64, RowState)>>,
    /// The stop request to send when a request leaves.
    asks: Option<(watch::Sender<StopRequest>, StopRequest)>,
}

impl Record for Kept {
    async fn intent(&self, _: u64, _: u32) -> Result<(), JournalError> {
        if let Some((asks, request)) = &self.asks {
            asks.send_replace(*request);
        }
        Ok(())
    }

    async fn outcome(&self, outcome: Outcome) -> Result<(), JournalError> {
        self.durable
            .lock()
            .unwrap()
            .push((outcome.row, outcome.state));
        self.outcomes.lock().unwrap().push(outcome);
        Ok(())
    }

    async fn durable(&self) -> Result<Vec<(u64, RowState)>, JournalError> {
        let done = std::mem::take(&mut *self.durable.lock().unwrap());
        match done.is_empty() {
            true => std::future::pending().await,
            false => Ok(done),
        }
    }

    async fn flush(&self) -> Result<(), JournalError> {
        Ok(())
    }
}

/// Reads a record back. It contains the sent values if the response says so.
struct Readable;

impl Reread for Readable {
    fn path(&self, _: &Pending) -> Option<String> {
        Some("/student/read".into())
    }

    fn holds(&self, _: &Pending, record: &Json) -> bool {
        record["holds"] == true
    }
}

fn call(row: u64) -> Pending {
    Pending {
        row,
        path: format!("/student/{row}"),
        body: br#"{"name":"Anna Ek"}"#.to_vec(),
        changed: "name".into(),
        note: Problem::in_these_words("a note"),
        ..Pending::default()
    }
}

fn doubtful() -> Pending {
    Pending {
        attempts: 1,
        doubtful: true,
        ..call(1)
    }
}

fn once() -> Cast {
    let mut cast = Cast::default();
    cast.spec.update.idempotent = false;
    cast
}

struct Ended {
    stop: Option<Stop>,
    outcomes: Vec<Outcome>,
    asked: Vec<String>,
    done: Vec<u64>,
}

impl Ended {
    fn states(&self) -> Vec<RowState> {
        self.outcomes.iter().map(|outcome| outcome.state).collect()
    }
}

fn deliver(scene: &Scene, calls: Vec<Pending>) -> Ended {
    deliver_with(scene, calls, StopRequest::None)
}

fn deliver_with(scene: &Scene, calls: Vec<Pending>, request: StopRequest) -> Ended {
    let transport = scene.transport();
    let record = Kept::default();
    let sender = Sender {
        transport: &transport,
        record: &record,
        reread: Some(&Readable),
        explain: &|_, message| Problem::in_these_words(&format!("explained: {message}")),
        refused_column: &|_| None,
        not_applied: &|_, _| None,
    };
    let (feed, receiver) = mpsc::channel(1);
    feed.try_send(calls).unwrap();
    drop(feed);
    let (_asks, asked) = watch::channel(request);
    let stop = sender.deliver(receiver, asked, false);
    let stop = scene.runtime.block_on(stop).unwrap();
    let events = scene.events.0.lock().unwrap();
    let done = events.iter().filter_map(|event| match event {
        RunEvent::RowDone { row, .. } => Some(*row),
        _ => None,
    });
    Ended {
        stop,
        outcomes: record.outcomes.into_inner().unwrap(),
        asked: scene.asked(),
        done: done.collect(),
    }
}

#[test]
fn accepted_and_refused_rows_have_their_messages() {
    let refused = r#"{"error":{"code":"Taken","message":"number taken","requestID":"r-1"}}"#;
    let script = vec![reply(200, ""), reply(409, refused), reply(418, "")];
    let ended = deliver(&Scene::new(script), (1..=3).map(call).collect());
    assert_eq!(ended.stop, None);
    assert_eq!(
        ended.states(),
        [RowState::Updated, RowState::Rejected, RowState::Rejected]
    );
    let told = |at: usize| {
        let outcome = &ended.outcomes[at];
        (
            outcome.http_status,
            outcome.error_code.as_str(),
            outcome.error(),
            outcome.attempts,
        )
    };
    assert_eq!(told(0), (Some(200), "", "a note".to_owned(), 1));
    assert_eq!(
        told(1),
        (Some(409), "Taken", "explained: number taken".to_owned(), 1)
    );
    assert_eq!(told(2).1, "http.418");
    assert_eq!(ended.outcomes[1].request_id, "r-1");
    let mut done = ended.done.clone();
    done.sort_unstable();
    assert_eq!(done, [1, 2, 3]);
}

#[test]
fn refused_credentials_stop_the_run_after_one_request() {
    let refused = r#"{"error":{"code":"Unauthorized","message":"no"}}"#;
    let scene = Scene::new(vec![reply(401, refused), reply(200, "")]);
    let ended = deliver(&scene, (1..=10).map(call).collect());
    assert_eq!(ended.states(), [RowState::NotSent]);
    assert_eq!(ended.asked.len(), 1);
    let Some(Stop::Refused {
        status,
        code,
        message,
        reading,
    }) = ended.stop
    else {
        panic!("{:?}", ended.stop);
    };
    assert_eq!((status, code.as_str()), (401, "Unauthorized"));
    assert_eq!((message.as_str(), reading), ("no", false));
    let events = scene.events.0.lock().unwrap();
    let stopping = |event: &RunEvent| matches!(event, RunEvent::Stopping { .. });
    assert_eq!(events.iter().filter(|event| stopping(event)).count(), 1);
}

#[test]
fn an_unreachable_api_is_detected_with_the_first_row() {
    // The server does not listen.
    let ended = deliver(&Scene::new(Vec::new()), (1..=10).map(call).collect());
    assert_eq!(ended.states(), [RowState::NotSent]);
    assert_eq!(ended.outcomes[0].attempts, 4);
    assert!(matches!(
        ended.stop,
        Some(Stop::Unreachable {
            was_reached: false,
            ..
        })
    ));
    // A lost request may have been carried out.
    let lost = (0..4).map(|_| Reply::Lost).collect();
    let ended = deliver(&Scene::new(lost), vec![call(1), call(2)]);
    assert_eq!(ended.states(), [RowState::Failed]);
    assert_eq!(ended.outcomes[0].error_code, "network.lost");
    assert!(matches!(ended.stop, Some(Stop::Unreachable { .. })));
    // After one response, only the row fails.
    let script = vec![
        reply(200, ""),
        Reply::Lost,
        Reply::Lost,
        Reply::Lost,
        Reply::Lost,
    ];
    let ended = deliver(&Scene::new(script), vec![call(1), call(2)]);
    assert_eq!(ended.states(), [RowState::Updated, RowState::Failed]);
    assert_eq!(ended.stop, None);
    // An error response is an error.
    let script = (0..4).map(|_| reply(500, "")).chain([reply(200, "")]);
    let ended = deliver(&Scene::new(script.collect()), vec![call(1), call(2)]);
    assert_eq!(ended.states(), [RowState::Failed, RowState::Updated]);
    assert_eq!(ended.stop, None);
}

#[test]
fn the_same_error_on_each_of_the_first_rows_stops_the_run() {
    let refused = r#"{"error":{"code":"Gone","message":"no student Anna Ek"}}"#;
    let script = (0..40).map(|_| reply(404, refused)).collect();
    let ended = deliver(&Scene::new(script), (1..=40).map(call).collect());
    let Some(Stop::Failing {
        status,
        error,
        message,
        ..
    }) = ended.stop
    else {
        panic!("{:?}", ended.stop);
    };
    assert_eq!((status, error.as_str()), (404, "HTTP 404 Gone"));
    assert!(!message.contains("Anna"), "{message}");
    assert!(ended.outcomes.len() < 40, "{}", ended.outcomes.len());
}

#[test]
fn a_row_in_doubt_is_read_back_if_it_must_not_be_resent() {
    // The change was applied.
    let scene = Scene::with(once(), vec![reply(200, r#"{"holds":true}"#)]);
    let ended = deliver(&scene, vec![doubtful()]);
    assert_eq!(ended.states(), [RowState::Updated]);
    assert_eq!(ended.outcomes[0].error(), "a note");
    assert_eq!(ended.outcomes[0].attempts, 1);
    assert_eq!(ended.asked, ["GET /v1/student/read HTTP/1.1"]);
    // The change was not applied.
    let script = vec![reply(200, r#"{"holds":false}"#), reply(200, "")];
    let ended = deliver(&Scene::with(once(), script), vec![doubtful()]);
    assert_eq!(ended.states(), [RowState::Updated]);
    assert_eq!(ended.asked[1], "PATCH /v1/student/1 HTTP/1.1");
    assert_eq!(ended.outcomes[0].attempts, 2);
    // The outcome cannot be determined.
    let ended = deliver(
        &Scene::with(once(), vec![reply(404, "{}")]),
        vec![doubtful()],
    );
    assert_eq!(ended.states(), [RowState::Failed]);
    let outcome = &ended.outcomes[0];
    assert_eq!(outcome.error_code, "network.unknown");
    assert!(outcome.error().contains("may have made the change"));
    assert_eq!(ended.asked.len(), 1);
    // An idempotent call is resent.
    let ended = deliver(&Scene::new(vec![reply(200, "")]), vec![doubtful()]);
    assert_eq!(ended.asked, ["PATCH /v1/student/1 HTTP/1.1"]);
    // A call that is not in doubt is sent.
    let ended = deliver(&Scene::with(once(), vec![reply(200, "")]), vec![call(1)]);
    assert_eq!(ended.asked, ["PATCH /v1/student/1 HTTP/1.1"]);
}

#[test]
fn rows_in_doubt_stay_open_if_their_records_cannot_be_read_now() {
    let slow = Cast {
        rate: ("1500/h", 1),
        ..once()
    };
    let scene = Scene::with(slow, vec![reply(200, ""), reply(200, "")]);
    scene.pacer.set_patience(Some(std::time::Duration::ZERO));
    scene.runtime.block_on(scene.pacer.permit()).unwrap();
    let ended = deliver(&scene, vec![doubtful()]);
    assert!(ended.outcomes.is_empty());
    assert!(matches!(ended.stop, Some(Stop::Due { .. })));
    assert!(ended.asked.is_empty());

    // The run is halted while the record is requested.
    let scene = Scene::with(once(), vec![reply(200, "")]);
    let transport = scene.transport();
    let record = Kept::default();
    let sender = Sender {
        transport: &transport,
        record: &record,
        reread: Some(&Readable),
        explain: &|_, message| Problem::in_these_words(message),
        refused_column: &|_| None,
        not_applied: &|_, _| None,
    };
    let (_halt, halted) = watch::channel(true);
    let done = sender.one(doubtful(), false, halted);
    let done = scene.runtime.block_on(done).unwrap();
    assert!(done.outcome.is_none());
    assert!(record.outcomes.lock().unwrap().is_empty());
}

#[test]
fn a_row_with_a_lost_response_is_read_back_before_it_fails() {
    let script = vec![Reply::Lost, reply(200, r#"{"holds":true}"#)];
    let ended = deliver(&Scene::with(once(), script), vec![call(1)]);
    assert_eq!(ended.states(), [RowState::Updated]);
    assert_eq!(ended.outcomes[0].error(), "a note");
    assert_eq!(ended.stop, None);
    let script = vec![Reply::Lost, reply(200, r#"{"holds":false}"#)];
    let ended = deliver(&Scene::with(once(), script), vec![call(1)]);
    assert_eq!(ended.states(), [RowState::Failed]);
    assert!(
        ended.outcomes[0]
            .error()
            .contains("may have made the change")
    );
    // No response was lost, so nothing is read.
    let ended = deliver(&Scene::with(once(), vec![reply(404, "")]), vec![call(1)]);
    assert_eq!(ended.asked.len(), 1);
    // An idempotent call is resent instead of read.
    let script = vec![Reply::Lost, reply(404, "")];
    let ended = deliver(&Scene::new(script), vec![call(1)]);
    assert!(ended.asked.iter().all(|line| line.starts_with("PATCH")));
}

#[test]
fn a_halted_row_is_in_doubt_only_if_a_response_is_missing() {
    let halted_after = |script: Vec<Reply>| {
        let scene = Scene::new(script);
        let transport = scene.transport();
        let record = Kept::default();
        let sender = Sender {
            transport: &transport,
            record: &record,
            reread: None,
            explain: &|_, message| Problem::in_these_words(message),
            refused_column: &|_| None,
            not_applied: &|_, _| None,
        };
        let attempts = |last, doubtful| Attempts {
            made: 1,
            verdict: None,
            last,
            doubtful,
        };
        let lost = sender.settle(&call(1), attempts(Some(Err(Fault::Lost)), true), false);
        let answered = sender.settle(&call(1), attempts(Some(Err(Fault::Lost)), false), false);
        let none = sender.settle(&call(1), attempts(None, false), false);
        (lost.outcome, answered.outcome, none.outcome)
    };
    let (lost, answered, none) = halted_after(Vec::new());
    assert_eq!(lost.unwrap().state, RowState::Unknown);
    assert_eq!(answered.unwrap().state, RowState::NotSent);
    assert_eq!(none, None);
}

#[test]
fn a_stopping_run_starts_no_request() {
    for request in [StopRequest::Finish, StopRequest::Now] {
        let scene = Scene::new(vec![reply(200, "")]);
        let ended = deliver_with(&scene, vec![call(1), call(2)], request);
        assert_eq!(ended.stop, Some(Stop::Asked), "{request:?}");
        assert!(ended.outcomes.is_empty() && ended.asked.is_empty());
    }
}

#[test]
fn requests_in_progress_finish_within_the_grace_period_or_are_canceled() {
    for (request, grace) in [(StopRequest::Finish, 10.0), (StopRequest::Now, 0.0)] {
        let scene = Scene::new(vec![Reply::Silence]);
        let transport = scene.transport();
        let (asks, asked) = watch::channel(StopRequest::None);
        let record = Kept {
            asks: Some((asks, request)),
            ..Kept::default()
        };
        let sender = Sender {
            transport: &transport,
            record: &record,
            reread: None,
            explain: &|_, message| Problem::in_these_words(message),
            refused_column: &|_| None,
            not_applied: &|_, _| None,
        };
        let (feed, calls) = mpsc::channel(1);
        feed.try_send(vec![call(1)]).unwrap();
        drop(feed);
        let stop = sender.deliver(calls, asked, false);
        let stop = scene.runtime.block_on(stop).unwrap();
        assert_eq!(stop, Some(Stop::Asked));
        assert!(record.outcomes.lock().unwrap().is_empty());
        assert_eq!(scene.seconds(), grace, "{request:?}");
    }
}

#[test]
fn only_new_stop_requests_are_returned() {
    use StopRequest::{Finish, None as Nothing, Now, Pause};
    for (asked, heard, is_paused, is_news) in [
        (Nothing, Nothing, false, false),
        (Nothing, Nothing, true, true),
        (Pause, Nothing, false, true),
        (Pause, Nothing, true, false),
        (Finish, Nothing, false, true),
        (Finish, Nothing, true, true),
        (Finish, Finish, false, false),
        (Now, Finish, false, true),
        (Now, Now, false, false),
        // After a stop request, pauses and continuations have no effect.
        (Pause, Finish, false, false),
        (Nothing, Finish, true, false),
        (Finish, Now, false, false),
    ] {
        let (_asks, mut receiver) = watch::channel(asked);
        let next = next_request(&mut receiver, heard, is_paused).now_or_never();
        let expected = is_news.then_some(asked);
        assert_eq!(
            next.map(Result::unwrap),
            expected,
            "{asked:?} {heard:?} {is_paused}"
        );
    }
}

#[test]
fn a_missing_response_is_explained() {
    let refused = Fault::Connect(Trouble::Refused);
    for (fault, idempotent, part) in [
        (refused, true, "refused"),
        (refused, false, "refused"),
        (Fault::TimeOut, true, "in time"),
        (Fault::Lost, true, "3 "),
        (Fault::TimeOut, false, "may have made the change"),
        (Fault::Lost, false, "may have made the change"),
        (Fault::TooLarge, true, "too large"),
    ] {
        let told = explain(fault, idempotent, 3).to_string();
        assert!(told.contains(part), "{fault:?}: {told}");
        let is_in_doubt = told.contains("may have made the change");
        assert_eq!(is_in_doubt, part.contains("may have"), "{told}");
    }
    assert!(in_short(refused).to_string().contains("refused"));
    assert!(in_short(Fault::TooLarge).to_string().contains("too large"));
}

#[test]
fn errors_are_equal_if_code_and_message_are() {
    let outcome = |state, error: &str| Outcome {
        error_code: "http.404".into(),
        problems: Problem::in_these_words(error),
        attempts: 1,
        ..Outcome::of(1, state, jiff::Timestamp::UNIX_EPOCH)
    };
    assert_eq!(error_of(&outcome(RowState::Updated, "a note")), None);
    assert_eq!(error_of(&outcome(RowState::NotSent, "")), None);
    let one = error_of(&outcome(RowState::Rejected, "gone"));
    assert!(one.is_some());
    assert_eq!(one, error_of(&outcome(RowState::Failed, "gone")));
    assert_ne!(one, error_of(&outcome(RowState::Failed, "taken")));
}

fn versioned() -> Cast {
    let mut cast = Cast::default();
    cast.spec.update.if_match = Some("/version".into());
    cast
}

#[test]
fn an_unreadable_record_before_an_update_fails_its_row_only() {
    let gone = r#"{"error":{"code":"NotFound","message":"no such student"}}"#;
    let version = reply(200, r#"{"version":1}"#);
    let script = vec![reply(404, gone), version, reply(200, "")];
    let ended = deliver(&Scene::with(versioned(), script), vec![call(1), call(2)]);
    assert_eq!(ended.stop, None);
    let states = [RowState::Rejected, RowState::Updated];
    assert_eq!(ended.states(), states);
    let outcome = &ended.outcomes[0];
    assert_eq!(outcome.error_code, "http.404");
    assert_eq!(outcome.error(), "explained: no such student");
}

#[test]
fn a_record_without_a_version_is_updated_only_if_versions_are_optional() {
    for (is_optional, states, requests) in [
        (false, [RowState::Failed], 1),
        (true, [RowState::Updated], 2),
    ] {
        let mut cast = versioned();
        cast.spec.update.if_match_optional = is_optional;
        let script = vec![reply(200, "{}"), reply(200, "")];
        let ended = deliver(&Scene::with(cast, script), vec![call(1)]);
        assert_eq!(ended.states(), states);
        assert_eq!(ended.asked.len(), requests, "{:?}", ended.asked);
    }
}

#[test]
fn a_refused_version_is_not_resent() {
    let read = || reply(200, r#"{"version":1}"#);
    let script = vec![read(), reply(412, ""), read(), reply(412, "")];
    let ended = deliver(&Scene::with(versioned(), script), vec![call(1)]);
    assert_eq!(ended.states(), [RowState::Rejected]);
    assert_eq!(ended.outcomes[0].error_code, "http.412");
    assert_eq!(ended.asked.len(), 3, "{:?}", ended.asked);
}

#[test]
fn an_error_about_a_restricted_column_names_it_once() {
    let refused = r#"{"email":["Not integrated."]}"#;
    let mut cast = Cast::default();
    cast.spec.answers.message = String::new();
    cast.spec.answers.fields = Some(String::new());
    cast.spec.answers.code = String::new();
    let script = (0..20).map(|_| reply(400, refused)).collect();
    let scene = Scene::with(cast, script);
    let transport = scene.transport();
    let record = Kept::default();
    let sender = Sender {
        transport: &transport,
        record: &record,
        reread: None,
        explain: &|_, message| Problem::in_these_words(message),
        refused_column: &|fields| fields["email"].is_array().then(|| "Mejl".to_owned()),
        not_applied: &|_, _| None,
    };
    let (feed, receiver) = mpsc::channel(1);
    feed.try_send((1..=20).map(call).collect()).unwrap();
    drop(feed);
    let (_asks, asked) = watch::channel(StopRequest::None);
    let stop = sender.deliver(receiver, asked, false);
    let stop = scene.runtime.block_on(stop).unwrap();
    let Some(Stop::Failing { column, .. }) = stop else {
        panic!("{stop:?}");
    };
    assert_eq!(column.as_deref(), Some("Mejl"));
    let outcomes = record.outcomes.into_inner().unwrap();
    assert!(
        outcomes
            .iter()
            .all(|one| one.error_code == "answer.field_refused")
    );
}
