use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value as Json;
use tokio::sync::{mpsc, watch};

use super::answers::KeptAnswers;
use super::items::{Item, What};
use super::work::{Halt, Planning, Unresolved, Work};
use crate::events::RunEvent;
use crate::journal::Register;
use crate::l10n::{number, say};
use crate::model::Code;
use crate::plan::{LookUp, Page, Progress, Question};
use crate::send::{Fetched, Stop};
use crate::targets::Kind;

/// Nanoseconds between two words about how far the look-ups have come.
const EVERY: u64 = 1_000_000_000;

/// Stops where an API gives the same page again: it would never end, and each page costs a request.
fn refuse_repeated(
    progress: &mut Progress,
    look_up: &LookUp,
    page: &Page,
    answers: Option<&KeptAnswers<'_>>,
) -> Result<(), Halt> {
    if progress.is_new(look_up, page) {
        return Ok(());
    }
    if let Some(answers) = answers {
        answers.doubt();
    }
    Err(Halt::Stop(Stop::LookUp {
        why: say().lookup_same_page(),
        cause: Code::ApiSamePage,
        status: None,
        message: String::new(),
    }))
}

/// A stop because a look-up was refused, with the path that was asked. What stands behind it may name
/// somebody, and is left out.
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
                why: say().stop_lookup_at(why, path),
                cause,
                status: Some(status),
                message,
            }
        }
        other => other,
    }
}

/// How far a listing of all records has come.
#[derive(Default)]
struct Listing {
    progress: Progress,
    /// Records seen.
    passed: u64,
}

