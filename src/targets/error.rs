use std::path::PathBuf;

use thiserror::Error;

use super::mistake::Mistakes;
use crate::model::{Code, Fact};

/// Why a target cannot be used.
#[derive(Debug, Error)]
pub enum TargetError {
    /// Neither a built-in target nor a file.
    #[error(
        "there is no target \"{name}\"; the built-in ones are {known}, and any other is named by its file, such as my-api.toml"
    )]
    Unknown {
        /// What was asked for.
        name: String,
        /// The built-in names, comma-separated.
        known: String,
    },
    /// The file could not be read.
    #[error("cannot read the target file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML, has a key or a value that a target does not have, or says what does not fit
    /// together.
    #[error("the target file {} has {}\n{mistakes}", mistakes.origin(), amount(mistakes.list.len()))]
    Mistakes {
        /// What is wrong, and where.
        mistakes: Mistakes,
    },
}

fn amount(mistakes: usize) -> String {
    match mistakes {
        1 => "a mistake".to_owned(),
        several => format!("{several} mistakes"),
    }
}

impl TargetError {
    /// The same for logs and notifications: nothing of what the file holds.
    pub fn fact(&self) -> Fact {
        match self {
            TargetError::Unknown { .. } => Fact::new(Code::TargetUnknown),
            TargetError::Read { path, source } => {
                Fact::new(Code::TargetRead).at_path(path).with_io(source)
            }
            TargetError::Mistakes { mistakes } => mistakes.fact(Code::TargetMistakes),
        }
    }
}
