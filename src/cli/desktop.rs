//! Starting the program from the Windows desktop.

use std::io::BufRead;
use std::path::Path;

use super::terminal;
use crate::l10n::say;

/// Returns whether Explorer started this process by a double click or with a dropped file.
#[cfg(windows)]
pub(super) fn is_start() -> bool {
    mousetrap::started_by_explorer()
}

/// Returns false: the start from a desktop is detected on Windows only.
#[cfg(not(windows))]
pub(super) fn is_start() -> bool {
    false
}

/// Returns the arguments for a start from the desktop: `open` after a double click, and `open FILE` for a
/// dropped roster. An argument that names a command is unchanged.
pub(super) fn meant(
    words: Vec<String>,
    is_desktop: bool,
    is_command: impl Fn(&str) -> bool,
) -> Vec<String> {
    let is_roster = |word: &String| Path::new(word).is_file() && !is_command(word);
    let opens = match words.get(1..) {
        Some([]) => is_desktop,
        Some([only]) => (is_desktop || cfg!(windows)) && is_roster(only),
        _ => false,
    };
    let mut words = words;
    if opens {
        words.insert(1, "open".to_owned());
    }
    words
}

/// Keeps the window of a program that the desktop started open until the message has been read.
pub(super) fn wait_for_reader() {
    terminal::note(&say().cli_press_enter());
    let _ = std::io::stdin().lock().read_line(&mut String::new());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_double_click_or_a_dropped_roster_opens_the_console() {
        let folder = tempfile::tempdir().unwrap();
        let roster = folder.path().join("elever åk 7.csv");
        std::fs::write(&roster, "").unwrap();
        let roster = roster.to_str().unwrap();
        let meant = |words: &[&str]| {
            let words = words.iter().map(|word| (*word).to_owned()).collect();
            meant(words, true, |word| ["check", roster].contains(&word))
        };
        assert_eq!(meant(&["rosterpatch"]), ["rosterpatch", "open"]);
        let dropped = |is_desktop| {
            let words = vec!["rosterpatch".to_owned(), roster.to_owned()];
            super::meant(words, is_desktop, |word| word == "check")
        };
        assert_eq!(dropped(true), ["rosterpatch", "open", roster]);
        assert_eq!(dropped(false).len(), if cfg!(windows) { 3 } else { 2 });
        // A command, a missing file and several arguments are unchanged.
        for words in [
            &["rosterpatch", roster][..],
            &["rosterpatch", "check"],
            &["rosterpatch", "missing.csv"],
            &["rosterpatch", "--help"],
            &["rosterpatch", "check", roster],
        ] {
            assert_eq!(meant(words), words);
        }
        let typed = super::meant(vec!["rosterpatch".to_owned()], false, |_| false);
        assert_eq!(typed, ["rosterpatch"]);
    }
}
