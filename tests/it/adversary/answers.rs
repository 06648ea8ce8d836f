//! Hostile and malformed responses, with the expected row state, log and exit code for each.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::harness::{
    Folder, RECORD, Server, identity_number, import_of, plain_id, plain_roster, respond, stderr,
};

const ID: &str = "client-id-73";
const SECRET: &str = "s3cr3t-of-the-school";

/// Runs the program with credentials that must never be shown.
fn run(folder: &Folder, arguments: &[&str], oauth: bool) -> Output {
    let id = if oauth {
        "MEITNER_CLIENT_ID"
    } else {
        "MEITNER_CLIENT_CREDENTIALS"
    };
    folder
        .program()
        .args(arguments)
        .env(id, ID)
        .env("MEITNER_CLIENT_SECRET", SECRET)
        .output()
        .unwrap()
}

/// Returns everything that a run wrote except its results and its roster, as text.
fn left_behind(folder: &Folder, output: &Output) -> String {
    let mut all = stderr(output);
    all.push_str(&String::from_utf8_lossy(&output.stdout));
    all.push_str(&std::fs::read_to_string(folder.path("r.report.html")).unwrap_or_default());
    all
}

#[test]
fn values_echoed_by_an_api_are_not_reported() {
    let number = identity_number(1);
    let words = format!("student Åsa Ekholm ({number}, asa@ek.se) sent {SECRET}");
    for (status, exit) in [(403, 6), (401, 6), (422, 3), (404, 3)] {
        for format in ["text", "json"] {
            let folder = Folder::new();
            folder.write("r.csv", plain_roster(1).replace(",Ek", ",Ekholm"));
            let body = json!({"error": {"code": number, "message": words, "requestID": SECRET}});
            let server = Server::start(move |_| respond(status, &[], &body.to_string()));
            let address = [
                "--base-url",
                &server.base_url,
                "--yes",
                "--log-format",
                format,
            ];
            let arguments = ["import", "r.csv", "--target", "plain.toml", "-v"];
            let output = run(&folder, &[&arguments[..], &address].concat(), false);
            assert_eq!(output.status.code(), Some(exit), "{}", stderr(&output));
            let told = left_behind(&folder, &output);
            for part in [SECRET, &number, "Ekholm", "asa@ek.se", "Åsa"] {
                assert!(!told.contains(part), "{part} after {status}: {told}");
            }
            // The results contain the API's message, but no secret.
            let results = std::fs::read_to_string(folder.path("r.results.csv")).unwrap();
            assert!(!results.contains(SECRET), "{results}");
            if exit == 3 {
                assert!(results.contains("student Åsa Ekholm"), "{results}");
            }
            let journal = std::fs::read(folder.path("state/journal.sqlite")).unwrap();
            let wal = std::fs::read(folder.path("state/journal.sqlite-wal")).unwrap_or_default();
            for bytes in [journal, wal] {
                assert!(!String::from_utf8_lossy(&bytes).contains(SECRET));
            }
        }
    }
}

#[test]
fn a_sign_in_response_that_echoes_the_request_leaks_no_secret() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(1));
    let server = Server::start(|seen| respond(400, &[], &format!("bad request: {}", seen.body)));
    let output = run(&folder, &import_of(&server.base_url), true);
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    let told = left_behind(&folder, &output);
    assert!(!told.contains(SECRET) && !told.contains(ID), "{told}");
}

#[test]
fn a_token_response_is_read_leniently_and_an_unusable_one_reported() {
    for (lifetime, works) in [("\"3600\"", true), ("3600.0", true), ("-1", false)] {
        let folder = Folder::new();
        folder.write("r.csv", plain_roster(2));
        let body = format!(r#"{{"access_token":"tok-{SECRET}","expires_in":{lifetime}}}"#);
        let server = Server::start(move |seen| match seen.path.as_str() {
            "/oauth/token" => respond(200, &[], &body),
            _ => respond(200, &[], RECORD),
        });
        let arguments = [
            "import",
            "r.csv",
            "--target",
            "plain.toml",
            "--yes",
            "--base-url",
        ];
        let output = run(
            &folder,
            &[&arguments[..], &[&server.base_url]].concat(),
            true,
        );
        let told = stderr(&output);
        if works {
            assert_eq!(output.status.code(), Some(0), "{told}");
            continue;
        }
        assert_eq!(output.status.code(), Some(6), "{told}");
        assert!(told.contains("expires_in is not greater than 0"), "{told}");
        assert_eq!(server.seen().len(), 1, "it is asked once");
    }
}

#[test]
fn a_rate_limited_token_endpoint_does_not_slow_the_api() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(20));
    let server = Server::start(|seen| match (seen.path.as_str(), seen.before) {
        ("/oauth/token", 0) => respond(429, &[("retry-after", "1")], "{}"),
        ("/oauth/token", _) => respond(200, &[], r#"{"access_token":"t"}"#),
        _ => respond(200, &[], RECORD),
    });
    // An empty bucket would allow one request every six seconds.
    let arguments = [
        "import",
        "r.csv",
        "--target",
        "plain.toml",
        "--yes",
        "--rate",
        "600/h",
    ];
    let before = std::time::Instant::now();
    let address = ["--burst", "30", "--base-url", &server.base_url];
    let output = run(&folder, &[&arguments[..], &address].concat(), true);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    // Twenty requests from an empty bucket would take two minutes.
    assert!(before.elapsed() < std::time::Duration::from_secs(60));
}

