//! Archiving of an inbox file with its results after its run.

use std::path::{Path, PathBuf};

use super::arrivals::{fate_of, place_of};
use super::error::{Action, AppError};
use super::session::Session;
use crate::inbox::{ArchiveFolder, Inbox, Moves};
use crate::journal::Journal;
use crate::model::{Fact, Summary};
use crate::run::{Settings, to_json, today};
use crate::safe_fs::canonical;

/// Archives an inbox file together with the files in `beside`.
pub fn archive_file(
    session: &Session,
    inbox: &Inbox,
    file: &Path,
    beside: &[PathBuf],
    place: ArchiveFolder,
) -> Result<Moves, AppError> {
    let failed = Action::Archive.failed(file);
    let today = today(session.clock.timestamp()).to_string();
    let _alone = inbox.alone().map_err(failed)?;
    let moves = inbox.places(file, beside, place, &today).map_err(failed)?;
    inbox.put(&moves).map_err(failed)?;
    Ok(moves)
}

/// Archives a file that was not imported in `failed`, with a report of the reason. Returns its new path.
pub fn archive_failed(
    session: &Session,
    inbox: &Inbox,
    file: &Path,
    why: &Fact,
) -> Result<PathBuf, AppError> {
    // The report names the file without a folder: both are moved together.
    let name = Path::new(file.file_name().unwrap_or_default());
    let why = why.clone().at_path(name).in_words();
    let explained = inbox.explain(file, &why);
    explained.map_err(Action::Explain.failed(file))?;
    let moved = archive_file(session, inbox, file, &[], ArchiveFolder::Failed)?;
    Ok(moved.own().1.to_owned())
}

/// Archives an inbox file and its output files after their run, and updates the journal. Does nothing if the
/// run can still be resumed or the file did not come from an inbox.
pub(super) fn archive(
    session: &Session,
    settings: &Settings,
    summary: &mut Summary,
) -> Result<(), AppError> {
    let (Some(inbox), Some(place)) = (&settings.inbox, place_of(fate_of(summary))) else {
        return Ok(());
    };
    let inbox = Inbox::at(inbox);
    let written: Vec<PathBuf> = settings.delivery.paths.all().into_iter().cloned().collect();
    let today = today(session.clock.timestamp()).to_string();
    let failed = Action::Archive.failed(&settings.roster.file);
    let _alone = inbox.alone().map_err(failed)?;
    let moves = inbox
        .places(&settings.roster.file, &written, place, &today)
        .map_err(failed)?;
    let mut journal = Journal::open(&session.state)?;
    let run = journal.run(Some(&summary.run))?;
    // The stored settings are the base: they include later commands and exclude removed edits.
    let mut stored = Settings::of(&run)?;
    stored.moving_from = Some(moves.own().0.to_owned());
    stored.roster.file = moves.to(&settings.roster.file);
    stored.delivery.paths = settings.delivery.paths.clone();
    stored
        .delivery
        .paths
        .change_each(|path| *path = moves.to(path));
    summary.paths_mut().for_each(|path| *path = moves.to(path));
    summary.file = stored.roster.file.display().to_string();
    let json = to_json(summary)?;
    // The folder already exists, so its canonical path can be resolved.
    let file = match stored.roster.file.parent().map(canonical) {
        Some(Ok(folder)) => folder.join(stored.roster.file.file_name().unwrap_or_default()),
        _ => std::path::absolute(&stored.roster.file).map_err(failed)?,
    };
    let file = file.display().to_string();
    // The journal is updated before the files move. After a crash, the next sweep recognizes a file that has
    // not moved.
    journal.moved(run.id, &file, &stored.to_json()?, &json)?;
    inbox.put(&moves).map_err(failed)?;
    stored.moving_from = None;
    Ok(journal.moved(run.id, &file, &stored.to_json()?, &json)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::{Scene, roster, second};
    use crate::run::AuditEntry;

    #[cfg(unix)]
    #[test]
    fn results_with_a_named_path_are_not_archived_with_the_file() {
        let scene = Scene::new();
        scene.write("in/processing/a.csv/a.csv", &roster(1));
        std::os::unix::fs::symlink(scene.path("in"), scene.path("link")).unwrap();
        let file = scene.path("link/processing/a.csv/a.csv");
        let mut settings = scene.settings("link/processing/a.csv/a.csv");
        settings.inbox = Some(scene.path("link"));
        let elsewhere = scene.write("out/all.csv", "");
        settings.delivery.paths.results = elsewhere.clone();
        let report = settings.delivery.paths.report.clone();
        std::fs::write(&report, "").unwrap();
        let mut stored = settings.clone();
        stored.audit_log = vec![AuditEntry::of(&scene.session.author, "sweep", second(1))];
        let run = scene.finished("first", 1, &stored);
        let mut summary: Summary = serde_json::from_str(run.summary.as_deref().unwrap()).unwrap();
        summary.results = Some(elsewhere.clone());
        summary.report = Some(report);
        archive(&scene.session, &settings, &mut summary).unwrap();
        assert!(!file.exists() && elsewhere.exists());
        assert_eq!(summary.results, Some(elsewhere.clone()));
        let folder = Path::new(&summary.file).parent().unwrap();
        assert!(folder.starts_with(scene.path("link/done")), "{folder:?}");
        assert_eq!(summary.report, Some(folder.join("a.report.html")));
        assert!(folder.join("a.report.html").is_file());
        let run = scene.record("first");
        // The journal stores the canonical path, without links.
        assert!(
            Path::new(&run.file).starts_with(scene.path("in/done")),
            "{}",
            run.file
        );
        let kept = Settings::of(&run).unwrap();
        // Archiving extends the stored settings and does not replace them.
        assert_eq!(kept.audit_log, stored.audit_log);
        let kept = kept.delivery.paths;
        assert_eq!(kept.results, elsewhere);
        // Results that were not written follow the file.
        assert_eq!(kept.failed, folder.join("a.failed.csv"));
    }
}
