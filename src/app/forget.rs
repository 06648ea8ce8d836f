//! Removal of the stored values about a person.

use std::collections::BTreeSet;

use super::error::AppError;
use super::history::dossier_by;
use super::mends::forget_edited;
use super::spellings::spellings;
use crate::journal::{Journal, RunLock, RunRecord, State};
use crate::l10n::message;
use crate::read::Cells;
use crate::run::Settings;

/// Removes the stored values of the records that match `key`. The times of the changes remain. Returns the
/// number of affected rows.
///
/// # Errors
/// Fails if no values are stored, a matching run is in progress, or the journal cannot be written.
pub fn forget(state: &State, key: &str) -> Result<u64, AppError> {
    // A short number may also be that of a person who is a hundred years older.
    let dossier = dossier_by(state, &spellings(key), true)?;
    let records = dossier.records.iter().map(|record| &record.run);
    for run in records.chain(dossier.rows.iter().map(|row| &row.run)) {
        if RunLock::is_held(state, run)? {
            return Err(AppError::Front(message::history_under_way(run.as_str())));
        }
    }
    let mut journal = Journal::open(state)?;
    let all = journal.runs()?;
    let changed = dossier.records.iter().map(|record| record.place);
    let mut places: BTreeSet<(i64, u64)> = changed.collect();
    places.extend(dossier.rows.iter().map(|row| row.place));
    let mut rows = 0;
    for (path, runs) in &dossier.held {
        let runs: Vec<i64> = runs.iter().copied().collect();
        rows += journal.forget_values(&runs, path)?;
    }
    // Rows that matched the record without a change store its id, regardless of their key.
    for (path, runs) in &dossier.around {
        let there = all.iter().filter(|run| runs.contains(&run.id));
        let mut ids = there.filter_map(|run| Settings::of(run).ok()?.spec().ok()?.id_in(path));
        let Some(id) = ids.next() else { continue };
        let runs: Vec<i64> = runs.iter().copied().collect();
        let found = journal.forget_found(&runs, &[id])?;
        rows += found.len() as u64;
        places.extend(found);
    }
    let ids: Vec<i64> = all.iter().map(|run| run.id).collect();
    let found = journal.forget_found(&ids, &spellings(key))?;
    rows += found.len() as u64;
    places.extend(found);
    // The messages of rows without a change quote their cells.
    let said: Vec<(i64, u64)> = dossier.rows.iter().map(|row| row.place).collect();
    rows += journal.forget_said(&said)?;
    let edited = forget_edits(&mut journal, &all, &places)?;
    let stored = forget_edited(state.folder(), &edited, &spellings(key))?;
    // An edited row is counted once.
    rows = rows.max(edited.len() as u64).max(stored);
    if rows == 0 && dossier.held.is_empty() {
        return Err(AppError::Front(message::history_none(key)));
    }
    Ok(rows)
}

