//! Secrets are normalized and never shown.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use rosterpatch::send::Credentials;
use rosterpatch::targets;

use crate::harness::{Folder, Server, plain_roster, respond, stderr, stdout};

#[test]
fn white_space_around_a_secret_is_ignored() {
    let spec = targets::load("meitner").unwrap();
    let identity = |value: &str| {
        let value = value.to_owned();
        let found = Credentials::find(&spec, |_| Some(OsString::from(&value)));
        found.unwrap().identity()
    };
    let plain = identity("abc");
    for around in [
        "abc ",
        " abc",
        "abc\t",
        "abc\n",
        "abc\r\n",
        "\u{FEFF}abc",
        "abc\u{a0}",
    ] {
        assert_eq!(identity(around), plain, "{around:?}");
    }

    let folder = Folder::new();
    folder.write("r.csv", plain_roster(1));
    folder.write("secret", "\u{FEFF} abc \r\n\n");
    let server = Server::start(|_| respond(200, &[], "{}"));
    let output = folder
        .program()
        .args(["import", "r.csv", "--yes", "--target", "plain.toml"])
        .args(["--base-url", &server.base_url])
        .env("MEITNER_CLIENT_CREDENTIALS", "id\t\n")
        .env("MEITNER_CLIENT_SECRET_FILE", folder.path("secret"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let headers = &server.seen()[0].headers;
    assert_eq!(headers["client-id"], "id");
    assert_eq!(headers["client-secret"], "abc");
}

#[test]
fn an_invalid_secret_is_reported_by_variable_and_not_shown() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(1));
    for (value, part) in [
        (b" \t".to_vec(), "only white space"),
        (b"hunter2 hunter3".to_vec(), "white space"),
        (b"hunter2\thunter3".to_vec(), "white space"),
        (b"hunter2\nhunter3".to_vec(), "white space"),
        (b"hunter2\x1bhunter3".to_vec(), "control character"),
        (b"hunter2\xff".to_vec(), "control character"),
        ("hunter2\u{a0}hunter3".into(), "white space"),
    ] {
        for (in_file, format) in [
            (false, "text"),
            (false, "json"),
            (true, "text"),
            (true, "json"),
        ] {
            let file = folder.write("secret", &value);
            let mut program = folder.program();
            program
                .args(["import", "r.csv", "--yes", "--target", "plain.toml"])
                .args(["--base-url", "http://127.0.0.1:1", "--log-format", format])
                .env("MEITNER_CLIENT_CREDENTIALS", "id");
            let variable = match in_file {
                true => program.env("MEITNER_CLIENT_SECRET_FILE", file),
                false => program.env("MEITNER_CLIENT_SECRET", OsString::from_vec(value.clone())),
            };
            let output = variable.output().unwrap();
            let told = stderr(&output);
            assert_eq!(output.status.code(), Some(6), "{value:?}: {told}");
            assert!(told.contains("MEITNER_CLIENT_SECRET"), "{told}");
            assert!(
                in_file && value.contains(&0xff) || format == "json" || told.contains(part),
                "{told}"
            );
            assert!(!told.contains("hunter"), "{told}");
        }
    }
    // An empty file is not a valid secret; an empty variable counts as unset.
    let empty = folder.write("secret", "\n");
    let output = folder
        .program()
        .args(["import", "r.csv", "--yes", "--target", "plain.toml"])
        .env("MEITNER_CLIENT_CREDENTIALS", "id")
        .env("MEITNER_CLIENT_SECRET", "")
        .env("MEITNER_CLIENT_SECRET_FILE", empty)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(6));
    assert!(
        stderr(&output).contains("only white space"),
        "{}",
        stderr(&output)
    );
}

/// Journal addresses that contain a password and cannot be used.
const UNUSABLE: [&str; 12] = [
    "mysql://u:hunter2@h/db",
    "MYSQL://u:hunter2@h/db",
    "postgresql+ssl://u:hunter2@h/db",
    "jdbc:postgresql://h/db?user=u&password=hunter2",
    "host=h password=hunter2",
    "password = 'hunter2' host=h",
    "PASSWORD=hunter2",
    "postgres:u:hunter2@h/db",
    "u:hunter2@h/db",
    "postgres://u:x@hunter2@h/db",
    "postgres://u:hunter2",
    "postgres://h/db?password=x@hunter2",
];

