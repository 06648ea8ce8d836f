//! The history of a person: every recorded change to the records that match a key.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::error::AppError;
use super::mends::forget_edited;
use super::runs::{figures_of, is_rehearsal, undone_rows};
use crate::events::Plan;
use crate::journal::{Journal, RunLock, RunRecord, RunState, State};
use crate::l10n::{Language, say};
use crate::map::language_of;
use crate::model::{Call, Change, Problem, RowState};
use crate::read::Cells;
use crate::report::{HistoryLine, WholeFile, write_history};
use crate::run::{AuditEntry, Settings, key_fingerprint};
use crate::targets::TargetSpec;

/// All recorded changes to the records that match a key, newest first.
#[derive(Debug, Default, Serialize)]
pub struct Dossier {
    /// The changes, one entry per run and record.
    pub records: Vec<RecordChanges>,
    /// The rows that the key matches, in any state, newest first.
    pub rows: Vec<RowAbout>,
    /// Files of these runs, which may contain more data about the person.
    pub files: Vec<FileAbout>,
    /// The runs that store values of a record, by the record's path.
    #[serde(skip)]
    held: BTreeMap<String, BTreeSet<i64>>,
    /// All runs with the same target and address, by the record's path.
    #[serde(skip)]
    around: BTreeMap<String, BTreeSet<i64>>,
}

/// A row of a run that the key matches.
#[derive(Debug, Serialize)]
pub struct RowAbout {
    /// The name of the run.
    pub run: String,
    /// The path of the roster.
    pub file: String,
    /// When the run began.
    pub at: Timestamp,
    /// The spreadsheet row number.
    pub line: u64,
    /// The state of the row, or `None` if it is not processed yet.
    pub state: Option<RowState>,
    /// The code of the row's problem.
    pub code: String,
    /// The messages about the row.
    pub said: Vec<String>,
    /// The ids of the run and the row in the journal.
    #[serde(skip)]
    place: (i64, u64),
}

/// A file of a run.
#[derive(Debug, Serialize)]
pub struct FileAbout {
    /// The name of the run.
    pub run: String,
    /// The path of the file.
    pub path: PathBuf,
}

/// What one run changed, or may have changed, in one record.
#[derive(Debug, Serialize)]
pub struct RecordChanges {
    /// The name of the run.
    pub run: String,
    /// The command that started the run.
    pub command: String,
    /// The path of the roster.
    pub file: String,
    /// The name of the target.
    pub target: String,
    /// The key that found the record.
    pub key: String,
    /// The path of the record at the API.
    pub path: String,
    /// The spreadsheet row number.
    pub line: u64,
    /// `Updated`, or `Unknown` if no response was received.
    pub state: RowState,
    /// The time of the change, or the start of the run if unknown.
    pub at: Timestamp,
    /// The accounts that started and resumed the run.
    #[serde(rename = "deeds", skip_serializing_if = "Vec::is_empty")]
    pub audit_log: Vec<AuditEntry>,
    /// The changed fields. Empty if they were not stored or have been removed.
    pub changes: Vec<PastChange>,
    /// Whether an undo restored the values.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub undone: bool,
    /// Whether the run was a rehearsal.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub rehearsal: bool,
    /// The ids of the run and the row in the journal.
    #[serde(skip)]
    place: (i64, u64),
}

/// A change of one field.
#[derive(Debug, Serialize)]
pub struct PastChange {
    /// The header of the field's column in the roster.
    pub column: String,
    /// The column as the reader calls it.
    #[serde(skip)]
    pub label: String,
    /// The name of the field.
    pub field: String,
    /// The previous value, formatted, or `None` if the record was not read.
    pub from: Option<String>,
    /// The sent value.
    pub to: String,
}

/// Every change that any run made to the records to which `key` leads: an id, what rows are found by, or
/// a value that was sent for one. Rehearsals are left out unless they are requested.
pub fn dossier(state: &State, key: &str, rehearsals: bool) -> Result<Dossier, AppError> {
    dossier_by(state, &searched(key), rehearsals)
}