/// Removes the edited cells of these rows from the settings of runs that have ended. Returns the cells by
/// row.
fn forget_edits(
    journal: &mut Journal,
    runs: &[RunRecord],
    places: &BTreeSet<(i64, u64)>,
) -> Result<Vec<(u64, Cells)>, AppError> {
    let mut edited = Vec::new();
    for run in runs {
        let rows = places.range((run.id, 0)..=(run.id, u64::MAX));
        let rows: Vec<u64> = rows.map(|(_, row)| *row).collect();
        if rows.is_empty() || !run.state.is_over() {
            continue;
        }
        let mut settings = Settings::of(run)?;
        let mends = &mut settings.roster.read.mends;
        let before = edited.len();
        for row in rows {
            edited.extend(mends.of(row).map(|cells| (row, cells.clone())));
            mends.take_back(row);
        }
        if edited.len() > before {
            journal.set_settings(run.id, &settings.to_json()?)?;
        }
    }
    if !edited.is_empty() {
        journal.give_room_back(false)?;
    }
    Ok(edited)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::app::history::{dossier, write_dossier};
    use crate::app::tests::{Scene, roster};
    use crate::events::Plan;
    use crate::journal::RunState;
    use crate::model::{Exit, Problem, RowState};

    #[test]
    fn history_and_removal_cover_all_runs_that_changed_a_record() {
        use RowState::{Failed, Updated};
        let scene = Scene::new();
        scene.write("r.csv", &roster(2));
        let mut settings = scene.settings("r.csv");
        let run = scene.finished("first", 2, &settings);
        let plan = Plan {
            columns: [("name".to_owned(), "Namn".to_owned())].into(),
            ..Plan::default()
        };
        let plan = serde_json::to_string(&plan).unwrap();
        scene.journal().set_plan(run.id, &plan, 0).unwrap();
        scene.finished("second", 1, &settings);
        // A run that did not change the record, and records with the same path at other addresses.
        let run = scene.run("failed", RunState::Running, &settings);
        scene.rows(&run, &[Some(Failed)]);
        for (name, address) in [
            ("there", "http://127.0.0.1:2"),
            ("yonder", "http://127.0.0.1:3"),
        ] {
            settings.delivery.client.base_url = address.into();
            scene.finished(name, 1, &settings);
        }

        let state = &scene.session.state;
        let told = dossier(state, "1", false).unwrap();
        let mut runs: Vec<&str> = told.records.iter().map(|record| &*record.run).collect();
        runs.sort_unstable();
        assert_eq!(runs, ["first", "second", "there", "yonder"]);
        let first = told
            .records
            .iter()
            .find(|record| record.run == "first")
            .unwrap();
        let change = &first.changes[0];
        assert_eq!((&*change.column, &*change.field), ("Namn", "name"));
        assert_eq!((change.from.as_deref(), &*change.to), (Some("Åsa"), "Bo"));
        assert_eq!((first.line, &*first.path), (2, "/student/1"));
        assert_eq!((first.state, &*first.key), (Updated, "1"));

        let out = scene.path("history.csv");
        write_dossier(&told, &out).unwrap();
        let text = std::fs::read_to_string(&out).unwrap();
        // Each of the four runs has one change and one roster.
        let of_kind = |kind: &str| text.matches(kind).count();
        let of_kinds = (of_kind(",change,updated,"), of_kind(",file,,"));
        assert_eq!(of_kinds, (4, 4), "{text}");
        assert_eq!(text.lines().count(), 1 + 4 + 4, "{text}");
        assert!(text.contains("Åsa,Bo"), "{text}");

        // The values of a run in progress are not removed.
        let at_work = RunLock::share(state, "second").unwrap();
        assert!(forget(state, "1").is_err());
        drop(at_work);
        assert_eq!(forget(state, "1").unwrap(), 4);
        let left = dossier(state, "1", false).unwrap();
        assert!(left.records.iter().all(|record| record.changes.is_empty()));
        assert_eq!(dossier(state, "2", false).unwrap().records.len(), 1);
        assert!(forget(state, "9").is_err());
    }

    #[test]
    fn the_stored_id_of_an_unchanged_row_is_removed() {
        let scene = Scene::new();
        scene.write("r.csv", &roster(2));
        let settings = scene.settings("r.csv");
        scene.finished("changed", 1, &settings);
        let unchanged = |name: &str| {
            let run = scene.run(name, RunState::Running, &settings);
            scene.rows(&run, &[Some(RowState::Unchanged); 2]);
            scene.end(&run, RunState::Finished, Exit::Success);
            run.id
        };
        let (one, other) = (unchanged("one"), unchanged("other"));
        let rows_with_id = |run| {
            let facts = scene.journal().facts(run, 1, 9).unwrap();
            facts.iter().map(|(row, _)| *row).collect::<Vec<_>>()
        };
        let state = &scene.session.state;
        // The record is found by a change of another run.
        assert_eq!(forget(state, "Bo").unwrap(), 3);
        assert_eq!((rows_with_id(one), rows_with_id(other)), (vec![2], vec![2]));
        // The record is found by its id, although no run changed it.
        assert_eq!(forget(state, "2").unwrap(), 2);
        assert_eq!((rows_with_id(one), rows_with_id(other)), (vec![], vec![]));
        assert!(forget(state, "2").is_err());
    }

    #[test]
    fn edited_cells_are_removed_only_for_the_requested_person() {
        let scene = Scene::new();
        scene.write("r.csv", &roster(3));
        let mut settings = scene.settings("r.csv");
        let mends = &mut settings.roster.read.mends;
        mends.set(1, 1, "Alm".into());
        mends.set(2, 1, "Bergström".into());
        mends.set(3, 1, "Cederlund".into());
        scene.finished("changed", 1, &settings);
        // This run matched the second record without a change.
        let run = scene.run("unchanged", RunState::Running, &settings);
        scene.rows(&run, &[Some(RowState::Unchanged); 2]);
        scene.end(&run, RunState::Finished, Exit::Success);
        scene.run("held", RunState::Held, &settings);
        let folder = scene.session.state.folder().join("mends");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("one.json");
        let stored = serde_json::to_string(&settings.roster.read.mends).unwrap();
        std::fs::write(&file, stored).unwrap();
        // In this file, row 1 has other cells, and row 9 contains the record's number.
        let other = folder.join("other.json");
        std::fs::write(&other, r#"{"1":{"1":"Dahl"},"9":{"0":"2"}}"#).unwrap();

        let state = &scene.session.state;
        let left = |name: &str| {
            let settings = Settings::of(&scene.record(name)).unwrap();
            let mends = settings.roster.read.mends;
            [1, 2, 3].map(|row| mends.of(row).is_some())
        };
        let text = |path: &Path| std::fs::read_to_string(path).unwrap();
        forget(state, "1").unwrap();
        assert_eq!(left("changed"), [false, true, true]);
        assert_eq!(left("unchanged"), [false, true, true]);
        assert_eq!(left("held"), [true; 3], "its process needs them");
        assert_eq!(
            text(&file),
            r#"{"2":{"1":"Bergström"},"3":{"1":"Cederlund"}}"#
        );
        assert!(text(&other).contains("Dahl") && text(&other).contains("\"9\""));
        forget(state, "2").unwrap();
        assert_eq!(left("unchanged"), [false, false, true]);
        assert_eq!(text(&file), r#"{"3":{"1":"Cederlund"}}"#);
        assert_eq!(text(&other), r#"{"1":{"1":"Dahl"}}"#);
        assert!(forget(state, "2").is_err(), "nothing is left");
    }

    #[test]
    fn a_record_whose_id_equals_another_path_segment_is_kept() {
        let scene = Scene::new();
        scene.write("r.csv", &roster(1));
        let settings = scene.settings("r.csv");
        scene.finished("changed", 1, &settings);
        let run = scene.run("other", RunState::Running, &settings);
        scene.found(&run, "student");
        scene.end(&run, RunState::Finished, Exit::Success);
        assert!(!scene.journal().facts(run.id, 1, 9).unwrap().is_empty());
        forget(&scene.session.state, "1").unwrap();
        assert!(!scene.journal().facts(run.id, 1, 9).unwrap().is_empty());
        forget(&scene.session.state, "student").unwrap();
        assert!(scene.journal().facts(run.id, 1, 9).unwrap().is_empty());
    }

    #[test]
    fn messages_are_removed_only_from_runs_that_have_ended() {
        let scene = Scene::new();
        scene.write("r.csv", &roster(1));
        let run = scene.run("first", RunState::Running, &scene.settings("r.csv"));
        let problem = Problem::of_row("uuid.format", crate::l10n::Message::verbatim("10486"));
        scene.invalid_row(&run, problem);
        let said = || {
            scene.journal().unsuccessful(run.id, 9).unwrap()[0]
                .problems
                .len()
        };
        for (state, forgotten, left) in [
            (RunState::Running, 0, 1),
            (RunState::Held, 0, 1),
            (RunState::Finished, 1, 0),
            (RunState::Finished, 0, 0),
        ] {
            scene.journal().set_state(run.id, state).unwrap();
            let rows = scene.journal().forget_said(&[(run.id, 1)]).unwrap();
            assert_eq!((rows, said()), (forgotten, left), "{state:?}");
        }
    }
}
