//! The engine of a worker: job processing and periodic tasks.

use std::sync::Arc;
use std::time::Duration;

use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext, WorkerOptions};
use serde::{Deserialize, Serialize};

use super::door::FleetDoor;
use super::mend::mend;
use super::queue::{Claimed, SCHEMA, TASK, database_of};
use super::worker::Worker;
use crate::app::{AppError, Session, forget_dead_copies};
use crate::journal::{Database, JournalError, State, machine};
use crate::l10n::message;
use crate::log;
use crate::model::{Code, Fact};
use crate::send::StopRequest;

/// How often a worker renews its lease and looks for workers with expired leases.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// How long a worker may be silent before its lease expires. This is several times as long as a process
/// continues to send without a response from the database.
const SILENCE: Duration = Duration::from_secs(20);

/// How long requests in progress may take to finish after a stop request.
const GRACE: Duration = Duration::from_secs(25);

/// Migrates the tables of the journal and the queue to this version. Returns the schema versions of the
/// journal before and after.
pub fn migrate(state: &State) -> Result<(i64, i64), AppError> {
    let database = database_of(state)?;
    let formats = database.migrate()?;
    runtime()?.block_on(async {
        let made = options(database).init().await;
        made.map(|_| ()).map_err(|error| refused(database, &error))
    })?;
    Ok(formats)
}

fn refused(database: &Database, error: &dyn std::fmt::Display) -> AppError {
    AppError::Front(message::fleet_queue(database.place(), error.to_string()))
}

fn runtime() -> Result<tokio::runtime::Runtime, AppError> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build();
    runtime.map_err(|error| AppError::Run(crate::send::SendError::Runtime(error).into()))
}

fn options(database: &Database) -> WorkerOptions {
    WorkerOptions::default()
        .database_url(database.with_password())
        .max_pg_conn(4)
        .schema(SCHEMA)
        // Fetching a job briefly locks all queues, so concurrent workers may find no job and must poll again
        // soon.
        .poll_interval(Duration::from_millis(250))
        .listen_os_shutdown_signals(false)
        .heartbeat_interval(HEARTBEAT)
        .sweep_interval(HEARTBEAT)
        .sweep_threshold(SILENCE)
        .recovery_delay(Duration::from_secs(1))
        .shutdown_grace_period(GRACE)
}

/// A callback that a worker invokes periodically.
pub type Tick = Arc<dyn Fn() + Send + Sync>;

/// A job as stored in the queue.
#[derive(Deserialize, Serialize)]
struct SliceJob {
    /// The id of the file.
    id: i64,
    /// The queue of the job.
    queue: String,
}

/// Processes a batch. Returns the reason if it fails.
type DoSlice = dyn Fn(i64, &str, &Claimed) -> Result<(), String> + Send + Sync;

#[derive(Clone)]
struct Shared(Arc<DoSlice>);

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

impl TaskHandler for SliceJob {
    const IDENTIFIER: &'static str = TASK;

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let Some(Shared(process)) = context.get_ext::<Shared>().cloned() else {
            return Err("no worker".to_owned());
        };
        let claimed = Claimed {
            job: *context.job().id(),
            worker: context.worker_id().to_owned(),
        };
        let work = move || process(self.id, &self.queue, &claimed);
        let done = tokio::task::spawn_blocking(work).await;
        // A panic message may contain personal data, and the queue would store it.
        done.map_err(|_| Code::QueueSliceLost.sentence())?
    }
}

/// Creates the session of a batch, each with its own database connection.
pub type MakeSession = Arc<dyn Fn(State) -> Result<Session, AppError> + Send + Sync>;

