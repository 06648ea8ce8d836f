use std::path::Path;
use std::sync::Arc;

use anyhow::Result;

use super::args::{OneRunArgs, ResumeArgs};
use super::config::Config;
use super::job::hold;
use super::opening::Opening;
use super::options::GeneralOptions;
use super::settings;
use crate::journal::{Journal, RunRecord, RunState};
use crate::model::Exit;
use crate::run::{RunError, Settings, Start, prepare};

/// `rosterpatch resume [RUN]`.
pub(super) fn run(common: &GeneralOptions, args: &ResumeArgs) -> Result<Exit> {
    go_on(common, args, false)
}

/// `rosterpatch approve RUN`.
pub(super) fn approve(common: &GeneralOptions, args: &OneRunArgs) -> Result<Exit> {
    let args = ResumeArgs {
        run: Some(args.run.clone()),
        files: args.files.clone(),
        output: args.output.clone(),
        yes: true,
    };
    go_on(common, &args, true)
}

fn go_on(common: &GeneralOptions, args: &ResumeArgs, approves: bool) -> Result<Exit> {
    let opening = Opening::of(common)?;
    let state = &opening.state;
    let journal = Journal::open(state)?;
    let record = match &args.run {
        Some(name) => journal.run(Some(name))?,
        None => journal.newest_unfinished()?,
    };
    drop(journal);
    refuse_over(&record, approves)?;
    let mut run_settings = Settings::of(&record)?;
    let file = run_settings.roster.file.clone();
    let refuse = |why| RunError::NotResumable {
        run: record.name.clone(),
        why,
    };
    if run_settings.sandbox {
        return Err(refuse("the sandbox that it sent to is gone; import the file again").into());
    }
    if file == Path::new("-") {
        return Err(refuse("it read standard input; import the same content again").into());
    }
    let spec = Arc::new(run_settings.spec()?);
    let config = Config::of_run(common, &run_settings)?;
    let credentials = settings::credentials(&config, &spec)?;
    let _lock = hold(state, &file)?;
    // Someone else may have brought it further while the lock was waited for.
    let record = Journal::open(state)?.run(Some(&record.name))?;
    refuse_over(&record, approves)?;
    let prepared = prepare(
        &run_settings.roster,
        spec,
        rand::random(),
        opening.watch.as_ref(),
    )?;
    if prepared.input.sha256().map_err(RunError::from)? != record.sha256 {
        return Err(RunError::Changed {
            run: record.name,
            file: record.file,
        }
        .into());
    }
    settings::replace_paths(&mut run_settings.delivery.paths, &args.files);
    let job = opening.job(&config, credentials, args.yes || approves);
    let start = if approves {
        Start::Approve(Box::new(record))
    } else {
        Start::Resume(Box::new(record))
    };
    job.run(&prepared, &run_settings, start, args.output.format)
}

/// Refuses a run that there is nothing left to do for.
fn refuse_over(record: &RunRecord, approves: bool) -> Result<()> {
    let why = match record.state {
        RunState::Held if approves => return Ok(()),
        _ if approves => {
            return Err(RunError::Plan(format!(
                "the run {} is not held, so there is nothing to approve",
                record.name
            ))
            .into());
        }
        RunState::Finished => "it came to its end; `retry` sends what did not succeed",
        RunState::Replaced => "a later run of its file took its place",
        RunState::Held => "a guard holds it; `approve` releases it",
        RunState::Planning | RunState::Running | RunState::Interrupted => return Ok(()),
    };
    Err(RunError::NotResumable {
        run: record.name.clone(),
        why,
    }
    .into())
}
