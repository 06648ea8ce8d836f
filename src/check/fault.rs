//! Faults hold the code and message of a cell's problem.

use crate::l10n::Message;
use crate::model::Value;

/// A problem of a cell. It is boxed, so that results without a fault stay small.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fault(Box<Inner>);

/// The code and message of a fault.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Inner {
    /// A code of the form `kind.reason`.
    pub(super) code: &'static str,
    /// What was found, what was expected and what to do.
    pub(super) message: Message,
}

impl Fault {
    pub(super) fn new(code: &'static str, message: Message) -> Self {
        Fault(Box::new(Inner { code, message }))
    }

    pub(super) fn into_inner(self) -> Inner {
        *self.0
    }
}

/// Returns a fault as an error.
pub(super) fn refuse<T>(code: &'static str, message: Message) -> Result<T, Fault> {
    Err(Fault::new(code, message))
}

impl std::ops::Deref for Fault {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// The findings about a cell that has a value.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// The codes of repairs.
    pub(super) restored: Vec<&'static str>,
    /// The doubts.
    pub(super) doubts: Vec<Fault>,
}

impl Notes {
    /// Whether there is nothing to report.
    pub(super) fn is_empty(&self) -> bool {
        self.restored.is_empty() && self.doubts.is_empty()
    }

    /// Adds a doubt.
    pub(super) fn doubt(&mut self, code: &'static str, message: Message) {
        self.doubts.push(Fault::new(code, message));
    }
}

/// The normalized value of a cell, or its fault.
pub(super) type Checked<'a> = Result<Value<'a>, Fault>;

/// Whether a spreadsheet wrote a long number in scientific notation, as in `2,01912E+11`.
pub(super) fn is_scientific(text: &str) -> bool {
    // Fast path, because most numbers contain neither letter.
    let Some(at) = memchr::memchr2(b'E', b'e', text.as_bytes()) else {
        return false;
    };
    let (mantissa, exponent) = (&text[..at], &text[at + 1..]);
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa_is = mantissa.split_once([',', '.']).map_or_else(
        || digits(mantissa),
        |(whole, part)| digits(whole) && digits(part),
    );
    mantissa_is && digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scientific_notation_is_recognized() {
        for text in ["2,01912E+11", "2.01e-5", "1E5", "12e05", "2E+11"] {
            assert!(is_scientific(text), "{text}");
        }
        for text in [
            "", "12", "E", "1E", "E5", "1E+", ",5E5", "1,E5", "1,5,5E5", "a1E5", "1aE5", "1,aE5",
            "1Ex",
        ] {
            assert!(!is_scientific(text), "{text}");
        }
    }

    #[test]
    fn notes_without_doubts_and_repairs_are_empty() {
        let mut notes = Notes::default();
        assert!(notes.is_empty());
        notes.restored.push("text.formula");
        assert!(!notes.is_empty());
        let doubts = vec![Fault::new("text.quotes", Message::default())];
        let restored = Vec::new();
        assert!(!Notes { restored, doubts }.is_empty());
    }
}
