//! A run with a snapshot reads only the changes since the last listing.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;
use tokio::sync::mpsc;

use super::fingerprints::Fingerprinter;
use super::state::{OpenSnapshot, timestamp};
use crate::journal::{JournalError, Snapshot, SnapshotMeta};
use crate::l10n::{Argument, Message, message};
use crate::log;
use crate::model::{Code, Fact, Found, KnownBefore, Relisted};
use crate::plan::{LookUp, Page, Question, Values, Walk, moment_at};
use crate::run::planning::lookup::records::{has_nothing, refused_with};
use crate::run::planning::lookup::register::Register;
use crate::run::planning::row_planner::{Halt, RowPlanner};
use crate::run::planning::row_tasks::{NextStep, RowTask};

/// How long before the snapshot changes are read: the clocks of an API may differ, and changes may become visible
/// with a delay.
const MARGIN: SignedDuration = SignedDuration::from_mins(10);

/// The number of searches from which a snapshot is worthwhile.
const FEW: u64 = 20;

/// Changed records that are kept in memory until all are read. If more records changed, all are listed.
const MOST_CHANGED: u64 = 10_000;

/// Records that are read beside a snapshot. If more rows differ, all records are listed.
const MOST_READ: u64 = 100_000;

/// The state of a row according to the snapshot.
enum SnapshotMatch {
    /// The record with this id holds all values of the row.
    Holds(String),
    /// These records must be read.
    Read(Vec<String>),
    /// No record has its key.
    Absent,
}

/// Why a snapshot is not used.
enum Unusable {
    /// All records are listed, for this reason.
    Because(Message),
    Halt(Halt),
}

impl From<Halt> for Unusable {
    fn from(halt: Halt) -> Unusable {
        Unusable::Halt(halt)
    }
}

impl From<JournalError> for Unusable {
    fn from(error: JournalError) -> Unusable {
        unreadable(error.to_string())
    }
}

/// What was read since a snapshot was taken.
#[derive(Default)]
struct ChangesSince {
    changed: HashMap<String, Json>,
    deleted: u64,
    compared: u64,
    read: u64,
}

impl<'a> RowPlanner<'a> {
    /// Whether `listings` requests for all records are worthwhile compared with `searches`. A listing also fills the
    /// snapshot for the next run.
    pub fn is_worth_listing(&self, listings: u64, searches: u64) -> bool {
        let saves = self.snapshot.is_some() && searches >= FEW;
        listings <= searches || saves && listings <= 2 * searches
    }

    /// Opens the snapshot of this run's records, if it may use one.
    fn open_snapshot(&mut self) {
        let context = self.context;
        let Some(of) = context.snapshot else {
            return;
        };
        let Some(fingerprinter) = Fingerprinter::new(&context.prepared.checker, &of.key) else {
            return;
        };
        let now = context.clock.timestamp();
        match Snapshot::open(&of.state, (&of.place, &of.address), now) {
            Ok(None) => {}
            Ok(Some(store)) => {
                self.snapshot = Some(OpenSnapshot {
                    store,
                    fingerprinter,
                    relist: of.relist,
                    is_known: false,
                    newest: None,
                    is_whole: true,
                });
            }
            Err(error) => no_snapshot(&error),
        }
    }

