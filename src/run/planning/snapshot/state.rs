//! The basis of a plan is what is known of the register before it is read.

use std::cell::Cell;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::fingerprints::Fingerprinter;
use crate::clock::UnixNanos;
use crate::journal::{Snapshot, State, account_of};
use crate::run::active_run::Setup;

/// How records are hashed in a snapshot: changed with what is hashed.
const FORMAT: &str = "1";

/// The most by which the clock that sets the moments of records is behind the one that dates the answers.
const SKEW: SignedDuration = SignedDuration::from_hours(1);

/// When answers came.
#[derive(Debug, Default)]
pub struct ResponseDates {
    /// The API's own time in its first answer.
    pub first: Cell<Option<UnixNanos>>,
    /// The API's own time in its last answer.
    last: Cell<Option<UnixNanos>>,
    /// When the first answer came, by the clock here.
    began: Cell<Option<UnixNanos>>,
}

impl ResponseDates {
    /// Notes an answer that came `now`.
    pub fn note(&self, date: Option<UnixNanos>, now: UnixNanos) {
        self.first.set(self.first.get().or(date));
        self.last.set(date.or(self.last.get()));
        self.began.set(self.began.get().or(Some(now)));
    }

    /// The moment by the API's clocks up to which all changes were seen, if the latest one of a record that was
    /// read is `newest`.
    ///
    /// It is not after the first answer. The clock that sets the moments of records may be behind the one that
    /// dates the answers, so it is not after the latest change either, less the time that reading took: a change in
    /// that time may have come after its record was read. If the latest change is long ago, that says nothing of
    /// the clocks, which are taken to differ by [`SKEW`] at most.
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

/// Where a run's snapshot is, and how it may be used.
pub struct SnapshotConfig {
    pub state: State,
    /// What tells it from others: the target, its address and variables, the account and the profile.
    pub place: String,
    /// The address of the API, by which runs of all accounts mark what they change.
    pub address: String,
    /// The key of its hashes.
    pub key: [u8; 16],
    /// The age at which all records are listed again.
    pub relist: Duration,
}

impl SnapshotConfig {
    /// The snapshot that a run may use, and that it may make for later ones; none where it must read what it
    /// needs, or where nothing tells what changed.
    pub fn of(setup: &Setup<'_>) -> Option<SnapshotConfig> {
        let (settings, context, connection) = (setup.settings, setup.context, setup.connection);
        let delivery = &settings.delivery;
        let how = setup.prepared.checker.spec().lookup.as_ref()?;
        let compares = !delivery.all && delivery.undoes.is_none() && setup.batch.is_none();
        // A sandbox in this process is gone with it.
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

/// What is known of the register beside the records that this run has read.
pub struct OpenSnapshot<'a> {
    pub store: Snapshot,
    pub(super) fingerprinter: Fingerprinter<'a>,
    pub relist: Duration,
    /// Whether its copy stands for the register. Otherwise, listing all records fills it.
    pub is_known: bool,
    /// The latest change of a record in the copy.
    pub newest: Option<Timestamp>,
    /// Whether each record that was listed has an id.
    pub is_whole: bool,
}

/// A moment by nanoseconds since the Unix epoch.
pub fn timestamp(nanos: UnixNanos) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanos)).unwrap_or(Timestamp::MAX)
}
