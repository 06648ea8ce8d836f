//! Requests, retries, pacing and verdicts, over real TCP with a scripted server.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rosterpatch::check::DuplicatePolicy;
use rosterpatch::clock::SystemClock;
use rosterpatch::model::{Code, Exit};
use rosterpatch::sandbox::{Sandbox, SandboxOptions};
use rosterpatch::send::{Stop, StopRequest};

use crate::harness::{
    CREDENTIALS, Folder, LibraryRun, Server, identity_number, plain_id, plain_roster, read_csv,
    respond, seed_of, serve_sandbox, stderr,
};

const RATE: [(&str, &str); 3] = [
    ("RateLimit-Limit", "1500"),
    ("RateLimit-Remaining", "0"),
    ("RateLimit-Reset", "1787252400000"),
];

#[test]
fn any_2xx_is_success_and_one_request() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(6));
    let server = Server::start(|seen| match seen.path.chars().last() {
        Some('1') => respond(200, &RATE, "{}"),
        Some('2') => respond(201, &[], r#"{"error":{"code":"Internal"}}"#),
        Some('3') => respond(202, &[("Retry-After", "120")], "later"),
        Some('4') => respond(204, &[], ""),
        Some('5') => respond(200, &[], ""),
        _ => respond(299, &[], "\u{0}garbage<"),
    });
    let run = LibraryRun::new();
    let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(ended.summary.states.updated, 6);
    assert_eq!(ended.summary.exit_code, Exit::Success);
    assert_eq!((server.seen().len(), ended.summary.requests), (6, 6));
    assert_eq!(ended.summary.retries, 0);
}

#[test]
fn rows_with_equal_bodies_are_sent_as_separate_requests() {
    let folder = Folder::new();
    // A target in which only the id must be unique.
    let target = std::fs::read_to_string(folder.path("plain.toml")).unwrap();
    let (head, fields) = target.split_once("pointer = \"/identityNumber\"").unwrap();
    let fields = fields.replacen("unique = true\n", "", 1);
    folder.write(
        "t.toml",
        format!("{head}pointer = \"/identityNumber\"{fields}"),
    );
    let number = identity_number(1);
    let mut text = "id,identity_number,first_name,last_name\n".to_owned();
    for row in 1..=3 {
        text.push_str(&format!("{},{number},Åsa,Ek\n", plain_id(row)));
    }
    folder.write("r.csv", text);
    let server = Server::start(|_| respond(200, &[], "{}"));
    let mut run = LibraryRun::new();
    run.target = Some(folder.path("t.toml").display().to_string());
    let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(ended.summary.states.updated, 3);
    let seen = server.seen();
    let paths: HashSet<&str> = seen.iter().map(|seen| seen.path.as_str()).collect();
    let bodies: HashSet<&str> = seen.iter().map(|seen| seen.body.as_str()).collect();
    assert_eq!((seen.len(), paths.len(), bodies.len()), (3, 3, 1));
}

#[test]
fn a_request_follows_the_apis_documentation() {
    let folder = Folder::new();
    let header = "Elev-ID;Personnummer;Förnamn;Efternamn;Elevnummer;Kön;Tillfälligt personnummer;Födelsedatum;Gatuadress;Postnummer;Postort;Land;Kommunkod;E-post;Mobil;EPPN\n";
    let row = format!(
        "{};100402-2388;Åsa;Ek;7;Flicka;Nej;20100402;Skolgatan 3;16956;Solna;Sverige;184;asa@example.se;070-174 06 05;<null>\n",
        plain_id(1).to_uppercase()
    );
    folder.write("r.csv", format!("{header}{row}"));
    let server = Server::start(|_| respond(200, &[], "{}"));
    let ended = LibraryRun::new()
        .import(&folder, "r.csv", &server.base_url)
        .unwrap();
    assert_eq!(ended.summary.states.updated, 1);
    let seen = &server.seen()[0];
    assert_eq!(seen.method, "PATCH");
    assert_eq!(seen.path, format!("/student/{}", plain_id(1)));
    assert_eq!(seen.headers["content-type"], "application/json");
    assert_eq!(seen.headers["client-id"], "sandbox");
    assert_eq!(seen.headers["client-secret"], "sandbox");
    assert_eq!(
        seen.body,
        r#"{"identityNumber":"20100402-2388","firstName":"Åsa","lastName":"Ek","external":{"sourceID":"7"},"gender":"Female","identityTemporary":false,"dateOfBirth":"2010-04-02","address":{"postalAddress":"Skolgatan 3","postalCode":"169 56","postalCity":"Solna","countryCode":"SWE","municipalityCode":"0184"},"emailAddress1":"asa@example.se","phoneNumber1":"+46701740605","eduPersonPrincipalName":null}"#
    );
}

