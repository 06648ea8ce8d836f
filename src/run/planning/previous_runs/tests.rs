//! Tests of `run/planning/previous_runs`.

use super::*;
use crate::model::Summary;
use crate::run::tests::{Api, Desk, new_run};

/// A desk with the summary of an import of three rows.
fn imported() -> (Desk, Summary) {
    let api = Api::answering(|_| (200, serde_json::json!({"total": 0, "data": []})));
    let mut desk = Desk::new("id,name\np1,Åsa\np2,Bo\np3,Cy\n");
    let ended = desk.import(&api).unwrap();
    (desk, ended.summary)
}

/// Records a run after all others, with its settings and record changed by `change`.
fn record(
    desk: &Desk,
    (command, state, rows): (&'static str, RunState, u64),
    summary: &Summary,
    change: impl FnOnce(&mut Settings, &mut crate::journal::NewRun),
) -> RunRecord {
    let mut settings = desk.settings.clone();
    let mut run = new_run("later", command, &settings);
    change(&mut settings, &mut run);
    run.settings = settings.to_json().unwrap();
    let mut journal = desk.journal();
    let (id, name) = journal.begin(&run).unwrap();
    let summary = Summary {
        rows,
        ..summary.clone()
    };
    let json = serde_json::to_string(&summary).unwrap();
    journal
        .end(id, state, jiff::Timestamp::UNIX_EPOCH, &json)
        .unwrap();
    journal.run(Some(&name)).unwrap()
}

fn last_time(desk: &Desk) -> Option<u64> {
    rows_last_time(&desk.journal(), "school", &desk.settings).unwrap()
}

#[test]
fn the_last_edition_is_the_newest_finished_import_of_the_same_name_and_place() {
    let (desk, summary) = imported();
    assert_eq!(last_time(&desk), Some(3));
    let finished = ("import", RunState::Finished, 99);
    record(
        &desk,
        ("import", RunState::Interrupted, 99),
        &summary,
        |_, _| (),
    );
    record(&desk, ("undo", RunState::Finished, 99), &summary, |_, _| ());
    record(&desk, finished, &summary, |_, run| {
        run.target = "other".into()
    });
    record(&desk, finished, &summary, |settings, _| {
        settings.delivery.client.base_url = "http://127.0.0.1:2".into();
    });
    record(&desk, finished, &summary, |settings, _| {
        settings.roster.file = desk.folder.path().join("other.csv");
    });
    assert_eq!(last_time(&desk), Some(3));
    record(
        &desk,
        ("import", RunState::Finished, 4),
        &summary,
        |_, _| (),
    );
    assert_eq!(last_time(&desk), Some(4));
}

#[test]
fn a_first_roster_has_no_earlier_edition() {
    let desk = Desk::new("id,name\n");
    assert_eq!(last_time(&desk), None);
}

#[test]
fn a_later_edition_or_undo_at_the_same_place_supersedes_a_run() {
    let import = ("import", RunState::Finished, 3);
    let undo = ("undo", RunState::Finished, 3);
    let other_file = |settings: &mut Settings| settings.roster.file = "/other.csv".into();
    type Change<'a> = &'a dyn Fn(&mut Settings, &mut crate::journal::NewRun);
    let cases: [(&str, _, Change<'_>, bool); 7] = [
        ("another edition", import, &|_, _| (), false),
        (
            "the same content",
            import,
            &|_, run| run.sha256 = "first".into(),
            true,
        ),
        (
            "another target",
            import,
            &|_, run| run.target = "other".into(),
            true,
        ),
        (
            "another address",
            import,
            &|_, run| run.base_url = "http://b".into(),
            true,
        ),
        (
            "another roster",
            import,
            &|settings, _| other_file(settings),
            true,
        ),
        (
            "an undo of another",
            undo,
            &|settings, _| other_file(settings),
            false,
        ),
        (
            "an undo elsewhere",
            undo,
            &|_, run| run.base_url = "http://b".into(),
            true,
        ),
    ];
    let (desk, summary) = imported();
    for (name, what, change, stands) in cases {
        let first = record(&desk, import, &summary, |_, run| {
            run.sha256 = "first".into()
        });
        assert!(
            is_last_of_its_name(&desk.journal(), &first).unwrap(),
            "{name}: earlier ones"
        );
        let later = record(&desk, what, &summary, change);
        assert!(later.id > first.id);
        assert_eq!(
            is_last_of_its_name(&desk.journal(), &first).unwrap(),
            stands,
            "{name}"
        );
    }
}

#[test]
fn new_and_missing_rows_are_counted_since_the_last_roster_of_any_name_with_the_same_rows() {
    let api = Api::answering(|_| (200, serde_json::json!({"total": 0, "data": []})));
    let mut desk = Desk::new("id,name\np1,Åsa\np2,Bo\np3,Cy\n");
    let since = |desk: &Desk| desk.plan(desk.run().id).since;
    desk.import(&api).unwrap();
    assert_eq!(since(&desk), None);
    let first = desk.run().name;
    let mut import = |name: &str, text: &str| {
        let file = desk.settings.roster.file.with_file_name(name);
        std::fs::write(&file, text).unwrap();
        desk.settings.roster.file = file;
        desk.import(&api).unwrap();
        since(&desk).map(|since| (since.run == first, since.new, since.missing))
    };
    let next = "id,name\np2,Bo\np3,Cy\np4,Di\np5,Ed\n";
    assert_eq!(import("next.csv", next), Some((true, 2, 1)));
    // The same file again is compared with the previous roster.
    assert_eq!(import("again.csv", next), Some((true, 2, 1)));
    // The roster of another school has no previous edition.
    assert_eq!(import("other.csv", "id,name\nq1,Fi\nq2,Gus\n"), None);
}
