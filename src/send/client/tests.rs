//! Tests of `send/client`.

use super::*;
use crate::clock::VirtualClock;
use crate::send::body::BODY;
use crate::send::tests::{Cast, Reply, Scene, oauth, reply};
use crate::send::verdict::{Verdict, verdict};

fn call(scene: &Scene, row: Option<u64>) -> Result<(Answer, Vec<u8>), Fault> {
    let request = Request {
        method: reqwest::Method::POST,
        path: "/student/1",
        body: Some(b"{\"a\":1}"),
        if_match: None,
        row,
        repeatable: true,
    };
    let received = scene.runtime.block_on(scene.client.exchange(&request))?;
    Ok((received.answer, received.body))
}

fn one_record_a_page() -> Cast {
    let mut cast = Cast::default();
    cast.spec.lookup = None;
    cast
}

#[test]
fn a_request_is_signed_and_sent_below_the_base_address() {
    let scene = Scene::new(vec![reply(200, "{}")]);
    let (answer, body) = call(&scene, None).unwrap();
    assert_eq!((answer.status, body.as_slice()), (200, &b"{}"[..]));
    let request = scene.seen.lock().unwrap()[0].clone();
    assert!(request.starts_with("POST /v1/student/1 HTTP/1.1\r\n"));
    for part in [
        "client-id: MEITNER_CLIENT_CREDENTIALS\r\n",
        "client-secret: MEITNER_CLIENT_SECRET\r\n",
        "content-type: application/json\r\n",
        "\r\n\r\n{\"a\":1}",
    ] {
        assert!(request.contains(part), "{part}: {request}");
    }
}

fn client_at(base_url: &str) -> Client {
    let options = ClientOptions {
        base_url: base_url.into(),
        timeout: Duration::from_secs(1),
        ca_certificates: None,
    };
    let cast = Cast::default();
    let clock = Arc::new(VirtualClock::starting_at(jiff::Timestamp::UNIX_EPOCH));
    Client::new(Arc::new(cast.spec), cast.credentials, &options, clock).unwrap()
}

#[test]
fn the_url_of_a_path_equals_the_parsed_text_of_both() {
    let origin = "http://127.0.0.1:1";
    for prefix in ["", "/", "/v1", "/v1/"] {
        let base = format!("{origin}{prefix}");
        let client = client_at(&base);
        for path in [
            "",
            "/student/1",
            "/student/a%2Fb%3Fc%23d/",
            "//groups//people/7/",
            "/a/../b/./c",
            "/Åsa Ek\\x",
            "/student?filter=a&b=%2F",
            "/student#part",
        ] {
            let whole = format!("{}{path}", base.trim_end_matches('/'));
            let expected = Url::parse(&whole).unwrap();
            assert_eq!(client.url(path).unwrap(), expected, "{whole}");
        }
    }
}

#[test]
fn spellings_of_one_address_share_a_quota() {
    let of = |base_url: &str| {
        let client = client_at(base_url);
        [client.base(), client.origin(), client.address()].map(str::to_owned)
    };
    assert_eq!(
        of("http://127.0.0.1:8787/v1/"),
        [
            "http://127.0.0.1:8787/v1",
            "http://localhost:8787",
            "http://localhost:8787/v1"
        ]
    );
    assert!(bundled_roots().len() > 50);
}

#[test]
fn a_page_over_the_limit_fails_and_other_bodies_are_truncated() {
    for (status, length, row, read) in [
        (200, BODY, None, Ok(BODY)),
        (200, BODY + 1, None, Err(Fault::TooLarge)),
        (200, BODY + 1, Some(1), Ok(BODY)),
        (404, BODY + 1, None, Ok(BODY)),
    ] {
        let script = vec![reply(status, &" ".repeat(length))];
        let scene = Scene::with(one_record_a_page(), script);
        let came = call(&scene, row).map(|(answer, body)| {
            assert_eq!(answer.status, status);
            body.len()
        });
        match read {
            // A longer body is truncated.
            Ok(most) if length > BODY => assert!(came.unwrap() <= most),
            other => assert_eq!(came, other, "{status} {length}"),
        }
    }
}

