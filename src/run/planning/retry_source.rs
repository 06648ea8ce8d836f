//! Results files are matched to the runs that wrote them.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::row_fingerprints::RowFingerprints;
use crate::events::Unobserved;
use crate::journal::{Journal, RunRecord};
use crate::map::MapOptions;
use crate::read::{ReadError, ReadOptions};
use crate::run::error::RunError;
use crate::run::prepare::{Roster, prepare};
use crate::run::settings::{Settings, absolute};

/// The number of recent runs to compare with a file.
const RUNS: usize = 100;

/// The number of rows whose keys identify a file.
const ROWS: usize = 300;

/// Returns the runs whose results `file` may hold: the run that wrote the file, or the runs with most of the first
/// rows' keys. Of several runs to one target and address only the newest, and sandbox runs only if no other fits as
/// well. `place` limits the search to a target's name and address.
pub fn find_runs(
    journal: &Journal,
    file: &Path,
    read: &ReadOptions,
    map: &MapOptions,
    place: Option<(&str, &str)>,
) -> Result<Vec<RunRecord>, RunError> {
    let mut seen = HashSet::new();
    let mut fitting: Vec<((bool, u64), &RunRecord)> = Vec::new();
    let runs: Vec<RunRecord> = journal.runs()?.into_iter().take(RUNS).collect();
    let own = absolute(file);
    let wrote = |run: &RunRecord| {
        Settings::of(run).is_ok_and(|settings| {
            let paths = settings.delivery.paths;
            [paths.results, paths.failed].contains(&own)
        })
    };
    journal.index_rows(0)?;
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
            fitting.push(((wrote(run), count), run));
        }
    }
    if fitting.is_empty() {
        // All keys of the file may have been corrected.
        let is_here =
            |run: &RunRecord| place.is_none_or(|place| place == (&*run.target, &*run.base_url));
        let own = runs.iter().filter(|run| wrote(run) && is_here(run));
        fitting.extend(own.map(|run| ((true, 0), run)));
    }
    let fitting = fitting.into_iter().map(|((wrote, known), run)| Fit {
        wrote,
        known,
        was_played: Settings::of(run).is_ok_and(|settings| settings.sandbox),
        run,
    });
    Ok(likeliest(fitting.collect()))
}

/// A run and how well it fits a file.
struct Fit<'a> {
    /// Whether it wrote the file.
    wrote: bool,
    /// How many of the first rows' keys it knows.
    known: u64,
    /// Whether it was sent to a sandbox.
    was_played: bool,
    run: &'a RunRecord,
}

/// Returns the newest of the best runs for each place, and sandbox runs only if no other fits as well.
fn likeliest(mut fitting: Vec<Fit<'_>>) -> Vec<RunRecord> {
    let best = fitting.iter().map(|fit| (fit.wrote, fit.known)).max();
    fitting.retain(|fit| Some((fit.wrote, fit.known)) == best);
    if fitting.iter().any(|fit| !fit.was_played) {
        fitting.retain(|fit| !fit.was_played);
    }
    fitting.sort_by_key(|fit| std::cmp::Reverse(fit.run.id));
    let mut places = HashSet::new();
    // The sandbox has another address in each process.
    fitting.retain(|fit| {
        let address = if fit.was_played {
            ""
        } else {
            &fit.run.base_url
        };
        places.insert((&fit.run.target, address))
    });
    fitting.into_iter().map(|fit| fit.run.clone()).collect()
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
            of_results: true,
            ..MapOptions::default()
        },
        ..roster.clone()
    };
    let prepared = prepare(&roster, Arc::new(spec), 0, &Unobserved)?;
    let (checker, survey) = (&prepared.checker, &prepared.survey);
    let mut keys = Vec::new();
    prepared.input.scan(
        |table| {
            let mut fingerprints = RowFingerprints::of(checker, survey.key());
            let key = |row| fingerprints.of_row(&row, &checker.check(&row)).0;
            table.rows().map(key).collect::<Vec<_>>()
        },
        |found| {
            keys.extend(found.into_iter().filter(|key| *key != 0));
            Ok::<bool, ReadError>(keys.len() < ROWS)
        },
    )?;
    keys.truncate(ROWS);
    Ok(keys)
}

#[cfg(test)]
mod tests;
