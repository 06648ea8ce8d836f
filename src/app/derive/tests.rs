//! Unit tests of `app::derive`.

use super::*;
use crate::app::tests::{Scene, roster};
use crate::model::Exit;
use crate::plan::ConflictPolicy;
use crate::run::Queued;

/// Options that change nothing.
fn unchanged(_: &mut Settings) -> Result<(), AppError> {
    Ok(())
}

/// Derives a retry of a run without other options and paths.
fn retry_run(scene: &Scene, name: &str, only: Vec<RowState>) -> Result<Settings, AppError> {
    let paths = NamedPaths::default();
    retried_run(&scene.session, name, only, &unchanged, &paths)
}

/// Returns the reason why a run is not retried.
fn why(error: AppError) -> Code {
    match error {
        AppError::Run(RunError::NotRetriable { why, .. }) => why,
        other => panic!("{other}"),
    }
}

/// A finished run of four students in which the second row failed and the third was not sent.
fn with_failures(scene: &Scene, settings: &Settings) -> RunRecord {
    use RowState::{Failed, Invalid, NotSent, Updated};
    let run = scene.run("first", RunState::Running, settings);
    scene.rows(&run, &[Updated, Failed, NotSent, Invalid].map(Some));
    scene.end(&run, RunState::Finished, Exit::RowsFailed);
    scene.record("first")
}

#[test]
fn a_retry_sends_failed_and_unsent_rows_from_the_unchanged_file() {
    let scene = Scene::new();
    let file = scene.write("r.csv", &roster(4));
    let mut settings = scene.settings("r.csv");
    settings.roster.check.recalls = true;
    with_failures(&scene, &settings);

    let retried = retry_run(&scene, "first", vec![]).unwrap();
    assert_eq!(retried.delivery.selection.rows, [2..=2, 3..=3]);
    assert_eq!(retried.roster.file, file);
    let retries = retried.delivery.retries.unwrap();
    assert_eq!((&*retries.run.unwrap(), retries.only), ("first", vec![]));
    assert!(!retried.roster.check.recalls);

    let only = vec![RowState::NotSent];
    let retried = retry_run(&scene, "first", only).unwrap();
    assert_eq!(retried.delivery.selection.rows, [3..=3]);
}

#[test]
fn a_retry_without_the_original_file_sends_the_recorded_changes() {
    let scene = Scene::new();
    let file = scene.write("r.csv", &roster(4));
    with_failures(&scene, &scene.settings("r.csv"));
    // A row inserted at the top shifts the numbers of all other rows.
    scene.write("r.csv", &format!("{}0,Eva\n", roster(4)));
    for is_gone in [false, true] {
        if is_gone {
            std::fs::remove_file(&file).unwrap();
        }
        let retried = retry_run(&scene, "first", vec![]).unwrap();
        let own = retried.roster;
        assert_ne!(own.file, file);
        let text = std::fs::read_to_string(&own.file).unwrap();
        let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
        assert_eq!(lines, ["id,name", "2,Bo", "3,Bo"]);
        assert_eq!(retried.delivery.selection, Selection::default());
        // The reading options of the roster do not apply to a file of this program.
        let plain = (Some(b','), Some("utf-8"), true);
        let read = (own.read.delimiter, own.read.encoding.as_deref(), own.sparse);
        assert_eq!(read, plain);
        assert_eq!(own.check.empty, EmptyCell::Keep);
    }
}

#[test]
fn generated_rosters_ignore_the_reading_options_of_the_original() {
    let scene = Scene::new();
    let mut like = scene.settings("r.csv").roster;
    like.read.delimiter = Some(b';');
    like.read.header_row = Some(3);
    like.map.overrides = vec![("Namn".into(), "name".into())];
    like.key = Some("name".into());
    like.sparse = false;
    like.check.strict = true;
    let own = of_our_own(&like, "own.csv".into());
    assert_eq!(own.file, Path::new("own.csv"));
    assert_eq!(
        (own.read.delimiter, own.read.header_row),
        (Some(b','), None)
    );
    assert!(own.read.copy && own.sparse);
    assert_eq!((own.map.overrides, own.key), (vec![], None));
    // The roster determines how cells are checked.
    assert!(own.check.strict);
}

