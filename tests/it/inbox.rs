//! Unattended imports: folders that `sweep` and `watch` process.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use crate::harness::{
    CREDENTIALS, Folder, Server, Started, plain_roster, program_path, repository, respond, signal,
    stderr, stdout, wait_until,
};
use crate::machine::{has_command, is_root, skipped};

fn ok() -> Server {
    Server::start(|_| respond(200, &[], "{}"))
}

/// Returns a command that sweeps `inbox`, with these extra arguments.
fn sweep(folder: &Folder, server: &Server, arguments: &[&str]) -> Command {
    let mut command = folder.command();
    command
        .args(["sweep", "inbox", "--target", "plain.toml"])
        .args(["--base-url", &server.base_url])
        .args(arguments)
        .envs(CREDENTIALS)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(mut command: Command) -> Output {
    command.output().unwrap()
}

/// Returns the files below a folder as sorted relative paths, without an archive's index. The folder of the
/// date is shown as DATE.
fn files(folder: &Folder, below: &str) -> Vec<String> {
    fn collect(path: PathBuf, name: String, all: &mut Vec<String>) {
        for entry in std::fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            let own = entry.file_name().into_string().unwrap();
            let own = if own.len() == 10 && own.starts_with("20") && !own.contains('.') {
                "DATE".into()
            } else {
                own
            };
            let name = match name.is_empty() {
                true => own.clone(),
                false => format!("{name}/{own}"),
            };
            if cfg!(windows) && own == ".lock" {
                // Windows cannot lock a folder, so the lock file stays.
            } else if entry.path().is_dir() {
                collect(entry.path(), name, all);
            } else if entry.file_name() != ".rosterpatch" {
                all.push(name);
            }
        }
    }
    let mut all = Vec::new();
    collect(folder.path(below), String::new(), &mut all);
    all.sort();
    all
}

fn inbox() -> Folder {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("inbox")).unwrap();
    folder
}

#[test]
fn concurrent_sweeps_import_each_of_ten_files_once() {
    let folder = inbox();
    let server = ok();
    for number in 0..10 {
        // The files have disjoint students.
        let text = plain_roster(3).replace("-4000-8000-", &format!("-4000-8{number:03}-"));
        folder.write(&format!("inbox/klass-{number}.csv"), text);
    }
    let children: Vec<_> = (0..2)
        .map(|_| {
            sweep(&folder, &server, &["--settle", "0s"])
                .spawn()
                .unwrap()
        })
        .collect();
    let outputs: Vec<Output> = children
        .into_iter()
        .map(|child| child.wait_with_output().unwrap())
        .collect();
    for output in &outputs {
        assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    }
    // Every row was sent once, and each file is reported by exactly one sweep.
    assert_eq!(server.seen().len(), 30);
    let told: String = outputs.iter().map(stdout).collect();
    let lines: Vec<&str> = told
        .lines()
        .filter(|line| line.contains("requests in"))
        .collect();
    assert_eq!(lines.len(), 10, "{told}");
    let done = files(&folder, "inbox");
    assert_eq!(done.len(), 30, "{done:?}");
    assert!(done.contains(&"done/DATE/klass-7.csv".to_owned()));
    assert!(done.contains(&"done/DATE/klass-7.results.csv".to_owned()));
    assert!(done.contains(&"done/DATE/klass-7.report.html".to_owned()));
}

#[test]
fn files_are_archived_by_outcome_and_the_worst_exit_code_is_returned() {
    let folder = inbox();
    let server = Server::start(|seen| {
        if seen.path.ends_with("2") && seen.path.contains("-8666-") {
            return respond(409, &[], "{}");
        }
        respond(200, &[], "{}")
    });
    let of = |mark: &str| plain_roster(10).replace("-4000-8000-", &format!("-4000-{mark}-"));
    folder.write("inbox/a-good.csv", of("8555"));
    folder.write("inbox/b-some.csv", of("8666"));
    folder.write("inbox/c-held.csv", of("8777").replace("Ek", ""));
    folder.write("inbox/d-broken.csv", "what is this\nnothing\n");
    for name in [
        "x.csv.part",
        "~$x.xlsx",
        ".~lock.x.csv#",
        ".hidden.csv",
        "y.tmp",
    ] {
        folder.write(&format!("inbox/{name}"), "left alone");
    }
    let output = run(sweep(
        &folder,
        &server,
        &["--settle", "0s", "--format", "json"],
    ));
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let all = files(&folder, "inbox");
    for name in [
        "done/DATE/a-good.csv",
        "done/DATE/a-good.results.csv",
        "partial/DATE/b-some.csv",
        "partial/DATE/b-some.failed.csv",
        "held/c-held.csv",
        "held/c-held.results.csv",
        "failed/DATE/d-broken.csv",
        "failed/DATE/d-broken.error.txt",
        "x.csv.part",
        "~$x.xlsx",
        ".~lock.x.csv#",
        ".hidden.csv",
        "y.tmp",
    ] {
        assert!(all.contains(&name.to_owned()), "{name} not in {all:?}");
    }
    assert!(
        !all.iter().any(|name| name.starts_with("processing")),
        "{all:?}"
    );
    let mut summaries: Vec<serde_json::Value> = stdout(&output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    // The last object contains the counts of files.
    let fates = serde_json::json!({
        "done": 1, "duplicate": 0, "held": 1, "partial": 1, "failed": 1, "waiting": 0, "not_processed": 0,
    });
    let reasons = serde_json::json!({
        "no_profile": 0, "several_profiles": 0, "not_a_roster": 0, "unfinished_upload": 0, "not_utf8": 0,
        "not_a_file": 0, "other": 0,
    });
    let inbox = rosterpatch::run::absolute(&folder.path("inbox"));
    let closing = serde_json::json!({
        "inbox": inbox, "files": 4, "fates": fates, "reasons": reasons, "exit_code": 1,
    });
    assert_eq!(summaries.pop(), Some(closing));
    let failures: Vec<serde_json::Value> = summaries
        .extract_if(.., |object| object.get("error").is_some())
        .collect();
    assert_eq!(failures.len(), 1, "{failures:?}");
    let codes: Vec<u64> = summaries
        .iter()
        .map(|summary| summary["exit_code"].as_u64().unwrap())
        .collect();
    assert_eq!(codes, [0, 3, 4]);
    // The results file exists at the path in the summary.
    let results = summaries[1]["results"].as_str().unwrap();
    assert!(folder.path(results).exists(), "{results}");

    // The held file is approved and archived with the others.
    let name = summaries[2]["run"].as_str().unwrap();
    let output = folder
        .program()
        .args(["approve", name])
        .envs(CREDENTIALS)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let all = files(&folder, "inbox");
    assert!(
        all.contains(&"failed/DATE/c-held.csv".to_owned()),
        "{all:?}"
    );
    assert!(!all.iter().any(|name| name.starts_with("held")), "{all:?}");
}

#[test]
fn a_duplicate_file_is_reported() {
    let folder = inbox();
    let server = ok();
    folder.write("inbox/r.csv", plain_roster(2));
    run(sweep(&folder, &server, &["--settle", "0s"]));
    folder.write("inbox/other name.csv", plain_roster(2));
    let output = run(sweep(&folder, &server, &["--settle", "0s"]));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("a duplicate of"),
        "{}",
        stdout(&output)
    );
    assert_eq!(server.seen().len(), 2);
    assert!(files(&folder, "inbox").contains(&"done/DATE/other name.csv".to_owned()));
    folder.write("inbox/r.csv", plain_roster(2));
    // `--again` examines the file again; recent deliveries are still not resent.
    let output = run(sweep(
        &folder,
        &server,
        &["--settle", "0s", "--again", "--all"],
    ));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(server.seen().len(), 4);
    assert!(files(&folder, "inbox").contains(&"done/DATE/r-2.csv".to_owned()));
}

