//! Unit tests of `safe_fs::folder`.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

fn here() -> (tempfile::TempDir, Folder) {
    let folder = tempfile::tempdir().unwrap();
    let opened = Folder::open(folder.path()).unwrap();
    (folder, opened)
}

fn refusal<T: std::fmt::Debug>(result: io::Result<T>) -> Refusal {
    let error = result.unwrap_err();
    Refusal::within(&error).expect("a refusal").clone()
}

#[test]
fn names_that_lead_out_of_the_folder_are_refused() {
    let (folder, opened) = here();
    std::fs::write(folder.path().join("a"), "a").unwrap();
    for name in ["", ".", "..", "../a", "/etc/passwd", "b/a"] {
        assert!(opened.open_file(name).is_err(), "{name}");
        assert!(opened.create(name).is_err(), "{name}");
        assert!(opened.rename("a", &opened, name).is_err(), "{name}");
        assert!(opened.remove_file(name).is_err(), "{name}");
        assert!(opened.private(name).is_err(), "{name}");
    }
    assert!(opened.open_file("a").is_ok());
    assert_eq!(opened.look("a".repeat(300)).unwrap(), None);
}

#[test]
fn only_regular_files_with_one_name_are_opened_without_blocking() {
    let (folder, opened) = here();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("a"), "a").unwrap();
    std::fs::hard_link(path("a"), path("b")).unwrap();
    assert_eq!(
        refusal(opened.open_file("a")),
        Refusal::HardLinked { links: 2 }
    );
    symlink(path("a"), path("link")).unwrap();
    symlink("/nowhere", path("dangling")).unwrap();
    std::fs::create_dir(path("folder")).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(path("pipe"))
        .status();
    assert!(made.unwrap().success());
    let _listener = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
    for (name, kind) in [
        ("link", FileKind::Link),
        ("dangling", FileKind::Link),
        ("folder", FileKind::Folder),
        ("pipe", FileKind::Pipe),
        ("socket", FileKind::Socket),
    ] {
        assert_eq!(refusal(opened.open_file(name)), Refusal::NotAFile { kind });
        assert_eq!(
            opened.create(name).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
    }
    let moved = opened.rename("a", &opened, "dangling").unwrap_err();
    assert_eq!(moved.kind(), io::ErrorKind::AlreadyExists);
}

#[test]
fn created_files_are_readable_by_their_owner_only() {
    let (folder, opened) = here();
    let mode = |name: &str| {
        let metadata = std::fs::metadata(folder.path().join(name)).unwrap();
        metadata.permissions().mode() & 0o777
    };
    opened.private("processing").unwrap();
    opened.create("error.txt").unwrap();
    assert_eq!((mode("processing"), mode("error.txt")), (0o700, 0o600));
    // A folder that others can open is made private before it is locked, because they could lock it too.
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.path().join("processing"), open).unwrap();
    let _lock = opened.private("processing").unwrap().lock().unwrap();
    assert_eq!(mode("processing"), 0o700);
}

#[test]
fn links_and_subfolders_writable_by_others_are_refused() {
    let (folder, opened) = here();
    let elsewhere = tempfile::tempdir().unwrap();
    symlink(elsewhere.path(), folder.path().join("held")).unwrap();
    let path = folder.path().join("held");
    let kind = FileKind::Link;
    assert_eq!(
        refusal(opened.private("held")),
        Refusal::NotAFolder { path, kind }
    );
    let done = folder.path().join("done");
    std::fs::create_dir(&done).unwrap();
    for mode in [0o777, 0o1777] {
        std::fs::set_permissions(&done, std::fs::Permissions::from_mode(mode)).unwrap();
        let path = done.clone();
        assert_eq!(
            refusal(opened.private("done")),
            Refusal::NotPrivate { path, mode }
        );
    }
}

#[test]
fn own_links_are_followed_and_folders_writable_by_others_refused() {
    let (folder, _) = here();
    let inbox = folder.path().join("a/inbox");
    std::fs::create_dir_all(&inbox).unwrap();
    symlink("a", folder.path().join("relative")).unwrap();
    symlink(&inbox, folder.path().join("absolute")).unwrap();
    symlink("loop", folder.path().join("loop")).unwrap();
    for way in ["relative/inbox", "absolute", "a/../a/inbox/."] {
        let opened = Folder::open(&folder.path().join(way)).unwrap();
        opened.create(way.replace('/', "-")).unwrap();
    }
    assert_eq!(std::fs::read_dir(&inbox).unwrap().count(), 3);
    assert!(Folder::open(&folder.path().join("loop")).is_err());
    let above = folder.path().join("a");
    std::fs::set_permissions(&above, std::fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(
        refusal(Folder::open(&inbox)),
        Refusal::Open { mode: 0o777, .. }
    ));
    std::fs::set_permissions(&above, std::fs::Permissions::from_mode(0o1777)).unwrap();
    assert!(Folder::open(&inbox).is_ok());
}

#[test]
fn a_handle_stays_valid_after_its_folder_is_renamed() {
    let (folder, opened) = here();
    let own = opened.private("held").unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::rename(folder.path().join("held"), folder.path().join("gone")).unwrap();
    symlink(elsewhere.path(), folder.path().join("held")).unwrap();
    own.create("r.csv").unwrap();
    assert!(folder.path().join("gone/r.csv").exists());
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}
