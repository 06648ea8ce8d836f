//! Previous runs of a roster are found in the journal.

use crate::journal::{Journal, RunRecord, RunState};
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
