//! Tests of `run/settings`.

use super::*;
use crate::run::tests::{Desk, new_run};

fn settings() -> Settings {
    Desk::new("id,name\n").settings
}

#[cfg(unix)]
#[test]
fn stored_paths_are_absolute() {
    assert_eq!(
        absolute(Path::new("-")),
        Path::new("-"),
        "standard input is no file"
    );
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let (file, link) = (folder.join("r.csv"), folder.join("link.csv"));
    std::fs::write(&file, "").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    assert_eq!(absolute(&link), file);
    assert!(absolute(Path::new("not-there.csv")).is_absolute());
}

#[test]
fn today_is_the_local_date() {
    let noon = "2026-08-20T12:00:00Z".parse().unwrap();
    // The local date differs by at most a day.
    let apart = today(noon) - jiff::civil::date(2026, 8, 20);
    assert!(apart.get_days().abs() <= 1, "{apart}");
}

#[test]
fn stored_settings_work_in_another_folder() {
    let mut kept = settings();
    kept.roster.file = "r.csv".into();
    kept.config = Some("c.toml".into());
    kept.inbox = Some("in".into());
    kept.delivery.paths.results = "r.results.csv".into();
    let mut record = new_run("r", "import", &kept);
    record.settings = kept.to_json().unwrap();
    let desk = Desk::new("id,name\n");
    desk.journal().begin(&record).unwrap();
    let read = Settings::of(&desk.run()).unwrap();
    for path in [
        &read.roster.file,
        &read.config.unwrap(),
        &read.inbox.unwrap(),
        &read.delivery.paths.results,
    ] {
        assert!(path.is_absolute(), "{}", path.display());
    }
    assert_eq!(read.target, kept.target);
    assert_eq!(to_json(&[1, 2]).unwrap(), "[1,2]");
}

#[cfg(unix)]
#[test]
fn a_path_that_is_not_utf8_cannot_be_stored() {
    use std::os::unix::ffi::OsStrExt;
    let odd = Path::new("/tmp").join(std::ffi::OsStr::from_bytes(b"r\xe5.csv"));
    let mut kept = settings();
    kept.roster.file.clone_from(&odd);
    let error = kept.to_json().unwrap_err();
    assert!(matches!(error, RunError::NotText { path } if path == odd));
}

#[test]
fn a_roster_keeps_the_name_of_its_upload() {
    let mut settings = settings();
    assert_eq!(settings.name(), "r.csv");
    settings.dropped_as = Some("students.csv".into());
    assert_eq!(settings.name(), "students.csv");
}

#[test]
fn an_edition_of_the_same_roster_has_its_name_address_and_profile() {
    let one = settings();
    type Change<'a> = &'a dyn Fn(&mut Settings);
    let cases: [(&str, Change<'_>, bool); 5] = [
        ("nothing", &|_| (), true),
        (
            "a slash",
            &|other| other.delivery.client.base_url.push('/'),
            true,
        ),
        (
            "the name",
            &|other| other.dropped_as = Some("other.csv".into()),
            false,
        ),
        (
            "the address",
            &|other| other.delivery.client.base_url.push('1'),
            false,
        ),
        (
            "the profile",
            &|other| other.profile = Some("south".into()),
            false,
        ),
    ];
    for (what, change, is_same) in cases {
        let mut other = one.clone();
        change(&mut other);
        assert_eq!(one.is_of_the_same_roster(&other), is_same, "{what}");
    }
}

#[test]
fn a_run_resumes_only_with_settings_that_send_the_same() {
    let one = settings();
    type Change<'a> = &'a dyn Fn(&mut Settings);
    let cases: [(&str, Change<'_>, bool); 12] = [
        ("nothing", &|_| (), true),
        (
            "the day",
            &|other| other.roster.check.today = jiff::civil::date(2027, 1, 1),
            true,
        ),
        (
            "the file's place",
            &|other| other.roster.file = "/x.csv".into(),
            true,
        ),
        (
            "who named it",
            &|other| other.roster.read.origin = Origin::Page,
            true,
        ),
        ("the pace", &|other| other.delivery.pace.own_burst = 7, true),
        (
            "the results",
            &|other| other.delivery.paths.results = "/x".into(),
            true,
        ),
        ("the target", &|other| other.target.push('\n'), false),
        (
            "the delimiter",
            &|other| other.roster.read.delimiter = Some(b';'),
            false,
        ),
        (
            "the rows",
            &|other| other.delivery.selection.limit = Some(7),
            false,
        ),
        ("all of them", &|other| other.delivery.all = true, false),
        ("blindly", &|other| other.delivery.blind = true, false),
        (
            "the run it undoes",
            &|other| other.delivery.undoes = Some("r".into()),
            false,
        ),
    ];
    for (what, change, is_same) in cases {
        let mut other = one.clone();
        change(&mut other);
        assert_eq!(one.mean_the_same(&other), is_same, "{what}");
    }
}