/// How the records of the rows are found.
impl Work<'_> {
    /// Rows that are looked up at once: a page for each request that may be under way. Every slice of a
    /// plan asks for the same ones together, however the API fares meanwhile.
    pub(super) fn round(&self) -> usize {
        let page = self.look_up.as_ref().map_or(1, LookUp::page_size);
        page * match &self.planning.answers {
            Some(_) => self.planning.delivery.sender.concurrency.max(1),
            None => self.planning.transport.room(),
        }
    }

    /// Has everything answered that planning will ask, and plans nothing: so that a plan which takes many
    /// slices is written once, when all is known.
    pub(super) async fn learn(&mut self, mut items: mpsc::Receiver<Vec<Item>>) -> Result<(), Halt> {
        let mut keys = Vec::new();
        while let Some(items) = items.recv().await {
            for item in items {
                if self.succeeded_before(&item)?.is_some() {
                    continue;
                }
                if let What::LookUp { key, .. } = item.what {
                    self.choose_once().await?;
                    keys.push(key);
                    if keys.len() >= self.round() {
                        self.learn_of(&std::mem::take(&mut keys)).await?;
                    }
                }
            }
        }
        self.learn_of(&keys).await
    }

    async fn learn_of(&self, keys: &[String]) -> Result<(), Halt> {
        let mut unknown = Vec::new();
        for key in keys {
            if self.listed(key)?.is_empty() {
                unknown.push(key.as_str());
            }
        }
        self.search_all(&unknown).await?;
        Ok(())
    }

    /// Lists the whole register where that is less work, before the first row is looked up.
    pub(super) async fn choose_once(&mut self) -> Result<(), Halt> {
        match std::mem::replace(&mut self.has_chosen, true) {
            true => Ok(()),
            false => self.choose().await,
        }
    }

    /// Lists the whole register where that takes fewer requests than looking the rows up.
    async fn choose(&mut self) -> Result<(), Halt> {
        let Some(look_up) = self.look_up.clone() else {
            return Ok(());
        };
        let prepared = self.planning.prepared;
        let records = prepared.checker.spec().records_name();
        let survey = &prepared.survey;
        let rows = survey.rows - survey.invalid - survey.superseded;
        let rows = self.planning.delivery.selection.most(survey.rows, rows);
        let page = look_up.page_size() as u64;
        let searches = rows.div_ceil(page);
        if look_up.can_search() && (searches <= 1 || !look_up.can_list()) {
            self.planned.how = say().how_looked_up(records, page);
            return Ok(());
        }
        // One request tells how many there are, and is the first page if they are listed.
        let Some(question) = look_up.list(None) else {
            return Ok(());
        };
        let mut this = self.ask(&look_up, &question).await?;
        let listings = this.total.map(|total| total.div_ceil(page));
        if look_up.can_search() && listings.is_none_or(|listings| listings > searches) {
            let total = this.total.map_or_else(|| say().how_many(), number);
            self.planned.how =
                say().how_searched(number(rows), records, page, number(searches), total);
            return Ok(());
        }
        let register = Register::new()?;
        let mut listing = Listing::default();
        self.note(&register, &look_up, &mut listing, &this)?;
        // The pages that are known to follow, as many at a time as may be under way.
        let mut following: VecDeque<u64> = look_up.following(&this).into();
        let mut before = 0;
        while !following.is_empty() {
            let room = self.planning.transport.room().min(following.len());
            let round: Vec<u64> = following.drain(..room).collect();
            let asked = round.iter().map(|passed| self.ask_after(&look_up, *passed));
            for (passed, next) in round.iter().zip(join_all(asked).await) {
                (this, before) = (next?, *passed);
                self.note(&register, &look_up, &mut listing, &this)?;
                if this.records.len() < look_up.page_size() {
                    // Where the next page begins is not what was thought, if there is one.
                    following.clear();
                    break;
                }
            }
        }
        while let Some(question) = look_up.list(Some((&this, before))) {
            before = listing.passed;
            this = self.ask(&look_up, &question).await?;
            self.note(&register, &look_up, &mut listing, &this)?;
        }
        let passed = listing.passed;
        self.planned.how = say().how_listed(number(passed), records, page, number(rows));
        self.register = Some(register);
        Ok(())
    }

    /// Takes a page of all records into the register.
    fn note(
        &mut self,
        register: &Register,
        look_up: &LookUp,
        listing: &mut Listing,
        page: &Page,
    ) -> Result<(), Halt> {
        refuse_repeated(&mut listing.progress, look_up, page, self.planning.answers)?;
        for record in &page.records {
            if let Some(key) = look_up.key_of(record).and_then(|key| self.key_text(key)) {
                register.add(&key, &record.to_string())?;
            }
            self.note_unique(register, look_up, record)?;
        }
        listing.passed += page.records.len() as u64;
        self.tell(listing.passed, page.total.unwrap_or(listing.passed));
        Ok(())
    }

    /// The page of all records before which `passed` stand.
    async fn ask_after(&self, look_up: &LookUp, passed: u64) -> Result<Page, Halt> {
        match look_up.list_after(passed) {
            Some(question) => self.ask(look_up, &question).await,
            None => Ok(Page::default()),
        }
    }

    /// Tells how far the look-ups have come, now and then.
    pub(super) fn tell(&mut self, done: u64, of: u64) {
        let now = self.planning.clock.now();
        if now.saturating_sub(self.told_at) >= EVERY {
            self.told_at = now;
            self.planning
                .observer
                .on_event(&RunEvent::LookedUp { done, of });
        }
    }

    async fn ask(&self, look_up: &LookUp, question: &Question) -> Result<Page, Halt> {
        let Planning { answers, past, .. } = self.planning;
        let (answer, is_kept) = self.answer(question).await?;
        let text = match answers.filter(|_| !is_kept) {
            Some(_) => answer.to_string(),
            None => String::new(),
        };
        let base_url = &self.planning.delivery.client.base_url;
        let page = look_up.page(answer, base_url).map_err(|error| {
            Halt::Stop(Stop::LookUp {
                why: error.to_string(),
                cause: Code::ApiNoList,
                status: None,
                message: String::new(),
            })
        })?;
        if let Some(answers) = answers.filter(|_| !is_kept) {
            answers.keep(&**past, question, text)?;
        }
        Ok(page)
    }

    /// What the API answers, or has answered to an earlier slice, and whether that was so.
    async fn answer(&self, question: &Question) -> Result<(Json, bool), Halt> {
        let Planning {
            answers,
            transport,
            past,
            ..
        } = self.planning;
        if let Some(kept) = answers {
            if let Some(answer) = kept.find(&**past, question)? {
                return Ok((answer, true));
            }
            if kept.are_enough() {
                let after = Duration::ZERO;
                return Err(Halt::Stop(Stop::Due { after }));
            }
        }
        // Stopping drops what is under way.
        let (_never, never) = watch::channel(false);
        let asked = transport.fetch(&question.path, question.body.as_ref(), &never);
        match asked.await? {
            Fetched::Json(answer) => Ok((answer, false)),
            Fetched::NoJson => Ok((Json::Null, false)),
            Fetched::Halted => match transport.due() {
                Some(after) => Err(Halt::Stop(Stop::Due { after })),
                None => Ok((Json::Null, false)),
            },
            Fetched::Stopped(stop) => Err(Halt::Stop(at_path(stop, &question.path))),
        }
    }

    /// All records that have one of the keys.
    async fn search(&self, look_up: &LookUp, keys: &[&str]) -> Result<Vec<Json>, Halt> {
        let mut found = Vec::new();
        let mut next = look_up.search(keys, None);
        let mut passed = 0;
        let mut progress = Progress::default();
        while let Some(question) = next {
            let page = self.ask(look_up, &question).await?;
            refuse_repeated(&mut progress, look_up, &page, self.planning.answers)?;
            self.refuse_unasked(look_up, keys, &page)?;
            next = look_up.search(keys, Some((&page, passed)));
            passed += page.records.len() as u64;
            found.extend(page.records);
        }
        Ok(found)
    }

    /// Stops where an answer to a search holds more than was asked for: the API has passed the filter
    /// over, and would hand out its whole register for every search.
    fn refuse_unasked(&self, look_up: &LookUp, keys: &[&str], page: &Page) -> Result<(), Halt> {
        let asked = keys.len() as u64;
        let found = page.total.unwrap_or(0).max(page.records.len() as u64);
        if found <= asked {
            return Ok(());
        }
        // Two records may have one key, where the API lets them: that is no fault of the search.
        let keys: HashSet<Option<String>> = keys
            .iter()
            .map(|key| self.key_text(&Json::from(*key)))
            .collect();
        let was_asked = |record: &Json| {
            let key = look_up.key_of(record).and_then(|key| self.key_text(key));
            key.is_some() && keys.contains(&key)
        };
        if page.records.iter().all(was_asked) {
            return Ok(());
        }
        if let Some(answers) = self.planning.answers {
            answers.doubt();
        }
        Err(Halt::Stop(Stop::LookUp {
            why: say().lookup_unasked(asked, found),
            cause: Code::ApiUnasked,
            status: None,
            message: String::new(),
        }))
    }

    /// A key as it is compared: normalised, and e-mail addresses without regard to case.
    fn key_text(&self, held: &Json) -> Option<String> {
        self.comparable(self.planning.prepared.survey.key()?, held)
    }

    /// A field's value as it is compared: the same.
    pub(super) fn comparable(&self, field: usize, held: &Json) -> Option<String> {
        let checker = &self.planning.prepared.checker;
        let text = match checker.normalised(field, held) {
            Json::String(text) => text,
            Json::Number(number) => number.to_string(),
            _ => return None,
        };
        Some(if checker.spec().fields[field].kind == Kind::Email {
            text.to_lowercase()
        } else {
            text
        })
    }

    /// The listed records that a key finds, as JSON.
    fn listed(&self, key: &str) -> Result<Vec<String>, Halt> {
        let Some(register) = &self.register else {
            return Ok(Vec::new());
        };
        let key = self.key_text(&Json::from(key));
        Ok(register.find(&key.unwrap_or_default())?)
    }

    /// All records that the keys find, a page of them a request; nothing where none can be searched for.
    async fn search_all(&self, keys: &[&str]) -> Result<Vec<Json>, Halt> {
        let Some(look_up) = self.look_up.as_ref().filter(|look_up| look_up.can_search()) else {
            return Ok(Vec::new());
        };
        let chunks: Vec<&[&str]> = keys.chunks(look_up.page_size()).collect();
        let mut found = Vec::new();
        // The first request goes alone: if the credentials are wrong, one has told so.
        let transport = self.planning.transport;
        let alone = usize::from(!transport.has_sent());
        let (one, mut others) = chunks.split_at(alone.min(chunks.len()));
        let mut part = one;
        loop {
            let asked = part.iter().map(|chunk| self.search(look_up, chunk));
            for records in join_all(asked).await {
                found.extend(records?);
            }
            if others.is_empty() {
                return Ok(found);
            }
            // As many as may be under way, which may be fewer than a moment ago.
            (part, others) = others.split_at(transport.room().clamp(1, others.len()));
        }
    }

    /// Finds the rows' records, and plans each row.
    pub(super) async fn resolve(&mut self, rows: Vec<Unresolved>) -> Result<(), Halt> {
        let mut unknown = Vec::new();
        for row in rows {
            let listed = self.listed(&row.key)?;
            let records: Vec<Json> = listed
                .iter()
                .filter_map(|record| serde_json::from_str(record).ok())
                .collect();
            if records.is_empty() {
                unknown.push(row);
            } else {
                self.settle(row, &records.iter().collect::<Vec<_>>())
                    .await?;
            }
        }
        // A record may have come, or slipped from one page to another, while they were listed.
        let keys: Vec<&str> = unknown.iter().map(|row| row.key.as_str()).collect();
        let found = self.search_all(&keys).await?;
        let mut by_key: HashMap<String, Vec<&Json>> = HashMap::new();
        for record in &found {
            let key = self.look_up.as_ref().and_then(|how| how.key_of(record));
            if let Some(key) = key.and_then(|key| self.key_text(key)) {
                by_key.entry(key).or_default().push(record);
            }
        }
        for row in unknown {
            let key = self.key_text(&Json::from(row.key.as_str()));
            let records = key.and_then(|key| by_key.get(&key)).cloned();
            self.settle(row, &records.unwrap_or_default()).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
