//! Option values have the same format on the command line and in the config file. They are parsed where they
//! are read, so that errors name the position.

use crate::l10n::say;
use crate::plan::ConflictPolicy;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

/// A duration such as `45s`, `20ms` or `30d`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Time {
    text: String,
    /// The parsed duration.
    pub(super) length: Duration,
}

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Time, String> {
        let wrong = || say().value_time(text);
        let span: jiff::Span = text.parse().map_err(|_| wrong())?;
        // A day has 24 hours here, because only the duration matters.
        let time = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours());
        let length = Duration::try_from(time.map_err(|_| wrong())?).map_err(|_| wrong())?;
        Ok(Time {
            text: text.to_owned(),
            length,
        })
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A duration above zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Timeout(pub(super) Time);

impl FromStr for Timeout {
    type Err = String;

    fn from_str(text: &str) -> Result<Timeout, String> {
        let time: Time = text.parse()?;
        if time.length.is_zero() {
            return Err(say().value_above_zero());
        }
        Ok(Timeout(time))
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A share above 0% and at most 100%.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Share(pub(super) f64);

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Share, String> {
        let percent = text.strip_suffix('%').map(str::trim).map(str::parse::<f64>);
        match percent {
            Some(Ok(percent)) if percent > 0.0 && percent <= 100.0 => Ok(Share(percent / 100.0)),
            None if text.trim().parse::<f64>().is_ok() => {
                Err(say().value_share_percent(text.trim()))
            }
            _ => Err(say().value_share(text)),
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0 * 100.0)
    }
}

/// A delimiter, which is one ASCII character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Delimiter(pub(super) u8);

impl FromStr for Delimiter {
    type Err = String;

    fn from_str(text: &str) -> Result<Delimiter, String> {
        match text.as_bytes() {
            b"tab" | b"\\t" => Ok(Delimiter(b'\t')),
            [byte] if !byte.is_ascii_alphanumeric() && !matches!(byte, b'"' | b'\n' | b'\r') => {
                Ok(Delimiter(*byte))
            }
            _ => Err(say().value_delimiter(text)),
        }
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            b'\t' => f.write_str("tab"),
            byte => write!(f, "{}", char::from(byte)),
        }
    }
}

/// An encoding's label (WHATWG Encoding Standard).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label(pub(super) String);

impl FromStr for Label {
    type Err = String;

