//! An undone run is closed, and an unanswered question changes nothing.

use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rosterpatch::sandbox::Sandbox;
use tokio::sync::oneshot;

use crate::harness::{
    Folder, OF_SANDBOX, Started, plain_id, plain_roster, program_path, sandbox_holding, stderr,
    stdout, wait_until,
};

const ROWS: usize = 12;

/// An API that holds "Åsa" in every row, and a folder with a roster that has "Bo".
struct Scene {
    rows: usize,
    folder: Folder,
    sandbox: Arc<Sandbox>,
    base_url: String,
    _stop: oneshot::Sender<()>,
}

impl Scene {
    fn new() -> Scene {
        Scene::of(ROWS)
    }

    fn of(rows: usize) -> Scene {
        let folder = Folder::new();
        let before = plain_roster(rows);
        folder.write("r.csv", before.replace("Åsa", "Bo"));
        let (sandbox, base_url, stop) = sandbox_holding(&before, Duration::ZERO);
        Scene {
            rows,
            folder,
            sandbox,
            base_url,
            _stop: stop,
        }
    }

    /// Runs the program and waits for it.
    fn run(&self, arguments: &[&str]) -> std::process::Output {
        self.folder.with_sandbox(arguments)
    }

    /// Runs the program on a terminal with this answer. Its output is the standard output of `script`.
    fn answer(&self, arguments: &[&str], answer: &str) -> std::process::Output {
        let mut script = self.folder.command_by("script");
        let command = format!("exec \"$PROGRAM\" {}", arguments.join(" "));
        script
            .args(["--quiet", "--return", "--command", &command, "/dev/null"])
            .env("PROGRAM", program_path())
            .envs(OF_SANDBOX);
        let mut program = assert_cmd::Command::from_std(script);
        program.write_stdin(format!("{answer}\n")).output().unwrap()
    }

    fn import(&self, more: &[&str]) -> std::process::Output {
        let mut arguments = vec!["import", "r.csv", "--target", "meitner", "--yes"];
        arguments.extend(["--base-url", &self.base_url]);
        arguments.extend(more);
        self.run(&arguments)
    }

    fn sweep(&self, more: &[&str]) -> std::process::Output {
        let mut arguments = vec!["sweep", "inbox", "--target", "meitner", "--settle", "0s"];
        arguments.extend(["--base-url", &self.base_url]);
        arguments.extend(more);
        self.run(&arguments)
    }

    /// Starts a command with one request an hour and this burst.
    fn start(&self, arguments: &[&str], burst: &[&str]) -> Started {
        let mut command = self.folder.command();
        command
            .args(arguments)
            .args(["--target", "meitner", "--base-url", &self.base_url])
            .args(["--rate", "1/h", "--progress", "none"])
            .args(burst)
            .envs(OF_SANDBOX)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Started(command.spawn().unwrap())
    }

    /// Waits until the API received a request, and asserts that the command is still running.
    fn wait(&self, child: &mut Child, is_asked: impl Fn(&Sandbox) -> bool) {
        wait_until("the API is asked", || {
            assert!(child.try_wait().unwrap().is_none(), "it ended");
            is_asked(&self.sandbox)
        });
    }

    /// Starts a command with five requests, and kills it after it has used them for one search and four rows.
    fn killed_after_four(&self, arguments: &[&str]) {
        let mut child = self.start(arguments, &["--burst", "5"]);
        self.wait(&mut child, |sandbox| sandbox.requests("update") == 4);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn newest(&self) -> String {
        self.folder.runs().split(' ').next().unwrap().to_owned()
    }

    fn names(&self) -> Vec<String> {
        let students = self.sandbox.students();
        (1..=self.rows)
            .map(|row| {
                students[plain_id(row)]["firstName"]
                    .as_str()
                    .unwrap()
                    .into()
            })
            .collect()
    }

    /// Asserts that a command sent nothing, and that it named the run and the next step.
    fn refused(&self, output: &std::process::Output, run: &str) {
        let text = stderr(output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(run) && text.contains("undone"), "{text}");
        assert!(text.contains("--fresh"), "{text}");
        assert_eq!(self.names(), vec!["Åsa"; ROWS]);
    }
}

#[test]
fn no_command_continues_an_undone_run() {
    let scene = Scene::new();
    scene.killed_after_four(&["import", "r.csv", "--yes"]);
    let run = scene.newest();
    let undone = scene.run(&["undo", &run, "--yes", "--progress", "plain"]);
    let progress = stderr(&undone);
    assert_eq!(undone.status.code(), Some(0), "{progress}");
    assert!(progress.contains(" restored"), "{progress}");
    assert!(!progress.contains(" updated"), "{progress}");
    assert_eq!(scene.names(), vec!["Åsa"; ROWS]);
    let undo = scene.newest();

    for arguments in [
        &["resume", &run, "--yes"][..],
        &["retry", "--run", &run, "--yes"],
        &["approve", &run],
    ] {
        scene.refused(&scene.run(arguments), &run);
    }
    scene.refused(&scene.import(&[]), &run);
    // Without a name, there is nothing to resume.
    let resumed = scene.run(&["resume", "--yes"]);
    assert_eq!(resumed.status.code(), Some(1), "{}", stderr(&resumed));

    // Lists, figures and results show the undo.
    let shown = scene.run(&["show", &run, "--format", "json"]);
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["state"], "undone");
    assert_eq!(shown["undone_by"][0], undo);
    let text = stdout(&scene.run(&["show", &run]));
    assert!(text.contains("undone by") && text.contains(&undo), "{text}");
    assert!(scene.folder.runs().contains("undone"));
    let reported = scene.run(&[
        "report",
        &run,
        "--results",
        "again.csv",
        "--report",
        "r.html",
    ]);
    assert_eq!(reported.status.code(), Some(0), "{}", stderr(&reported));
    let results = scene.folder.csv("again.csv", b',');
    let warning = results[0]
        .iter()
        .position(|name| name == "import_warning")
        .unwrap();
    for (row, cells) in results[1..].iter().enumerate() {
        let is_restored = cells[warning].contains(&undo);
        assert_eq!(is_restored, row < 4, "{cells:?}");
    }
    let report = std::fs::read_to_string(scene.folder.path("r.html")).unwrap();
    assert!(report.contains(&undo));

