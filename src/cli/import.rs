use std::path::Path;
use std::sync::Arc;

use anyhow::Result;

use super::args::{CommonArgs, Format, ImportArgs};
use super::config::Config;
use super::sandbox::{LocalSandbox, SANDBOX_QUOTA};
use super::{Usage, interrupt, logging, settings, terminal};
use crate::clock::{Clock, SystemClock};
use crate::events::Plan;
use crate::journal::RosterLock;
use crate::model::{Exit, Summary};
use crate::report::summary_text;
use crate::run::{Context, Delivery, RunError, import, prepare};
use crate::send::{ClientOptions, Credentials, Stop};

/// `rosterpatch import FILE`.
pub(super) fn run(common: &CommonArgs, args: &ImportArgs) -> Result<Exit> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (watch, bar) = terminal::watcher(common, clock.clone());
    logging::start(common, bar);

    let config = Config::load(common)?;
    let spec = settings::target(&config, &args.roster.target)?;
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
    let (rate, burst) = settings::quota(&config, &args.delivery, own_quota)?;
    let seed: u64 = rand::random();
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
    let prepared = prepare(&roster, spec, seed, watch.as_ref())?;
    let _sandbox = if args.delivery.sandbox {
        let sandbox = LocalSandbox::start(&prepared, clock.clone())?;
        base_url = sandbox.base_url.clone();
        Some(sandbox)
    } else {
        None
    };
    let delivery = Delivery {
        client: ClientOptions {
            base_url,
            timeout,
            ca_certificates,
        },
        variables,
        credentials,
        rate,
        burst,
        sender: settings::sender(&config, &args.delivery),
        selection,
        state,
        paths,
        settings: serde_json::to_string(&roster.read)?,
    };
    let agreed = args.delivery.yes || args.delivery.sandbox;
    // A signal at the question has its usual effect.
    let stop = interrupt::StopSignal::new();
    let context = Context {
        clock,
        seed,
        watch: watch.as_ref(),
        agree: &|plan| {
            let agrees = agreed || agree(plan);
            stop.listen();
            agrees
        },
        stop: stop.receiver(),
    };
    let ended = import(&prepared, &delivery, &context).map_err(|error| match error {
        RunError::Declined if !terminal::can_ask() => anyhow::Error::new(Usage(
            "nothing was sent: without a terminal to ask on, an import needs --yes".into(),
        )),
        other => other.into(),
    })?;
    print_summary(args.output.format, &ended.summary);
    if let Some(stop) = &ended.stop {
        terminal::error(&format!("{stop}; {}", way_on(stop)));
    }
    Ok(ended.summary.exit_code)
}

/// Holds the roster for this process. Standard input is nobody else's anyway.
fn hold(state: &Path, roster: &Path) -> Result<Option<RosterLock>> {
    if roster == Path::new("-") {
        return Ok(None);
    }
    match RosterLock::take(state, roster)? {
        Some(lock) => Ok(Some(lock)),
        None => Err(RunError::Busy {
            file: roster.to_owned(),
        }
        .into()),
    }
}

fn agree(plan: &Plan) -> bool {
    terminal::can_ask()
        && terminal::ask(&format!(
            "Change up to {} records at {}, {}?",
            plan.to_send, plan.base_url, plan.target
        ))
}

fn way_on(stop: &Stop) -> &'static str {
    match stop {
        Stop::Refused { .. } => {
            "check the credentials in the environment and import the file again"
        }
        Stop::Unreachable => "check the address and the network and import the file again",
        Stop::Asked => "rows that were not sent are in the failed file",
    }
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
