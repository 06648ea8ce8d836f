//! A value is the checked content of a cell.

use std::borrow::Cow;

use compact_str::CompactString;

/// One checked and normalised cell, as it is to stand in a request.
///
/// Text that needed no change is borrowed from the file's own bytes, and what was rewritten is
/// mostly short enough to be kept in place, so that checking a row allocates nothing a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// The cell's text, unchanged but for surrounding space.
    Text(&'a str),
    /// Text that had to be rewritten, such as a phone number brought to E.164.
    Rewritten(CompactString),
    /// A JSON boolean.
    Bool(bool),
    /// A JSON number, kept as its JSON text so that no digit is lost.
    Number(CompactString),
    /// The values of a list.
    List(Vec<Value<'a>>),
    /// An explicit clearing of the field: JSON `null`.
    Null,
}

impl Value<'_> {
    /// The value without a borrow.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Text(text) => Value::Rewritten(text.into()),
            Value::Rewritten(text) => Value::Rewritten(text),
            Value::Bool(flag) => Value::Bool(flag),
            Value::Number(digits) => Value::Number(digits),
            Value::List(values) => Value::List(values.into_iter().map(Value::into_owned).collect()),
            Value::Null => Value::Null,
        }
    }

    /// The value as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Value::Text(text) => (*text).into(),
            Value::Rewritten(text) => text.as_str().into(),
            Value::Bool(flag) => (*flag).into(),
            Value::Number(digits) => serde_json::from_str(digits)
                .unwrap_or_else(|_| serde_json::Value::String(digits.to_string())),
            Value::List(values) => values.iter().map(Value::to_json).collect(),
            Value::Null => serde_json::Value::Null,
        }
    }

    /// The value as plain text: what stands in a path, and what whole-file checks compare. Values of a list
    /// are on lines of their own, which none of them has.
    #[inline]
    pub fn as_text(&self) -> Cow<'_, str> {
        match self {
            Value::Text(text) => Cow::Borrowed(text),
            Value::Rewritten(text) | Value::Number(text) => Cow::Borrowed(text.as_str()),
            Value::Bool(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
            Value::List(values) => {
                let texts: Vec<_> = values.iter().map(Value::as_text).collect();
                Cow::Owned(texts.join("\n"))
            }
            Value::Null => Cow::Borrowed(""),
        }
    }
}