    /// Reads the changes since the snapshot was taken, and returns whether the snapshot replaces a listing. If not,
    /// it is empty.
    pub async fn begin_from_snapshot(
        &mut self,
        look_up: &LookUp,
        searches: u64,
    ) -> Result<bool, Halt> {
        if searches < FEW {
            return Ok(false);
        }
        self.open_snapshot();
        let Some(snapshot) = &self.snapshot else {
            return Ok(false);
        };
        let stored = snapshot.store.load();
        let stored = stored.and_then(|taken| Ok((taken, snapshot.store.records()?)));
        let (taken, records) = match stored {
            Ok((Some(taken), records)) => (taken, records),
            Ok((None, _)) => return Ok(false),
            Err(error) => {
                no_snapshot(&error);
                self.snapshot = None;
                return Ok(false);
            }
        };
        let listings = records.div_ceil(look_up.page_size());
        let is_worth = self.is_worth_listing(listings, searches);
        let Some(snapshot) = self.snapshot.take().filter(|_| is_worth) else {
            // The snapshot is kept for a run with more rows.
            return Ok(false);
        };
        let since = self.read_since(&snapshot, &taken, listings).await;
        self.snapshot = Some(snapshot);
        match since {
            Ok((taken, since)) => {
                self.take_over(&taken, since)?;
                Ok(true)
            }
            Err(Unusable::Halt(halt)) => Err(halt),
            Err(Unusable::Because(why)) => {
                self.invalidate(why);
                Ok(false)
            }
        }
    }

    /// Reads what changed since the snapshot was taken and what proves that nothing else did. Each difference
    /// that the API does not report makes the snapshot unusable.
    async fn read_since(
        &self,
        snapshot: &OpenSnapshot<'_>,
        taken: &SnapshotMeta,
        listings: u64,
    ) -> Result<(SnapshotMeta, ChangesSince), Unusable> {
        let context = self.context;
        let (store, by_id) = (&snapshot.store, snapshot.fingerprinter.by_id());
        let is_old = |now: Timestamp| {
            let age = now.duration_since(taken.listed_at);
            // After the clock was set back, its time is not usable.
            Duration::try_from(age).map_or(true, |age| age >= snapshot.relist)
        };
        let too_old = || Unusable::Because(message::snapshot_old());
        if is_old(context.clock.timestamp()) {
            return Err(too_old());
        }
        let since = taken.as_of.saturating_sub(MARGIN).unwrap_or(taken.as_of);
        let mut found = ChangesSince::default();
        let most = (listings / 2).max(1).saturating_mul(by_id.page_size());
        for (question, moment) in by_id.changes_since(since) {
            let mut walk = by_id.walk(question);
            let mut next = walk.first();
            while let Some(question) = next {
                let page = self.page_of(by_id, &mut walk, &question).await?;
                if self.dates.first.get().map(timestamp).is_some_and(&is_old) {
                    return Err(too_old());
                }
                let total = walk.total().unwrap_or_default().max(walk.listed());
                for record in page.records {
                    let is_new = moment_at(&record, moment).is_some_and(|moment| moment > since);
                    let Some(id) = by_id.id_of(&record).filter(|_| is_new) else {
                        return Err(Unusable::Because(message::snapshot_filter(
                            since.to_string(),
                        )));
                    };
                    found.changed.insert(id, record);
                }
                if total > most.min(MOST_CHANGED) {
                    let of = store.records()?;
                    let why =
                        message::snapshot_many(Argument::grouped(total), Argument::grouped(of));
                    return Err(Unusable::Because(why));
                }
                next = walk.next().map_err(|error| unreadable(error.to_string()))?;
            }
        }
        for id in self.deleted_since(by_id, since).await? {
            if !found.changed.contains_key(&id) && store.remove(&id)? {
                found.deleted += 1;
            }
        }
        let mut newest = taken.newest;
        let mut prints = Vec::with_capacity(found.changed.len());
        for record in found.changed.values() {
            newest = newest.max(by_id.changed_at(record).unwrap_or(newest));
            prints.extend(snapshot.fingerprinter.of(record));
        }
        store.put(&prints)?;
        self.read_marked(snapshot, &mut found).await?;
        self.compare_page(snapshot, taken.page, &mut found).await?;
        let taken = SnapshotMeta {
            as_of: self
                .dates
                .as_of(newest, context.clock.now())
                .max(taken.as_of),
            newest,
            page: taken.page + 1,
            ..*taken
        };
        Ok((taken, found))
    }

