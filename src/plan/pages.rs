//! Reads pages of records from responses, and the next page that a response names.

use serde_json::Value as Json;
use thiserror::Error;
use url::Url;

use super::link::{Malformed, next_of};
use super::lookup::LookUp;
use crate::l10n::{Message, message};
use crate::model::Code;
use crate::targets::Paging;

/// One page of records.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// The records.
    pub records: Vec<Json>,
    /// The number of records on all pages, if the response states it.
    pub total: Option<u64>,
    /// The next page.
    pub(super) next: Named,
    /// Whether the response's `Link` header names a next page.
    pub(super) is_linked: bool,
}

/// The next page that a response names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Named {
    /// The response does not mention a next page.
    #[default]
    Unsaid,
    /// There is no next page.
    Nothing,
    /// The path of the next page below the base address, with its query.
    At(String),
    /// The cursor to send in the request for the next page.
    Cursor(String),
}

/// Why a list of records cannot be read, or is incomplete.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum LookUpError {
    /// A response has no list of records.
    #[error("{}", self.message())]
    NoList {
        /// The pointer to the list in the target file.
        pointer: String,
    },
    /// A page has no new records, or leads back to an earlier page.
    #[error("{}", self.message())]
    SamePage {
        /// The number of the page, from 1.
        page: u64,
        /// The setting to correct in the target file.
        setting: String,
    },
    /// Fewer records were listed than the total states.
    #[error("{}", self.message())]
    Fewer {
        /// The number of distinct records that were listed.
        listed: u64,
        /// The number of all records.
        total: u64,
        /// The number of records that were listed more than once.
        repeated: u64,
        /// The setting to correct in the target file.
        setting: String,
    },
    /// The first page is full and names no next page.
    #[error("{}", self.message())]
    NoNext {
        /// The number of records on the page.
        records: u64,
        /// The setting to correct in the target file.
        setting: String,
    },
    /// The next page is not below the API's base address.
    #[error("{}", self.message())]
    Elsewhere {
        /// The next page's address, without its query.
        address: String,
    },
    /// The `Link` header names a next page, and the target file does not follow it.
    #[error("{}", self.message())]
    Linked,
    /// The value for the next page is neither an address, a cursor, nor null.
    #[error("{}", self.message())]
    NoAddress {
        /// The setting to correct in the target file.
        setting: String,
    },
}

impl LookUpError {
    /// Returns the message of the error.
    pub fn message(&self) -> Message {
        match self {
            LookUpError::NoList { pointer } => message::lookup_no_list(pointer),
            LookUpError::SamePage { page, setting } => message::lookup_same_page(*page, setting),
            LookUpError::Fewer {
                listed,
                total,
                repeated: 0,
                setting,
            } => message::lookup_fewer(*listed, *total, setting),
            LookUpError::Fewer {
                listed,
                total,
                repeated,
                setting,
            } => message::lookup_fewer_repeated(*listed, *total, *repeated, setting),
            LookUpError::NoNext { records, setting } => message::lookup_no_next(*records, setting),
            LookUpError::Elsewhere { address } => message::lookup_elsewhere(address),
            LookUpError::Linked => message::lookup_linked(),
            LookUpError::NoAddress { setting } => message::lookup_no_address(setting),
        }
    }

    /// Returns the code of the error.
    pub fn code(&self) -> Code {
        match self {
            LookUpError::NoList { .. } => Code::ApiNoList,
            LookUpError::SamePage { .. } => Code::ApiSamePage,
            LookUpError::Fewer { .. } | LookUpError::NoNext { .. } | LookUpError::Linked => {
                Code::ApiIncomplete
            }
            LookUpError::Elsewhere { .. } | LookUpError::NoAddress { .. } => Code::ApiNextPage,
        }
    }
}

