use std::collections::BTreeMap;

use serde::Deserialize;

use super::field::FieldSpec;
use crate::model::Method;

/// What an API looks like: everything that is particular to it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetSpec {
    /// The name that `--target` takes.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// What one record is called in messages, such as `student`.
    pub record: String,
    /// Base addresses by name. The one called `production` is the default.
    pub environments: BTreeMap<String, String>,
    /// Ways to sign in; the first whose variables are all set is used.
    pub sign_in: Vec<SignIn>,
    /// The request that updates one record.
    pub update: Update,
    /// How answers are understood.
    pub answers: Answers,
    /// How many requests the API takes.
    pub quota: Quota,
    /// How records are read, if they can be.
    pub lookup: Option<Lookup>,
    /// The fields, in the order of a template's columns.
    pub fields: Vec<FieldSpec>,
}

/// A way to sign in. Only names of environment variables stand here, never a secret.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum SignIn {
    /// Constant headers on every request.
    Headers {
        /// Header name to the environment variable that holds its value.
        headers: BTreeMap<String, String>,
    },
    /// OAuth 2.0 client credentials (RFC 6749, section 4.4).
    Oauth {
        /// Path of the token endpoint, at the root of the base address's host.
        token_path: String,
        /// Environment variable that holds the client id.
        client_id: String,
        /// Environment variable that holds the client secret.
        client_secret: String,
    },
}

impl SignIn {
    /// The environment variables that this way needs.
    pub fn variables(&self) -> Vec<&str> {
        match self {
            SignIn::Headers { headers } => headers.values().map(String::as_str).collect(),
            SignIn::Oauth {
                client_id,
                client_secret,
                ..
            } => vec![client_id, client_secret],
        }
    }
}

/// The request that updates one record.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// The HTTP method.
    pub method: Method,
    /// Path below the base address, with `{field}` for each field that goes into it.
    pub path: String,
    /// Whether a request whose answer was lost may be sent again.
    pub idempotent: bool,
}

/// How answers are understood. Every 2xx is success, whatever its body.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// JSON pointer to the API's error code.
    #[serde(default)]
    pub code: String,
    /// JSON pointer to the error's text.
    #[serde(default)]
    pub message: String,
    /// JSON pointer to the request's id.
    #[serde(default)]
    pub request_id: String,
    /// Statuses after which the request is made again.
    pub retry: Vec<u16>,
    /// Statuses that refuse one row.
    pub reject: Vec<u16>,
    /// Statuses that stop the run: the credentials are refused.
    pub stop: Vec<u16>,
}

/// A unit of time that a rate is given in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum RateUnit {
    /// A second.
    #[serde(rename = "s")]
    Second,
    /// A minute.
    #[serde(rename = "m")]
    Minute,
    /// An hour.
    #[serde(rename = "h")]
    Hour,
    /// A day of 24 hours.
    #[serde(rename = "d")]
    Day,
}

impl RateUnit {
    /// The unit's length in seconds.
    pub fn seconds(self) -> u64 {
        match self {
            RateUnit::Second => 1,
            RateUnit::Minute => 60,
            RateUnit::Hour => 3_600,
            RateUnit::Day => 86_400,
        }
    }

    /// The letter that stands for it.
    pub fn letter(self) -> char {
        match self {
            RateUnit::Second => 's',
            RateUnit::Minute => 'm',
            RateUnit::Hour => 'h',
            RateUnit::Day => 'd',
        }
    }
}

/// How many requests the API takes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Requests a period.
    pub requests: f64,
    /// The period.
    pub per: RateUnit,
    /// Requests that a full bucket lets through at once.
    pub burst: u32,
    /// The headers that tell how much is left.
    pub headers: Option<QuotaHeaders>,
}

/// Headers that tell how much of the quota is left.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotaHeaders {
    /// Header that holds the requests of a period.
    pub limit: String,
    /// Header that holds the requests that are left.
    pub remaining: String,
    /// Header that tells when the quota is whole again.
    pub reset: String,
    /// What the reset header's number means.
    pub reset_unit: ResetUnit,
}

/// What the number in a reset header means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResetUnit {
    /// Milliseconds since the Unix epoch.
    EpochMilliseconds,
    /// Seconds since the Unix epoch.
    EpochSeconds,
    /// Seconds from now.
    Seconds,
}

/// How records are read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// Fields by which a record can be found, the best one first.
    pub keys: Vec<String>,
    /// Path that reads one record.
    pub read: String,
    /// Path that finds records by a filter, with POST.
    pub search: String,
    /// JSON pointer in the search's body below which lists of values stand by field.
    pub search_filter: String,
    /// Path that lists all records, with GET.
    pub list: String,
    /// JSON pointer to the records in an answer.
    pub records: String,
    /// JSON pointer to the number of all records.
    pub total: String,
    /// Records a page.
    pub page_size: u32,
    /// Query parameter that holds the page's size.
    pub limit_parameter: String,
    /// Query parameter that holds the number of records to pass over.
    pub offset_parameter: String,
}

impl TargetSpec {
    /// The position of the field called `name`.
    pub fn field(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name() == name)
    }

    /// Names of the fields that stand in the update's path, in its order.
    pub fn path_fields(&self) -> impl Iterator<Item = &str> {
        placeholders(&self.update.path)
    }

    /// The position of the field that names the record: the last one in the update's path.
    pub fn key_field(&self) -> Option<usize> {
        self.path_fields().last().and_then(|name| self.field(name))
    }
}

/// The names between braces in a path.
pub(super) fn placeholders(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| {
        let (name, _) = rest.split_once('}')?;
        Some(name)
    })
}