#[test]
fn a_file_is_imported_only_after_it_has_settled() {
    let folder = inbox();
    let server = ok();
    let path = folder.write("inbox/r.csv", plain_roster(2));
    folder.write(
        "inbox/whole.csv",
        plain_roster(3).replace("-8000-", "-8001-"),
    );
    let child = sweep(&folder, &server, &["--settle", "1s"])
        .spawn()
        .unwrap();
    // The file grows while it is watched.
    let writer = std::thread::spawn(move || {
        for row in 3..60 {
            std::thread::sleep(std::time::Duration::from_millis(50));
            let mut text = plain_roster(row);
            text.truncate(text.len() - 5);
            std::fs::write(&path, text).unwrap();
        }
        std::fs::write(&path, plain_roster(60)).unwrap();
    });
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let all = files(&folder, "inbox");
    assert!(all.contains(&"done/DATE/r.csv".to_owned()), "{all:?}");
    assert!(all.contains(&"done/DATE/whole.csv".to_owned()), "{all:?}");
    assert_eq!(server.seen().len(), 3 + 60);
    writer.join().unwrap();
    // A marker file declares the upload complete, which skips the wait.
    folder.write("inbox/r.csv", plain_roster(59));
    folder.write("inbox/r.csv.ready", "");
    let output = run(sweep(&folder, &server, &["--settle", "1h"]));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let all = files(&folder, "inbox");
    assert!(all.contains(&"done/DATE/r-2.csv".to_owned()), "{all:?}");
    assert!(!all.contains(&"r.csv.ready".to_owned()), "{all:?}");
}

#[test]
fn the_next_sweep_resumes_a_killed_one() {
    let folder = inbox();
    let killed = Arc::new(Mutex::new(false));
    let (flag, pid) = (killed.clone(), Arc::new(Mutex::new(0)));
    let victim = pid.clone();
    let server = Server::start(move |seen| {
        // The sweep is killed at the fifth student of the second file.
        if seen.path.ends_with("5") && seen.path.contains("-8002-") && seen.before == 0 {
            let mut flag = flag.lock().unwrap();
            if !*flag {
                *flag = true;
                signal(*victim.lock().unwrap(), "KILL");
            }
        }
        respond(200, &[], "{}")
    });
    for number in 1..=3 {
        let text = plain_roster(8).replace("-8000-", &format!("-800{number}-"));
        folder.write(&format!("inbox/{number}.csv"), text);
    }
    let child = {
        let mut pid = pid.lock().unwrap();
        let child = sweep(&folder, &server, &["--settle", "0s", "--concurrency", "1"])
            .spawn()
            .unwrap();
        *pid = child.id();
        child
    };
    let output = child.wait_with_output().unwrap();
    // On Windows, the killing process sets the exit code.
    assert!(cfg!(windows) || output.status.code().is_none(), "killed");
    let all = files(&folder, "inbox");
    assert!(all.contains(&"done/DATE/1.csv".to_owned()), "{all:?}");
    assert!(
        all.contains(&"processing/2.csv/2.csv".to_owned()),
        "{all:?}"
    );
    assert!(all.contains(&"3.csv".to_owned()), "{all:?}");

    let output = run(sweep(&folder, &server, &["--settle", "0s"]));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let all = files(&folder, "inbox");
    for number in 1..=3 {
        assert!(all.contains(&format!("done/DATE/{number}.csv")), "{all:?}");
    }
    // Only the request in progress was sent twice.
    assert_eq!(server.seen().len(), 25);
    let results = std::fs::read_to_string(
        std::fs::read_dir(folder.path("inbox/done"))
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path()
            .join("2.results.csv"),
    )
    .unwrap();
    assert_eq!(results.matches("updated").count(), 8, "{results}");
}

