//! Unit tests of `app::undo`.

use super::*;
use crate::app::job::Job;
use crate::app::notify::Notifications;
use crate::app::ready::ready;
use crate::app::tests::{Api, Scene, TARGET, roster, wanted};
use crate::events::Plan;
use crate::model::RowState;
use crate::run::{Consent, Proposal, Queued, Start};

fn undo(scene: &Scene, name: &str) -> Result<Undone, AppError> {
    undone(&scene.session, name, None, &NamedPaths::default())
}

fn why(undone: Result<Undone, AppError>) -> Code {
    match undone.map(|_| ()) {
        Err(AppError::Run(RunError::NotUndoable { why, .. })) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn held_and_running_runs_are_not_undone() {
    use RunState::{Finished, Held, Interrupted, Planning, Replaced, Running, Undone};
    for is_queued in [false, true] {
        for is_under_way in [false, true] {
            let why = |state| why_not(state, is_queued, is_under_way);
            for ended in [Finished, Replaced, Undone] {
                assert_eq!(why(ended), None);
            }
            assert_eq!(why(Held), Some(Code::WhyIsHeld));
            // A stopped run has left the queue.
            let goes_on = is_under_way.then_some(Code::WhyIsRunning);
            assert_eq!(why(Interrupted), goes_on);
            let goes_on = (is_under_way || is_queued).then_some(Code::WhyIsRunning);
            assert_eq!(why(Running), goes_on);
            assert_eq!(why(Planning), goes_on);
        }
    }
}

#[test]
fn an_undo_restores_changes_and_keeps_the_run_until_confirmed() {
    use RowState::{Failed, Updated};
    let scene = Scene::new();
    scene.write("r.csv", &roster(3));
    let mut settings = scene.settings("r.csv");
    settings.delivery.all = true;
    settings.delivery.canary = Some(1);
    settings.delivery.selection = "1-3".parse().unwrap();
    settings.inbox = Some(scene.path("inbox"));
    settings.dropped_as = Some("r.csv".into());
    let run = scene.run("first", RunState::Interrupted, &settings);
    scene.rows(&run, &[Some(Updated), Some(Failed), Some(Updated), None]);
    let plan = Plan {
        columns: [("name".to_owned(), "Name".to_owned())].into(),
        ..Plan::default()
    };
    let plan = serde_json::to_string(&plan).unwrap();
    scene.journal().set_plan(run.id, &plan, 0).unwrap();

    let undone = undo(&scene, "first").unwrap();
    assert!(undone.damaged.is_empty() && !undone.is_open());
    let settings = undone.settings.as_ref().unwrap();
    let file = scene.path("r.undo.csv");
    assert_eq!(settings.roster.file, file);
    // The roster contains the changed values under the original headers.
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
    assert_eq!(lines, ["id,Name", "1,Åsa", "3,Åsa"]);
    assert_eq!(settings.roster.key.as_deref(), Some("id"));
    let delivery = &settings.delivery;
    assert_eq!(delivery.undoes.as_deref(), Some("first"));
    assert_eq!(delivery.selection, Selection::default());
    assert_eq!(
        (delivery.all, delivery.no_undo, delivery.canary),
        (false, false, None)
    );
    assert_eq!(delivery.paths, ResultPaths::beside(&file));
    // A previous value that fails today's checks does not prevent the others from being restored.
    assert_eq!(delivery.guards.max_invalid, Threshold::Percent(100.0));
    assert_eq!((&settings.inbox, &settings.dropped_as), (&None, &None));

    undone.close(&scene.session.state).unwrap();
    assert_eq!(scene.record("first").state, RunState::Interrupted);
}

#[test]
fn a_run_without_changes_is_closed_only_on_confirmation() {
    let scene = Scene::new();
    scene.write("r.csv", &roster(1));
    let settings = scene.settings("r.csv");
    use RunState::{Finished, Interrupted, Planning, Replaced, Running};
    for state in [Interrupted, Running, Planning, Finished, Replaced] {
        let run = scene.run(state.as_str(), state, &settings);
        scene.rows(&run, &[None]);
        let undone = undo(&scene, state.as_str()).unwrap();
        assert!(undone.settings.is_none());
        assert_eq!(scene.record(state.as_str()).state, state);
        let could_go_on = matches!(state, Interrupted | Running | Planning);
        assert_eq!(undone.is_open(), could_go_on, "{}", state.as_str());
        undone.close(&scene.session.state).unwrap();
        let closed = if could_go_on { RunState::Undone } else { state };
        assert_eq!(scene.record(state.as_str()).state, closed);
    }
}

#[test]
fn a_run_whose_values_cannot_be_restored_is_not_undone() {
    let mut scene = Scene::new();
    scene.write("r.csv", &roster(1));
    let refused = |scene: &Scene, change: &dyn Fn(&mut Settings)| {
        let mut settings = scene.settings("r.csv");
        change(&mut settings);
        let run = scene.finished("run", 1, &settings);
        why(undo(scene, &run.name))
    };
    assert_eq!(
        refused(&scene, &|settings| settings.sandbox = true),
        Code::WhySandboxGone
    );
    let blind = |settings: &mut Settings| settings.delivery.blind = true;
    assert_eq!(refused(&scene, &blind), Code::WhyBlind);
    let no_undo = |settings: &mut Settings| settings.delivery.no_undo = true;
    assert_eq!(refused(&scene, &no_undo), Code::WhyNoUndo);
    let unreadable = |settings: &mut Settings| {
        let (head, rest) = TARGET.split_once("[lookup]").unwrap();
        let (_, fields) = rest.split_once("[[fields]]").unwrap();
        settings.target = format!("{head}[[fields]]{fields}");
    };
    assert_eq!(refused(&scene, &unreadable), Code::WhyUnreadable);
    // Changes in a running sandbox can be undone.
    scene.session.played = vec!["http://127.0.0.1:1".into()];
    let mut settings = scene.settings("r.csv");
    settings.sandbox = true;
    let run = scene.finished("rehearsed", 1, &settings);
    assert!(undo(&scene, &run.name).unwrap().settings.is_some());
}

#[test]
fn a_run_is_not_undone_while_it_or_its_roster_is_locked() {
    let scene = Scene::new();
    let file = scene.write("r.csv", &roster(1));
    let settings = scene.settings("r.csv");
    let run = scene.run("first", RunState::Running, &settings);
    scene.rows(&run, &[Some(RowState::Updated)]);
    let state = &scene.session.state;
    let at_work = RunLock::share(state, "first").unwrap();
    assert_eq!(why(undo(&scene, "first")), Code::WhyIsRunning);
    drop(at_work);
    let roster = RosterLock::take(state, &file).unwrap();
    assert_eq!(why(undo(&scene, "first")), Code::WhyIsRunning);
    drop(roster);
    // The prepared undo keeps the run from being resumed or pruned.
    let undone = undo(&scene, "first").unwrap();
    assert!(RosterLock::take(state, &file).unwrap().is_none());
    assert!(RunLock::take(state, "first").unwrap().is_none());
    drop(undone);
    assert!(RosterLock::take(state, &file).unwrap().is_some());
    assert!(RunLock::take(state, "first").unwrap().is_some());
}

#[test]
fn an_undo_of_standard_input_locks_its_content() {
    let scene = Scene::new();
    let mut settings = scene.settings("r.csv");
    settings.roster.file = "-".into();
    let run = scene.run("first", RunState::Interrupted, &settings);
    scene.rows(&run, &[None]);
    let content = PathBuf::from(format!("content {}", run.sha256));
    let _held = RosterLock::take(&scene.session.state, &content).unwrap();
    assert_eq!(why(undo(&scene, "first")), Code::WhyIsRunning);
}

#[test]
fn the_undo_roster_lies_beside_the_roster_or_in_the_working_folder() {
    assert_eq!(beside(Path::new("-")), Path::new("stdin.undo.csv"));
    assert_eq!(beside(Path::new("/in/r.csv")), Path::new("/in/r.undo.csv"));
}

#[test]
fn a_queued_run_is_not_undone() {
    let scene = Scene::new();
    let mut settings = scene.settings("r.csv");
    settings.queued = Some(Queued {
        id: 1,
        file: "r.csv".into(),
        audit_log: Vec::new(),
    });
    let run = scene.run("first", RunState::Running, &settings);
    scene.rows(&run, &[None]);
    assert_eq!(why(undo(&scene, "first")), Code::WhyIsRunning);
}

/// Undoes the run called "first", with this answer to the confirmation.
fn undo_and_say(scene: &Scene, consent: Consent) -> Result<u64, AppError> {
    let undone = undo(scene, "first")?;
    let ready = ready(&scene.session, wanted(undone.settings.clone().unwrap()))?;
    let agree = |_: &Proposal<'_>| consent.clone();
    let job = Job {
        chooses: false,
        session: &scene.session,
        notifications: &Notifications::default(),
        credentials: ready.credentials.clone(),
        agree: Some(&agree),
    };
    let ended = job.send(&ready.prepared, &ready.settings, Start::New("undo"))?;
    Ok(ended.summary.states.updated)
}

#[test]
fn an_undo_without_changes_asks_before_it_closes_the_run() {
    for (now, changed) in [("Bo", 1), ("Åsa", 0)] {
        let api = Api::of(now, 200);
        let scene = Scene::new();
        scene.write("r.csv", &roster(2));
        let mut settings = scene.settings("r.csv");
        settings.delivery.client.base_url = api.base_url.clone();
        let run = scene.run("first", RunState::Interrupted, &settings);
        scene.rows(&run, &[Some(RowState::Updated), None]);
        let declined = undo_and_say(&scene, Consent::No);
        assert!(
            matches!(declined, Err(AppError::Run(RunError::Declined))),
            "{declined:?}"
        );
        assert_eq!(scene.record("first").state, RunState::Interrupted);
        assert_eq!(api.updates(), 0);
        assert_eq!(undo_and_say(&scene, Consent::from(true)).unwrap(), changed);
        assert_eq!(scene.record("first").state, RunState::Undone);
    }
}
