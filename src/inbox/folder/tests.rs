//! Unit tests of `inbox::folder`.

use std::time::SystemTime;

use super::*;
use crate::inbox::ArchiveFolder;

fn claim(inbox: &Inbox, name: &str) -> Option<PathBuf> {
    let lying = inbox.entries().unwrap().files;
    inbox.claim(name, lying.get(name)?).unwrap()
}

fn archive(inbox: &Inbox, file: &Path) -> Vec<PathBuf> {
    let moves = inbox
        .places(file, &[], ArchiveFolder::Done, "2026-08-20")
        .unwrap();
    inbox.put(&moves).unwrap();
    moves.paths.into_iter().map(|(_, to)| to).collect()
}

#[test]
fn a_file_is_claimed_once_and_archived() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::at(folder.path());
    let write = |name: &str| std::fs::write(folder.path().join(name), name).unwrap();
    write("a.csv");
    write("a.csv.ready");
    write("b.csv.part");
    let lying = inbox.entries().unwrap().files;
    assert_eq!(lying.len(), 1);
    assert!(lying["a.csv"].ready);
    let taken = claim(&inbox, "a.csv").unwrap();
    assert_eq!(inbox.claim("a.csv", &lying["a.csv"]).unwrap(), None);
    assert!(!folder.path().join("a.csv.ready").exists());
    assert_eq!(inbox.taken().unwrap().files, std::slice::from_ref(&taken));

    std::fs::write(taken.with_file_name("a.results.csv"), "").unwrap();
    let moved = archive(&inbox, &taken);
    assert_eq!(moved[1], folder.path().join("done/2026-08-20/a.csv"));
    assert!(inbox.taken().unwrap().files.is_empty());
    assert!(!folder.path().join("processing/a.csv").exists());
    // A second file of the same name gets a number, as do its output files.
    write("a.csv");
    let taken = claim(&inbox, "a.csv").unwrap();
    std::fs::write(taken.with_file_name("a.results.csv"), "").unwrap();
    let moved = archive(&inbox, &taken);
    let names: Vec<_> = moved.iter().map(|to| to.file_name().unwrap()).collect();
    assert_eq!(names, ["a.results-2.csv", "a-2.csv"]);
}

#[test]
fn leftovers_of_a_killed_process_are_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::at(folder.path());
    std::fs::write(folder.path().join("a.csv"), "").unwrap();
    let processing = folder.path().join("processing/a.csv");
    std::fs::create_dir_all(&processing).unwrap();
    let age = |minutes: u64| {
        let time = SystemTime::now() - std::time::Duration::from_secs(60 * minutes);
        let folder = std::fs::File::open(&processing).unwrap();
        folder.set_modified(time).unwrap();
    };
    assert_eq!(claim(&inbox, "a.csv"), None, "someone may be at work there");
    assert!(processing.exists());
    age(2);
    assert_eq!(claim(&inbox, "a.csv"), None, "an empty folder: this time");
    std::fs::create_dir_all(&processing).unwrap();
    std::fs::write(processing.join("a.results.csv"), "").unwrap();
    age(2);
    let taken = claim(&inbox, "a.csv").expect("another folder");
    assert_eq!(inbox.taken().unwrap().files, [taken]);
}

#[test]
fn a_file_that_changed_since_it_was_listed_is_not_claimed() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::at(folder.path());
    std::fs::write(folder.path().join("a.csv"), "1").unwrap();
    let lying = inbox.entries().unwrap().files;
    std::fs::write(folder.path().join("a.csv"), "12").unwrap();
    assert_eq!(inbox.claim("a.csv", &lying["a.csv"]).unwrap(), None);
    assert!(folder.path().join("a.csv").exists());
    // A change of the modification time alone counts too.
    std::fs::write(folder.path().join("a.csv.ready"), "").unwrap();
    let lying = inbox.entries().unwrap().files;
    let file = std::fs::File::create(folder.path().join("a.csv")).unwrap();
    std::io::Write::write_all(&mut &file, b"13").unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(inbox.claim("a.csv", &lying["a.csv"]).unwrap(), None);
    assert!(folder.path().join("a.csv").exists());
    // The file keeps its marker, and no empty folder is left behind.
    assert!(folder.path().join("a.csv.ready").exists());
    assert!(!folder.path().join("processing/a.csv").exists());
    assert!(claim(&inbox, "a.csv").is_some());
    let gone = inbox.claim("a.csv", &lying["a.csv"]).unwrap();
    assert_eq!(gone, None, "another process has it");
}

