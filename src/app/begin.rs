//! The start of a run: from the first row, or by resuming an interrupted run of the same file.

use super::error::AppError;
use super::paths::NamedPaths;
use super::ready::Ready;
use super::runs::undone_name;
use super::session::Session;
use crate::journal::{Journal, JournalError, RunRecord, RunState};
use crate::l10n::say;
use crate::log;
use crate::model::{Code, Fact, Held, in_quotes};
use crate::run::{Ended, RunError, Settings, Start, absolute};
use crate::send::Stop;

/// Decides whether a roster starts a new run or resumes the interrupted run of the same file and settings.
pub fn begin(
    session: &Session,
    ready: &mut Ready,
    fresh: bool,
    command: &'static str,
    named: &NamedPaths,
) -> Result<Start, AppError> {
    let unfinished = unfinished(session, ready)?.filter(|record| record.command == command);
    let Some(record) = unfinished else {
        if !fresh {
            refuse_undone(session, ready)?;
        }
        return Ok(Start::New(command));
    };
    // A copy of the file may have been imported and undone in the meantime.
    let journal = Journal::open(&session.state)?;
    if !fresh && let Some(undone) = undone_of_content(&journal, ready, Some(&record))? {
        return Err(was_undone(undone));
    }
    // Settings from another program version that cannot be parsed never count as equal.
    let earlier = Settings::of(&record).ok();
    let is_queued = |earlier: &Settings| earlier.queued.is_some();
    if earlier.as_ref().is_some_and(is_queued) {
        // A queued run is continued by a worker.
        let file = record.file.into();
        return Err(RunError::Busy { file }.into());
    }
    let earlier = earlier.filter(|earlier| earlier.mean_the_same(&ready.settings));
    let Some(earlier) = earlier.filter(|_| !fresh) else {
        if !fresh {
            log::warn(&Fact::new(Code::RunTakesItsPlace).in_run(&record.name));
        }
        // The old plan is obsolete, so its unsent rows are not resumed.
        ready.settings.replaces = Some(record.name);
        return Ok(Start::New(command));
    };
    log::warn(&Fact::new(Code::RunGoesOn).in_run(&record.name));
    // Undo values are recorded for all rows of a run or for none.
    ready.settings.delivery.no_undo = earlier.delivery.no_undo;
    let paths = &mut ready.settings.delivery.paths;
    *paths = earlier.delivery.paths;
    named.replace(paths)?;
    Ok(Start::Resume(Box::new(record)))
}

/// Refuses rows that were undone, either after the last run of this content or in the retried run. Sending
/// them again would revert the restored values.
///
/// # Errors
/// Fails if that run was undone or the journal cannot be read.
pub fn refuse_undone(session: &Session, ready: &Ready) -> Result<(), AppError> {
    let journal = Journal::open(&session.state)?;
    let delivery = &ready.settings.delivery;
    if delivery.undoes.is_some() {
        return Ok(());
    }
    let retried = delivery.retries.as_ref();
    let undone = match retried.and_then(|retries| retries.run.as_deref()) {
        Some(name) => Some(journal.run(Some(name))?).filter(|run| run.state == RunState::Undone),
        None => undone_of_content(&journal, ready, None)?,
    };
    undone.map_or(Ok(()), |undone| Err(was_undone(undone)))
}

fn was_undone(run: RunRecord) -> AppError {
    let (run, file) = (run.name, run.file);
    RunError::Undone { run, file }.into()
}

/// Returns the last undone run with the same content, unless another such run, or `after`, began after the
/// undo. The newest run may predate the undo of an older one if it found nothing to send.
fn undone_of_content(
    journal: &Journal,
    ready: &Ready,
    after: Option<&RunRecord>,
) -> Result<Option<RunRecord>, AppError> {
    let last = last_of_content(journal, ready)?;
    let last = last.filter(|last| after.is_none_or(|after| last.id > after.id));
    if let Some(last) = &last
        && last.state == RunState::Undone
    {
        return Ok(Some(last.clone()));
    }
    let Some(last) = last.as_ref().or(after) else {
        return Ok(None);
    };
    for undo in journal.undos_after(last.id)? {
        let undone = match undone_name(&undo).map(|name| journal.run(Some(&name))) {
            None | Some(Err(JournalError::NoRun { .. })) => continue,
            Some(undone) => undone?,
        };
        let is_of_content = (&undone.sha256, &undone.target, &undone.base_url)
            == (&last.sha256, &last.target, &last.base_url);
        if is_of_content && undone.state == RunState::Undone {
            return Ok(Some(undone));
        }
    }
    Ok(None)
}

