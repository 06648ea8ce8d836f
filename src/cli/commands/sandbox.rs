//! The `sandbox` command, which serves simulated APIs.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::net::TcpListener;

use crate::app::{AppError, asked_to_stop};
use crate::check::{CheckOptions, DuplicatePolicy};
use crate::cli::args::SandboxArgs;
use crate::cli::local_sandbox::seed_rows;
use crate::cli::options::GeneralOptions;
use crate::cli::{logging, settings, terminal};
use crate::clock::{Clock, SystemClock};
use crate::events::Unobserved;
use crate::l10n::say;
use crate::model::Exit;
use crate::run::{Roster, prepare, today};
use crate::sandbox::{
    Description, SECRET, Sandbox, SandboxOptions, SeedRow, Simulation, Variation, serve,
};
use crate::send::Rate;
use crate::targets::{self, RateUnit};

/// The observed rate limit of the built-in APIs.
const USUAL_QUOTA: Rate = Rate {
    requests: 1_500.0,
    per: RateUnit::Hour,
};

/// Runs `rosterpatch sandbox`.
pub(in crate::cli) fn run(common: &GeneralOptions, args: &SandboxArgs) -> Result<Exit> {
    logging::start(common, None);
    if !args.listen.ip().is_loopback() {
        return Err(AppError::Usage(say().cli_listen_here(args.listen.to_string())).into());
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let described = match &args.target {
        None => None,
        Some(name) => Some(settings::target_and_text(Some(name))?),
    };
    let own = described
        .as_ref()
        .map(|(spec, _)| settings::own_quota(spec).0);
    let quota = args.quota.or(own).unwrap_or(USUAL_QUOTA);
    let options = SandboxOptions {
        depth: quota.requests,
        interval: quota.interval(),
        latency: args.latency.length,
        faults: args.faults.clone().unwrap_or_default(),
        seed: args.random_seed,
        vary: args.vary.clone(),
    };
    let named = args.target.as_deref();
    let is_built_in = targets::BUILT_IN
        .iter()
        .any(|(name, _)| Some(*name) == named);
    if let Some((spec, text)) = described.filter(|_| !is_built_in) {
        return play_target(args, (spec, &text), &options, quota, clock);
    }
    let mut rows = Vec::new();
    if !args.empty {
        for file in &args.seed {
            rows.extend(rows_of(
                file,
                named.filter(|_| is_built_in),
                clock.as_ref(),
            )?);
        }
    }
    let sandbox = Arc::new(Sandbox::new(&options, &rows, clock));
    let records = sandbox.records();
    listen(args, sandbox, |address| {
        format!(
            "export MEITNER_CLIENT_CREDENTIALS={SECRET}\n\
             export MEITNER_CLIENT_SECRET={SECRET}\n\
             export PATHWRIGHT_API_TOKEN={SECRET}\n\
             # {records} records, {quota}; for example:\n\
             # rosterpatch import FILE --target meitner --base-url http://{address}/directory/v1\n\
             # rosterpatch import FILE --target pathwright --base-url http://{address}/api/public\n\
             # counts of requests: http://{address}/_sandbox/stats\n"
        )
    })
}

/// Serves the API of a target.
fn play_target(
    args: &SandboxArgs,
    (spec, text): (Arc<targets::TargetSpec>, &str),
    options: &SandboxOptions,
    quota: Rate,
    clock: Arc<dyn Clock>,
) -> Result<Exit> {
    let simulation = match args.vary.iter().all(|one| Variation::is_of_built_in(*one)) {
        true => Simulation::of(text)?,
        false => Simulation::Described(Box::new(Description::parse(text)?)),
    };
    let path = simulation.path();
    let name = args.target.as_deref().unwrap_or_default();
    let mut rows = Vec::new();
    for file in args.seed.iter().filter(|_| !args.empty) {
        let mut roster = seed_roster(file, clock.as_ref());
        roster.sparse = spec.is_readable();
        rows.extend(seed_rows(&prepare(&roster, spec.clone(), 0, &Unobserved)?)?);
    }
    let mut variables: Vec<&str> = spec
        .sign_in
        .first()
        .map_or(Vec::new(), |way| way.variables());
    variables.dedup();
    let exports: String = variables
        .iter()
        .map(|name| format!("export {name}={SECRET}\n"))
        .collect();
    let sandbox = Arc::new(Sandbox::of(options, simulation, &rows, clock));
    let records = sandbox.records();
    listen(args, sandbox, |address| {
        format!(
            "{exports}# {records} records, {quota}; for example:\n\
             # rosterpatch import FILE --target {name} --base-url http://{address}{path}\n\
             # counts of requests: http://{address}/_sandbox/stats\n"
        )
    })
}

/// Serves a sandbox until a stop is requested. `told` formats the message about its address.
fn listen(
    args: &SandboxArgs,
    sandbox: Arc<Sandbox>,
    told: impl FnOnce(std::net::SocketAddr) -> String,
) -> Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(args.listen)
            .await
            .with_context(|| say().cli_cannot_listen(args.listen.to_string()))?;
        terminal::out(&told(listener.local_addr()?));
        let stop = asked_to_stop();
        serve(sandbox, listener, async { _ = stop.await }).await?;
        Ok(Exit::Success)
    })
}

/// Returns a roster from which a sandbox's records are made.
fn seed_roster(file: &Path, clock: &dyn Clock) -> Roster {
    Roster {
        duplicates: DuplicatePolicy::First,
        ..Roster::of(file.to_owned(), CheckOptions::new(today(clock.timestamp())))
    }
}

/// Reads a roster file for the built-in target `only`, or for any built-in target, as rows for the sandbox.
fn rows_of(file: &Path, only: Option<&str>, clock: &dyn Clock) -> Result<Vec<SeedRow>> {
    let mut roster = seed_roster(file, clock);
    // The header selects the API. Targets that match it completely are preferred, and the first error is
    // reported.
    let mut complaint = None;
    for sparse in [false, true] {
        roster.sparse = sparse;
        let all = targets::BUILT_IN.iter().map(|(name, _)| *name);
        for name in all.filter(|name| only.is_none_or(|only| only == *name)) {
            let spec = Arc::new(targets::load(name)?);
            match prepare(&roster, spec, 0, &Unobserved) {
                Ok(prepared) => return Ok(seed_rows(&prepared)?),
                Err(error) => complaint = complaint.or(Some(error)),
            }
        }
    }
    match complaint {
        Some(error) => Err(error.into()),
        None => Ok(Vec::new()),
    }
}
