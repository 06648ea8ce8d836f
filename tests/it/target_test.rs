//! `targets test`: how a target file understands its API, and how each reading command reports a refusal.

use std::process::Output;

use axum::body::Body;
use axum::http::Response;
use serde_json::{Value as Json, json};

use crate::harness::{
    CREDENTIALS, Folder, OF_SANDBOX, Seen, Server, identity_number, plain_id, plain_roster,
    respond, sandbox_holding, serve_sandbox_at, stderr, stdout,
};

/// Credentials for the OAuth sign-in.
const OF_OAUTH: [(&str, &str); 2] = [
    ("MEITNER_CLIENT_ID", "a"),
    ("MEITNER_CLIENT_SECRET", "the-secret"),
];

fn program(
    folder: &Folder,
    base_url: &str,
    environment: &[(&str, &str)],
    arguments: &[&str],
) -> Output {
    let mut command = folder.program();
    command.args(arguments).args(["--base-url", base_url]);
    command.envs(environment.iter().copied()).output().unwrap()
}

/// Returns the JSON output of `targets test`.
fn document(output: &Output) -> Json {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(output)))
}

fn field<'a>(document: &'a Json, name: &str) -> &'a Json {
    let fields = document["record"]["fields"].as_array().unwrap();
    fields.iter().find(|one| one["field"] == name).unwrap()
}

#[test]
fn targets_test_reads_only_one_record_and_one_page() {
    let folder = Folder::new();
    let roster = plain_roster(60);
    let (sandbox, base_url, _stop) = sandbox_holding(&roster, std::time::Duration::ZERO);
    let before = sandbox.students();
    let number = identity_number(7);
    let test = ["targets", "test", "meitner", "--key", &number];
    let output = program(&folder, &base_url, &OF_SANDBOX, &test);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = stdout(&output);
    for part in [
        "identity_number at /identityNumber",
        "/external/source: ",
        "total: 60 at /pagination/total",
        "next page: /student?limit=50&offset=50",
        "RateLimit-Limit: ",
        "Requests: 3 of at most 5",
    ] {
        assert!(told.contains(part), "{part} not in {told}");
    }
    let with_json = [&test[..], &["--format", "json"]].concat();
    let output = program(&folder, &base_url, &OF_SANDBOX, &with_json);
    let document = document(&output);
    assert_eq!(document["exit_code"], 0, "{document}");
    assert_eq!(document["requests"], 3);
    assert_eq!(document["list"]["records"], 50);
    let number_of = field(&document, "identity_number");
    assert_eq!(number_of["state"], "read");
    assert_eq!(number_of["value"], *number);
    assert_eq!(field(&document, "email_address2")["state"], "empty");
    // The sandbox counts the same requests, and the key can be any key field of the target.
    assert_eq!(sandbox.requests("update"), 0);
    let counts = sandbox.stats()["requests"].clone();
    let asked: u64 = counts
        .as_object()
        .unwrap()
        .values()
        .filter_map(Json::as_u64)
        .sum();
    assert_eq!(asked, 6, "{counts}");
    let id = plain_id(7);
    let output = program(
        &folder,
        &base_url,
        &OF_SANDBOX,
        &[
            "targets", "test", "meitner", "--key", &id, "--format", "json",
        ],
    );
    assert_eq!(self::document(&output)["key"], "id");
    assert_eq!(sandbox.students(), before);
    // A key without a record, and fields that are not keys.
    let absent = identity_number(900);
    for (arguments, exit, part) in [
        (
            vec!["--key", &absent],
            1,
            "no record has this identity_number",
        ),
        (vec!["--key", "x", "--by", "first_name"], 2, "not a key"),
    ] {
        let arguments = [&["targets", "test", "meitner"], &arguments[..]].concat();
        let output = program(&folder, &base_url, &OF_SANDBOX, &arguments);
        let told = format!("{}{}", stdout(&output), stderr(&output));
        assert_eq!(output.status.code(), Some(exit), "{told}");
        assert!(told.contains(part), "{part} not in {told}");
    }
    let none = [
        "targets",
        "test",
        "pathwright",
        "--key",
        "E-1",
        "--var",
        "school=x",
    ];
    let mut command = folder.program();
    let output = command.args(none).env("PATHWRIGHT_API_TOKEN", "a").output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("lookup"), "{}", stderr(&output));
}

