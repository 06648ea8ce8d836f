//! The sandbox over plain TCP, compared with the vendors' documentation.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rosterpatch::clock::SystemClock;
use rosterpatch::sandbox::{Sandbox, SandboxOptions, SeedRow};
use serde_json::{Value as Json, json};
use tokio::sync::oneshot;

use crate::harness::{identity_number, plain_id, serve_sandbox_at};

/// A sandbox with this many students and members, and a client for it.
struct Served {
    address: String,
    _stop: oneshot::Sender<()>,
}

/// A response: its status code, its headers in lower case, and its JSON body.
struct Answer {
    status: u16,
    headers: String,
    body: Json,
}

const SIGNED: &str = "Client-ID: sandbox\r\nClient-Secret: sandbox\r\n";
const TOKEN: &str = "Authorization: Token sandbox\r\n";

impl Served {
    fn with(records: usize, options: &SandboxOptions) -> Served {
        let rows: Vec<SeedRow> = (1..=records)
            .map(|row| {
                [
                    ("id", plain_id(row)),
                    ("identity_number", identity_number(row)),
                    ("first_name", "Åsa".into()),
                    ("last_name", format!("Ek{row}")),
                    ("external_id", format!("E-{row:03}")),
                ]
                .map(|(name, text)| (name.to_owned(), text))
                .into()
            })
            .collect();
        let sandbox = Arc::new(Sandbox::new(options, &rows, Arc::new(SystemClock)));
        let (address, stop) = serve_sandbox_at(sandbox, "");
        Served {
            address: address.trim_start_matches("http://").to_owned(),
            _stop: stop,
        }
    }

    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        Answer {
            status: head[9..12].parse().unwrap(),
            headers: head.to_lowercase(),
            body: serde_json::from_str(body).unwrap_or(Json::Null),
        }
    }
}

#[test]
fn students_are_read_listed_and_searched() {
    let served = Served::with(60, &SandboxOptions::default());
    let path = format!("/directory/v1/student/{}", plain_id(7));
    let one = served.ask("GET", &path, SIGNED, "");
    assert_eq!((one.status, &one.body["lastName"]), (200, &json!("Ek7")));
    for header in [
        "ratelimit-limit: 1500",
        "ratelimit-remaining: ",
        "ratelimit-reset: ",
    ] {
        assert!(
            one.headers.contains(header),
            "{header} not in {}",
            one.headers
        );
    }
    let page = served.ask("GET", "/directory/v1/student?offset=50", SIGNED, "");
    assert_eq!(
        page.body["pagination"],
        json!({"offset": 50, "limit": 50, "total": 60})
    );
    assert_eq!(page.body["data"].as_array().unwrap().len(), 10);
    let filter = json!({"filter": {"orCondition": false, "contains": {
        "identityNumber": [identity_number(3), identity_number(9), "20000101-0000"],
    }}});
    let path = "/directory/v1/student/_search?limit=50";
    let found = served.ask("POST", path, SIGNED, &filter.to_string());
    assert_eq!(found.body["pagination"]["total"], 2);
    let bad = served.ask("GET", "/directory/v1/student?limit=x", SIGNED, "");
    assert_eq!(
        (bad.status, &bad.body["error"]["code"]),
        (400, &json!("BadRequest"))
    );
}

#[test]
fn each_error_has_its_documented_shape() {
    let served = Served::with(3, &SandboxOptions::default());
    let student = |row| format!("/directory/v1/student/{}", plain_id(row));
    let body = |row: usize, first: &str| {
        json!({"identityNumber": identity_number(row), "firstName": first, "lastName": "Ek"})
            .to_string()
    };
    let read_only = "Client-ID: sandbox-readonly\r\nClient-Secret: sandbox\r\n";
    for (status, code, path, headers, body) in [
        (401, "Unauthorized", student(1), "", body(1, "Bo")),
        (
            401,
            "Unauthorized",
            student(1),
            "Authorization: Bearer x\r\n",
            body(1, "Bo"),
        ),
        (403, "Forbidden", student(1), read_only, body(1, "Bo")),
        (404, "NotFound", student(9), SIGNED, body(9, "Bo")),
        (409, "Conflict", student(1), SIGNED, body(2, "Bo")),
        (422, "UnprocessableEntity", student(1), SIGNED, body(1, " ")),
        (422, "UnprocessableEntity", student(1), SIGNED, "{}".into()),
        (400, "BadRequest", student(1), SIGNED, "not json".into()),
        (
            404,
            "NotFound",
            "/directory/v1/nothing".into(),
            SIGNED,
            String::new(),
        ),
    ] {
        let answer = served.ask("PATCH", &path, headers, &body);
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.body["error"]["code"], code);
        assert!(answer.body["error"]["requestID"].is_string());
        assert!(
            answer.headers.contains("ratelimit-remaining: "),
            "on every answer"
        );
    }
    let before = served.ask("GET", &student(1), SIGNED, "").body["meta"]["updatedAt"].clone();
    let changed = served.ask("PATCH", &student(1), SIGNED, &body(1, "Bo"));
    assert_eq!(
        (changed.status, &changed.body["firstName"]),
        (200, &json!("Bo"))
    );
    assert_ne!(changed.body["meta"]["updatedAt"], before);
}