fn dossier_by(state: &State, keys: &[String], rehearsals: bool) -> Result<Dossier, AppError> {
    let journal = Journal::open(state)?;
    let mut runs: BTreeMap<i64, RunRecord> = BTreeMap::new();
    for run in journal.runs()? {
        if rehearsals || !is_rehearsal(&run) {
            runs.insert(run.id, run);
        }
    }
    let mut undone: BTreeMap<i64, BTreeSet<u64>> = BTreeMap::new();
    // A record is identified by target, address and path, across runs.
    let place = |run: &RunRecord| (run.target.clone(), run.base_url.clone());
    let mut records = BTreeSet::new();
    for (run, path) in journal.records_by(keys)? {
        if let Some(run) = runs.get(&run) {
            records.insert((place(run), path));
        }
    }
    let mut dossier = Dossier::default();
    let mut words: BTreeMap<i64, Option<FieldNames>> = BTreeMap::new();
    for (of, path) in records {
        let there = runs.values().filter(|run| place(run) == of);
        let ids: Vec<i64> = there.map(|run| run.id).collect();
        dossier.around.entry(path.clone()).or_default().extend(&ids);
        for past in journal.calls_to(&ids, &path)? {
            let Some(run) = runs.get(&past.run) else {
                continue;
            };
            let words = words
                .entry(run.id)
                .or_insert_with(|| FieldNames::of(&journal, run));
            let words = words.as_ref();
            let changes = words.map_or(Vec::new(), |words| words.changes(&past.call));
            if run.state == RunState::Undone && !undone.contains_key(&run.id) {
                undone.insert(run.id, undone_rows(&journal, run)?);
            }
            let of_run = undone.get(&run.id);
            let held = dossier.held.entry(path.clone()).or_default();
            held.insert(run.id);
            dossier.records.push(RecordChanges {
                run: run.name.clone(),
                command: run.command.clone(),
                file: run.file.clone(),
                target: run.target.clone(),
                key: past.call.key.clone(),
                path: path.clone(),
                line: past.call.at.sheet_row,
                state: past.state,
                at: past.at.unwrap_or(run.started_at),
                audit_log: Settings::of(run).map_or(Vec::new(), |settings| settings.audit_log),
                changes,
                undone: of_run.is_some_and(|rows| rows.contains(&past.call.at.row)),
                rehearsal: is_rehearsal(run),
                place: (run.id, past.call.at.row),
            });
        }
    }
    // Rows without a change are found by the same keys.
    let found_by = dossier.records.iter().map(|record| record.key.clone());
    let prints: BTreeSet<i64> = keys
        .iter()
        .cloned()
        .chain(found_by)
        .map(|key| key_fingerprint(&key))
        .collect();
    for row in journal.rows_by(&prints.into_iter().collect::<Vec<i64>>())? {
        let Some(run) = runs.get(&row.run) else {
            continue;
        };
        dossier.rows.push(RowAbout {
            run: run.name.clone(),
            file: run.file.clone(),
            at: run.started_at,
            line: row.at.sheet_row,
            state: row.state,
            code: row.error_code,
            said: row.problems.iter().map(Problem::clause).collect(),
            place: (row.run, row.at.row),
        });
    }
    for run in runs.values().rev() {
        let is_of = |name: &String| *name == run.name;
        let is_about = dossier.records.iter().any(|record| is_of(&record.run))
            || dossier.rows.iter().any(|row| is_of(&row.run));
        if is_about {
            let paths = files_of(run).into_iter().filter(|path| path.is_file());
            dossier.files.extend(paths.map(|path| FileAbout {
                run: run.name.clone(),
                path,
            }));
        }
    }
    let records = &mut dossier.records;
    records.sort_by(|one, other| other.at.cmp(&one.at).then(one.path.cmp(&other.path)));
    Ok(dossier)
}

/// Returns the roster of a run and its output files.
fn files_of(run: &RunRecord) -> Vec<PathBuf> {
    let mut files = vec![PathBuf::from(&run.file)];
    if let Ok(mut summary) = figures_of(run) {
        files.extend(summary.paths_mut().map(std::mem::take));
    }
    files
}

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
            return Err(AppError::Front(say().history_under_way(run.as_str())));
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
        return Err(AppError::Front(say().history_none(key)));
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

