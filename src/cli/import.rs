use std::path::Path;
use std::sync::Arc;

use anyhow::Result;

use super::args::{CommonArgs, Format, ImportArgs};
use super::config::Config;
use super::job::{Job, hold};
use super::sandbox::{LocalSandbox, SANDBOX_QUOTA};
use super::{logging, settings, terminal};
use crate::clock::{Clock, SystemClock};
use crate::journal::{Journal, RunRecord};
use crate::model::{Exit, Summary};
use crate::report::summary_text;
use crate::run::{Delivery, Prepared, RunError, Settings, Start, prepare};
use crate::send::{ClientOptions, Credentials};

/// `rosterpatch import FILE`.
pub(super) fn run(common: &CommonArgs, args: &ImportArgs) -> Result<Exit> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (watch, bar) = terminal::watcher(common, clock.clone());
    logging::start(common, bar);

    let config = Config::load(common)?;
    let (spec, target_text) = settings::target_and_text(&config, &args.roster.target)?;
    let mut roster = settings::roster(&config, &args.roster, clock.timestamp())?;
    settings::refuse_idle_allowances(&roster, &spec)?;
    // A run takes hours, and someone may save the file meanwhile.
    roster.read.copy = true;
    let paths = settings::paths(&args.output, &args.roster)?;
    let selection = settings::selection(&args.roster)?;
    let timeout = settings::timeout(&config, &args.delivery)?;
    let own_quota = if args.delivery.sandbox {
        SANDBOX_QUOTA
    } else {
        settings::own_quota(&spec)
    };
    let pace = settings::pace(&config, &args.delivery, own_quota)?;
    // What can be known to be missing is missed before the file is read.
    let variables = settings::variables(&config, &args.delivery, &spec)?;
    let mut base_url = if args.delivery.sandbox {
        String::new()
    } else {
        settings::base_url(&config, &args.delivery, &spec, &variables)?
    };
    let ca_certificates = settings::ca_certificates(&config, &args.delivery)?;
    let credentials = if args.delivery.sandbox {
        Credentials::find(&spec, |_| Some(crate::sandbox::SECRET.into()))?
    } else {
        Credentials::find(&spec, |name| std::env::var(name).ok())?
    };

    let state = settings::state_folder(&config, common)?;
    let _lock = hold(&state, &args.roster.file)?;
    let prepared = prepare(&roster, spec, rand::random(), watch.as_ref())?;
    let _sandbox = if args.delivery.sandbox {
        let sandbox = LocalSandbox::start(&prepared, clock.clone())?;
        base_url = sandbox.base_url.clone();
        Some(sandbox)
    } else {
        None
    };
    let mut run_settings = Settings {
        target: target_text,
        roster,
        delivery: Delivery {
            client: ClientOptions {
                base_url,
                timeout,
                ca_certificates,
            },
            pace,
            sender: settings::sender(&config, &args.delivery),
            variables,
            selection,
            paths,
        },
        sandbox: args.delivery.sandbox,
    };
    let start = match unfinished(&state, &prepared, &run_settings)? {
        Some(record) if !args.fresh => {
            let earlier = Settings::of(&record)?;
            if earlier.mean_the_same(&run_settings) {
                tracing::warn!(run = %record.name, "going on with a run that was interrupted; --fresh starts anew");
                run_settings.delivery.paths = earlier.delivery.paths;
                settings::replace_paths(&mut run_settings.delivery.paths, &args.output);
                Start::Resume(Box::new(record))
            } else {
                tracing::warn!(run = %record.name, "an interrupted run of this file had other settings; it is left as it is");
                Start::New("import")
            }
        }
        _ => Start::New("import"),
    };
    let job = Job {
        clock,
        watch,
        state,
        credentials,
        agreed: args.delivery.yes || args.delivery.sandbox,
        format: args.output.format,
    };
    job.run(&prepared, &run_settings, start)
}

/// The run of this very file that was interrupted, if there is one.
fn unfinished(
    state: &Path,
    prepared: &Prepared,
    run_settings: &Settings,
) -> Result<Option<RunRecord>> {
    let file = std::path::absolute(prepared.input.path());
    let file = file.unwrap_or_else(|_| prepared.input.path().to_owned());
    let file = if prepared.input.path() == Path::new("-") {
        "-".to_owned()
    } else {
        file.display().to_string()
    };
    Ok(Journal::open(state)?.unfinished(
        &file,
        prepared.input.sha256().map_err(RunError::from)?,
        &prepared.checker.spec().name,
        &run_settings.delivery.client.base_url,
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
