use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value as Json;
use xxhash_rust::xxh3::Xxh3;

use super::context::Slice;
use crate::journal::{Journal, JournalError};
use crate::plan::Question;
use crate::send::Stats;

/// For how long answers stand that a run left behind which nobody went on with: after that its records
/// are read anew.
const BELIEVED: Duration = Duration::from_secs(24 * 3600);

/// What the API has answered so far to a run that is planned a slice at a time. Its slices ask the same
/// questions in the same order, and only those that none of them has asked before cost a request.
pub(super) struct KeptAnswers<'a> {
    run: i64,
    stats: &'a Stats,
    /// Requests that a slice makes at most.
    most: u64,
    /// Requests that are counted in the journal.
    counted: AtomicU64,
}

/// What tells a question from all others of its run.
fn number_of(question: &Question) -> i64 {
    let mut hash = Xxh3::new();
    hash.update(question.path.as_bytes());
    hash.update(&[0]);
    if let Some(body) = &question.body {
        hash.update(body.to_string().as_bytes());
    }
    hash.digest().cast_signed()
}

impl<'a> KeptAnswers<'a> {
    /// What `journal` holds for `run`, unless it has lain there for too long.
    pub(super) fn of(
        run: i64,
        journal: &Journal,
        slice: Slice,
        stats: &'a Stats,
    ) -> Result<KeptAnswers<'a>, JournalError> {
        journal.forget_answers(run, BELIEVED)?;
        Ok(KeptAnswers {
            run,
            stats,
            most: slice.rows as u64,
            counted: AtomicU64::new(stats.requests()),
        })
    }

    /// Whether this slice has made as many requests as it may.
    pub(super) fn are_enough(&self) -> bool {
        self.stats.requests() >= self.most
    }

    /// The answer to a question, if it was asked before.
    pub(super) fn find(
        &self,
        journal: &Journal,
        question: &Question,
    ) -> Result<Option<Json>, JournalError> {
        let kept = journal.answer(self.run, number_of(question))?;
        // What cannot be understood is asked for again.
        Ok(kept.and_then(|json| serde_json::from_str(&json).ok()))
    }

    /// Keeps an answer, as JSON.
    pub(super) fn keep(
        &self,
        journal: &Journal,
        question: &Question,
        answer: &str,
    ) -> Result<(), JournalError> {
        let requests = self.uncounted();
        journal.keep_answer(self.run, number_of(question), answer, requests)
    }

    /// Forgets all answers: they are in the plan, or cannot be made sense of.
    pub(super) fn forget(&self, journal: &Journal) -> Result<(), JournalError> {
        journal.forget_answers(self.run, Duration::ZERO)
    }

    /// Requests that were made and are not counted in the journal yet: from now on they are.
    pub(super) fn uncounted(&self) -> u64 {
        let made = self.stats.requests();
        made.saturating_sub(self.counted.swap(made, Ordering::Relaxed))
    }
}
