//! A queue entry describes a file and its state.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::l10n::{local_time, requests, say};
use crate::model::{Code, Fact};

/// A file of the queue, as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct QueueEntry {
    /// Its number.
    pub id: i64,
    /// The file as it was called where it was enqueued.
    pub file: String,
    /// How it is imported.
    pub profile: Option<String>,
    /// Its run, once it has begun.
    pub run: Option<String>,
    /// What becomes of it.
    pub state: EntryState,
    /// When the next slice of it may be done.
    pub due: Timestamp,
    /// When it was enqueued.
    pub enqueued_at: Timestamp,
    /// When its way through the queue ended.
    pub ended_at: Option<Timestamp>,
    /// The worker that does a slice of it: its machine and its process.
    pub owner: Option<String>,
    /// Slices that were begun.
    pub slices: i64,
    /// Requests that they made.
    pub requests: i64,
    /// How many of them were made again.
    pub retries: i64,
    /// How many the API refused for being too many.
    pub throttled: i64,
    /// The exit code of its run, once that has ended.
    pub exit_code: Option<i32>,
    /// What keeps or kept it.
    #[serde(serialize_with = "in_words")]
    pub why: Option<Fact>,
    /// The same as a code.
    pub code: Option<Code>,
    /// Whether a slice of it has been due for a minute and nobody does it.
    pub is_late: bool,
    /// Whether that is not due yet.
    #[serde(skip)]
    pub is_ahead: bool,
}

fn in_words<S: Serializer>(why: &Option<Fact>, serializer: S) -> Result<S::Ok, S::Error> {
    why.as_ref().map(Fact::in_words).serialize(serializer)
}

/// What becomes of a file in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryState {
    /// It waits for its turn, or for its quota.
    Waiting,
    /// A slice of it is being done.
    Running,
    /// Its run ended.
    Finished,
    /// A guard holds it.
    Held,
    /// Somebody has to see to it.
    Stopped,
    /// It cannot be read.
    Failed,
}

impl QueueEntry {
    /// Where it stands in the queue, in words.
    pub fn in_words(&self) -> String {
        let state = self.state.in_words();
        let made = requests(self.requests.unsigned_abs());
        match self.state {
            EntryState::Waiting if self.is_ahead => {
                say().fleet_place_until(self.id, state, local_time(self.due), made)
            }
            EntryState::Waiting | EntryState::Running => {
                say().fleet_place_running(self.id, state, made)
            }
            _ => say().fleet_place(self.id, state, made),
        }
    }
}

impl EntryState {
    /// The same in words.
    pub fn in_words(self) -> String {
        match self {
            EntryState::Waiting => say().fleet_waiting(),
            EntryState::Running => say().run_state_running(),
            EntryState::Finished => say().run_state_finished(),
            EntryState::Held => say().run_state_held(),
            EntryState::Stopped => say().fleet_stopped(),
            EntryState::Failed => say().fleet_failed(),
        }
    }

    #[cfg(feature = "postgres")]
    pub(super) fn of(word: &str) -> EntryState {
        match word {
            "waiting" => EntryState::Waiting,
            "running" => EntryState::Running,
            "finished" => EntryState::Finished,
            "held" => EntryState::Held,
            "failed" => EntryState::Failed,
            _ => EntryState::Stopped,
        }
    }
}

/// How a run continues in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoesOn {
    /// It had ended there, and is there again.
    Again,
    /// It was there, and would have gone on by itself.
    AsBefore,
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::fleet) fn entry(state: EntryState, is_ahead: bool) -> QueueEntry {
        let at = |second| Timestamp::from_second(second).unwrap();
        QueueEntry {
            id: 42,
            file: "/r.csv".into(),
            profile: None,
            run: None,
            state,
            due: at(90_000),
            enqueued_at: at(0),
            ended_at: None,
            owner: None,
            slices: 1,
            requests: 7,
            retries: 0,
            throttled: 0,
            exit_code: None,
            why: None,
            code: None,
            is_late: false,
            is_ahead,
        }
    }

    #[test]
    fn each_state_has_its_own_word() {
        use EntryState::{Failed, Finished, Held, Running, Stopped, Waiting};
        let words = [Waiting, Running, Finished, Held, Stopped, Failed].map(EntryState::in_words);
        assert_eq!(
            words,
            [
                "waiting", "running", "finished", "held", "stopped", "failed"
            ]
        );
    }

    #[test]
    fn only_a_file_whose_slice_is_not_due_yet_names_the_moment() {
        use EntryState::{Failed, Finished, Held, Running, Stopped, Waiting};
        let moment = local_time(Timestamp::from_second(90_000).unwrap());
        for state in [Waiting, Running, Finished, Held, Stopped, Failed] {
            for is_ahead in [false, true] {
                let text = entry(state, is_ahead).in_words();
                assert!(
                    text.contains("42") && text.contains(&state.in_words()),
                    "{text}"
                );
                assert_eq!(
                    text.contains(&moment),
                    state == Waiting && is_ahead,
                    "{text}"
                );
            }
        }
        // What has ended is not said to be as far as it has come.
        let text = |state| {
            entry(state, false)
                .in_words()
                .replace(&state.in_words(), "")
        };
        assert_eq!(text(Waiting), text(Running));
        assert_ne!(text(Waiting), text(Finished));
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn a_state_that_another_version_recorded_needs_somebody() {
        let words = [
            "waiting", "running", "finished", "held", "stopped", "failed",
        ];
        for word in words {
            let json = serde_json::to_value(EntryState::of(word)).unwrap();
            assert_eq!(json, word);
        }
        assert_eq!(EntryState::of("new"), EntryState::Stopped);
    }

    #[test]
    fn what_keeps_a_file_is_told_in_words_and_as_a_code() {
        let fact = Fact::new(Code::QueueRemoved);
        let told = QueueEntry {
            code: Some(fact.code()),
            why: Some(fact.clone()),
            ..entry(EntryState::Stopped, false)
        };
        let json = serde_json::to_value(told).unwrap();
        assert_eq!(json["why"], fact.in_words());
        assert_eq!(json["code"], Code::QueueRemoved.to_string());
        assert_eq!(json["state"], "stopped");
    }
}
