//! Arguments and paths that are not UTF-8.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use crate::harness::{Folder, plain_roster, stderr, stdout};

#[test]
fn an_argument_that_is_not_utf8_is_refused_by_name() {
    let folder = Folder::new();
    let odd = OsString::from_vec(b"r\xff.csv".to_vec());
    std::fs::write(folder.path("").join(&odd), plain_roster(1)).unwrap();
    folder.write("r.csv", plain_roster(1));
    let files = [
        "check",
        "plan",
        "import",
        "retry",
        "sweep",
        "watch",
        "open",
        "enqueue",
        "targets show",
        "history",
        "sandbox --seed",
        "report --results",
        "man",
    ];
    let options = [
        "--config",
        "--state",
        "--target",
        "--ca-cert",
        "--results",
        "--failed",
        "--report",
        "--before",
        "--new",
        "--plan",
        "--map",
        "--note",
    ];
    let of_file = files.map(|command| command.split(' ').collect::<Vec<_>>());
    let of_option = options.map(|option| vec!["import", "r.csv", option]);
    let of_plan = [
        vec!["plan", "r.csv", "--out"],
        vec!["plan", "r.csv", "--save"],
        vec!["check", "r.csv", "--problems"],
        vec!["--lang"],
        vec![],
    ];
    for arguments in of_file.into_iter().chain(of_option).chain(of_plan) {
        for language in ["en", "sv"] {
            for format in ["text", "json"] {
                let mut program = folder.program();
                program.args(&arguments).arg(&odd);
                program.args(["--log-format", format]);
                let output = program.env("ROSTERPATCH_LANG", language).output().unwrap();
                let told = stderr(&output);
                assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
                assert!(!told.contains("panicked"), "{arguments:?}: {told}");
                // Machine-readable output does not quote an argument, which may be a cell.
                let part = if format == "text" { "xFF" } else { "usage." };
                let is_named = told.contains(part) || arguments == ["--lang"];
                assert!(is_named, "{arguments:?}: {told}");
                assert_eq!(stdout(&output), "", "{arguments:?}");
            }
        }
    }
}

#[test]
fn a_folder_whose_name_is_not_utf8_causes_no_panic() {
    let folder = Folder::new();
    let odd = folder.path("").join(OsString::from_vec(b"f\xff".to_vec()));
    std::fs::create_dir(&odd).unwrap();
    std::fs::write(odd.join("r.csv"), plain_roster(1)).unwrap();
    for (arguments, codes) in [
        ("check r.csv --target meitner", [0, 0]),
        ("import r.csv --target meitner --sandbox", [0, 1]),
        ("plan r.csv --target meitner --sandbox", [0, 1]),
        ("sweep . --target meitner --sandbox --settle 0s", [0, 1]),
        ("runs", [0, 0]),
        ("config", [0, 0]),
    ] {
        let mut program = folder.program();
        let program = program.args(arguments.split(' ')).current_dir(&odd);
        let output = program.output().unwrap();
        let told = stderr(&output);
        let code = output.status.code().unwrap();
        assert!(codes.contains(&code), "{arguments}: {code} {told}");
        assert!(!told.contains("panicked"), "{arguments}: {told}");
        assert!(
            !told.contains("mistake in the program"),
            "{arguments}: {told}"
        );
    }
    let mut program = folder.program();
    program.env("ROSTERPATCH_STATE", odd.join("state"));
    let output = program.args(["runs"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}
