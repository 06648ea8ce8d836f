//! Retries: runs that reuse the settings of an earlier run for some of its rows.

use std::path::{Path, PathBuf};

use super::error::AppError;
use super::paths::NamedPaths;
use super::session::Session;
use super::spool::at_hand;
use crate::check::EmptyCell;
use crate::journal::{Journal, RunLock, RunRecord, RunState};
use crate::map::MapOptions;
use crate::model::{Code, RowState, Standing};
use crate::plan::Selection;
use crate::read::{Input, ReadOptions};
use crate::report::{Placing, ResultPaths, write_rest};
use crate::run::{Retries, Roster, RunError, Settings, find_runs};

/// Applies the options of a retry to the settings of the run that it retries.
type Options<'a> = &'a dyn Fn(&mut Settings) -> Result<(), AppError>;

/// Returns the settings of an earlier run with other `options`.
fn again(record: &RunRecord, options: Options<'_>) -> Result<Settings, AppError> {
    let mut settings = Settings::of(record)?;
    options(&mut settings)?;
    // Decisions about rows and conflicts applied to the earlier plan.
    settings.delivery.approved = None;
    settings.delivery.decided.clear();
    settings.roster.read.copy = true;
    settings.inbox = None;
    settings.dropped_as = None;
    Ok(settings)
}

/// Returns the runs that a results file may come from. `of` names the only candidate. `place` restricts them
/// to a target name and base address.
///
/// # Errors
/// Fails if the named run is an undo, or the journal cannot be read.
pub fn runs_of(
    session: &Session,
    results: &Roster,
    of: Option<&str>,
    place: Option<(&str, &str)>,
) -> Result<Vec<RunRecord>, AppError> {
    let journal = Journal::open(&session.state)?;
    match of {
        Some(name) => {
            let run = journal.run(Some(name))?;
            if run.command == "undo" {
                return Err(RunError::OfAnUndo { run: run.name }.into());
            }
            let is_here = place.is_none_or(|place| place == (&*run.target, &*run.base_url));
            Ok(is_here.then_some(run).into_iter().collect())
        }
        // Standard input can be read only once, and the retry needs it.
        None if results.file == Path::new("-") => Ok(Vec::new()),
        None => {
            let (read, map) = (&results.read, &results.map);
            Ok(find_runs(&journal, &results.file, read, map, place)?)
        }
    }
}

/// Returns the only run in `runs`, or `None` if the list is empty.
///
/// # Errors
/// Fails if there are several runs.
pub fn the_one(mut runs: Vec<RunRecord>) -> Result<Option<RunRecord>, AppError> {
    if runs.len() > 1 {
        let runs = runs.iter();
        let runs = runs.map(|run| format!("{} ({}, {})", run.name, run.target, run.base_url));
        return Err(RunError::Ambiguous {
            runs: runs.collect(),
        }
        .into());
    }
    Ok(runs.pop())
}

/// A results file and the selection of rows to retry.
pub struct Retried {
    /// The results file, and the options for reading it.
    pub results: Roster,
    pub selection: Selection,
    /// The states of rows to retry. If empty, all unsuccessful rows are retried.
    pub only: Vec<RowState>,
    /// The paths of the output files.
    pub paths: NamedPaths,
}

/// Returns the settings for retrying the rows of a results file at the run's original address.
///
/// # Errors
/// Fails if the settings of the run cannot be read, or its sandbox is gone.
pub fn retried(
    session: &Session,
    record: &RunRecord,
    retried: Retried,
    options: Options<'_>,
) -> Result<Settings, AppError> {
    let mut settings = again(record, options)?;
    if session.has_lost(&settings) {
        let run = record.name.clone();
        return Err(RunError::SandboxGone { run }.into());
    }
    settings.queued = None;
    let Retried {
        results,
        selection,
        only,
        paths,
    } = retried;
    settings.delivery.paths = paths.for_roster(&results.file, session.state.folder())?;
    settings.delivery.selection = selection;
    settings.delivery.undoes = None;
    settings.delivery.undo_rows = None;
    let roster = &mut settings.roster;
    roster.file = results.file;
    roster.read = ReadOptions {
        copy: true,
        ..results.read
    };
    roster.map.overrides.extend(results.map.overrides);
    roster.map.of_results = true;
    roster.key = results.key.or(roster.key.take());
    roster.check.allowed.extend(results.check.allowed);
    roster.check.recalls = true;
    settings.delivery.retries = Some(Retries {
        run: Some(record.name.clone()),
        only,
    });
    Ok(settings)
}

/// Which roster options the retry sets explicitly.
#[derive(Debug, Clone, Copy)]
pub struct Said {
    pub key: bool,
    /// The meaning of an empty cell.
    pub empty: bool,
    /// The policy for rows with the same key.
    pub duplicates: bool,
}

