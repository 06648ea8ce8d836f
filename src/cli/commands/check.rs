//! The `check` command, which validates a roster offline.

use std::sync::Arc;

use anyhow::Result;

use crate::app::{refuse_in_place_of, refuse_kind};
use crate::cli::args::CheckArgs;
use crate::cli::config::Config;
use crate::cli::front::{note_on_keys, print_json};
use crate::cli::options::{ConnectionOptions, GeneralOptions};
use crate::cli::values::Format;
use crate::cli::{logging, settings, terminal};
use crate::clock::{Clock, SystemClock};
use crate::events::Unobserved;
use crate::model::{Exit, StateCounts, Summary};
use crate::report::{check_text, write_problems};
use crate::run::{prepare, refuse_empty, row_problems};

/// Runs `rosterpatch check FILE`.
pub(in crate::cli) fn run(common: &GeneralOptions, args: &CheckArgs) -> Result<Exit> {
    logging::start(common, None);
    if let Some(path) = &args.problems {
        let state = settings::state(&Config::load(common)?, common)?;
        refuse_kind("--problems", path)?;
        refuse_in_place_of("--problems", path, &args.file, state.folder())?;
    }
    let clock = Arc::new(SystemClock);
    let started_at = clock.timestamp();
    let config = Config::load(common)?;
    let options = config.fill(&args.roster);
    let spec = settings::target(options.target.as_deref())?;
    let mut roster = settings::roster(&config, &args.file, &options, started_at);
    roster.check.production = settings::is_production(&config.place(&args.place));
    roster.sparse = !args.place.blind;
    settings::refuse_idle_allowances(&roster, &spec)?;
    let prepared = terminal::choosing_sheet(|sheet| {
        roster.read.sheet = sheet.or(roster.read.sheet.take());
        Ok(prepare(&roster, spec.clone(), rand::random(), &Unobserved)?)
    })?;
    refuse_empty(&prepared)?;
    let connection = config.fill(&ConnectionOptions {
        var: args.var.clone(),
        ..ConnectionOptions::default()
    });
    let variables = settings::variables(&config, &connection, &spec)?;
    if let Some(note) = note_on_keys(prepared.checker.map(), &spec, &variables) {
        terminal::note(&note);
    }
    if let Some(path) = &args.problems {
        write_problems(path, prepared.input.dialect(), |each| {
            row_problems(&prepared, |at, problem| each(at, problem))
        })?;
    }
    let states = StateCounts {
        invalid: prepared.survey.invalid,
        not_sent: prepared.survey.valid(),
        withheld: prepared.survey.withheld.len() as u64,
        ..StateCounts::default()
    };
    let mut summary = Summary::of_no_run(
        &prepared.checker.spec().name,
        roster.file.display().to_string(),
        (
            Some(prepared.input.format()),
            prepared.checker.map().width(),
        ),
        match args.output.format {
            Format::Json => prepared.input.sha256()?,
            Format::Text => "",
        },
        states,
        (started_at, clock.timestamp()),
    );
    summary.sheet = prepared.input.sheet_name().map(str::to_owned);
    summary.problems = Some(prepared.survey.problems);
    summary.warnings = prepared.survey.warnings;
    match args.output.format {
        Format::Text => terminal::out(&check_text(
            &prepared.input,
            &prepared.checker,
            &prepared.survey,
            &prepared.unmapped,
            terminal::look(common),
        )),
        Format::Json => print_json(&summary, true),
    }
    Ok(summary.exit_code)
}
