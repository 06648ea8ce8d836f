//! The states of a run.

use std::str::FromStr;

use crate::l10n::say;

/// The state of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// Being planned; nothing has been sent.
    Planning,
    /// In progress, or its process died.
    Running,
    /// Stopped early; it can be resumed.
    Interrupted,
    /// Held by a guard before anything was sent; it can be approved.
    Held,
    /// Superseded by a later run of the same file before it ended.
    Replaced,
    /// Finished.
    Finished,
    /// Closed by an undo; it cannot be continued.
    Undone,
    /// Declined by a person while it was held: nothing was sent, and nothing continues it.
    Declined,
}

impl RunState {
    /// Returns the word in the journal and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            RunState::Planning => "planning",
            RunState::Running => "running",
            RunState::Interrupted => "interrupted",
            RunState::Held => "held",
            RunState::Replaced => "replaced",
            RunState::Finished => "finished",
            RunState::Undone => "undone",
            RunState::Declined => "declined",
        }
    }
}

impl RunState {
    /// Returns the localized words.
    pub fn in_words(self) -> String {
        match self {
            RunState::Planning => say().run_state_planning(),
            RunState::Running => say().run_state_running(),
            RunState::Interrupted => say().run_state_interrupted(),
            RunState::Held => say().run_state_held(),
            RunState::Replaced => say().run_state_replaced(),
            RunState::Finished => say().run_state_finished(),
            RunState::Undone => say().run_state_undone(),
            RunState::Declined => say().run_state_declined(),
        }
    }

    /// Whether nothing continues a run in this state.
    pub fn is_over(self) -> bool {
        match self {
            RunState::Planning | RunState::Running | RunState::Interrupted | RunState::Held => {
                false
            }
            RunState::Replaced | RunState::Finished | RunState::Undone | RunState::Declined => true,
        }
    }
}

impl FromStr for RunState {
    type Err = String;

    fn from_str(text: &str) -> Result<RunState, String> {
        let all = [
            RunState::Planning,
            RunState::Running,
            RunState::Interrupted,
            RunState::Held,
            RunState::Replaced,
            RunState::Finished,
            RunState::Undone,
            RunState::Declined,
        ];
        all.into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("\"{text}\" is not a run's state"))
    }
}
