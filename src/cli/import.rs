use std::sync::Arc;

use anyhow::Result;

use super::args::{CommonArgs, Format, ImportArgs, OutputArgs};
use super::assemble::{Asked, Assembled, assemble};
use super::config::Config;
use super::interrupt::StopSignal;
use super::job::Job;
use super::{logging, settings, terminal};
use crate::clock::{Clock, SystemClock};
use crate::journal::{Journal, RunRecord};
use crate::model::{Exit, Summary};
use crate::report::summary_text;
use crate::run::{RunError, Settings, Start, absolute};

/// `rosterpatch import FILE`.
pub(super) fn run(common: &CommonArgs, args: &ImportArgs) -> Result<Exit> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (watch, bar) = terminal::watcher(common, clock.clone());
    logging::start(common, bar);
    let config = Config::load(common)?;
    let state = settings::state_folder(&config, common)?;
    let asked = Asked {
        file: &args.roster.file,
        roster: &args.roster.options,
        delivery: &args.delivery,
        output: &args.output,
        holds: true,
    };
    let mut assembled = assemble(&config, state, &asked, &clock, watch.as_ref())?;
    let start = start(&mut assembled, args.delivery.fresh, "import", &args.output)?;
    let stop = StopSignal::new();
    let job = Job {
        config: &config,
        clock,
        watch: watch.as_ref(),
        stop: &stop,
        state: assembled.state.clone(),
        credentials: assembled.credentials.clone(),
        agreed: args.delivery.yes || args.delivery.sandbox,
    };
    job.run(
        &assembled.prepared,
        &assembled.settings,
        start,
        args.output.format,
    )
}

/// Where a run of this file begins: where an earlier one with the same settings was interrupted, or
/// at its beginning.
pub(super) fn start(
    assembled: &mut Assembled,
    fresh: bool,
    command: &'static str,
    output: &OutputArgs,
) -> Result<Start> {
    let unfinished = unfinished(assembled)?.filter(|record| record.command == command);
    let Some(record) = unfinished else {
        return Ok(Start::New(command));
    };
    let earlier = Settings::of(&record)?;
    let same = earlier.mean_the_same(&assembled.settings);
    if fresh || !same {
        if !fresh {
            tracing::warn!(run = %record.name, "an interrupted run of this file had other settings; this one takes its place");
        }
        // What it had still to send is as old as its plan.
        assembled.settings.replaces = Some(record.name);
        return Ok(Start::New(command));
    }
    tracing::warn!(run = %record.name, "going on with a run that was interrupted; --fresh starts anew");
    let paths = &mut assembled.settings.delivery.paths;
    *paths = earlier.delivery.paths;
    settings::replace_paths(paths, output);
    Ok(Start::Resume(Box::new(record)))
}

/// The run of this very file that was interrupted, if there is one.
fn unfinished(assembled: &Assembled) -> Result<Option<RunRecord>> {
    let path = assembled.prepared.input.path();
    let file = absolute(path);
    let prepared = &assembled.prepared;
    Ok(Journal::open(&assembled.state)?.unfinished(
        &file.display().to_string(),
        prepared.input.sha256().map_err(RunError::from)?,
        &prepared.checker.spec().name,
        &assembled.settings.delivery.client.base_url,
    )?)
}

/// The run's figures on standard output.
pub(super) fn print_summary(format: Format, summary: &Summary) {
    match format {
        Format::Text => terminal::out(&summary_text(summary)),
        Format::Json => {
            let json = serde_json::to_string_pretty(summary).unwrap_or_default();
            terminal::out(&format!("{json}\n"));
        }
    }
}
