//! The part of a target file that describes reading records, and the pages of a list.

use schemars::JsonSchema;
use serde::Deserialize;

use super::query::Query;

/// The requests that read records.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// Fields by which records can be found, in order of preference.
    pub keys: Vec<String>,
    /// JSON pointer to the record's id, which the update's path contains.
    #[serde(default = "default_id")]
    pub id: String,
    /// Path that reads one record with GET.
    pub read: Option<String>,
    /// Path that searches records by a filter with POST.
    pub search: Option<String>,
    /// JSON pointer in the search's body to the object that holds the lists of values by field.
    #[serde(default)]
    pub search_filter: String,
    /// Constant members of the search's body, such as `{ filter = { orCondition = false } }`.
    #[serde(default)]
    pub search_body: serde_json::Map<String, serde_json::Value>,
    /// The form of a nested field's name in a search.
    #[serde(default)]
    pub search_names: SearchNames,
    /// Requests that find records by a key with GET.
    #[serde(default)]
    pub query: Vec<Query>,
    /// Path that lists all records with GET.
    pub list: Option<String>,
    /// JSON pointer to the records in a response with several records.
    pub records: Option<String>,
    /// JSON pointer to the total number of records.
    #[serde(default)]
    pub total: String,
    /// Whether the total is known to count all records. Otherwise, a total that equals the number of records
    /// on the first page may count that page only, so the next page is requested.
    #[serde(default)]
    pub trust_total: bool,
    /// The number of records per page.
    pub page_size: Option<u32>,
    /// The paging method.
    pub paging: Option<Paging>,
    /// The search for records that changed since a given time. It saves a later run from listing all records
    /// again.
    pub changes: Option<Changes>,
}

/// The searches for records that were created, changed or deleted since a given time.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// Path of the search with POST. The default is `lookup.search`.
    pub search: Option<String>,
    /// JSON pointer in the body of the search to the object that takes the time under its name in a record,
    /// such as `/filter/greaterThan`. The other members are those of `lookup.search_body`.
    pub filter: String,
    /// JSON pointers to the timestamps of a record, such as `/meta/updatedAt`. Each requires one search.
    pub moments: Vec<String>,
    /// The search for deletions. Without it, deleted records are detected by the list's total.
    pub deleted: Option<Deleted>,
}

/// The search for records that were deleted since a given time.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deleted {
    /// Path of the search with POST. Its responses have the paging of `[lookup]`.
    pub search: String,
    /// Constant members of the search's body.
    #[serde(default)]
    pub search_body: serde_json::Map<String, serde_json::Value>,
    /// JSON pointer in the search's body to the time, such as `/filter/greaterThan/timestamp`.
    pub moment: String,
    /// JSON pointer in an entry to the record's id.
    pub id: String,
}

/// The form of a nested field's name in a search.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SearchNames {
    /// Nested objects, as in a record: `{"external": {"sourceID": […]}}`.
    #[default]
    Nested,
    /// One dotted name: `{"external.sourceID": […]}`.
    Dotted,
}

fn default_id() -> String {
    "/id".into()
}

fn one() -> u8 {
    1
}

/// The paging method of a list or search.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Paging {
    /// Query parameters state the number of records to skip and to return.
    Offset {
        /// The parameter for the number of records to return.
        limit: String,
        /// The parameter for the number of records to skip.
        offset: String,
        /// The offset of the first page: 1 if the API counts records from 1.
        #[serde(default)]
        first: u8,
    },
    /// A query parameter holds the page number.
    Page {
        /// The parameter.
        parameter: String,
        /// The number of the first page.
        #[serde(default = "one")]
        first: u8,
    },
    /// Each response contains the next page's address.
    Next {
        /// JSON pointer to the address, which may be relative to the current page's address. It is null or
        /// absent on the last page.
        pointer: String,
    },
    /// The `Link` header of each response (RFC 8288) contains the next page's address with `rel="next"`.
    Link {},
    /// Each response contains a cursor to send in the next request.
    Cursor {
        /// JSON pointer to the cursor, which is null, empty or absent on the last page.
        pointer: String,
        /// The query parameter for the cursor in the next request.
        parameter: Option<String>,
        /// JSON pointer to the cursor in a search's body, as an alternative to the parameter.
        body: Option<String>,
    },
}

impl Paging {
    /// Whether pages are requested by number or offset.
    pub fn is_counted(&self) -> bool {
        matches!(self, Paging::Offset { .. } | Paging::Page { .. })
    }

    /// The query parameters for paging, each with the key that sets its name.
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
    /// Returns the query that finds records by the field `name`.
    pub fn query_by(&self, name: &str) -> Option<&Query> {
        self.query.iter().find(|query| query.key() == name)
    }

    /// Whether any request finds or lists records.
    pub(super) fn finds_any(&self) -> bool {
        self.paths().next().is_some()
    }

    /// Whether any response is a list of records, which may have pages.
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

    /// The paths of all requests, mutable.
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
