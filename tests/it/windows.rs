//! Files that another program holds open or other accounts can change, long paths and canonical paths, on
//! Windows or under Wine.

use std::fs::File;
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::harness::{
    CREDENTIALS, Folder, Server, plain_roster, respond, stderr, stdout, wait_until,
};

const SAMPLE: &str = "students-clean.csv";

/// The share mode in which Excel opens a workbook: other programs can read it.
const FILE_SHARE_READ: u32 = 1;

/// Opens a file as another program would, with this share mode.
fn held_open(path: &Path, share: u32) -> File {
    let mut options = File::options();
    options.read(true).write(true).share_mode(share);
    options.open(path).unwrap()
}

/// Imports a sample into the simulated API, with these extra arguments.
fn import(folder: &Folder, roster: &Path, arguments: &[&str]) -> Output {
    let mut program = folder.program();
    program.arg("import").arg(roster);
    program.args(["--target", "meitner", "--sandbox"]);
    program.args(arguments).output().unwrap()
}

/// Asserts that no output shows a path with the `\\?\` prefix.
fn assert_plain(output: &Output) {
    for text in [stdout(output), stderr(output)] {
        assert!(!text.contains(r"\\?\"), "{text}");
    }
}

#[test]
fn results_get_another_name_if_the_file_is_open_elsewhere() {
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
        // After the other program has closed the file, it is replaced.
        let output = import(&folder, &roster, &["--results", name]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_ne!(std::fs::read(&path).unwrap(), kept.into_bytes());
    }
}

#[test]
fn a_roster_open_elsewhere_is_read_if_its_share_mode_allows() {
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
fn a_dropped_file_that_is_open_elsewhere_is_imported_later() {
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
fn long_and_non_ascii_paths_are_used_and_shown_as_typed() {
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

/// Sets a list with full access for this account, followed by the entries in `others`.
fn grant(path: &Path, others: &str) {
    use windows_permissions::constants::{SeObjectType, SecurityInformation};
    use windows_permissions::utilities::current_process_sid;
    use windows_permissions::wrappers::{ConvertSidToStringSid, SetNamedSecurityInfo};
    use windows_permissions::{LocalBox, SecurityDescriptor};
    let own = ConvertSidToStringSid(&*current_process_sid().unwrap()).unwrap();
    let list = format!("D:P(A;OICI;FA;;;{}){others}", own.to_string_lossy());
    let list: LocalBox<SecurityDescriptor> = list.parse().unwrap();
    let what = SecurityInformation::Dacl | SecurityInformation::ProtectedDacl;
    let kind = SeObjectType::SE_FILE_OBJECT;
    SetNamedSecurityInfo(path.as_os_str(), kind, what, None, None, list.dacl(), None).unwrap();
}

#[test]
fn a_file_that_other_accounts_can_change_is_refused_with_the_command_that_restricts_it() {
    const CHANGE: &str = "(A;;FRFW;;;WD)";
    let folder = Folder::new();
    folder.sample(SAMPLE);
    let target = std::fs::read_to_string(folder.path("plain.toml")).unwrap();
    folder.write("other.toml", target);
    let config = folder.write("rosterpatch.toml", "rate = \"1500/h\"\n");
    std::fs::create_dir(folder.path("inbox")).unwrap();
    let state = folder.path("kept");
    let refused = |path: &Path, command: &str| {
        let run = || folder.run(command);
        grant(path, "");
        let before = run();
        assert_eq!(
            before.status.code(),
            Some(0),
            "{command}: {}",
            stderr(&before)
        );
        grant(
            path,
            if path.is_dir() {
                "(A;;FA;;;WD)"
            } else {
                CHANGE
            },
        );
        let output = run();
        let said = stderr(&output) + &stdout(&output);
        assert_ne!(output.status.code(), Some(0), "{command}: {said}");
        let fix = format!("icacls \"{}\" /inheritance:r", path.display());
        assert!(said.contains(&fix), "{said}");
        assert_plain(&output);
        grant(path, "");
    };
    let check = format!("check {SAMPLE} --target meitner --config rosterpatch.toml");
    refused(&config, &check);
    let check = format!("check {SAMPLE} --target other.toml");
    refused(&folder.path("other.toml"), &check);
    let import = format!("import {SAMPLE} --target meitner --sandbox --yes --state kept");
    std::fs::create_dir(&state).unwrap();
    refused(&state, &import);
    refused(&state.join("journal.sqlite"), &import);
    refused(
        &folder.path("inbox"),
        "sweep inbox --target meitner --sandbox --settle 0s",
    );
}
