//! Deeds record who began, resumed or approved a run, where and why.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::l10n::{local_time, say};

/// An account on a machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The name of the account; empty if the operating system does not tell it.
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

/// Who works on a run now, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Author {
    /// Who it is.
    pub actor: Actor,
    /// The reason, in the words of who gave it.
    pub note: Option<String>,
}

/// That somebody began, resumed or approved a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// The command.
    pub command: String,
    /// When it was given.
    pub at: Timestamp,
    /// Who gave it.
    #[serde(flatten)]
    pub actor: Actor,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Deed {
    /// What `author` does to a run by a command.
    pub fn of(author: &Author, command: &str, at: Timestamp) -> Deed {
        Deed {
            command: command.to_owned(),
            at,
            actor: author.actor.clone(),
            note: author.note.clone(),
        }
    }

    /// The deed for a person.
    pub fn in_words(&self) -> String {
        let (account, machine) = (self.actor.account.as_str(), self.actor.machine.as_str());
        let deed = say().run_deed(self.command.as_str(), account, machine, local_time(self.at));
        match &self.note {
            None => deed,
            Some(note) => say().run_deed_note(deed, note.as_str()),
        }
    }
}
