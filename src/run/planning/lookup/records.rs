//! Look-ups read the records of rows before planning.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value as Json;
use tokio::sync::{mpsc, watch};

use super::register::Register;
use crate::events::RunEvent;
use crate::l10n::{Argument, Message, message};
use crate::model::Code;
use crate::plan::{LookUp, LookUpError, Page, Question, Walk};
use crate::run::planning::row_planner::{ByOthers, Halt, PlanContext, RowPlanner, Unresolved};
use crate::run::planning::row_tasks::{NextStep, RowTask};
use crate::run::planning::snapshot::fingerprints::comparable;
use crate::send::{Fetched, Stop};

/// Nanoseconds between two progress events.
const EVERY: u64 = 1_000_000_000;

/// The maximum number of records that are read one by one before rows are reported as missing.
const REREAD: usize = 20;

/// Adds the path of a refused look-up to a stop, without the query, which may hold personal data.
fn at_path(stop: Stop, path: &str) -> Stop {
    match stop {
        Stop::LookUp {
            why,
            cause,
            status: Some(status),
            message,
        } => {
            let path = path.split('?').next().unwrap_or_default();
            Stop::LookUp {
                why: message::stop_lookup_at(why, path),
                cause,
                status: Some(status),
                message,
            }
        }
        other => other,
    }
}

/// The records in these texts.
pub(super) fn parsed(listed: &[String]) -> Vec<Json> {
    let records = listed.iter();
    records
        .filter_map(|record| serde_json::from_str(record).ok())
        .collect()
}

/// The register's index of a record by a further key. Keys of different fields are never equal.
pub(super) fn other_key(field: usize, key: &str) -> String {
    format!("\0{field}/{key}")
}

/// Whether the API answered that the path does not exist.
pub fn has_nothing(halt: &Halt) -> bool {
    let Halt::Stop(Stop::LookUp { status, .. }) = halt else {
        return false;
    };
    matches!(status, Some(404 | 410))
}

/// Whether the API refused to return one record, because it does not exist or may not be read.
pub(super) fn gives_none(halt: &Halt) -> bool {
    match halt {
        Halt::Stop(Stop::LookUp { status, .. }) => status
            .is_some_and(|status| (400..500).contains(&status) && !matches!(status, 408 | 429)),
        Halt::Stop(Stop::Refused {
            status, reading, ..
        }) => *reading && *status == 403,
        _ => false,
    }
}

/// Why the API returns no list of its keys; `None` if the run must stop, for example because of wrong credentials.
pub fn refused_with(halt: &Halt) -> Option<Message> {
    match halt {
        Halt::Stop(Stop::LookUp {
            why, status: None, ..
        }) => Some(message::how_keys_unreadable(why.clone())),
        Halt::Stop(
            Stop::LookUp {
                status: Some(status),
                ..
            }
            | Stop::Refused { status, .. },
        ) if gives_none(halt) => Some(message::how_keys_refused(status.to_string())),
        _ => None,
    }
}

/// The keys of a row.
struct LookUpKeys {
    key: String,
    /// The further keys: the field, by position, and its value.
    others: Vec<(usize, String)>,
    /// The fields and values to search for if the row's number is not found.
    sought: Vec<(usize, String)>,
    sheet_row: u64,
}