/// Returns an inbox, a folder `processing/a.csv/` with a file that was just moved there, and the file's
/// metadata.
fn just_moved(root: &Path) -> (Folder, Folder, FileInfo) {
    let inbox = Inbox::at(root).open().unwrap();
    let own = inbox.private(PROCESSING).unwrap();
    let own = own.private("a.csv").unwrap();
    std::fs::write(own.path().join("a.csv"), "moved").unwrap();
    let look = own.look("a.csv").unwrap().unwrap();
    (inbox, own, look)
}

#[test]
fn a_file_that_changed_during_the_move_goes_back_without_overwriting() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let content = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let (inbox, own, as_seen) = just_moved(root);
    assert!(keep(&inbox, &own, "a.csv", &as_seen).unwrap());
    let before = FileInfo {
        modified: (1, 0),
        ..as_seen
    };
    assert!(!keep(&inbox, &own, "a.csv", &before).unwrap());
    assert_eq!(content("a.csv"), "moved", "the next sweep finds it");
    // Another file of the same name has arrived in the meantime.
    for expected in ["failed/a.csv", "failed/a-2.csv", "failed/a-3.csv"] {
        std::fs::write(root.join("a.csv"), "new").unwrap();
        let (inbox, own, _) = just_moved(root);
        let error = keep(&inbox, &own, "a.csv", &before).unwrap_err();
        assert!(matches!(Refusal::within(&error), Some(Refusal::Swapped)));
        assert_eq!(content("a.csv"), "new");
        assert_eq!(content(expected), "moved");
    }
    let missing = set_aside(&inbox, &own, "missing.csv").unwrap_err();
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
}

#[cfg(unix)]
#[test]
fn a_claimed_link_is_refused_and_moved_back() {
    let folder = tempfile::tempdir().unwrap();
    let (inbox, own, as_seen) = just_moved(folder.path());
    own.remove_file("a.csv").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", own.path().join("a.csv")).unwrap();
    let error = keep(&inbox, &own, "a.csv", &as_seen).unwrap_err();
    let refusal = Refusal::within(&error);
    let is_link = matches!(
        refusal,
        Some(Refusal::NotAFile {
            kind: FileKind::Link
        })
    );
    assert!(is_link, "{error}");
    assert!(folder.path().join("a.csv").is_symlink());
    // A file that has taken the name is not replaced.
    let (inbox, own, as_seen) = just_moved(folder.path());
    own.remove_file("a.csv").unwrap();
    std::os::unix::fs::symlink("/etc/hosts", own.path().join("a.csv")).unwrap();
    assert!(keep(&inbox, &own, "a.csv", &as_seen).is_err());
    let failed = folder.path().join("failed/a.csv");
    assert_eq!(failed.read_link().unwrap(), Path::new("/etc/hosts"));
}

