//! A message as data is a catalogue key with arguments. It is stored and compared in this form, and rendered
//! in the reader's language.

use std::borrow::Cow;
use std::fmt;

use fluent_typed::prelude::{FluentArgs, FluentValue};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::amounts::number_in;
use super::in_language;
use super::language::{Language, spoken};

/// A message that is not rendered yet. `Display` renders it in the reader's language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Message(Box<Parts>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Parts {
    /// A message of the catalogues. A journal may contain keys from another version.
    Catalogued {
        key: Cow<'static, str>,
        #[serde(default, skip_serializing_if = "Vec::is_empty", with = "by_name")]
        args: Vec<(Cow<'static, str>, Argument)>,
    },
    /// Text from outside, such as an API's error message, without a translation.
    Verbatim(String),
    /// Several messages, each of them a clause.
    Clauses(Vec<Message>),
}

/// Serializes arguments as an object, in order.
mod by_name {
    use super::*;

    type Args = Vec<(Cow<'static, str>, Argument)>;

    pub(super) fn serialize<S: Serializer>(args: &Args, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(args.iter().map(|(name, argument)| (name, argument)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(object: D) -> Result<Args, D::Error> {
        struct ByName;

        impl<'de> Visitor<'de> for ByName {
            type Value = Args;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut object: M) -> Result<Args, M::Error> {
                let mut args = Args::new();
                while let Some((name, argument)) = object.next_entry::<String, Argument>()? {
                    args.push((name.into(), argument));
                }
                Ok(args)
            }
        }

        object.deserialize_map(ByName)
    }
}

/// An argument of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Argument {
    /// A number rendered with plain digits, which selects plural forms.
    Number(i64),
    /// A number rendered with the reader's thousands separator.
    Grouped {
        /// The number.
        grouped: u64,
    },
    /// A text from the roster, the target or the API.
    Text(String),
    /// A nested message.
    Message(Message),
}

impl Message {
    pub(super) fn new<const N: usize>(
        key: &'static str,
        args: [(&'static str, Argument); N],
    ) -> Message {
        let args = args.map(|(name, argument)| (Cow::Borrowed(name), argument));
        Message(Box::new(Parts::Catalogued {
            key: Cow::Borrowed(key),
            args: args.into(),
        }))
    }

    /// Wraps text from outside, which is the same in every language.
    pub fn verbatim(words: impl Into<String>) -> Message {
        Message(Box::new(Parts::Verbatim(words.into())))
    }

    /// Joins several messages with `; `.
    pub fn clauses(messages: Vec<Message>) -> Message {
        Message(Box::new(Parts::Clauses(messages)))
    }

    /// Returns the catalogue key, or `None` for text from outside.
    pub fn key(&self) -> Option<&str> {
        match &*self.0 {
            Parts::Catalogued { key, .. } => Some(key),
            Parts::Verbatim(_) | Parts::Clauses(_) => None,
        }
    }

    /// Returns the arguments by name.
    pub fn args(&self) -> impl Iterator<Item = (&str, &Argument)> {
        let args = match &*self.0 {
            Parts::Catalogued { args, .. } => args.as_slice(),
            Parts::Verbatim(_) | Parts::Clauses(_) => &[],
        };
        args.iter().map(|(name, argument)| (&**name, argument))
    }

    /// Returns whether an argument or a nested argument contains a text.
    pub fn mentions(&self, text: &str) -> bool {
        self.args().any(|(_, argument)| match argument {
            Argument::Text(own) => own.contains(text),
            Argument::Message(message) => message.mentions(text),
            Argument::Number(_) | Argument::Grouped { .. } => false,
        })
    }

    /// Renders the message in a language. An unknown key from another version is rendered with its arguments.
    pub fn in_language(&self, language: Language) -> String {
        match &*self.0 {
            Parts::Verbatim(words) => words.clone(),
            Parts::Clauses(messages) => {
                let clauses = messages.iter().map(|message| message.in_language(language));
                let clauses = clauses.filter(|clause| !clause.is_empty());
                clauses.collect::<Vec<_>>().join("; ")
            }
            Parts::Catalogued { key, args } => {
                let mut values = FluentArgs::new();
                for (name, argument) in args {
                    values.set(name.as_ref(), argument.in_language(language));
                }
                in_language(language)
                    .render(key, values)
                    .unwrap_or_else(|| self.unknown(language))
            }
        }
    }

    fn unknown(&self, language: Language) -> String {
        let args: Vec<String> = self
            .args()
            .map(|(name, argument)| match argument.in_language(language) {
                FluentValue::String(text) => format!("{name} {text}"),
                FluentValue::Number(number) => format!("{name} {}", number.as_string()),
                _ => name.to_owned(),
            })
            .collect();
        let key = self.key().unwrap_or_default();
        match args.is_empty() {
            true => key.to_owned(),
            false => format!("{key} ({})", args.join(", ")),
        }
    }
}

impl Default for Message {
    fn default() -> Message {
        Message::verbatim("")
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_language(spoken()))
    }
}

impl Argument {
    /// Returns a number with the reader's thousands separator.
    pub fn grouped(number: u64) -> Argument {
        Argument::Grouped { grouped: number }
    }

    fn in_language(&self, language: Language) -> FluentValue<'_> {
        match self {
            Argument::Number(number) => FluentValue::from(*number),
            Argument::Grouped { grouped } => number_in(*grouped, language).into(),
            Argument::Text(text) => FluentValue::from(text.as_str()),
            Argument::Message(message) => message.in_language(language).into(),
        }
    }
}

impl From<Message> for Argument {
    fn from(message: Message) -> Argument {
        Argument::Message(message)
    }
}

impl From<String> for Argument {
    fn from(text: String) -> Argument {
        Argument::Text(text)
    }
}

impl From<&String> for Argument {
    fn from(text: &String) -> Argument {
        Argument::Text(text.clone())
    }
}

impl From<&str> for Argument {
    fn from(text: &str) -> Argument {
        Argument::Text(text.to_owned())
    }
}

impl From<Cow<'_, str>> for Argument {
    fn from(text: Cow<'_, str>) -> Argument {
        Argument::Text(text.into_owned())
    }
}

/// Implements `From` for number types. Numbers beyond i64 become texts.
macro_rules! numbers {
    ($($number:ty),*) => { $(
        impl From<$number> for Argument {
            fn from(number: $number) -> Argument {
                i64::try_from(number)
                    .map_or_else(|_| Argument::Text(number.to_string()), Argument::Number)
            }
        }
    )* };
}

numbers!(u8, u16, u32, u64, usize, i32, i64);

#[cfg(test)]
mod tests {
    use super::super::message;
    use super::*;

