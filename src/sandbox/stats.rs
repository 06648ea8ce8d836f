//! Request counts of the server side.

use std::collections::BTreeMap;

use serde::Serialize;

/// Counts of the server side, against which tests check the client's counts.
#[derive(Debug, Default, Clone, Serialize)]
pub(super) struct Stats {
    /// Requests by kind.
    pub(super) requests: BTreeMap<&'static str, u64>,
    /// Injected faults by kind.
    pub(super) faults: BTreeMap<&'static str, u64>,
    /// Responses by status code.
    pub(super) answers: BTreeMap<u16, u64>,
    /// Counts by record.
    pub(super) records: BTreeMap<String, RecordStats>,
}

/// Counts for one record.
#[derive(Debug, Default, Clone, Serialize)]
pub(super) struct RecordStats {
    /// Requests to change the record.
    pub(super) requests: u64,
    /// Requests that changed it.
    pub(super) updates: u64,
    /// Changes whose response was sent intact.
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
