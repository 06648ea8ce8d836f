//! The sandbox inside an import, which simulates the target.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::app::{AppError, Played};
use crate::clock::Clock;
use crate::l10n::message;
use crate::read::ReadError;
use crate::run::Prepared;
use crate::sandbox::{SECRET, Sandbox, SandboxOptions, SeedRow, Simulation, serve};
use crate::send::{Credentials, Rate};
use crate::targets::{RateUnit, SignIn, TargetSpec};

/// The rate limit of a sandbox inside an import, with which a sample finishes in seconds.
pub(super) const SANDBOX_QUOTA: (Rate, u32) = (
    Rate {
        requests: 5_000.0,
        per: RateUnit::Second,
    },
    5_000,
);

/// The latency of its responses, long enough to show progress.
const LATENCY: Duration = Duration::from_millis(20);

/// Returns the credentials that a sandbox inside this process accepts, so that users need none.
pub(super) fn credentials(spec: &TargetSpec) -> Result<Credentials, AppError> {
    // The sandbox also simulates the token endpoint, at its own address.
    let mut spec = spec.clone();
    let ways = std::mem::take(&mut spec.sign_in).into_iter();
    spec.sign_in = ways.map(SignIn::at_the_api).collect();
    Ok(Credentials::find(&spec, |_| Some(SECRET.into()))?)
}

/// Starts a sandbox on a thread of this process, with records that could precede the roster.
pub(super) fn play(
    prepared: &Prepared,
    target: &str,
    clock: Arc<dyn Clock>,
) -> Result<Played, AppError> {
    let spec = prepared.checker.spec();
    let simulation = Simulation::of(target).map_err(|error| {
        AppError::Front(message::cli_not_played(
            spec.name.as_str(),
            error.to_string(),
        ))
    })?;
    let path = simulation.path();
    let options = SandboxOptions {
        depth: f64::from(SANDBOX_QUOTA.1),
        interval: SANDBOX_QUOTA.0.interval(),
        latency: LATENCY,
        ..SandboxOptions::default()
    };
    let rows = seed_rows(prepared)?;
    let sandbox = Arc::new(Sandbox::of(&options, simulation, &rows, clock));
    let no_port = |error: std::io::Error| AppError::Front(message::cli_no_port(error.to_string()));
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(no_port)?;
    listener.set_nonblocking(true).map_err(no_port)?;
    let base_url = format!("http://{}{path}", listener.local_addr().map_err(no_port)?);
    let (stop, stopped) = oneshot::channel::<()>();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(no_port)?;
    let serving = move || {
        runtime.block_on(async {
            if let Ok(listener) = TcpListener::from_std(listener) {
                let ended = async {
                    let _ = stopped.await;
                };
                // A failed sandbox appears as an API that does not respond.
                let _ = serve(sandbox, listener, ended).await;
            }
        });
    };
    std::thread::Builder::new()
        .spawn(serving)
        .map_err(no_port)?;
    Ok(Played {
        base_url,
        // The server stops when this is dropped.
        keeper: Box::new(stop),
    })
}

/// Returns the valid cells of every row, by field name.
pub(super) fn seed_rows(prepared: &Prepared) -> Result<Vec<SeedRow>, ReadError> {
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
