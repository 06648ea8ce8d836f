use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::args::SandboxArgs;
use super::options::GeneralOptions;
use super::{Usage, interrupt, logging, settings, terminal};
use crate::check::{CheckOptions, DuplicatePolicy};
use crate::clock::{Clock, SystemClock};
use crate::events::Unwatched;
use crate::map::MapOptions;
use crate::model::Exit;
use crate::read::{ReadError, ReadOptions};
use crate::run::{Prepared, Roster, prepare};
use crate::sandbox::{PATHS, SECRET, Sandbox, SandboxOptions, SeedRow, serve};
use crate::send::Rate;
use crate::targets::{self, RateUnit};

/// The quota of a sandbox inside an import: a sample finishes in seconds.
pub(super) const SANDBOX_QUOTA: (Rate, u32) = (
    Rate {
        requests: 5_000.0,
        per: RateUnit::Second,
    },
    5_000,
);

/// How long its answers take: long enough to watch.
const LATENCY: Duration = Duration::from_millis(20);

/// `rosterpatch sandbox`.
pub(super) fn run(common: &GeneralOptions, args: &SandboxArgs) -> Result<Exit> {
    logging::start(common, None);
    if !args.listen.ip().is_loopback() {
        return Err(Usage(format!(
            "the sandbox listens on this machine alone, such as 127.0.0.1:8787, not on {}",
            args.listen
        ))
        .into());
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
            .with_context(|| format!("cannot listen on {}", args.listen))?;
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
        serve(sandbox, listener, interrupt::asked_to_stop()).await?;
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
        check: CheckOptions::new(settings::today(clock.timestamp())),
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
            match prepare(&roster, spec, 0, &Unwatched) {
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

/// Every row's valid cells, by field name.
fn seed_rows(prepared: &Prepared) -> Result<Vec<SeedRow>, ReadError> {
    let checker = &prepared.checker;
    let mut rows: Vec<SeedRow> = Vec::new();
    prepared.input.scan(
        |table| {
            let of_row = |row| {
                let values = checker.check(&row).values;
                let fields = checker.spec().fields.iter().zip(values);
                fields
                    .filter_map(|(field, value)| {
                        Some((field.name().to_owned(), value?.as_text().into_owned()))
                    })
                    .collect::<SeedRow>()
            };
            table.rows().map(of_row).collect::<Vec<_>>()
        },
        |made| {
            rows.extend(made);
            Ok::<bool, ReadError>(true)
        },
    )?;
    Ok(rows)
}

/// A sandbox inside this process, in a thread of its own.
pub(super) struct LocalSandbox {
    /// The address of the API.
    pub(super) base_url: String,
    /// The server stops when this is dropped.
    _stop: oneshot::Sender<()>,
}

impl LocalSandbox {
    /// Starts a sandbox whose records are what the roster's might have been before.
    pub(super) fn start(prepared: &Prepared, clock: Arc<dyn Clock>) -> Result<LocalSandbox> {
        let spec = prepared.checker.spec();
        // The API that the target describes is told by where its address leads.
        let path = PATHS.into_iter().find(|path| {
            spec.environments
                .values()
                .any(|address| address.trim_end_matches('/').ends_with(path))
        });
        let Some(path) = path else {
            return Err(Usage(format!(
                "the sandbox does not play {}; it plays the built-in targets",
                spec.name
            ))
            .into());
        };
        let options = SandboxOptions {
            depth: f64::from(SANDBOX_QUOTA.1),
            interval: SANDBOX_QUOTA.0.interval(),
            latency: LATENCY,
            ..SandboxOptions::default()
        };
        let sandbox = Arc::new(Sandbox::new(&options, &seed_rows(prepared)?, clock));
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))
            .context("cannot open a port for the sandbox")?;
        listener.set_nonblocking(true)?;
        let base_url = format!("http://{}{path}", listener.local_addr()?);
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        std::thread::spawn(move || {
            runtime.block_on(async {
                if let Ok(listener) = TcpListener::from_std(listener) {
                    let ended = async {
                        let _ = stopped.await;
                    };
                    // A sandbox that fails shows as an API that does not answer.
                    let _ = serve(sandbox, listener, ended).await;
                }
            });
        });
        Ok(LocalSandbox {
            base_url,
            _stop: stop,
        })
    }
}