#[test]
fn a_row_is_attempted_at_most_max_attempts_times() {
    for (attempts, status) in [(5, 503), (1, 503), (3, 500), (1, 429), (5, 429)] {
        let folder = Folder::new();
        folder.write("r.csv", plain_roster(4));
        let server = Server::start(move |_| respond(status, &[], "no"));
        let mut run = LibraryRun::new();
        run.sender.max_attempts = attempts;
        let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
        assert_eq!(ended.summary.states.failed, 4);
        assert_eq!(ended.summary.exit_code, Exit::RowsFailed);
        assert_eq!(
            server.seen().len(),
            4 * attempts as usize,
            "{attempts} of {status}"
        );
        assert_eq!(ended.summary.retries, 4 * u64::from(attempts - 1));
        let results = folder.csv("r.results.csv", b',');
        for row in &results[1..] {
            assert_eq!(row[10], attempts.to_string());
            assert_eq!(row[6], status.to_string());
        }
    }
}

#[test]
fn many_429_responses_are_waited_for() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(20));
    let server = Server::start(|seen| {
        if seen.before < 8 {
            respond(
                429,
                &[("Retry-After", "3600")],
                r#"{"error":{"code":"RateLimited","message":"slow down","requestID":"r"}}"#,
            )
        } else {
            respond(200, &[], "{}")
        }
    });
    let run = LibraryRun::new();
    let start = run.clock.now();
    let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(
        ended.summary.states.updated, 20,
        "waits that the API asks for cost no attempts"
    );
    assert_eq!(ended.summary.throttled, 160);
    assert!(run.clock.now() - start >= 8 * 3_600_000_000_000);
}

#[test]
fn requests_stay_within_the_quota() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(300));
    let run = LibraryRun {
        rate: "1500/h".parse().unwrap(),
        burst: 20,
        ..LibraryRun::new()
    };
    let clock = run.clock.clone();
    let moments: Arc<Mutex<Vec<u64>>> = Arc::default();
    let noted = moments.clone();
    // Every tenth request fails once, so that retries are paced too.
    let server = Server::start(move |seen| {
        noted.lock().unwrap().push(clock.now());
        let fails = seen.path.ends_with('7') && seen.before == 0;
        respond(if fails { 500 } else { 200 }, &[], "{}")
    });
    let start = run.clock.now();
    let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(ended.summary.states.updated, 300);
    let moments = moments.lock().unwrap();
    assert_eq!(moments.len(), 330);
    // In every interval: at most the burst, and one request per 2.4 seconds.
    for (index, first) in moments.iter().enumerate() {
        for (later, last) in moments.iter().enumerate().skip(index) {
            let allowed = 20.0 + 1.0 + (last - first) as f64 / 2.4e9;
            assert!((later - index + 1) as f64 <= allowed + 1e-6);
        }
    }
    // The run uses nearly all of the quota.
    let ideal = (330.0 - 20.0) * 2.4;
    let took = (run.clock.now() - start) as f64 / 1e9;
    assert!(
        took <= ideal * 1.02 + 31.0,
        "{took} s where {ideal} s would do"
    );
}

#[test]
fn rejections_are_reported_with_the_apis_message() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(4));
    let server = Server::start(|seen| {
        let (status, code) = match seen.path.chars().last() {
            Some('1') => (400, "BadRequest"),
            Some('2') => (404, "NotFound"),
            Some('3') => (409, "Conflict"),
            _ => (422, "UnprocessableEntity"),
        };
        let body = format!(
            r#"{{"error":{{"code":"{code}","message":"=no {status}","requestID":"req-{status}"}}}}"#
        );
        respond(status, &RATE, &body)
    });
    let ended = LibraryRun::new()
        .import(&folder, "r.csv", &server.base_url)
        .unwrap();
    assert_eq!(ended.summary.states.rejected, 4);
    assert_eq!(server.seen().len(), 4);
    let rows = folder.csv("r.failed.csv", b',');
    for (row, status) in rows[1..].iter().zip(["400", "404", "409", "422"]) {
        assert_eq!(row[5], "rejected");
        assert_eq!(row[6], status);
        assert_eq!(row[8], format!("'=no {status}"), "no spreadsheet runs it");
        assert_eq!(row[11], format!("req-{status}"));
    }
}