    /// Asks for a page of a walk. An API that refuses it makes the snapshot unusable.
    async fn page_of(
        &self,
        look_up: &LookUp,
        walk: &mut Walk<'_>,
        question: &Question,
    ) -> Result<Page, Unusable> {
        let page = match self.ask(look_up, question).await {
            Ok(page) => page,
            Err(halt) if has_nothing(&halt) && walk.is_past_the_end() => {
                return Ok(Page::default());
            }
            Err(halt) => return Err(unusable(halt)),
        };
        walk.add(&page)
            .map_err(|error| unreadable(error.to_string()))?;
        Ok(page)
    }

    /// The ids of records that the API reports as deleted since a time. The total of the list shows whether they are
    /// complete.
    async fn deleted_since(
        &self,
        by_id: &LookUp,
        since: Timestamp,
    ) -> Result<Vec<String>, Unusable> {
        let mut ids = Vec::new();
        let Some((look_up, question)) = by_id.deleted_since(since) else {
            return Ok(ids);
        };
        let mut walk = look_up.walk(question);
        let mut next = walk.first();
        while let Some(question) = next {
            match self.page_of(&look_up, &mut walk, &question).await {
                Ok(page) => ids.extend(page.records.iter().filter_map(|one| look_up.id_of(one))),
                Err(Unusable::Because(_)) => break,
                Err(halt) => return Err(halt),
            }
            next = walk.next().ok().flatten();
        }
        Ok(ids)
    }

    /// Reads the records that runs may have changed and that the API does not report as changed: whether it
    /// reports such changes is not known.
    async fn read_marked(
        &self,
        snapshot: &OpenSnapshot<'_>,
        found: &mut ChangesSince,
    ) -> Result<(), Unusable> {
        let store = &snapshot.store;
        let mut ids = Vec::new();
        for id in store.marked()? {
            if !found.changed.contains_key(&id) && store.prints(&id)?.is_some() {
                ids.push(id);
            }
        }
        let records = self.read_by_id(snapshot, &ids).await?;
        found.read += records.len() as u64;
        let mut left: HashSet<String> = ids.into_iter().collect();
        for record in records {
            let is_new = self.compare(snapshot, self.recently(), &record)?;
            if let Some(id) = snapshot.fingerprinter.by_id().id_of(&record) {
                left.remove(&id);
                if is_new {
                    found.changed.insert(id, record);
                }
            }
        }
        // If they were deleted, the total shows whether others were too.
        for id in left {
            store.remove(&id)?;
        }
        Ok(())
    }

    /// Compares one page of the list with the snapshot. Each run reads another page.
    async fn compare_page(
        &self,
        snapshot: &OpenSnapshot<'_>,
        page: u64,
        found: &mut ChangesSince,
    ) -> Result<(), Unusable> {
        let (store, by_id) = (&snapshot.store, snapshot.fingerprinter.by_id());
        let known = store.records()?;
        let pages = known.div_ceil(by_id.page_size()).max(1);
        let Some(question) = by_id.page_of_list(page % pages) else {
            return Err(unreadable(String::new()));
        };
        let page = match self.ask(by_id, &question).await {
            Ok(page) => page,
            Err(halt) => return Err(unusable(halt)),
        };
        let total = page.total.unwrap_or_default();
        if total != known {
            let why = message::snapshot_total(Argument::grouped(total), Argument::grouped(known));
            return Err(Unusable::Because(why));
        }
        found.compared = page.records.len() as u64;
        for record in page.records {
            if self.compare(snapshot, self.recently(), &record)?
                && let Some(id) = by_id.id_of(&record)
            {
                found.changed.insert(id, record);
            }
        }
        Ok(())
    }