/// Returns the newest run with the same content that ended, is held or was undone.
pub(super) fn last_of_content(
    journal: &Journal,
    ready: &Ready,
) -> Result<Option<RunRecord>, AppError> {
    let prepared = &ready.prepared;
    Ok(journal.finished_before(
        prepared.input.sha256().map_err(RunError::from)?,
        &prepared.checker.spec().name,
        &ready.settings.delivery.client.base_url,
    )?)
}

/// Returns the interrupted run of this file, if any.
fn unfinished(session: &Session, ready: &Ready) -> Result<Option<RunRecord>, AppError> {
    let prepared = &ready.prepared;
    let file = absolute(prepared.input.path());
    Ok(Journal::open(&session.state)?.unfinished(
        &file.display().to_string(),
        prepared.input.sha256().map_err(RunError::from)?,
        &prepared.checker.spec().name,
        &ready.settings.delivery.client.base_url,
    )?)
}

/// Returns why a run ended early and how to continue it, or `None` if it did not end early. `way` names the
/// run, and the journal unless it is the default. `words` renders the reason: with text from the API for a
/// terminal, without it for a log.
pub fn way_on(
    ended: &Ended,
    is_played: bool,
    way: &str,
    words: fn(&Stop) -> String,
) -> Option<String> {
    let stop = ended.stop.as_ref()?;
    let on = match stop {
        Stop::Held { why: Held::NoRows } => say().on_export_again(),
        Stop::Held { .. } if is_played => say().on_higher_guard(),
        _ if is_played => say().on_import_again(),
        Stop::Held { why } if let Some(rows) = why.rows_to_approve() => {
            say().on_approve_rows(way, rows)
        }
        Stop::Held {
            why: Held::Conflicts { .. },
        } => say().on_approve_conflicts(way),
        Stop::Held { .. } => say().on_approve(way),
        // A resumed run would use the same address and target, and fail again.
        Stop::LookUp { .. }
        | Stop::Unreachable {
            was_reached: false, ..
        } => say().on_again(),
        Stop::Failing {
            column: Some(column),
            ..
        } => say().on_resume(format!("{way} --map {}", in_quotes(&format!("{column}=")))),
        _ => say().on_resume(way),
    };
    Some(format!("{}; {}", words(stop), hint(stop, on)))
}

