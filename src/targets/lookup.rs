//! How a target file describes reading records, and the pages of a list.

use schemars::JsonSchema;
use serde::Deserialize;

use super::query::Query;

/// How records are read.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// Fields by which a record can be found, the best one first.
    pub keys: Vec<String>,
    /// JSON pointer to a record's own id, which the update's path names.
    #[serde(default = "default_id")]
    pub id: String,
    /// Path that reads one record, with GET.
    pub read: Option<String>,
    /// Path that finds records by a filter, with POST.
    pub search: Option<String>,
    /// JSON pointer in the search's body below which lists of values stand by field.
    #[serde(default)]
    pub search_filter: String,
    /// Members that stand in every search's body, such as `{ filter = { orCondition = false } }`.
    #[serde(default)]
    pub search_body: serde_json::Map<String, serde_json::Value>,
    /// How a search names a field of a nested object.
    #[serde(default)]
    pub search_names: SearchNames,
    /// Requests that find records by a key, with GET.
    #[serde(default)]
    pub query: Vec<Query>,
    /// Path that lists all records, with GET.
    pub list: Option<String>,
    /// JSON pointer to the records in an answer that has several.
    pub records: Option<String>,
    /// JSON pointer to the number of all records.
    #[serde(default)]
    pub total: String,
    /// Whether the total is known to count all records. Otherwise, if the first page has as many
    /// records, the total may count only that page, so the next page is requested.
    #[serde(default)]
    pub trust_total: bool,
    /// Records a page.
    pub page_size: Option<u32>,
    /// How one page follows another.
    pub paging: Option<Paging>,
    /// How the records are found that were changed since a moment, so that a later run need not list
    /// all of them again.
    pub changes: Option<Changes>,
}

/// How to find the records that were created, changed or deleted since a point in time.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// Path of the search, with POST; `lookup.search` if it is left out.
    pub search: Option<String>,
    /// JSON pointer in the body of the search to the object that takes the time under its name in a record, such as
    /// `/filter/greaterThan`. The other members are those of `lookup.search_body`.
    pub filter: String,
    /// JSON pointers to the moments of a record, such as `/meta/updatedAt`. There is one search for each.
    pub moments: Vec<String>,
    /// How deletions are found. Without it a deleted record is noticed by the total of the list.
    pub deleted: Option<Deleted>,
}

/// How the deletions since a moment are found.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deleted {
    /// Path of the search, with POST. Its answers have the pages of `[lookup]`.
    pub search: String,
    /// Members that stand in the search's body.
    #[serde(default)]
    pub search_body: serde_json::Map<String, serde_json::Value>,
    /// JSON pointer in the search's body that holds the moment, such as `/filter/greaterThan/timestamp`.
    pub moment: String,
    /// JSON pointer in an entry to the id of the record.
    pub id: String,
}

/// How a search names a field of a nested object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SearchNames {
    /// As it stands in a record: `{"external": {"sourceID": […]}}`.
    #[default]
    Nested,
    /// As one name with dots: `{"external.sourceID": […]}`.
    Dotted,
}

fn default_id() -> String {
    "/id".into()
}

fn one() -> u8 {
    1
}

/// How one page of records follows another.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Paging {
    /// Query parameters say how many records to pass over and how many to give.
    Offset {
        /// The parameter that holds the number to give.
        limit: String,
        /// The parameter that holds the number to pass over.
        offset: String,
        /// Its value on the first page: 1 if the API counts records from 1.
        #[serde(default)]
        first: u8,
    },
    /// A query parameter holds the page's number.
    Page {
        /// The parameter.
        parameter: String,
        /// The number of the first page.
        #[serde(default = "one")]
        first: u8,
    },
    /// Each answer holds the next page's address.
    Next {
        /// JSON pointer to it; null or absent on the last page. The address may be relative to that
        /// of the page.
        pointer: String,
    },
    /// The `Link` header of each answer (RFC 8288) has the next page's address, with `rel="next"`.
    Link {},
    /// Each answer holds a cursor, which the next request repeats.
    Cursor {
        /// JSON pointer to it; null, empty or absent on the last page.
        pointer: String,
        /// The query parameter that holds the cursor of the next request.
        parameter: Option<String>,
        /// JSON pointer in a search's body that holds it instead of the parameter.
        body: Option<String>,
    },
}

impl Paging {
    /// Whether pages are requested by number or offset, and no page names the next one.
    pub fn is_counted(&self) -> bool {
        matches!(self, Paging::Offset { .. } | Paging::Page { .. })
    }

    /// The query parameters of its requests, each with the key that sets its name.
    pub(super) fn parameters(&self) -> Vec<(&'static str, &str)> {
        match self {
            Paging::Offset { limit, offset, .. } => vec![("limit", limit), ("offset", offset)],
            Paging::Page { parameter, .. } => vec![("parameter", parameter)],
            Paging::Cursor {
                parameter: Some(parameter),
                ..
            } => vec![("parameter", parameter)],
            Paging::Cursor { .. } | Paging::Next { .. } | Paging::Link {} => Vec::new(),
        }
    }
}

impl Lookup {
    /// Returns the query that finds records by the field called `name`.
    pub fn query_by(&self, name: &str) -> Option<&Query> {
        self.query.iter().find(|query| query.key() == name)
    }

    /// Whether any request finds or lists records.
    pub(super) fn finds_any(&self) -> bool {
        self.paths().next().is_some()
    }

    /// Whether any answer is a list of records, which may have pages.
    pub(super) fn has_lists(&self) -> bool {
        let is_list = |query: &Query| query.parameter.is_some();
        self.search.is_some() || self.list.is_some() || self.query.iter().any(is_list)
    }

    /// The paths of the look-up's requests.
    pub(super) fn paths(&self) -> impl Iterator<Item = &String> {
        let of_queries = self.query.iter().map(|query| &query.path);
        let others = [&self.read, &self.search, &self.list];
        others.into_iter().flatten().chain(of_queries)
    }

    /// The paths of the searches for changes.
    pub(super) fn paths_of_changes(&self) -> impl Iterator<Item = &String> {
        let changes = self.changes.iter();
        changes.flat_map(|changes| {
            let deleted = changes.deleted.iter().map(|deleted| &deleted.search);
            changes.search.iter().chain(deleted)
        })
    }

    /// The same, to be changed.
    pub(super) fn paths_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let of_queries = self.query.iter_mut().map(|query| &mut query.path);
        let others = [&mut self.read, &mut self.search, &mut self.list];
        let of_changes = self.changes.iter_mut().flat_map(|changes| {
            let deleted = changes
                .deleted
                .iter_mut()
                .map(|deleted| &mut deleted.search);
            changes.search.iter_mut().chain(deleted)
        });
        let others = others.into_iter().flatten();
        others.chain(of_queries).chain(of_changes)
    }
}
