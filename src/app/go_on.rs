use std::path::Path;

use super::error::AppError;
use super::paths::NamedPaths;
use super::ready::Ready;
use super::session::Session;
use crate::journal::{Journal, RunRecord, RunState};
use crate::model::Code;
use crate::run::{RunError, Settings, Start};

/// Which of the runs that have not come to their end is gone on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoOn {
    /// One that was interrupted.
    Resume,
    /// One that a guard holds.
    Approve,
}

/// A run that is gone on with, the newest that was interrupted if none is named, and its settings.
///
/// # Errors
/// When there is nothing left to do for it, or what it needs is gone.
pub fn resumed(
    session: &Session,
    name: Option<&str>,
    how: GoOn,
    paths: &NamedPaths,
) -> Result<(RunRecord, Settings), AppError> {
    let journal = Journal::open(&session.state)?;
    let record = match name {
        Some(name) => journal.run(Some(name))?,
        None => journal.newest_unfinished()?,
    };
    refuse_over(&record, how)?;
    let mut settings = Settings::of(&record)?;
    let refuse = |why| RunError::NotResumable {
        run: record.name.clone(),
        why,
    };
    if session.has_lost(&settings) {
        return Err(refuse(Code::WhySandboxGoneImport).into());
    }
    if settings.roster.file == Path::new("-") {
        return Err(refuse(Code::WhyStandardInput).into());
    }
    paths.replace(&mut settings.delivery.paths)?;
    Ok((record, settings))
}

/// Where a run goes on that is held by this process now, with its file read.
///
/// # Errors
/// When another process brought it further meanwhile, or the file is not what it was.
pub fn go_on(
    session: &Session,
    record: &RunRecord,
    how: GoOn,
    ready: &Ready,
) -> Result<Start, AppError> {
    let record = Journal::open(&session.state)?.run(Some(&record.name))?;
    refuse_over(&record, how)?;
    if ready.prepared.input.sha256().map_err(RunError::from)? != record.sha256 {
        return Err(RunError::Changed {
            run: record.name,
            file: record.file,
        }
        .into());
    }
    Ok(match how {
        GoOn::Approve => Start::Approve(Box::new(record)),
        GoOn::Resume => Start::Resume(Box::new(record)),
    })
}

/// Refuses a run that there is nothing left to do for.
fn refuse_over(record: &RunRecord, how: GoOn) -> Result<(), AppError> {
    let why = match record.state {
        RunState::Undone => Code::WhyUndone,
        RunState::Held if how == GoOn::Approve => return Ok(()),
        _ if how == GoOn::Approve => {
            let run = record.name.clone();
            return Err(RunError::NotHeld { run }.into());
        }
        RunState::Finished => Code::WhyEnded,
        RunState::Replaced => Code::WhyReplaced,
        RunState::Held => Code::WhyHeld,
        RunState::Planning | RunState::Running | RunState::Interrupted => return Ok(()),
    };
    Err(RunError::NotResumable {
        run: record.name.clone(),
        why,
    }
    .into())
}
