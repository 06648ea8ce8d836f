//! Signals and progress output of a running import.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::{Mutex, mpsc};

use crate::harness::{CREDENTIALS, Folder, Server, plain_roster, respond, signal, stderr, stdout};

#[cfg(unix)]
#[test]
fn a_signal_lets_the_request_in_progress_finish() {
    for name in ["INT", "TERM", "HUP"] {
        let folder = Folder::new();
        folder.write("r.csv", plain_roster(10));
        let (arrived, arrivals) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let released = Mutex::new(released);
        // The first request is answered when the test releases it.
        let server = Server::start(move |_| {
            arrived.send(()).unwrap();
            released.lock().unwrap().recv().unwrap();
            respond(200, &[], "{}")
        });
        let mut child = folder
            .command()
            .args(["import", "r.csv", "--target", "plain.toml", "--yes"])
            .args(["--base-url", &server.base_url])
            .envs(CREDENTIALS)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        arrivals.recv().unwrap();
        signal(child.id(), name);
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        assert!(
            lines.any(|line| line.unwrap().starts_with("stopping:")),
            "{name}"
        );
        release.send(()).unwrap();
        let rest: Vec<String> = lines.map(Result::unwrap).collect();
        assert_eq!(child.wait().unwrap().code(), Some(5), "{name}: {rest:?}");
        assert_eq!(server.seen().len(), 1, "{name}");
        let states: Vec<String> = folder.csv("r.results.csv", b',')[1..]
            .iter()
            .map(|row| row[5].clone())
            .collect();
        assert_eq!(states[0], "updated");
        assert!(states[1..].iter().all(|state| state == "not_sent"));
        assert_eq!(folder.csv("r.failed.csv", b',').len(), 10);
    }
}

#[test]
fn progress_has_the_chosen_format_and_is_never_on_stdout() {
    let folder = Folder::new();
    folder.sample("students-clean.csv");
    let import = "import students-clean.csv --target meitner --sandbox --format json --progress";
    let output = folder.run(&format!("{import} json"));
    let events: Vec<serde_json::Value> = stderr(&output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |kind: &str| events.iter().filter(|event| event["event"] == kind).count();
    assert_eq!(
        (of("reading"), of("planned"), of("started"), of("finished")),
        (1, 1, 1, 1)
    );
    let started = events
        .iter()
        .find(|event| event["event"] == "started")
        .unwrap();
    let settled = started["settled"]["unchanged"].as_u64().unwrap() as usize;
    assert!(settled > 0, "some hold already what the roster says");
    assert_eq!(of("row") + settled, 50);
    serde_json::from_str::<serde_json::Value>(&stdout(&output)).unwrap();
    assert_eq!(stderr(&folder.run(&format!("{import} none"))), "");
    assert_eq!(stderr(&folder.run(&format!("{import} plain --quiet"))), "");
    let plain = stderr(&folder.run(&format!("{import} plain")));
    let all = format!(
        "50 of 50 rows: {} updated, {settled} unchanged",
        50 - settled
    );
    assert!(plain.contains(&all), "{plain}");
}