/// Writes all stored data to one file: JSON if the name ends with `.json`, otherwise CSV or a workbook with
/// one change, row or file per line.
pub fn write_dossier(dossier: &Dossier, path: &Path) -> Result<(), AppError> {
    if path
        .extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("json"))
    {
        let json = serde_json::to_string_pretty(dossier);
        let json = json.map_err(|error| AppError::Front(error.to_string()))?;
        return Ok(WholeFile::write_text(path, &json)?);
    }
    let line = |record: &RecordChanges, change: Option<&PastChange>| HistoryLine {
        at: Some(record.at),
        run: record.run.clone(),
        file: record.file.clone(),
        line: Some(record.line),
        key: record.key.clone(),
        field: change.map_or(String::new(), |change| change.field.clone()),
        from: change.and_then(|change| change.from.clone()),
        to: change.map_or(String::new(), |change| change.to.clone()),
        kind: "change",
        state: record.state.as_str(),
        said: String::new(),
        by: record
            .audit_log
            .iter()
            .map(AuditEntry::in_words)
            .collect::<Vec<_>>()
            .join("; "),
    };
    let lines = dossier.records.iter().flat_map(|record| {
        let none = record.changes.is_empty().then(|| line(record, None));
        let changes = record.changes.iter();
        changes
            .map(|change| line(record, Some(change)))
            .chain(none)
            .collect::<Vec<_>>()
    });
    let rows = dossier.rows.iter().map(|row| HistoryLine {
        at: Some(row.at),
        run: row.run.clone(),
        file: row.file.clone(),
        line: Some(row.line),
        kind: "row",
        state: row.state.map_or("", RowState::as_str),
        said: row.said.join("; "),
        ..HistoryLine::default()
    });
    let files = dossier.files.iter().map(|file| HistoryLine {
        run: file.run.clone(),
        file: file.path.display().to_string(),
        kind: "file",
        ..HistoryLine::default()
    });
    Ok(write_history(lines.chain(rows).chain(files), path)?)
}

/// Returns the spellings of a key in rosters and APIs: as given, and for a number also without separators.
pub(super) fn spellings(key: &str) -> Vec<String> {
    let key = key.trim();
    let mut spellings = vec![key.to_owned()];
    let bare: String = key
        .chars()
        .filter(|c| !matches!(c, '-' | ' ' | '+'))
        .collect();
    let is_number = !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_digit());
    // Swedish identity numbers are also searched with a century and with a hyphen.
    let whole = match bare.len() {
        10 if is_number => ["19", "20"]
            .map(|century| format!("{century}{bare}"))
            .to_vec(),
        12 if is_number => vec![bare.clone()],
        _ => Vec::new(),
    };
    for number in whole {
        spellings.push(format!("{}-{}", &number[..8], &number[8..]));
        spellings.push(number);
    }
    if is_number && bare != key {
        spellings.push(bare);
    }
    spellings
}

/// Returns the spellings by which a person is searched: also an identity number without its century.
pub(super) fn searched(key: &str) -> Vec<String> {
    let mut searched = spellings(key);
    let is_whole =
        |text: &&String| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    let whole: Vec<String> = searched.iter().filter(is_whole).cloned().collect();
    for number in whole {
        // A plus sign stands for a hundred years or more.
        let (day, last) = (&number[2..8], &number[8..]);
        let short = ["", "-", "+"].map(|mark| format!("{day}{mark}{last}"));
        searched.extend(short);
    }
    searched.sort();
    searched.dedup();
    searched
}

/// The names of a run's fields in its roster and in messages.
#[derive(Debug)]
pub struct FieldNames {
    spec: TargetSpec,
    columns: BTreeMap<String, String>,
}

