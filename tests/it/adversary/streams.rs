//! Endless inputs and idle pipes: they are refused, or a signal ends the wait.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::{
    CREDENTIALS, Folder, Server, Started, plain_roster, program_path, respond, signal, stderr,
    stdout, wait_until,
};

fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_process_substitution_is_read() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(3));
    let server = Server::start(|_| respond(200, &[], "{}"));
    let run = |script: &str| {
        folder
            .command_by("bash")
            .args(["-c", &script.replace("$P", "\"$P\"")])
            .env("P", program_path())
            .env("URL", &server.base_url)
            .envs(CREDENTIALS)
            .output()
            .unwrap()
    };
    let output = run("$P check <(cat r.csv) --target meitner --format json");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("\"rows\": 3"),
        "{}",
        stdout(&output)
    );
    // Input that arrives late, in pieces, or not at all.
    let output = run("$P check <(head -n 2 r.csv; sleep 0.3; tail -n 2 r.csv) --target meitner");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let output = run("$P check <(true) --target meitner");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("is empty"), "{}", stderr(&output));
    let output = run("mkfifo pipe; (sleep 0.3; cat r.csv > pipe) & \
         $P import pipe --yes --target plain.toml --base-url $URL --results out.csv --report o.html");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(folder.csv("out.csv", b',').len(), 4);
    let output = run("cat r.csv | $P check - --target meitner --config <(echo 'rate = \"5/s\"')");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn endless_inputs_and_irregular_files_are_refused() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(1));
    let refused = |arguments: &str, part: &str| {
        let output = folder.run(arguments);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{arguments}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(part),
            "{arguments}: {}",
            stderr(&output)
        );
    };
    refused("check /dev/zero --target meitner", "not a regular file");
    refused(
        "plan /dev/zero --target meitner --sandbox",
        "not a regular file",
    );
    refused(
        "import /dev/zero --target meitner --sandbox",
        "not a regular file",
    );
    refused("check . --target meitner", "it is a folder");
    refused(
        "import r.csv --yes --sandbox --target meitner --plan /dev/zero",
        "268435456",
    );
    refused("check r.csv --target /dev/zero", "4194304");
    refused("check r.csv --target meitner --config /dev/zero", "4194304");
}

#[test]
fn a_signal_ends_the_wait_for_a_pipe() {
    let folder = Folder::new();
    make_pipe(&folder.path("pipe"));
    let server = Server::start(|_| respond(200, &[], "{}"));
    for arguments in [
        &["check", "pipe"][..],
        &["plan", "pipe"],
        &["import", "pipe", "--yes"],
        &["plan", "-"],
    ] {
        let address = ["--base-url", &server.base_url];
        let child = folder
            .command()
            .args(arguments)
            .args(["--target", "plain.toml"])
            .args(address.into_iter().filter(|_| arguments[0] != "check"))
            .envs(CREDENTIALS)
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut child = Started(child);
        // The program waits once it has opened the pipe or its standard input.
        let fds = format!("/proc/{}/fd", child.id());
        let is_open = || {
            let links = std::fs::read_dir(&fds).into_iter().flatten().flatten();
            let mut links = links.filter_map(|link| std::fs::read_link(link.path()).ok());
            links.any(|link| link.ends_with("pipe")) || arguments[1] == "-"
        };
        if cfg!(target_os = "linux") {
            wait_until("it opens its input", is_open);
        }
        signal(child.id(), "TERM");
        let status = child.wait().unwrap();
        // `plan` may already handle signals and exit by itself.
        let expected = if arguments[0] == "plan" {
            [None, Some(5)]
        } else {
            [None; 2]
        };
        assert!(expected.contains(&status.code()), "{arguments:?}: {status}");
    }
}
