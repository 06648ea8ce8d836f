//! A value is the checked content of a cell.

use std::borrow::Cow;

use compact_str::CompactString;

/// The checked and normalized value of a cell, as it is sent.
///
/// Text that needs no change is borrowed from the input. Most rewritten text is short enough for inline
/// storage, so that checking a row rarely allocates.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// The cell's text, without surrounding whitespace.
    Text(&'a str),
    /// Rewritten text, such as a phone number in E.164 form.
    Rewritten(CompactString),
    /// A JSON boolean.
    Bool(bool),
    /// A JSON number. It is stored as text so that no digit is lost.
    Number(CompactString),
    /// The values of a list.
    List(Vec<Value<'a>>),
    /// JSON `null`, which clears the field.
    Null,
}

impl Value<'_> {
    /// Converts the value to one that borrows nothing.
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

    /// The value as plain text, for paths and whole-file checks. List items are separated by line breaks,
    /// which no item contains.
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
