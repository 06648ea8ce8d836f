//! The `retry` command, which resends unsuccessful rows.

use std::path::Path;

use crate::app::{
    Action, AppError, Ready, Retried, Said, Wanted, begin, ready, retried, retried_elsewhere,
    retried_run, runs_of, the_one,
};
use crate::cli::args::RetryArgs;
use crate::cli::config::Config;
use crate::cli::front::Front;
use crate::cli::options::{GeneralOptions, PlanOptions};
use crate::cli::settings;
use crate::cli::wanted::Asked;
use crate::journal::RunRecord;
use crate::l10n::say;
use crate::log;
use crate::model::{Code, Exit, Fact, RowState};
use crate::plan::Threshold;
use crate::read::Input;
use crate::run::{Roster, Settings};

/// Runs `rosterpatch retry RESULTS` and `rosterpatch retry --run RUN`.
pub(in crate::cli) fn run(common: &GeneralOptions, args: &RetryArgs) -> Result<Exit, AppError> {
    let mut front = Front::open(common)?;
    front.session.author.note.clone_from(&args.start.note);
    let file = args.file.clone().unwrap_or_default();
    front.watched(&file, || with(common, &front, args))
}

fn with(common: &GeneralOptions, front: &Front, args: &RetryArgs) -> Result<Exit, AppError> {
    let only = states(&args.only)?;
    let (mut ready, config) = match (&args.file, &args.run) {
        (Some(results), _) => of_file(common, front, args, results, only)?,
        (None, Some(run)) => {
            let apply = |run: &mut Settings| apply(&front.config, args, run);
            let paths = settings::named(&args.files);
            let again = retried_run(&front.session, run, only, &apply, &paths)?;
            ready_again(common, front, again, &args.options)?
        }
        (None, None) => return Err(AppError::Usage(say().cli_retry_what())),
    };
    let paths = &mut ready.settings.delivery.paths;
    paths.outcome_first = settings::is_outcome_first(&config, &args.layout);
    let named = settings::named(&args.files);
    let start = begin(
        &front.session,
        &mut ready,
        args.start.fresh,
        "retry",
        &named,
    )?;
    let agreed = args.start.yes || args.options.place.sandbox;
    front.send(&config, &ready, start, agreed, args.output.format)
}

fn apply(config: &Config, args: &RetryArgs, run: &mut Settings) -> Result<(), AppError> {
    let options = config.plan(&args.options);
    options.apply(&args.canary, Some(&args.options), run)
}

/// Prepares a run with the address and the config of an earlier run.
fn ready_again(
    common: &GeneralOptions,
    front: &Front,
    mut again: Settings,
    options: &PlanOptions,
) -> Result<(Ready, Config), AppError> {
    let config = Config::of_run(common, &again)?;
    settings::repace(&config, &options.quota, &mut again)?;
    let wanted = Wanted::again(again, |spec| settings::credentials(&config, spec))?;
    settings::refuse_idle_allowances(&wanted.settings.roster, &wanted.spec)?;
    Ok((ready(&front.session, wanted)?, config))
}

/// Parses the states that `--only` names.
fn states(words: &[String]) -> Result<Vec<RowState>, AppError> {
    words
        .iter()
        .map(|word| {
            let state = word.trim().parse().ok();
            let state = state.filter(|state: &RowState| state.can_be_retried());
            state.ok_or_else(|| AppError::Usage(say().cli_only(word.as_str())))
        })
        .collect()
}

fn of_file(
    common: &GeneralOptions,
    front: &Front,
    args: &RetryArgs,
    results: &Path,
    only: Vec<RowState>,
) -> Result<(Ready, Config), AppError> {
    let (session, config, options) = (&front.session, &front.config, &args.options);
    if results != Path::new("-") {
        // A missing file is reported before anything about its run.
        std::fs::metadata(results).map_err(Action::Read.failed(results))?;
    }
    let now = session.clock.timestamp();
    let roster = settings::roster(config, results, &config.fill(&options.roster), now);
    if results != Path::new("-") {
        // An unreadable file is reported before the search for its run, which would fail too.
        Input::open(results, &roster.read)?;
    }
    let of = args.of.as_deref();
    let mut found = runs_of(session, &roster, of, None)?;
    let mut elsewhere =
        options.place.sandbox || options.place.base_url.is_some() || options.place.env.is_some();
    // Another value of a variable may result in another address.
    elsewhere |= !options.connection.var.is_empty();
    if let Some(target) = &options.roster.target {
        // A named target that equals the run's, possibly from the environment, is not another address.
        let (_, text) = settings::target_and_text(Some(target))?;
        found.retain(|run| Settings::of(run).is_ok_and(|run| run.target == text));
        elsewhere |= found.is_empty();
    }
    let record = if elsewhere {
        None
    } else {
        the_one(found.clone())?
    };
    let Some(record) = record else {
        let ready = elsewhere_ready(front, args, &roster, found, only)?;
        return Ok((ready, config.clone()));
    };
    log::info(&Fact::new(Code::RunOfEarlier).in_run(&record.name));
    let meant = Retried {
        results: roster,
        selection: settings::selection(&options.selection),
        only,
        paths: settings::named(&args.files),
    };
    let apply = |run: &mut Settings| apply(config, args, run);
    let again = retried(session, &record, meant, &apply)?;
    ready_again(common, front, again, &args.options)
}

/// Prepares a retry at another address than that of the run that made the file, which is first in `found`, or
/// of rows without a recorded run.
fn elsewhere_ready(
    front: &Front,
    args: &RetryArgs,
    roster: &Roster,
    found: Vec<RunRecord>,
    only: Vec<RowState>,
) -> Result<Ready, AppError> {
    let (session, options) = (&front.session, &args.options);
    let before = found.first().and_then(|run| Settings::of(run).ok());
    let asked = Asked {
        file: roster.file.clone(),
        options: options.clone(),
        canary: args.canary.clone(),
        files: args.files.clone(),
        holds: true,
        known_target: before.as_ref().map(|settings| settings.target.clone()),
        ..Asked::default()
    };
    let mut wanted = asked.resolve(session, &front.config)?;
    let settings = &mut wanted.settings;
    if options.guards.max_invalid.is_none() {
        settings.delivery.guards.max_invalid = Threshold::Percent(100.0);
    }
    // Outcomes at the other address do not apply here, so runs at this address are looked up.
    let place = (&*wanted.spec.name, &*settings.delivery.client.base_url);
    let here = runs_of(session, roster, args.of.as_deref(), Some(place))?;
    let run = the_one(here)?.map(|run| run.name);
    if run.is_none() && args.of.is_none() {
        log::warn(&Fact::new(Code::RunOfNone));
    }
    let said = Said {
        key: options.roster.key.is_some(),
        empty: options.roster.empty.is_some(),
        duplicates: options.roster.duplicates.is_some(),
    };
    retried_elsewhere(settings, before, run, only, said);
    ready(session, wanted)
}
