//! Tests of `run/planning/lookup/answer_cache`.

use std::cell::{Cell, RefCell};

use serde_json::json;

use super::*;
use crate::clock::VirtualClock;
use crate::run::tests::later;

fn question(path: &str) -> Question {
    Question {
        path: path.to_owned(),
        body: None,
    }
}

#[test]
fn requests_of_other_accounts_are_cached_separately() {
    let first = question("/student?limit=50&offset=0");
    assert_eq!(number_of("a", &first), number_of("a", &first));
    assert_ne!(number_of("a", &first), number_of("b", &first));
    let next = question("/student?limit=50&offset=50");
    assert_ne!(number_of("a", &first), number_of("a", &next));
    let asked = |key: &str| Question {
        body: Some(json!({"id": key})),
        ..first.clone()
    };
    assert_ne!(number_of("a", &asked("p1")), number_of("a", &asked("p2")));
}

/// A journal that keeps answers in memory.
#[derive(Default)]
struct Kept {
    answers: RefCell<HashMap<i64, String>>,
    requests: Cell<u64>,
}

impl AnswerStore for Kept {
    fn keep_answers(
        &self,
        _run: i64,
        answers: &[(i64, &str)],
        requests: u64,
    ) -> Result<(), JournalError> {
        for (number, answer) in answers {
            let before = self
                .answers
                .borrow_mut()
                .insert(*number, (*answer).to_owned());
            assert_eq!(before, None, "each is kept once");
        }
        self.requests.set(self.requests.get() + requests);
        Ok(())
    }

    fn questions(&self, _run: i64) -> Result<Vec<i64>, JournalError> {
        Ok(self.answers.borrow().keys().copied().collect())
    }

    fn answer(&self, _run: i64, question: i64) -> Result<Option<String>, JournalError> {
        let answer = self.answers.borrow().get(&question).cloned();
        assert!(answer.is_some(), "only stored answers are searched");
        Ok(answer)
    }

    fn forget_answers(&self, _run: i64) -> Result<(), JournalError> {
        self.answers.borrow_mut().clear();
        Ok(())
    }
}

/// The shared state of the batches of a run.
struct Batches {
    clock: VirtualClock,
    kept: Kept,
    stats: Stats,
}

impl Batches {
    fn new() -> Batches {
        let start = "2026-08-20T18:00:00Z".parse().unwrap();
        Batches {
            clock: VirtualClock::starting_at(start),
            kept: Kept::default(),
            stats: Stats::default(),
        }
    }

    /// The cache of a batch that starts now and makes `rows` requests.
    fn batch(&self, rows: usize) -> AnswerCache<'_> {
        let batch = Batch {
            rows,
            patience: Duration::ZERO,
            retries_before: 0,
            throttled_before: 0,
            late: Duration::ZERO,
        };
        AnswerCache::of((7, "a"), &self.kept, batch, (&self.stats, &self.clock)).unwrap()
    }

    fn find(&self, answers: &AnswerCache<'_>, path: &str) -> Option<Json> {
        answers.find(&self.kept, &question(path)).unwrap()
    }

    /// Stores an answer for a batch.
    fn keep(&self, answers: &AnswerCache<'_>, path: &str, answer: &str) {
        self.stats.count(false, false);
        let answer = answer.to_owned();
        answers.keep(&self.kept, &question(path), answer).unwrap();
    }
}

#[test]
fn a_batch_reuses_the_answers_of_earlier_batches() {
    let batches = Batches::new();
    let first = batches.batch(5);
    assert_eq!(batches.find(&first, "/1"), None);
    batches.keep(&first, "/1", "[1]");
    assert_eq!(batches.find(&first, "/1"), Some(json!([1])));
    assert_eq!(batches.find(&first, "/2"), None);
    assert_eq!(
        batches.find(&batches.batch(5), "/1"),
        None,
        "it is in this process alone"
    );
    first.leave(&batches.kept).unwrap();
    let next = batches.batch(5);
    assert_eq!(batches.find(&next, "/1"), Some(json!([1])));
    assert_eq!(batches.find(&next, "/2"), None);
}

