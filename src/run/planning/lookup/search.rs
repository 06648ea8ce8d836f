//! Searches find records by their keys and verify that the answers match the request.

use std::collections::HashMap;

use futures_util::future::join_all;
use serde_json::Value as Json;

use super::records::has_nothing;
use crate::l10n::message;
use crate::model::Code;
use crate::plan::{LookUp, Question};
use crate::run::planning::row_planner::{Halt, RowPlanner, Unresolved};
use crate::run::planning::row_tasks::problem_in;
use crate::send::Stop;

/// The result of a search for several keys.
#[derive(Default)]
pub struct SearchResult {
    pub records: Vec<Json>,
    /// The keys whose records neither exist nor are missing according to the answers.
    pub(super) unanswered: HashMap<String, Unanswered>,
}

impl SearchResult {
    fn add(&mut self, key: &str, why: Unanswered) {
        self.unanswered.insert(key.to_owned(), why);
    }
}

/// Why it is not known whether a record exists.
pub enum Unanswered {
    /// A request cannot hold this part of the key.
    Unwritable(String),
    /// The API refused the request for this record with this status.
    Refused(u64),
    /// The API returned a record that has another key.
    Other,
}

impl RowPlanner<'_> {
    /// Searches by keys, with the maximum number of keys per request. Finds nothing if the target has no search by
    /// this key.
    pub(super) async fn search_all(&self, keys: &[&str]) -> Result<SearchResult, Halt> {
        match self.look_up.as_ref().filter(|look_up| look_up.can_find()) {
            Some(look_up) => self.search_by(look_up, keys).await,
            None => Ok(SearchResult::default()),
        }
    }

    /// Searches by the keys of a look-up.
    pub async fn search_by(&self, look_up: &LookUp, keys: &[&str]) -> Result<SearchResult, Halt> {
        let mut found = SearchResult::default();
        let mut askable = Vec::with_capacity(keys.len());
        for key in keys {
            match look_up.unwritable(key) {
                Some(part) => found.add(key, Unanswered::Unwritable(part.to_owned())),
                None => askable.push(*key),
            }
        }
        let chunks: Vec<&[&str]> = askable.chunks(look_up.keys_at_once()).collect();
        // The first request is alone: wrong credentials then cost one request.
        let transport = self.context.transport;
        let alone = usize::from(!transport.has_sent());
        let (one, mut others) = chunks.split_at(alone.min(chunks.len()));
        let mut part = one;
        loop {
            let asked = part.iter().map(|chunk| self.find(look_up, chunk));
            for one in join_all(asked).await {
                let one = one?;
                found.records.extend(one.records);
                found.unanswered.extend(one.unanswered);
            }
            if others.is_empty() {
                return Ok(found);
            }
            // The allowed concurrency may have changed since.
            (part, others) = others.split_at(transport.room().clamp(1, others.len()));
        }
    }

    async fn find(&self, look_up: &LookUp, keys: &[&str]) -> Result<SearchResult, Halt> {
        let mut found = SearchResult::default();
        let questions = keys
            .iter()
            .filter_map(|key| Some((*key, look_up.find_one(key)?)));
        let questions: Vec<(&str, Question)> = questions.collect();
        if questions.is_empty() {
            found.records = self.search(look_up, keys).await?;
        }
        for (key, question) in questions {
            let answer = self.find_one(look_up, &question).await?;
            if answer.is_null() {
                continue;
            }
            if let Some(status) = answer.as_u64() {
                found.add(key, Unanswered::Refused(status));
                continue;
            }
            let spec = self.context.prepared.checker.spec();
            let record = spec.record_in(&answer);
            let Some(record) = record.filter(|record| look_up.id_of(record).is_some()) else {
                let place = [&*spec.answers.record, look_up.id_pointer()].concat();
                let why = message::lookup_no_record(look_up.path_of_one(), place);
                return Err(self.doubted(why, Code::ApiNoRecord));
            };
            let held = look_up.key_of(record).and_then(|held| self.key_text(&held));
            match held.is_some() && held == self.key_text(&Json::from(key)) {
                true => found.records.push(record.clone()),
                false => found.add(key, Unanswered::Other),
            }
        }
        Ok(found)
    }

    /// Returns the answer with one record: null if there is none, and the status if the API refuses to
    /// return this one.
    async fn find_one(&self, look_up: &LookUp, question: &Question) -> Result<Json, Halt> {
        // The key may be personal data and notifications include the reason of a stop: name the template.
        let (answer, _, is_kept) = match self.answer(question, look_up.path_of_one()).await {
            Err(halt) if has_nothing(&halt) => (Json::Null, None, false),
            Err(halt) => match self.refuses_row(&halt) {
                Some(status) => (status.into(), None, false),
                None => return Err(halt),
            },
            // An empty answer says nothing.
            Ok((Json::Null | Json::Number(_), _, false)) => (Json::Bool(true), None, true),
            Ok(answer) => answer,
        };
        if !is_kept {
            self.keep_answer(question, || answer.to_string())?;
        }
        Ok(answer)
    }

    /// Returns the status by which the API refuses to return one record, if the others are unaffected.
    fn refuses_row(&self, halt: &Halt) -> Option<u16> {
        let Halt::Stop(Stop::LookUp { status, .. }) = halt else {
            return None;
        };
        let answers = &self.context.prepared.checker.spec().answers;
        status.filter(|status| answers.reject.contains(status))
    }

    /// Returns the records with one of the keys. It stops once every key is found, unless a further page
    /// may have other records with the same keys.
    async fn search(&self, look_up: &LookUp, keys: &[&str]) -> Result<Vec<Json>, Halt> {
        let mut found = Vec::new();
        let mut walk = look_up.search(keys);
        let mut sought = self.key_texts(look_up, keys);
        let mut next = walk.first();
        while let Some(question) = next {
            match self.ask(look_up, &question).await {
                Ok(page) => {
                    self.take(&mut walk, &page)?;
                    let total = page.total;
                    for key in page
                        .records
                        .iter()
                        .filter_map(|found| look_up.key_of(found))
                    {
                        sought.remove(&self.comparable(look_up.key(), &key));
                    }
                    found.extend(page.records);
                    self.refuse_unasked(look_up, keys, &found, total)?;
                }
                Err(halt) if has_nothing(&halt) && walk.is_past_the_end() => {}
                Err(halt) => return Err(halt),
            }
            if sought.is_empty() && !walk.may_hold_twins() {
                break;
            }
            next = walk.next().map_err(|error| self.unreadable(&error))?;
        }
        Ok(found)
    }

    /// Stops if an answer has more records than requested: the API ignores the filter and would return all records
    /// for each search.
    fn refuse_unasked(
        &self,
        look_up: &LookUp,
        keys: &[&str],
        records: &[Json],
        total: Option<u64>,
    ) -> Result<(), Halt> {
        let asked = keys.len() as u64;
        let found = total.unwrap_or(0).max(records.len() as u64);
        if found <= asked || look_up.is_partial() {
            return Ok(());
        }
        // Several records may share a key, which is no error of the search.
        let keys = self.key_texts(look_up, keys);
        let was_asked = |record: &Json| {
            let key = look_up.key_of(record);
            let key = key.and_then(|key| self.comparable(look_up.key(), &key));
            key.is_some() && keys.contains(&key)
        };
        if records.iter().all(was_asked) {
            return Ok(());
        }
        let why = match look_up.can_be_partial() {
            true => message::lookup_unasked_by_query(asked, found),
            false => message::lookup_unasked(asked, found),
        };
        Err(self.doubted(why, Code::ApiUnasked))
    }

    /// Reports a row of which it is not known whether its record exists.
    pub(super) async fn settle_unanswered(
        &mut self,
        row: Unresolved,
        why: &Unanswered,
    ) -> Result<(), Halt> {
        let prepared = self.context.prepared;
        let spec = prepared.checker.spec();
        let key = row.key.as_str();
        let (code, text) = match why {
            Unanswered::Unwritable(part) => (
                "lookup.unwritable",
                message::row_unwritable(part.as_str(), key),
            ),
            Unanswered::Refused(status) => {
                ("lookup.refused", message::row_look_up_refused(key, *status))
            }
            Unanswered::Other => (
                "lookup.other_key",
                message::row_other_key(key, spec.record_name()),
            ),
        };
        let problem = problem_in(&prepared.checker, self.key, code, text);
        self.done += 1;
        self.invalid(row.mark, problem).await
    }
}

#[cfg(test)]
mod tests;
