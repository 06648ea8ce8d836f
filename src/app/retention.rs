//! Retention: removal of archived files and journal values that are older than the config allows.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use super::error::{Action, AppError};
use crate::inbox::Inbox;
use crate::journal::{Journal, RunLock, RunRecord, State};
use crate::log;
use crate::model::{Code, Fact};
use crate::run::{Settings, today};

/// How long the data of runs is kept. Without a limit, it is kept forever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// The limit for rosters in the archive of an inbox.
    pub rosters: Option<Duration>,
    /// The limit for output files in the archive.
    pub results: Option<Duration>,
    /// The limit for values in the journal.
    pub values: Option<Duration>,
}

/// Counts of the removed data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expired {
    pub files: u64,
    /// The number of runs whose values were removed.
    pub runs: u64,
}

impl Retention {
    /// Returns whether any limit is set.
    pub fn is_limited(&self) -> bool {
        *self != Retention::default()
    }
}

/// Removes data that is older at the time `now` than `retention` allows, from the archives of `inboxes` and
/// from the journal. Runs that are in progress or held keep their values.
pub fn expire(
    state: &State,
    inboxes: &BTreeSet<PathBuf>,
    retention: Retention,
    now: Timestamp,
) -> Result<Expired, AppError> {
    let before = |age: Option<Duration>| age.and_then(|age| now.checked_sub(age).ok());
    let mut expired = Expired::default();
    if let Some(moment) = before(retention.values) {
        let mut journal = Journal::open(state)?;
        for run in journal.runs()? {
            // A run whose process was killed has no end time.
            let has_ended =
                run.state.is_over() && run.finished_at.unwrap_or(run.started_at) < moment;
            if has_ended && !RunLock::is_held(state, &run.name)? {
                let forgotten = journal.forget_all_values(run.id)?;
                let edited = forget_edits(&mut journal, &run)?;
                expired.runs += u64::from(forgotten > 0 || edited);
            }
        }
        journal.forget_delivered(moment)?;
    }
    let (rosters, results) = (before(retention.rosters), before(retention.results));
    let mut first = Ok(());
    if rosters.is_some() || results.is_some() {
        for inbox in inboxes.iter().filter(|inbox| inbox.is_dir()) {
            // An error in one inbox does not stop the others.
            match Inbox::at(inbox).expire(rosters.map(today), results.map(today)) {
                Ok(removed) => {
                    expired.files += removed.files;
                    for path in &removed.foreign {
                        log::warn(&Fact::new(Code::InboxForeign).at_path(path));
                    }
                }
                Err(error) => first = first.and(Err(Action::Remove.failed(inbox)(error))),
            }
        }
    }
    first.map(|()| expired)
}

/// Returns the inboxes of all runs in the journal.
pub fn inboxes_of(state: &State) -> Result<BTreeSet<PathBuf>, AppError> {
    let runs = Journal::open(state)?.runs()?;
    let inboxes = runs.iter().filter_map(|run| Settings::of(run).ok()?.inbox);
    Ok(inboxes.collect())
}