    /// Compares a record with the snapshot. Returns whether it has just changed.
    fn compare(
        &self,
        snapshot: &OpenSnapshot<'_>,
        recently: Option<Timestamp>,
        record: &Json,
    ) -> Result<bool, Unusable> {
        let (store, by_id) = (&snapshot.store, snapshot.fingerprinter.by_id());
        let prints = snapshot.fingerprinter.of(record);
        let known = match &prints {
            Some(prints) => store.prints(&prints.id)?,
            None => None,
        };
        match prints {
            Some(prints) if known.as_ref() == Some(&prints.prints) => Ok(false),
            // It was changed after the changes were read.
            Some(prints) if known.is_some() && by_id.changed_at(record) > recently => {
                store.put(&[prints])?;
                Ok(true)
            }
            _ => Err(Unusable::Because(message::snapshot_differs())),
        }
    }

    /// The time shortly before this run started to read, by the API's clock; the maximum if the API sends no time.
    fn recently(&self) -> Option<Timestamp> {
        let began = self.dates.first.get().map_or(Timestamp::MAX, timestamp);
        Some(began.saturating_sub(MARGIN).unwrap_or(began))
    }

    /// Reads records by their ids, several per request.
    async fn read_by_id(
        &self,
        snapshot: &OpenSnapshot<'_>,
        ids: &[String],
    ) -> Result<Vec<Json>, Unusable> {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        match self.search_by(snapshot.fingerprinter.by_id(), &ids).await {
            Ok(found) => Ok(found.records),
            Err(halt) => Err(unusable(halt)),
        }
    }

    /// Accepts the snapshot in place of a listing, and stores it.
    fn take_over(&mut self, taken: &SnapshotMeta, since: ChangesSince) -> Result<(), Halt> {
        let register = Register::new()?;
        for record in since.changed.values() {
            self.note_known(&register, record)?;
        }
        self.has_read = since.changed.keys().cloned().collect();
        self.register = Some(register);
        let Some(snapshot) = &mut self.snapshot else {
            return Ok(());
        };
        snapshot.is_known = true;
        if let Err(error) = snapshot.store.save(taken) {
            no_snapshot(&error);
        }
        self.totals.how = Message::default();
        self.totals.known = Some(KnownBefore {
            listed_at: taken.listed_at,
            read_at: self.dates.first.get().map_or(taken.as_of, timestamp),
            records: snapshot.store.records()?,
            changed: self.has_read.len() as u64,
            deleted: since.deleted,
            compared: since.compared,
            read: since.read,
        });
        Ok(())
    }

    /// Adds a record that was read to the register.
    fn note_known(&self, register: &Register, record: &Json) -> Result<(), Halt> {
        match &self.look_up {
            Some(look_up) => self.note_keys(register, look_up, record),
            None => Ok(()),
        }
    }

    /// Discards the snapshot for a reason, so that a listing fills it again.
    fn invalidate(&mut self, why: Message) {
        let Some(snapshot) = &mut self.snapshot else {
            return;
        };
        log::info(&Fact::new(Code::RunRelists));
        self.totals.relisted = Some(Relisted { why });
        self.totals.known = None;
        self.register = None;
        self.has_read.clear();
        snapshot.is_known = false;
        let emptied = snapshot
            .store
            .clear()
            .and_then(|()| snapshot.store.discard());
        if let Err(error) = emptied {
            no_snapshot(&error);
            self.snapshot = None;
        }
    }

    /// Adds a page of the list to the snapshot.
    pub fn note_in_snapshot(&mut self, page: &Page) {
        let Some(snapshot) = &mut self.snapshot else {
            return;
        };
        let mut prints = Vec::with_capacity(page.records.len());
        for record in &page.records {
            snapshot.newest = snapshot
                .newest
                .max(snapshot.fingerprinter.by_id().changed_at(record));
            let print = snapshot.fingerprinter.of(record);
            snapshot.is_whole &= print.is_some();
            prints.extend(print);
        }
        if let Err(error) = snapshot.store.put(&prints) {
            no_snapshot(&error);
            self.snapshot = None;
        }
    }