/// Processes batches of queued files, `concurrency` at a time, until a stop is requested. Requests in
/// progress may then finish, and the remaining rows are left to other workers.
///
/// # Errors
/// Fails if the database cannot be reached at the start. Later failures are retried.
pub fn work(
    session: &Session,
    door: Arc<dyn FleetDoor + Send + Sync>,
    make_session: MakeSession,
    concurrency: usize,
    tick: Tick,
) -> Result<(), AppError> {
    let state = session.state.clone();
    let database = database_of(&state)?.clone();
    forget_dead_copies(&state)?;
    let owner = owner();
    let process = {
        let (state, owner) = (state.clone(), owner.clone());
        move |id: i64, queue: &str, claimed: &Claimed| {
            let worker = Worker {
                door: door.as_ref(),
                state: &state,
                session: &|state| make_session(state),
                owner: &owner,
            };
            worker.process_batch(id, queue, claimed).map_err(|error| {
                let fact = Fact::new(Code::QueueSliceLost).because_of(error.fact());
                log::warn(&fact);
                // The queue stores this message with the job.
                fact.in_words()
            })
        }
    };
    let shared = Shared(Arc::new(process));
    // At the start, a missing or outdated database is a mistake; later it may be unavailable for a while.
    mend_and_say(&database)?;
    let runtime = runtime()?;
    let stop = session.stop.receiver();
    runtime.block_on(async {
        let ticking = tokio::spawn(tick_on(database.clone(), tick));
        while !session.stop.is_asked() {
            let ended = one_worker(&database, &shared, concurrency, stop.clone()).await;
            if let Err(fact) = ended {
                log::warn(&fact);
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
        }
        ticking.abort();
    });
    Ok(())
}

/// Runs a worker until a stop is requested or the queue becomes unavailable.
async fn one_worker(
    database: &Database,
    shared: &Shared,
    concurrency: usize,
    mut stop: tokio::sync::watch::Receiver<StopRequest>,
) -> Result<(), Fact> {
    let asked = async move {
        let _ = stop.wait_for(ends).await;
    };
    let worker = options(database)
        .concurrency(concurrency)
        .add_extension(shared.clone())
        .define_job::<SliceJob>()
        .shutdown_signal(asked)
        .init()
        .await
        .map_err(|error| away(&error))?;
    worker.run().await.map_err(|error| away(&error))
}

/// Returns whether a request stops a worker. A pause concerns only its runs.
fn ends(request: &StopRequest) -> bool {
    *request > StopRequest::Pause
}

/// Returns the fact for an unavailable queue, with the I/O error if one is the cause. Messages of the
/// database are omitted because they may contain secrets.
fn away(error: &(dyn std::error::Error + 'static)) -> Fact {
    let fact = Fact::new(Code::QueueAway);
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    match causes.find_map(|cause| cause.downcast_ref::<std::io::Error>()) {
        Some(io) => fact.with_io(io),
        None => fact,
    }
}

/// Repairs lost jobs and queues, and logs their number.
fn mend_and_say(database: &Database) -> Result<(), JournalError> {
    match mend(database)? {
        0 => {}
        mended => log::warn(&Fact::new(Code::QueueMended).with_count(mended)),
    }
    Ok(())
}

/// Repairs lost jobs and invokes the callback periodically.
async fn tick_on(database: Database, tick: Tick) {
    let mut interval = tokio::time::interval(Duration::from_secs(10));
    loop {
        interval.tick().await;
        let (database, tick) = (database.clone(), tick.clone());
        let done = tokio::task::spawn_blocking(move || {
            if let Err(error) = mend_and_say(&database) {
                log::warn(&Fact::new(Code::QueueAway).because_of(error.fact()));
            }
            tick();
        });
        let _ = done.await;
    }
}

/// Returns the name of this worker in the queue: host name and process id.
fn owner() -> String {
    format!("{}:{}", machine(), std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unavailable_queue_is_reported_without_database_messages() {
        #[derive(Debug, thiserror::Error)]
        #[error("password of school: hunter2")]
        struct Refused(#[source] Option<std::io::Error>);
        let io = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let expected = Fact::new(Code::QueueAway).with_io(&io);
        assert_eq!(away(&Refused(Some(io))), expected);
        assert_eq!(away(&Refused(None)), Fact::new(Code::QueueAway));
    }

    #[test]
    fn a_worker_ends_at_a_stop_request_and_not_at_a_pause() {
        assert!(!ends(&StopRequest::None) && !ends(&StopRequest::Pause));
        assert!(ends(&StopRequest::Finish) && ends(&StopRequest::Now));
    }

    #[test]
    fn a_worker_is_named_by_host_and_process_id() {
        let own = owner();
        let (name, process) = own.rsplit_once(':').unwrap();
        assert_eq!(name, machine());
        assert_eq!(process, std::process::id().to_string());
    }
}