#[test]
fn a_run_is_retried_only_after_its_end_and_if_rows_are_left() {
    use RunState::{Held, Interrupted, Planning, Replaced, Running, Undone};
    let scene = Scene::new();
    scene.write("r.csv", &roster(2));
    let settings = scene.settings("r.csv");
    let retry = |name: &str| {
        let retried = retry_run(&scene, name, vec![]);
        retried.map(|_| ()).unwrap_err()
    };
    for state in [Planning, Running, Interrupted, Held, Replaced, Undone] {
        let run = scene.run(state.as_str(), state, &settings);
        scene.rows(&run, &[Some(RowState::Failed)]);
        let expected = match state {
            Undone => Code::WhyUndone,
            _ => Code::WhyNotEnded,
        };
        assert_eq!(why(retry(state.as_str())), expected);
    }
    // A process is executing the run.
    let _at_work = RunLock::share(&scene.session.state, "running").unwrap();
    assert_eq!(retry("running").exit(), Exit::Busy);

    scene.finished("whole", 2, &settings);
    assert_eq!(why(retry("whole")), Code::WhyNoSuchRows);

    let mut settings = settings;
    settings.sandbox = true;
    let run = scene.run("rehearsed", Running, &settings);
    scene.rows(&run, &[Some(RowState::Failed)]);
    scene.end(&run, RunState::Finished, Exit::RowsFailed);
    assert_eq!(why(retry("rehearsed")), Code::WhySandboxGone);
}

#[test]
fn a_retry_applies_the_options_and_archives_no_inbox_file() {
    let scene = Scene::new();
    let mut settings = scene.settings("r.csv");
    settings.inbox = Some(scene.path("inbox"));
    settings.dropped_as = Some("r.csv".into());
    settings.delivery.approved = Some(Default::default());
    let run = scene.run("first", RunState::Finished, &settings);
    let derived = again(&run, &|settings| {
        settings.delivery.all = true;
        Ok(())
    });
    let derived = derived.unwrap();
    assert!(derived.delivery.all);
    assert_eq!((derived.inbox, derived.dropped_as), (None, None));
    assert_eq!(derived.delivery.approved, None);
}

#[test]
fn results_of_an_undo_cannot_be_retried() {
    let scene = Scene::new();
    scene.write("r.csv", &roster(1));
    let mut settings = scene.settings("r.csv");
    let results = settings.roster.clone();
    scene.finished("first", 1, &settings);
    settings.delivery.undoes = Some("first".into());
    scene.finished("undo", 1, &settings);
    let of = |name| runs_of(&scene.session, &results, Some(name), None);
    assert_eq!(of("first").unwrap()[0].name, "first");
    let refused = of("undo").unwrap_err();
    assert!(matches!(refused, AppError::Run(RunError::OfAnUndo { run }) if run == "undo"));
}

#[test]
fn a_named_run_matches_results_only_at_its_own_address() {
    let scene = Scene::new();
    scene.write("r.csv", &roster(1));
    let settings = scene.settings("r.csv");
    scene.finished("first", 1, &settings);
    let at = |name: &str, address: &str| {
        let place = Some((name, address));
        let runs = runs_of(&scene.session, &settings.roster, Some("first"), place);
        runs.unwrap().len()
    };
    assert_eq!(at("school", "http://127.0.0.1:1"), 1);
    assert_eq!(at("school", "http://127.0.0.1:2"), 0);
    assert_eq!(at("other", "http://127.0.0.1:1"), 0);
}

