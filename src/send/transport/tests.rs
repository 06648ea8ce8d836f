//! Tests of `send/transport`.

use super::*;
use crate::send::tests::{Cast, Reply, Scene, oauth, reply};

const WAIT: &[&str] = &["retry-after: 30"];

fn limited(status: u16) -> Reply {
    Reply::Answer(status, WAIT, "{}".into())
}

fn cast(max_attempts: u32) -> Cast {
    Cast {
        max_attempts,
        ..Cast::default()
    }
}

fn signed_in() -> Cast {
    Cast {
        credentials: oauth(),
        ..Cast::default()
    }
}

fn token() -> Reply {
    reply(200, r#"{"access_token":"a-token","expires_in":3600}"#)
}

/// Sends an update, and halts the run during attempt number `halt_at`. Returns the number of attempts
/// including `made_before`, the verdict, and whether the update may have been applied without a response.
fn send(scene: &Scene, made_before: u32, halt_at: Option<u32>) -> (u32, Option<Verdict>, bool) {
    let transport = scene.transport();
    let request = Request {
        method: reqwest::Method::PATCH,
        path: "/student/1",
        body: Some(b"{}"),
        if_match: None,
        row: Some(1),
        repeatable: true,
    };
    let (halt, mut halted) = watch::channel(false);
    let intend = async |attempt| {
        if Some(attempt) == halt_at {
            halt.send_replace(true);
        }
        Ok(())
    };
    let attempts = transport.attempt(&request, made_before, &mut halted, intend);
    let attempts = scene.runtime.block_on(attempts).unwrap();
    (attempts.made, attempts.verdict, attempts.doubtful)
}

#[test]
fn attempts_of_an_earlier_process_count_towards_the_maximum() {
    let scene = Scene::new(vec![reply(500, "{}"), reply(200, "")]);
    assert_eq!(send(&scene, 3, None), (5, Some(Verdict::Accept), false));
    let figures = (scene.stats.requests(), scene.stats.retries());
    assert_eq!(figures, (2, 1), "requests, and those made again");
    assert_eq!(scene.stats.lookups(), 0);

    let scene = Scene::with(
        cast(2),
        vec![reply(500, ""), reply(500, ""), reply(200, "")],
    );
    assert_eq!(send(&scene, 0, None), (2, Some(Verdict::Fail), false));
}

#[test]
fn only_a_wait_that_the_api_names_costs_no_attempt() {
    for status in [429, 503] {
        let script = vec![
            limited(status),
            limited(status),
            limited(status),
            reply(200, ""),
        ];
        let scene = Scene::with(cast(2), script);
        assert_eq!(send(&scene, 0, None), (4, Some(Verdict::Accept), false));
        let waited = scene.seconds();
        assert!((90.0..90.1).contains(&waited), "{status}: {waited}");
        let events = scene.events.0.lock().unwrap();
        let told: Vec<_> = events
            .iter()
            .map(|event| match event {
                RunEvent::Waiting { wait, status, .. } => (wait.as_secs(), *status),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(told, [(30, status); 3]);
    }
    for (status, headers) in [(500, WAIT), (429, &[][..]), (503, &[][..])] {
        let answer = || Reply::Answer(status, headers, String::new());
        let scene = Scene::with(cast(2), vec![answer(), answer(), reply(200, "")]);
        assert_eq!(send(&scene, 0, None).1, Some(Verdict::Fail), "{status}");
    }
    let scene = Scene::with(cast(1), vec![limited(429), reply(200, "")]);
    assert_eq!(send(&scene, 0, None), (1, Some(Verdict::Fail), false));
}

#[test]
fn endless_wait_requests_of_an_api_end_the_row() {
    let script = (0..30).map(|_| limited(429)).collect();
    let scene = Scene::with(cast(2), script);
    assert_eq!(send(&scene, 0, None), (22, Some(Verdict::Fail), false));
    assert_eq!(scene.stats.throttled(), 22);
}

#[test]
fn an_expired_token_is_renewed_once_without_costing_an_attempt() {
    let script = || {
        vec![
            token(),
            reply(401, "{}"),
            token(),
            reply(500, "{}"),
            reply(200, ""),
        ]
    };
    let two = Cast {
        max_attempts: 2,
        ..signed_in()
    };
    let scene = Scene::with(two, script());
    assert_eq!(send(&scene, 0, None), (3, Some(Verdict::Accept), false));
    assert!(scene.asked()[2].starts_with("POST /token "));

    let again = vec![token(), reply(401, "{}"), token(), reply(401, "{}")];
    let scene = Scene::with(signed_in(), again);
    assert_eq!(send(&scene, 0, None), (2, Some(Verdict::Stop), false));

    let one = Cast {
        max_attempts: 1,
        ..signed_in()
    };
    let scene = Scene::with(one, script());
    assert_eq!(send(&scene, 0, None), (1, Some(Verdict::Stop), false));

    let headers = Scene::new(vec![reply(401, "{}"), reply(200, "")]);
    assert_eq!(send(&headers, 0, None), (1, Some(Verdict::Stop), false));
}

#[test]
fn a_halted_run_awaits_its_request_and_starts_none() {
    let script = || vec![reply(500, ""), reply(200, "")];
    assert_eq!(send(&Scene::new(script()), 0, Some(1)), (1, None, false));
    let lost = vec![Reply::Lost, reply(200, "")];
    assert_eq!(send(&Scene::new(lost), 0, Some(1)), (1, None, true));
    // A request whose response was lost stays in doubt.
    let lost = vec![Reply::Lost, reply(500, ""), reply(200, "")];
    assert_eq!(send(&Scene::new(lost), 0, Some(2)), (2, None, true));

    let scene = Scene::new(script());
    let (halt, halted) = watch::channel(false);
    halt.send_replace(true);
    let transport = scene.transport();
    let fetched = transport.fetch("/student/1", None, &halted);
    let fetched = scene.runtime.block_on(fetched).unwrap();
    assert!(matches!(fetched, Fetched::Halted));
    assert!(!transport.has_sent());
}

#[test]
fn a_look_up_without_json_is_unanswered() {
    let html = || reply(200, "<html>");
    let scene = Scene::new(vec![html(), reply(200, r#"{"id":"1"}"#)]);
    let transport = scene.transport();
    let Fetched::Json(json) = scene.fetch(&transport) else {
        panic!("no JSON");
    };
    assert_eq!(json["id"], "1");
    assert_eq!((scene.stats.requests(), scene.stats.lookups()), (2, 2));
    assert!(transport.has_sent());

    let script = vec![reply(404, "<html>gone</html>"), html()];
    let scene = Scene::new(script);
    let Fetched::Stopped(stop) = scene.fetch(&scene.transport()) else {
        panic!("it was answered");
    };
    assert!(matches!(
        stop,
        Stop::LookUp {
            status: Some(404),
            ..
        }
    ));
    assert_eq!(scene.asked().len(), 1);

    // A persistent page stops the run with its text.
    let page = || reply(200, "<html>Sign in</html>");
    let scene = Scene::new((0..5).map(|_| page()).collect());
    let Fetched::Stopped(stop) = scene.fetch(&scene.transport()) else {
        panic!("it was answered");
    };
    assert!(stop.for_person().contains("Sign in"), "{stop:?}");

    // The response to an update may have any body.
    let scene = Scene::new(vec![reply(200, "<html>")]);
    assert_eq!(send(&scene, 0, None), (1, Some(Verdict::Accept), false));

    // A page from the token endpoint is no record.
    let scene = Scene::with(signed_in(), vec![reply(200, "{}"), html()]);
    let fetched = scene.fetch(&scene.transport());
    assert!(matches!(fetched, Fetched::Stopped(Stop::Refused { .. })));
}

#[test]
fn waiting_for_the_quota_is_limited_by_the_callers_patience() {
    let slow = Cast {
        rate: ("1500/h", 1),
        ..Cast::default()
    };
    let scene = Scene::with(slow, vec![reply(200, "{}"), reply(200, "{}")]);
    scene.pacer.set_patience(Some(Duration::from_secs(1)));
    let transport = scene.transport();
    assert!(matches!(scene.fetch(&transport), Fetched::Json(_)));
    assert_eq!(transport.due(), None);
    assert!(matches!(scene.fetch(&transport), Fetched::Halted));
    assert_eq!(transport.due(), Some(Duration::from_millis(2400)));
    assert_eq!(scene.asked().len(), 1);
}

#[test]
fn only_a_throttled_response_empties_the_bucket() {
    for (answer, left) in [
        (limited(429), 0.0..1.1),
        (reply(429, ""), 0.0..1.1),
        (limited(503), 999.0..1001.0),
        (reply(503, ""), 999.0..1001.0),
    ] {
        let scene = Scene::new(vec![answer, reply(200, "")]);
        assert_eq!(send(&scene, 0, None).1, Some(Verdict::Accept));
        let level = scene.pacer.level().0;
        assert!(left.contains(&level), "{level} of {left:?}");
    }
}

#[test]
fn rate_limit_headers_of_a_token_endpoint_do_not_apply_to_the_api() {
    let script = vec![limited(429), token(), reply(200, "")];
    let scene = Scene::with(signed_in(), script);
    assert_eq!(send(&scene, 0, None), (2, Some(Verdict::Accept), false));
    let waited = scene.seconds();
    assert!((30.0..30.1).contains(&waited), "{waited}");
    assert!(scene.pacer.level().0 > 990.0, "the API's own bucket");
    assert_eq!(scene.stats.throttled(), 0);
    assert!(scene.events.0.lock().unwrap().is_empty());

    let script = vec![reply(429, ""), token(), reply(200, "")];
    let scene = Scene::with(signed_in(), script);
    assert_eq!(send(&scene, 0, None), (2, Some(Verdict::Accept), false));
    assert!(scene.pacer.level().0 > 990.0, "the API's own bucket");
}

#[test]
fn a_limit_in_a_response_applies_immediately() {
    let headers: &[&str] = &["ratelimit-limit: 300", "ratelimit-remaining: 7"];
    let hourly = Cast {
        rate: ("1500/h", 1500),
        ..Cast::default()
    };
    let scene = Scene::with(hourly, vec![Reply::Answer(200, headers, "{}".into())]);
    scene.fetch(&scene.transport());
    let (rate, burst) = scene.pacer.quota();
    assert_eq!((rate.to_string(), burst), ("300/h".into(), 300));
    assert_eq!(scene.pacer.level().0, 7.0);
}

#[test]
fn concurrency_falls_with_failures_but_not_with_successful_retries() {
    let sixty = |statuses: [u16; 2]| {
        let script = (0..60).flat_map(|_| statuses.map(|status| reply(status, "{}")));
        let scene = Scene::with(cast(2), script.collect());
        let transport = scene.transport();
        assert_eq!(transport.room(), 8);
        for _ in 0..60 {
            scene.fetch(&transport);
        }
        (transport.room(), scene.seconds())
    };
    let (room, waited) = sixty([500, 500]);
    assert!(room < 8, "{room}");
    // Twenty retries of at most a second are saved. Afterwards, each waits for thirty.
    assert!((1200.0..1220.1).contains(&waited), "{waited}");
    let (room, waited) = sixty([500, 200]);
    assert_eq!(room, 8);
    assert!(waited <= 61.0, "{waited}");
    let (room, waited) = sixty([429, 429]);
    assert_eq!(room, 8, "it copes, and says when");
    assert!((400.0..700.0).contains(&waited), "{waited}");
}

#[test]
fn a_first_success_refunds_no_error() {
    let script = (0..40).flat_map(|_| [200, 200, 500, 500].map(|status| reply(status, "{}")));
    let scene = Scene::with(cast(2), script.collect());
    let transport = scene.transport();
    for _ in 0..120 {
        scene.fetch(&transport);
    }
    assert!(transport.room() < 8, "half of the answers are errors");
}

#[test]
fn the_latency_is_the_time_from_request_to_response() {
    let later = Duration::from_millis(1500);
    let scene = Scene::new(vec![Reply::After(later), reply(200, "{}")]);
    let transport = scene.transport();
    scene.fetch(&transport);
    assert_eq!(transport.latency(), 1.5);
}

#[test]
fn an_api_that_responded_counts_as_reached() {
    let scene = Scene::new(vec![reply(200, "{}")]);
    let transport = scene.transport();
    let reached = |stop: Stop| match stop {
        Stop::Unreachable {
            address,
            was_reached,
            ..
        } => (address, was_reached),
        other => panic!("{other:?}"),
    };
    let unreachable =
        || reached(transport.unreachable(Message::verbatim("why"), Code::NetworkLost));
    let address = format!("{}/v1", scene.base);
    assert_eq!(unreachable(), (address.clone(), false));
    scene.fetch(&transport);
    assert_eq!(unreachable(), (address, true));
}
