//! The language is detected once and selects the catalogue.

use std::str::FromStr;

use std::sync::atomic::{AtomicU8, Ordering};

use super::say;

/// A language that the program speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Language {
    /// English.
    English = 0,
    /// Swedish.
    Swedish = 1,
}

/// The language that is spoken. It is one for the whole process: what an error says is asked of it
/// where nobody can hand a language in.
static SPOKEN: AtomicU8 = AtomicU8::new(Language::English as u8);

/// Has the program speak `language` from now on.
pub fn speak(language: Language) {
    SPOKEN.store(language as u8, Ordering::Relaxed);
}

/// The language that is spoken.
pub(super) fn spoken() -> Language {
    if SPOKEN.load(Ordering::Relaxed) == Language::Swedish as u8 {
        Language::Swedish
    } else {
        Language::English
    }
}

impl Language {
    /// The language that is spoken now.
    pub fn spoken() -> Language {
        spoken()
    }

    /// Its code (ISO 639-1).
    pub fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Swedish => "sv",
        }
    }

    /// The language of a locale such as `sv_SE.UTF-8` (POSIX, LANG); English where it is another's.
    pub fn of_locale(locale: &str) -> Language {
        let name = locale.split(['_', '.', '@', '-']).next();
        name.and_then(|name| name.parse().ok())
            .unwrap_or(Language::English)
    }
}

impl FromStr for Language {
    type Err = String;

    fn from_str(text: &str) -> Result<Language, String> {
        match text {
            "en" => Ok(Language::English),
            "sv" => Ok(Language::Swedish),
            other => Err(say().value_language(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_has_a_language() {
        for (locale, language) in [
            ("sv_SE.UTF-8", Language::Swedish),
            ("sv", Language::Swedish),
            ("sv-FI", Language::Swedish),
            ("en_GB.UTF-8", Language::English),
            ("C", Language::English),
            ("", Language::English),
            ("svx", Language::English),
        ] {
            assert_eq!(Language::of_locale(locale), language, "{locale}");
        }
    }
}