#[test]
fn wrong_credentials_make_one_request_and_exit_with_6() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(40));
    let clock = Arc::new(rosterpatch::clock::SystemClock);
    let sandbox = Arc::new(Sandbox::new(&SandboxOptions::default(), &[], clock));
    let (base_url, _stop) = serve_sandbox(sandbox.clone());
    let output = folder
        .program()
        .args([
            "import",
            "r.csv",
            "--target",
            "plain.toml",
            "--yes",
            "--base-url",
            &base_url,
        ])
        .env("MEITNER_CLIENT_CREDENTIALS", "sandbox")
        .env("MEITNER_CLIENT_SECRET", "hemligt-lösenord")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    assert!(stderr(&output).contains("refused the credentials"));
    assert!(!stderr(&output).contains("hemligt"));
    assert_eq!(sandbox.stats()["requests"]["update"], 1);
    let rows = folder.csv("r.results.csv", b',');
    assert!(rows[1..].iter().all(|row| row[5] == "not_sent"));

    let output = folder
        .program()
        .args([
            "import",
            "r.csv",
            "--target",
            "plain.toml",
            "--yes",
            "--base-url",
            &base_url,
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    assert!(stderr(&output).contains("MEITNER_CLIENT_SECRET"));
}

#[test]
fn credentials_refused_during_a_run_stop_it() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(100));
    let server = Server::start(|seen| {
        let number: usize = seen.path[seen.path.len() - 3..].parse().unwrap();
        respond(if number < 50 { 200 } else { 403 }, &[], "{}")
    });
    let ended = LibraryRun::new()
        .import(&folder, "r.csv", &server.base_url)
        .unwrap();
    assert!(matches!(
        ended.stop,
        Some(Stop::Refused { status: 403, .. })
    ));
    assert_eq!(ended.summary.exit_code, Exit::Refused);
    assert_eq!(ended.summary.states.updated, 49);
    assert_eq!(ended.summary.states.not_sent, 51);
    assert!(server.seen().len() <= 49 + 8);
}

#[test]
fn an_unreachable_api_exits_with_6() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(10));
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let ended = LibraryRun::new()
        .import(&folder, "r.csv", &format!("http://127.0.0.1:{port}"))
        .unwrap();
    let unreachable = Stop::Unreachable {
        address: format!("http://127.0.0.1:{port}"),
        why: Code::NetworkRefused.message(),
        cause: Code::NetworkRefused,
        was_reached: false,
    };
    assert_eq!(ended.stop, Some(unreachable));
    assert_eq!(ended.summary.exit_code, Exit::Refused);
    assert_eq!(ended.summary.states.not_sent, 10);
    assert_eq!(ended.summary.requests, 5, "one row, five attempts");
}

#[test]
fn a_redirect_is_not_followed() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(1));
    let elsewhere = Server::start(|_| respond(200, &[], "{}"));
    let target = elsewhere.base_url.clone();
    let server = Server::start(move |_| respond(307, &[("Location", &target)], ""));
    let ended = LibraryRun::new()
        .import(&folder, "r.csv", &server.base_url)
        .unwrap();
    assert_eq!(ended.summary.states.failed, 1);
    assert!(elsewhere.seen().is_empty(), "credentials went elsewhere");
}

#[test]
fn a_run_that_would_send_requires_yes() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(1));
    let server = Server::start(|_| respond(200, &[], "{}"));
    let output = folder
        .program()
        .args([
            "import",
            "r.csv",
            "--target",
            "plain.toml",
            "--base-url",
            &server.base_url,
        ])
        .envs(CREDENTIALS)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--yes"));
    assert!(server.seen().is_empty());
}

#[test]
fn only_the_selected_rows_are_sent() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(30));
    let server = Server::start(|_| respond(200, &[], "{}"));
    let mut run = LibraryRun::new();
    run.selection = "5-10,20".parse().unwrap();
    run.selection.limit = Some(4);
    let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(
        (ended.summary.states.updated, ended.summary.states.not_sent),
        (4, 26)
    );
    assert_eq!(ended.summary.exit_code, Exit::Success);
    let paths: HashSet<String> = server.seen().into_iter().map(|seen| seen.path).collect();
    let expected = (5..9)
        .map(|row| format!("/student/{}", plain_id(row)))
        .collect();
    assert_eq!(paths, expected);
}