impl LookUp {
    /// Reads a response to a list or search request.
    ///
    /// `link` is the response's `Link` header. `at` is the base address and the request's path below it. The
    /// next page's address must lie below the same base address.
    ///
    /// # Errors
    /// Fails if the response has no list of records at `lookup.records`, or names a next page that cannot be
    /// requested.
    pub fn page(
        &self,
        mut answer: Json,
        link: Option<&str>,
        at: (&str, &str),
    ) -> Result<Page, LookUpError> {
        let how = &self.how;
        let total = (!how.total.is_empty())
            .then(|| answer.pointer(&how.total).and_then(Json::as_u64))
            .flatten();
        let linked = link.map(next_of);
        let next = match &how.paging {
            Some(Paging::Next { pointer }) => self.named_at(answer.pointer(pointer), at)?,
            Some(Paging::Cursor { pointer, .. }) => self.cursor_at(answer.pointer(pointer))?,
            Some(Paging::Link {}) => match &linked {
                Some(Ok(Some(next))) => self.below(next, at)?,
                Some(Ok(None)) => Named::Nothing,
                Some(Err(Malformed)) => return Err(self.no_address()),
                None => Named::Unsaid,
            },
            Some(Paging::Offset { .. } | Paging::Page { .. }) | None => Named::Unsaid,
        };
        let place = how.records.as_deref().unwrap_or_default();
        let records = match answer.pointer_mut(place).map(Json::take) {
            Some(Json::Array(records)) => records,
            _ => {
                return Err(LookUpError::NoList {
                    pointer: place.to_owned(),
                });
            }
        };
        Ok(Page {
            records,
            total,
            next,
            is_linked: matches!(linked, Some(Ok(Some(_)))),
        })
    }

    fn cursor_at(&self, cursor: Option<&Json>) -> Result<Named, LookUpError> {
        match cursor {
            None => Ok(Named::Unsaid),
            Some(Json::Null | Json::Bool(false)) => Ok(Named::Nothing),
            Some(Json::String(cursor)) if cursor.is_empty() => Ok(Named::Nothing),
            Some(Json::String(cursor)) => Ok(Named::Cursor(cursor.clone())),
            Some(Json::Number(cursor)) => Ok(Named::Cursor(cursor.to_string())),
            Some(_) => Err(self.no_address()),
        }
    }

    fn named_at(&self, next: Option<&Json>, at: (&str, &str)) -> Result<Named, LookUpError> {
        match next {
            None => Ok(Named::Unsaid),
            Some(Json::Null | Json::Bool(false)) => Ok(Named::Nothing),
            Some(Json::String(next)) if next.is_empty() => Ok(Named::Nothing),
            Some(Json::String(next)) => self.below(next, at),
            Some(_) => Err(self.no_address()),
        }
    }

    fn no_address(&self) -> LookUpError {
        LookUpError::NoAddress {
            setting: self.setting(),
        }
    }

    /// Returns the setting in the target file that leads to the next page.
    pub(super) fn setting(&self) -> String {
        match &self.how.paging {
            Some(Paging::Offset { offset, first, .. }) => {
                format!("lookup.paging.offset = \"{offset}\" (first = {first})")
            }
            Some(Paging::Page { parameter, first }) => {
                format!("lookup.paging.parameter = \"{parameter}\" (first = {first})")
            }
            Some(Paging::Next { pointer } | Paging::Cursor { pointer, .. }) => {
                format!("lookup.paging.pointer = \"{pointer}\"")
            }
            Some(Paging::Link {}) => "lookup.paging.kind = \"link\"".to_owned(),
            // Only lists and searches have pages.
            None => String::new(),
        }
    }

    /// Whether pages are requested by number or offset, independently of links in responses.
    pub(super) fn counts_pages(&self) -> bool {
        self.how.paging.as_ref().is_some_and(Paging::is_counted)
    }

    /// Resolves a next page relative to the page that names it (RFC 3986, section 5).
    ///
    /// Credentials are sent only to the API: not to another host or port, and not to an address with a user
    /// name.
    fn below(&self, next: &str, (base_url, path): (&str, &str)) -> Result<Named, LookUpError> {
        let base = base_url.trim_end_matches('/');
        let own = Url::parse(base);
        let to = Url::parse(&format!("{base}{path}")).and_then(|page| page.join(next));
        let (Ok(own), Ok(to)) = (own, to) else {
            return Err(self.no_address());
        };
        let is_same_place = to.scheme() == own.scheme()
        && to.port_or_known_default() == own.port_or_known_default()
        // An API behind a proxy may write http in its addresses. The request still uses https.
        || (to.scheme(), own.scheme()) == ("http", "https") && (to.port(), own.port()) == (None, None);
        let is_anonymous = to.username().is_empty() && to.password().is_none();
        let rest = to.path().strip_prefix(own.path().trim_end_matches('/'));
        match rest.filter(|rest| rest.is_empty() || rest.starts_with('/')) {
            Some(rest) if is_same_place && is_anonymous && to.host() == own.host() => {
                Ok(Named::At(match to.query() {
                    Some(query) => format!("{rest}?{query}"),
                    None => rest.to_owned(),
                }))
            }
            _ => Err(LookUpError::Elsewhere {
                address: format!("{}{}", to.origin().ascii_serialization(), to.path()),
            }),
        }
    }
}

#[cfg(test)]
mod tests;
