//! How a target file describes reading records, and the pages of a list.

use schemars::JsonSchema;
use serde::Deserialize;

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
    /// Path that lists all records, with GET.
    pub list: Option<String>,
    /// JSON pointer to the records in an answer.
    pub records: String,
    /// JSON pointer to the number of all records.
    #[serde(default)]
    pub total: String,
    /// Whether the total is known to count all records. Otherwise, if the first page has as many
    /// records, the total may count only that page, so the next page is requested.
    #[serde(default)]
    pub trust_total: bool,
    /// Records a page.
    pub page_size: u32,
    /// How one page follows another.
    pub paging: Paging,
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
}

impl Lookup {
    /// The paths of the look-up's requests.
    pub(super) fn paths(&self) -> impl Iterator<Item = &String> {
        [&self.read, &self.search, &self.list].into_iter().flatten()
    }
}
