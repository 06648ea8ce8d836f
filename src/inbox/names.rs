//! Names of inbox entries show which files are complete, hidden or temporary.

use std::ffi::OsStr;

/// The classification of an inbox entry by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// It ends like a roster.
    Roster,
    /// It is being written.
    Unfinished,
    /// A hidden file, the lock file of an office program, a marker, or a folder of rosterpatch.
    Passed,
    /// Any other name.
    Other,
}

/// The endings of the files that are imported.
const ENDINGS: [&str; 6] = [".csv", ".txt", ".tsv", ".xlsx", ".xls", ".ods"];

/// The endings under which programs write a file before they give it its own name.
const UNFINISHED: [&str; 7] = [
    ".part",
    ".partial",
    ".tmp",
    ".crdownload",
    ".download",
    ".filepart",
    ".uploading",
];

/// Classifies a name.
pub(super) fn named(name: &str) -> Named {
    let lower = name.to_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| lower.ends_with(ending));
    let own = ["processing", "done", "partial", "failed", "held"];
    // A note for people among the rosters.
    let stem = lower.strip_suffix(".txt").map(str::trim);
    let is_note = stem.is_some_and(|stem| {
        [
            "readme", "read me", "läsmig", "läs mig", "lasmig", "las mig",
        ]
        .contains(&stem)
    });
    if lower.starts_with('.')
        || lower.starts_with("~$")
        || lower.contains(".~lock")
        || lower.ends_with(".ready")
        || own.contains(&name)
    {
        Named::Passed
    } else if ends(&UNFINISHED) {
        Named::Unfinished
    } else if ends(&ENDINGS) && !is_note {
        Named::Roster
    } else {
        Named::Other
    }
}

/// A name for a person: control characters and bytes that are no text are escaped.
pub(super) fn escaped(name: &OsStr) -> String {
    let quoted = format!("{name:?}");
    let bare = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    bare.unwrap_or(&quoted).to_owned()
}

/// Bytes that a file's name may have (POSIX, NAME_MAX of every common file system).
const LONGEST: usize = 255;

/// What begins the name of a folder for a file whose own name leaves no room for a number.
pub(super) const LONG: &str = "long-";

/// The name of a file's folder below `processing`.
pub(super) fn folder_name(name: &str) -> String {
    if name.len() + 12 <= LONGEST {
        return name.to_owned();
    }
    format!("{LONG}{:016x}", xxhash_rust::xxh3::xxh3_64(name.as_bytes()))
}

/// The same with a number, from 2 on.
pub(super) fn numbered_folder(name: &str, number: u32) -> String {
    let name = folder_name(name);
    match number {
        1 => name,
        number => format!("{name}~{number}"),
    }
}

/// A file's name with a number before its ending, from 2 on.
pub(super) fn numbered_name(name: &str, number: u32) -> String {
    match (number, name.rsplit_once('.')) {
        (1, _) => name.to_owned(),
        (number, Some((stem, ending))) => {
            let room = LONGEST.saturating_sub(ending.len() + 12);
            format!("{}-{number}.{ending}", short(stem, room))
        }
        (number, None) => format!("{}-{number}", short(name, LONGEST - 12)),
    }
}

/// The beginning of a name, in so many bytes.
pub(super) fn short(name: &str, most: usize) -> &str {
    let mut end = name.len().min(most);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_name_is_shown_without_bytes_that_a_terminal_would_obey() {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes("å\u{1b}[2J\n".as_bytes());
        assert_eq!(escaped(name), "å\\u{1b}[2J\\n");
        let name = std::ffi::OsStr::from_bytes(b"r\xe5.csv");
        assert_eq!(escaped(name), "r\\xE5.csv");
    }

    #[test]
    fn only_names_that_end_like_a_roster_are_taken() {
        for (expected, names) in [
            (
                Named::Roster,
                &[
                    "elever.csv",
                    "Elever 2026.CSV",
                    "part.csv",
                    "done.csv",
                    "x.tsv",
                    "x.Xlsx",
                    "x.xls",
                    "x.ods",
                    "elever.txt",
                ][..],
            ),
            (
                Named::Other,
                &[
                    "elever.csv~",
                    "elever.csv.bak",
                    "elever.csv.old",
                    "elever.csv.gz",
                    "Thumbs.db",
                    "desktop.ini",
                    "LÄSMIG.txt",
                    "Läs mig.txt",
                    "README.txt",
                    "x.xlsm",
                    "csv",
                ],
            ),
            (
                Named::Unfinished,
                &[
                    "elever.csv.part",
                    "elever.csv.partial",
                    "elever.csv.uploading",
                    "x.TMP",
                    "x.csv.crdownload",
                ],
            ),
            (
                Named::Passed,
                &[
                    "~$elever.xlsx",
                    ".~lock.elever.csv#",
                    ".hidden.csv",
                    "elever.csv.ready",
                    "done",
                    "processing",
                ],
            ),
        ] {
            for name in names {
                assert_eq!(named(name), expected, "{name}");
            }
        }
    }

    #[test]
    fn a_number_stands_before_the_ending_from_two_on() {
        assert_eq!(numbered_name("a.b.csv", 1), "a.b.csv");
        assert_eq!(numbered_name("a.b.csv", 2), "a.b-2.csv");
        assert_eq!(numbered_name("roster", 1), "roster");
        assert_eq!(numbered_name("roster", 10), "roster-10");
        assert_eq!(numbered_folder("a.csv", 1), "a.csv");
        assert_eq!(numbered_folder("a.csv", 2), "a.csv~2");
    }

    #[test]
    fn a_name_leaves_room_for_any_number_and_is_cut_no_more_than_that() {
        let long = "x".repeat(300);
        assert_eq!(
            numbered_name(&format!("{long}.csv"), u32::MAX).len(),
            LONGEST
        );
        assert_eq!(numbered_name(&long, u32::MAX).len(), LONGEST - 1);
        let longest = &long[..243];
        assert_eq!(folder_name(longest), longest);
        assert_eq!(numbered_folder(longest, u32::MAX).len(), LONGEST - 1);
        // A longer one gives its folder a name that is found again, and that no other file's has.
        let (one, other) = (folder_name(&long[..244]), folder_name(&long[..245]));
        assert!(one.starts_with(LONG) && one.len() < 30, "{one}");
        assert_eq!(one, folder_name(&long[..244]));
        assert_ne!(one, other);
    }

    #[test]
    fn a_name_is_cut_between_two_letters() {
        for (most, expected) in [
            (0, ""),
            (1, "a"),
            (2, "a"),
            (3, "aå"),
            (4, "aåb"),
            (9, "aåb"),
        ] {
            assert_eq!(short("aåb", most), expected, "{most} bytes");
        }
    }
}