impl FieldNames {
    /// Returns the names for a run, or `None` if its settings or its target cannot be read.
    pub fn of(journal: &Journal, run: &RunRecord) -> Option<FieldNames> {
        let spec = Settings::of(run).ok()?.spec().ok()?;
        let plan = journal.plan(run.id).ok()?.0;
        let plan = plan.and_then(|json| serde_json::from_str::<Plan>(&json).ok());
        Some(FieldNames {
            spec,
            columns: plan.map(|plan| plan.columns).unwrap_or_default(),
        })
    }

    /// Returns the changes of a request.
    pub fn changes(&self, call: &Call) -> Vec<PastChange> {
        let changes = self.spec.changes_of(call);
        let changes = changes.iter().filter(|change| !change.is_idle());
        changes.map(|change| self.change(change)).collect()
    }

    /// Returns the roster's header for a field.
    pub fn column<'a>(&'a self, field: &'a str) -> &'a str {
        self.columns.get(field).map_or(field, String::as_str)
    }

    /// Returns a column as the reader calls it.
    pub fn label<'a>(&'a self, column: &'a str) -> &'a str {
        self.spec.column_label(column, Language::spoken().code())
    }

    fn change(&self, change: &Change) -> PastChange {
        let field = self.spec.field_named(&change.field);
        let column = self.column(&change.field);
        let word = |value: &serde_json::Value| match field {
            Some(field) => field.in_words(value, language_of(field, column)),
            None => value.to_string(),
        };
        PastChange {
            column: column.to_owned(),
            label: self.label(column).to_owned(),
            field: change.field.clone(),
            from: change.from.as_ref().map(word),
            to: word(&change.to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::{Scene, roster};
    use crate::model::Exit;

    #[test]
    fn an_identity_number_is_found_in_all_its_spellings() {
        let found = |key: &str| {
            let mut spellings = spellings(key);
            spellings.sort();
            spellings
        };
        let ten = [
            "191004022388",
            "19100402-2388",
            "201004022388",
            "20100402-2388",
        ];
        let with = |own: &[&str]| {
            let mut all: Vec<String> = own.iter().chain(&ten).map(|key| (*key).into()).collect();
            all.sort();
            all
        };
        assert_eq!(found("1004022388"), with(&["1004022388"]));
        assert_eq!(found(" 100402-2388 "), with(&["100402-2388", "1004022388"]));
        let twelve = ["20100402-2388", "201004022388"];
        assert_eq!(spellings("20100402-2388")[0], "20100402-2388");
        for key in twelve {
            let spellings = spellings(key);
            assert!(
                twelve
                    .iter()
                    .all(|twelve| spellings.iter().any(|key| key == twelve))
            );
            assert!(!spellings.iter().any(|key| key.starts_with("19")));
        }
        // A telephone number loses its separators and gets no century.
        assert_eq!(found("+46 70-123 45"), ["+46 70-123 45", "467012345"]);
        // Keys that are not numbers are unchanged, regardless of their length.
        for key in ["E-10482", "abcdefghij", "abcdefghijkl", "a-b", "-", ""] {
            assert_eq!(spellings(key), [key]);
        }
    }

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

    #[test]
    fn resent_values_equal_to_the_previous_ones_are_not_changes() {
        let scene = Scene::new();
        scene.write("r.csv", &roster(1));
        let run = scene.finished("first", 1, &scene.settings("r.csv"));
        let plan = serde_json::to_string(&Plan::default()).unwrap();
        scene.journal().set_plan(run.id, &plan, 0).unwrap();
        let words = FieldNames::of(&scene.journal(), &run).unwrap();
        assert_eq!(words.column("name"), "name");
        let change = |field: &str, from: &str| Change {
            field: field.into(),
            from: Some(from.into()),
            to: "Bo".into(),
        };
        let call = Call {
            at: crate::model::RowAt::FIRST,
            key: "1".into(),
            path: "/student/1".into(),
            changed: "name nickname".into(),
            changes: vec![change("name", "Bo"), change("nickname", "B")],
            ..Call::default()
        };
        let changes = words.changes(&call);
        let fields: Vec<&str> = changes.iter().map(|change| &*change.field).collect();
        assert_eq!(fields, ["nickname"]);
    }
}
