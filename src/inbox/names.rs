//! Classification and numbering of file names in an inbox.

use std::ffi::OsStr;

/// The classification of an inbox entry by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// The name has the extension of a roster.
    Roster,
    /// The name is that of an unfinished upload.
    Unfinished,
    /// A hidden file, the lock file of an office program, a marker, or a folder of rosterpatch.
    Passed,
    /// Any other name.
    Other,
}

/// The extensions of files that are imported.
const ENDINGS: [&str; 6] = [".csv", ".txt", ".tsv", ".xlsx", ".xls", ".ods"];

/// The extensions that programs use for unfinished files.
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
    // A readme file among the rosters is not imported.
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

/// Formats a name for output. Control characters and invalid UTF-8 are escaped.
pub(super) fn escaped(name: &OsStr) -> String {
    let quoted = format!("{name:?}");
    let bare = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    bare.unwrap_or(&quoted).to_owned()
}

/// The maximum length of a file name in bytes (POSIX, NAME_MAX of every common file system).
const LONGEST: usize = 255;

/// The prefix of folders for files whose names leave no room for a number.
pub(super) const LONG: &str = "long-";

/// Returns the name of a file's folder below `processing`.
pub(super) fn folder_name(name: &str) -> String {
    if name.len() + 12 <= LONGEST {
        return name.to_owned();
    }
    format!("{LONG}{:016x}", xxhash_rust::xxh3::xxh3_64(name.as_bytes()))
}

/// Returns the folder name with a number from 2 on.
pub(super) fn numbered_folder(name: &str, number: u32) -> String {
    let name = folder_name(name);
    match number {
        1 => name,
        number => format!("{name}~{number}"),
    }
}

/// Returns a file name with a number before its extension, from 2 on.
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

/// Truncates a name to at most `most` bytes at a character boundary.
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
    fn control_characters_in_names_are_escaped() {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes("å\u{1b}[2J\n".as_bytes());
        assert_eq!(escaped(name), "å\\u{1b}[2J\\n");
        let name = std::ffi::OsStr::from_bytes(b"r\xe5.csv");
        assert_eq!(escaped(name), "r\\xE5.csv");
    }

    #[test]
    fn only_names_with_roster_extensions_are_imported() {
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
    fn names_are_numbered_before_the_extension_from_two_on() {
        assert_eq!(numbered_name("a.b.csv", 1), "a.b.csv");
        assert_eq!(numbered_name("a.b.csv", 2), "a.b-2.csv");
        assert_eq!(numbered_name("roster", 1), "roster");
        assert_eq!(numbered_name("roster", 10), "roster-10");
        assert_eq!(numbered_folder("a.csv", 1), "a.csv");
        assert_eq!(numbered_folder("a.csv", 2), "a.csv~2");
    }

    #[test]
    fn names_are_truncated_only_as_far_as_numbers_require() {
        let long = "x".repeat(300);
        assert_eq!(
            numbered_name(&format!("{long}.csv"), u32::MAX).len(),
            LONGEST
        );
        assert_eq!(numbered_name(&long, u32::MAX).len(), LONGEST - 1);
        let longest = &long[..243];
        assert_eq!(folder_name(longest), longest);
        assert_eq!(numbered_folder(longest, u32::MAX).len(), LONGEST - 1);
        // The folder of a longer name is reproducible and unique.
        let (one, other) = (folder_name(&long[..244]), folder_name(&long[..245]));
        assert!(one.starts_with(LONG) && one.len() < 30, "{one}");
        assert_eq!(one, folder_name(&long[..244]));
        assert_ne!(one, other);
    }

    #[test]
    fn names_are_truncated_at_character_boundaries() {
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