/// Serves a register of `students`, each with a note of `bytes`, in pages of fifty.
fn register(students: usize, bytes: usize, loops: bool) -> Server {
    Server::start(move |seen| {
        if seen.method == "PATCH" {
            return respond(200, &[], RECORD);
        }
        let offset = seen
            .path
            .rsplit("offset=")
            .next()
            .unwrap()
            .parse()
            .unwrap_or(0);
        let first = if loops { 0 } else { offset };
        let records: Vec<_> = (first..(first + 50).min(students))
            .map(|index| {
                json!({"id": plain_id(index + 1), "identityNumber": identity_number(index + 1),
                       "firstName": "Åsa", "lastName": "Ek", "note": "x".repeat(bytes)})
            })
            .collect();
        let body = json!({"data": records, "pagination": {"total": students}});
        respond(200, &[], &body.to_string())
    })
}

#[test]
fn pages_can_be_large_but_must_end() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(120));
    let import = |server: &Server| {
        let arguments = ["import", "r.csv", "--target", "meitner", "--yes", "--all"];
        let address = ["--rate", "1000/s", "--base-url", &server.base_url];
        run(&folder, &[&arguments[..], &address].concat(), false)
    };
    // Two and a half megabytes per page.
    let output = import(&register(120, 50_000, false));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));

    let looping = register(5000, 10, true);
    let output = import(&looping);
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    let seen = looping.seen();
    // The first page of each concurrent search.
    assert!(seen.len() <= 8, "{seen:?} {}", stderr(&output));

    let endless = register(120, 200_000, false);
    let output = import(&endless);
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    assert!(stderr(&output).contains("page_size"), "{}", stderr(&output));
}

/// Starts a server that writes these bytes to every connection and closes it.
fn raw(bytes: &'static [u8]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            let mut request = [0; 64 * 1024];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(bytes);
        }
    });
    (address, count)
}

#[test]
fn each_row_has_a_state_after_any_malformed_response() {
    let table: &[(&str, &[u8], &str, i32)] = &[
        ("nothing", b"", "failed", 6),
        ("no HTTP", b"\x00\x01\x02\xFF\r\n\r\n", "failed", 6),
        ("half a head", b"HTTP/1.1 200 OK\r\nContent-Le", "failed", 6),
        ("a head without end", b"HTTP/1.1 200 OK\r\nX: y\r\n", "failed", 6),
        ("no such status", b"HTTP/1.1 99999 Hm\r\n\r\n", "failed", 6),
        ("half a body", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", "updated", 0),
        ("a redirect", b"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n", "failed", 3),
        ("two lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "failed", 6),
        ("a huge length", b"HTTP/1.1 422 No\r\nContent-Length: 99999999999999\r\n\r\n{}", "rejected", 3),
        ("a bomb", b"HTTP/1.1 422 No\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b", "rejected", 3),
        ("a header of nonsense", b"HTTP/1.1 200 OK\r\nRateLimit-Remaining: -1e999\r\nRateLimit-Reset: NaN\r\nRetry-After: 99999999999999999999\r\nContent-Length: 0\r\n\r\n", "updated", 0),
    ];
    for (name, bytes, state, exit) in table {
        let folder = Folder::new();
        folder.write("r.csv", plain_roster(1));
        let (address, _) = raw(bytes);
        let arguments = ["import", "r.csv", "--target", "plain.toml", "--yes"];
        let more = ["--max-attempts", "1", "--base-url", &address];
        let output = run(&folder, &[&arguments[..], &more].concat(), false);
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(*exit), "{name}: {told}");
        assert!(!told.contains("panicked"), "{name}: {told}");
        let rows = folder.csv("r.results.csv", b',');
        assert_eq!(rows[1][5], *state, "{name}: {told}");
    }
}
