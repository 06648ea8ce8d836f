//! Files that another program holds open, long paths and resolved paths, on Windows or under wine.

use std::fs::File;
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::harness::{
    CREDENTIALS, Folder, Server, plain_roster, respond, stderr, stdout, wait_until,
};

const SAMPLE: &str = "students-clean.csv";

/// Other programs may read it: the way in which Excel opens a workbook.
const FILE_SHARE_READ: u32 = 1;

/// A file as another program holds it open.
fn held_open(path: &Path, share: u32) -> File {
    let mut options = File::options();
    options.read(true).write(true).share_mode(share);
    options.open(path).unwrap()
}

/// Imports a sample into the simulated API, with further arguments.
fn import(folder: &Folder, roster: &Path, arguments: &[&str]) -> Output {
    let mut program = folder.program();
    program.arg("import").arg(roster);
    program.args(["--target", "meitner", "--sandbox"]);
    program.args(arguments).output().unwrap()
}

/// Asserts that no text shows a path with the prefix of a resolved one.
fn assert_plain(output: &Output) {
    for text in [stdout(output), stderr(output)] {
        assert!(!text.contains(r"\\?\"), "{text}");
    }
}

#[test]
fn results_lie_beside_a_file_that_another_program_holds_open() {
    let folder = Folder::new();
    let roster = folder.sample(SAMPLE);
    for name in ["out.csv", "out.xlsx"] {
        let path = folder.write(name, "an earlier result");
        let excel = held_open(&path, FILE_SHARE_READ);
        let output = import(&folder, &roster, &["--results", name]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let numbered = name.replace("out", "out-2");
        assert!(folder.path(&numbered).is_file(), "{}", stdout(&output));
        assert!(stdout(&output).contains(&numbered), "{}", stdout(&output));
        let said = stderr(&output);
        assert!(said.contains(&numbered), "{said}");
        assert!(said.contains("another program has the file"), "{said}");
        assert_plain(&output);
        drop(excel);
        let kept = std::fs::read_to_string(&path).unwrap();
        assert_eq!(kept, "an earlier result");
        // Once it is closed, it is replaced.
        let output = import(&folder, &roster, &["--results", name]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_ne!(std::fs::read(&path).unwrap(), kept.into_bytes());
    }
}

#[test]
fn a_roster_that_another_program_holds_open_is_read_if_that_program_allows_it() {
    let folder = Folder::new();
    let roster = folder.sample(SAMPLE);
    let excel = held_open(&roster, FILE_SHARE_READ);
    let output = import(&folder, &roster, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    drop(excel);
    let alone = held_open(&roster, 0);
    let output = import(&folder, &roster, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    let said = stderr(&output);
    assert!(said.contains("another program has it open"), "{said}");
    assert!(said.contains(SAMPLE), "{said}");
    drop(alone);
}

#[test]
fn a_dropped_file_that_another_program_holds_open_stays_and_is_imported_later() {
    let folder = Folder::new();
    let server = Server::start(|_| respond(200, &[], "{}"));
    std::fs::create_dir(folder.path("inbox")).unwrap();
    let file = folder.write("inbox/a.csv", plain_roster(2));
    let other = plain_roster(3).replace("-8000-", "-8001-");
    folder.write("inbox/b.csv", other);
    let sweep = || {
        let mut program = folder.program();
        program.args(["sweep", "inbox", "--settle", "0s", "--target", "plain.toml"]);
        program
            .args(["--base-url", &server.base_url])
            .envs(CREDENTIALS);
        program.output().unwrap()
    };
    let excel = held_open(&file, FILE_SHARE_READ);
    let output = sweep();
    let said = stderr(&output) + &stdout(&output);
    assert!(said.contains("another program has it open"), "{said}");
    assert!(file.is_file(), "{said}");
    assert!(said.contains("2 files: 1 done, 1 not processed"), "{said}");
    drop(excel);
    let output = sweep();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!file.exists());
    assert_eq!(server.seen().len(), 5);
}

#[test]
fn long_paths_and_names_in_any_script_are_used_and_shown_as_typed() {
    let folder = Folder::new();
    let name = "Åk 7 – läsåret 2026/27 学校".replace('/', "_");
    let mut deep = PathBuf::from("rosters");
    while deep.as_os_str().len() < 300 {
        deep.push(&name);
    }
    std::fs::create_dir_all(folder.path(deep.to_str().unwrap())).unwrap();
    let sample = std::fs::read(folder.sample(SAMPLE)).unwrap();
    let roster = deep.join("elever åäö.csv");
    std::fs::write(folder.path(roster.to_str().unwrap()), sample).unwrap();
    let state = deep.join("state");
    let output = import(&folder, &roster, &["--state", state.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_plain(&output);
    let results = deep.join("elever åäö.results.csv");
    let results = results.to_str().unwrap();
    assert!(folder.path(results).is_file());
    assert!(stdout(&output).contains(results), "{}", stdout(&output));
    let listed = folder
        .program()
        .args(["runs", "--rehearsals", "--format", "json", "--state"])
        .arg(&state)
        .output()
        .unwrap();
    assert_eq!(listed.status.code(), Some(0), "{}", stderr(&listed));
    assert_plain(&listed);
    assert!(stdout(&listed).contains("åäö"), "{}", stdout(&listed));
}

#[test]
fn a_roster_dropped_on_the_program_opens_in_the_console() {
    let folder = Folder::new();
    let roster = folder.sample(SAMPLE);
    let mut command = folder.command();
    command.arg(&roster).stdout(std::process::Stdio::piped());
    let mut child = crate::harness::Started(command.spawn().unwrap());
    let mut text = String::new();
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    wait_until("the address of the console", || {
        std::io::BufRead::read_line(&mut out, &mut text).unwrap();
        text.contains("http://127.0.0.1:")
    });
}
