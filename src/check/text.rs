use super::fault::{Checked, Fault};
use crate::model::Value;

/// Any text on one line, as it stands.
pub(super) fn check(text: &str) -> Checked<'_> {
    match text.find(['\n', '\r']) {
        None => Ok(Value::Text(text)),
        Some(_) => Err(Fault::new(
            "text.line_break",
            "there is a line break in the cell; put it on one line",
        )),
    }
}