#[test]
fn a_token_authorizes_requests_and_an_empty_bucket_rejects_them() {
    let options = SandboxOptions {
        depth: 2.0,
        interval: Duration::from_secs(3600),
        ..SandboxOptions::default()
    };
    let served = Served::with(3, &options);
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let ask = "grant_type=client_credentials&client_id=sandbox&client_secret=";
    let refused = served.ask("POST", "/oauth/token", form, &format!("{ask}x"));
    assert_eq!(refused.status, 401);
    let given = served.ask("POST", "/oauth/token", form, &format!("{ask}sandbox"));
    assert_eq!(
        (&given.body["token_type"], &given.body["expires_in"]),
        (&json!("Bearer"), &json!(3600))
    );
    let token = given.body["access_token"].as_str().unwrap();
    let signed = format!("Authorization: Bearer {token}\r\n");
    for expected in [200, 200, 429] {
        let answer = served.ask("GET", "/directory/v1/student", &signed, "");
        assert_eq!(answer.status, expected);
    }
    let stats = served.ask("GET", "/_sandbox/stats", "", "").body;
    assert_eq!(stats["answers"], json!({"200": 3, "401": 1, "429": 1}));
    let foreign = served.ask(
        "GET",
        "/_sandbox/stats",
        "Origin: https://example.se\r\n",
        "",
    );
    assert_eq!(foreign.status, 403, "no web page may ask");
}

#[test]
fn members_are_updated_and_their_links_are_paged() {
    let served = Served::with(150, &SandboxOptions::default());
    let first = served.ask("GET", "/api/public/link/", TOKEN, "");
    // Three of the 150 members are missing, as at the end of a term.
    assert_eq!(
        (&first.body["count"], &first.body["previous"]),
        (&json!(147), &Json::Null)
    );
    assert_eq!(first.body["results"].as_array().unwrap().len(), 100);
    let next = first.body["next"].as_str().unwrap();
    let path = &next[next.find("/api").unwrap()..];
    // The token as the user name, without a password.
    let basic = "Authorization: Basic c2FuZGJveDo=\r\n";
    let second = served.ask("GET", path, basic, "");
    assert_eq!(second.body["results"].as_array().unwrap().len(), 47);
    assert_eq!(second.body["next"], Json::Null);

    let member = "/api/public/member/external/E-001/";
    for method in ["PATCH", "PUT", "POST"] {
        let answer = served.ask(method, member, TOKEN, r#"{"first_name":"Bo"}"#);
        assert_eq!(
            (answer.status, &answer.body["first_name"]),
            (200, &json!("Bo"))
        );
    }
    for (status, path, headers, body, told) in [
        (401, member, "", "{}", json!({"detail": "Invalid token."})),
        (
            404,
            "/api/public/member/external/none/",
            TOKEN,
            "{}",
            json!({"detail": "Not found."}),
        ),
        (
            404,
            "/api/public/member/external/E-001",
            TOKEN,
            "{}",
            json!({"detail": "Not found."}),
        ),
        (
            400,
            member,
            TOKEN,
            r#"{"id":7,"first_name":""}"#,
            json!({"first_name": ["This field may not be blank."]}),
        ),
    ] {
        let answer = served.ask("PATCH", path, headers, body);
        assert_eq!((answer.status, answer.body), (status, told), "{path}");
    }
    assert_eq!(served.ask("DELETE", member, TOKEN, "").status, 405);
}
