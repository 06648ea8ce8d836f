//! Derived runs reuse the settings of an earlier run and retry some of its rows.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::AppError;
use super::paths::NamedPaths;
use super::session::Session;
use super::spool::at_hand;
use crate::check::EmptyCell;
use crate::journal::{Journal, RunLock, RunRecord, RunState};
use crate::map::MapOptions;
use crate::model::{Code, RowState};
use crate::plan::{ConflictPolicy, Guards, Selection};
use crate::read::{Input, ReadOptions};
use crate::report::{Placing, ResultPaths, write_rest};
use crate::run::{Retries, Roster, RunError, Settings, find_runs};
use crate::send::SenderOptions;

/// What a run that tries another one's rows again may do otherwise than that one.
pub struct Overrides {
    /// How calls are delivered.
    pub sender: SenderOptions,
    /// The longest that one request may take.
    pub timeout: Duration,
    /// Root certificates that are trusted besides the machine's own, where some are named.
    pub ca_certificates: Option<String>,
    /// How long a record that cannot be read is believed, where that is said.
    pub trust_for: Option<Duration>,
    /// Whether rows that match are sent too.
    pub all: bool,
    /// Whether what records held before is not kept.
    pub no_undo: bool,
    /// Whether nothing is read.
    pub blind: bool,
    /// Whether what is doubtful is invalid.
    pub strict: bool,
    /// Rows that are sent first and read back.
    pub canary: Option<u64>,
    /// What holds the run. Of rows that did not succeed many may still be wrong, so that those which
    /// are invalid hold none unless somebody says how many may be.
    pub guards: Guards,
    /// The conflict policy, if the command sets one.
    pub conflicts: Option<ConflictPolicy>,
    /// Where the results go.
    pub paths: NamedPaths,
}

/// The settings of a run whose rows are tried again, with what may be otherwise.
fn again(record: &RunRecord, with: &Overrides) -> Result<Settings, AppError> {
    let mut settings = Settings::of(record)?;
    let delivery = &mut settings.delivery;
    delivery.sender = with.sender;
    delivery.client.timeout = with.timeout;
    if with.ca_certificates.is_some() {
        delivery
            .client
            .ca_certificates
            .clone_from(&with.ca_certificates);
    }
    delivery.trust_for = with.trust_for.unwrap_or(delivery.trust_for);
    delivery.all = with.all;
    delivery.no_undo |= with.no_undo;
    delivery.blind |= with.blind;
    delivery.canary = with.canary;
    delivery.guards = with.guards;
    // The decisions about rows and conflicts were about another plan.
    delivery.approved = None;
    delivery.decided.clear();
    let conflicts = &mut delivery.edits.conflicts;
    *conflicts = with.conflicts.unwrap_or(*conflicts);
    settings.roster.sparse = !delivery.blind;
    settings.roster.check.strict |= with.strict;
    settings.roster.read.copy = true;
    settings.inbox = None;
    settings.dropped_as = None;
    Ok(settings)
}

/// The runs whose rows a results file may hold; at `place`, a target's name and an address, if one is
/// given. A run that is named with `of` is the only one.
///
/// # Errors
/// When the journal cannot be read, or the run that is named had no roster.
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
        // It is read once, and that is for later.
        None if results.file == Path::new("-") => Ok(Vec::new()),
        None => {
            let (read, map) = (&results.read, &results.map);
            Ok(find_runs(&journal, &results.file, read, map, place)?)
        }
    }
}

/// The only one of these runs, if there is any.
///
/// # Errors
/// When there are several.
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

/// A results file, and which of its rows are meant.
pub struct Retried {
    /// The file, and how it is understood.
    pub results: Roster,
    /// Which of its rows.
    pub selection: Selection,
    /// Only rows in these states; none means all that did not succeed.
    pub only: Vec<RowState>,
}

/// The settings that import the rows of a results file again where they went before.
///
/// # Errors
/// When the run cannot be understood, or the place where it went is gone.
pub fn retried(
    session: &Session,
    record: &RunRecord,
    retried: Retried,
    with: &Overrides,
) -> Result<Settings, AppError> {
    let mut settings = again(record, with)?;
    if session.has_lost(&settings) {
        let run = record.name.clone();
        return Err(RunError::SandboxGone { run }.into());
    }
    settings.queued = None;
    let Retried {
        results,
        selection,
        only,
    } = retried;
    let paths = &with.paths;
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

/// What of a roster's understanding is said again, and so is not as it was.
#[derive(Debug, Clone, Copy)]
pub struct Said {
    /// The key.
    pub key: bool,
    /// What an empty cell means.
    pub empty: bool,
    /// The policy for rows with the same key.
    pub duplicates: bool,
}

/// Makes settings for a results file into those of a retry at another place than that of the run
/// which made it, `before`: what the columns mean and how strict the checks are stays as it was there,
/// but for what is said. `run` is the run that knows the rows here.
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

/// The settings that send the rows of a run again that failed for no fault of their own, from the
/// file that it read or, where that is gone, from what the journal knows.
///
/// # Errors
/// When the run has not ended, has no such rows, or its place is gone.
pub fn retried_run(
    session: &Session,
    name: &str,
    only: Vec<RowState>,
    with: &Overrides,
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
    let mut settings = again(&record, with)?;
    let from = match at_hand(&session.state, &record, &mut settings) {
        // The journal has the rows that are left.
        Err(AppError::RosterGone { .. }) => None,
        from => from?,
    };
    settings.queued = None;
    settings.roster.check.recalls = false;
    if session.has_lost(&settings) {
        return Err(refuse(Code::WhySandboxGone).into());
    }
    let only = if only.is_empty() {
        vec![RowState::Failed, RowState::NotSent]
    } else {
        only
    };
    let rows = journal.rows_in(record.id, &only)?;
    if rows.is_empty() {
        return Err(refuse(Code::WhyNoSuchRows).into());
    }
    let file = settings.roster.file.clone();
    let spec = settings.spec()?;
    // Where it came from another machine, its results go where somebody looks for them.
    let named = from.as_deref().and_then(Path::file_name).map(Path::new);
    settings.delivery.paths = ResultPaths::beside(named.unwrap_or(&file));
    with.paths.replace(&mut settings.delivery.paths)?;
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
        // The file is gone or another one; the journal knows what was to be sent.
        let path = settings.delivery.paths.results.with_extension("retry.csv");
        let placing = Placing::Beside(None);
        let path = write_rest(&journal, record.id, &spec, &rows, &path, placing)?
            .ok_or_else(|| refuse(Code::WhyCallsUnknown))?;
        settings.roster = of_our_own(&settings.roster, path);
        // An empty cell is here a field that the row did not change.
        settings.roster.check.empty = EmptyCell::Keep;
        settings.delivery.selection = Selection::default();
    }
    settings.delivery.retries = Some(Retries {
        run: Some(record.name),
        only: Vec::new(),
    });
    Ok(settings)
}

/// A roster that this program wrote, checked like another one.
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
