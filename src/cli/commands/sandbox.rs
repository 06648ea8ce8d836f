use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::net::TcpListener;

use crate::app::{AppError, asked_to_stop};
use crate::check::{CheckOptions, DuplicatePolicy};
use crate::cli::args::SandboxArgs;
use crate::cli::local_sandbox::seed_rows;
use crate::cli::options::GeneralOptions;
use crate::cli::{logging, terminal};
use crate::clock::{Clock, SystemClock};
use crate::events::Unobserved;
use crate::l10n::say;
use crate::map::MapOptions;
use crate::model::Exit;
use crate::read::ReadOptions;
use crate::run::{Roster, prepare, today};
use crate::sandbox::{SECRET, Sandbox, SandboxOptions, SeedRow, serve};
use crate::targets;

/// `rosterpatch sandbox`.
pub(in crate::cli) fn run(common: &GeneralOptions, args: &SandboxArgs) -> Result<Exit> {
    logging::start(common, None);
    if !args.listen.ip().is_loopback() {
        return Err(AppError::Usage(say().cli_listen_here(args.listen.to_string())).into());
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let quota = args.quota;
    let options = SandboxOptions {
        depth: quota.requests,
        interval: quota.interval(),
        latency: args.latency.length,
        faults: args.faults.clone().unwrap_or_default(),
        seed: args.random_seed,
    };
    let mut rows = Vec::new();
    if !args.empty {
        for file in &args.seed {
            rows.extend(rows_of(file, clock.as_ref())?);
        }
    }
    let sandbox = Arc::new(Sandbox::new(&options, &rows, clock));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(args.listen)
            .await
            .with_context(|| say().cli_cannot_listen(args.listen.to_string()))?;
        let address = listener.local_addr()?;
        terminal::out(&format!(
            "export MEITNER_CLIENT_CREDENTIALS={SECRET}\n\
             export MEITNER_CLIENT_SECRET={SECRET}\n\
             export PATHWRIGHT_API_TOKEN={SECRET}\n\
             # {} records, {quota}; for example:\n\
             # rosterpatch import FILE --target meitner --base-url http://{address}/directory/v1\n\
             # rosterpatch import FILE --target pathwright --base-url http://{address}/api/public\n\
             # counts of requests: http://{address}/_sandbox/stats\n",
            sandbox.records()
        ));
        serve(sandbox, listener, asked_to_stop()).await?;
        Ok(Exit::Success)
    })
}

/// The rows of a roster file, as the sandbox takes them.
fn rows_of(file: &Path, clock: &dyn Clock) -> Result<Vec<SeedRow>> {
    let mut roster = Roster {
        file: file.to_owned(),
        read: ReadOptions::default(),
        map: MapOptions::default(),
        key: None,
        check: CheckOptions::new(today(clock.timestamp())),
        duplicates: DuplicatePolicy::First,
        sparse: false,
    };
    // A seed is a roster of whichever API its header fits, the whole of it before a part; the
    // first one's complaint is the one to tell.
    let mut complaint = None;
    for sparse in [false, true] {
        roster.sparse = sparse;
        for (name, _) in targets::BUILT_IN {
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
