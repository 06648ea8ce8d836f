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

/// How long an answer may be in this process alone: whoever takes over asks again what came since.
const UNKEPT: Duration = Duration::from_secs(1);

/// Bytes of answers that are held here, beside the journal.
const HELD: usize = 32 << 20;

/// What the API has answered so far to a run that is planned a slice at a time. Its slices ask the same
/// questions in the same order, and only those that none of them has asked before cost a request.
pub struct AnswerCache<'a> {
    run: i64,
    account: &'a str,
    stats: &'a Stats,
    clock: &'a dyn Clock,
    /// Requests that a slice makes at most.
    most: u64,
    held: Mutex<Held>,
}

struct Held {
    /// What the journal has, by the question's number.
    kept: HashSet<i64>,
    /// What was answered to this slice, as JSON.
    own: HashMap<i64, String>,
    /// Those of them that the journal does not have.
    unkept: Vec<i64>,
    bytes: usize,
    kept_at: UnixNanos,
    /// Requests that are counted in the journal.
    counted: u64,
    /// Whether what was answered contradicts itself.
    are_doubted: bool,
}

/// What tells a question from all others of its run. Who asks is part of it: with other credentials the same
/// address may be another school's.
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
    /// What `journal` holds for `run`, unless it has lain there for too long.
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

    /// Whether this slice has made as many requests as it may.
    pub(super) fn are_enough(&self) -> bool {
        self.stats.requests() >= self.most
    }

    /// The answer to a question, if it was asked before.
    pub fn find(
        &self,
        journal: &dyn AnswerStore,
        question: &Question,
    ) -> Result<Option<Json>, JournalError> {
        let number = number_of(self.account, question);
        let held = self.lock();
        let kept = match held.own.get(&number) {
            // What cannot be understood is asked for again.
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
        // Two who ask the same at once get one answer each.
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

    /// Has the journal hold what was answered to this slice, for the next one; nothing where it contradicts
    /// itself.
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

    /// Ends the plan, and returns the requests to be counted with it. A plan that was stopped leaves its answers
    /// to the next slice; those of a whole one are forgotten in the step that says what becomes of it.
    pub fn conclude(&self, journal: &dyn AnswerStore, is_whole: bool) -> Result<u64, JournalError> {
        if is_whole {
            return Ok(self.uncounted());
        }
        self.leave(journal)?;
        Ok(0)
    }

    /// Requests that were made and are not counted in the journal yet: from now on they are.
    fn uncounted(&self) -> u64 {
        let mut held = self.lock();
        let made = self.stats.requests();
        made.saturating_sub(std::mem::replace(&mut held.counted, made))
    }
}

#[cfg(test)]
mod tests;