    // The results are an input too, and retrying them is refused.
    let retried = scene.run(&["retry", "again.csv", "--of", &run, "--yes"]);
    scene.refused(&retried, &run);

    // A fresh import starts with the first row.
    let fresh = scene.import(&["--fresh"]);
    assert_eq!(fresh.status.code(), Some(0), "{}", stderr(&fresh));
    assert_eq!(scene.names(), vec!["Bo"; ROWS]);
    let again = scene.import(&[]);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
}

#[test]
fn an_undone_run_is_repeated_only_on_request() {
    let scene = Scene::new();
    let first = scene.import(&[]);
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    let run = scene.newest();
    scene.run(&["undo", &run, "--yes"]);
    scene.refused(&scene.import(&[]), &run);
    // The same content under another name is refused too.
    std::fs::rename(scene.folder.path("r.csv"), scene.folder.path("s.csv")).unwrap();
    let mut arguments = vec!["import", "s.csv", "--target", "meitner", "--yes"];
    arguments.extend(["--base-url", &scene.base_url]);
    scene.refused(&scene.run(&arguments), &run);
    // Undoing the undo restores the changes.
    let undo = scene.newest();
    let redone = scene.run(&["undo", &undo, "--yes"]);
    assert_eq!(redone.status.code(), Some(0), "{}", stderr(&redone));
    assert_eq!(scene.names(), vec!["Bo"; ROWS]);
}

#[test]
fn a_sweep_archives_the_file_of_an_undone_run_as_failed() {
    let scene = Scene::new();
    std::fs::create_dir(scene.folder.path("inbox")).unwrap();
    std::fs::rename(scene.folder.path("r.csv"), scene.folder.path("inbox/r.csv")).unwrap();
    scene.killed_after_four(&["sweep", "inbox", "--settle", "0s"]);
    let run = scene.newest();
    let undone = scene.run(&["undo", &run, "--yes"]);
    assert_eq!(undone.status.code(), Some(0), "{}", stderr(&undone));

    let updates = scene.sandbox.requests("update");
    scene.refused(&scene.sweep(&[]), &run);
    assert_eq!(scene.sandbox.requests("update"), updates);
    let date = std::fs::read_dir(scene.folder.path("inbox/failed")).unwrap();
    let date = date.map(|entry| entry.unwrap().path()).next().unwrap();
    let why = std::fs::read_to_string(date.join("r.error.txt")).unwrap();
    assert!(why.contains(&run) && why.contains("--fresh"), "{why}");
    assert!(date.join("r.csv").is_file());

    // The inbox is empty, and the same content is refused again.
    assert_eq!(scene.sweep(&[]).status.code(), Some(0));
    std::fs::copy(date.join("r.csv"), scene.folder.path("inbox/other.csv")).unwrap();
    scene.refused(&scene.sweep(&[]), &run);
    std::fs::copy(date.join("r.csv"), scene.folder.path("inbox/other.csv")).unwrap();
    let fresh = scene.sweep(&["--fresh"]);
    assert_eq!(fresh.status.code(), Some(0), "{}", stderr(&fresh));
    assert_eq!(scene.names(), vec!["Bo"; ROWS]);
}

#[test]
fn undoing_an_interrupted_run_without_changes_closes_it() {
    let scene = Scene::new();
    let mut child = scene.start(&["import", "r.csv", "--yes"], &["--burst", "1"]);
    scene.wait(&mut child, |sandbox| sandbox.requests("search") == 1);
    child.kill().unwrap();
    child.wait().unwrap();
    let run = scene.newest();
    let closed = scene.run(&["undo", &run, "--yes"]);
    assert_eq!(closed.status.code(), Some(0), "{}", stderr(&closed));
    assert!(
        stderr(&closed).contains("it is closed"),
        "{}",
        stderr(&closed)
    );
    scene.refused(&scene.run(&["resume", &run, "--yes"]), &run);
}

