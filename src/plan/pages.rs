use serde_json::Value as Json;
use thiserror::Error;
use url::Url;

use super::link::next_of;
use super::lookup::LookUp;
use crate::l10n::say;
use crate::model::Code;
use crate::targets::Paging;

/// One page of records.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// The records.
    pub records: Vec<Json>,
    /// How many records there are on all pages, if the API says.
    pub total: Option<u64>,
    /// The page after it, if the API says.
    pub(super) next: Named,
    /// Whether the answer's `Link` header names a next page.
    pub(super) is_linked: bool,
}

/// What an answer says of the page after it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Named {
    /// Nothing.
    #[default]
    Unsaid,
    /// That there is none.
    Nothing,
    /// Its path below the base address, with its query.
    At(String),
    /// What the request for it says.
    Cursor(String),
}

/// Why the records of a list cannot be read, or are not all that there are.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum LookUpError {
    /// An answer has no list of records.
    #[error("{}", say().lookup_no_list(pointer.as_str()))]
    NoList {
        /// Where it should be.
        pointer: String,
    },
    /// A page repeats those before it.
    #[error("{}", say().lookup_same_page(*page, setting.as_str()))]
    SamePage {
        /// Its number, from 1.
        page: u64,
        /// What to correct in the target's file.
        setting: String,
    },
    /// Fewer records were listed than there are.
    #[error("{}", fewer(*listed, *total, *repeated, setting))]
    Fewer {
        /// Records that were listed, each counted once.
        listed: u64,
        /// Records that there are.
        total: u64,
        /// Records that were listed again.
        repeated: u64,
        /// What to correct in the target's file.
        setting: String,
    },
    /// The only page is full and names no other.
    #[error("{}", say().lookup_no_next(*records, setting.as_str()))]
    NoNext {
        /// Records on it.
        records: u64,
        /// What to correct in the target's file.
        setting: String,
    },
    /// The next page is not below the API's address.
    #[error("{}", say().lookup_elsewhere(address.as_str()))]
    Elsewhere {
        /// The next page's address, without its query.
        address: String,
    },
    /// The `Link` header names a next page, and the target's file does not follow it.
    #[error("{}", say().lookup_linked())]
    Linked,
    /// What should name the next page does not.
    #[error("{}", say().lookup_no_address(setting.as_str()))]
    NoAddress {
        /// What to correct in the target's file.
        setting: String,
    },
}

fn fewer(listed: u64, total: u64, repeated: u64, setting: &str) -> String {
    match repeated {
        0 => say().lookup_fewer(listed, total, setting),
        _ => say().lookup_fewer_repeated(listed, total, repeated, setting),
    }
}

impl LookUpError {
    /// The same as a code.
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
    /// Reads the answer to a question, whose `Link` header may name the next page. `at` is the base address
    /// and the question's path below it; the next page's address must lie below the same.
    ///
    /// # Errors
    /// When there is no list of records where the target's file says, or no next page where the answer
    /// says.
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
        let linked = link.and_then(next_of);
        let next = match &how.paging {
            Paging::Next { pointer } => self.named_at(answer.pointer(pointer), at)?,
            Paging::Cursor { pointer, .. } => self.cursor_at(answer.pointer(pointer))?,
            Paging::Link {} => match (link, linked) {
                (_, Some(next)) => Named::At(below(next, at)?),
                (Some(_), None) => Named::Nothing,
                (None, None) => Named::Unsaid,
            },
            Paging::Offset { .. } | Paging::Page { .. } => Named::Unsaid,
        };
        let records = match answer.pointer_mut(&how.records).map(Json::take) {
            Some(Json::Array(records)) => records,
            _ => {
                return Err(LookUpError::NoList {
                    pointer: how.records.clone(),
                });
            }
        };
        Ok(Page {
            records,
            total,
            next,
            is_linked: linked.is_some(),
        })
    }

    fn cursor_at(&self, cursor: Option<&Json>) -> Result<Named, LookUpError> {
        match cursor {
            None => Ok(Named::Unsaid),
            Some(Json::Null | Json::Bool(false)) => Ok(Named::Nothing),
            Some(Json::String(cursor)) if cursor.is_empty() => Ok(Named::Nothing),
            Some(Json::String(cursor)) => Ok(Named::Cursor(cursor.clone())),
            Some(Json::Number(cursor)) => Ok(Named::Cursor(cursor.to_string())),
            Some(_) => Err(LookUpError::NoAddress {
                setting: self.setting(),
            }),
        }
    }

    fn named_at(&self, next: Option<&Json>, at: (&str, &str)) -> Result<Named, LookUpError> {
        match next {
            None => Ok(Named::Unsaid),
            Some(Json::Null | Json::Bool(false)) => Ok(Named::Nothing),
            Some(Json::String(next)) if next.is_empty() => Ok(Named::Nothing),
            Some(Json::String(next)) => below(next, at).map(Named::At),
            Some(_) => Err(LookUpError::NoAddress {
                setting: self.setting(),
            }),
        }
    }

    /// What says in the target's file how one page follows another.
    pub(super) fn setting(&self) -> String {
        match &self.how.paging {
            Paging::Offset { offset, .. } => format!("lookup.paging.offset = \"{offset}\""),
            Paging::Page { parameter, .. } => format!("lookup.paging.parameter = \"{parameter}\""),
            Paging::Next { pointer } | Paging::Cursor { pointer, .. } => {
                format!("lookup.paging.pointer = \"{pointer}\"")
            }
            Paging::Link {} => "lookup.paging.kind = \"link\"".to_owned(),
        }
    }

    /// Whether pages are counted, and none names the next one.
    pub(super) fn counts_pages(&self) -> bool {
        self.how.paging.is_counted()
    }
}

/// The path and query of a next page below the base address, as RFC 3986, section 5, has it: the reference
/// is relative to the page that names it. Credentials go nowhere but to the address that was asked for: not
/// to another host or port, nor past what looks like a user's name.
fn below(next: &str, (base_url, path): (&str, &str)) -> Result<String, LookUpError> {
    let base = base_url.trim_end_matches('/');
    let own = Url::parse(base).ok();
    let to = Url::parse(&format!("{base}{path}")).and_then(|page| page.join(next));
    let (Some(own), Ok(to)) = (own, to) else {
        return Err(LookUpError::Elsewhere {
            address: String::new(),
        });
    };
    let is_same_place = to.scheme() == own.scheme()
        && to.port_or_known_default() == own.port_or_known_default()
        // An API behind a proxy may name its pages without TLS. They are asked for with it.
        || (to.scheme(), own.scheme()) == ("http", "https") && (to.port(), own.port()) == (None, None);
    let is_anonymous = to.username().is_empty() && to.password().is_none();
    let rest = to.path().strip_prefix(own.path().trim_end_matches('/'));
    match rest.filter(|rest| rest.is_empty() || rest.starts_with('/')) {
        Some(rest) if is_same_place && is_anonymous && to.host() == own.host() => {
            Ok(match to.query() {
                Some(query) => format!("{rest}?{query}"),
                None => rest.to_owned(),
            })
        }
        _ => Err(LookUpError::Elsewhere {
            address: format!("{}{}", to.origin().ascii_serialization(), to.path()),
        }),
    }
}

#[cfg(test)]
mod tests;