/// Turns settings for a results file into a retry at another address. The mapping and the checks are
/// inherited from `before`, the settings of the run that wrote the file, except for the options in `said`.
/// `run` is the run at this address that has recorded the rows.
pub fn retried_elsewhere(
    settings: &mut Settings,
    before: Option<Settings>,
    run: Option<String>,
    only: Vec<RowState>,
    said: Said,
) {
    if let Some(before) = before {
        understand_as_before(settings, before, said);
    }
    settings.roster.check.recalls = run.is_some();
    settings.roster.map.of_results = true;
    settings.delivery.retries = Some(Retries { run, only });
}

fn understand_as_before(settings: &mut Settings, before: Settings, said: Said) {
    let (now, was) = (&mut settings.roster, before.roster);
    let mut overrides = was.map.overrides;
    overrides.extend(std::mem::take(&mut now.map.overrides));
    now.map.overrides = overrides;
    if !said.key {
        now.key = was.key;
    }
    if !said.empty {
        now.check.empty = was.check.empty;
    }
    if !said.duplicates {
        now.duplicates = was.duplicates;
    }
    now.check.strict |= was.check.strict;
    settings.delivery.blind |= before.delivery.blind;
    now.sparse = !settings.delivery.blind;
    for (name, value) in before.delivery.variables {
        settings.delivery.variables.entry(name).or_insert(value);
    }
}

/// Returns the settings for retrying the failed and unsent rows of a run, or those in the states `only`. They
/// are read from the original file, or from the journal if the file is gone.
///
/// # Errors
/// Fails if the run has not finished, has no such rows, or its sandbox is gone.
pub fn retried_run(
    session: &Session,
    name: &str,
    only: Vec<RowState>,
    options: Options<'_>,
    paths: &NamedPaths,
) -> Result<Settings, AppError> {
    let journal = Journal::open(&session.state)?;
    let record = journal.run(Some(name))?;
    let refuse = |why| RunError::NotRetriable {
        run: name.to_owned(),
        why,
    };
    if !matches!(record.state, RunState::Finished) {
        if RunLock::is_held(&session.state, name)? {
            let file = record.file.into();
            return Err(RunError::Busy { file }.into());
        }
        return Err(refuse(match record.state {
            RunState::Undone => Code::WhyUndone,
            RunState::Declined => Code::WhyDeclined,
            _ => Code::WhyNotEnded,
        })
        .into());
    }
    let mut settings = again(&record, options)?;
    let from = match at_hand(&session.state, &record, &mut settings) {
        // The journal stores the remaining rows.
        Err(AppError::RosterGone { .. }) => None,
        from => from?,
    };
    settings.queued = None;
    settings.roster.check.recalls = false;
    if session.has_lost(&settings) {
        return Err(refuse(Code::WhySandboxGone).into());
    }
    let only = if only.is_empty() {
        let states = RowState::ALL.iter().copied();
        let is_undelivered =
            |state: &RowState| *state == RowState::Failed || state.standing() == Standing::Open;
        states.filter(is_undelivered).collect()
    } else {
        only
    };
    let rows = journal.rows_in(record.id, &only)?;
    if rows.is_empty() {
        return Err(refuse(Code::WhyNoSuchRows).into());
    }
    let file = settings.roster.file.clone();
    let spec = settings.spec()?;
    // If the roster came from another machine, the results go to the working folder and not to the copy.
    let named = from.as_deref().and_then(Path::file_name).map(Path::new);
    settings.delivery.paths = ResultPaths::beside(named.unwrap_or(&file));
    paths.replace(&mut settings.delivery.paths)?;
    let is_there = file.is_file()
        && Input::open(&file, &settings.roster.read)
            .and_then(|input| Ok(input.sha256()? == record.sha256))
            .unwrap_or(false);
    if is_there {
        settings.delivery.selection = Selection {
            rows: rows.iter().map(|row| *row..=*row).collect(),
            ..Selection::default()
        };
    } else {
        // The file is gone or has changed. The journal has the values to send.
        let path = settings.delivery.paths.results.with_extension("retry.csv");
        let placing = Placing::Beside(None);
        let path = write_rest(&journal, record.id, &spec, &rows, &path, placing)?
            .ok_or_else(|| refuse(Code::WhyCallsUnknown))?;
        settings.roster = of_our_own(&settings.roster, path);
        // In this file, an empty cell is a field that the row did not change.
        settings.roster.check.empty = EmptyCell::Keep;
        settings.delivery.selection = Selection::default();
    }
    settings.delivery.retries = Some(Retries {
        run: Some(record.name),
        only: Vec::new(),
    });
    Ok(settings)
}

/// Returns a roster for a file written by this program, with the checks of `like`.
pub(super) fn of_our_own(like: &Roster, file: PathBuf) -> Roster {
    Roster {
        file,
        read: ReadOptions {
            copy: true,
            delimiter: Some(b','),
            encoding: Some("utf-8".into()),
            ..ReadOptions::default()
        },
        map: MapOptions::default(),
        key: None,
        sparse: true,
        ..like.clone()
    }
}

#[cfg(test)]
mod tests;
