//! Errors of loading a target.

use std::path::PathBuf;

use thiserror::Error;

use super::mistake::Mistakes;
use crate::model::{Code, Fact};

/// The reason why a target cannot be used.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum TargetError {
    /// The name is neither that of a built-in target nor a file.
    #[error(
        "there is no target \"{name}\"; the built-in ones are {known}, and any other is named by its file, such as my-api.toml"
    )]
    Unknown {
        name: String,
        /// The built-in names, comma-separated.
        known: String,
    },
    /// The file could not be read.
    #[error("cannot read the target file {}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    /// The file is not valid TOML, has unknown keys or values, or contradicts itself.
    #[error("the target file {} has {}\n{mistakes}", mistakes.origin(), amount(mistakes.list.len()))]
    Mistakes { mistakes: Mistakes },
}

fn amount(mistakes: usize) -> String {
    match mistakes {
        1 => "a mistake".to_owned(),
        several => format!("{several} mistakes"),
    }
}

impl TargetError {
    /// The error for logs and notifications, without content of the file.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::load::{load, parse};

    #[test]
    fn a_target_error_names_the_file_and_quotes_none_of_it() {
        let error = load("hunter2").unwrap_err();
        assert_eq!(error.fact(), Fact::new(Code::TargetUnknown));

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("absent.toml");
        let error = load(path.to_str().unwrap()).unwrap_err();
        let text = format!("cannot read the target file {}", path.display());
        assert_eq!(error.to_string(), text);
        let fact = error.fact();
        assert_eq!((fact.code(), fact.path()), (Code::TargetRead, Some(&*path)));
        assert!(fact.io_error().is_some());

        let error = parse("x.toml", "name = \"hunter2\"\ntitle = 1\nrecord = 2\n").unwrap_err();
        let fact = error.fact();
        let numbers = fact.numbers();
        assert_eq!(fact.code(), Code::TargetMistakes);
        assert!(!fact.in_words().contains("hunter2"));
        let lines = error.to_string();
        let amount = format!(
            "the target file x.toml has {} mistakes\n",
            numbers.count.unwrap()
        );
        assert!(lines.starts_with(&amount), "{lines}");
        let one = parse("x.toml", "name = \n").unwrap_err();
        assert_eq!(
            (one.fact().numbers().count, one.fact().numbers().line),
            (Some(1), Some(1))
        );
        let text = one.to_string();
        assert!(
            text.starts_with("the target file x.toml has a mistake\n"),
            "{text}"
        );
    }
}