#[test]
fn a_token_is_fetched_once_and_again_when_it_is_refused() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(40));
    // The server accepts the first token ten times.
    let server = Server::start(|seen| {
        if seen.path == "/oauth/token" {
            let body = format!(
                r#"{{"access_token":"t{}","token_type":"Bearer","expires_in":3600}}"#,
                seen.before
            );
            return respond(200, &[], &body);
        }
        let number: usize = seen.path[seen.path.len() - 3..].parse().unwrap();
        let first = seen.headers["authorization"] == "Bearer t0";
        respond(if first && number > 10 { 401 } else { 200 }, &[], "{}")
    });
    let output = folder
        .program()
        .args(["import", "r.csv", "--target", "plain.toml", "--yes"])
        .args(["--base-url", &format!("{}/directory/v1", server.base_url)])
        .env("MEITNER_CLIENT_ID", "sandbox")
        .env("MEITNER_CLIENT_SECRET", "sandbox")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let tokens: Vec<_> = server
        .seen()
        .into_iter()
        .filter(|seen| seen.path == "/oauth/token")
        .collect();
    assert_eq!(tokens.len(), 2, "one renewal for all who wait");
    assert_eq!(
        tokens[0].body,
        "grant_type=client_credentials&client_id=sandbox&client_secret=sandbox"
    );
}

#[test]
fn the_duplicates_option_selects_the_first_or_the_last_row() {
    let folder = Folder::new();
    let (id, number) = (plain_id(1), identity_number(1));
    let (other, third) = (plain_id(2), identity_number(2));
    folder.write(
        "r.csv",
        format!(
            "id,identity_number,first_name,last_name\n\
             {id},{number},First,Ek\n{id},{number},,Ek\n{id},{number},Last,Ek\n{other},{third},Bo,Ek\n"
        ),
    );
    for (policy, name, states) in [
        (
            DuplicatePolicy::First,
            "First",
            ["updated", "invalid", "not_sent", "updated"],
        ),
        (
            DuplicatePolicy::Last,
            "Last",
            ["not_sent", "invalid", "updated", "updated"],
        ),
    ] {
        let server = Server::start(|_| respond(200, &[], "{}"));
        let mut run = LibraryRun::new();
        run.duplicates = policy;
        let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
        let seen = server.seen();
        assert_eq!(seen.len(), 2);
        assert!(seen.iter().any(|seen| seen.body.contains(name)), "{seen:?}");
        let results = read_csv(ended.summary.results.as_ref().unwrap(), b',');
        let found: Vec<&str> = results[1..].iter().map(|row| row[5].as_str()).collect();
        assert_eq!(found, states);
    }
}

#[test]
fn unwritable_output_paths_stop_the_run_before_sending() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(3));
    let server = Server::start(|_| respond(200, &[], "{}"));
    for (arguments, code) in [
        ("--results nowhere/x.csv", 1),
        ("--failed nowhere/x.csv", 1),
        ("--report nowhere/x.html", 1),
        ("--results .", 1),
        ("--results r.csv", 2),
        ("--results x.csv --failed x.csv", 2),
    ] {
        let output = folder.import_to(
            "r.csv",
            &server.base_url,
            &arguments.split(' ').collect::<Vec<_>>(),
            &[],
        );
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments}: {}",
            stderr(&output)
        );
    }
    assert!(server.seen().is_empty());
    assert_eq!(
        std::fs::read_to_string(folder.path("r.csv")).unwrap(),
        plain_roster(3)
    );
}

#[test]
fn plain_http_to_loopback_bypasses_the_proxy() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(3));
    let proxy = Server::start(|_| respond(200, &[], "{}"));
    let server = Server::start(|_| respond(200, &[], "{}"));
    let output = folder.import_to(
        "r.csv",
        &server.base_url,
        &[],
        &["HTTP_PROXY", "http_proxy", "ALL_PROXY"].map(|name| (name, proxy.base_url.as_str())),
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!((server.seen().len(), proxy.seen().len()), (3, 0));
}

#[test]
fn a_failed_token_request_stops_the_run() {
    for (status, code) in [(401, 6), (404, 6), (400, 6)] {
        let folder = Folder::new();
        folder.write("r.csv", plain_roster(5));
        let server = Server::start(move |_| respond(status, &[], "no"));
        let output = folder
            .program()
            .args(["import", "r.csv", "--target", "plain.toml", "--yes"])
            .args(["--base-url", &server.base_url])
            .env("MEITNER_CLIENT_ID", "sandbox")
            .env("MEITNER_CLIENT_SECRET", "wrong")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        let seen = server.seen();
        assert!(
            seen.iter().all(|seen| seen.path == "/oauth/token"),
            "nothing else was asked"
        );
        assert_eq!(seen.len(), 1);
        let rows = folder.csv("r.results.csv", b',');
        assert!(rows[1..].iter().all(|row| row[5] == "not_sent"));
    }
}