/// How the records of the rows are found.
impl RowPlanner<'_> {
    /// The number of rows to look up together: one request's maximum for each concurrent request. It is constant over
    /// the batches of a plan, so that they ask the same questions.
    pub fn round(&self) -> usize {
        let keys = self.look_up.as_ref().map_or(1, LookUp::keys_at_once);
        keys * match &self.context.answers {
            Some(_) => self.context.delivery.sender.concurrency.max(1),
            None => self.context.transport.room(),
        }
    }

    /// Requests all answers that planning needs, and plans nothing. A plan over several batches is written once, when
    /// all answers are cached.
    pub async fn learn(&mut self, mut tasks: mpsc::Receiver<Vec<RowTask>>) -> Result<(), Halt> {
        let mut keys = Vec::new();
        while let Some(tasks) = tasks.recv().await {
            for task in tasks {
                if self.succeeded_before(&task)?.is_some() {
                    continue;
                }
                if let NextStep::Call(_) = task.what {
                    self.list_keys_once().await?;
                }
                if let NextStep::LookUp {
                    key,
                    others,
                    values,
                } = task.what
                {
                    self.choose_once().await?;
                    keys.push(LookUpKeys {
                        sought: self.sought_by(&values),
                        key,
                        others,
                        sheet_row: task.mark.at.sheet_row,
                    });
                    if keys.len() >= self.round() {
                        self.learn_of(&std::mem::take(&mut keys)).await?;
                    }
                }
            }
        }
        self.learn_of(&keys).await
    }

    /// Makes the look-ups that planning needs for these rows: their keys, further keys and spreadsheet row numbers.
    async fn learn_of(&mut self, rows: &[LookUpKeys]) -> Result<(), Halt> {
        let mut unknown = Vec::new();
        for row in rows {
            let is_listed = |planner: &Self| {
                let mut found = !planner.listed(&row.key)?.is_empty();
                for (field, value) in &row.others {
                    found |= !planner.listed_by(*field, value)?.is_empty();
                }
                Ok::<bool, Halt>(found)
            };
            if !is_listed(self)? {
                unknown.push(row);
            }
        }
        let keys: Vec<&str> = unknown.iter().map(|row| row.key.as_str()).collect();
        let found = self.search_all(&keys).await?;
        let records = self.by_key(&found.records);
        unknown.retain(|row| {
            let text = self.key_text(&Json::from(row.key.as_str()));
            let is_found = text.is_some_and(|text| records.contains_key(&text));
            !is_found && !found.unanswered.contains_key(&row.key)
        });
        let fields = self.context.prepared.checker.other_keys().iter();
        let fields = fields.copied().chain(self.renumbers_by());
        for field in fields.collect::<Vec<_>>() {
            let value = |row: &LookUpKeys| {
                let mut own = row.others.iter().chain(&row.sought);
                let own = own.find(|(other, _)| *other == field);
                own.map(|(_, value)| value.clone())
            };
            let before = self.find_by(field);
            let asked: Vec<String> = unknown.iter().filter_map(|row| value(row)).collect();
            let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
            let found = self.search_all(&asked).await?;
            let records = self.by_key(&found.records);
            unknown.retain(|row| {
                value(row).is_none_or(|value| {
                    let text = self.key_text(&Json::from(value.as_str()));
                    let is_found = text.is_some_and(|text| records.contains_key(&text));
                    !is_found && !found.unanswered.contains_key(&value)
                })
            });
            self.find_as(before);
        }
        let unknown: Vec<(&str, u64)> = unknown
            .iter()
            .map(|row| (row.key.as_str(), row.sheet_row))
            .collect();
        self.doubt(&unknown).await
    }

    /// Decides before the first look-up whether to list all records.
    pub async fn choose_once(&mut self) -> Result<(), Halt> {
        match std::mem::replace(&mut self.has_chosen, true) {
            true => Ok(()),
            false => self.choose().await,
        }
    }

    /// Lists all records if that takes fewer requests than searches.
    async fn choose(&mut self) -> Result<(), Halt> {
        let Some(look_up) = self.look_up.clone() else {
            return Ok(());
        };
        let prepared = self.context.prepared;
        let records = prepared.checker.spec().records_name();
        let at_once = look_up.keys_at_once() as u64;
        let (_, searches) = self.searches(&look_up);
        if look_up.can_find() && (searches <= 1 || !look_up.can_list()) {
            self.totals.how = message::how_looked_up(records, at_once);
            return Ok(());
        }
        if self.begin_from_snapshot(&look_up, searches).await? {
            return Ok(());
        }
        self.list_or_search(&look_up).await
    }

    /// The rows that may be looked up, and the searches that this takes.
    fn searches(&self, look_up: &LookUp) -> (u64, u64) {
        let survey = &self.context.prepared.survey;
        let rows = survey.rows - survey.invalid - survey.skipped - survey.superseded;
        let rows = self.context.delivery.selection.most(survey.rows, rows);
        (rows, rows.div_ceil(look_up.keys_at_once() as u64))
    }

    /// Lists all records, unless the total on the first page makes searches cheaper.
    pub async fn list_or_search(&mut self, look_up: &LookUp) -> Result<(), Halt> {
        let records = self.context.prepared.checker.spec().records_name();
        let at_once = look_up.keys_at_once() as u64;
        let (rows, searches) = self.searches(look_up);
        let page = look_up.page_size();
        // The first page shows the total.
        let mut walk = look_up.list();
        let Some(question) = walk.first() else {
            return Ok(());
        };
        let first = self.ask(look_up, &question).await?;
        self.take(&mut walk, &first)?;
        let listings = walk.total().map(|total| total.div_ceil(page));
        let is_worth = |listings| self.is_worth_listing(listings, searches);
        if look_up.can_find() && !listings.is_some_and(is_worth) {
            let total = walk.total();
            let total = total.map_or_else(|| message::how_many().into(), Argument::grouped);
            let (rows, searches) = (Argument::grouped(rows), Argument::grouped(searches));
            self.totals.how = message::how_searched(rows, records, at_once, searches, total);
            return Ok(());
        }
        let register = Register::new()?;
        self.note(&register, look_up, &walk, &first)?;
        let is_whole = self.list_rest(&register, look_up, &mut walk).await?;
        let (listed, rows) = (Argument::grouped(walk.listed()), Argument::grouped(rows));
        self.totals.how = match listings.is_some_and(|listings| listings > searches) {
            true if look_up.can_find() => message::how_listed_once(listed, records, page),
            _ => message::how_listed(listed, records, page, rows),
        };
        self.register = Some(register);
        if is_whole {
            self.keep_snapshot();
        }
        Ok(())
    }

    /// Adds all pages after the first one to the register. Returns whether it has all records then.
    ///
    /// Pages are requested concurrently if the total proves that they follow.
    async fn list_rest(
        &mut self,
        register: &Register,
        look_up: &LookUp,
        walk: &mut Walk<'_>,
    ) -> Result<bool, Halt> {
        loop {
            let room = self.context.transport.room();
            let ahead = match walk.ahead(room) {
                Ok(ahead) if ahead.is_empty() => return Ok(true),
                Ok(ahead) => ahead,
                // Records that were not listed are searched for.
                Err(LookUpError::Fewer { .. }) if look_up.can_find() => return Ok(false),
                Err(error) => return Err(self.unreadable(&error)),
            };
            let asked = ahead.iter().map(|question| self.ask(look_up, question));
            for (question, answered) in ahead.iter().zip(join_all(asked).await) {
                if walk.next().ok().flatten().as_ref() != Some(question) {
                    // The previous page was shorter than expected, so the next one starts at another offset.
                    break;
                }
                match answered {
                    Ok(page) => {
                        self.take(walk, &page)?;
                        self.note(register, look_up, walk, &page)?;
                    }
                    Err(halt) if has_nothing(&halt) && walk.is_past_the_end() => break,
                    Err(halt) => return Err(halt),
                }
            }
        }
    }

    /// Adds a page to a walk, and stops if the walk would never end.
    pub fn take(&self, walk: &mut Walk<'_>, page: &Page) -> Result<(), Halt> {
        walk.add(page).map_err(|error| self.unreadable(&error))
    }

    /// Returns the stop for a list that cannot be read or is incomplete.
    pub fn unreadable(&self, error: &LookUpError) -> Halt {
        self.doubted(error.message(), error.code())
    }

    /// Returns the stop for answers that contradict each other. Later batches do not reuse them.
    pub(super) fn doubted(&self, why: Message, cause: Code) -> Halt {
        if let Some(answers) = self.context.answers {
            answers.doubt();
        }
        Halt::Stop(Stop::unreadable(why, cause))
    }

    /// Takes a page of all records into the register.
    fn note(
        &mut self,
        register: &Register,
        look_up: &LookUp,
        walk: &Walk<'_>,
        page: &Page,
    ) -> Result<(), Halt> {
        for record in &page.records {
            self.note_keys(register, look_up, record)?;
            self.note_unique(register, look_up, record)?;
        }
        self.note_in_snapshot(page);
        let listed = walk.listed();
        self.report_progress(listed, page.total.unwrap_or(listed).max(listed));
        Ok(())
    }

    /// Adds a record to the register under each key by which rows are matched.
    pub fn note_keys(
        &self,
        register: &Register,
        look_up: &LookUp,
        record: &Json,
    ) -> Result<(), Halt> {
        if let Some(key) = look_up.key_of(record).and_then(|key| self.key_text(&key)) {
            register.add(&key, &record.to_string())?;
        }
        for field in self.context.prepared.checker.other_keys() {
            if let Some(key) = self.key_in(record, *field) {
                register.add(&other_key(*field, &key), &record.to_string())?;
            }
        }
        self.note_renumbering(register, record)
    }

    /// Reports the progress of the look-ups at intervals.
    pub fn report_progress(&mut self, done: u64, of: u64) {
        let now = self.context.clock.now();
        if now.saturating_sub(self.reported_at) >= EVERY {
            self.reported_at = now;
            self.context
                .observer
                .on_event(&RunEvent::LookedUp { done, of });
        }
    }

    pub async fn ask(&self, look_up: &LookUp, question: &Question) -> Result<Page, Halt> {
        let (answer, link, is_kept) = self.answer(question, &question.path).await?;
        let text = match self.context.answers.filter(|_| !is_kept) {
            Some(_) => answer.to_string(),
            None => String::new(),
        };
        let base_url = &self.context.delivery.client.base_url;
        let page = look_up.page(answer, link.as_deref(), (base_url, &question.path));
        let page =
            page.map_err(|error| Halt::Stop(Stop::unreadable(error.message(), error.code())))?;
        if !is_kept {
            self.keep_answer(question, || text)?;
        }
        Ok(page)
    }

    /// Keeps an answer for the next batch, if the run is planned in batches.
    pub(super) fn keep_answer(
        &self,
        question: &Question,
        answer: impl FnOnce() -> String,
    ) -> Result<(), Halt> {
        match self.context.answers {
            Some(answers) => {
                Ok(answers.keep(&*self.context.earlier.journal, question, answer())?)
            }
            None => Ok(()),
        }
    }

    /// Returns the answer to a question, its `Link` header, and whether it was cached.
    ///
    /// `told` is the path that a stop names.
    pub async fn answer(
        &self,
        question: &Question,
        told: &str,
    ) -> Result<(Json, Option<String>, bool), Halt> {
        let PlanContext {
            answers,
            transport,
            earlier,
            ..
        } = self.context;
        if let Some(kept) = answers {
            if let Some(answer) = kept.find(&*earlier.journal, question)? {
                return Ok((answer, None, true));
            }
            if kept.are_enough() {
                let after = Duration::ZERO;
                return Err(Halt::Stop(Stop::Due { after }));
            }
        }
        // A stop cancels requests in progress.
        let (_never, never) = watch::channel(false);
        let asked = transport.fetch_answer(&question.path, question.body.as_ref(), &never);
        let (fetched, beside) = asked.await?;
        self.dates.note(beside.date, self.context.clock.now());
        match fetched {
            Fetched::Json(answer) => Ok((answer, beside.link, false)),
            Fetched::NoJson => Ok((Json::Null, None, false)),
            Fetched::Halted => match transport.due() {
                Some(after) => Err(Halt::Stop(Stop::Due { after })),
                None => Ok((Json::Null, None, false)),
            },
            Fetched::Stopped(stop) => Err(Halt::Stop(at_path(stop, told))),
        }
    }

    /// Normalizes keys of a look-up for comparison.
    pub(super) fn key_texts(&self, look_up: &LookUp, keys: &[&str]) -> HashSet<Option<String>> {
        let text = |key: &&str| self.comparable(look_up.key(), &Json::from(*key));
        keys.iter().map(text).collect()
    }

    /// Normalizes a key for comparison.
    pub(super) fn key_text(&self, held: &Json) -> Option<String> {
        self.comparable(self.key?, held)
    }

    /// Normalizes a field's value for comparison.
    pub fn comparable(&self, field: usize, held: &Json) -> Option<String> {
        comparable(&self.context.prepared.checker, field, held)
    }

    /// The normalized key of a record by another field.
    pub(super) fn key_in(&self, record: &Json, field: usize) -> Option<String> {
        let look_up = LookUp::new(self.context.prepared.checker.spec(), field)?;
        let held = look_up.key_of(record)?;
        self.comparable(field, &held)
    }

    /// The listed records that a further key finds, as JSON.
    pub(super) fn listed_by(&self, field: usize, value: &str) -> Result<Vec<String>, Halt> {
        let key = self.comparable(field, &Json::from(value));
        match (&self.register, key) {
            (Some(register), Some(key)) => Ok(register.find(&other_key(field, &key))?),
            _ => Ok(Vec::new()),
        }
    }

    /// The listed records that a key finds, as JSON.
    fn listed(&self, key: &str) -> Result<Vec<String>, Halt> {
        let Some(register) = &self.register else {
            return Ok(Vec::new());
        };
        let key = self.key_text(&Json::from(key));
        Ok(register.find(&key.unwrap_or_default())?)
    }

    /// Finds the rows' records, and plans each row.
    pub async fn resolve(&mut self, rows: Vec<Unresolved>) -> Result<(), Halt> {
        let mut unknown = Vec::new();
        for row in rows {
            let records = parsed(&self.listed(&row.key)?);
            let by_others = self.listed_by_others(&row)?;
            let Some(row) = self.settle_known(row, &records, &by_others).await? else {
                continue;
            };
            match by_others.into_iter().next() {
                Some((field, records)) => self.keep_by(row, field, records).await?,
                None => unknown.push(row),
            }
        }
        // Records may have been added, or moved to another page, during the listing.
        let keys: Vec<&str> = unknown.iter().map(|row| row.key.as_str()).collect();
        let found = self.search_all(&keys).await?;
        let by_key = self.by_key(&found.records);
        let mut missing = Vec::new();
        for row in unknown {
            let key = self.key_text(&Json::from(row.key.as_str()));
            let records = key.and_then(|key| by_key.get(&key));
            match (records, found.unanswered.get(&row.key)) {
                (Some(records), _) => {
                    let by_others = self.beside(&row, &found.records);
                    let records: Vec<Json> =
                        records.iter().map(|record| (*record).clone()).collect();
                    self.settle_known(row, &records, &by_others).await?;
                }
                (None, Some(why)) => self.settle_unanswered(row, why).await?,
                (None, None) => missing.push(row),
            }
        }
        let missing = self.resolve_by_others(missing).await?;
        let missing = self.match_renumbered(missing).await?;
        let rows = missing.iter();
        let rows = rows.map(|row| (row.key.as_str(), row.mark.at.sheet_row));
        self.doubt(&rows.collect::<Vec<_>>()).await?;
        for row in missing {
            self.settle(row, &[]).await?;
        }
        Ok(())
    }

    /// Settles a row for which its key found these records. Returns a row without records, unless a record that a
    /// further key found is protected or contradicts another.
    async fn settle_known(
        &mut self,
        row: Unresolved,
        records: &[Json],
        by_others: &ByOthers,
    ) -> Result<Option<Unresolved>, Halt> {
        let of_others = by_others.iter().flat_map(|(_, records)| records);
        if self.is_protected(records.iter().chain(of_others)) {
            self.withhold(row.mark).await?;
        } else if let Some(fields) = self.contradicts(records, by_others) {
            self.settle_contradiction(row, fields).await?;
        } else if !records.is_empty() {
            self.settle(row, &records.iter().collect::<Vec<_>>())
                .await?;
        } else {
            return Ok(Some(row));
        }
        Ok(None)
    }

    /// Groups records by key.
    pub fn by_key<'r>(&self, records: &'r [Json]) -> HashMap<String, Vec<&'r Json>> {
        let mut by_key: HashMap<String, Vec<&Json>> = HashMap::new();
        for record in records {
            let key = self.look_up.as_ref().and_then(|how| how.key_of(record));
            if let Some(key) = key.and_then(|key| self.key_text(&key)) {
                by_key.entry(key).or_default().push(record);
            }
        }
        by_key
    }

    /// Reads records one by one that neither the list nor a search returned, and stops if one exists.
    ///
    /// `rows` are their keys and sheet rows. After a stop no row is reported as missing.
    async fn doubt(&mut self, rows: &[(&str, u64)]) -> Result<(), Halt> {
        // Records that were already read one by one are not read again.
        let Some(look_up) = self.look_up.clone().filter(|how| !how.finds_one()) else {
            return Ok(());
        };
        let left = REREAD.saturating_sub(self.reread);
        let questions = rows.iter().take(left);
        let questions = questions.filter_map(|row| Some((*row, look_up.read_by_key(row.0)?)));
        let questions: Vec<((&str, u64), Question)> = questions.collect();
        self.reread += questions.len();
        let mut left = &questions[..];
        while !left.is_empty() {
            let room = self.context.transport.room().clamp(1, left.len());
            let (round, others) = left.split_at(room);
            let asked = round
                .iter()
                .map(|(_, question)| self.read_one(&look_up, question));
            for (((key, line), _), answered) in round.iter().zip(join_all(asked).await) {
                let answer = answered?;
                let spec = self.context.prepared.checker.spec();
                let held = spec
                    .record_in(&answer)
                    .and_then(|record| look_up.key_of(record))
                    .and_then(|key| self.key_text(&key));
                if held.is_some() && held == self.key_text(&Json::from(*key)) {
                    let record = spec.record_name();
                    // Notifications include the reason of a stop, so it names the row and not the key.
                    let why = message::lookup_exists(record, *line, look_up.setting_of_search());
                    return Err(self.doubted(why, Code::ApiIncomplete));
                }
            }
            left = others;
        }
        Ok(())
    }

    /// Returns the answer with one record, or null if the API refuses to return the record.
    async fn read_one(&self, look_up: &LookUp, question: &Question) -> Result<Json, Halt> {
        // The key may be personal data and notifications include the reason of a stop: name the template.
        let (answer, _, is_kept) = match self.answer(question, look_up.read_path()).await {
            Err(halt) if gives_none(&halt) => (Json::Null, None, false),
            other => other?,
        };
        if !is_kept {
            self.keep_answer(question, || answer.to_string())?;
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests;