    fn from_str(text: &str) -> Result<Label, String> {
        match crate::read::Charset::for_label(text) {
            Some(_) => Ok(Label(text.to_owned())),
            None => Err(say().value_encoding(text)),
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The base address of an API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address(pub(super) String);

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Address, String> {
        crate::send::check_address(text).map_err(|error| error.to_string())?;
        Ok(Address(text.to_owned()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The meaning of an empty cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Empty {
    /// Keep the value
    Keep,
    /// Clear the value
    Clear,
}

/// The position of the result columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OutcomeAt {
    /// After the roster's columns
    Last,
    /// Before the roster's columns
    First,
}

/// The policy for rows with the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Duplicate {
    /// All but the first are invalid
    Error,
    /// The first is sent
    First,
    /// The last is sent
    Last,
}

/// The policy for rows that give a person another identity number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Renumber {
    /// The run is held until they are approved
    Ask,
    /// Those that another id confirms are sent
    Approve,
    /// Their records are not looked for
    Off,
}

/// An option value that can be printed.
pub(super) trait Shown {
    /// Returns the value as written on the command line.
    fn shown(&self) -> String;
}

macro_rules! shown_as_displayed {
    ($($type:ty),*) => { $(
        impl Shown for $type {
            fn shown(&self) -> String {
                self.to_string()
            }
        }
    )* };
}
shown_as_displayed!(
    String,
    bool,
    u64,
    std::num::NonZeroU32,
    std::num::NonZeroU64,
    std::num::NonZeroUsize,
    Time,
    Timeout,
    Share,
    Delimiter,
    Label,
    Address,
    crate::send::Rate,
    crate::plan::Threshold
);

impl Shown for PathBuf {
    fn shown(&self) -> String {
        self.display().to_string()
    }
}

macro_rules! written_as_a_word {
    ($($type:ty),*) => { $(
        impl FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                <$type as ValueEnum>::from_str(text, false).map_err(|_| {
                    let known = <$type as ValueEnum>::value_variants().iter();
                    let known: Vec<String> = known.map(Shown::shown).collect();
                    say().value_none_of(text, known.join(", "))
                })
            }
        }

        impl Shown for $type {
            fn shown(&self) -> String {
                let value = self.to_possible_value();
                value.map_or(String::new(), |value| value.get_name().to_owned())
            }
        }
    )* };
}
written_as_a_word!(Empty, Duplicate, OutcomeAt, Renumber);

/// The setting `conflicts` of a config file: a policy for all fields, or a table of fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(with = "ConflictsWritten")]
pub(super) struct ConflictRules {
    /// The policy of all other fields.
    pub(super) all: Option<ConflictPolicy>,
    /// The policies of single fields.
    pub(super) fields: BTreeMap<String, ConflictPolicy>,
}

/// The key that stands for all fields that a table of conflicts does not name.
const OTHER_FIELDS: &str = "default";

/// The form of `conflicts` in a config file.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its schema is used")]
enum ConflictsWritten {
    All(PolicyWritten),
    Fields(BTreeMap<String, PolicyWritten>),
}

/// A policy in a config file.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code, reason = "only its schema is used")]
enum PolicyWritten {
    Roster,
    Theirs,
    Ask,
}

impl<'de> Deserialize<'de> for ConflictRules {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<ConflictRules, D::Error> {
        from.deserialize_any(ConflictsVisitor)
    }
}

struct ConflictsVisitor;

impl<'de> de::Visitor<'de> for ConflictsVisitor {
    type Value = ConflictRules;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&say().value_conflicts())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ConflictRules, E> {
        Ok(ConflictRules {
            all: Some(text.parse().map_err(E::custom)?),
            ..ConflictRules::default()
        })
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<ConflictRules, A::Error> {
        let mut rules = ConflictRules::default();
        while let Some((field, policy)) = map.next_entry::<String, String>()? {
            let policy = policy.parse().map_err(de::Error::custom)?;
            match &*field {
                OTHER_FIELDS => rules.all = Some(policy),
                _ => {
                    rules.fields.insert(field, policy);
                }
            }
        }
        Ok(rules)
    }
}

/// The limits of `[retention]`, such as `90d`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RetentionTimes {
    /// Rosters in the archive of an inbox.
    #[serde(default, deserialize_with = "from_config")]
    #[schemars(with = "Option<Written>")]
    pub(super) rosters: Option<Time>,
    /// Results and reports in the archive of an inbox.
    #[serde(default, deserialize_with = "from_config")]
    #[schemars(with = "Option<Written>")]
    pub(super) results: Option<Time>,
    /// Values in the journal.
    #[serde(default, deserialize_with = "from_config")]
    #[schemars(with = "Option<Written>")]
    pub(super) values: Option<Time>,
}

/// A config value, written as a string, a number or a boolean.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Written {
    Text(String),
    Number(i64),
    Fraction(f64),
    Truth(bool),
}

/// Deserializes a config value written as text, number or boolean.
pub(super) fn from_config<'de, D: Deserializer<'de>, T>(from: D) -> Result<Option<T>, D::Error>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    let text = match Written::deserialize(from)? {
        Written::Text(text) => text,
        Written::Number(number) => number.to_string(),
        Written::Fraction(number) => number.to_string(),
        Written::Truth(truth) => truth.to_string(),
    };
    text.parse().map(Some).map_err(de::Error::custom)
}
/// The kind of progress output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ProgressKind {
    /// A bar on a terminal, plain lines elsewhere
    #[default]
    Auto,
    /// A bar
    Bar,
    /// A line now and then
    Plain,
    /// One JSON object per line
    Json,
    /// Nothing
    None,
}

/// When colours are used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorWhen {
    #[default]
    Auto,
    Always,
    Never,
}

/// The log format.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    #[default]
    Text,
    Json,
}

/// The output format of a summary.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    #[default]
    Text,
    Json,
}
