//! Distributed runs: files queued in a database, worker processes, and their failures.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rosterpatch::clock::{Clock, SystemClock};
use rosterpatch::journal::{Journal, JournalError, QuotaStore, RunState, State};
use rosterpatch::sandbox::{Sandbox, SandboxOptions, SeedRow};
use rosterpatch::send::{Pace, Pacer, Rate};
use tokio::sync::oneshot;

use crate::console::Console;
use crate::harness::{
    Folder, OF_SANDBOX, Started, identity_number, plain_id, repository, seed_of, serve_sandbox,
    signal, stderr, stdout,
};
use crate::machine::{has_command, skipped};
use crate::postgres::{Cluster, shared};

/// Returns a roster of `rows` students, numbered from `before + 1`, each with a different address.
fn roster(before: usize, rows: usize) -> String {
    let mut text =
        "id,identity_number,first_name,last_name,postal_address,phone_number1\n".to_owned();
    for row in before + 1..=before + rows {
        let (id, number) = (plain_id(row), identity_number(row));
        text.push_str(&format!(
            "{id},{number},Åsa,Ek,Skolgatan {row},+4670{row:07}\n"
        ));
    }
    text
}

/// How long a condition may remain unmet before a test is considered to hang. No test asserts a duration.
const HANG: Duration = Duration::from_secs(900);

/// A school: an API with a separate quota.
struct School {
    sandbox: Arc<Sandbox>,
    port: u16,
    _stop: oneshot::Sender<()>,
}

/// Schools with their profiles, and a working folder for each worker.
struct Fleet {
    folder: Folder,
    schools: Vec<School>,
    address: String,
}

/// Settings that append each notification to a file.
const TELLS: &str = "[notify]\ncommand = [\"sh\", \"-c\", \"cat >> told.jsonl\"]\n";

impl Fleet {
    /// Creates one school for each of `texts`, seeded with their records, with a quota of `a_second` requests
    /// per second.
    fn new(address: String, texts: &[Vec<String>], a_second: f64, rate: &str) -> Fleet {
        Fleet::with(address, texts, (a_second, rate), Sandbox::new)
    }

    /// Like [`Self::new`], with a sandbox built by `make`.
    fn with(
        address: String,
        texts: &[Vec<String>],
        (a_second, rate): (f64, &str),
        make: impl Fn(&SandboxOptions, &[SeedRow], Arc<dyn Clock>) -> Sandbox,
    ) -> Fleet {
        let folder = Folder::new();
        let mut config = String::new();
        let mut schools = Vec::new();
        for (number, texts) in texts.iter().enumerate() {
            let options = SandboxOptions {
                depth: a_second,
                interval: Duration::from_secs_f64(1.0 / a_second),
                ..SandboxOptions::default()
            };
            let rows: Vec<_> = texts.iter().flat_map(|text| seed_of(text)).collect();
            let sandbox = Arc::new(make(&options, &rows, Arc::new(SystemClock)));
            let (base_url, stop) = serve_sandbox(sandbox.clone());
            config.push_str(&format!(
                "[profile.s{number}]\ntarget = \"meitner\"\nbase_url = \"{base_url}\"\n\
                 rate = \"{rate}\"\nmax_invalid = \"50%\"\n"
            ));
            let port = base_url
                .split(':')
                .nth(2)
                .unwrap()
                .split('/')
                .next()
                .unwrap();
            schools.push(School {
                sandbox,
                port: port.parse().unwrap(),
                _stop: stop,
            });
        }
        folder.write("rosterpatch.toml", config);
        Fleet {
            folder,
            schools,
            address,
        }
    }

    /// Creates an inbox for the files of the first school, with these lines at the top of the config file.
    fn make_inbox(&self, settings: &str) {
        let config = self.folder.path("rosterpatch.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        let text = text.replace("[profile.s0]\n", "[profile.s0]\nfiles = [\"s0*\"]\n");
        std::fs::write(config, settings.to_owned() + &text).unwrap();
        std::fs::create_dir(self.folder.path("inbox")).unwrap();
    }

    fn command(&self, worker: usize, address: &str) -> Command {
        let home = self.folder.path(&format!("worker-{worker}"));
        std::fs::create_dir_all(&home).unwrap();
        let mut command = self.folder.command();
        command
            .env("ROSTERPATCH_STATE", address)
            .env("HOME", home)
            .envs(OF_SANDBOX);
        command
    }

    fn run(&self, arguments: &[&str]) -> std::process::Output {
        self.command(99, &self.address)
            .args(arguments)
            .output()
            .unwrap()
    }

    /// Adds a school's files to the queue.
    fn enqueue(&self, school: usize, texts: &[String]) {
        for (number, text) in texts.iter().enumerate() {
            let name = format!("s{school}-{number}.csv");
            self.folder.write(&name, text);
            let output = self.run(&["enqueue", &name, "--profile", &format!("s{school}")]);
            assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        }
    }

    fn worker(&self, number: usize, address: &str, concurrency: &str) -> Started {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path(&format!("worker-{number}.log")))
            .unwrap();
        let worker = self
            .command(number, address)
            .args(["work", "--concurrency", concurrency, "--log-format", "json"])
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        Started(worker.unwrap())
    }

