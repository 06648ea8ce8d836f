//! User-facing texts are Fluent catalogues (`messages/LANGUAGE/*.ftl`) with a generated function for each
//! message. A missing translation or argument fails the build. Codes, column names, and the keys of JSON and
//! logs are not translated.

mod amounts;
mod language;
pub(crate) mod message;
mod places;
mod text;

pub(crate) use amounts::{
    cells, columns, conflicts, doubtful_values, empty_rows, files, hidden_rows, problems, records,
    requests, rows, runs, times,
};
pub use amounts::{duration, number};
pub use language::{Language, in_scope, read_in, speak};
pub use places::{clock_time, local_seconds, local_time};
pub use text::{Argument, Message};

use std::sync::OnceLock;

#[allow(
    missing_docs,
    dead_code,
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "made from the catalogues when the program is built"
)]
mod messages {
    include!(concat!(env!("OUT_DIR"), "/messages.rs"));

    impl L10nLanguage {
        /// Renders the message of a key, or returns `None` if the key or an argument is missing.
        pub(super) fn render(&self, key: &str, args: FluentArgs<'_>) -> Option<String> {
            self.0.msg(key, Some(args)).ok()
        }
    }
}

pub(crate) use messages::L10nLanguage as Messages;

/// Returns all messages in the reader's language.
pub(crate) fn say() -> &'static Messages {
    in_language(language::spoken())
}

/// Returns all messages in a language.
pub(crate) fn in_language(language: Language) -> &'static Messages {
    static EACH: [OnceLock<Messages>; 2] = [const { OnceLock::new() }; 2];
    EACH[language as usize].get_or_init(|| match language {
        Language::English => messages::L10n::En.load(),
        Language::Swedish => messages::L10n::Sv.load(),
    })
}

/// Returns whether a text occurs in a catalogue. A text from a catalogue is an example of rosterpatch and does not come
/// from a roster.
pub fn is_ours(text: &str) -> bool {
    static ALL: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/messages.ftl"));
    !text.is_empty() && memchr::memmem::find(ALL, text.as_bytes()).is_some()
}