#[test]
fn a_custom_target_can_be_tested_against_its_simulation() {
    let folder = Folder::new();
    let text = rosterpatch::targets::BUILT_IN[0].1;
    let text = text.replace("name = \"meitner\"", "name = \"own\"");
    folder.write("own.toml", &text);
    let sandbox = crate::any_target::playing(&text, &plain_roster(9));
    let (base_url, _stop) = serve_sandbox_at(sandbox, rosterpatch::sandbox::TARGET_PATH);
    let id = plain_id(2);
    let test = ["targets", "test", "own.toml", "--key", &id];
    for environment in [OF_SANDBOX, OF_OAUTH.map(|(name, _)| (name, "sandbox"))] {
        let output = program(&folder, &base_url, &environment, &test);
        let told = stdout(&output);
        assert_eq!(output.status.code(), Some(0), "{told}{}", stderr(&output));
        let is_oauth = environment[0].0 == OF_OAUTH[0].0;
        let made = format!("Requests: {} of at most 5", 3 + u8::from(is_oauth));
        assert!(told.contains(&made), "{told}");
    }
}

/// Returns a student whose members do not match the target.
fn odd_student() -> Json {
    json!({
        "id": "0be85103-97b1-435f-af10-712babf0d299",
        "identityNumber": identity_number(1),
        "firstName": "Åsa\u{1b}[2J",
        "lastName": null,
        "gender": "Unknown",
        "dateOfBirth": "2 april",
        "identityTemporary": "true",
        "emailAddress1": 7,
        "phoneNumber1": ["070"],
        "address": {"postalCode": "16956", "box": 3},
        "extra": {"a/b": [1]},
    })
}

#[test]
fn misunderstood_responses_are_shown() {
    let folder = Folder::new();
    let server = Server::start(|seen| {
        let body = match (&*seen.method, seen.path.contains("_search")) {
            ("GET", _) if !seen.path.contains('?') => odd_student(),
            _ => json!({"data": [odd_student()], "pagination": {"total": 1}}),
        };
        let headers = [
            ("RateLimit-Limit", "lots"),
            ("RateLimit-Remaining", "12"),
            ("X-Quota-Day", "900"),
        ];
        respond(200, &headers, &body.to_string())
    });
    let number = identity_number(1);
    let test = ["targets", "test", "meitner", "--key", &number];
    let with_json = [&test[..], &["--format", "json"]].concat();
    let output = program(&folder, &server.base_url, &CREDENTIALS, &with_json);
    let document = document(&output);
    assert_eq!(output.status.code(), Some(3), "{document}");
    for (name, state, compared) in [
        ("identity_number", "read", json!(identity_number(1))),
        ("postal_code", "read", json!("169 56")),
        ("identity_temporary", "read", json!(true)),
        ("last_name", "empty", Json::Null),
        ("postal_city", "absent", Json::Null),
        ("gender", "unreadable", Json::Null),
        ("date_of_birth", "unreadable", Json::Null),
        ("email_address1", "unreadable", Json::Null),
        ("phone_number1", "unreadable", Json::Null),
    ] {
        let found = field(&document, name);
        assert_eq!(found["state"], state, "{found}");
        assert_eq!(found["compared"], compared, "{found}");
        assert_eq!(found["error"].is_string(), state == "unreadable", "{found}");
    }
    let unnamed = json!([["/address/box", 3], ["/extra/a~1b", [1]]]);
    assert_eq!(document["record"]["unnamed"], unnamed, "{document}");
    assert_eq!(
        document["list"]["total_is_doubtful"], false,
        "it is trusted"
    );
    let means = |name: &str| {
        let quota = document["quota"].as_array().unwrap();
        quota.iter().find(|one| one["name"] == name).unwrap()["means"][0].clone()
    };
    assert_eq!(means("RateLimit-Remaining"), "remaining: 12");
    assert_eq!(means("RateLimit-Limit"), "cannot be read: ignored");
    assert_eq!(means("x-quota-day"), "not named in quota.headers");
    // The text output has no control characters from the API, and the log has none of the API's text.
    let output = program(&folder, &server.base_url, &CREDENTIALS, &test);
    let told = stdout(&output);
    assert!(
        told.contains("RateLimit-Reset: not in the responses"),
        "{told}"
    );
    assert!(!told.contains("\u{1b}[2J"), "{told}");
    for more in [["-v", "-v"], ["--log-format", "json"]] {
        let output = program(
            &folder,
            &server.base_url,
            &CREDENTIALS,
            &[&test[..], &more].concat(),
        );
        let logged = stderr(&output);
        for part in ["Åsa", &*number, "2 april", "16956"] {
            assert!(!logged.contains(part), "{part} in {logged}");
        }
    }
}