#[test]
fn cached_answers_are_shared_once_a_second() {
    let batches = Batches::new();
    let first = batches.batch(5);
    later(&batches.clock, Duration::from_millis(999));
    batches.keep(&first, "/1", "[1]");
    assert_eq!(batches.find(&batches.batch(5), "/1"), None);
    later(&batches.clock, Duration::from_millis(1));
    batches.keep(&first, "/2", "[2]");
    let next = batches.batch(5);
    assert_eq!(batches.find(&next, "/1"), Some(json!([1])));
    assert_eq!(batches.find(&next, "/2"), Some(json!([2])));
    // A second later, they are written again.
    batches.keep(&first, "/3", "[3]");
    assert_eq!(batches.find(&batches.batch(5), "/3"), None);
}

#[test]
fn the_cache_in_memory_is_bounded() {
    let batches = Batches::new();
    let first = batches.batch(5);
    let half = format!("[{}]", "1,".repeat(HELD / 4 - 1) + "1");
    batches.keep(&first, "/1", &half);
    assert!(batches.kept.answers.borrow().is_empty());
    batches.keep(&first, "/2", &half);
    assert_eq!(batches.kept.answers.borrow().len(), 2);
    assert!(first.lock().own.is_empty());
    batches.keep(&first, "/3", "[3]");
    assert_eq!(
        batches.kept.answers.borrow().len(),
        2,
        "there is room again"
    );
}

#[test]
fn concurrent_identical_requests_are_cached_once() {
    let batches = Batches::new();
    let first = batches.batch(5);
    batches.keep(&first, "/1", "[1]");
    batches.keep(&first, "/1", "[1]");
    first.leave(&batches.kept).unwrap();
    first.leave(&batches.kept).unwrap();
}

#[test]
fn each_request_is_counted_once() {
    let batches = Batches::new();
    batches.stats.count(false, false);
    let first = batches.batch(5);
    batches.keep(&first, "/1", "[1]");
    batches.keep(&first, "/2", "[2]");
    first.leave(&batches.kept).unwrap();
    assert_eq!(batches.kept.requests.get(), 2, "one was made before");
    batches.keep(&first, "/3", "[3]");
    batches.keep(&first, "/4", "[4]");
    batches.keep(&first, "/5", "[5]");
    assert_eq!(first.uncounted(), 3);
    assert_eq!(first.uncounted(), 0);
    first.leave(&batches.kept).unwrap();
    assert_eq!(batches.kept.requests.get(), 2);
}

#[test]
fn contradictory_cached_answers_are_not_used() {
    let batches = Batches::new();
    let first = batches.batch(5);
    batches.keep(&first, "/1", "[1]");
    first.leave(&batches.kept).unwrap();
    let next = batches.batch(5);
    batches.keep(&next, "/2", "[2]");
    next.doubt();
    next.leave(&batches.kept).unwrap();
    assert!(batches.kept.answers.borrow().is_empty());
    assert_eq!(batches.kept.requests.get(), 2);
}

#[test]
fn a_stopped_plan_keeps_its_cache_and_a_complete_one_only_counts() {
    for (is_whole, returned, counted, left) in [(false, 0, 1, Some(json!([1]))), (true, 1, 0, None)]
    {
        let batches = Batches::new();
        let plan = batches.batch(5);
        batches.keep(&plan, "/1", "[1]");
        let conclude = || plan.conclude(&batches.kept, is_whole).unwrap();
        assert_eq!(conclude(), returned);
        assert_eq!(batches.kept.requests.get(), counted);
        assert_eq!(batches.find(&batches.batch(5), "/1"), left);
        assert_eq!(conclude(), 0, "each request is counted once");
    }
}

#[test]
fn unreadable_cached_answers_are_requested_again() {
    let batches = Batches::new();
    let first = batches.batch(5);
    batches.keep(&first, "/1", "[1");
    assert_eq!(batches.find(&first, "/1"), None);
}

#[test]
fn a_batch_limits_its_requests() {
    let batches = Batches::new();
    let batch = batches.batch(2);
    batches.stats.count(false, false);
    assert!(!batch.are_enough());
    batches.stats.count(false, false);
    assert!(batch.are_enough());
}
