//! Languages and the selection of the current one.

use std::str::FromStr;

use std::sync::atomic::{AtomicU8, Ordering};

use super::say;

/// A language of the user interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Language {
    /// English.
    English = 0,
    /// Swedish.
    Swedish = 1,
}

/// The language of the process, for readers without a preference.
static SPOKEN: AtomicU8 = AtomicU8::new(Language::English as u8);

tokio::task_local! {
    /// The language of the reader for whom the current task renders.
    static READER: Language;
}

/// Sets the language for readers without a preference.
pub fn speak(language: Language) {
    SPOKEN.store(language as u8, Ordering::Relaxed);
}

/// Renders in `language` for the duration of a task.
pub async fn read_in<T>(language: Language, task: impl Future<Output = T>) -> T {
    READER.scope(language, task).await
}

/// Renders in `language` for the duration of a call.
pub fn in_scope<T>(language: Language, render: impl FnOnce() -> T) -> T {
    READER.sync_scope(language, render)
}

pub(super) fn spoken() -> Language {
    if let Ok(language) = READER.try_with(|language| *language) {
        return language;
    }
    if SPOKEN.load(Ordering::Relaxed) == Language::Swedish as u8 {
        Language::Swedish
    } else {
        Language::English
    }
}

impl Language {
    /// Returns the language of the current reader.
    pub fn spoken() -> Language {
        spoken()
    }

    /// Returns the language code (ISO 639-1).
    pub fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Swedish => "sv",
        }
    }

    /// Returns the name of the language in the language itself.
    pub fn own_name(self) -> &'static str {
        match self {
            Language::English => "English",
            Language::Swedish => "Svenska",
        }
    }

    /// Returns the language of a locale such as `sv_SE.UTF-8` (POSIX, LANG). The default is English.
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
    fn a_locale_selects_a_language() {
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