    /// Stores the snapshot once all records are listed.
    pub fn keep_snapshot(&mut self) {
        let Some(snapshot) = self.snapshot.take().filter(|snapshot| snapshot.is_whole) else {
            return;
        };
        // Changes since can only be requested with a time of the API's clock.
        let Some(newest) = snapshot.newest else {
            return;
        };
        let as_of = self.dates.as_of(newest, self.context.clock.now());
        let saved = snapshot.store.save(&SnapshotMeta {
            listed_at: self.dates.first.get().map_or(as_of, timestamp),
            as_of,
            newest,
            page: 0,
        });
        if let Err(error) = saved {
            no_snapshot(&error);
        }
    }

    /// Reads all records that planning needs beside the snapshot, and plans nothing: if one of them is not as
    /// the snapshot has it, all records are listed.
    pub async fn read_ahead(
        &mut self,
        mut tasks: mpsc::Receiver<Vec<RowTask>>,
    ) -> Result<(), Halt> {
        let mut ids = BTreeSet::new();
        while let Some(tasks) = tasks.recv().await {
            for task in tasks {
                if self.succeeded_before(&task)?.is_some() {
                    continue;
                }
                let NextStep::LookUp {
                    key,
                    others,
                    values,
                } = &task.what
                else {
                    continue;
                };
                self.choose_once().await?;
                let Some(known) = self.totals.known.as_ref().map(|known| known.records) else {
                    return Ok(());
                };
                if let SnapshotMatch::Read(found) = self.match_snapshot(key, others, values)? {
                    let unread = found.into_iter().filter(|id| !self.has_read.contains(id));
                    ids.extend(unread);
                }
                if ids.len() as u64 > (known / 2).min(MOST_READ) {
                    let why = message::snapshot_many_rows(Argument::grouped(known));
                    return self.list_again(why).await;
                }
            }
        }
        match self.read_known(ids.into_iter().collect()).await {
            Err(Unusable::Because(why)) => self.list_again(why).await,
            Err(Unusable::Halt(halt)) => Err(halt),
            Ok(()) => Ok(()),
        }
    }

    /// Another record than `id` with a unique value; `None` if the snapshot does not replace a listing.
    pub fn other_known_holder(
        &self,
        field: usize,
        value: &str,
        id: &str,
    ) -> Result<Option<Option<String>>, Halt> {
        let Some(snapshot) = self.snapshot.as_ref().filter(|snapshot| snapshot.is_known) else {
            return Ok(None);
        };
        let print = snapshot.fingerprinter.holder(field, value);
        let holders = snapshot.store.holders(field, print)?;
        Ok(Some(holders.into_iter().find(|holder| holder != id)))
    }

    /// The record of a row, if the snapshot proves that it holds all values of the row.
    pub fn held_by(
        &mut self,
        row: u64,
        key: &str,
        others: &[(usize, String)],
        values: &Values,
    ) -> Result<Option<Found>, Halt> {
        let SnapshotMatch::Holds(id) = self.match_snapshot(key, others, values)? else {
            return Ok(None);
        };
        // The record may have a temporary number. If it does not, no row is matched with it by a renumbering.
        let has_further_keys = !self.context.prepared.checker.other_keys().is_empty();
        if has_further_keys || self.renumberings.how.is_some() {
            self.matched.note(&id, row);
        }
        let spec = self.context.prepared.checker.spec();
        let by = self.key.map(|key| spec.fields[key].name().to_owned());
        Ok(Some(Found {
            id,
            by: by.unwrap_or_default(),
        }))
    }