#[test]
fn targets_test_makes_at_most_five_requests() {
    let page = |seen: &Seen| {
        let body = match &*seen.path {
            path if path.ends_with("/oauth/token") => {
                json!({"access_token": "t", "expires_in": 1})
            }
            path if path.contains('?') => {
                json!({"data": [odd_student()], "pagination": {"total": 99}})
            }
            _ => odd_student(),
        };
        respond(200, &[], &body.to_string())
    };
    let redirect = |_: &Seen| respond(307, &[("Location", "/elsewhere")], "");
    let busy = |_: &Seen| respond(503, &[("Retry-After", "0")], "{}");
    let slow = |_: &Seen| respond(429, &[("Retry-After", "0")], "{}");
    let expired = |seen: &Seen| match seen.path.ends_with("/oauth/token") {
        true => respond(200, &[], r#"{"access_token":"t","expires_in":3600}"#),
        false => respond(401, &[], "{}"),
    };
    type Answer = fn(&Seen) -> Response<Body>;
    let answers: [(&str, Answer); 5] = [
        ("tokens that last a second", page),
        ("redirects", redirect),
        ("503", busy),
        ("429", slow),
        ("refused tokens", expired),
    ];
    for (name, answer) in answers {
        for environment in [CREDENTIALS, OF_OAUTH] {
            let folder = Folder::new();
            let server = Server::start(answer);
            let test = ["targets", "test", "meitner", "--key", "201004022384"];
            let with_json = [&test[..], &["--format", "json"]].concat();
            let output = program(&folder, &server.base_url, &environment, &with_json);
            let document = document(&output);
            let made = server.seen().len();
            assert!((1..=5).contains(&made), "{name}: {made}");
            assert_eq!(document["requests"], made, "{name}: {document}");
        }
    }
}

/// How a server refuses, and the part of its message that is shown.
struct Refusing {
    name: &'static str,
    environment: [(&'static str, &'static str); 2],
    answer: fn(&Seen) -> Response<Body>,
    words: &'static str,
    /// The exit code of `doctor` and `targets test`; a run exits with 6.
    exit: i32,
}

const REFUSING: [Refusing; 6] = [
    Refusing {
        name: "OAuth",
        environment: OF_OAUTH,
        answer: |_| {
            let body = json!({
                "error": "invalid_client",
                "error_description": "The client the-secret has expired",
            });
            respond(400, &[], &body.to_string())
        },
        words: "has expired",
        exit: 6,
    },
    Refusing {
        name: "401",
        environment: CREDENTIALS,
        answer: |_| respond(401, &[], r#"{"error":{"message":"Unknown client"}}"#),
        words: "Unknown client",
        exit: 6,
    },
    Refusing {
        name: "403",
        environment: CREDENTIALS,
        answer: |_| respond(403, &[], r#"{"message":"Scope students is missing"}"#),
        words: "Scope students is missing",
        exit: 6,
    },
    Refusing {
        name: "404",
        environment: CREDENTIALS,
        answer: |_| respond(404, &[], r#"{"detail":"Module directory is off"}"#),
        words: "Module directory is off",
        exit: 6,
    },
    Refusing {
        name: "HTML",
        environment: CREDENTIALS,
        answer: |_| {
            let page = "<html><title>Sign in to the school network</title></html>";
            respond(200, &[("Content-Type", "text/html")], page)
        },
        words: "Sign in to the school network",
        exit: 1,
    },
    Refusing {
        name: "HTML with a status",
        environment: CREDENTIALS,
        answer: |_| respond(403, &[], "<html><h1>Blocked by the firewall</h1></html>"),
        words: "Blocked by the firewall",
        exit: 6,
    },
];

#[test]
fn a_servers_refusal_is_shown_by_reading_commands_and_not_logged() {
    for refusing in &REFUSING {
        let server = Server::start(refusing.answer);
        let folder = Folder::new();
        folder.write("r.csv", plain_roster(3));
        let commands: [&[&str]; 4] = [
            &["import", "r.csv", "--target", "meitner", "--yes", "--fresh"],
            &["plan", "r.csv", "--target", "meitner"],
            &["doctor", "--target", "meitner"],
            &["targets", "test", "meitner", "--key", "201004022384"],
        ];
        for command in commands {
            let name = format!("{}, {}", refusing.name, command[0]);
            let run = |more: &[&str]| {
                let arguments = [command, more].concat();
                program(&folder, &server.base_url, &refusing.environment, &arguments)
            };
            let output = run(&[]);
            let told = format!("{}{}", stdout(&output), stderr(&output));
            let is_run = matches!(command[0], "import" | "plan");
            let exit = if is_run { 6 } else { refusing.exit };
            assert_eq!(output.status.code(), Some(exit), "{name}: {told}");
            assert!(told.contains(refusing.words), "{name}: {told}");
            assert!(!told.contains("the-secret"), "{name}: {told}");
            let logged = stderr(&run(&["--log-format", "json", "-v"]));
            assert!(!logged.contains(refusing.words), "{name}: {logged}");
        }
    }
}
