//! Stored answers let a batch continue a plan without repeated requests.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value as Json;
use xxhash_rust::xxh3::Xxh3;

use crate::clock::{Clock, UnixNanos, nanos};
use crate::journal::{AnswerStore, JournalError};
use crate::plan::Question;
use crate::run::context::Batch;
use crate::send::Stats;

/// How long an answer may exist only in this process. Another process repeats the requests since.
const UNKEPT: Duration = Duration::from_secs(1);

/// The maximum size of answers in memory, in bytes.
const HELD: usize = 32 << 20;

/// The answers of the API to a run that is planned in batches. Each batch asks the same questions in the same order,
/// and only new questions cost a request.
pub struct AnswerCache<'a> {
    run: i64,
    account: &'a str,
    stats: &'a Stats,
    clock: &'a dyn Clock,
    /// The maximum number of requests of a batch.
    most: u64,
    held: Mutex<Held>,
}

struct Held {
    /// The numbers of the questions whose answers the journal has.
    kept: HashSet<i64>,
    /// The answers to this batch, as JSON.
    own: HashMap<i64, String>,
    /// The numbers of those that the journal does not have.
    unkept: Vec<i64>,
    bytes: usize,
    kept_at: UnixNanos,
    /// Requests that are counted in the journal.
    counted: u64,
    /// Whether the answers contradict each other.
    are_doubted: bool,
}

/// Identifies a question of a run. The account is part of it: with other credentials, an address may belong to
/// another school.
fn number_of(account: &str, question: &Question) -> i64 {
    let mut hash = Xxh3::new();
    hash.update(account.as_bytes());
    hash.update(&[0]);
    hash.update(question.path.as_bytes());
    hash.update(&[0]);
    if let Some(body) = &question.body {
        hash.update(body.to_string().as_bytes());
    }
    hash.digest().cast_signed()
}

impl<'a> AnswerCache<'a> {
    /// Opens the answers that `journal` has for `run`, unless they have expired.
    pub fn of(
        (run, account): (i64, &'a str),
        journal: &dyn AnswerStore,
        batch: Batch,
        (stats, clock): (&'a Stats, &'a dyn Clock),
    ) -> Result<AnswerCache<'a>, JournalError> {
        Ok(AnswerCache {
            run,
            account,
            stats,
            clock,
            most: batch.rows as u64,
            held: Mutex::new(Held {
                kept: journal.questions(run)?.into_iter().collect(),
                own: HashMap::new(),
                unkept: Vec::new(),
                bytes: 0,
                kept_at: clock.now(),
                counted: stats.requests(),
                are_doubted: false,
            }),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this batch has made its maximum number of requests.
    pub(super) fn are_enough(&self) -> bool {
        self.stats.requests() >= self.most
    }

    /// Returns the cached answer to a question.
    pub fn find(
        &self,
        journal: &dyn AnswerStore,
        question: &Question,
    ) -> Result<Option<Json>, JournalError> {
        let number = number_of(self.account, question);
        let held = self.lock();
        let kept = match held.own.get(&number) {
            // An unreadable answer is requested again.
            Some(json) => return Ok(serde_json::from_str(json).ok()),
            None if held.kept.contains(&number) => journal.answer(self.run, number)?,
            None => None,
        };
        Ok(kept.and_then(|json| serde_json::from_str(&json).ok()))
    }

    /// Keeps an answer, as JSON.
    pub fn keep(
        &self,
        journal: &dyn AnswerStore,
        question: &Question,
        answer: String,
    ) -> Result<(), JournalError> {
        let number = number_of(self.account, question);
        let mut held = self.lock();
        held.bytes += answer.len();
        // Concurrent equal questions get one answer each.
        if held.own.insert(number, answer).is_none() {
            held.unkept.push(number);
        }
        let is_due = self.clock.now().saturating_sub(held.kept_at) >= nanos(UNKEPT);
        let is_full = held.bytes >= HELD;
        if is_due || is_full {
            self.write(journal, &mut held)?;
        }
        if is_full {
            held.own.clear();
            held.bytes = 0;
        }
        Ok(())
    }

    /// Marks the stored answers as inconsistent, so that no batch continues from them.
    pub(super) fn doubt(&self) {
        self.lock().are_doubted = true;
    }

    /// Stores the answers to this batch for the next one; none if they contradict each other.
    fn leave(&self, journal: &dyn AnswerStore) -> Result<(), JournalError> {
        let mut held = self.lock();
        if held.are_doubted {
            held.unkept.clear();
            journal.forget_answers(self.run)?;
        }
        self.write(journal, &mut held)
    }

    fn write(&self, journal: &dyn AnswerStore, held: &mut Held) -> Result<(), JournalError> {
        let made = self.stats.requests();
        let numbers = std::mem::take(&mut held.unkept);
        let answer = |number: &i64| Some((*number, held.own.get(number)?.as_str()));
        let answers: Vec<(i64, &str)> = numbers.iter().filter_map(answer).collect();
        journal.keep_answers(self.run, &answers, made.saturating_sub(held.counted))?;
        (held.counted, held.kept_at) = (made, self.clock.now());
        held.kept.extend(numbers);
        Ok(())
    }

    /// Ends planning, and returns the requests to count with the plan. An incomplete plan leaves its answers to the
    /// next batch; storing a complete plan removes them.
    pub fn conclude(&self, journal: &dyn AnswerStore, is_whole: bool) -> Result<u64, JournalError> {
        if is_whole {
            return Ok(self.uncounted());
        }
        self.leave(journal)?;
        Ok(0)
    }

    /// Returns the requests that the journal has not counted yet, and marks them as counted.
    fn uncounted(&self) -> u64 {
        let mut held = self.lock();
        let made = self.stats.requests();
        made.saturating_sub(std::mem::replace(&mut held.counted, made))
    }
}

#[cfg(test)]
mod tests;