#[cfg(unix)]
#[test]
fn each_roster_like_entry_is_listed_or_reported_with_the_reason() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in ["b.csv", "b.csv.ready", "a.csv", ".hidden.csv", "c.csv.part"] {
        std::fs::write(root.join(name), "").unwrap();
    }
    std::fs::write(root.join("notes.pdf"), "").unwrap();
    let upload = std::fs::File::create(root.join("old.csv.part")).unwrap();
    upload.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    std::fs::create_dir(root.join("folder")).unwrap();
    std::fs::create_dir(root.join("folder.xlsx")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", root.join("link.csv")).unwrap();
    std::fs::write(root.join("one.csv"), "").unwrap();
    std::fs::hard_link(root.join("one.csv"), root.join("two.csv")).unwrap();
    std::fs::write(root.join(std::ffi::OsStr::from_bytes(b"r\xe5.csv")), "").unwrap();
    let entries = Inbox::at(root).entries().unwrap();
    let mut files: Vec<_> = entries.files.iter().collect();
    files.sort_by_key(|(name, _)| *name);
    let files: Vec<_> = files
        .iter()
        .map(|(name, file)| (&***name, file.ready))
        .collect();
    assert_eq!(files, [("a.csv", false), ("b.csv", true)]);
    let mut others = Vec::new();
    for other in &entries.others {
        others.push((&*other.name, Refusal::within(&other.why).cloned()));
    }
    let linked = || Some(Refusal::HardLinked { links: 2 });
    let of = |kind| Some(Refusal::NotAFile { kind });
    let expected = [
        ("folder", of(FileKind::Folder)),
        ("folder.xlsx", of(FileKind::Folder)),
        ("link.csv", of(FileKind::Link)),
        ("notes.pdf", Some(Refusal::NotARoster)),
        ("old.csv.part", Some(Refusal::Unfinished)),
        ("one.csv", linked()),
        ("r\\xE5.csv", Some(Refusal::NotUtf8)),
        ("two.csv", linked()),
    ];
    assert_eq!(others, expected);
}

#[test]
fn only_the_claimed_file_is_found_in_the_folder_of_a_long_name() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::at(folder.path());
    let name = format!("{}.csv", "x".repeat(245));
    let drop_it = || std::fs::write(folder.path().join(&name), "").unwrap();
    drop_it();
    let first = claim(&inbox, &name).unwrap();
    // Other files in the folder are ignored.
    std::fs::write(first.with_file_name("other.csv"), "").unwrap();
    assert_eq!(inbox.taken().unwrap().files, std::slice::from_ref(&first));
    // The remains of the first folder do not block the name: the second folder is numbered.
    std::fs::remove_file(&first).unwrap();
    let own = std::fs::File::open(first.parent().unwrap()).unwrap();
    own.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    drop_it();
    let second = claim(&inbox, &name).unwrap();
    assert_ne!(second.parent(), first.parent());
    assert_eq!(inbox.taken().unwrap().files, [second]);
    // A short name may have the prefix of the folders for long names.
    let short = format!("{LONG}term.csv");
    std::fs::write(folder.path().join(&short), "").unwrap();
    let short = claim(&inbox, &short).unwrap();
    assert!(inbox.taken().unwrap().files.contains(&short));
}

#[test]
fn claimed_files_are_listed_oldest_first() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::at(folder.path());
    assert!(inbox.taken().unwrap().files.is_empty(), "nothing was yet");
    let mut taken = Vec::new();
    for name in ["d.csv", "b.csv", "a.csv", "c.csv"] {
        std::fs::write(folder.path().join(name), "").unwrap();
        taken.extend(claim(&inbox, name));
    }
    // Files with equal times are sorted by name.
    for (path, seconds) in taken.iter().zip([30, 10, 20, 20]) {
        let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        std::fs::File::options()
            .append(true)
            .open(path)
            .unwrap()
            .set_modified(at)
            .unwrap();
    }
    let taken: Vec<_> = [1, 2, 3, 0].map(|index: usize| taken[index].clone()).into();
    let mut taken = taken;
    // A file name that contains `~2` does not make its folder a numbered one.
    std::fs::write(folder.path().join("e~2.csv"), "").unwrap();
    taken.extend(claim(&inbox, "e~2.csv"));
    std::fs::write(folder.path().join("processing/stray"), "").unwrap();
    std::fs::create_dir(folder.path().join("processing/empty")).unwrap();
    assert_eq!(inbox.taken().unwrap().files, taken);
}