#[test]
fn a_stop_starts_no_request_and_loses_no_row() {
    let folder = Folder::new();
    // Two rows fail the checks and stay invalid despite the stop.
    folder.write("r.csv", format!("{}x,y,,\nz,,,\n", plain_roster(20)));
    let (ask, asked) = tokio::sync::watch::channel(StopRequest::None);
    let ask = Arc::new(ask);
    let asker = ask.clone();
    // The fifth request asks for a stop; every response would cause a retry.
    let count = Arc::new(Mutex::new(0));
    let server = Server::start(move |_| {
        let mut count = count.lock().unwrap();
        *count += 1;
        if *count == 5 {
            asker.send_replace(StopRequest::Finish);
        }
        respond(if *count < 3 { 200 } else { 500 }, &[], "")
    });
    let mut run = LibraryRun::new();
    run.sender.concurrency = 1;
    run.stop = Some(asked);
    // The grace period needs real time for the request in progress.
    run.clock = Arc::new(SystemClock);
    run.sender.backoff.most = Duration::from_millis(1);
    let ended = run.import(&folder, "r.csv", &server.base_url).unwrap();
    assert_eq!(ended.stop, Some(Stop::Asked));
    assert_eq!(ended.summary.exit_code, Exit::Interrupted);
    assert_eq!(server.seen().len(), 5);
    let states = ended.summary.states;
    assert_eq!(
        (states.updated, states.invalid, states.not_sent),
        (2, 2, 18)
    );
    assert_eq!(states.total(), 22);
}

#[test]
fn changing_the_roster_during_a_run_has_no_effect() {
    let folder = Folder::new();
    let path = folder.write("r.csv", plain_roster(5));
    let before = plain_roster(5);
    let server = Server::start(move |seen| {
        if seen.path.ends_with('1') {
            std::fs::write(&path, plain_roster(5).replace("Åsa", "Eva")).unwrap();
        }
        respond(200, &[], "{}")
    });
    let ended = LibraryRun::new()
        .import(&folder, "r.csv", &server.base_url)
        .unwrap();
    assert_eq!(ended.summary.states.updated, 5);
    let results = folder.csv("r.results.csv", b',');
    let expected: Vec<Vec<String>> = before
        .lines()
        .map(|l| l.split(',').map(String::from).collect())
        .collect();
    for (row, before) in results.iter().zip(&expected) {
        assert_eq!(&row[..4], before);
    }
}

#[test]
fn a_long_run_renews_its_tokens() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(150));
    let mut run = LibraryRun::new();
    run.ceiling = Some("60/h".parse().unwrap());
    run.burst = 1;
    // One request at a time, so that the clock does not advance during a request.
    run.sender.concurrency = 1;
    run.credentials = Some(vec!["MEITNER_CLIENT_ID", "MEITNER_CLIENT_SECRET"]);
    // The sandbox's tokens expire after an hour of the same clock.
    let sandbox = Arc::new(Sandbox::new(
        &SandboxOptions::default(),
        &seed_of(&plain_roster(150)),
        run.clock.clone(),
    ));
    let (base_url, _stop) = serve_sandbox(sandbox.clone());
    let ended = run.import(&folder, "r.csv", &base_url).unwrap();
    // Some ids are not in this sandbox, but every request was authorized.
    let states = ended.summary.states;
    assert_eq!(states.updated + states.rejected, 150, "{states:?}");
    let stats = sandbox.stats();
    assert_eq!(stats["requests"]["token"], 3);
    assert_eq!(
        stats["answers"]["401"],
        serde_json::Value::Null,
        "renewed before it was refused"
    );
}

#[test]
fn a_roster_is_imported_by_one_process_at_a_time() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(2));
    let second = Arc::new(Mutex::new(None));
    let found = second.clone();
    let again = Mutex::new(folder.command());
    // During the first request, another process imports the same file.
    let server = Server::start(move |seen| {
        if seen.path.ends_with('1') {
            let mut again = again.lock().unwrap();
            let output = again
                .args(["import", "./r.csv", "--target", "meitner", "--sandbox"])
                .output()
                .unwrap();
            *found.lock().unwrap() = Some((output.status.code(), stderr(&output)));
        }
        respond(200, &[], "{}")
    });
    let output = folder.import_to("r.csv", &server.base_url, &[], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let (code, text) = second.lock().unwrap().take().unwrap();
    assert_eq!(code, Some(7), "{text}");
    assert!(text.contains("r.csv"), "{text}");
}