/// Removes the edited cells of a run and the digests of its approved rows and decided conflicts. Returns
/// whether there were any.
fn forget_edits(journal: &mut Journal, run: &RunRecord) -> Result<bool, AppError> {
    let Ok(mut settings) = Settings::of(run) else {
        return Ok(false);
    };
    let mends = std::mem::take(&mut settings.roster.read.mends);
    let approved = settings.delivery.approved.take();
    let decided = std::mem::take(&mut settings.delivery.decided);
    if mends.rows() == 0 && approved.is_none() && decided.is_empty() {
        return Ok(false);
    }
    journal.set_settings(run.id, &settings.to_json()?)?;
    journal.give_room_back(false)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::{Scene, roster};
    use crate::inbox::ArchiveFolder;
    use crate::journal::RunState;
    use crate::model::Exit;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn archived_files_expire_by_kind_and_date() {
        let scene = Scene::new();
        let now: Timestamp = "2026-08-20T12:00:00Z".parse().unwrap();
        let inbox = Inbox::at(&scene.path("in"));
        for (place, day, roster, output) in [
            (ArchiveFolder::Done, "2026-08-01", "r.csv", "r.results.csv"),
            // A roster may have the name of an output file.
            (
                ArchiveFolder::Done,
                "2026-08-01",
                "a.new.csv",
                "a.new.report.html",
            ),
            (
                ArchiveFolder::Partial,
                "2026-08-01",
                "p.csv",
                "p.failed-2.csv",
            ),
            (ArchiveFolder::Failed, "2026-08-19", "e.csv", "e.error.txt"),
            (ArchiveFolder::Held, "", "h.csv", "h.results.csv"),
        ] {
            let taken = format!("in/processing/{roster}");
            let file = scene.write(&format!("{taken}/{roster}"), "x");
            scene.write(&format!("{taken}/{output}"), "x");
            let moves = inbox.places(&file, &[], place, day).unwrap();
            inbox.put(&moves).unwrap();
        }
        let all = [
            "in/done/2026-08-01/r.csv",
            "in/done/2026-08-01/a.new.csv",
            "in/partial/2026-08-01/p.csv",
            "in/done/2026-08-01/r.results.csv",
            "in/done/2026-08-01/a.new.report.html",
            "in/partial/2026-08-01/p.failed-2.csv",
            "in/failed/2026-08-19/e.csv",
            "in/failed/2026-08-19/e.error.txt",
            "in/held/h.csv",
            "in/held/h.results.csv",
            // Files from other programs.
            "in/done/notes/r.csv",
            "in/done/2026-08-01/mine.csv",
            "in/done/2026-08-01/mine.results.csv",
            "in/done/2026-08-01/mine/r.csv",
            "in/done/20260801/r.csv",
        ];
        for path in &all[10..] {
            scene.write(path, "x");
        }
        let left = |retention| {
            let inboxes = BTreeSet::from([scene.path("in")]);
            let expired = expire(&scene.session.state, &inboxes, retention, now).unwrap();
            let left = all.iter().filter(|path| scene.path(path).exists());
            (expired.files, left.copied().collect::<Vec<&str>>())
        };
        let none = Retention::default();
        assert_eq!(left(none).1, all);
        let rosters = Retention {
            rosters: Some(10 * DAY),
            ..none
        };
        assert_eq!(left(rosters), (3, all[3..].to_vec()));
        let results = Retention {
            results: Some(10 * DAY),
            ..none
        };
        assert_eq!(left(results), (3, all[6..].to_vec()));
        assert!(!scene.path("in/partial/2026-08-01").exists());
    }

    #[test]
    fn expired_values_of_ended_runs_are_removed_but_their_rows_remain() {
        let scene = Scene::new();
        scene.write("r.csv", &roster(2));
        let settings = scene.settings("r.csv");
        let old = scene.finished("old", 2, &settings);
        // A held run has an end time too, and needs its edited cells to be planned again.
        let mut edited = settings.clone();
        edited.roster.read.mends.set(1, 2, "Alm".into());
        let decided = ("digest".to_owned(), crate::plan::ConflictPolicy::Theirs);
        edited.delivery.decided = [decided].into();
        let held = scene.run("held", RunState::Running, &edited);
        scene.end(&held, RunState::Held, Exit::Held);
        // The process of this run was killed, and another run replaced it.
        let dead = scene.run("dead", RunState::Replaced, &edited);
        let edits = |run: &RunRecord| {
            let run = scene.journal().run(Some(&run.name)).unwrap();
            let settings = Settings::of(&run).unwrap();
            assert_eq!(
                settings.delivery.decided.len() as u64,
                settings.roster.read.mends.rows() as u64
            );
            settings.roster.read.mends.rows()
        };
        let state = &scene.session.state;
        let changes = || {
            let mut changes = 0;
            let journal = scene.journal();
            let mut each = |call: crate::model::Call, _| {
                changes += call.changes.len() + call.body.len();
                Ok::<bool, AppError>(true)
            };
            journal.each_call(old.id, &mut each).unwrap();
            changes
        };
        assert!(changes() > 0);
        let ended = scene
            .journal()
            .run(Some("old"))
            .unwrap()
            .finished_at
            .unwrap();
        let retention = Retention {
            values: Some(DAY),
            ..Retention::default()
        };
        let at = |days: u32| {
            let now = ended.checked_add(days * DAY).unwrap();
            expire(state, &BTreeSet::new(), retention, now)
                .unwrap()
                .runs
        };
        assert_eq!(
            at(1),
            1,
            "only the dead one, which has no end: it began earlier"
        );
        assert!(changes() > 0);
        assert_eq!(at(2), 1);
        assert_eq!(changes(), 0);
        assert_eq!((edits(&held), edits(&dead)), (1, 0));
        assert_eq!(at(2), 0, "they are gone");
        assert_eq!(scene.journal().states(old.id).unwrap().updated, 2);
        assert_eq!(scene.journal().runs().unwrap().len(), 3);
    }
}
