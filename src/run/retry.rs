use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::error::RunError;
use super::items::fingerprints;
use super::prepare::{Roster, prepare};
use super::settings::Settings;
use crate::events::Unwatched;
use crate::journal::{Journal, RunRecord};
use crate::map::MapOptions;
use crate::read::{ReadError, ReadOptions};

/// Runs that are looked at for where a file comes from.
const RUNS: usize = 100;

/// Rows by whose keys a file is known again.
const ROWS: usize = 300;

/// The run whose results `file` holds, by its content: the one that knows most of the first rows'
/// keys, the newest of several. Nothing where no run knows any.
///
/// # Errors
/// When the journal cannot be read. A file that fits no run's target is none's results.
pub fn find_run(
    journal: &Journal,
    file: &Path,
    read: &ReadOptions,
    map: &MapOptions,
) -> Result<Option<RunRecord>, RunError> {
    let mut seen = HashSet::new();
    let mut best: Option<(u64, i64)> = None;
    let runs: Vec<RunRecord> = journal.runs()?.into_iter().take(RUNS).collect();
    for run in &runs {
        let Ok(settings) = Settings::of(run) else {
            continue;
        };
        let roster = &settings.roster;
        let meaning = serde_json::to_string(&(&settings.target, &roster.key, &roster.map));
        if run.command == "undo" || !seen.insert(meaning.unwrap_or_default()) {
            continue;
        }
        let keys = settings
            .spec()
            .and_then(|spec| keys_of(file, read, map, &settings.roster, spec));
        let Ok(keys) = keys else {
            continue;
        };
        for (id, count) in journal.runs_with_keys(&keys)? {
            let is_undo = |run: &&RunRecord| run.id == id && run.command == "undo";
            if !runs.iter().any(|run| is_undo(&run)) && best.is_none_or(|known| (count, id) > known)
            {
                best = Some((count, id));
            }
        }
    }
    Ok(best.and_then(|(_, id)| runs.into_iter().find(|run| run.id == id)))
}

/// Fingerprints of the first rows' keys, as a run with this roster's settings sees them.
fn keys_of(
    file: &Path,
    read: &ReadOptions,
    map: &MapOptions,
    roster: &Roster,
    spec: crate::targets::TargetSpec,
) -> Result<Vec<i64>, RunError> {
    let mut overrides = roster.map.overrides.clone();
    overrides.extend(map.overrides.clone());
    let roster = Roster {
        file: file.to_owned(),
        read: read.clone(),
        map: MapOptions {
            overrides,
            sparse: false,
        },
        ..roster.clone()
    };
    let prepared = prepare(&roster, Arc::new(spec), 0, &Unwatched)?;
    let (checker, survey) = (&prepared.checker, &prepared.survey);
    let mut keys = Vec::new();
    prepared.input.scan(
        |table| {
            table
                .rows()
                .map(|row| fingerprints(&checker.check(&row), checker, survey.key()).0)
                .collect::<Vec<_>>()
        },
        |found| {
            keys.extend(found.into_iter().filter(|key| *key != 0));
            Ok::<bool, ReadError>(keys.len() < ROWS)
        },
    )?;
    keys.truncate(ROWS);
    Ok(keys)
}