#[test]
fn the_page_limit_follows_the_page_size_within_bounds() {
    for (records, kilobytes) in [
        (1, 1024),
        (16, 1024),
        (17, 1088),
        (4096, 262_144),
        (4097, 262_144),
    ] {
        let mut cast = Cast::default();
        cast.spec.lookup.as_mut().unwrap().page_size = Some(records);
        let scene = Scene::with(cast, Vec::new());
        assert_eq!(scene.client.largest_page, kilobytes * 1024, "{records}");
    }
    let scene = Scene::with(one_record_a_page(), Vec::new());
    assert_eq!(scene.client.largest_page, 1024 * 1024);
}

#[test]
fn a_lost_connection_and_a_failed_one_are_distinguished() {
    let scene = Scene::new(vec![Reply::Lost]);
    assert_eq!(call(&scene, Some(1)), Err(Fault::Lost));
    // The script has ended, and the server no longer listens.
    let refused = Err(Fault::Connect(Trouble::Refused));
    assert_eq!(call(&scene, Some(1)), refused);
}

#[test]
fn an_echoed_secret_is_masked() {
    let body =
        r#"{"error":{"message":"no client MEITNER_CLIENT_CREDENTIALS or MEITNER_CLIENT_SECRET"}}"#;
    let scene = Scene::new(vec![reply(400, body)]);
    let (answer, _) = call(&scene, Some(1)).unwrap();
    assert_eq!(answer.message, "no client … or …");
}

#[test]
fn a_token_is_requested_with_the_credentials_and_its_response_checked() {
    let cast = || Cast {
        credentials: oauth(),
        ..Cast::default()
    };
    let token = r#"{"access_token":"a-token"}"#;
    let scene = Scene::with(cast(), vec![reply(200, token), reply(400, "\"a-token\"")]);
    let (answer, _) = call(&scene, Some(1)).unwrap();
    assert_eq!(answer.message, "\"…\"", "the token is a secret too");
    let seen = scene.seen.lock().unwrap();
    assert!(seen[0].starts_with("POST /token "));
    assert!(
        seen[0]
            .ends_with("grant_type=client_credentials&client_id=the-id&client_secret=the-secret")
    );
    assert!(seen[1].contains("authorization: Bearer a-token\r\n"));

    for (script, status, told, meaning) in [
        (reply(400, "\"no\""), 400, "\"no\"", Verdict::Stop),
        (reply(503, "\"no\""), 503, "\"no\"", Verdict::Retry),
        (
            reply(200, "{}"),
            200,
            "access_token is missing",
            Verdict::Stop,
        ),
    ] {
        let scene = Scene::with(cast(), vec![script]);
        let (answer, _) = call(&scene, Some(1)).unwrap();
        assert_eq!(answer.status, status);
        assert!(answer.message.contains(told), "{}", answer.message);
        assert!(answer.of_sign_in);
        assert_eq!(verdict(&scene.spec, Ok(&answer), true, true), meaning);
        assert_eq!(scene.asked().len(), 1, "nothing was sent without a token");
    }
    let scene = Scene::with(cast(), vec![Reply::Lost]);
    assert!(matches!(call(&scene, Some(1)), Err(Fault::Connect(_))));
}

#[test]
fn a_probe_returns_the_response() {
    let scene = Scene::new(vec![reply(403, r#"{"error":{"code":"Forbidden"}}"#)]);
    let answer = scene.client.probe("/student/1", None);
    let (answer, _) = scene.runtime.block_on(answer).unwrap();
    assert_eq!((answer.status, answer.code.as_str()), (403, "Forbidden"));
    assert_eq!(scene.asked(), ["GET /v1/student/1 HTTP/1.1"]);
}
