//! The audit log of a run records which account started, resumed or approved it, on which machine, and why.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::l10n::{local_time, say};

/// An account on a machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The name of the account; empty if the operating system does not report it.
    pub account: String,
    /// The name of the machine.
    pub machine: String,
}

impl Actor {
    /// The account of this process on this machine.
    pub fn here() -> Actor {
        Actor {
            account: whoami::username().unwrap_or_default(),
            machine: whoami::hostname().unwrap_or_default(),
        }
    }
}

/// The account that works on a run now, and the reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Author {
    /// The account.
    pub actor: Actor,
    /// The text of `--note`.
    pub note: Option<String>,
}

/// A command that started, resumed or approved a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// The command.
    pub command: String,
    /// Its time.
    pub at: Timestamp,
    /// Its account.
    #[serde(flatten)]
    pub actor: Actor,
    /// Its reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl AuditEntry {
    /// The entry of `author` for a command.
    pub fn of(author: &Author, command: &str, at: Timestamp) -> AuditEntry {
        AuditEntry {
            command: command.to_owned(),
            at,
            actor: author.actor.clone(),
            note: author.note.clone(),
        }
    }

    /// The entry as text for a person.
    pub fn in_words(&self) -> String {
        let (account, machine) = (self.actor.account.as_str(), self.actor.machine.as_str());
        let entry = say().run_deed(self.command.as_str(), account, machine, local_time(self.at));
        match &self.note {
            None => entry,
            Some(note) => say().run_deed_note(entry, note.as_str()),
        }
    }
}
