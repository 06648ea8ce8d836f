use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::error::RunError;
use super::items::fingerprints;
use super::prepare::{Roster, prepare};
use super::settings::{Settings, absolute};
use crate::events::Unwatched;
use crate::journal::{Journal, RunRecord};
use crate::map::MapOptions;
use crate::read::{ReadError, ReadOptions};

/// Runs that are looked at for where a file comes from.
const RUNS: usize = 100;

/// Rows by whose keys a file is known again.
const ROWS: usize = 300;

/// The run whose results `file` holds, by its content: the one that knows most of the first rows'
/// keys, the one that wrote the file or else the newest of several; at `place`, a target's name and
/// an address, if one is given. Nothing where no run knows any.
///
/// # Errors
/// When the journal cannot be read. A file that fits no run's target is none's results.
pub fn find_run(
    journal: &Journal,
    file: &Path,
    read: &ReadOptions,
    map: &MapOptions,
    place: Option<(&str, &str)>,
) -> Result<Option<RunRecord>, RunError> {
    let mut seen = HashSet::new();
    let mut best: Option<(bool, u64, i64)> = None;
    let runs: Vec<RunRecord> = journal.runs()?.into_iter().take(RUNS).collect();
    let own = absolute(file);
    let wrote = |run: &RunRecord| {
        Settings::of(run).is_ok_and(|settings| {
            let paths = settings.delivery.paths;
            [paths.results, paths.failed].contains(&own)
        })
    };
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
            let Some(run) = runs.iter().find(|run| run.id == id) else {
                continue;
            };
            let is_here = place.is_none_or(|place| place == (&*run.target, &*run.base_url));
            if run.command == "undo" || !is_here {
                continue;
            }
            let fits = (wrote(run), count, id);
            if best.is_none_or(|known| fits > known) {
                best = Some(fits);
            }
        }
    }
    let id = best.map(|(_, _, id)| id).or_else(|| {
        // Its rows may all have been mended beyond recognition.
        let is_here =
            |run: &RunRecord| place.is_none_or(|place| place == (&*run.target, &*run.base_url));
        let own = runs.iter().find(|run| wrote(run) && is_here(run));
        own.map(|run| run.id)
    });
    Ok(id.and_then(|id| runs.into_iter().find(|run| run.id == id)))
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