    fn queue(&self) -> Vec<serde_json::Value> {
        let output = self.run(&["queue", "--all", "--format", "json"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        serde_json::from_str(&stdout(&output)).unwrap()
    }

    fn state(&self) -> State {
        State::in_database(&self.address, None, &self.folder.path("local")).unwrap()
    }

    /// Waits until every file in the queue has finished or stopped.
    fn wait(&self, mut meanwhile: impl FnMut(Duration)) -> Vec<serde_json::Value> {
        let began = Instant::now();
        loop {
            let open = |entry: &serde_json::Value| {
                entry["state"] == "waiting" || entry["state"] == "running"
            };
            if let Ok(output) = self
                .command(99, &self.address)
                .args(["queue", "--all", "--format", "json"])
                .output()
                && let Ok(queue) = serde_json::from_str::<Vec<serde_json::Value>>(&stdout(&output))
            {
                if !queue.iter().any(open) {
                    return queue;
                }
                assert!(began.elapsed() < HANG, "{queue:#?}\n{}", self.logs());
            }
            meanwhile(began.elapsed());
        }
    }

    /// Waits while the condition holds.
    fn wait_while(&self, is_so: impl Fn() -> bool) {
        let began = Instant::now();
        while is_so() {
            assert!(began.elapsed() < HANG, "{}", self.logs());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Returns the last lines of the workers' logs.
    fn logs(&self) -> String {
        let mut all = String::new();
        for entry in std::fs::read_dir(self.folder.path("")).unwrap().flatten() {
            if entry
                .path()
                .extension()
                .is_some_and(|ending| ending == "log")
            {
                let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
                let lines: Vec<&str> = text.lines().rev().take(8).collect();
                all.push_str(&format!(
                    "{}:\n{}\n",
                    entry.path().display(),
                    lines.join("\n")
                ));
            }
        }
        all
    }
}

/// Forwards connections to a server until it is cut; from then on it drops all data without closing the
/// connections.
struct Cable {
    port: u16,
    is_cut: Arc<AtomicBool>,
}

impl Cable {
    fn to(port: u16) -> Cable {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        let is_cut = Arc::new(AtomicBool::new(false));
        let cut = is_cut.clone();
        std::thread::spawn(move || pass_on(&listener, port, &cut));
        Cable { port: own, is_cut }
    }
}

/// Forwards connections to a loopback port until it is cut.
fn pass_on(listener: &TcpListener, port: u16, is_cut: &Arc<AtomicBool>) {
    for client in listener.incoming().flatten() {
        let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else {
            continue;
        };
        for (mut from, mut to) in [
            (client.try_clone().unwrap(), server.try_clone().unwrap()),
            (server, client),
        ] {
            let cut = is_cut.clone();
            std::thread::spawn(move || {
                let mut buffer = [0; 16 * 1024];
                while let Ok(read @ 1..) = from.read(&mut buffer) {
                    while cut.load(Ordering::SeqCst) {
                        std::thread::sleep(Duration::from_millis(10));
                    }
                    if to.write_all(&buffer[..read]).is_err() {
                        break;
                    }
                }
                let _ = to.shutdown(std::net::Shutdown::Both);
            });
        }
    }
}

/// Waits between two polls.
fn pause(_: Duration) {
    std::thread::sleep(Duration::from_millis(100));
}

fn end(mut workers: Vec<Started>) {
    for worker in &workers {
        signal(worker.id(), "TERM");
    }
    for worker in &mut workers {
        let status = worker.wait().unwrap();
        assert!(status.success(), "drained: {status}");
    }
}

/// Asserts that each row has exactly one outcome, that the API holds the values of the file, and that no row
/// was acknowledged more often than the journal counts attempts. Returns the number of rows that were
/// acknowledged more than once.
fn accounts(fleet: &Fleet, texts: &[Vec<String>], queue: &[serde_json::Value]) -> usize {
    let state = fleet.state();
    let journal = Journal::open(&state).unwrap();
    let mut twice = 0;
    for entry in queue {
        assert_eq!(entry["state"], "finished", "{entry}");
        let name = entry["file"].as_str().unwrap().rsplit('/').next().unwrap();
        let (school, number) = name[1..name.len() - 4].split_once('-').unwrap();
        let (school, number): (usize, usize) = (school.parse().unwrap(), number.parse().unwrap());
        let run = journal.run(entry["run"].as_str()).unwrap();
        let text = &texts[school][number];
        let lines: Vec<Vec<&str>> = text
            .lines()
            .skip(1)
            .map(|line| line.split(',').collect())
            .collect();
        let outcomes = journal.outcomes(run.id, 1, u64::MAX).unwrap();
        assert_eq!(outcomes.len(), lines.len());
        let stats = fleet.schools[school].sandbox.stats();
        let students = fleet.schools[school].sandbox.students();
        for (outcome, line) in outcomes.iter().zip(&lines) {
            let record = &stats["records"][line[0]];
            let heard = record["acknowledged"].as_u64().unwrap_or(0);
            match outcome.state.as_str() {
                "updated" => {
                    assert!(heard >= 1, "{line:?}");
                    assert!(
                        heard <= u64::from(outcome.attempts),
                        "{line:?} {record} {outcome:?}"
                    );
                }
                "unchanged" | "invalid" => {}
                // The sandbox already has a student with this number.
                "rejected" if outcome.http_status == Some(409) => continue,
                other => panic!("{other}: {outcome:?}"),
            }
            if outcome.state.as_str() != "invalid" {
                assert_eq!(students[line[0]]["address"]["postalAddress"], line[4]);
            }
            twice += usize::from(heard > 1);
        }
    }
    twice
}

#[test]
fn a_queued_file_is_imported_by_any_worker_and_shown_on_any_machine() {
    let Some(cluster) = shared() else { return };
    let texts = vec![vec![roster(0, 1500)]];
    let fleet = Fleet::new(cluster.database(), &texts, 1e6, "unlimited");
    fleet.enqueue(0, &texts[0]);
    // Enqueueing the same file twice adds it once.
    let again = fleet.run(&["enqueue", "s0-0.csv", "--profile", "s0"]);
    assert!(stdout(&again).contains("already"), "{}", stdout(&again));
    let listed = stdout(&fleet.run(&["queue"]));
    assert!(
        listed.contains("s0-0.csv") && listed.contains("waiting"),
        "{listed}"
    );
    let worker = fleet.worker(0, &fleet.address, "2");
    let queue = fleet.wait(|_| std::thread::sleep(Duration::from_millis(100)));
    end(vec![worker]);
    assert_eq!(queue.len(), 1);
    // More than 500 rows differ, so the run takes several batches.
    assert!(queue[0]["slices"].as_i64().unwrap() >= 2, "{queue:?}");
    assert_eq!(accounts(&fleet, &texts, &queue), 0);
    let run = queue[0]["run"].as_str().unwrap();

    // From a machine that never had the file.
    std::fs::create_dir(fleet.folder.path("elsewhere")).unwrap();
    let elsewhere = |arguments: &[&str]| {
        let mut command = fleet.command(7, &fleet.address);
        command
            .current_dir(fleet.folder.path("elsewhere"))
            .args(arguments);
        command
            .arg("--config")
            .arg(fleet.folder.path("rosterpatch.toml"));
        command.output().unwrap()
    };
    let report = elsewhere(&["report", run]);
    assert_eq!(report.status.code(), Some(0), "{}", stderr(&report));
    let results = fleet.folder.csv("elsewhere/s0-0.results.csv", b',');
    assert_eq!(results.len(), 1501);
    let shown = elsewhere(&["show", run]);
    assert!(stdout(&shown).contains("s0-0.csv"), "{}", stdout(&shown));
    let undone = elsewhere(&["undo", run, "--yes", "--profile", "s0"]);
    assert_eq!(undone.status.code(), Some(0), "{}", stderr(&undone));
    assert!(
        fleet
            .folder
            .path("elsewhere/s0-0.undo.results.csv")
            .exists()
    );
    let pruned = elsewhere(&["runs", "prune", "--older-than", "0s"]);
    assert_eq!(pruned.status.code(), Some(0), "{}", stderr(&pruned));
    assert!(stderr(&elsewhere(&["runs"])).contains("no runs"));
    assert_eq!(cluster_rows(&fleet, "roster"), 0);
}

fn cluster_rows(fleet: &Fleet, table: &str) -> i64 {
    let state = fleet.state();
    let database = state.database().unwrap();
    database
        .change(|tables| {
            let row = tables.one(&format!("SELECT count(*) FROM {table}"), &[])?;
            rosterpatch::journal::cell(&row, 0)
        })
        .unwrap()
}

#[test]
fn a_guard_holds_a_run_in_the_queue_until_it_is_approved() {
    let Some(cluster) = shared() else { return };
    let whole = vec![vec![roster(0, 20)]];
    let fleet = Fleet::new(cluster.database(), &whole, 1e6, "unlimited");
    // More than half of the rows have no name.
    fleet.enqueue(0, &[roster(0, 20).replacen("Åsa,Ek", ",", 12)]);
    let note = ["enqueue", "s0-0.csv", "--profile", "s0", "--note"];
    let noted = fleet.run(&[&note[..], &["terminsstart"]].concat());
    assert_eq!(noted.status.code(), Some(0), "{}", stderr(&noted));
    let empty = fleet.run(&[&note[..], &[""]].concat());
    assert_eq!(empty.status.code(), Some(2));
    let worker = fleet.worker(0, &fleet.address, "1");
    let queue = fleet.wait(pause);
    assert_eq!(queue[0]["state"], "held", "{queue:?}");
    assert_eq!(fleet.schools[0].sandbox.requests("update"), 0);
    let run = queue[0]["run"].as_str().unwrap();
    // The run stays held for an hour.
    let hour = "UPDATE run SET started_at = started_at - interval '1 hour',
                finished_at = finished_at - interval '1 hour'";
    let state = fleet.state();
    let database = state.database().unwrap();
    let rows = "UPDATE outcome SET at = at - 3600000000";
    let changed = database.change(|tables| {
        tables.execute(rows, &[])?;
        tables.execute(hour, &[])
    });
    assert_eq!(changed.unwrap(), 1);
    let approved = fleet.run(&["approve", run, "--note", "rektor"]);
    assert_eq!(approved.status.code(), Some(0), "{}", stderr(&approved));
    assert!(
        !stdout(&approved).contains("already"),
        "{}",
        stdout(&approved)
    );
    let queue = fleet.wait(pause);
    end(vec![worker]);
    assert_eq!(queue[0]["state"], "finished", "{queue:?}");
    assert_eq!(queue[0]["exit_code"], 3, "{queue:?}");
    assert!(fleet.schools[0].sandbox.requests("update") > 0);
    let text = stdout(&fleet.run(&["show", run]));
    for note in ["terminsstart", "rektor"] {
        assert!(text.contains(note), "{text}");
    }
    let shown = stdout(&fleet.run(&["show", run, "--format", "json"]));
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let (held, worked) = (shown["held_s"].as_f64(), shown["duration_s"].as_f64());
    assert!(
        held.unwrap() >= 3_600.0 && worked.unwrap() < 3_600.0,
        "{shown}"
    );
}

#[test]
fn a_declined_run_leaves_the_queue_and_no_command_continues_it() {
    let Some(cluster) = shared() else { return };
    let texts = vec![vec![roster(0, 20)]; 2];
    let fleet = Fleet::new(cluster.database(), &texts, 1e6, "unlimited");
    // More than half of the rows have no name.
    for school in 0..2 {
        fleet.enqueue(school, &[roster(0, 20).replacen("Åsa,Ek", ",", 12)]);
    }
    let worker = fleet.worker(0, &fleet.address, "1");
    let held = fleet.wait(pause);
    let runs: Vec<&str> = held
        .iter()
        .map(|entry| entry["run"].as_str().unwrap())
        .collect();
    // One is declined at the command line, the other in the console.
    let declined = fleet.run(&["decline", runs[0], "--yes", "--note", "fel fil"]);
    assert_eq!(declined.status.code(), Some(0), "{}", stderr(&declined));
    let arguments = ["--state", &fleet.address, "--profile", "s1", "--lang", "en"];
    let console = Console::open(&fleet.folder, &arguments);
    let cookie = console.enter();
    let path = format!("/runs/{}", runs[1]);
    let act = |what: &str| console.post(&cookie, &format!("{path}/do"), what);
    let answer = act("what=decline&note=fel+fil");
    assert_eq!(crate::console::status(&answer), 303, "{answer}");
    let page = console.get(&cookie, &path);
    assert!(
        page.contains("The run is declined") && page.contains("fel fil"),
        "{page}"
    );
    for run in &runs {
        for command in [
            &["approve", run][..],
            &["resume", run],
            &["decline", run, "--yes"],
        ] {
            let output = fleet.run(command);
            assert_ne!(output.status.code(), Some(0), "{command:?}");
        }
        let shown = stdout(&fleet.run(&["show", run, "--format", "json"]));
        let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown["state"], "declined");
        assert_eq!(shown["stop"]["code"], "run.declined");
    }
    for what in ["what=approve", "what=resume", "what=decline"] {
        let answer = act(what);
        assert_ne!(crate::console::status(&answer), 303, "{what}: {answer}");
    }
    let queue = fleet.wait(pause);
    for entry in &queue {
        assert_eq!(entry["state"], "finished", "{queue:?}");
        assert_eq!(entry["exit_code"], 3, "{queue:?}");
    }
    // The same file can be queued again, as another run.
    fleet.enqueue(0, &[roster(0, 20).replacen("Åsa,Ek", ",", 12)]);
    let queue = fleet.wait(pause);
    end(vec![worker]);
    let again: Vec<_> = queue
        .iter()
        .filter(|entry| entry["state"] == "held")
        .collect();
    assert!(again.len() == 1 && again[0]["run"] != runs[0], "{queue:?}");
    for school in &fleet.schools {
        assert_eq!(school.sandbox.requests("update"), 0);
    }
}

/// Imports a file to the first school with another journal, to simulate manual edits.
fn edit(fleet: &Fleet, text: &str) {
    fleet.folder.write("edit.csv", text);
    let state = fleet.folder.path("elsewhere-state");
    let mut command = fleet.command(98, state.to_str().unwrap());
    command.args(["import", "edit.csv", "--profile", "s0", "--yes"]);
    command.args(["--conflicts", "roster", "--max-identity-changes", "9"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn a_queued_run_that_is_held_again_needs_another_approval() {
    let Some(cluster) = shared() else { return };
    let texts = vec![vec![roster(0, 20)]];
    let fleet = Fleet::new(cluster.database(), &texts, 1e6, "unlimited");
    // More than half of the rows have no name.
    fleet.enqueue(0, &[roster(0, 20).replacen("Åsa,Ek", ",", 12)]);
    let worker = fleet.worker(0, &fleet.address, "1");
    let queue = fleet.wait(pause);
    end(vec![worker]);
    assert_eq!(queue[0]["state"], "held", "{queue:?}");
    let run = queue[0]["run"].as_str().unwrap();
    let approved = fleet.run(&["approve", run]);
    assert_eq!(approved.status.code(), Some(0), "{}", stderr(&approved));
    assert_eq!(cluster_rows(&fleet, "queued WHERE is_approved"), 1);
    // Meanwhile a row becomes an identity change, which the approval does not cover.
    edit(&fleet, &roster(14, 1).replace("Åsa,Ek", "Kim,Ström"));
    let sent = fleet.schools[0].sandbox.requests("update");
    let worker = fleet.worker(0, &fleet.address, "1");
    let queue = fleet.wait(pause);
    end(vec![worker]);
    assert_eq!(queue[0]["state"], "held", "{queue:?}");
    assert_eq!(cluster_rows(&fleet, "queued WHERE is_approved"), 0);
    assert_eq!(fleet.schools[0].sandbox.requests("update"), sent);
}

#[test]
fn the_console_does_not_release_a_queued_run_with_open_conflicts() {
    let Some(cluster) = shared() else { return };
    let whole = roster(0, 3);
    let texts = vec![vec![whole.clone()]];
    let ask = "unlimited\"\nconflicts = \"ask";
    let fleet = Fleet::new(cluster.database(), &texts, 1e6, ask);
    let moved = |to: &str| whole.replace("Skolgatan 1,", &format!("{to},"));
    let worked = |name: &str, to: &str| {
        fleet.folder.write(name, moved(to));
        let put = fleet.run(&["enqueue", name, "--profile", "s0"]);
        assert_eq!(put.status.code(), Some(0), "{}", stderr(&put));
        let worker = fleet.worker(0, &fleet.address, "1");
        let queue = fleet.wait(pause);
        end(vec![worker]);
        let is_own = |entry: &&serde_json::Value| entry["file"].as_str().unwrap().ends_with(name);
        queue.iter().find(is_own).unwrap().clone()
    };
    assert_eq!(worked("first.csv", "Nygatan 1")["state"], "finished");
    edit(&fleet, &moved("Egna vägen 1"));
    let held = worked("second.csv", "Storgatan 1");
    assert_eq!(held["state"], "held", "{held}");
    let run = held["run"].as_str().unwrap();
    let arguments = ["--state", &fleet.address, "--profile", "s0", "--lang", "en"];
    let console = Console::open(&fleet.folder, &arguments);
    let cookie = console.enter();
    let page = console.post(&cookie, &format!("/runs/{run}/do"), "what=approve");
    assert!(page.contains("--conflicts"), "{page}");
    assert_eq!(cluster_rows(&fleet, "queued WHERE is_approved"), 0);
    assert_eq!(cluster_rows(&fleet, "queued WHERE state = 'held'"), 1);
    let decided = fleet.run(&["approve", run, "--conflicts", "theirs"]);
    assert_eq!(decided.status.code(), Some(0), "{}", stderr(&decided));
    let page = console.post(&cookie, &format!("/runs/{run}/do"), "what=approve");
    assert!(!page.contains("--conflicts"), "{page}");
    assert_eq!(cluster_rows(&fleet, "queued WHERE is_approved"), 1);
}

#[test]
fn a_queued_run_waits_for_decisions_on_renumbering_and_conflicts() {
    let Some(cluster) = shared() else { return };
    let header = "identity_number,external_source_id,first_name,last_name";
    let seed = format!(
        "id,identity_temporary,{header}\n{},true,20100101-TF01,E-1,Åsa,Ek\n{},true,20100101-TF02,E-2,Kim,Bo\n{},false,{},E-3,Olle,Ek\n",
        plain_id(1),
        plain_id(2),
        plain_id(3),
        identity_number(3)
    );
    let text = |name: &str, rows: std::ops::RangeInclusive<usize>| {
        let row = |row: usize| {
            let names = [
                "Åsa,Ek".to_owned(),
                "Kim,Bo".to_owned(),
                format!("Olle,{name}"),
            ];
            format!("{},E-{row},{}\n", identity_number(row), names[row - 1])
        };
        format!("{header}\n{}", rows.map(row).collect::<String>())
    };
    let texts = vec![vec![seed]];
    let pace = (1e6, "unlimited");
    let fleet = Fleet::with(cluster.database(), &texts, pace, Sandbox::holding);
    let config = fleet.folder.path("rosterpatch.toml");
    let settings = std::fs::read_to_string(&config).unwrap() + "conflicts = \"ask\"\n";
    std::fs::write(config, settings).unwrap();
    let worker = fleet.worker(0, &fleet.address, "1");
    fleet.enqueue(0, &[text("Alm", 3..=3)]);
    fleet.wait(pause);
    let office = Folder::new();
    office.write("r.csv", text("Gran", 3..=3));
    let port = fleet.schools[0].port;
    let by_hand = format!("http://127.0.0.1:{port}/directory/v1");
    let output = office.with_sandbox(&crate::harness::import_of(&by_hand));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));

    fleet.enqueue(0, &[text("Lind", 1..=3)]);
    let held = |queue: &[serde_json::Value]| {
        let entry = queue.iter().find(|entry| entry["state"] == "held");
        entry.map(|entry| entry["run"].as_str().unwrap().to_owned())
    };
    let run = held(&fleet.wait(pause)).unwrap();
    let sandbox = &fleet.schools[0].sandbox;
    let before = sandbox.requests("update");
    // The first of the two decisions does not release the run.
    for (decision, is_last) in [(["--rows", "1"], false), (["--conflicts", "theirs"], true)] {
        assert_eq!(sandbox.requests("update"), before);
        let output = fleet.run(&["approve", &run, decision[0], decision[1]]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(held(&fleet.wait(pause)).is_none(), is_last, "{decision:?}");
    }
    end(vec![worker]);
    let students = sandbox.students();
    let of = |row: usize| {
        let student = &students[plain_id(row)];
        let name = student["lastName"].as_str().unwrap().to_owned();
        let number = student["identityNumber"].as_str().unwrap().to_owned();
        (number, student["identityTemporary"] == true, name)
    };
    assert_eq!(of(1), (identity_number(1), false, "Ek".to_owned()));
    assert_eq!(of(2), ("20100101-TF02".to_owned(), true, "Bo".to_owned()));
    assert_eq!(of(3), (identity_number(3), false, "Gran".to_owned()));
}

#[test]
fn a_worker_does_not_import_a_file_with_a_misspelled_header() {
    let Some(cluster) = shared() else { return };
    let texts = vec![vec![roster(0, 3)]];
    let fleet = Fleet::new(cluster.database(), &texts, 1e6, "unlimited");
    fleet.enqueue(0, &[roster(0, 3).replace("phone_number1", "Phone Numbr")]);
    let worker = fleet.worker(0, &fleet.address, "1");
    let queue = fleet.wait(pause);
    end(vec![worker]);
    assert_eq!(queue[0]["state"], "failed", "{queue:?}");
    let why = queue[0]["why"].as_str().unwrap();
    assert!(
        why.contains("column 6") && why.contains("[map.misspelt]"),
        "{why}"
    );
    assert_eq!(fleet.schools[0].sandbox.requests("update"), 0);
}

#[test]
fn a_stopped_worker_returns_its_files_to_the_queue() {
    let Some(cluster) = shared() else { return };
    let texts = vec![vec![roster(0, 900)]];
    // At this rate, reading the records takes a while.
    let slow = "20/s\"\nburst = \"1";
    let fleet = Fleet::new(cluster.database(), &texts, 1e6, slow);
    fleet.enqueue(0, &texts[0]);
    let worker = fleet.worker(0, &fleet.address, "1");
    let sandbox = &fleet.schools[0].sandbox;
    fleet.wait_while(|| sandbox.requests("list") + sandbox.requests("search") < 2);
    // While the worker plans.
    end(vec![worker]);
    let queue = fleet.queue();
    assert_eq!(queue[0]["state"], "waiting", "{queue:?}");
    assert_eq!(fleet.schools[0].sandbox.requests("update"), 0);
    // While the worker sends.
    let worker = fleet.worker(1, &fleet.address, "1");
    fleet.wait_while(|| sandbox.requests("update") < 20);
    end(vec![worker]);
    let queue = fleet.queue();
    assert_eq!(queue[0]["state"], "waiting", "{queue:?}");
    // A waiting run counts as in progress: it cannot be pruned, undone or imported a second time.
    let run = queue[0]["run"].as_str().unwrap();
    assert!(stdout(&fleet.run(&["runs"])).contains("running"));
    let pruned = fleet.run(&["runs", "prune", "--older-than", "0s"]);
    assert!(stdout(&pruned).contains("1 run"), "{}", stdout(&pruned));
    assert!(stdout(&fleet.run(&["runs"])).contains(run));
    let undone = fleet.run(&["undo", run, "--yes", "--profile", "s0"]);
    assert_eq!(undone.status.code(), Some(1), "{}", stdout(&undone));
    let beside = fleet.run(&["import", "s0-0.csv", "--yes", "--profile", "s0"]);
    assert_eq!(beside.status.code(), Some(7), "{}", stderr(&beside));
}

#[test]
fn the_older_of_two_files_with_the_same_quota_is_sent_first() {
    let Some(cluster) = shared() else { return };
    let older = roster(0, 1_500);
    let newer = older.replace("Skolgatan", "Nygatan");
    let texts = vec![vec![older, newer]];
    let fleet = Fleet::new(cluster.database(), &texts, 1e6, "unlimited");
    fleet.enqueue(0, &texts[0]);
    let worker = fleet.worker(0, &fleet.address, "2");
    let queue = fleet.wait(pause);
    end(vec![worker]);
    assert!(
        queue.iter().all(|entry| entry["state"] == "finished"),
        "{queue:?}"
    );
    let students = fleet.schools[0].sandbox.students();
    let address = &students[plain_id(700)]["address"]["postalAddress"];
    assert_eq!(address, "Nygatan 700", "what was dropped last holds");
}

#[test]
fn a_canary_is_read_back_if_another_batch_sent_it() {
    let Some(cluster) = shared() else { return };
    let texts = vec![vec![roster(0, 40)]];
    // The rate is below a batch's maximum wait, so the first rows are sent and read back in separate batches.
    let slow = "1200/h\"\nburst = \"5\"\ncanary = \"3";
    let fleet = Fleet::new(cluster.database(), &texts, 1e6, slow);
    fleet.enqueue(0, &texts[0]);
    let worker = fleet.worker(0, &fleet.address, "1");
    fleet.wait_while(|| fleet.schools[0].sandbox.requests("update") < 5);
    end(vec![worker]);
    let read = fleet.schools[0].sandbox.requests("read");
    assert!(
        read >= 3,
        "{:?}",
        fleet.schools[0].sandbox.stats()["requests"]
    );
}

#[test]
fn a_rate_limited_run_does_not_occupy_a_worker() {
    let Some(cluster) = shared() else { return };
    let texts = vec![vec![roster(0, 60)], vec![roster(0, 60)]];
    // A burst of eight and one request every three seconds: neither run ends during the test.
    let fleet = Fleet::new(cluster.database(), &texts, 1e6, "1200/h\"\nburst = \"8");
    fleet.enqueue(0, &texts[0]);
    fleet.enqueue(1, &texts[1]);
    let worker = fleet.worker(0, &fleet.address, "1");
    // One worker with one batch at a time lets both schools use their quotas.
    fleet.wait_while(|| {
        fleet
            .schools
            .iter()
            .any(|school| school.sandbox.requests("update") == 0)
    });
    let later = |entry: &serde_json::Value| entry["state"] == "waiting" && entry["run"].is_string();
    fleet.wait_while(|| !fleet.queue().iter().all(later));
    end(vec![worker]);
    // Between two batches, the progress and the estimated finish are shown.
    let entry = &fleet.queue()[0];
    let run = entry["run"].as_str().unwrap();
    let shown = stdout(&fleet.run(&["show", run]));
    let place = format!("number {}, waiting", entry["id"]);
    assert!(
        shown.contains(&place) && shown.contains("so far"),
        "{shown}"
    );
    assert!(
        shown.contains("done by ") && !shown.contains(" 0 requests"),
        "{shown}"
    );
    let shown = stdout(&fleet.run(&["show", run, "--format", "json"]));
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let left = shown["to_send"].as_u64().unwrap();
    assert_eq!(
        left + shown["updated"].as_u64().unwrap() + shown["unchanged"].as_u64().unwrap(),
        60
    );
    // One request every three seconds.
    assert_eq!(shown["estimated_s"].as_f64().unwrap(), left as f64 * 3.0);
    assert_eq!(shown["queued"]["state"], "waiting");
    let resumed = fleet.run(&["resume", run]);
    assert!(stdout(&resumed).contains("already"), "{}", stdout(&resumed));
    for school in &fleet.schools {
        assert!(
            school.sandbox.stats()["requests"]["update"]
                .as_u64()
                .unwrap()
                < 60
        );
    }
}

#[test]
fn a_batch_does_not_repeat_requests_of_earlier_batches() {
    let Some(cluster) = shared() else { return };
    // Ten pages of records, with a burst of three and then one request every three seconds.
    let texts = vec![vec![roster(0, 500)], vec![roster(0, 3)]];
    let slow = "1200/h\"\nburst = \"3";
    let fleet = Fleet::new(cluster.database(), &texts, 1e6, slow);
    fleet.enqueue(0, &texts[0]);
    let sandbox = &fleet.schools[0].sandbox;
    let read = || sandbox.requests("list") + sandbox.requests("search");
    let wait_for = |is_there: &dyn Fn() -> bool| fleet.wait_while(|| !is_there());
    let kept = || cluster_rows(&fleet, "answer");
    let mut worker = fleet.worker(0, &fleet.address, "1");
    wait_for(&|| kept() >= 4);
    // The stored answers survive a worker that is killed between or during batches.
    signal(worker.id(), "KILL");
    worker.wait().unwrap();
    let worker = fleet.worker(1, &fleet.address, "1");
    wait_for(&|| read() > 5);
    // Between two planning batches, the only worker processes another school's file.
    fleet.enqueue(1, &texts[1]);
    wait_for(&|| fleet.schools[1].sandbox.requests("update") > 0);
    assert_eq!(sandbox.requests("update"), 0, "it is still planned");
    wait_for(&|| sandbox.requests("update") > 0);
    end(vec![worker]);
    let read = read();
    // The page in progress when the worker was killed may be read twice.
    assert!((10..=12).contains(&read), "{read} pages read of ten");
    // Students that were not found are read one by one.
    let read = read + sandbox.requests("read");
    assert_eq!(kept(), 0, "what is in the plan is kept nowhere else");
    let journal = Journal::open(&fleet.state()).unwrap();
    let runs = journal.runs().unwrap();
    let run = runs.iter().find(|run| run.file.ends_with("s0-0.csv"));
    let (_, requests) = journal.plan(run.unwrap().id).unwrap();
    assert!(
        (10..=read).contains(&requests),
        "{requests} are in its account: {}",
        sandbox.stats()["requests"]
    );
}

#[test]
fn unused_stored_answers_are_deleted_after_a_day() {
    let Some(cluster) = shared() else { return };
    let texts = vec![vec![roster(0, 200)]];
    let fleet = Fleet::new(cluster.database(), &texts, 1e6, "1200/h\"\nburst = \"2");
    fleet.enqueue(0, &texts[0]);
    let worker = fleet.worker(0, &fleet.address, "1");
    fleet.wait_while(|| cluster_rows(&fleet, "answer") < 2);
    end(vec![worker]);
    let state = fleet.state();
    let journal = Journal::open(&state).unwrap();
    let run = journal.runs().unwrap().remove(0).id;
    let age = |hours: i32| {
        let older = "UPDATE answer SET at = at - make_interval(hours => $1)";
        let changed = state.database().unwrap();
        changed
            .change(|tables| tables.execute(older, &[&hours]))
            .unwrap();
        journal.questions(run).unwrap();
        cluster_rows(&fleet, "answer")
    };
    assert!(age(20) >= 2, "they are a day's work");
    assert_eq!(age(5), 0);

    // Resuming a run after more than a day reads all records again.
    let read =
        fleet.schools[0].sandbox.requests("list") + fleet.schools[0].sandbox.requests("search");
    let worker = fleet.worker(1, &fleet.address, "1");
    fleet.wait_while(|| cluster_rows(&fleet, "answer") == 0);
    end(vec![worker]);
    let sandbox = &fleet.schools[0].sandbox;
    assert!(sandbox.requests("list") + sandbox.requests("search") > read);
    assert_eq!(sandbox.requests("update"), 0);
    // Removing a file from the queue deletes its stored answers.
    let id = fleet.queue()[0]["id"].to_string();
    let removed = fleet.run(&["queue", "--remove", &id]);
    assert_eq!(removed.status.code(), Some(0), "{}", stderr(&removed));
    assert_eq!(cluster_rows(&fleet, "answer"), 0);
    // No worker resumes the run on its own.
    let run = fleet.queue()[0]["run"].as_str().unwrap().to_owned();
    let shown = stdout(&fleet.run(&["show", &run]));
    for text in ["interrupted", "0 of 200 rows done", "resume"] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
}

#[test]
fn an_approved_run_counts_as_in_progress_while_it_is_planned_again() {
    let Some(cluster) = shared() else { return };
    // Four pages to read, with a burst of two; more than half of the rows have no name.
    let text = roster(0, 400).replacen("Åsa,Ek", ",", 220);
    let texts = vec![vec![text]];
    let fleet = Fleet::new(cluster.database(), &texts, 1e6, "1200/h\"\nburst = \"2");
    fleet.enqueue(0, &texts[0]);
    let worker = fleet.worker(0, &fleet.address, "1");
    let queue = fleet.wait(pause);
    assert_eq!(queue[0]["state"], "held", "{queue:?}");
    let run = queue[0]["run"].as_str().unwrap();
    let shown = stdout(&fleet.run(&["show", run]));
    assert!(
        shown.contains("number 1, held") && !shown.contains("so far"),
        "{shown}"
    );
    assert_eq!(cluster_rows(&fleet, "answer"), 0);
    let approved = fleet.run(&["approve", run]);
    assert_eq!(approved.status.code(), Some(0), "{}", stderr(&approved));
    fleet.wait_while(|| cluster_rows(&fleet, "answer") == 0);
    let shown = stdout(&fleet.run(&["show", run]));
    assert!(
        shown.contains("planning") && !shown.contains("rosterpatch approve"),
        "{shown}"
    );
    let beside = fleet.run(&["import", "s0-0.csv", "--yes", "--profile", "s0"]);
    assert_eq!(beside.status.code(), Some(7), "{}", stderr(&beside));
    fleet.wait_while(|| fleet.schools[0].sandbox.requests("update") == 0);
    end(vec![worker]);
}

#[test]
fn an_announced_rate_limit_applies_to_the_next_batch() {
    let Some(cluster) = shared() else { return };
    let local = Folder::new();
    let state = State::in_database(&cluster.database(), None, &local.path("local")).unwrap();
    let rate = |text: &str| text.parse::<Rate>().unwrap();
    let pacer = || {
        let pace = Pace {
            share: 0.5,
            ..Pace::of(rate("1500/h"), 1500)
        };
        let store = QuotaStore::open(&state, "school").unwrap();
        Pacer::new(pace, Arc::new(SystemClock), Some(store)).unwrap()
    };
    assert_eq!(pacer().quota(), (rate("750/h"), 750));
    pacer().observe(Some(rate("300/h")), None, 0);
    assert_eq!(pacer().quota(), (rate("150/h"), 150));
    // An old announcement is ignored.
    let older = "UPDATE quota SET announced_at = announced_at - interval '25 hours'";
    let database = state.database().unwrap();
    database
        .change(|tables| tables.execute(older, &[]))
        .unwrap();
    assert_eq!(pacer().quota(), (rate("750/h"), 750));
}

#[test]
fn a_sweep_enqueues_files_and_fetches_their_results() {
    let Some(cluster) = shared() else { return };
    let texts = vec![vec![roster(0, 30)]];
    let fleet = Fleet::new(cluster.database(), &texts, 1e6, "unlimited");
    fleet.make_inbox("");
    fleet.folder.write("inbox/s0-0.csv", &texts[0][0]);
    fleet.folder.write("inbox/s0-1.csv", "no,header\n1,2\n");
    let sweep = || fleet.run(&["sweep", "inbox", "--enqueue", "--settle", "0s"]);
    let first = sweep();
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    assert_eq!(
        stdout(&first).matches("in the queue").count(),
        2,
        "{}",
        stdout(&first)
    );
    let second = sweep();
    assert_eq!(stdout(&second), "2 files: 2 waiting for the next sweep\n");
    let worker = fleet.worker(0, &fleet.address, "1");
    fleet.wait(pause);
    end(vec![worker]);
    let third = sweep();
    assert_eq!(
        third.status.code(),
        Some(1),
        "{}\n{}",
        stdout(&third),
        stderr(&third)
    );
    assert!(stdout(&third).contains("s0-0.csv"), "{}", stdout(&third));
    let day = |place: &str| {
        let mut days = std::fs::read_dir(fleet.folder.path(place)).unwrap();
        days.next().unwrap().unwrap().path()
    };
    let names = |folder: PathBuf| -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap().flatten();
        entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect()
    };
    let failed = names(day("inbox/failed"));
    assert!(failed.contains(&"s0-1.error.txt".to_owned()), "{failed:?}");
    let done = names(day("inbox/done"));
    assert!(done.contains(&"s0-0.results.csv".to_owned()), "{done:?}");
    assert!(
        std::fs::read_dir(fleet.folder.path("inbox/processing"))
            .unwrap()
            .next()
            .is_none()
    );
}

#[test]
fn an_older_file_of_the_same_name_is_not_enqueued() {
    let Some(cluster) = shared() else { return };
    let texts = vec![vec![roster(0, 3)]];
    let fleet = Fleet::new(cluster.database(), &texts, 1e6, "unlimited");
    fleet.make_inbox(&format!("metrics = \"run.prom\"\n{TELLS}"));
    let sweep = |further: &[&str]| {
        let sweep = ["sweep", "inbox", "--enqueue", "--settle", "0s"];
        fleet.run(&[&sweep[..], further].concat())
    };
    fleet.folder.write("inbox/s0-0.csv", &texts[0][0]);
    let first = sweep(&["--format", "json"]);
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    let closing: serde_json::Value =
        serde_json::from_str(stdout(&first).lines().last().unwrap()).unwrap();
    assert_eq!(
        (&closing["files"], &closing["fates"]["waiting"]),
        (&1.into(), &1.into())
    );
    let worker = fleet.worker(0, &fleet.address, "1");
    fleet.wait(pause);
    end(vec![worker]);
    // An older file arrives before the results of the newer one are fetched.
    let older = fleet.folder.write("inbox/s0-0.csv", roster(0, 2));
    let file = std::fs::File::options().append(true).open(older).unwrap();
    let last_week = std::time::SystemTime::now() - Duration::from_secs(7 * 86_400);
    file.set_modified(last_week).unwrap();
    let second = sweep(&[]);
    assert_eq!(second.status.code(), Some(1), "{}", stderr(&second));
    let told = stderr(&second);
    assert!(
        told.contains("s0-0.csv: ") && told.contains("[inbox.older]"),
        "{told}"
    );
    assert!(
        stdout(&second).ends_with("2 files: 1 done, 1 failed\n"),
        "{}",
        stdout(&second)
    );
    let listed = fleet.run(&["runs", "--since", "1d", "--format", "json"]);
    let listed: serde_json::Value = serde_json::from_str(&stdout(&listed)).unwrap();
    let refused = &listed.as_array().unwrap()[0];
    assert_eq!(
        (&refused["fate"], &refused["why"]["code"]),
        (&"failed".into(), &"inbox.older".into())
    );
    let moved = refused["file"].as_str().unwrap();
    assert!(
        moved.contains("/failed/") && std::fs::exists(moved).unwrap(),
        "{moved}"
    );
    let notified = std::fs::read_to_string(fleet.folder.path("told.jsonl")).unwrap();
    assert_eq!(
        notified.matches("\"code\":\"inbox.older\"").count(),
        1,
        "{notified}"
    );
    let metrics = std::fs::read_to_string(fleet.folder.path("run.prom")).unwrap();
    assert!(metrics.contains("rosterpatch_inbox_files{"), "{metrics}");
    let queue = stdout(&fleet.run(&["queue", "--all", "--format", "json"]));
    assert_eq!(queue.matches("\"id\"").count(), 1, "{queue}");
    // `--again` imports it.
    std::fs::rename(moved, fleet.folder.path("inbox/s0-0.csv")).unwrap();
    let again = sweep(&["--again"]);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    assert!(
        stdout(&again).contains("in the queue"),
        "{}",
        stdout(&again)
    );
}

#[test]
fn a_worker_without_credentials_leaves_a_file_to_others() {
    let Some(cluster) = shared() else { return };
    let texts = vec![vec![roster(0, 20)]];
    let fleet = Fleet::new(cluster.database(), &texts, 1e6, "unlimited");
    fleet.enqueue(0, &texts[0]);
    let log = std::fs::File::create(fleet.folder.path("worker-0.log")).unwrap();
    let mut command = fleet.command(0, &fleet.address);
    for (name, _) in OF_SANDBOX {
        command.env_remove(name);
    }
    let without = Started(command.arg("work").stdout(log).spawn().unwrap());
    fleet.wait_while(|| fleet.queue()[0]["why"].is_null());
    let entry = &fleet.queue()[0];
    assert_eq!(entry["state"], "waiting", "{entry}");
    assert!(
        entry["why"].as_str().unwrap().contains("MEITNER_CLIENT"),
        "{entry}"
    );
    let with = fleet.worker(1, &fleet.address, "1");
    let queue = fleet.wait(pause);
    end(vec![without, with]);
    assert_eq!(queue[0]["state"], "finished", "{queue:?}");

    fleet.folder.write("other.csv", roster(20, 5));
    let put = fleet.run(&["enqueue", "other.csv", "--profile", "s0"]);
    assert_eq!(put.status.code(), Some(0), "{}", stderr(&put));
    let number = fleet
        .queue()
        .iter()
        .find(|entry| entry["state"] == "waiting")
        .unwrap()["id"]
        .to_string();
    let removed = fleet.run(&["queue", "--remove", &number]);
    assert_eq!(removed.status.code(), Some(0), "{}", stderr(&removed));
    assert!(
        fleet
            .queue()
            .iter()
            .all(|entry| entry["state"] != "waiting")
    );
    let again = fleet.run(&["queue", "--remove", "999"]);
    assert_eq!(again.status.code(), Some(1));
}

#[test]
fn removing_a_file_does_not_affect_others_with_the_same_quota() {
    let Some(cluster) = shared() else { return };
    let texts = vec![vec![roster(0, 300)]];
    let fleet = Fleet::new(cluster.database(), &texts, 1e6, "60/s");
    fleet.enqueue(0, &texts[0]);
    fleet.folder.write("other.csv", roster(300, 5));
    let put = fleet.run(&["enqueue", "other.csv", "--profile", "s0"]);
    assert_eq!(put.status.code(), Some(0), "{}", stderr(&put));
    let worker = fleet.worker(0, &fleet.address, "2");
    fleet.wait_while(|| fleet.schools[0].sandbox.requests("update") < 20);
    let removed = fleet.run(&["queue", "--remove", "2"]);
    assert_eq!(removed.status.code(), Some(0), "{}", stderr(&removed));
    let queue = fleet.wait(pause);
    end(vec![worker]);
    let of = |id: i64| queue.iter().find(|entry| entry["id"] == id).unwrap();
    assert_eq!(of(1)["state"], "finished", "{queue:?}");
    assert_eq!(of(1)["slices"], 1, "its slice went on: {queue:?}");
    assert_eq!(of(2)["state"], "stopped", "{queue:?}");
}

#[test]
fn a_database_connection_requires_a_trusted_certificate() {
    let Some(cluster) = shared() else { return };
    let texts = vec![vec![roster(0, 10)]];
    let secret = |address: &str| {
        let address = address.replace("127.0.0.1", "localhost");
        address.replace("sslmode=disable", "sslmode=verify-full")
    };
    let address = secret(&cluster.database());
    let fleet = Fleet::new(address.clone(), &texts, 1e6, "unlimited");
    let stranger = fleet.run(&["queue"]);
    assert_eq!(stranger.status.code(), Some(1), "{}", stdout(&stranger));
    let trusting = |arguments: &[&str]| {
        let mut command = fleet.command(0, &address);
        command
            .env("PGSSLROOTCERT", cluster.certificate())
            .args(arguments);
        command
    };
    fleet.folder.write("s0-0.csv", &texts[0][0]);
    let put = trusting(&["enqueue", "s0-0.csv", "--profile", "s0"])
        .output()
        .unwrap();
    assert_eq!(put.status.code(), Some(0), "{}", stderr(&put));
    // The connections of the journal and those of the queue.
    let worker = trusting(&["work"]).stdout(Stdio::null()).spawn();
    let worker = Started(worker.unwrap());
    let began = Instant::now();
    loop {
        let queue = trusting(&["queue", "--all", "--format", "json"])
            .output()
            .unwrap();
        if stdout(&queue).contains("\"finished\"") {
            break;
        }
        assert!(began.elapsed() < HANG, "{}", stdout(&queue));
        std::thread::sleep(Duration::from_millis(100));
    }
    end(vec![worker]);
}

#[test]
fn the_sample_database_roles_are_sufficient() {
    let Some(cluster) = shared() else { return };
    let name = cluster.empty_database();
    let grants = repository().join("samples/fleet/grants.sql");
    let grants = std::fs::read_to_string(grants).unwrap();
    cluster.psql(&name, &grants);
    let of = |role: &str| {
        cluster
            .address(&name)
            .replace("tester@", &format!("{role}@"))
    };
    let texts = vec![vec![roster(0, 20)]];
    let fleet = Fleet::new(of("rosterpatch_worker"), &texts, 1e6, "unlimited");
    // The worker role cannot create the tables; the owner role can.
    assert_eq!(fleet.run(&["database", "migrate"]).status.code(), Some(1));
    let mut owner = fleet.command(98, &of("rosterpatch_owner"));
    let made = owner.args(["database", "migrate"]).output().unwrap();
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    cluster.psql(&name, &grants);
    fleet.enqueue(0, &texts[0]);
    let worker = fleet.worker(0, &fleet.address, "1");
    let queue = fleet.wait(pause);
    end(vec![worker]);
    assert_eq!(queue[0]["state"], "finished", "{queue:?}");
    let run = queue[0]["run"].as_str().unwrap();
    let undone = fleet.run(&["undo", run, "--yes", "--profile", "s0"]);
    assert_eq!(undone.status.code(), Some(0), "{}", stderr(&undone));
    let pruned = fleet.run(&["runs", "prune", "--older-than", "0s"]);
    assert_eq!(pruned.status.code(), Some(0), "{}", stderr(&pruned));
    let metrics = fleet.run(&["queue", "--metrics", "queue.prom"]);
    assert_eq!(metrics.status.code(), Some(0), "{}", stderr(&metrics));
    let text = std::fs::read_to_string(fleet.folder.path("queue.prom")).unwrap();
    assert!(
        text.contains("# TYPE rosterpatch_queue_late gauge"),
        "{text}"
    );
}

#[test]
fn a_held_queued_run_is_approved_and_undone_in_the_console() {
    let Some(cluster) = shared() else { return };
    let fleet = Fleet::new(cluster.database(), &[vec![roster(0, 30)]], 1e6, "unlimited");
    // More than half of the rows have no name.
    fleet
        .folder
        .write("held.csv", roster(0, 20).replacen("Åsa,Ek", ",", 12));
    fleet.folder.write("well.csv", roster(20, 10));
    for file in ["held.csv", "well.csv"] {
        let put = fleet.run(&["enqueue", file, "--profile", "s0"]);
        assert_eq!(put.status.code(), Some(0), "{}", stderr(&put));
    }
    let worker = fleet.worker(0, &fleet.address, "1");
    fleet.wait(pause);
    let arguments = ["--state", &fleet.address, "--profile", "s0", "--lang", "en"];
    let console = Console::open(&fleet.folder, &arguments);
    let out = fleet.folder.path("");
    let Some(steps) = console.walk("fleet", &[("OUT", out.to_str().unwrap())]) else {
        end(vec![worker]);
        return;
    };
    end(vec![worker]);
    assert_eq!(steps["runs"], 2);
    let held = steps["held"].as_str().unwrap();
    assert!(held.contains("12 of 20 rows have faults"), "{held}");
    let ended = steps["ended"].as_str().unwrap();
    assert!(
        ended.contains("finished") && ended.contains("12 need attention"),
        "{ended}"
    );
    assert_eq!(fleet.folder.csv("held.results.csv", b',').len(), 21);
    assert!(
        steps["undone"].as_str().unwrap().contains("restored"),
        "{steps}"
    );
}

#[test]
fn an_undo_fences_off_the_previous_owner_of_the_run() {
    let Some(cluster) = shared() else { return };
    let fleet = Fleet::new(cluster.database(), &[vec![roster(0, 5)]], 1e6, "unlimited");
    for (name, text) in [
        (
            "changed.csv",
            roster(0, 5).replace("Skolgatan", "Kyrkogatan"),
        ),
        (
            "same.csv",
            roster(0, 5).replace("Skolgatan", "Kyrkogatan") + "\n",
        ),
    ] {
        fleet.folder.write(name, text);
        let imported = fleet.run(&["import", name, "--profile", "s0", "--yes"]);
        assert_eq!(imported.status.code(), Some(0), "{}", stderr(&imported));
        // A suspended process on another machine that lost its connection, and with it its locks.
        let mut asleep = Journal::open(&fleet.state()).unwrap();
        let run = asleep.run(None).unwrap();
        asleep.take_over(run.id).unwrap();
        asleep.set_state(run.id, RunState::Interrupted).unwrap();
        asleep.set_plan(run.id, "{}", 0).unwrap();
        let undone = fleet.run(&["undo", &run.name, "--yes"]);
        assert_eq!(undone.status.code(), Some(0), "{}", stderr(&undone));
        let state = Journal::open(&fleet.state()).unwrap().run(Some(&run.name));
        assert_eq!(state.unwrap().state, RunState::Undone);
        let woken = asleep.set_plan(run.id, "{}", 0);
        assert!(
            matches!(woken, Err(JournalError::TakenOver)),
            "{name}: {woken:?}"
        );
        if name == "changed.csv" {
            let again = fleet.run(&["import", name, "--profile", "s0", "--yes", "--fresh"]);
            assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
        }
    }
}

#[test]
fn a_worker_waits_for_an_unavailable_database_and_reports_it() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let texts = vec![vec![roster(0, 20)]];
    let fleet = Fleet::new(cluster.database(), &texts, 1e6, "unlimited");
    let mut worker = fleet.worker(0, &fleet.address, "1");
    let logged = |text: &str| {
        fleet.wait_while(|| {
            !std::fs::read_to_string(fleet.folder.path("worker-0.log"))
                .unwrap()
                .contains(text)
        });
    };
    fleet.folder.write("first.csv", roster(0, 1));
    let put = fleet.run(&["enqueue", "first.csv", "--profile", "s0"]);
    assert_eq!(put.status.code(), Some(0), "{}", stderr(&put));
    fleet.wait(pause);
    cluster.stop_server();
    logged("the database cannot be reached");
    assert!(worker.try_wait().unwrap().is_none(), "it waits");
    // Other commands report that the database is unavailable and that nothing was done.
    let away = fleet.run(&["enqueue", "rosterpatch.toml", "--profile", "s0"]);
    assert_eq!(away.status.code(), Some(1));
    assert!(stderr(&away).contains("postgres://"), "{}", stderr(&away));
    cluster.start_server();
    fleet.enqueue(0, &texts[0]);
    let mut queue = fleet.wait(pause);
    end(vec![worker]);
    queue.retain(|entry| !entry["file"].as_str().unwrap().ends_with("first.csv"));
    assert_eq!(accounts(&fleet, &texts, &queue), 0);
}

#[test]
fn resuming_a_run_and_starting_its_batch_do_not_deadlock() {
    let Some(cluster) = shared() else { return };
    let texts = vec![vec![roster(0, 20)]];
    let fleet = Fleet::new(cluster.database(), &texts, 1e6, "unlimited");
    fleet.enqueue(0, &texts[0]);
    let name = fleet.address.rsplit('/').next().unwrap();
    let name = name.split('?').next().unwrap();
    let waits = "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let state = fleet.state();
    let database = state.database().unwrap();
    let mut worker = None;
    let queue: String = database
        .change(|tables| {
            let sql = "SELECT job_queues.queue_name FROM rosterpatch_queue._private_jobs AS jobs
                       JOIN rosterpatch_queue._private_job_queues AS job_queues
                       ON job_queues.id = jobs.job_queue_id";
            rosterpatch::journal::cell(&tables.one(sql, &[])?, 0)
        })
        .unwrap();
    // The steps of `resume`, with a worker that starts between them.
    let resumed = database.change(|tables| {
        tables.execute("UPDATE queued SET is_approved = is_approved", &[])?;
        worker = Some(fleet.worker(0, &fleet.address, "1"));
        let began = Instant::now();
        while cluster.psql(name, waits) == "0" {
            assert!(began.elapsed() < HANG, "{}", fleet.logs());
        }
        tables.rows(
            "SELECT id FROM rosterpatch_queue.add_job('slice',
                 json_build_object('id', 1, 'queue', $1::text), $1::text, now(), job_key => 'file 1')",
            &[&queue],
        )?;
        Ok(())
    });
    resumed.unwrap();
    let queue = fleet.wait(pause);
    end(vec![worker.unwrap()]);
    assert_eq!(accounts(&fleet, &texts, &queue), 0);
    let log = std::fs::read_to_string(fleet.folder.path("worker-0.log")).unwrap();
    // PostgreSQL's code for a deadlock; the log contains no error texts.
    assert!(!log.contains("40P01"), "{log}");
}

#[test]
fn a_full_database_disk_stops_the_run_and_keeps_acknowledged_rows() {
    let Some(cluster) = Cluster::start_on_a_disk(220) else {
        return;
    };
    let texts = vec![vec![roster(0, 3_000)]];
    let fleet = Fleet::new(cluster.database(), &texts, 1e6, "2000/s");
    fleet.folder.write("r.csv", &texts[0][0]);
    let import = ["import", "r.csv", "--yes", "--profile", "s0"];
    let filler = cluster.folder().join("filler");
    let sandbox = &fleet.schools[0].sandbox;
    let mut importing = fleet.command(0, &fleet.address);
    let log = std::fs::File::create(fleet.folder.path("worker-0.log")).unwrap();
    let mut process = Started(importing.args(import).stderr(log).spawn().unwrap());
    let began = Instant::now();
    fleet.wait_while(|| sandbox.requests("update") < 100);
    // Fill the rest of the disk.
    let full = Command::new("dd")
        .args(["if=/dev/zero", "bs=64k"])
        .arg(format!("of={}", filler.display()))
        .stderr(Stdio::null())
        .status();
    assert!(!full.unwrap().success());
    let code = process.wait().unwrap().code();
    let sent = sandbox.requests("update");
    if code != Some(1) {
        panic!("{code:?} after {sent}: {}", fleet.logs());
    }
    assert!(sent < 3_000, "{sent}");
    let told = std::fs::read_to_string(fleet.folder.path("worker-0.log")).unwrap();
    assert!(told.contains("journal"), "{told}");
    std::fs::remove_file(filler).unwrap();
    while Journal::open(&fleet.state()).is_err() {
        assert!(began.elapsed() < HANG, "it does not come back");
        std::thread::sleep(Duration::from_millis(100));
    }
    let again = fleet.run(&import);
    let code = again.status.code();
    assert!(matches!(code, Some(0 | 3)), "{code:?} {}", stderr(&again));
    assert_eq!(fleet.folder.csv("r.results.csv", b',').len(), 3_001);
    let stats = sandbox.stats();
    let journal = Journal::open(&fleet.state()).unwrap();
    let run = journal.runs().unwrap().remove(0).id;
    let mut twice = 0;
    for outcome in journal.outcomes(run, 1, u64::MAX).unwrap() {
        let id = plain_id(usize::try_from(outcome.row).unwrap());
        let heard = stats["records"][&id]["acknowledged"].as_u64().unwrap_or(0);
        // The journal counts at least as many attempts as the API acknowledged.
        assert!(
            heard <= u64::from(outcome.attempts),
            "{id} {heard} {outcome:?}"
        );
        twice += usize::from(heard > 1);
    }
    println!("{sent} sent before the disk was full, {twice} acknowledged twice");
}

#[test]
fn a_damaged_database_record_is_reported_and_others_stay_usable() {
    let Some(cluster) = shared() else { return };
    let fleet = Fleet::new(cluster.database(), &[vec![roster(0, 5)]], 1e6, "unlimited");
    fleet
        .folder
        .write("r.csv", roster(0, 5).replace("Åsa", "Bo"));
    let sent = fleet.run(&[
        "import",
        "r.csv",
        "--yes",
        "--profile",
        "s0",
        "--format",
        "json",
    ]);
    assert_eq!(sent.status.code(), Some(0), "{}", stderr(&sent));
    let summary: serde_json::Value = serde_json::from_str(&stdout(&sent)).unwrap();
    let run = summary["run"].as_str().unwrap();
    let state = fleet.state();
    let damage = |sql: &str| {
        let database = state.database().unwrap();
        assert_eq!(
            database.change(|tables| tables.execute(sql, &[])).unwrap(),
            1,
            "{sql}"
        );
    };
    // An outcome: the row is reported as damaged, and the other rows are unchanged.
    damage("UPDATE outcome SET state = 'banana' WHERE id & 255 = 2");
    let again = fleet.run(&["report", run, "--results", "again.csv"]);
    assert_eq!(again.status.code(), Some(1), "{}", stderr(&again));
    let text = stderr(&again);
    assert!(text.contains("row 2") && text.contains(run), "{text}");
    let results = fleet.folder.csv("again.csv", b',');
    let states: Vec<&str> = results[1..].iter().map(|row| row[7].as_str()).collect();
    assert_eq!(
        states,
        ["updated", "failed", "updated", "updated", "updated"]
    );
    assert!(results[2].iter().any(|cell| cell == "journal.damaged"));
    // The same if only its time is damaged.
    let soon = i64::MAX;
    damage(&format!(
        "UPDATE outcome SET state = 'updated', at = {soon} WHERE id & 255 = 2"
    ));
    let again = fleet.run(&["report", run, "--results", "again.csv"]);
    assert_eq!(again.status.code(), Some(1), "{}", stderr(&again));
    let text = stderr(&again);
    assert!(text.contains("row 2") && text.contains(run), "{text}");
    damage("UPDATE outcome SET at = 0 WHERE id & 255 = 2");
    // The changes of a row: the other rows are undone, and the row is reported.
    damage("UPDATE planned SET changes = '[{' WHERE id & 255 = 4");
    let undone = fleet.run(&["undo", run, "--yes", "--profile", "s0"]);
    assert_eq!(undone.status.code(), Some(1), "{}", stderr(&undone));
    let text = stderr(&undone);
    assert!(text.contains("row 4") && text.contains(run), "{text}");
    let students = fleet.schools[0].sandbox.students();
    let names: Vec<&str> = (1..=5)
        .map(|row| students[plain_id(row)]["firstName"].as_str().unwrap())
        .collect();
    assert_eq!(
        names.iter().filter(|name| **name == "Bo").count(),
        1,
        "{names:?}"
    );
    assert_eq!(names[3], "Bo");
    // A run: the other runs are listed.
    damage(&format!(
        "UPDATE run SET state = 'banana' WHERE name = '{run}'"
    ));
    let listed = fleet.run(&["runs"]);
    assert_eq!(listed.status.code(), Some(1));
    assert_eq!(
        stdout(&listed).lines().count() - 1,
        1,
        "{}",
        stdout(&listed)
    );
    let text = stderr(&listed);
    assert!(text.contains(run) && text.contains("banana"), "{text}");
    let pruned = fleet.run(&["runs", "prune", "--older-than", "0s"]);
    assert_eq!(pruned.status.code(), Some(1));
    assert!(
        stderr(&pruned).contains("1 run kept"),
        "{}",
        stderr(&pruned)
    );
}

#[test]
fn commands_that_need_a_database_explain_how_to_create_one() {
    let folder = Folder::new();
    folder.write("r.csv", roster(0, 1));
    for arguments in ["enqueue r.csv", "queue", "work", "database migrate"] {
        let output = folder.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        assert!(
            stderr(&output).contains("postgres://"),
            "{}",
            stderr(&output)
        );
    }
    let wrong = folder.run("queue --state postgres://%%%");
    assert_eq!(wrong.status.code(), Some(1));
    let Some(cluster) = shared() else { return };
    let address = cluster.address(&cluster.empty_database());
    let empty = folder.run(&format!("runs --state {address}"));
    assert_eq!(empty.status.code(), Some(1));
    assert!(
        stderr(&empty).contains("database migrate"),
        "{}",
        stderr(&empty)
    );
    for told in ["is ready", "already"] {
        let made = folder.run(&format!("database migrate --state {address}"));
        assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
        assert!(stdout(&made).contains(told), "{}", stdout(&made));
    }
    let database = address
        .rsplit('/')
        .next()
        .unwrap()
        .split('?')
        .next()
        .unwrap();
    let runs = folder.run(&format!("runs --state {address}"));
    assert_eq!(runs.status.code(), Some(0), "{}", stderr(&runs));
    cluster.psql(
        database,
        "UPDATE rosterpatch.version SET format = format + 1",
    );
    let newer = folder.run(&format!("runs --state {address}"));
    assert_eq!(newer.status.code(), Some(1));
    assert!(
        stderr(&newer).contains("newer version"),
        "{}",
        stderr(&newer)
    );
}

/// Forty files of ten schools and eight workers. A worker is killed every second, one is frozen until its
/// lease has expired, one loses its connection, and the database restarts twice.
#[test]
fn every_row_survives_killed_frozen_and_disconnected_workers() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let database = {
        let name = cluster.empty_database();
        cluster.address(&name)
    };
    let texts: Vec<Vec<String>> = (0..10)
        .map(|_| (0..4).map(|file| roster(file * 500, 500)).collect())
        .collect();
    let fleet = Fleet::new(database.clone(), &texts, 100.0, "80/s");
    let migrated = fleet.run(&["database", "migrate"]);
    assert_eq!(migrated.status.code(), Some(0), "{}", stderr(&migrated));
    for (school, texts) in texts.iter().enumerate() {
        fleet.enqueue(school, texts);
    }
    let cable = Cable::to(cluster.port());
    let through_cable =
        database.replace(&format!(":{}", cluster.port()), &format!(":{}", cable.port));
    let start = |number: usize| {
        let address = if number == 0 {
            &through_cable
        } else {
            &database
        };
        fleet.worker(number, address, "2")
    };
    let mut workers: Vec<Started> = (0..8).map(start).collect();
    // On a slow machine a worker may need longer than a second to start, so the kills end.
    const KILLS: usize = 60;
    let (mut killed, mut next_kill) = (0, Duration::from_secs(1));
    let mut done = BTreeMap::new();
    let mut at = |moment: u64, passed: Duration| {
        passed > Duration::from_secs(moment) && done.insert(moment, ()).is_none()
    };
    let mut most_at_once = 0;
    let queue = fleet.wait(|passed| {
        // Worker 0 is cut off and worker 1 frozen; the others are killed one after another.
        if passed > next_kill && killed < KILLS {
            next_kill += Duration::from_secs(1);
            let number = 2 + killed % 6;
            workers[number].kill().unwrap();
            workers[number].wait().unwrap();
            workers[number] = start(number);
            killed += 1;
        }
        if at(5, passed) {
            signal(workers[1].id(), "STOP");
        }
        if at(70, passed) {
            signal(workers[1].id(), "CONT");
        }
        if at(8, passed) {
            cable.is_cut.store(true, Ordering::SeqCst);
        }
        if at(18, passed) {
            cable.is_cut.store(false, Ordering::SeqCst);
        }
        if at(25, passed) || at(50, passed) {
            cluster.stop_server();
            cluster.start_server();
        }
        let at_once = "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM
             rosterpatch_queue._private_jobs WHERE locked_by IS NOT NULL AND job_queue_id IS NOT NULL
             GROUP BY job_queue_id) AS queues";
        let name = database.rsplit('/').next().unwrap().split('?').next().unwrap();
        most_at_once = most_at_once.max(cluster.psql(name, at_once).parse::<i64>().unwrap());
        std::thread::sleep(Duration::from_millis(100));
    });
    if at(70, Duration::MAX) {
        signal(workers[1].id(), "CONT");
    }
    // Jobs claimed by killed workers are picked up again and find nothing left to do.
    let name = database.rsplit('/').next().unwrap();
    let name = name.split('?').next().unwrap();
    let claimed = "SELECT count(*) FROM rosterpatch_queue._private_jobs";
    let began = Instant::now();
    while cluster.psql(name, claimed) != "0" {
        let jobs = "SELECT row_to_json(job) FROM rosterpatch_queue._private_jobs AS job";
        assert!(
            began.elapsed() < HANG,
            "nothing stays claimed: {}",
            cluster.psql(name, jobs)
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    end(workers);
    assert_eq!(queue.len(), 40);
    let twice = accounts(&fleet, &texts, &queue);
    assert!(
        most_at_once <= 1,
        "slices at a time for one quota: {most_at_once}"
    );
    let mut throttled = 0;
    for school in &fleet.schools {
        throttled += school.sandbox.stats()["answers"]["429"]
            .as_u64()
            .unwrap_or(0);
    }
    assert_eq!(throttled, 0, "no credential's window was broken");
    println!("20,000 rows, {killed} kills; acknowledged twice {twice}");
}

/// A network namespace that simulates a machine, with one link to the database and one to an API.
struct Host {
    name: String,
    number: u8,
    relay: Option<Started>,
}

fn ip(arguments: &str) -> bool {
    let status = Command::new("ip")
        .args(arguments.split(' '))
        .stderr(std::process::Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

/// A relay from a loopback port to an address, which runs in the namespace.
const RELAY: &str = "
import socket, sys, threading
own, host, port = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
listener = socket.create_server(('127.0.0.1', own))
def pump(a, b):
    try:
        while data := a.recv(65536): b.sendall(data)
    except OSError: pass
    for end in (a, b):
        try: end.shutdown(socket.SHUT_RDWR)
        except OSError: pass
while True:
    client, _ = listener.accept()
    try: server = socket.create_connection((host, port))
    except OSError: client.close(); continue
    threading.Thread(target=pump, args=(client, server), daemon=True).start()
    threading.Thread(target=pump, args=(server, client), daemon=True).start()
";

impl Host {
    /// Creates a namespace, or returns `None` if this process may not.
    fn new(number: u8) -> Option<Host> {
        let name = format!("rp{}n{number}", std::process::id());
        if !ip(&format!("netns add {name}")) {
            skipped(
                "no network namespace can be made: run it as root, with apt-get install iproute2",
            );
            return None;
        }
        let host = Host {
            name: name.clone(),
            number,
            relay: None,
        };
        assert!(ip(&format!("-n {name} link set lo up")));
        for (cable, net) in [("d", 77), ("a", 78)] {
            let (own, peer) = (format!("{name}{cable}"), format!("{name}{cable}p"));
            assert!(
                ip(&format!("link add {own} type veth peer name {peer}")),
                "{own}"
            );
            assert!(ip(&format!("link set {peer} netns {name}")));
            assert!(ip(&format!("addr add 10.{net}.{number}.1/24 dev {own}")));
            assert!(ip(&format!("link set {own} up")));
            assert!(ip(&format!(
                "-n {name} addr add 10.{net}.{number}.2/24 dev {peer}"
            )));
            assert!(ip(&format!("-n {name} link set {peer} up")));
        }
        Some(host)
    }

    /// Makes a loopback port of this machine available on the namespace's loopback, over the link to the API.
    fn reaches(&mut self, port: u16) {
        let outside = relay_from(&format!("10.78.{}.1", self.number), port);
        let relay = Command::new("ip")
            .args(["netns", "exec", &self.name, "python3", "-c", RELAY])
            .args([&port.to_string(), &format!("10.78.{}.1", self.number)])
            .arg(outside.to_string())
            .spawn();
        self.relay = Some(Started(relay.unwrap()));
    }

    fn cut_off_from_the_database(&self, is_cut: bool) {
        let how = if is_cut { "down" } else { "up" };
        assert!(ip(&format!("link set {}d {how}", self.name)));
    }

    /// Returns a command that runs in this namespace.
    fn runs(&self, command: &Command) -> Command {
        let mut own = Command::new("ip");
        own.args(["netns", "exec", &self.name]);
        own.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => own.env(name, value),
                None => own.env_remove(name),
            };
        }
        own.current_dir(command.get_current_dir().unwrap());
        own
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.relay = None;
        ip(&format!("netns del {}", self.name));
        ip(&format!("link del {}d", self.name));
        ip(&format!("link del {}a", self.name));
    }
}

/// Forwards connections from a free port of `address` to a loopback port. Returns the free port.
fn relay_from(address: &str, port: u16) -> u16 {
    let listener = TcpListener::bind((address, 0)).unwrap();
    let own = listener.local_addr().unwrap().port();
    std::thread::spawn(move || pass_on(&listener, port, &Arc::new(AtomicBool::new(false))));
    own
}

/// Two workers in separate namespaces. One loses the database but not the API: it stops sending, and the
/// other one continues.
#[test]
fn a_worker_that_loses_only_the_database_stops_sending() {
    if !has_command("python3", "python3") {
        return;
    }
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let (Some(mut one), Some(mut two)) = (Host::new(1), Host::new(2)) else {
        return;
    };
    let name = cluster.empty_database();
    let address = cluster.address(&name);
    let texts = vec![vec![roster(0, 3_000)]];
    let fleet = Fleet::new(address.clone(), &texts, 1e6, "60/s");
    let migrated = fleet.run(&["database", "migrate"]);
    assert_eq!(migrated.status.code(), Some(0), "{}", stderr(&migrated));
    fleet.enqueue(0, &texts[0]);
    let worker = |host: &mut Host, number: usize| {
        let api = fleet.schools[0].port;
        host.reaches(api);
        let outside = relay_from(&format!("10.77.{}.1", host.number), cluster.port());
        let own = format!("10.77.{}.1:{outside}", host.number);
        let address = address.replace(&format!("127.0.0.1:{}", cluster.port()), &own);
        let log = fleet.folder.path(&format!("worker-{number}.log"));
        let log = std::fs::File::create(log).unwrap();
        let mut command = fleet.command(number, &address);
        command.args(["work", "--log-format", "json"]);
        let worker = host
            .runs(&command)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        Started(worker.unwrap())
    };
    let sent = || fleet.schools[0].sandbox.requests("update");
    let first = worker(&mut one, 0);
    fleet.wait_while(|| sent() < 100);
    one.cut_off_from_the_database(true);
    // Requests that the journal already allowed are still sent, although the API answers. At one request
    // every 17 ms, two seconds without a request mean that the worker has stopped.
    let mut then = sent();
    loop {
        std::thread::sleep(Duration::from_secs(2));
        let now = sent();
        if std::mem::replace(&mut then, now) == now {
            break;
        }
    }
    assert!(then < 1_000, "it went on sending: {then}");
    let second = worker(&mut two, 1);
    let queue = fleet.wait(|_| {
        std::thread::sleep(Duration::from_millis(200));
    });
    one.cut_off_from_the_database(false);
    assert!(sent() > then);
    assert_eq!(queue[0]["state"], "finished", "{queue:?}");
    let twice = accounts(&fleet, &texts, &queue);
    println!("acknowledged twice: {twice}");
    end(vec![first, second]);
}

#[test]
fn file_contents_are_in_no_job_and_no_worker_log() {
    let Some(cluster) = shared() else { return };
    let texts = vec![vec![roster(0, 3)]];
    let fleet = Fleet::new(cluster.database(), &texts, 1e6, "unlimited");
    fleet.make_inbox(TELLS);
    let canaries = ["Qvarnsj", "Videkulls", &identity_number(777)];
    let person = format!("Qvarnsjövinge,Videkullsgatan 4711,{}\n", canaries[2]);
    fleet.folder.write("inbox/s0-1.csv", &person);
    fleet
        .folder
        .write("inbox/s0-2.csv", person.repeat(20) + "\"" + &person);
    let sweep = || {
        let swept = fleet.run(&[
            "sweep",
            "inbox",
            "--enqueue",
            "--settle",
            "0s",
            "--log-format",
            "json",
        ]);
        (swept.status.code(), stdout(&swept) + &stderr(&swept))
    };
    let (code, mut told) = sweep();
    assert_eq!(code, Some(0), "{told}");
    let worker = fleet.worker(0, &fleet.address, "1");
    let queue = fleet.wait(pause);
    end(vec![worker]);
    assert!(queue.iter().all(|entry| entry["state"] == "failed"));
    let codes: Vec<&str> = queue
        .iter()
        .map(|entry| entry["code"].as_str().unwrap())
        .collect();
    assert!(codes.contains(&"map.no_key"), "{codes:?}");
    let (code, last) = sweep();
    assert_eq!(code, Some(1), "{last}");
    told += &last;
    told += &serde_json::to_string(&queue).unwrap();
    told += &stdout(&fleet.run(&["queue", "--all"]));
    told += &std::fs::read_to_string(fleet.folder.path("worker-0.log")).unwrap();
    told += &std::fs::read_to_string(fleet.folder.path("told.jsonl")).unwrap();
    for day in std::fs::read_dir(fleet.folder.path("inbox/failed")).unwrap() {
        for file in std::fs::read_dir(day.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path.to_string_lossy().ends_with(".error.txt") {
                let why = std::fs::read_to_string(path).unwrap();
                assert!(why.contains('['), "{why}");
                told += &why;
            }
        }
    }
    for canary in canaries {
        assert!(!told.contains(canary), "{canary}: {told}");
    }
}

#[test]
fn a_file_whose_job_is_lost_gets_another_and_a_worker_reports_it() {
    let Some(cluster) = shared() else { return };
    let texts = vec![vec![roster(0, 3)]];
    let fleet = Fleet::new(cluster.database(), &texts, 1e6, "unlimited");
    fleet.enqueue(0, &texts[0]);
    let state = fleet.state();
    // The job is deleted and the lock of its queue has expired, which the queue releases by itself.
    let lost = state.database().unwrap().change(|tables| {
        tables.execute("DELETE FROM rosterpatch_queue._private_jobs", &[])?;
        tables.execute(
            "UPDATE rosterpatch_queue._private_job_queues
             SET locked_by = 'gone', locked_at = now() - interval '1 hour'",
            &[],
        )
    });
    assert_eq!(lost.unwrap(), 1);
    let worker = fleet.worker(0, &fleet.address, "1");
    let queue = fleet.wait(pause);
    end(vec![worker]);
    assert_eq!(queue[0]["state"], "finished", "{queue:?}");
    let log = std::fs::read_to_string(fleet.folder.path("worker-0.log")).unwrap();
    let told: Vec<serde_json::Value> = log
        .lines()
        .filter(|line| line.contains("queue.mended"))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(told.len(), 1, "{log}");
    assert!(told[0].to_string().contains("\"count\":1"), "{log}");
}