#[test]
fn the_journal_databases_password_is_never_shown() {
    let folder = Folder::new();
    let before = folder.path("").read_dir().unwrap().count();
    let commands = ["runs", "config", "doctor", "resume"];
    for (state, command) in UNUSABLE
        .iter()
        .flat_map(|state| commands.map(|command| (state, command)))
    {
        for format in ["text", "json"] {
            for language in ["en", "sv"] {
                for by_option in [true, false] {
                    let mut program = folder.program();
                    program.args([command, "--log-format", format, "--lang", language]);
                    match by_option {
                        true => program.args(["--state", state]),
                        false => program.env("ROSTERPATCH_STATE", state),
                    };
                    let output = program.output().unwrap();
                    let told = format!("{}{}", stderr(&output), stdout(&output));
                    let code = output.status.code();
                    assert!(matches!(code, Some(1 | 2)), "{command} {state}: {told}");
                    assert!(!told.contains("hunter2"), "{command} {state}: {told}");
                    let is_told = told.contains("postgres://") || format == "json";
                    assert!(is_told, "{command} {state}: {told}");
                }
            }
        }
    }
    folder.write("rosterpatch.toml", "state = \"mysql://u:hunter2@h/db\"\n");
    let in_file = |text: &str| {
        folder.write("rosterpatch.toml", text);
        let mut program = folder.program();
        let output = program
            .env_remove("ROSTERPATCH_STATE")
            .arg("config")
            .output();
        output.unwrap()
    };
    for text in [
        "state = \"mysql://u:hunter2@h/db\"\n",
        "stat = \"postgres://u:hunter2@h/db\"\n",
        "rate = \"postgres://u:hunter2@h/db\"\n",
        "stat = \"host=h password=hunter2\"\n",
        "base_url = \"https://u:hunter2@h\"\n",
    ] {
        let output = in_file(text);
        let told = format!("{}{}", stderr(&output), stdout(&output));
        assert!(
            matches!(output.status.code(), Some(1 | 2)),
            "{text}: {told}"
        );
        assert!(!told.contains("hunter2"), "{text}: {told}");
    }
    std::fs::remove_file(folder.path("rosterpatch.toml")).unwrap();
    assert_eq!(
        folder.path("").read_dir().unwrap().count(),
        before,
        "no folder was made"
    );
}

#[cfg(feature = "postgres")]
#[test]
fn an_address_is_shown_without_its_password() {
    let folder = Folder::new();
    for state in [
        "Postgres://anna:hunter2@127.0.0.1:1/rosters",
        "postgresql://anna:hunter2@127.0.0.1:1/rosters?sslmode=disable",
        "postgres://127.0.0.1:1/rosters?user=anna&password=hunter2",
    ] {
        let output = folder.run(&format!("config --state {state}"));
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let shown = "postgres://anna@127.0.0.1:1/rosters";
        assert!(stdout(&output).contains(shown), "{}", stdout(&output));
        assert!(!stdout(&output).contains("hunter2"), "{}", stdout(&output));
        for command in ["runs", "doctor"] {
            let output = folder.run(&format!("{command} --state {state}"));
            let told = format!("{}{}", stderr(&output), stdout(&output));
            assert_eq!(output.status.code(), Some(1), "{told}");
            assert!(told.contains(shown) && !told.contains("hunter2"), "{told}");
        }
    }
}

#[test]
fn no_error_shows_the_password_in_an_apis_address() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(1));
    for address in [
        "https://u:hunter2@api.example.se/v1",
        "https://api.example.se/v1?token=hunter2",
        "https://u:hun?ter2@api.example.se:x",
        "ftp://u:hunter2@api.example.se",
    ] {
        for arguments in ["config", "import r.csv --yes --target plain.toml"] {
            for language in ["en", "sv"] {
                let mut program = folder.program();
                program.args(arguments.split(' '));
                program.args(["--base-url", address, "--lang", language]);
                let output = program.envs(crate::harness::CREDENTIALS).output().unwrap();
                let told = format!("{}{}", stderr(&output), stdout(&output));
                assert!(!told.contains("hunter2"), "{address}: {told}");
                assert!(!told.contains("ter2@"), "{address}: {told}");
            }
        }
    }
}

#[test]
fn a_webhooks_redirect_is_not_followed() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(1));
    let elsewhere = Server::start(|_| respond(200, &[], "{}"));
    let api = Server::start(|_| respond(200, &[], "{}"));
    for status in [301, 302, 303, 307, 308] {
        let there = format!("{}/caught", elsewhere.base_url);
        let hook = Server::start(move |_| respond(status, &[("location", &there)], ""));
        let text = format!("[notify]\nurl = \"{}/hunter2\"\n", hook.base_url);
        folder.write("rosterpatch.toml", text);
        let output = folder.import_to("r.csv", &api.base_url, &["--all", "--fresh"], &[]);
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(0), "{told}");
        assert_eq!(hook.seen().len(), 1, "{status}");
        assert!(told.contains(&status.to_string()), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
    assert!(elsewhere.seen().is_empty(), "{:?}", elsewhere.seen());
}
