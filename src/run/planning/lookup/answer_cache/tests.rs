//! This module tests `run/planning/lookup/answer_cache`.

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
fn the_same_question_by_somebody_else_is_another() {
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
        assert!(answer.is_some(), "only what is kept is looked for");
        Ok(answer)
    }

    fn forget_answers(&self, _run: i64) -> Result<(), JournalError> {
        self.answers.borrow_mut().clear();
        Ok(())
    }
}

/// What the slices of one run share.
struct Slices {
    clock: VirtualClock,
    kept: Kept,
    stats: Stats,
}

impl Slices {
    fn new() -> Slices {
        let start = "2026-08-20T18:00:00Z".parse().unwrap();
        Slices {
            clock: VirtualClock::starting_at(start),
            kept: Kept::default(),
            stats: Stats::default(),
        }
    }

    /// What a slice has that begins now and makes `rows` requests.
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

    /// Has the API answer a slice.
    fn keep(&self, answers: &AnswerCache<'_>, path: &str, answer: &str) {
        self.stats.count(false, false);
        let answer = answer.to_owned();
        answers.keep(&self.kept, &question(path), answer).unwrap();
    }
}

#[test]
fn what_one_slice_was_answered_the_next_one_need_not_ask() {
    let slices = Slices::new();
    let first = slices.batch(5);
    assert_eq!(slices.find(&first, "/1"), None);
    slices.keep(&first, "/1", "[1]");
    assert_eq!(slices.find(&first, "/1"), Some(json!([1])));
    assert_eq!(slices.find(&first, "/2"), None);
    assert_eq!(
        slices.find(&slices.batch(5), "/1"),
        None,
        "it is in this process alone"
    );
    first.leave(&slices.kept).unwrap();
    let next = slices.batch(5);
    assert_eq!(slices.find(&next, "/1"), Some(json!([1])));
    assert_eq!(slices.find(&next, "/2"), None);
}

#[test]
fn an_answer_is_in_one_process_alone_for_less_than_a_second() {
    let slices = Slices::new();
    let first = slices.batch(5);
    later(&slices.clock, Duration::from_millis(999));
    slices.keep(&first, "/1", "[1]");
    assert_eq!(slices.find(&slices.batch(5), "/1"), None);
    later(&slices.clock, Duration::from_millis(1));
    slices.keep(&first, "/2", "[2]");
    let next = slices.batch(5);
    assert_eq!(slices.find(&next, "/1"), Some(json!([1])));
    assert_eq!(slices.find(&next, "/2"), Some(json!([2])));
    // And from then on again.
    slices.keep(&first, "/3", "[3]");
    assert_eq!(slices.find(&slices.batch(5), "/3"), None);
}

#[test]
fn no_more_is_held_in_memory_than_there_is_room_for() {
    let slices = Slices::new();
    let first = slices.batch(5);
    let half = format!("[{}]", "1,".repeat(HELD / 4 - 1) + "1");
    slices.keep(&first, "/1", &half);
    assert!(slices.kept.answers.borrow().is_empty());
    slices.keep(&first, "/2", &half);
    assert_eq!(slices.kept.answers.borrow().len(), 2);
    assert!(first.lock().own.is_empty());
    slices.keep(&first, "/3", "[3]");
    assert_eq!(slices.kept.answers.borrow().len(), 2, "there is room again");
}

#[test]
fn two_who_ask_the_same_at_once_have_it_kept_once() {
    let slices = Slices::new();
    let first = slices.batch(5);
    slices.keep(&first, "/1", "[1]");
    slices.keep(&first, "/1", "[1]");
    first.leave(&slices.kept).unwrap();
    first.leave(&slices.kept).unwrap();
}

#[test]
fn each_request_is_counted_once() {
    let slices = Slices::new();
    slices.stats.count(false, false);
    let first = slices.batch(5);
    slices.keep(&first, "/1", "[1]");
    slices.keep(&first, "/2", "[2]");
    first.leave(&slices.kept).unwrap();
    assert_eq!(slices.kept.requests.get(), 2, "one was made before");
    slices.keep(&first, "/3", "[3]");
    slices.keep(&first, "/4", "[4]");
    slices.keep(&first, "/5", "[5]");
    assert_eq!(first.uncounted(), 3);
    assert_eq!(first.uncounted(), 0);
    first.leave(&slices.kept).unwrap();
    assert_eq!(slices.kept.requests.get(), 2);
}

#[test]
fn nobody_goes_on_from_answers_that_contradict_themselves() {
    let slices = Slices::new();
    let first = slices.batch(5);
    slices.keep(&first, "/1", "[1]");
    first.leave(&slices.kept).unwrap();
    let next = slices.batch(5);
    slices.keep(&next, "/2", "[2]");
    next.doubt();
    next.leave(&slices.kept).unwrap();
    assert!(slices.kept.answers.borrow().is_empty());
    assert_eq!(slices.kept.requests.get(), 2);
}

#[test]
fn a_stopped_plan_leaves_its_answers_and_a_whole_one_only_its_count() {
    for (is_whole, returned, counted, left) in [(false, 0, 1, Some(json!([1]))), (true, 1, 0, None)]
    {
        let slices = Slices::new();
        let plan = slices.batch(5);
        slices.keep(&plan, "/1", "[1]");
        let conclude = || plan.conclude(&slices.kept, is_whole).unwrap();
        assert_eq!(conclude(), returned);
        assert_eq!(slices.kept.requests.get(), counted);
        assert_eq!(slices.find(&slices.batch(5), "/1"), left);
        assert_eq!(conclude(), 0, "each request is counted once");
    }
}

#[test]
fn what_cannot_be_understood_is_asked_again() {
    let slices = Slices::new();
    let first = slices.batch(5);
    slices.keep(&first, "/1", "[1");
    assert_eq!(slices.find(&first, "/1"), None);
}

#[test]
fn a_slice_makes_as_many_requests_as_it_may() {
    let slices = Slices::new();
    let batch = slices.batch(2);
    slices.stats.count(false, false);
    assert!(!batch.are_enough());
    slices.stats.count(false, false);
    assert!(batch.are_enough());
}