fn hint(stop: &Stop, on: String) -> String {
    match stop {
        stop if stop.may_not_read() => say().on_no_read(on),
        Stop::Refused { .. } => say().on_credentials(on),
        Stop::Unreachable {
            was_reached: false, ..
        } => say().on_address(on),
        Stop::Unreachable { .. } => say().on_network(on),
        Stop::Foreign { .. } => say().on_address(on),
        Stop::Failing {
            column: Some(column),
            ..
        } => say().on_only_some(column.as_str(), on),
        Stop::Failing { .. } | Stop::LookUp { .. } => say().on_wrong(on),
        Stop::Canary { .. } => say().on_canary(on),
        Stop::Asked | Stop::Due { .. } | Stop::Held { .. } => on,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::ready::ready;
    use crate::app::tests::{Scene, roster, wanted};
    use crate::l10n::Message;
    use crate::model::Exit;
    use crate::run::{Queued, Retries};

    /// The result of `begin` for an import.
    #[derive(Debug, PartialEq)]
    enum Begun {
        New { replaces: Option<String> },
        Resumed(String),
        WasUndone(String),
        Busy,
    }

    fn begin_with(scene: &Scene, settings: &Settings, fresh: bool) -> (Begun, Settings) {
        let mut ready = ready(&scene.session, wanted(settings.clone())).unwrap();
        let named = NamedPaths::default();
        let begun = match begin(&scene.session, &mut ready, fresh, "import", &named) {
            Ok(Start::New("import")) => Begun::New {
                replaces: ready.settings.replaces.clone(),
            },
            Ok(Start::Resume(run)) => Begun::Resumed(run.name),
            Err(AppError::Run(RunError::Undone { run, .. })) => Begun::WasUndone(run),
            Err(AppError::Run(RunError::Busy { .. })) => Begun::Busy,
            Ok(_) => panic!("it begins otherwise"),
            Err(error) => panic!("{error}"),
        };
        (begun, ready.settings)
    }

    fn begun(scene: &Scene, settings: &Settings, fresh: bool) -> Begun {
        begin_with(scene, settings, fresh).0
    }

    fn new() -> Begun {
        Begun::New { replaces: None }
    }

    #[test]
    fn an_interrupted_import_resumes_unless_its_settings_changed() {
        let scene = Scene::new();
        scene.write("r.csv", &roster(2));
        let mut settings = scene.settings("r.csv");
        assert_eq!(begun(&scene, &settings, false), new());
        settings.delivery.no_undo = true;
        settings.delivery.paths.results = scene.path("out.csv");
        scene.run("first", RunState::Interrupted, &settings);
        let now = scene.settings("r.csv");
        let (start, goes_on) = begin_with(&scene, &now, false);
        assert_eq!(start, Begun::Resumed("first".into()));
        // The undo setting of the first rows applies to all rows, and the result paths are kept.
        assert!(goes_on.delivery.no_undo);
        assert_eq!(goes_on.delivery.paths.results, scene.path("out.csv"));

        let takes_its_place = Begun::New {
            replaces: Some("first".into()),
        };
        assert_eq!(begun(&scene, &now, true), takes_its_place);
        let mut otherwise = now.clone();
        otherwise.delivery.all = true;
        assert_eq!(begun(&scene, &otherwise, false), takes_its_place);
        // An import does not resume a run of another command.
        let mut undo = now.clone();
        undo.delivery.undoes = Some("first".into());
        scene.run("undo", RunState::Interrupted, &undo);
        assert_eq!(begun(&scene, &now, false), new());
    }

    #[test]
    fn an_import_refuses_a_file_whose_run_is_queued() {
        let scene = Scene::new();
        scene.write("r.csv", &roster(2));
        let mut settings = scene.settings("r.csv");
        settings.queued = Some(Queued {
            id: 1,
            file: "r.csv".into(),
            audit_log: Vec::new(),
        });
        scene.run("first", RunState::Running, &settings);
        let now = scene.settings("r.csv");
        assert_eq!(begun(&scene, &now, false), Begun::Busy);
    }

    #[test]
    fn an_undone_import_is_not_repeated_without_fresh() {
        let scene = Scene::new();
        scene.write("r.csv", &roster(2));
        scene.write("copy.csv", &roster(2));
        let (one, copy) = (scene.settings("r.csv"), scene.settings("copy.csv"));
        scene.run("undone", RunState::Undone, &one);
        for settings in [&one, &copy] {
            assert_eq!(
                begun(&scene, settings, false),
                Begun::WasUndone("undone".into())
            );
            assert_eq!(begun(&scene, settings, true), new());
        }
        // An undo run does not count as a repetition.
        let mut undo = one.clone();
        undo.delivery.undoes = Some("undone".into());
        assert_eq!(begun(&scene, &undo, false), new());
        // A file that was imported again after the undo is accepted.
        scene.run("again", RunState::Finished, &copy);
        assert_eq!(begun(&scene, &one, false), new());
        // For a retry, only the retried run counts, not later runs.
        let mut retry = one.clone();
        let retries = |name: &str| Retries {
            run: Some(name.into()),
            only: vec![],
        };
        retry.delivery.retries = Some(retries("undone"));
        assert_eq!(
            begun(&scene, &retry, false),
            Begun::WasUndone("undone".into())
        );
        retry.delivery.retries = Some(retries("again"));
        assert_eq!(begun(&scene, &retry, false), new());
    }

    #[test]
    fn an_undo_counts_if_a_later_run_of_the_content_began_before_it() {
        let scene = Scene::new();
        scene.write("r.csv", &roster(2));
        scene.write("other.csv", &roster(3));
        let one = scene.settings("r.csv");
        let sent = scene.run("sent", RunState::Finished, &one);
        scene.run("had nothing to send", RunState::Finished, &one);
        assert_eq!(begun(&scene, &one, false), new());
        let mut journal = scene.journal();
        journal.set_state(sent.id, RunState::Undone).unwrap();
        let undo_of = |name: &str, state| {
            let mut undo = scene.settings("other.csv");
            undo.delivery.undoes = Some(name.into());
            scene.run("undo", state, &undo)
        };
        undo_of("sent", RunState::Planning);
        assert_eq!(begun(&scene, &one, false), new(), "it has not begun");
        undo_of("sent", RunState::Finished);
        let other = scene.settings("other.csv");
        assert_eq!(begun(&scene, &other, false), new(), "another content");
        let was_undone = Begun::WasUndone("sent".into());
        assert_eq!(begun(&scene, &one, false), was_undone);
        assert_eq!(begun(&scene, &one, true), new());
        // A run that was interrupted before the undo is not resumed.
        scene.run("anew", RunState::Interrupted, &one);
        assert_eq!(
            begun(&scene, &one, false),
            Begun::Resumed("anew".into()),
            "it was begun anew knowingly"
        );
        undo_of("sent", RunState::Interrupted);
        assert_eq!(begun(&scene, &one, false), was_undone);
        scene.run("anew once more", RunState::Finished, &one);
        assert_eq!(begun(&scene, &one, false), new());
        // A damaged undo record prevents the check, which is an error.
        undo_of("sent", RunState::Finished);
        let file = scene.session.state.folder().join("journal.sqlite");
        let damage = "UPDATE run SET held = 'no reason' WHERE command = 'undo'";
        let journal = rusqlite::Connection::open(file).unwrap();
        journal.execute(damage, []).unwrap();
        let ready = ready(&scene.session, wanted(one)).unwrap();
        assert!(refuse_undone(&scene.session, &ready).is_err());
    }

    #[test]
    fn an_interrupted_run_does_not_resume_if_a_later_copy_was_undone() {
        let scene = Scene::new();
        scene.write("r.csv", &roster(2));
        scene.write("copy.csv", &roster(2));
        let (one, copy) = (scene.settings("r.csv"), scene.settings("copy.csv"));
        scene.run("earlier", RunState::Undone, &copy);
        scene.run("first", RunState::Interrupted, &one);
        // The run began after that undo, so it resumes.
        assert_eq!(begun(&scene, &one, false), Begun::Resumed("first".into()));
        let later = scene.run("later", RunState::Finished, &copy);
        assert_eq!(begun(&scene, &one, false), Begun::Resumed("first".into()));
        scene
            .journal()
            .set_state(later.id, RunState::Undone)
            .unwrap();
        assert_eq!(begun(&scene, &one, false), Begun::WasUndone("later".into()));
        let anew = Begun::New {
            replaces: Some("first".into()),
        };
        assert_eq!(begun(&scene, &one, true), anew);
    }

    #[test]
    fn a_run_that_ended_early_reports_the_reason_and_the_next_step() {
        let scene = Scene::new();
        scene.write("r.csv", &roster(1));
        let settings = scene.settings("r.csv");
        let run = scene.finished("first", 1, &settings);
        let summary = scene.end(&run, RunState::Finished, Exit::Success);
        let told = |stop: Option<Stop>, is_played| {
            let ended = Ended {
                summary: summary.clone(),
                paths: settings.delivery.paths.clone(),
                stop,
            };
            way_on(&ended, is_played, "WAY", |_| "WHY".to_owned())
        };
        assert_eq!(told(None, false), None);
        let unreachable = |was_reached| Stop::Unreachable {
            address: String::new(),
            why: Message::default(),
            cause: Code::SendClient,
            was_reached,
        };
        let look_up = |status| Stop::LookUp {
            why: Message::default(),
            cause: Code::SendClient,
            status,
            message: String::new(),
        };
        let refused = |status, reading| Stop::Refused {
            status,
            code: String::new(),
            message: String::new(),
            reading,
        };
        let held = |why| Stop::Held { why };
        let many = Held::MaxInvalid {
            count: 1,
            rows: 1,
            most: crate::model::Threshold::Rows(0),
        };
        let persons = Held::IdentityChanges {
            count: 1,
            most: 0,
            renumbered: 1,
            rows: vec![3, 17],
            lines: vec![4, 18],
        };
        let resume = || say().on_resume("WAY");
        let again = || say().on_again();
        for (stop, is_played, on) in [
            (held(Held::NoRows), false, say().on_export_again()),
            (held(Held::NoRows), true, say().on_export_again()),
            (held(many.clone()), false, say().on_approve("WAY")),
            (held(persons), false, say().on_approve_rows("WAY", "3,17")),
            (held(many), true, say().on_higher_guard()),
            (Stop::Asked, false, resume()),
            (Stop::Asked, true, say().on_import_again()),
            (unreachable(false), false, say().on_address(again())),
            (unreachable(true), false, say().on_network(resume())),
            (look_up(Some(500)), false, say().on_wrong(again())),
            (refused(401, false), false, say().on_credentials(resume())),
            (refused(403, true), false, say().on_no_read(resume())),
        ] {
            let expected = format!("WHY; {on}");
            assert_eq!(told(Some(stop), is_played), Some(expected));
        }
    }
}