#[test]
fn a_file_that_matches_two_profiles_needs_an_explicit_profile() {
    let folder = inbox();
    let server = ok();
    let config = format!(
        "target = \"plain.toml\"\nbase_url = \"{}\"\n[profile.a]\nfiles = [\"*\"]\n[profile.b]\nfiles = [\"r*\"]\n",
        server.base_url
    );
    folder.write("rosterpatch.toml", config);
    folder.write("inbox/r.csv", plain_roster(1));
    let sweep = ["sweep", "inbox", "--settle", "0s"];
    let output = folder.send(&sweep);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("several profiles"),
        "{}",
        stderr(&output)
    );
    let output = folder.send(&[&sweep[..], &["--profile", "b"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn profiles_have_separate_credentials_and_notifications() {
    let folder = inbox();
    let server = ok();
    let told = Server::start(|_| respond(500, &[], "no"));
    folder.write(
        "rosterpatch.toml",
        format!(
            r#"
target = "plain.toml"
base_url = "{}"
metrics = "run.prom"

[notify]
url = "{}/hook/secret"
command = ["sh", "-c", "cat > told.json"]

[profile.solna]
files = ["elever-solna-*.csv"]
max_invalid = "100%"
credentials = {{ MEITNER_CLIENT_CREDENTIALS = "SOLNA_ID", MEITNER_CLIENT_SECRET = "SOLNA_SECRET" }}

[profile.nacka]
files = ["elever-nacka-*.csv", "nacka/*"]
credentials = {{ MEITNER_CLIENT_CREDENTIALS = "NACKA_ID", MEITNER_CLIENT_SECRET = "NACKA_SECRET" }}
"#,
            server.base_url, told.base_url
        ),
    );
    let bad = plain_roster(1) + "x,,,\n";
    folder.write("inbox/elever-solna-1.csv", bad);
    folder.write(
        "inbox/elever-nacka-1.csv",
        plain_roster(2).replace("-8000-", "-8001-"),
    );
    folder.write("secret.txt", "from-a-file\n");
    // A missing credential is reported by the name of the profile's variable.
    let without = folder.run("plan inbox/elever-solna-1.csv --profile solna --target meitner");
    assert!(
        stderr(&without).contains("SOLNA_ID + SOLNA_SECRET"),
        "{}",
        stderr(&without)
    );
    let output = folder
        .program()
        .args(["sweep", "inbox", "--settle", "0s", "--log-format", "json"])
        .env("SOLNA_ID", "solna")
        .env("SOLNA_SECRET", "s")
        .env("NACKA_ID", "nacka")
        .env("NACKA_SECRET_FILE", folder.path("secret.txt"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let mut ids: Vec<(String, String)> = server
        .seen()
        .iter()
        .map(|seen| {
            let header = |name: &str| seen.headers[name].to_str().unwrap().to_owned();
            (header("client-id"), header("client-secret"))
        })
        .collect();
    // Both files have the same modification time, so their order is undefined.
    ids.sort();
    let of = |id: &str, secret: &str| (id.to_owned(), secret.to_owned());
    assert_eq!(
        ids,
        [
            of("nacka", "from-a-file"),
            of("nacka", "from-a-file"),
            of("solna", "s")
        ]
    );
    // The webhook received both runs. Its failure is logged and does not affect the run.
    let hooks = told.seen();
    assert_eq!(hooks.len(), 2);
    let summary: serde_json::Value = serde_json::from_str(&hooks[1].body).unwrap();
    assert_eq!(summary["invalid"], 1);
    let told: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path("told.json")).unwrap()).unwrap();
    assert_eq!(told, summary);
    let metrics = std::fs::read_to_string(folder.path("run.prom")).unwrap();
    let inbox = rosterpatch::run::absolute(&folder.path("inbox"));
    let inbox = inbox.display();
    let labels =
        |profile: &str| format!("target=\"meitner\",profile=\"{profile}\",inbox=\"{inbox}\"");
    let (solna, nacka) = (labels("solna"), labels("nacka"));
    for line in [
        format!("rosterpatch_run_rows{{{nacka},state=\"updated\"}} 2\n"),
        format!("rosterpatch_files_total{{{nacka},exit_code=\"0\"}} 1\n"),
        format!("rosterpatch_files_total{{{solna},exit_code=\"3\"}} 1\n"),
    ] {
        assert!(metrics.contains(&line), "{line} not in {metrics}");
    }
    assert!(
        metrics.contains(&format!(
            "rosterpatch_run_rows{{{solna},state=\"updated\"}} 1\n"
        )),
        "{metrics}"
    );
    // Every log line is a JSON object with the file and the run.
    let log: Vec<serde_json::Value> = stderr(&output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect();
    let of = |message: &str| {
        let found = log.iter().filter(|line| line["message"] == message);
        found.collect::<Vec<_>>()
    };
    assert_eq!(of("finished").len(), 2);
    assert_eq!(of("finished")[1]["updated"], 1);
    let span = &of("finished")[0]["span"];
    assert!(
        span["file"]
            .as_str()
            .unwrap()
            .contains("elever-nacka-1.csv"),
        "{span}"
    );
    assert!(span["run"].as_str().unwrap().starts_with("20"), "{span}");
    assert_eq!(of("the webhook could not be notified of the run").len(), 2);
    assert!(!stderr(&output).contains("hook/secret"));
    assert!(log.len() < 20, "a handful of lines a run: {}", log.len());
}

#[test]
fn a_watch_imports_new_files_and_stops_cleanly() {
    let folder = inbox();
    let server = ok();
    let child = folder
        .command()
        .args([
            "watch",
            "inbox",
            "--target",
            "plain.toml",
            "--settle",
            "200ms",
        ])
        .args(["--interval", "500ms", "--base-url", &server.base_url])
        .args(["--format", "json"])
        .envs(CREDENTIALS)
        .stdout(std::fs::File::create(folder.path("watch.jsonl")).unwrap())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Started(child);
    let wait_for = |name: &str| {
        wait_until(name, || {
            files(&folder, "inbox").iter().any(|file| file == name)
        });
    };
    folder.write("inbox/broken.csv", "what is this\nnothing\n");
    wait_for("failed/DATE/broken.csv");
    // A failed file does not stop the watch.
    folder.write("inbox/good.csv", plain_roster(2));
    wait_for("done/DATE/good.csv");
    signal(child.id(), "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(server.seen().len(), 2);
    // Each pass that recorded an outcome ends with an object that counts the files.
    let told = std::fs::read_to_string(folder.path("watch.jsonl")).unwrap();
    let told: Vec<serde_json::Value> = told
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let closing: Vec<_> = told
        .iter()
        .filter(|line| line["fates"].is_object())
        .collect();
    let of = |fate: &str| {
        closing
            .iter()
            .filter(|line| line["fates"][fate] == 1)
            .count()
    };
    assert_eq!(
        (closing.len(), of("failed"), of("done")),
        (2, 1, 1),
        "{told:?}"
    );
    let codes: Vec<_> = closing
        .iter()
        .map(|line| line["exit_code"].as_u64())
        .collect();
    assert_eq!(codes, [Some(1), Some(0)]);
}

#[test]
fn a_watch_retries_refused_credentials_after_a_change_or_a_restart() {
    let folder = inbox();
    let server = Server::start(|seen| {
        let is_good = seen.headers["client-secret"] == "good";
        respond(if is_good { 200 } else { 401 }, &[], "{}")
    });
    let config = format!(
        "target = \"plain.toml\"\nbase_url = \"{}\"\n[profile.solna]\nfiles = [\"*\"]\n",
        server.base_url
    );
    let configure = |secret: &str| {
        let config = format!(
            "{config}credentials = {{ MEITNER_CLIENT_CREDENTIALS = \"SOLNA_ID\", MEITNER_CLIENT_SECRET = \"{secret}\" }}\n"
        );
        let whole = folder.write("new.toml", config);
        std::fs::rename(whole, folder.path("rosterpatch.toml")).unwrap();
    };
    configure("SOLNA_SECRET");
    folder.write("secret.txt", "bad");
    let start = |secret: &str| {
        let child = folder
            .command()
            .args(["watch", "inbox", "--settle", "300ms", "--interval", "200ms"])
            .env("SOLNA_ID", "solna")
            .env("SOLNA_SECRET_FILE", folder.path("secret.txt"))
            .env("OTHER_SECRET", secret)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Started(child.unwrap())
    };
    let tries = || server.seen().len();
    let is_done = |name: &str| {
        let name = format!("done/DATE/{name}");
        files(&folder, "inbox").contains(&name)
    };
    let mut watch = start("bad");
    folder.write("inbox/a.csv", plain_roster(1));
    wait_until("refused", || tries() == 1);
    folder.write("secret.txt", "good");
    wait_until("a changed credential file", || is_done("a.csv"));
    assert_eq!(tries(), 2);
    // The other variable is refused too. The config is read before the file has settled.
    configure("OTHER_SECRET");
    folder.write("inbox/b.csv", plain_roster(1).replace("-8000-", "-8001-"));
    wait_until("refused again", || tries() == 3);
    configure("SOLNA_SECRET");
    wait_until("a changed config", || is_done("b.csv"));
    assert_eq!(tries(), 4);
    // The environment of a process is fixed; the next process has the new one.
    configure("OTHER_SECRET");
    folder.write("inbox/c.csv", plain_roster(1).replace("-8000-", "-8002-"));
    wait_until("taken", || {
        files(&folder, "inbox").contains(&"processing/c.csv/c.csv".to_owned())
    });
    signal(watch.id(), "TERM");
    assert_eq!(watch.wait().unwrap().code(), Some(0));
    let mut watch = start("good");
    wait_until("restarted", || is_done("c.csv"));
    assert_eq!(tries(), 5);
    signal(watch.id(), "TERM");
    assert_eq!(watch.wait().unwrap().code(), Some(0));
}

#[test]
fn the_config_command_shows_each_setting_with_its_source() {
    let folder = Folder::new();
    folder.write(
        "rosterpatch.toml",
        "target = \"meitner\"\nshare = \"80%\"\n[notify]\nurl = \"https://hooks.example.se/T0/secret\"\n[profile.solna]\nenv = \"staging\"\n[profile.solna.credentials]\nMEITNER_CLIENT_SECRET = \"SOLNA_SECRET\"\n",
    );
    let output = folder
        .program()
        .args(["config", "--profile", "solna", "--rate", "100/h"])
        .env("SOLNA_SECRET", "hush")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    let words = |name: &str| -> Vec<String> {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(words("target"), ["target", "meitner", "rosterpatch.toml"]);
    assert_eq!(
        words("env"),
        ["env", "staging", "rosterpatch.toml,", "profile", "solna"]
    );
    assert_eq!(words("rate"), ["rate", "100/h", "command", "line"]);
    assert_eq!(words("timeout"), ["timeout", "45s", "default"]);
    assert_eq!(words("state").last().unwrap(), "ROSTERPATCH_STATE");
    assert_eq!(
        words("MEITNER_CLIENT_SECRET")[1..],
        ["********", "environment,", "SOLNA_SECRET"]
    );
    assert!(!text.contains("hush") && !text.contains("/T0/"), "{text}");
    // A config file error is reported with its line.
    folder.write(
        "rosterpatch.toml",
        "target = \"meitner\"\nsharre = \"80%\"\n",
    );
    let output = folder.run("config");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("--> rosterpatch.toml:2:"),
        "{}",
        stderr(&output)
    );
}

/// Returns the shell commands of the guide's setup steps, without those for systemd.
fn setup_steps() -> String {
    let text = std::fs::read_to_string(repository().join("docs/guide/unattended.md")).unwrap();
    let setup = text.split("### Setup").nth(1).unwrap();
    let setup = setup.split("| path | owner |").next().unwrap();
    let blocks = setup
        .split("```sh\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap());
    let blocks: Vec<&str> = blocks
        .filter(|block| !block.contains("systemctl") && !block.contains("doctor"))
        .collect();
    assert_eq!(blocks.len(), 4, "{blocks:?}");
    blocks.concat()
}

#[test]
fn the_nightly_sample_works_in_crons_environment() {
    if !is_root() {
        return skipped("the nightly sample is not set up: only root can make its accounts");
    }
    let folder = Folder::new();
    let server = ok();
    std::fs::create_dir(folder.path("sample")).unwrap();
    // The sample's config file, with a target that sends to this test's server.
    let samples = repository().join("samples/nightly");
    for entry in std::fs::read_dir(&samples).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let here = format!(
            "target = \"/usr/local/plain.toml\"\nbase_url = \"{}\"",
            server.base_url
        );
        let text = text
            .replace("target = \"meitner\"", &here)
            .replace("max_changes = \"30%\"", "");
        let text = text
            .replace("_ID=\n", "_ID=a\n")
            .replace("_SECRET=\n", "_SECRET=b\n");
        folder.write(&format!("sample/{name}"), text);
    }
    folder.write("rows.csv", plain_roster(2));
    folder.write("rows-2.csv", plain_roster(1).replace("-8000-", "x-"));
    let script = format!(
        r#"set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
cp -a /etc /mnt/etc; mount --bind /mnt/etc /etc
cp "{program}" /mnt/rosterpatch; cp "{target}" /mnt/plain.toml; chmod 755 /mnt/rosterpatch; chmod 644 /mnt/plain.toml
cp -a sample rows.csv rows-2.csv /mnt
mount -t tmpfs tmpfs /usr/local; mkdir -m 755 /usr/local/bin; cp /mnt/rosterpatch /usr/local/bin; cp /mnt/plain.toml /usr/local
chmod 755 /mnt /usr/local /usr/local/bin/rosterpatch; chmod 644 /usr/local/plain.toml
for own in /srv /var/lib /var/log; do mount -t tmpfs tmpfs $own; chmod 755 $own; done
mkdir -p /etc/cron.d /etc/logrotate.d
chmod 755 /etc /etc/cron.d
cd /mnt/sample
{steps}
useradd --system --groups uploaders uploader
put() {{ setpriv --reuid uploader --regid uploader --init-groups sh -c 'umask 022; cat > "$1"' sh "/srv/rosters/$1"; }}
put elever-solna-1.csv < /mnt/rows.csv
put elever-nacka-1.csv < /mnt/rows-2.csv
put elever-sollentuna.csv < /mnt/rows.csv
command=$(grep '^30 2 \* \* \* rosterpatch ' /etc/cron.d/rosterpatch | cut -d' ' -f7-)
cd /var/lib/rosterpatch
set +e
env -i HOME=/var/lib/rosterpatch LOGNAME=rosterpatch SHELL=/bin/sh PATH=/usr/bin:/bin \
  setpriv --reuid rosterpatch --regid rosterpatch --init-groups /bin/sh -c "$command"
echo "exit $?"
cat /var/log/rosterpatch/rosterpatch.log
"#,
        program = program_path().display(),
        target = folder.path("plain.toml").display(),
        steps = setup_steps(),
    );
    let output = folder
        .command_by("unshare")
        .args(["--mount", "sh", "-c", &script])
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output()
        .unwrap();
    let text = stdout(&output) + &stderr(&output);
    assert_eq!(server.seen().len(), 2, "{text}");
    assert!(text.contains("elever-solna-1.csv: 2 updated"), "{text}");
    assert!(text.contains("exit 4"), "{text}");
    let held = "elever-nacka-1.csv: held: /srv/rosters/held/elever-nacka-1.csv";
    assert!(text.contains(held), "{text}");
    assert!(
        text.contains("    sudo -u rosterpatch rosterpatch approve "),
        "{text}"
    );
    let hint = "--state /var/lib/rosterpatch (as the account rosterpatch)";
    assert!(text.contains(hint), "{text}");
    assert!(text.contains("[inbox.no_profile]"), "{text}");
    // Each log line starts with the time.
    let log = text.split("exit 4\n").nth(1).unwrap();
    let dated = regex::Regex::new(r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d").unwrap();
    for line in log.lines() {
        assert!(dated.is_match(line), "{line}: {text}");
    }
}

#[test]
fn the_systemd_units_pass_verification() {
    if !has_command("systemd-analyze", "systemd") {
        return;
    }
    let folder = Folder::new();
    let samples = repository().join("samples/nightly");
    let mut units = Vec::new();
    for entry in std::fs::read_dir(samples).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.starts_with("rosterpatch-") && !name.ends_with(".xml") {
            let text = std::fs::read_to_string(&path).unwrap();
            // A program and a user that exist on every machine.
            let text = text.replace("ExecStart=rosterpatch", "ExecStart=/bin/true");
            units.push(folder.write(name, text.replace("User=rosterpatch", "User=root")));
        }
    }
    assert_eq!(units.len(), 4);
    let output = Command::new("systemd-analyze")
        .arg("verify")
        .args(["--man=no"])
        .args(&units)
        .output()
        .unwrap();
    let text = stderr(&output) + &stdout(&output);
    let own: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("rosterpatch-"))
        .collect();
    assert!(own.is_empty(), "{text}");
    assert!(output.status.success(), "{text}");
    // systemd's exposure score of the service, out of 10.
    for unit in units
        .iter()
        .filter(|unit| unit.extension() == Some("service".as_ref()))
    {
        let text = std::fs::read_to_string(unit).unwrap();
        std::fs::write(unit, text.replace("User=root", "User=rosterpatch")).unwrap();
        let output = Command::new("systemd-analyze")
            .args(["security", "--offline=true", "--threshold=29", "--no-pager"])
            .arg(unit)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}{}",
            stdout(&output),
            stderr(&output)
        );
    }
}

#[test]
fn prometheus_accepts_the_alert_rules_and_fires_each_of_them() {
    let rules = repository().join("samples/nightly/alerts.yml");
    let text = std::fs::read_to_string(&rules).unwrap();
    let written = std::fs::read_to_string(repository().join("src/report/metrics.rs")).unwrap();
    let metric = regex::Regex::new(r"rosterpatch_\w+").unwrap();
    for name in metric.find_iter(&text) {
        let quoted = format!("\"{}\"", name.as_str());
        assert!(written.contains(&quoted), "{quoted} is no metric");
    }
    let alert = regex::Regex::new(r"- alert: (\w+)").unwrap();
    let alerts: Vec<&str> = alert
        .captures_iter(&text)
        .map(|found| found.extract::<1>().1[0])
        .collect();
    if !has_command("promtool", "prometheus") {
        return;
    }
    // One inbox without problems, and one with every problem for three days.
    let series = |inbox: &str, files: u32, since: &str, exit_code: u32| {
        let fates = ["held", "not_processed", "waiting"].map(|fate| {
            format!(
                "      - series: 'rosterpatch_inbox_files{{inbox=\"{inbox}\",fate=\"{fate}\"}}'\n        values: '{files}x72'\n"
            )
        });
        let oldest = format!(
            "rosterpatch_inbox_oldest_timestamp_seconds{{inbox=\"{inbox}\",fate=\"waiting\"}}"
        );
        let labels = format!("{{inbox=\"{inbox}\",profile=\"solna\",target=\"meitner\"}}");
        format!(
            "{}      - series: '{oldest}'\n        values: '{since}'\n\
             \x20     - series: 'rosterpatch_run_exit_code{labels}'\n        values: '{exit_code}x72'\n\
             \x20     - series: 'rosterpatch_run_finished_timestamp_seconds{labels}'\n        values: '{since}'\n",
            fates.concat()
        )
    };
    let mut test = format!(
        "rule_files: ['{}']\nevaluation_interval: 1h\ntests:\n  - interval: 1h\n    input_series:\n{}{}    promql_expr_test:\n",
        rules.display(),
        series("/quiet", 0, "0+3600x72", 0),
        series("/wrong", 2, "0x72", 6),
    );
    for name in &alerts {
        let of = |inbox: &str| {
            format!("count(ALERTS{{alertname=\"{name}\",alertstate=\"firing\",inbox=\"{inbox}\"}})")
        };
        test.push_str(&format!(
            "      - expr: '{}'\n        eval_time: 72h\n        exp_samples: [{{labels: '{{}}', value: 1}}]\n\
             \x20     - expr: '{}'\n        eval_time: 72h\n        exp_samples: []\n",
            of("/wrong"),
            of("/quiet")
        ));
    }
    let folder = Folder::new();
    let test = folder.write("test.yml", test);
    let promtool = |arguments: &[&str], file: &Path| {
        let output = Command::new("promtool")
            .args(arguments)
            .arg(file)
            .output()
            .unwrap();
        let told = stdout(&output) + &stderr(&output);
        assert!(output.status.success(), "{arguments:?}: {told}");
    };
    promtool(&["check", "rules"], &rules);
    promtool(&["test", "rules"], &test);
}

#[cfg(unix)]
#[test]
fn a_watch_notifies_systemd_of_readiness_and_liveness() {
    let folder = inbox();
    let server = ok();
    use std::os::fd::AsRawFd;
    // The path of a socket has a short maximum length.
    let here = std::fs::File::open(folder.path("")).unwrap();
    let short = format!("/proc/self/fd/{}/notify", here.as_raw_fd());
    let socket = std::os::unix::net::UnixDatagram::bind(short).unwrap();
    let timeout = Some(std::time::Duration::from_secs(120));
    socket.set_read_timeout(timeout).unwrap();
    let child = folder
        .command()
        .args([
            "watch",
            "inbox",
            "--target",
            "plain.toml",
            "--base-url",
            &server.base_url,
        ])
        .envs(CREDENTIALS)
        // A relative path in the working directory of the process.
        .env("NOTIFY_SOCKET", "notify")
        .env("WATCHDOG_USEC", "300000")
        .spawn()
        .unwrap();
    let mut child = Started(child);
    let heard = |expected: &str| {
        let mut buffer = [0; 100];
        loop {
            let length = socket.recv(&mut buffer).expect(expected);
            if buffer[..length].starts_with(expected.as_bytes()) {
                return;
            }
        }
    };
    heard("READY=1");
    heard("WATCHDOG=1");
    signal(child.id(), "TERM");
    heard("STOPPING=1");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[cfg(unix)]
#[test]
fn the_next_sweep_completes_files_that_could_not_be_sent_or_archived() {
    let folder = inbox();
    // A target with look-ups, and an API that is down at first.
    let down = Server::start(|_| respond(500, &[], "{}"));
    let records: Vec<serde_json::Value> = (1..=3)
        .map(|row| {
            serde_json::json!({"id": crate::harness::plain_id(row), "identityNumber": "x",
                               "firstName": "Anna", "lastName": "Ek"})
        })
        .collect();
    let up = Server::start(move |seen| match seen.method.as_str() {
        "POST" => {
            let asked = |record: &&serde_json::Value| {
                record["id"]
                    .as_str()
                    .is_some_and(|id| seen.body.contains(id))
            };
            let found: Vec<_> = records.iter().filter(asked).collect();
            let body = serde_json::json!({"data": found, "pagination": {"total": found.len()}});
            respond(200, &[], &body.to_string())
        }
        _ if seen.path.ends_with('2') => respond(422, &[], "{}"),
        _ => respond(200, &[], crate::harness::RECORD),
    });
    folder.write("inbox/a.csv", plain_roster(3));
    let sweep = |server: &Server| {
        folder
            .program()
            .args(["sweep", "inbox", "--settle", "0s", "--target", "meitner"])
            .args(["--max-attempts", "1", "--base-url", &server.base_url])
            .envs(CREDENTIALS)
            .output()
            .unwrap()
    };
    let output = sweep(&down);
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    assert!(files(&folder, "inbox").contains(&"processing/a.csv/a.csv".to_owned()));
    // A dangling link makes archiving fail.
    let blocked = folder.path("inbox/partial");
    std::os::unix::fs::symlink("/nowhere/at/all", &blocked).unwrap();
    let output = sweep(&up);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let sent = up.seen().len();
    std::fs::remove_file(blocked).unwrap();
    let output = sweep(&up);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(up.seen().len(), sent, "it is done, and only put away");
    let all = files(&folder, "inbox");
    assert!(all.contains(&"partial/DATE/a.csv".to_owned()), "{all:?}");
    assert!(
        !all.iter().any(|name| name.starts_with("processing")),
        "{all:?}"
    );
    // A later file of the same name is imported.
    folder.write("inbox/a.csv", plain_roster(2));
    let output = sweep(&up);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let all = files(&folder, "inbox");
    let is_another = |name: &String| name.starts_with("partial/DATE/a-");
    assert!(all.iter().any(is_another), "{all:?}");
    assert!(
        !all.iter().any(|name| name.starts_with("processing")),
        "{all:?}"
    );
}

#[test]
fn a_partially_imported_file_is_not_a_duplicate() {
    let folder = inbox();
    let server = ok();
    folder.write("p.csv", plain_roster(3));
    folder.import_to("p.csv", &server.base_url, &["--limit", "1"], &[]);
    folder.write("inbox/p.csv", plain_roster(3));
    let output = run(sweep(&folder, &server, &["--settle", "0s"]));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(server.seen().len(), 3, "{}", stdout(&output));
}

#[test]
fn only_sweep_and_watch_move_files() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("held")).unwrap();
    folder.write("held/r.csv", plain_roster(1));
    let server = ok();
    folder.import_to("held/r.csv", &server.base_url, &[], &[]);
    assert!(folder.path("held/r.csv").exists());
    assert!(folder.path("held/r.results.csv").exists());
}

#[test]
fn a_held_file_of_a_profile_is_approved_with_its_credentials() {
    let folder = inbox();
    let server = ok();
    folder.write(
        "rosterpatch.toml",
        format!(
            "target = \"plain.toml\"\nbase_url = \"{}\"\nmax_changes = \"0\"\n[profile.solna]\nfiles = [\"*\"]\ncredentials = {{ MEITNER_CLIENT_CREDENTIALS = \"SOLNA_ID\", MEITNER_CLIENT_SECRET = \"SOLNA_SECRET\" }}\n",
            server.base_url
        ),
    );
    folder.write("inbox/r.csv", plain_roster(2));
    let program = |arguments: &[&str]| {
        folder
            .program()
            .args(arguments)
            .env("SOLNA_ID", "solna")
            .env("SOLNA_SECRET", "s")
            // Another school's credentials, which must not be used.
            .env("MEITNER_CLIENT_CREDENTIALS", "other")
            .env("MEITNER_CLIENT_SECRET", "other")
            .output()
            .unwrap()
    };
    let output = program(&[
        "sweep", "inbox", "--settle", "0s", "--all", "--format", "json",
    ]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let first = stdout(&output).lines().next().map(str::to_owned);
    let summary: serde_json::Value = serde_json::from_str(&first.unwrap()).unwrap();
    // With another config file, the run's profile still applies.
    std::fs::rename(folder.path("rosterpatch.toml"), folder.path("other.toml")).unwrap();
    let run = summary["run"].as_str().unwrap();
    let output = program(&["approve", run, "--config", "other.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let ids: Vec<String> = server
        .seen()
        .iter()
        .map(|seen| seen.headers["client-id"].to_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids, ["solna", "solna"]);
}

#[test]
fn a_profiles_environment_overrides_the_config_files_base_url() {
    let folder = Folder::new();
    folder.write(
        "rosterpatch.toml",
        "target = \"meitner\"\nbase_url = \"http://127.0.0.1:9/\"\n[profile.stage]\nenv = \"nowhere\"\n",
    );
    folder.write("r.csv", plain_roster(1));
    let output = folder.run("import r.csv --yes --profile stage");
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("no environment \"nowhere\""),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_roster_that_returns_to_earlier_content_is_not_a_duplicate() {
    let folder = inbox();
    let server = ok();
    for name in ["Åsa", "Anna", "Åsa"] {
        folder.write("inbox/r.csv", plain_roster(2).replace("Åsa", name));
        let output = run(sweep(&folder, &server, &["--settle", "0s"]));
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    let seen = server.seen();
    assert_eq!(seen.len(), 6);
    assert!(seen[5].body.contains("Åsa"));
}

#[test]
fn a_failed_file_that_is_dropped_again_is_retried() {
    let folder = inbox();
    let server = Server::start(|seen| respond(if seen.before < 1 { 500 } else { 200 }, &[], "{}"));
    folder.write("inbox/r.csv", plain_roster(2));
    let arguments = ["--settle", "0s", "--max-attempts", "1"];
    let output = run(sweep(&folder, &server, &arguments));
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let all = files(&folder, "inbox");
    assert!(all.contains(&"failed/DATE/r.csv".to_owned()), "{all:?}");
    // The file was moved back, so its archive folder is empty.
    let day = std::fs::read_dir(folder.path("inbox/failed"))
        .unwrap()
        .next()
        .unwrap();
    let put = day.unwrap().path().join("r.csv");
    std::fs::rename(put, folder.path("inbox/r.csv")).unwrap();
    let output = run(sweep(&folder, &server, &arguments));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(server.seen().len(), 4);
    assert!(files(&folder, "inbox").contains(&"done/DATE/r.csv".to_owned()));
}

/// Sets a file's modification time to this many seconds ago.
fn age(path: &Path, seconds: u64) {
    let file = std::fs::File::options().append(true).open(path).unwrap();
    let at = std::time::SystemTime::now() - std::time::Duration::from_secs(seconds);
    file.set_modified(at).unwrap();
}

#[test]
fn only_rosters_are_imported_and_other_files_are_reported_once() {
    let folder = inbox();
    let server = ok();
    let others = [
        "r.csv~",
        "r.csv.bak",
        "r.csv.old",
        "Thumbs.db",
        "desktop.ini",
        "LÄSMIG.txt",
    ];
    for name in others {
        folder.write(&format!("inbox/{name}"), plain_roster(1));
    }
    // An unfinished upload is reported once it has not changed for an hour.
    folder.write("inbox/new.csv.uploading", "id");
    folder.write("inbox/cut.csv.part", "id");
    age(&folder.path("inbox/cut.csv.part"), 3700);
    folder.write("inbox/r.csv", plain_roster(2));
    let first = run(sweep(&folder, &server, &["--settle", "0s"]));
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    for name in others.iter().chain(&["cut.csv.part"]) {
        assert!(
            stderr(&first).contains(&format!("{name}: ")),
            "{name}: {}",
            stderr(&first)
        );
        assert!(folder.path(&format!("inbox/{name}")).exists(), "{name}");
    }
    assert!(!stderr(&first).contains("uploading"), "{}", stderr(&first));
    assert_eq!(server.seen().len(), 2);
    let closing = stdout(&first).lines().last().unwrap_or_default().to_owned();
    assert_eq!(
        closing,
        "8 files: 1 done, 7 not processed (6 not a roster, 1 unfinished upload)"
    );
    // The next sweep counts these files without reporting them again.
    let second = run(sweep(&folder, &server, &["--settle", "0s"]));
    assert_eq!(second.status.code(), Some(0));
    assert_eq!(stderr(&second), "");
    assert!(
        stdout(&second).starts_with("7 files: 7 not processed"),
        "{}",
        stdout(&second)
    );
    // A removed file that reappears is reported again.
    std::fs::remove_file(folder.path("inbox/r.csv.bak")).unwrap();
    run(sweep(&folder, &server, &["--settle", "0s"]));
    folder.write("inbox/r.csv.bak", plain_roster(1));
    let again = run(sweep(&folder, &server, &["--settle", "0s"]));
    assert_eq!(
        stderr(&again).matches("r.csv.bak: ").count(),
        1,
        "{}",
        stderr(&again)
    );
}

#[test]
fn a_file_that_matches_no_profile_stays_in_the_inbox() {
    let folder = inbox();
    let server = ok();
    let config = format!(
        "target = \"plain.toml\"\nbase_url = \"{}\"\n[profile.a]\nfiles = [\"a-*.csv\"]\n",
        server.base_url
    );
    folder.write("rosterpatch.toml", config);
    folder.write("inbox/a-1.csv", plain_roster(1));
    folder.write("inbox/b-1.csv", plain_roster(2));
    let sweep = || folder.send(&["sweep", "inbox", "--settle", "0s"]);
    let first = sweep();
    assert_eq!(first.status.code(), Some(3), "{}", stderr(&first));
    assert!(stderr(&first).contains("b-1.csv: ") && stderr(&first).contains("[inbox.no_profile]"));
    assert!(folder.path("inbox/b-1.csv").exists());
    assert_eq!(server.seen().len(), 1);
    let second = sweep();
    assert_eq!(second.status.code(), Some(3), "it is still there");
    assert_eq!(stderr(&second), "");
    assert_eq!(
        stdout(&second),
        "1 file: 1 not processed (1 without a profile)\n"
    );
    // A profile given on the command line also restricts the files.
    let named = folder.send(&["sweep", "inbox", "--settle", "0s", "--profile", "a"]);
    assert_eq!(named.status.code(), Some(3), "{}", stderr(&named));
    assert!(folder.path("inbox/b-1.csv").exists());
}

#[test]
fn files_are_imported_oldest_first_and_outdated_ones_are_refused() {
    let folder = inbox();
    let server = ok();
    folder.write("inbox/a.csv", plain_roster(1));
    folder.write("inbox/b.csv", plain_roster(1).replace("-8000-", "-8001-"));
    age(&folder.path("inbox/a.csv"), 100);
    age(&folder.path("inbox/b.csv"), 200);
    let output = run(sweep(&folder, &server, &["--settle", "0s"]));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let paths: Vec<String> = server.seen().iter().map(|seen| seen.path.clone()).collect();
    assert!(
        paths[0].contains("-8001-") && paths[1].contains("-8000-"),
        "{paths:?}"
    );
    // Last week's file under this week's name.
    folder.write("inbox/a.csv", plain_roster(2));
    age(&folder.path("inbox/a.csv"), 1000);
    let output = run(sweep(&folder, &server, &["--settle", "0s"]));
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("[inbox.older]"),
        "{}",
        stderr(&output)
    );
    assert_eq!(server.seen().len(), 2);
    let all = files(&folder, "inbox");
    assert!(all.contains(&"failed/DATE/a.csv".to_owned()), "{all:?}");
    let explained = all.iter().find(|name| name.ends_with("a.error.txt"));
    assert!(explained.is_some(), "{all:?}");
    // `--again` imports the older file.
    folder.write("inbox/a.csv", plain_roster(2));
    age(&folder.path("inbox/a.csv"), 1000);
    let output = run(sweep(&folder, &server, &["--settle", "0s", "--again"]));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[cfg(unix)]
#[test]
fn a_copy_for_another_profile_is_imported_and_skipped_files_counted() {
    use std::os::unix::ffi::OsStrExt;
    let folder = inbox();
    let server = ok();
    let config = format!(
        "target = \"plain.toml\"\nbase_url = \"{}\"\nmetrics = \"run.prom\"\n[profile.a]\nfiles = [\"a-*\"]\n\
         [profile.b]\nfiles = [\"b-*\"]\n",
        server.base_url
    );
    folder.write("rosterpatch.toml", config);
    for name in ["a-1.csv", "a-2.csv", "b-1.csv"] {
        folder.write(&format!("inbox/{name}"), plain_roster(2));
    }
    folder.write("inbox/a-empty.csv", plain_roster(0));
    folder.write("inbox/a-some.csv", plain_roster(4) + "x,,,\n");
    let inbox = folder.path("inbox");
    std::fs::write(inbox.join(std::ffi::OsStr::from_bytes(b"a-\xe5.csv")), "").unwrap();
    std::os::unix::fs::symlink("/nowhere/at/all", inbox.join("a-link.csv")).unwrap();
    let output = folder.send(&["sweep", "inbox", "--settle", "0s", "--all"]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let told = stdout(&output);
    // Two profiles may belong to different schools, so the file is not a duplicate.
    assert!(told.contains("b-1.csv: 2 updated"), "{told}");
    assert!(told.contains("a-empty.csv: 0 rows, 0 requests"), "{told}");
    let reasons = "2 not processed (1 with a name that is not UTF-8, 1 not a file)";
    assert!(told.contains(reasons), "{told}");
    let metrics = std::fs::read_to_string(folder.path("run.prom")).unwrap();
    assert!(metrics.contains("fate=\"not_processed\"} 2\n"), "{metrics}");
    let listed = folder.run("runs --since 1d --format json");
    let listed: serde_json::Value = serde_json::from_str(&stdout(&listed)).unwrap();
    let find = |fate: &str| {
        let all = listed.as_array().unwrap();
        all.iter().find(|file| file["fate"] == fate).unwrap()
    };
    let copy = find("duplicate")["file"].as_str().unwrap();
    assert!(
        copy.ends_with("/a-2.csv"),
        "not the path of the first file: {copy}"
    );
    let retry = find("partial")["next"]["retry"].as_str().unwrap();
    assert!(
        Path::new(retry).is_absolute() && Path::new(retry).exists(),
        "{retry}"
    );
}

#[test]
fn a_file_that_cannot_be_copied_is_retried_by_the_next_sweep() {
    let folder = inbox();
    let server = ok();
    folder.write("inbox/a.csv", plain_roster(1));
    let mut full = sweep(&folder, &server, &["--settle", "0s"]);
    full.env("TMPDIR", folder.path("away"));
    let output = run(full);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let told = stderr(&output);
    assert!(
        told.contains("no temporary file can be written in"),
        "{told}"
    );
    assert_eq!(files(&folder, "inbox"), ["processing/a.csv/a.csv"]);
    let output = run(sweep(&folder, &server, &["--settle", "0s"]));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_file_that_arrives_during_a_sweep_is_imported_by_it() {
    let folder = inbox();
    let late = folder.path("inbox/late.csv");
    let text = plain_roster(1).replace("-8000-", "-8001-");
    let server = Server::start(move |seen| {
        // Another file is dropped while the first one is sent.
        if !seen.path.contains("-8001-") && !late.exists() {
            std::fs::write(&late, &text).unwrap();
        }
        respond(200, &[], "{}")
    });
    folder.write("inbox/a.csv", plain_roster(1));
    let output = run(sweep(&folder, &server, &["--settle", "0s"]));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(server.seen().len(), 2);
    assert!(
        stdout(&output).ends_with("2 files: 2 done\n"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn runs_since_lists_files_with_the_command_for_each_open_one() {
    let folder = inbox();
    let server = ok();
    folder.write("inbox/good.csv", plain_roster(2));
    folder.write("inbox/broken.csv", "no,header\n1,2\n");
    folder.write("inbox/note.doc", "");
    let held: String = plain_roster(3).replace("-8000-", "x-");
    folder.write("inbox/held.csv", held);
    let output = run(sweep(&folder, &server, &["--settle", "0s"]));
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let output = folder.run("runs --since 1d --format json");
    let listed: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    let find = |name: &str| {
        let all = listed.as_array().unwrap();
        all.iter()
            .find(|file| file["name"] == name)
            .cloned()
            .unwrap()
    };
    assert_eq!(find("good.csv")["fate"], "done");
    assert_eq!(find("broken.csv")["fate"], "failed");
    assert_eq!(find("broken.csv")["why"]["code"], "map.missing");
    assert_eq!(find("note.doc")["fate"], "not_processed");
    let held = find("held.csv");
    assert_eq!(held["fate"], "held");
    assert_eq!(held["next"]["approve"], held["run"]);
    // Every listed path exists.
    for file in listed.as_array().unwrap() {
        let path = Path::new(file["file"].as_str().unwrap());
        assert!(path.is_absolute() && path.exists(), "{path:?}");
    }
    let text = stdout(&folder.run("runs --since 1d"));
    let run = held["run"].as_str().unwrap();
    assert!(
        text.contains(&format!("rosterpatch approve {run} --state ")),
        "{text}"
    );
}
