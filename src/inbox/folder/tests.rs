use super::*;

fn claim(inbox: &Inbox, name: &str) -> Option<PathBuf> {
    let lying = inbox.lying().unwrap();
    inbox.claim(name, lying.get(name)?).unwrap()
}

fn archive(inbox: &Inbox, file: &Path) -> Vec<PathBuf> {
    let moves = inbox.places(file, &[], Place::Done, "2026-08-20").unwrap();
    inbox.put(&moves).unwrap();
    moves.into_iter().map(|(_, to)| to).collect()
}

#[test]
fn a_file_is_taken_once_and_goes_where_it_belongs() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::at(folder.path());
    let write = |name: &str| std::fs::write(folder.path().join(name), name).unwrap();
    write("a.csv");
    write("a.csv.ready");
    write("b.csv.part");
    let lying = inbox.lying().unwrap();
    assert_eq!(lying.len(), 1);
    assert!(lying["a.csv"].ready);
    let taken = claim(&inbox, "a.csv").unwrap();
    assert_eq!(inbox.claim("a.csv", &lying["a.csv"]).unwrap(), None);
    assert!(!folder.path().join("a.csv.ready").exists());
    assert_eq!(inbox.taken().unwrap(), std::slice::from_ref(&taken));

    std::fs::write(taken.with_file_name("a.results.csv"), "").unwrap();
    let moved = archive(&inbox, &taken);
    assert_eq!(moved[1], folder.path().join("done/2026-08-20/a.csv"));
    assert!(inbox.taken().unwrap().is_empty());
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
    assert_eq!(inbox.taken().unwrap(), [taken]);
}

#[test]
fn a_file_that_has_changed_since_it_was_looked_at_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = Inbox::at(folder.path());
    std::fs::write(folder.path().join("a.csv"), "1").unwrap();
    let lying = inbox.lying().unwrap();
    std::fs::write(folder.path().join("a.csv"), "12").unwrap();
    assert_eq!(inbox.claim("a.csv", &lying["a.csv"]).unwrap(), None);
    assert!(folder.path().join("a.csv").exists());
}
