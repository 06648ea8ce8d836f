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

/// What a run is given from outside: time, randomness, secrets, a place for its record, and who
/// observes, agrees and interrupts.
pub struct Context<'a> {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The run's own random number.
    pub seed: u64,
    /// The credentials.
    pub credentials: Credentials,
    /// Where the run is recorded.
    pub state: State,
    /// What leads another command to the journal, such as ` --state DIR`; nothing where it finds it by
    /// itself.
    pub journal_flag: String,
    /// Observes.
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

/// What somebody is asked before anything is sent.
#[derive(Debug, Clone, Copy)]
pub struct Proposal<'a> {
    /// The run's name: the journal holds its calls by now.
    pub run: &'a str,
    /// What is to be done.
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
    /// Where it was interrupted.
    Resume(Box<RunRecord>),
    /// Where a guard held it: it is planned again, since time has passed, and not held again.
    Approve(Box<RunRecord>),
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// Its figures.
    pub summary: Summary,
    /// Why the run ended before its last row, if it did.
    pub stop: Option<Stop>,
    /// Where its files are.
    pub paths: ResultPaths,
}

/// A plan that was made to be looked at.
#[derive(Debug)]
pub struct DryRun {
    /// The plan.
    pub plan: Plan,
    /// Why a guard would hold the run, if one would.
    pub held: Option<Held>,
    /// The journal with its calls: a temporary one.
    pub journal: Journal,
    /// The number of the plan's run in it.
    pub run: i64,
    /// The summary, with valid rows as not sent.
    pub summary: Summary,
    /// Why planning ended early, if it did.
    pub stop: Option<Stop>,
}

/// How much of a run is done before it makes room for others.
#[derive(Debug, Clone, Copy)]
pub struct Batch {
    /// The maximum number of rows to send.
    pub rows: usize,
    /// The longest that is waited for the quota.
    pub patience: Duration,
    /// Requests that earlier slices made again.
    pub retries_before: u64,
    /// Their requests that the API throttled.
    pub throttled_before: u64,
    /// For how long it was due before it began.
    pub late: Duration,
}

/// What a slice has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BatchUsage {
    /// Requests.
    pub requests: u64,
    /// How many of them were made again.
    pub retries: u64,
    /// How many the API refused for being too many.
    pub throttled: u64,
}

/// How a slice ended.
#[derive(Debug)]
pub enum BatchEnd {
    /// There is more to do, so much later.
    Later(Duration),
    /// The run has ended, or somebody has to see to it.
    Ended(Box<Ended>),
}
