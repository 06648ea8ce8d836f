//! Names that a target file or the program declares. They are safe to log.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// A name that a target file or the program declares: of a field, an environment variable or an option. Only
/// modules that read declarations create these names, never from roster data or API responses; a test lists
/// those modules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Declared(String);

impl Declared {
    /// Creates a name from the text of a declaration.
    pub fn name(declared: &str) -> Declared {
        Declared(declared.to_owned())
    }

    /// The name of an environment variable. Returns `None` if the text does not have the form of one, since a
    /// secret may have been written in place of the variable's name.
    pub fn variable(name: &str) -> Option<Declared> {
        let is_of_name =
            |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        name.bytes().all(is_of_name).then(|| Declared::name(name))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Declared {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        match text.bytes().all(is_of_name) {
            true => Ok(Declared(text)),
            false => Err(serde::de::Error::custom("name")),
        }
    }
}

impl fmt::Display for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a run: a timestamp and three consonants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct RunName(String);

impl RunName {
    /// Parses a run's name. Returns `None` for any text of another form, so that user input is not logged.
    pub fn of(text: &str) -> Option<RunName> {
        let pattern = |(place, byte): (usize, u8)| match place {
            8 | 15 => byte == b'-',
            0..15 => byte.is_ascii_digit(),
            _ => byte.is_ascii_lowercase() && !b"aeiouy".contains(&byte),
        };
        let (name, number) = text.split_at_checked(19)?;
        let is_name = name.bytes().enumerate().all(pattern);
        // A name that is already taken gets a numeric suffix.
        let is_number = number.is_empty()
            || number.strip_prefix('-').is_some_and(|number| {
                (1..5).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
            });
        (is_name && is_number).then(|| RunName(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for RunName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        RunName::of(&text).ok_or_else(|| serde::de::Error::custom("run"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_run_names_are_accepted() {
        assert!(RunName::of("20260820-180000-bcd").is_some());
        for text in [
            "",
            "20100402-2388",
            "20260820-180000-asa",
            "Åsa Ek",
            "20260820-180000-bcdf",
        ] {
            assert_eq!(RunName::of(text), None, "{text}");
        }
        assert!(Declared::variable("SOLNA_SECRET2").is_some());
        for text in ["s3cr3t", "sk-live-1", "Åsa"] {
            assert_eq!(Declared::variable(text), None, "{text}");
        }
    }
}
