//! A start from the desktop of Windows opens the console.

use std::io::BufRead;
use std::path::Path;

use super::terminal;
use crate::l10n::say;

/// Whether Explorer started this process: by a double click, or with a file that was dropped on it.
#[cfg(windows)]
pub(in crate::cli) fn is_start() -> bool {
    mousetrap::started_by_explorer()
}

/// Whether the desktop started this process. Only on Windows is that known.
#[cfg(not(windows))]
pub(in crate::cli) fn is_start() -> bool {
    false
}

/// The arguments that a start means: `open` after a double click, and `open FILE` for a roster that was dropped on the program.
/// The name of a command stays a command.
pub(in crate::cli) fn meant(
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

/// Keeps the window of a program that the desktop started open until its message has been read.
pub(in crate::cli) fn wait_for_reader() {
    terminal::note(&say().cli_press_enter());
    let _ = std::io::stdin().lock().read_line(&mut String::new());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_double_click_opens_the_console_and_a_dropped_roster_opens_in_it() {
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
        // A command, a file that is not there, and more than one argument mean what they say.
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
