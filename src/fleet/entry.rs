//! Queue entries and their states.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::l10n::{local_time, requests, say};
use crate::model::{Code, Fact, worded};

/// A queue entry, as shown to users.
#[derive(Debug, Clone, Serialize)]
pub struct QueueEntry {
    /// The id of the entry.
    pub id: i64,
    /// The path of the file on the machine that enqueued it.
    pub file: String,
    /// The profile that defines how the file is imported.
    pub profile: Option<String>,
    /// The name of the run, once it has begun.
    pub run: Option<String>,
    /// The current state.
    pub state: EntryState,
    /// When the next batch is due.
    pub due: Timestamp,
    /// When the file was enqueued.
    pub enqueued_at: Timestamp,
    /// When the entry ended.
    pub ended_at: Option<Timestamp>,
    /// The worker that processes a batch: host name and process id.
    pub owner: Option<String>,
    /// The number of batches that were begun.
    pub slices: i64,
    /// The number of requests of these batches.
    pub requests: i64,
    /// The number of retries among them.
    pub retries: i64,
    /// The number of requests that the API throttled.
    pub throttled: i64,
    /// The exit code of the run, once it has ended.
    pub exit_code: Option<i32>,
    /// Why the entry waits or has ended.
    #[serde(serialize_with = "in_words")]
    pub why: Option<Fact>,
    /// The code of that reason.
    pub code: Option<Code>,
    /// Whether a batch has been due for a minute without a worker.
    pub is_late: bool,
    /// Whether the next batch is not due yet.
    #[serde(skip)]
    pub is_ahead: bool,
}

fn in_words<S: Serializer>(why: &Option<Fact>, serializer: S) -> Result<S::Ok, S::Error> {
    why.as_ref().map(Fact::in_words).serialize(serializer)
}

worded! {
    /// The state of a file in the queue.
    pub enum EntryState {
        /// The file waits for its turn or for its rate limit.
        Waiting = "waiting",
        /// A worker processes a batch.
        Running = "running",
        /// The run ended.
        Finished = "finished",
        /// A guard holds the run.
        Held = "held",
        /// The run stopped and requires action.
        Stopped = "stopped",
        /// The file cannot be imported.
        Failed = "failed",
    }
}

impl QueueEntry {
    /// Returns the state of the entry as text.
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
    /// Returns the state as text.
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

    /// Parses a stored state. An unknown one from another version requires action.
    #[cfg(feature = "postgres")]
    pub(super) fn of(word: &str) -> EntryState {
        EntryState::of_word(word).unwrap_or(EntryState::Stopped)
    }
}

/// How `resume` or `approve` affects a run in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoesOn {
    /// The entry had ended and is queued again.
    Again,
    /// The entry was queued and would have continued without the command.
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
    fn each_state_has_a_distinct_text() {
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
    fn only_an_entry_whose_batch_is_not_due_yet_shows_the_time() {
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
        // An ended entry shows no progress.
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
    fn an_unknown_state_from_another_version_requires_action() {
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
    fn the_reason_of_an_entry_is_shown_as_text_and_code() {
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
