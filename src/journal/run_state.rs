//! The states of a run.

use crate::l10n::say;
use crate::model::worded;

worded! {
    /// The state of a run.
    pub enum RunState {
        /// Being planned; nothing has been sent.
        Planning = "planning",
        /// In progress, or its process died.
        Running = "running",
        /// Stopped early; it can be resumed.
        Interrupted = "interrupted",
        /// Held by a guard before anything was sent; it can be approved.
        Held = "held",
        /// Superseded by a later run of the same file before it ended.
        Replaced = "replaced",
        /// Finished.
        Finished = "finished",
        /// Closed by an undo; it cannot be continued.
        Undone = "undone",
        /// Declined by a person while it was held: nothing was sent, and nothing continues it.
        Declined = "declined",
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
