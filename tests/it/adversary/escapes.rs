//! Terminal escape sequences in names and cells are shown escaped.

use crate::harness::{Folder, OF_SANDBOX, plain_roster, stderr, stdout};

/// Sets the title, clears the screen, repeats that with C1 codes, and reverses the text direction.
const HOSTILE: &str = "a\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}2J\u{202e}b\u{2066}\r";

/// Returns whether a text contains characters that control a terminal.
fn is_obeyed(text: &str) -> bool {
    text.contains(|c: char| c.is_control() && !"\n\t".contains(c))
        || text.contains(['\u{202e}', '\u{2066}'])
}

#[test]
fn names_and_cells_are_escaped_on_terminals_and_in_logs() {
    let folder = Folder::new();
    let name = format!("{HOSTILE}.csv");
    let text = plain_roster(3)
        .replace("last_name", &format!("last_name,\"{HOSTILE}\""))
        .replace("Ek\n", &format!("Ek,\"{HOSTILE}\"\n"))
        .replacen("Åsa", &format!("\"{HOSTILE}\""), 1)
        .replacen("00000000-0000-4000-8000-000000000002", HOSTILE, 1);
    folder.write(&name, &text);
    std::fs::create_dir(folder.path("inbox")).unwrap();
    folder.write(&format!("inbox/{name}"), &text);
    let missing = format!("{HOSTILE}-missing");
    let config = folder.write(
        "bad.toml",
        format!("{missing:?} = 1\nrate = \"\\u001b[2J\"\n"),
    );
    let config = config.to_str().unwrap();
    let map = format!("{HOSTILE}=first_name");
    for arguments in [
        vec!["check", &name],
        vec!["plan", &name, "--sandbox"],
        vec!["import", &name, "--sandbox", "--max-invalid", "100%"],
        vec!["import", &missing, "--sandbox"],
        vec![
            "sweep",
            "inbox",
            "--sandbox",
            "--settle",
            "0s",
            "--max-invalid",
            "100%",
        ],
        vec!["check", &name, "--map", &map],
        vec!["check", &name, "--key", HOSTILE],
        vec!["check", &name, "--sheet", HOSTILE],
        vec!["check", &name, HOSTILE],
        vec!["check", &name, "--rate", HOSTILE],
        vec!["check", &name, "--profile", HOSTILE],
        vec!["check", &name, "--config", config],
        vec!["runs"],
        vec!["show"],
        vec!["resume"],
        vec!["history", HOSTILE],
        vec!["retry", &name, "--sandbox"],
        vec!["show", HOSTILE],
        vec![HOSTILE],
    ] {
        for extra in [
            vec![],
            vec!["--lang", "sv"],
            vec!["--log-format", "json", "-v"],
            vec!["--progress", "json"],
            vec!["--progress", "bar", "-v"],
        ] {
            let mut program = folder.program();
            let is_of_roster = ["check", "plan", "import", "sweep", "retry"];
            let is_of_roster = is_of_roster.contains(&arguments[0]);
            let target = is_of_roster.then_some(["--target", "meitner"]);
            program.args(&arguments).args(target.into_iter().flatten());
            let output = program.args(&extra).envs(OF_SANDBOX).output().unwrap();
            for told in [stderr(&output), stdout(&output)] {
                assert!(!is_obeyed(&told), "{arguments:?} {extra:?}: {told:?}");
                assert!(!told.contains("panicked"), "{arguments:?}: {told}");
            }
            assert!(output.status.code().is_some(), "{arguments:?}");
        }
    }
}

#[test]
fn only_escaping_modules_write_to_a_terminal() {
    let source = crate::harness::repository().join("src");
    let mut found = Vec::new();
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            let writes = [
                "stderr()",
                "stdout()",
                "println!",
                "print!(",
                "buffered_stderr",
            ];
            let is_rust = path.extension().is_some_and(|ending| ending == "rs");
            if is_rust && writes.iter().any(|way| code.contains(way)) {
                let name = path.strip_prefix(&source).unwrap().display().to_string();
                found.push((name, code.contains("visible(")));
            }
        }
    }
    found.sort();
    let expected = [
        ("cli/logging.rs", true),
        // Only checks whether the output is a terminal.
        ("cli/mod.rs", false),
        ("cli/terminal.rs", true),
        ("l10n/build.rs", false),
        ("progress/bar.rs", true),
        ("progress/json.rs", true),
        ("progress/plain.rs", true),
        ("progress/screen.rs", true),
        // Writes to a file that the user named, which may be standard output.
        ("report/whole_file.rs", false),
    ];
    let expected = expected.map(|(name, is_visible)| (name.to_owned(), is_visible));
    assert_eq!(found, expected);
}
