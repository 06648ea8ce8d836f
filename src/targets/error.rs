use std::path::PathBuf;

use thiserror::Error;

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
    /// The file is not TOML, or has a key or a value that a target does not have. The text names
    /// line and key.
    #[error("the target file {origin} has a mistake\n{message}")]
    Syntax {
        /// The file, or the built-in's name.
        origin: String,
        /// The parser's own account, with the line shown.
        message: String,
    },
    /// The file is well-formed, and what it says does not fit together.
    #[error("the target file {origin} has a mistake on line {line}: {message}")]
    Meaning {
        /// The file, or the built-in's name.
        origin: String,
        /// Line, from 1.
        line: usize,
        /// What is wrong, and what to do.
        message: String,
    },
}
