//! The parts of a target file that a simulated server needs.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// The parts of a target file that a simulated server needs.
#[derive(Debug, Clone, Deserialize)]
pub struct Description {
    name: String,
    pub(super) sign_in: Vec<Way>,
    pub(super) update: Update,
    pub(super) answers: Answers,
    pub(super) quota: Quota,
    pub(super) lookup: Option<Lookup>,
    pub(super) fields: Vec<Field>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Way {
    Headers {
        headers: BTreeMap<String, String>,
    },
    Bearer {},
    Token {
        word: String,
    },
    Basic {
        password: Option<String>,
    },
    Oauth {
        token_path: Option<String>,
        token_url: Option<String>,
    },
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Update {
    pub(super) method: String,
    pub(super) path: String,
    #[serde(default)]
    pub(super) body: String,
    pub(super) content_type: Option<String>,
    pub(super) if_match: Option<String>,
    /// Whether a PUT removes members that its body omits.
    #[serde(default = "yes")]
    pub(super) replaces: bool,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Answers {
    #[serde(default)]
    pub(super) code: String,
    #[serde(default)]
    pub(super) message: String,
    pub(super) fields: Option<String>,
    #[serde(default)]
    pub(super) record: String,
    #[serde(default)]
    pub(super) request_id: String,
    pub(super) expects: Option<String>,
    pub(super) retry: Vec<u16>,
    pub(super) reject: Vec<u16>,
    pub(super) stop: Vec<u16>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Quota {
    pub(super) headers: Option<QuotaHeaders>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct QuotaHeaders {
    pub(super) limit: String,
    pub(super) remaining: String,
    pub(super) reset: String,
    pub(super) reset_unit: String,
    pub(super) draft: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Lookup {
    #[serde(default = "usual_id")]
    pub(super) id: String,
    pub(super) read: Option<String>,
    pub(super) search: Option<String>,
    #[serde(default)]
    pub(super) search_filter: String,
    #[serde(default)]
    pub(super) search_body: Map<String, Value>,
    #[serde(default)]
    pub(super) search_names: String,
    #[serde(default)]
    pub(super) query: Vec<Query>,
    pub(super) list: Option<String>,
    #[serde(default)]
    pub(super) records: String,
    #[serde(default)]
    pub(super) total: String,
    #[serde(default)]
    pub(super) page_size: usize,
    #[serde(default = "usual_paging")]
    pub(super) paging: Paging,
}

fn usual_paging() -> Paging {
    Paging::Link {}
}

/// A GET request that finds records by a key.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Query {
    pub(super) key: String,
    pub(super) path: String,
    pub(super) parameter: Option<String>,
    #[serde(default = "usual_filter")]
    pub(super) filter: String,
    #[serde(default)]
    pub(super) between: String,
    #[serde(default = "usual_around")]
    pub(super) around: String,
    #[serde(default)]
    pub(super) escape: BTreeMap<char, String>,
}

fn usual_filter() -> String {
    "{key}".to_owned()
}

fn usual_around() -> String {
    "{filter}".to_owned()
}

fn usual_id() -> String {
    "/id".to_owned()
}

#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Paging {
    Offset {
        limit: String,
        offset: String,
        #[serde(default)]
        first: usize,
    },
    Page {
        parameter: String,
        #[serde(default = "usual_first_page")]
        first: usize,
    },
    Next {
        pointer: String,
    },
    Link {},
    Cursor {
        pointer: String,
        parameter: Option<String>,
        body: Option<String>,
    },
}

fn usual_first_page() -> usize {
    1
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) items: Option<Kind>,
    pub(super) separator: Option<char>,
    #[serde(default, rename = "in")]
    pub(super) place: String,
    #[serde(default)]
    pub(super) pointer: String,
    #[serde(default)]
    pub(super) nullable: bool,
    #[serde(default)]
    pub(super) unique: bool,
    #[serde(default)]
    pub(super) choices: Vec<String>,
    pub(super) pattern: Option<String>,
    pub(super) constant: Option<String>,
    pub(super) max_length: Option<usize>,
}

/// The kind of a field's values. A kind that is not listed is refused, so that no value gets a wrong type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Text,
    Integer,
    Boolean,
    Choice,
    List,
    Uuid,
    /// Texts in a form that the simulated API does not check.
    #[serde(
        alias = "identity_number",
        alias = "date",
        alias = "email",
        alias = "phone",
        alias = "postal_code",
        alias = "country",
        alias = "municipality_code",
        alias = "eppn"
    )]
    Formatted,
}

impl Description {
    /// Parses a target file.
    pub fn parse(text: &str) -> Result<Description, toml::de::Error> {
        toml::from_str(text)
    }

    /// Returns the name, and the method and path of the update, which identify the API.
    pub(in crate::sandbox) fn identity(&self) -> (&str, &str, &str) {
        (&self.name, &self.update.method, &self.update.path)
    }

    /// Returns the fields in the update's path, in order. They identify a record.
    pub(super) fn keys(&self) -> Vec<&str> {
        let segments = self.update.path.split('/');
        let names = segments.filter_map(|segment| Some(placeholder(segment)?.1));
        let is_field = |name: &&str| self.fields.iter().any(|field| field.name == *name);
        names.filter(is_field).collect()
    }

    /// Returns the JSON pointer of a field in a record.
    pub(super) fn place(&self, field: &Field) -> String {
        if field.place != "path" {
            return field.pointer.clone();
        }
        if self.keys().last() == Some(&&*field.name) {
            return self
                .lookup
                .as_ref()
                .map_or_else(usual_id, |lookup| lookup.id.clone());
        }
        format!("/{}", field.name)
    }

    /// Returns the status code that this API uses in place of `usual`.
    pub(super) fn status(&self, usual: u16) -> u16 {
        let Answers {
            retry,
            reject,
            stop,
            ..
        } = &self.answers;
        let (list, instead) = match usual {
            401 => (stop, stop.first()),
            429 => (retry, retry.first()),
            _ => (reject, reject.first()),
        };
        match list.contains(&usual) {
            true => usual,
            false => instead.copied().unwrap_or(usual),
        }
    }
}
/// Splits a path segment into the text before its placeholder, the placeholder's name, and the text after it.
pub(super) fn placeholder(segment: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = segment.split_once('{')?;
    let (name, behind) = rest.split_once('}')?;
    Some((before, name, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_known() {
        for kind in crate::targets::Kind::ALL {
            let field = format!("name = \"x\"\nkind = \"{}\"", kind.as_str());
            let known = toml::from_str::<Field>(&field);
            assert!(known.is_ok(), "{known:?}");
        }
    }
}
