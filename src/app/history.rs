//! The history of a person: every recorded change to the records that match a key.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::error::AppError;
use super::runs::{figures_of, is_rehearsal, undone_rows};
use super::spellings::searched;
use crate::journal::{Journal, RunRecord, RunState, State};
use crate::l10n::{Language, Message};
use crate::map::language_of;
use crate::model::{Call, Change, Problem, RowState};
use crate::report::{HistoryLine, WholeFile, write_history};
use crate::run::{AuditEntry, Settings, key_fingerprint, stored_plan};
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
    pub(super) held: BTreeMap<String, BTreeSet<i64>>,
    /// All runs with the same target and address, by the record's path.
    #[serde(skip)]
    pub(super) around: BTreeMap<String, BTreeSet<i64>>,
}

/// A row of a run that the key matches.
#[derive(Debug, Serialize)]
pub struct RowAbout {
    pub run: String,
    pub file: String,
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
    pub(super) place: (i64, u64),
}

/// A file of a run.
#[derive(Debug, Serialize)]
pub struct FileAbout {
    pub run: String,
    pub path: PathBuf,
}

/// What one run changed, or may have changed, in one record.
#[derive(Debug, Serialize)]
pub struct RecordChanges {
    pub run: String,
    pub command: String,
    pub file: String,
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
    pub(super) place: (i64, u64),
}

/// A change of one field.
#[derive(Debug, Serialize)]
pub struct PastChange {
    /// The header of the field's column in the roster.
    pub column: String,
    /// The column as the reader calls it.
    #[serde(skip)]
    pub label: String,
    pub field: String,
    /// The previous value, formatted, or `None` if the record was not read.
    pub from: Option<String>,
    pub to: String,
}

/// Every change that any run made to the records to which `key` leads: an id, what rows are found by, or
/// a value that was sent for one. Rehearsals are left out unless they are requested.
pub fn dossier(state: &State, key: &str, rehearsals: bool) -> Result<Dossier, AppError> {
    dossier_by(state, &searched(key), rehearsals)
}

pub(super) fn dossier_by(
    state: &State,
    keys: &[String],
    rehearsals: bool,
) -> Result<Dossier, AppError> {
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

/// Writes all stored data to one file: JSON if the name ends with `.json`, otherwise CSV or a workbook with
/// one change, row or file per line.
pub fn write_dossier(dossier: &Dossier, path: &Path) -> Result<(), AppError> {
    if path
        .extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("json"))
    {
        let json = serde_json::to_string_pretty(dossier);
        let json = json.map_err(|error| AppError::Front(Message::verbatim(error.to_string())))?;
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
        let plan = stored_plan(journal, run.id).ok()?;
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
    use crate::events::Plan;

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
