//! The sandbox counts requests on the server side.

use std::collections::BTreeMap;

use serde::Serialize;

/// What was asked of the sandbox, counted by the server: the other side of every claim about how
/// many requests were made.
#[derive(Debug, Default, Clone, Serialize)]
pub(super) struct Stats {
    /// Requests by kind.
    pub(super) requests: BTreeMap<&'static str, u64>,
    /// Faults that were put in, by kind.
    pub(super) faults: BTreeMap<&'static str, u64>,
    /// Answers by status.
    pub(super) answers: BTreeMap<u16, u64>,
    /// By record: requests that would change it, and those that were carried out.
    pub(super) records: BTreeMap<String, RecordStats>,
}

/// Counts for one record.
#[derive(Debug, Default, Clone, Serialize)]
pub(super) struct RecordStats {
    /// Requests that would change it.
    pub(super) requests: u64,
    /// Requests that did.
    pub(super) updates: u64,
    /// Of those, the ones whose answer was written.
    pub(super) acknowledged: u64,
}

impl Stats {
    pub(super) fn count(&mut self, kind: &'static str) {
        *self.requests.entry(kind).or_default() += 1;
    }

    pub(super) fn fault(&mut self, name: &'static str) {
        *self.faults.entry(name).or_default() += 1;
    }

    pub(super) fn answered(&mut self, status: u16) {
        *self.answers.entry(status).or_default() += 1;
    }

    pub(super) fn record(&mut self, id: &str) -> &mut RecordStats {
        self.records.entry(id.to_owned()).or_default()
    }
}
