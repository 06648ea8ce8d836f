//! Declining closes a held run: nothing of it is sent.

use std::path::Path;

use super::archive::archive;
use super::error::AppError;
use super::ready::hold;
use super::report_again::report_again;
use super::session::Session;
use super::spool::at_hand;
use crate::journal::{Journal, RunLock, RunRecord, RunState};
use crate::l10n::message;
use crate::model::{Code, Exit, RowState, Stopped, Summary};
use crate::run::{AuditEntry, RunError, Settings, to_json};

/// A declined run.
#[derive(Debug)]
pub struct Declined {
    /// The run's figures, with its files.
    pub summary: Summary,
    /// Why the results could not be rewritten or archived. The run is closed nevertheless.
    pub trouble: Option<AppError>,
}

/// Closes a held run: nothing continues it. The rows that it was to send are in its results as not sent.
///
/// # Errors
/// Fails if the run is not held, a process continues it, or the journal cannot be written.
pub fn decline(session: &Session, name: &str) -> Result<Declined, AppError> {
    let mut journal = Journal::open(&session.state)?;
    let _roster = hold(&session.state, Path::new(&journal.run(Some(name))?.file))?;
    let record = journal.run(Some(name))?;
    if record.state != RunState::Held {
        let run = record.name;
        return Err(RunError::NotHeld { run }.into());
    }
    if RunLock::is_held(&session.state, name)? {
        let file = record.file.into();
        return Err(RunError::Busy { file }.into());
    }
    let now = session.clock.timestamp();
    let mut settings = Settings::of(&record)?;
    settings
        .audit_log
        .push(AuditEntry::of(&session.author, "decline", now));
    // A run that is over stores no edits of rows about protected persons.
    for row in journal.rows_in(record.id, &[RowState::Withheld])? {
        settings.roster.read.mends.take_back(row);
    }
    let mut summary = super::runs::figures_of(&record)?;
    summary.exit_code = Exit::RowsFailed;
    (summary.held, summary.held_by) = (None, None);
    summary.stop = Some(Stopped {
        code: Code::RunDeclined,
        message: message::run_was_declined(),
    });
    journal.take_over(record.id)?;
    journal.set_settings(record.id, &settings.to_json()?)?;
    let json = to_json(&summary.clone().anywhere())?;
    journal.end(record.id, RunState::Declined, now, &json)?;
    let trouble = rewritten(session, name, &mut summary).err();
    Ok(Declined { summary, trouble })
}

/// Writes the results of a declined run again, and archives its file as one whose rows failed.
fn rewritten(session: &Session, name: &str, summary: &mut Summary) -> Result<(), AppError> {
    let mut journal = Journal::open(&session.state)?;
    let record: RunRecord = journal.run(Some(name))?;
    let mut settings = Settings::of(&record)?;
    // A sweep of the queue archives the file on the machine where it was dropped.
    if settings.queued.is_some() || record.file == "-" {
        return Ok(());
    }
    let stored = settings.to_json()?;
    let is_copy = at_hand(&session.state, &record, &mut settings)?.is_some();
    let paths = &settings.delivery.paths;
    *summary = report_again(&journal, &record, &settings, paths, &session.journal_flag)?;
    if is_copy {
        return Ok(());
    }
    let json = to_json(&summary.clone().anywhere())?;
    journal.moved(record.id, &record.file, &stored, &json)?;
    archive(session, &settings, summary)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::{Scene, roster};
    use crate::app::{GoOn, NamedPaths, place_of, resumed};
    use crate::model::Held;
    use crate::plan::Threshold;

    fn held(scene: &Scene, settings: &Settings) -> RunRecord {
        let run = scene.run("first", RunState::Planning, settings);
        scene.rows(&run, &[None, Some(RowState::Invalid), None]);
        let why = Held::MaxInvalid {
            count: 1,
            rows: 3,
            most: Threshold::Percent(20.0),
        };
        scene.journal().hold(run.id, &why).unwrap();
        scene.end(&run, RunState::Held, Exit::Held);
        scene.record("first")
    }

    #[test]
    fn a_declined_run_is_closed_and_its_rows_are_in_the_results_as_not_sent() {
        let scene = Scene::new();
        scene.write("r.csv", &roster(3));
        let settings = scene.settings("r.csv");
        let run = held(&scene, &settings);
        let declined = decline(&scene.session, "first").unwrap();
        assert!(declined.trouble.is_none(), "{:?}", declined.trouble);
        let results = std::fs::read_to_string(declined.summary.results.unwrap()).unwrap();
        let of = |code: &str| results.lines().filter(|line| line.contains(code)).count();
        assert_eq!(of("not_sent,,run.declined"), 2, "{results}");
        let record = scene.record("first");
        assert_eq!(record.state, RunState::Declined);
        let audit_log = Settings::of(&record).unwrap().audit_log;
        assert_eq!(audit_log.last().unwrap().command, "decline");
        // Nothing continues it, and it is declined once.
        for how in [GoOn::Approve, GoOn::Resume] {
            let refused = resumed(&scene.session, Some("first"), how, &NamedPaths::default());
            let why = match refused.map(|_| ()) {
                Err(AppError::Run(RunError::NotResumable { why, .. })) => why,
                other => panic!("{other:?}"),
            };
            assert_eq!(why, Code::WhyDeclined);
        }
        assert!(decline(&scene.session, "first").is_err());
        // A process that looked it up while it was held changes nothing.
        let mut journal = scene.journal();
        assert!(journal.set_state(run.id, RunState::Running).is_err());
        assert!(journal.begin_again(run.id).is_err());
        assert_eq!(scene.record("first").state, RunState::Declined);
    }

    #[test]
    fn a_run_is_declined_without_its_roster_and_only_while_it_is_held() {
        let scene = Scene::new();
        scene.write("r.csv", &roster(3));
        let settings = scene.settings("r.csv");
        held(&scene, &settings);
        std::fs::remove_file(scene.path("r.csv")).unwrap();
        let declined = decline(&scene.session, "first").unwrap();
        assert!(declined.trouble.is_some());
        assert_eq!(scene.record("first").state, RunState::Declined);
        scene.run("other", RunState::Interrupted, &settings);
        assert!(decline(&scene.session, "other").is_err());
    }

    #[test]
    fn the_file_of_a_declined_run_leaves_the_folder_of_held_files() {
        let scene = Scene::new();
        scene.write("in/held/r.csv", &roster(3));
        let mut settings = scene.settings("in/held/r.csv");
        settings.inbox = Some(scene.path("in"));
        held(&scene, &settings);
        let declined = decline(&scene.session, "first").unwrap();
        assert!(declined.trouble.is_none(), "{:?}", declined.trouble);
        let file = Path::new(&declined.summary.file);
        assert!(
            file.starts_with(scene.path("in/failed")),
            "{}",
            file.display()
        );
        assert!(file.is_file() && !scene.path("in/held/r.csv").exists());
        let fate = crate::app::fate_of(&declined.summary);
        assert_eq!(place_of(fate), Some(crate::inbox::ArchiveFolder::Failed));
    }
}
