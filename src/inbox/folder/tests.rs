use std::time::SystemTime;

use super::*;
use crate::inbox::Place;

fn claim(inbox: &Inbox, name: &str) -> Option<PathBuf> {
    let lying = inbox.entries().unwrap().files;
    inbox.claim(name, lying.get(name)?).unwrap()
}

fn archive(inbox: &Inbox, file: &Path) -> Vec<PathBuf> {
    let moves = inbox.places(file, &[], Place::Done, "2026-08-20").unwrap();
    inbox.put(&moves).unwrap();
    moves.paths.into_iter().map(|(_, to)| to).collect()
}

#[test]
fn a_file_is_taken_once_and_goes_where_it_belongs() {
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
    // Another one of that name gets a number, and so does what belongs to it.
    write("a.csv");
    let taken = claim(&inbox, "a.csv").unwrap();
    std::fs::write(taken.with_file_name("a.results.csv"), "").unwrap();
    let moved = archive(&inbox, &taken);
    let names: Vec<_> = moved.iter().map(|to| to.file_name().unwrap()).collect();
    assert_eq!(names, ["a.results-2.csv", "a-2.csv"]);
}

#[test]
fn what_a_dead_process_left_does_no_harm() {
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
fn a_file_that_has_changed_since_it_was_looked_at_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::at(folder.path());
    std::fs::write(folder.path().join("a.csv"), "1").unwrap();
    let lying = inbox.entries().unwrap().files;
    std::fs::write(folder.path().join("a.csv"), "12").unwrap();
    assert_eq!(inbox.claim("a.csv", &lying["a.csv"]).unwrap(), None);
    assert!(folder.path().join("a.csv").exists());
}

#[cfg(unix)]
#[test]
fn what_is_taken_is_the_file_that_was_seen_whatever_is_put_in_its_place() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::at(folder.path());
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "secret").unwrap();
    let path = folder.path().join("a.csv");
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Another account replaces the entry as fast as it can.
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
        for _ in 0..3000 {
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
fn what_is_no_file_leaves_the_name_free() {
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