#[test]
fn only_a_direct_subfolder_of_processing_belongs_to_one_file() {
    for (file, own) in [
        ("/in/processing/a.csv/a.csv", Some("a.csv")),
        ("/in/processing/a.csv~2/a.csv", Some("a.csv~2")),
        ("/in/processing/a.csv", None),
        ("/in/held/a.csv", None),
        ("/in/processing/a.csv/deeper/a.csv", None),
        ("/", None),
    ] {
        assert_eq!(own_folder(Path::new(file)), own.map(OsStr::new), "{file}");
    }
}

#[cfg(unix)]
#[test]
fn a_claimed_file_is_the_one_that_was_checked() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::at(folder.path());
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "secret").unwrap();
    let path = folder.path().join("a.csv");
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Another account replaces the entry as fast as possible.
        scope.spawn(|| {
            let other = folder.path().join(".other");
            while !is_over.load(Ordering::Relaxed) {
                std::fs::write(&other, "a").unwrap();
                std::fs::rename(&other, &path).unwrap();
                std::os::unix::fs::symlink(secret.path(), &other).unwrap();
                std::fs::rename(&other, &path).unwrap();
                std::fs::hard_link(secret.path(), &other).unwrap();
                std::fs::rename(&other, &path).unwrap();
            }
        });
        let (mut taken, mut refused) = (0, 0);
        let mut tries = 0;
        // On a busy machine, every attempt may find a changed entry.
        while tries < 3000 || (taken + refused == 0 && tries < 300_000) {
            tries += 1;
            let lying = inbox.entries().unwrap().files;
            let Some(lying) = lying.get("a.csv") else {
                continue;
            };
            match inbox.claim("a.csv", lying) {
                Ok(Some(file)) => {
                    assert_eq!(std::fs::read(&file).unwrap(), b"a");
                    assert!(file.symlink_metadata().unwrap().is_file());
                    std::fs::remove_dir_all(file.parent().unwrap()).unwrap();
                    taken += 1;
                }
                Ok(None) => {}
                Err(error) => {
                    assert!(Refusal::within(&error).is_some(), "{error}");
                    refused += 1;
                }
            }
        }
        is_over.store(true, Ordering::Relaxed);
        assert!(taken + refused > 0);
    });
    assert_eq!(std::fs::read(secret.path()).unwrap(), b"secret");
    let left = inbox.taken().unwrap();
    assert!(left.files.is_empty() && left.others.is_empty(), "{left:?}");
}

#[cfg(unix)]
#[test]
fn an_entry_that_is_not_a_file_does_not_block_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::at(folder.path());
    let own = inbox.open().unwrap().private(PROCESSING).unwrap();
    own.make_folder("a.csv").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", own.path().join("a.csv/a.csv")).unwrap();
    std::fs::write(folder.path().join("a.csv"), "").unwrap();
    let taken = inbox.taken().unwrap();
    assert!(taken.files.is_empty());
    assert_eq!(taken.others[0].name, "a.csv");
    assert!(folder.path().join("failed/a.csv").is_symlink());
    assert!(claim(&inbox, "a.csv").is_some());
}

#[test]
fn a_stamp_contains_the_size_and_the_modification_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    std::fs::write(&path, "four").unwrap();
    let modified = std::time::UNIX_EPOCH + std::time::Duration::new(90, 7_000);
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(modified).unwrap();
    let lying = Inbox::at(folder.path()).entries().unwrap().files;
    assert_eq!(lying["a.csv"].modified(), (90, 7_000));
    assert_eq!(lying["a.csv"].stamp(), "90.000007000:4");
    assert_eq!(stamp_of(&path), "90.000007000:4");
    assert_eq!(stamp_of(&folder.path().join("gone.csv")), "");
    assert_eq!(modified_in("90.000007000:4"), Some((90, 7_000)));
    for other in ["", "90:4", "90.000007000", "x.1:4"] {
        assert_eq!(modified_in(other), None, "{other}");
    }
}
