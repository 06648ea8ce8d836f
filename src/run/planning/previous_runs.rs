//! Previous runs of a roster are found in the journal.

use crate::events::SinceLast;
use crate::journal::{Journal, NewRun, RunRecord, RunState};
use crate::model::Summary;
use crate::run::error::RunError;
use crate::run::settings::Settings;

/// The number of rows of the last imported edition of this roster for the same place.
pub fn rows_last_time(
    journal: &Journal,
    target: &str,
    settings: &Settings,
) -> Result<Option<u64>, RunError> {
    for run in journal.runs()? {
        let is_import = run.state == RunState::Finished && run.command == "import";
        // Settings of another version cannot be compared.
        let same = || Settings::of(&run).is_ok_and(|other| settings.is_of_the_same_roster(&other));
        if is_import && run.target == target && same() {
            let summary = run.summary.as_deref();
            let summary = summary.and_then(|json| serde_json::from_str::<Summary>(json).ok());
            return Ok(summary.map(|summary| summary.rows));
        }
    }
    Ok(None)
}

/// Keys by which it is known whether two files are rosters of the same school.
const SAMPLE: u64 = 100;

/// How the rows of an import differ from those of the last other roster that was imported to the same place and is of
/// the same name or has at least half of the sampled rows; none if there is no such roster.
pub(super) fn since_last(
    journal: &Journal,
    (id, run): (i64, &NewRun),
    settings: &Settings,
) -> Result<Option<SinceLast>, RunError> {
    if run.command != "import" {
        return Ok(None);
    }
    let keys = journal.some_keys(id, SAMPLE)?;
    if keys.is_empty() {
        return Ok(None);
    }
    let found = journal.runs_with_keys(&keys)?;
    for other in journal.runs()? {
        let has_ended = matches!(other.state, RunState::Finished | RunState::Undone);
        if other.id >= id || other.command != "import" || !has_ended {
            continue;
        }
        let Ok(its) = Settings::of(&other) else {
            continue;
        };
        // A simulated API has another address each time.
        let is_there = other.base_url == run.base_url || settings.sandbox;
        let is_same_place = other.target == run.target && is_there;
        if !is_same_place || its.sandbox != settings.sandbox || other.sha256 == run.sha256 {
            continue;
        }
        let shared = found.get(&other.id).copied().unwrap_or_default();
        let is_alike = shared * 2 >= keys.len() as u64;
        if is_alike || shared > 0 && its.name() == settings.name() {
            return Ok(Some(SinceLast {
                at: other.started_at,
                new: journal.rows_without(id, other.id)?.len() as u64,
                missing: journal.rows_without(other.id, id)?.len() as u64,
                run: other.name,
            }));
        }
    }
    Ok(None)
}

/// Whether no later run imported another edition of a run's roster to the same place or undid a run there.
pub fn is_last_of_its_name(journal: &Journal, run: &RunRecord) -> Result<bool, RunError> {
    let settings = Settings::of(run)?;
    let later = journal.runs()?;
    let mut later = later.iter().filter(|other| {
        other.id > run.id
            && (&other.target, &other.base_url) == (&run.target, &run.base_url)
            && other.sha256 != run.sha256
    });
    Ok(!later.any(|other| {
        other.command == "undo"
            || Settings::of(other).is_ok_and(|other| settings.is_of_the_same_roster(&other))
    }))
}

#[cfg(test)]
mod tests;
