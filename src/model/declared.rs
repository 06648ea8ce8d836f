//! Declared names come from a target file or the program and are safe to log.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// A name that the target's file or the program itself declares: of a field, of an environment variable, of
/// an option. A name out of a roster or an answer is none, so only the modules that read declarations make
/// one; a test holds which those are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Declared(String);

impl Declared {
    /// The name as it was declared.
    pub fn name(declared: &str) -> Declared {
        Declared(declared.to_owned())
    }

    /// The name of an environment variable, if it has the form of one: a secret that was written where its
    /// variable's name belongs has not.
    pub fn variable(name: &str) -> Option<Declared> {
        let is_of_name =
            |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        name.bytes().all(is_of_name).then(|| Declared::name(name))
    }

    /// The same as text.
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

/// A run's name, known by its form: a moment and three consonants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct RunName(String);

impl RunName {
    /// A run's name; nothing of a text that is not of its form, whatever somebody gave for one.
    pub fn of(text: &str) -> Option<RunName> {
        let pattern = |(place, byte): (usize, u8)| match place {
            8 | 15 => byte == b'-',
            0..15 => byte.is_ascii_digit(),
            _ => byte.is_ascii_lowercase() && !b"aeiouy".contains(&byte),
        };
        let (name, number) = text.split_at_checked(19)?;
        let is_name = name.bytes().enumerate().all(pattern);
        // Of two runs with the same name, the second has a number.
        let is_number = number.is_empty()
            || number.strip_prefix('-').is_some_and(|number| {
                (1..5).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
            });
        (is_name && is_number).then(|| RunName(text.to_owned()))
    }

    /// The same as text.
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
    fn names_are_known_by_their_form() {
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