#[test]
fn a_declined_undo_changes_nothing_and_leaves_no_roster() {
    let scene = Scene::new();
    let first = scene.import(&[]);
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    let run = scene.newest();
    let declined = scene.answer(&["undo", &run], "n");
    assert_eq!(declined.status.code(), Some(1), "{}", stdout(&declined));
    assert!(stdout(&declined).contains("[y/N]"), "{}", stdout(&declined));
    // The file would contain the previous values of the records.
    assert!(!scene.folder.path("r.undo.csv").exists());
    assert!(scene.folder.runs().contains("finished"));
    assert_eq!(scene.names(), vec!["Bo"; ROWS]);
    let agreed = scene.answer(&["undo", &run], "y");
    assert_eq!(agreed.status.code(), Some(0), "{}", stdout(&agreed));
    assert_eq!(scene.names(), vec!["Åsa"; ROWS]);
}

#[test]
fn an_undo_without_changes_asks_before_it_closes_the_run() {
    let scene = Scene::new();
    let mut child = scene.start(&["import", "r.csv", "--yes"], &["--burst", "1"]);
    scene.wait(&mut child, |sandbox| sandbox.requests("search") == 1);
    child.kill().unwrap();
    child.wait().unwrap();
    let run = scene.newest();
    let declined = scene.answer(&["undo", &run], "n");
    assert_eq!(declined.status.code(), Some(1), "{}", stdout(&declined));
    let text = stdout(&declined);
    assert!(
        text.contains("Close the run") && text.contains(&run),
        "{text}"
    );
    let resumed = scene.run(&["resume", &run, "--yes"]);
    assert_eq!(resumed.status.code(), Some(0), "{}", stderr(&resumed));
    assert_eq!(scene.names(), vec!["Bo"; ROWS]);
}

#[test]
fn an_unanswered_question_leaves_the_run_resumable() {
    // There are two pages to read, and the second would have to wait for an hour.
    let scene = Scene::of(60);
    let mut child = scene.start(&["import", "r.csv", "--yes"], &["--burst", "1"]);
    scene.wait(&mut child, |sandbox| {
        sandbox.requests("search") + sandbox.requests("list") == 1
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let run = scene.newest();
    let asked = scene.run(&["resume"]);
    assert_eq!(asked.status.code(), Some(2), "{}", stderr(&asked));
    assert_eq!(scene.newest(), run);
    assert_eq!(scene.sandbox.requests("update"), 0);
    let resumed = scene.run(&["resume", "--yes"]);
    assert_eq!(resumed.status.code(), Some(0), "{}", stderr(&resumed));
    assert_eq!(scene.newest(), run);
    assert_eq!(scene.names(), vec!["Bo"; 60]);
}

#[test]
fn a_killed_run_leaves_no_files_beside_its_roster() {
    let scene = Scene::new();
    scene.killed_after_four(&["import", "r.csv", "--yes"]);
    let left: Vec<String> = std::fs::read_dir(scene.folder.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("r.") && name != "r.csv")
        .collect();
    assert_eq!(left, Vec::<String>::new());
    let resumed = scene.run(&["resume", "--yes"]);
    assert_eq!(resumed.status.code(), Some(0), "{}", stderr(&resumed));
    assert!(scene.folder.path("r.results.csv").is_file());
}

#[test]
fn a_rate_given_to_one_command_does_not_apply_to_others() {
    let scene = Scene::new();
    // At one request an hour, resuming would take until tomorrow.
    scene.killed_after_four(&["import", "r.csv", "--yes"]);
    let resumed = scene.run(&["resume", "--yes"]);
    assert_eq!(resumed.status.code(), Some(0), "{}", stderr(&resumed));
    assert_eq!(scene.names(), vec!["Bo"; ROWS]);
    let run = scene.newest();
    let pace = [
        "--rate",
        "1000/s",
        "--burst",
        "50",
        "--share",
        "90%",
        "--concurrency",
        "2",
    ];
    let undone = scene.run(&[&["undo", &run, "--yes"], &pace[..]].concat());
    assert_eq!(undone.status.code(), Some(0), "{}", stderr(&undone));
    assert_eq!(scene.names(), vec!["Åsa"; ROWS]);

    let held = scene.import(&["--fresh", "--max-changes", "1"]);
    assert_eq!(held.status.code(), Some(4), "{}", stderr(&held));
    let held = scene.newest();
    let approved = scene.run(&[&["approve", &held], &pace[..]].concat());
    assert_eq!(approved.status.code(), Some(0), "{}", stderr(&approved));
    let resumed = scene.run(&[&["resume", &held, "--yes"], &pace[..]].concat());
    assert_eq!(resumed.status.code(), Some(1), "{}", stderr(&resumed));
}