    fn both(message: &Message) -> [String; 2] {
        [Language::English, Language::Swedish].map(|language| message.in_language(language))
    }

    #[test]
    fn a_stored_message_is_rendered_in_the_readers_language() {
        let messages = [
            message::cell_required(),
            message::date_future("2031-01-01"),
            message::amount_rows(12_044, Argument::grouped(12_044)),
            message::cell_list_item(2, 3, message::date_future("x")),
            Message::verbatim("identity number taken"),
            Message::clauses(vec![message::cell_nul(), Message::verbatim("why")]),
        ];
        for message in &messages {
            let stored = serde_json::to_string(message).unwrap();
            let read: Message = serde_json::from_str(&stored).unwrap();
            assert_eq!(*message, read, "{stored}");
            assert_eq!(both(message), both(&read));
        }
        assert_eq!(
            both(&messages[2]),
            ["12,044 rows", "12\u{a0}044 rader"].map(str::to_owned)
        );
        let [english, swedish] = both(&messages[3]);
        assert!(english.contains("value 2 of 3: \"x\" is in the future"));
        assert!(swedish.contains("2 av 3") && !swedish.contains("future"));
        assert_eq!(both(&messages[4])[1], "identity number taken");
        assert!(both(&messages[5])[0].ends_with("; why"));
    }

    #[test]
    fn an_unknown_message_is_rendered_with_its_arguments() {
        let stored = r#"{"key":"cell-haunted","args":{"text":"Anna","count":3}}"#;
        let message: Message = serde_json::from_str(stored).unwrap();
        assert_eq!(both(&message)[1], "cell-haunted (text Anna, count 3)");
        // Without a required argument, the message is not rendered in part.
        let stored = r#"{"key":"date-future"}"#;
        let message: Message = serde_json::from_str(stored).unwrap();
        assert_eq!(both(&message)[0], "date-future");
    }

    #[test]
    fn constructors_and_rendering_functions_have_the_same_arguments() {
        let said = super::super::say().cell_is_merged("B3", "x", "B2");
        assert_eq!(message::cell_is_merged("B3", "x", "B2").to_string(), said);
        assert_eq!(message::amount_rows(1, "1").to_string(), "1 row");
    }
}
