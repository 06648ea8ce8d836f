//! The state of the sandbox: records and counters of the simulated APIs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::SeedRow;
use super::any::{Description, Records, Variation};
use super::bucket::Bucket;
use super::faults::{Draw, Faults};
use super::meitner::{self, Students};
use super::pathwright::{self, Members};
use super::simulation::Simulation;
use super::stats::Stats;
use crate::clock::{Clock, UnixNanos};

/// The options of the sandbox.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// The number of requests that a full bucket accepts at once.
    pub depth: f64,
    /// The interval at which the bucket gains one request.
    pub interval: Duration,
    /// The latency of every response.
    pub latency: Duration,
    /// The injected faults.
    pub faults: Faults,
    /// The seed of all random choices.
    pub seed: u64,
    /// The behaviours that differ from the target file.
    pub vary: Vec<Variation>,
}

impl Default for SandboxOptions {
    /// Returns options with 1,500 requests per hour and no latency.
    fn default() -> Self {
        SandboxOptions {
            depth: 1500.0,
            interval: Duration::from_millis(2400),
            latency: Duration::ZERO,
            faults: Faults::default(),
            seed: 1,
            vary: Vec::new(),
        }
    }
}

/// The records and counters of the sandbox.
#[derive(Debug)]
pub struct Sandbox {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) latency: Duration,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) students: Students,
    pub(super) members: Members,
    /// The records of a described API, which is then the only API.
    pub(super) any: Option<Records>,
    pub(super) tokens: Vec<(String, u64)>,
    pub(super) bucket: Bucket,
    pub(super) stats: Stats,
    pub(super) draw: Draw,
}

/// A response extension that names the record changed by the request.
#[derive(Debug, Clone)]
pub(super) struct Updated(pub(super) String);

/// Adds the changed record to a successful response.
pub(super) fn with_record(mut response: Response, record: String) -> Response {
    if response.status().is_success() {
        response.extensions_mut().insert(Updated(record));
    }
    response
}

impl Sandbox {
    /// Creates a sandbox of the built-in APIs with students that could precede the roster's `rows`: some are
    /// equal, others have another address or telephone number. From a hundred rows on, three are missing and
    /// two have values that another student holds.
    pub fn new(options: &SandboxOptions, rows: &[SeedRow], clock: Arc<dyn Clock>) -> Sandbox {
        let students = meitner::seed(rows, options.seed, clock.timestamp());
        Sandbox::with(options, students, rows, clock)
    }

    /// Creates a sandbox of one API with records that could precede the roster's `rows`.
    pub fn of(
        options: &SandboxOptions,
        simulation: Simulation,
        rows: &[SeedRow],
        clock: Arc<dyn Clock>,
    ) -> Sandbox {
        match simulation {
            Simulation::Meitner | Simulation::Pathwright => Sandbox::new(options, rows, clock),
            Simulation::Described(api) => Sandbox::playing(options, *api, rows, clock),
        }
    }

    /// Creates a sandbox whose students have the values of the roster's `rows`.
    pub fn holding(options: &SandboxOptions, rows: &[SeedRow], clock: Arc<dyn Clock>) -> Sandbox {
        let students = meitner::copy(rows, clock.timestamp());
        Sandbox::with(options, students, rows, clock)
    }

    /// Creates a sandbox of a described API only, with records that could precede the roster's `rows`.
    pub fn playing(
        options: &SandboxOptions,
        api: Description,
        rows: &[SeedRow],
        clock: Arc<dyn Clock>,
    ) -> Sandbox {
        let sandbox = Sandbox::with(options, meitner::copy(&[], clock.timestamp()), &[], clock);
        sandbox.lock().any = Some(Records::new(api, rows, options.vary.clone()));
        sandbox
    }

    fn with(
        options: &SandboxOptions,
        mut students: Students,
        rows: &[SeedRow],
        clock: Arc<dyn Clock>,
    ) -> Sandbox {
        let mut members = pathwright::seed(rows);
        members.is_strict = options.vary.contains(&Variation::StrictMembers);
        students.vary.clone_from(&options.vary);
        let bucket = Bucket::new(options.depth, options.interval, clock.now());
        Sandbox {
            latency: options.latency,
            clock,
            inner: Mutex::new(Inner {
                students,
                members,
                any: None,
                tokens: Vec::new(),
                bucket,
                stats: Stats::default(),
                draw: Draw::new(options.faults.clone(), options.seed),
            }),
        }
    }

    /// Counts a request, checks its sign-in and the rate limit, and calls `work`. `throttled` receives the seconds
    /// until the next request is accepted.
    pub(super) fn answer<R: IntoResponse>(
        &self,
        kind: &'static str,
        sign_in: impl FnOnce(&Inner, UnixNanos) -> Result<(), R>,
        throttled: impl FnOnce(u64) -> R,
        work: impl FnOnce(&mut Inner) -> Result<Value, R>,
    ) -> Response {
        let now = self.clock.now();
        let mut inner = self.lock();
        inner.stats.count(kind);
        let outcome = match sign_in(&inner, now) {
            Err(refused) => Err(refused),
            Ok(()) if !inner.bucket.take(now) => Err(throttled(inner.bucket.retry_after(now))),
            Ok(()) => work(&mut inner),
        };
        outcome.map(Json).into_response()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of records.
    pub fn records(&self) -> usize {
        let inner = self.lock();
        let any = inner.any.as_ref().map_or(0, Records::len);
        inner.students.len() + inner.members.len() + any
    }

    /// Returns all records of a described API as JSON by key, or null if there is none.
    pub fn any_records(&self) -> Value {
        let inner = self.lock();
        inner.any.as_ref().map_or(Value::Null, Records::dump)
    }

    /// Returns all students as JSON, by id.
    pub fn students(&self) -> Value {
        self.lock().students.dump()
    }

    /// Updates a student as if a user did so in the system itself. `change` is the body of an update. Returns
    /// whether it succeeded.
    pub fn edit_student(&self, id: &str, change: &Value) -> bool {
        let now = self.clock.timestamp();
        let students = &mut self.lock().students;
        let change = change.as_object();
        change.is_some_and(|change| matches!(students.update(id, change, now), Ok(Some(_))))
    }

    /// Adds a student as if a user did so in the system itself. Returns whether it succeeded.
    pub fn add_student(&self, id: &str, student: &Value) -> bool {
        let now = self.clock.timestamp();
        let students = &mut self.lock().students;
        let student = student.as_object().cloned();
        student.is_some_and(|student| students.insert(id, student, now).is_ok())
    }

    /// Deletes a student as if a user did so in the system itself. Returns whether the student existed.
    pub fn delete_student(&self, id: &str) -> bool {
        let now = self.clock.timestamp();
        self.lock().students.remove(id, now)
    }

    /// Returns all members as JSON, by integration and external id.
    pub fn members(&self) -> Value {
        self.lock().members.dump()
    }

    /// Returns the number of requests of a kind.
    pub fn requests(&self, kind: &str) -> u64 {
        self.lock().stats.requests.get(kind).copied().unwrap_or(0)
    }

    /// Returns the counts that `GET /_sandbox/stats` serves.
    pub fn stats(&self) -> Value {
        serde_json::to_value(&self.lock().stats).unwrap_or_default()
    }
}