    fn match_snapshot(
        &self,
        key: &str,
        others: &[(usize, String)],
        values: &Values,
    ) -> Result<SnapshotMatch, Halt> {
        let Some(snapshot) = self.snapshot.as_ref().filter(|snapshot| snapshot.is_known) else {
            return Ok(SnapshotMatch::Absent);
        };
        let prepared = self.context.prepared;
        let Some(field) = prepared.survey.key() else {
            return Ok(SnapshotMatch::Absent);
        };
        let by_key = self.known_holders(snapshot, field, key)?;
        let mut ids: BTreeSet<String> = by_key.iter().cloned().collect();
        for (field, value) in others {
            ids.extend(self.known_holders(snapshot, *field, value)?);
        }
        if ids.is_empty() {
            ids = self.known_provisional(snapshot, values)?;
        }
        let ids: Vec<String> = ids.into_iter().collect();
        let id = match &ids[..] {
            [] => return Ok(SnapshotMatch::Absent),
            [id] if by_key == ids => id,
            _ => return Ok(SnapshotMatch::Read(ids)),
        };
        let own = prepared.checker.spec().key_field();
        let own = own.and_then(|field| values[field].as_ref());
        let is_own = own.is_none_or(|own| own.as_text().eq_ignore_ascii_case(id));
        let prints = snapshot.store.prints(id)?;
        match prints
            .is_some_and(|prints| is_own && snapshot.fingerprinter.holds_all(&prints, values))
        {
            true => Ok(SnapshotMatch::Holds(id.clone())),
            false => Ok(SnapshotMatch::Read(ids)),
        }
    }

    /// The ids of the records that the snapshot has under a key.
    fn known_holders(
        &self,
        snapshot: &OpenSnapshot<'_>,
        field: usize,
        value: &str,
    ) -> Result<Vec<String>, Halt> {
        let Some(text) = self.comparable(field, &Json::from(value)) else {
            return Ok(Vec::new());
        };
        let print = snapshot.fingerprinter.holder(field, &text);
        Ok(snapshot.store.holders(field, print)?)
    }

    /// The ids of the records to which a row may give another number.
    fn known_provisional(
        &self,
        snapshot: &OpenSnapshot<'_>,
        values: &Values,
    ) -> Result<BTreeSet<String>, Halt> {
        let mut ids = BTreeSet::new();
        let how = self.renumberings.how.as_ref();
        let Some(how) = how.filter(|how| how.is_final(values)) else {
            return Ok(ids);
        };
        for field in &self.renumberings.by {
            if let Some(value) = &values[*field] {
                ids.extend(self.known_holders(snapshot, *field, &value.as_text())?);
            }
        }
        if let Some(birth) = how.birth_of_row(values) {
            let (field, print) = snapshot.fingerprinter.provisional(birth);
            ids.extend(snapshot.store.holders(field, print)?);
        }
        Ok(ids)
    }

    /// Reads records that the snapshot has into the register. Each must match the snapshot.
    async fn read_known(&mut self, ids: Vec<String>) -> Result<(), Unusable> {
        let (Some(snapshot), Some(register)) = (&self.snapshot, &self.register) else {
            return Ok(());
        };
        let records = self.read_by_id(snapshot, &ids).await?;
        if records.len() < ids.len() {
            return Err(Unusable::Because(message::snapshot_differs()));
        }
        for record in &records {
            self.compare(snapshot, self.recently(), record)?;
            self.note_known(register, record)?;
        }
        if let Some(known) = &mut self.totals.known {
            known.read += records.len() as u64;
        }
        Ok(())
    }

    /// Lists all records in place of the snapshot, for a reason.
    async fn list_again(&mut self, why: Message) -> Result<(), Halt> {
        self.invalidate(why);
        match self.look_up.clone() {
            Some(look_up) => self.list_or_search(&look_up).await,
            None => Ok(()),
        }
    }
}

fn unreadable(why: impl Into<Argument>) -> Unusable {
    Unusable::Because(message::snapshot_unreadable(why))
}

/// An API that refuses to list makes a snapshot unusable. Any other halt ends planning.
fn unusable(halt: Halt) -> Unusable {
    match refused_with(&halt) {
        Some(why) => unreadable(why),
        None => Unusable::Halt(halt),
    }
}

/// Logs that a snapshot cannot be kept: the run continues without it.
fn no_snapshot(error: &JournalError) {
    log::warn(&Fact::new(Code::RunNoSnapshot).because_of(error.fact()));
}