#[test]
fn the_run_of_a_results_file_is_found_by_path_but_not_for_stdin() {
    let scene = Scene::new();
    scene.write("r.csv", &roster(1));
    let settings = scene.settings("r.csv");
    let run = scene.finished("first", 1, &settings);
    let mut results = settings.roster.clone();
    results.file = Settings::of(&run).unwrap().delivery.paths.results;
    let found = runs_of(&scene.session, &results, None, None).unwrap();
    assert_eq!(found.len(), 1);
    // Standard input can be read only once, and the retry needs it.
    results.file = "-".into();
    assert!(
        runs_of(&scene.session, &results, None, None)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn several_matching_runs_are_an_error() {
    let scene = Scene::new();
    let settings = scene.settings("r.csv");
    let one = scene.run("one", RunState::Finished, &settings);
    let other = scene.run("other", RunState::Finished, &settings);
    assert!(the_one(vec![]).unwrap().is_none());
    assert_eq!(the_one(vec![one.clone()]).unwrap().unwrap().name, "one");
    let Err(AppError::Run(RunError::Ambiguous { runs })) = the_one(vec![one, other]) else {
        panic!("one was taken");
    };
    assert_eq!(runs.len(), 2);
    assert!(
        runs[1].starts_with("other (school, http://127.0.0.1:1"),
        "{runs:?}"
    );
}

#[test]
fn retried_results_use_new_reading_options_and_the_original_checks() {
    let scene = Scene::new();
    scene.write("r.csv", &roster(2));
    let mut settings = scene.settings("r.csv");
    settings.queued = Some(Queued {
        id: 7,
        file: "r.csv".into(),
        audit_log: Vec::new(),
    });
    settings.delivery.undoes = Some("earlier".into());
    settings.roster.key = Some("name".into());
    settings.roster.map.overrides = vec![("Namn".into(), "name".into())];
    settings.roster.check.allowed = vec![("name".into(), "X".into())];
    settings.roster.check.empty = EmptyCell::Clear;
    let run = scene.run("first", RunState::Finished, &settings);

    scene.write("r.results.csv", &roster(2));
    let mut results = scene.settings("r.results.csv").roster;
    results.read.copy = false;
    results.read.header_row = Some(2);
    results.map.overrides = vec![("Smeknamn".into(), "nickname".into())];
    results.check.allowed = vec![("name".into(), "Y".into())];
    let these = |key: Option<&str>| Retried {
        results: Roster {
            key: key.map(str::to_owned),
            ..results.clone()
        },
        selection: "2".parse().unwrap(),
        only: vec![RowState::Rejected],
        paths: NamedPaths::default(),
    };
    let settings = retried(&scene.session, &run, these(None), &unchanged).unwrap();
    assert_eq!(settings.queued, None);
    assert_eq!(settings.delivery.undoes, None);
    assert_eq!(settings.delivery.selection.rows, [2..=2]);
    let retries = settings.delivery.retries.unwrap();
    assert_eq!(retries.run.as_deref(), Some("first"));
    assert_eq!(retries.only, [RowState::Rejected]);
    let roster = settings.roster;
    assert_eq!(roster.file, scene.path("r.results.csv"));
    // The roster is copied, so that edits during a long run have no effect.
    assert!(roster.read.copy);
    assert_eq!(roster.read.header_row, Some(2));
    assert!(roster.map.of_results && roster.check.recalls);
    assert_eq!(roster.map.overrides.len(), 2);
    assert_eq!(roster.check.allowed.len(), 2);
    assert_eq!(roster.check.empty, EmptyCell::Clear);
    assert_eq!(roster.key.as_deref(), Some("name"));
    let settings = retried(&scene.session, &run, these(Some("id")), &unchanged).unwrap();
    assert_eq!(settings.roster.key.as_deref(), Some("id"));
}

#[test]
fn sandbox_results_are_retried_only_while_the_sandbox_runs() {
    let mut scene = Scene::new();
    scene.write("r.csv", &roster(2));
    let mut settings = scene.settings("r.csv");
    settings.sandbox = true;
    let run = scene.run("first", RunState::Finished, &settings);
    scene.write("r.results.csv", &roster(2));
    let retry = |scene: &Scene| {
        let these = Retried {
            results: scene.settings("r.results.csv").roster,
            selection: Selection::default(),
            only: vec![],
            paths: NamedPaths::default(),
        };
        retried(&scene.session, &run, these, &unchanged)
    };
    let refused = retry(&scene).unwrap_err();
    assert!(matches!(refused, AppError::Run(RunError::SandboxGone { run }) if run == "first"));
    scene.session.played = vec!["http://127.0.0.1:1".into()];
    assert!(retry(&scene).is_ok());
}

#[test]
fn at_another_address_new_options_override_inherited_ones() {
    let scene = Scene::new();
    let mut before = scene.settings("r.csv");
    before.roster.key = Some("name".into());
    before.roster.check.empty = EmptyCell::Clear;
    before.roster.duplicates = crate::check::DuplicatePolicy::Last;
    before.roster.check.strict = true;
    before.delivery.blind = true;
    before.roster.map.overrides = vec![("Namn".into(), "name".into())];
    let variables = [("school", "old"), ("year", "old")];
    before.delivery.variables = variables
        .map(|(name, value)| (name.into(), value.into()))
        .into();
    let mut now = scene.settings("r.results.csv");
    now.roster.key = Some("id".into());
    now.roster.map.overrides = vec![("Smeknamn".into(), "nickname".into())];
    now.delivery.variables = [("school".into(), "new".into())].into();

    for is_said in [false, true] {
        let said = Said {
            key: is_said,
            empty: is_said,
            duplicates: is_said,
        };
        let mut settings = now.clone();
        let run = is_said.then(|| "first".to_owned());
        let only = vec![RowState::Failed];
        retried_elsewhere(&mut settings, Some(before.clone()), run.clone(), only, said);
        let variables = &settings.delivery.variables;
        assert_eq!((&*variables["school"], &*variables["year"]), ("new", "old"));
        let roster = &settings.roster;
        let of = if is_said { &now.roster } else { &before.roster };
        assert_eq!(roster.key, of.key);
        assert_eq!(roster.check.empty, of.check.empty);
        assert_eq!(roster.duplicates, of.duplicates);
        // Strict checks and blind sending are inherited.
        assert!(roster.check.strict && settings.delivery.blind && !roster.sparse);
        assert_eq!(roster.map.overrides.len(), 2);
        assert!(roster.map.of_results);
        // Recorded rows are matched only if a run at this address has them.
        assert_eq!(roster.check.recalls, is_said);
        let retries = settings.delivery.retries.unwrap();
        assert_eq!((retries.run, retries.only), (run, vec![RowState::Failed]));
    }
    let said = Said {
        key: false,
        empty: false,
        duplicates: false,
    };
    let mut settings = now.clone();
    settings.roster.check.strict = true;
    let mut lenient = before.clone();
    lenient.roster.check.strict = false;
    lenient.delivery.blind = false;
    retried_elsewhere(&mut settings, Some(lenient), None, vec![], said);
    assert!(settings.roster.check.strict && settings.roster.sparse);
    assert!(!settings.delivery.blind);
}

#[test]
fn finding_the_run_of_results_does_not_read_standard_input() {
    let scene = Scene::new();
    let mut results = scene.settings("r.csv").roster;
    results.file = "-".into();
    let found = runs_of(&scene.session, &results, None, None).unwrap();
    assert!(found.is_empty());
}

#[test]
fn retries_and_undos_inherit_no_decisions() {
    let scene = Scene::new();
    scene.write("r.csv", &roster(4));
    let mut settings = scene.settings("r.csv");
    settings.delivery.edits.conflicts = ConflictPolicy::Ask;
    settings.delivery.decided = [("digest".to_owned(), ConflictPolicy::Theirs)].into();
    settings.delivery.approved = Some([(1, "digest".to_owned())].into());
    with_failures(&scene, &settings);
    let retried = retry_run(&scene, "first", vec![]).unwrap();
    let undone = crate::app::undone(&scene.session, "first", None, &NamedPaths::default()).unwrap();
    for delivery in [retried.delivery, undone.settings.unwrap().delivery] {
        assert_eq!(delivery.edits.conflicts, ConflictPolicy::Ask);
        assert!(delivery.decided.is_empty());
        assert_eq!(delivery.approved, None);
    }
}
