//! The state of a snapshot while a run uses or fills it.

use std::cell::Cell;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::fingerprints::Fingerprinter;
use crate::clock::UnixNanos;
use crate::journal::{Snapshot, State, account_of};
use crate::run::active_run::Setup;

/// The version of the hashes, which changes with the hashed values.
const FORMAT: &str = "1";

/// The maximum skew between the clock of record timestamps and the clock of the `Date` header.
const SKEW: SignedDuration = SignedDuration::from_hours(1);

/// The times of the API's answers.
#[derive(Debug, Default)]
pub struct ResponseDates {
    /// The API's own time in its first answer.
    pub first: Cell<Option<UnixNanos>>,
    /// The API's own time in its last answer.
    last: Cell<Option<UnixNanos>>,
    /// The local time of the first answer.
    began: Cell<Option<UnixNanos>>,
}

impl ResponseDates {
    /// Notes an answer that came `now`.
    pub fn note(&self, date: Option<UnixNanos>, now: UnixNanos) {
        self.first.set(self.first.get().or(date));
        self.last.set(date.or(self.last.get()));
        self.began.set(self.began.get().or(Some(now)));
    }

    /// The time by the API's clocks up to which all changes were seen, if the latest change of a read record is
    /// `newest`.
    ///
    /// It is not after the first answer, and not after the latest change less the duration of reading: the clock of
    /// record timestamps may be behind, and a change during reading may follow the read of its record. If the latest
    /// change is long ago, the clocks are assumed to differ by at most [`SKEW`].
    pub(super) fn as_of(&self, newest: Timestamp, now: UnixNanos) -> Timestamp {
        let [first, last] = [&self.first, &self.last].map(Cell::get);
        let dated = first.zip(last);
        let took = dated.map_or(0, |(first, last)| last.saturating_sub(first));
        let own = self
            .began
            .get()
            .map_or(0, |began| now.saturating_sub(began));
        let took = SignedDuration::try_from(Duration::from_nanos(took.max(own)));
        let newest = took.ok().and_then(|took| newest.checked_sub(took).ok());
        let newest = newest.unwrap_or(Timestamp::MIN);
        first.map(timestamp).map_or(newest, |first| {
            let earliest = first.checked_sub(SKEW).unwrap_or(first);
            newest.clamp(earliest, first)
        })
    }
}

/// The location and key of a run's snapshot.
pub struct SnapshotConfig {
    pub state: State,
    /// Identifies the snapshot: a hash of the target, its address and variables, the account and the profile.
    pub place: String,
    /// The address of the API, by which runs of all accounts mark changed records.
    pub address: String,
    /// The key of its hashes.
    pub key: [u8; 16],
    /// The age at which all records are listed again.
    pub relist: Duration,
}

impl SnapshotConfig {
    /// The snapshot that a run may use and fill; `None` if the run must read all records or the API does not report
    /// changes.
    pub fn of(setup: &Setup<'_>) -> Option<SnapshotConfig> {
        let (settings, context, connection) = (setup.settings, setup.context, setup.connection);
        let delivery = &settings.delivery;
        let how = setup.prepared.checker.spec().lookup.as_ref()?;
        let compares = !delivery.all && delivery.undoes.is_none() && setup.batch.is_none();
        // A sandbox does not outlive its process.
        if how.changes.is_none() || !compares || settings.sandbox {
            return None;
        }
        let of = [
            FORMAT,
            &settings.target,
            settings.profile.as_deref().unwrap_or_default(),
            &connection.account,
            &connection.place,
        ];
        Some(SnapshotConfig {
            state: context.state.clone(),
            place: account_of(connection.client.address(), of.join("\0").as_bytes()),
            address: connection.address(),
            key: context.credentials.key_for("snapshot"),
            relist: delivery.relist?,
        })
    }
}

/// An open snapshot and what this run knows of it.
pub struct OpenSnapshot<'a> {
    pub store: Snapshot,
    pub(super) fingerprinter: Fingerprinter<'a>,
    pub relist: Duration,
    /// Whether the snapshot replaces a listing. Otherwise a listing fills it.
    pub is_known: bool,
    /// The latest change of a record in the snapshot.
    pub newest: Option<Timestamp>,
    /// Whether each record that was listed has an id.
    pub is_whole: bool,
}

/// Converts nanoseconds since the Unix epoch.
pub fn timestamp(nanos: UnixNanos) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanos)).unwrap_or(Timestamp::MAX)
}
