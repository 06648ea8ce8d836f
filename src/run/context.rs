//! The context gives a run its clock, randomness, secrets, journal and observer.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::audit_log::Author;
use crate::clock::Clock;
use crate::events::{FoundConflict, Observer, Plan};
use crate::journal::{Journal, RunRecord, State};
use crate::model::{Held, Summary};
use crate::report::ResultPaths;
use crate::send::{Credentials, Stop, StopRequest};

/// The inputs of a run from outside: time, randomness, secrets, the journal, the observer, and confirmation and stop
/// signals.
pub struct Context<'a> {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The run's own random number.
    pub seed: u64,
    /// The credentials.
    pub credentials: Credentials,
    /// Where the journal is.
    pub state: State,
    /// The option by which another command finds the journal, such as ` --state DIR`; empty if it needs none.
    pub journal_flag: String,
    /// Receives the events of the run.
    pub observer: &'a dyn Observer,
    /// Receives the plan and returns whether to send it; `None` if no confirmation is needed.
    pub agree: Option<&'a dyn Fn(&Proposal<'_>) -> Consent>,
    /// The account that works on the run.
    pub author: Author,
    /// Whether the approver also decides about each conflict; otherwise conflicts with the policy `ask` hold the run.
    pub chooses: bool,
    /// Signals that the run must stop.
    pub stop: watch::Receiver<StopRequest>,
}

/// The plan to confirm before sending.
#[derive(Debug, Clone, Copy)]
pub struct Proposal<'a> {
    /// The run's name. The journal holds its calls.
    pub run: &'a str,
    /// The plan.
    pub plan: &'a Plan,
    /// The conflicts to decide.
    pub conflicts: &'a [&'a FoundConflict],
}

/// The answer to the confirmation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consent {
    /// Nothing is sent.
    No,
    /// It is sent.
    Yes {
        /// The number of rows to send first and read back.
        first: Option<u64>,
        /// The rows, by number, whose fields in conflict keep their values.
        kept: BTreeSet<u64>,
        /// The reason for the run. It replaces the note of the command that asks.
        note: Option<String>,
    },
}

impl From<bool> for Consent {
    fn from(agrees: bool) -> Consent {
        match agrees {
            true => Consent::Yes {
                first: None,
                kept: BTreeSet::new(),
                note: None,
            },
            false => Consent::No,
        }
    }
}

/// Where a run begins.
#[derive(Debug, Clone)]
pub enum Start {
    /// At its beginning, for the command of this name.
    New(&'static str),
    /// Where the run was interrupted.
    Resume(Box<RunRecord>),
    /// Where a guard held the run. It is planned again and not held again.
    Approve(Box<RunRecord>),
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// The summary.
    pub summary: Summary,
    /// Why the run ended before its last row, if it did.
    pub stop: Option<Stop>,
    /// The paths of its files.
    pub paths: ResultPaths,
}

/// A plan that is shown and not sent.
#[derive(Debug)]
pub struct DryRun {
    /// The plan.
    pub plan: Plan,
    /// Why a guard would hold the run, if one would.
    pub held: Option<Held>,
    /// The temporary journal with the calls.
    pub journal: Journal,
    /// The number of the run in that journal.
    pub run: i64,
    /// The summary, with valid rows as not sent.
    pub summary: Summary,
    /// Why planning ended early, if it did.
    pub stop: Option<Stop>,
}

/// The limits of a batch: the part of a run that a worker processes at a time.
#[derive(Debug, Clone, Copy)]
pub struct Batch {
    /// The maximum number of rows to send.
    pub rows: usize,
    /// The longest wait for the quota.
    pub patience: Duration,
    /// Retried requests of earlier batches.
    pub retries_before: u64,
    /// Throttled requests of earlier batches.
    pub throttled_before: u64,
    /// How long the batch was due before it started.
    pub late: Duration,
}

/// The requests of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BatchUsage {
    /// All requests.
    pub requests: u64,
    /// Retries among them.
    pub retries: u64,
    /// Requests that the API throttled.
    pub throttled: u64,
}

/// How a batch ended.
#[derive(Debug)]
pub enum BatchEnd {
    /// Another batch is due after this time.
    Later(Duration),
    /// The run has ended or requires an approval.
    Ended(Box<Ended>),
}
