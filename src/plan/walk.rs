//! Follows the pages of a list or search to its end, and stops if the list cannot be complete.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use percent_encoding::utf8_percent_encode;
use serde_json::Value as Json;

use super::body::{put, tokens};
use super::lookup::{LookUp, Question, Way};
use super::pages::{LookUpError, Named, Page};
use super::query_text;
use crate::targets::{Paging, SEGMENT};

/// The maximum number of consecutive pages without a record.
const EMPTY_PAGES: u64 = 100;

/// An iteration over all pages of a list or search.
///
/// It ends when the list is complete, and fails if the list cannot be complete. A record never counts as
/// missing because its page was not read.
#[derive(Debug)]
pub struct Walk<'a> {
    look_up: &'a LookUp,
    what: What<'a>,
    /// Hashes of the listed records' ids.
    ids: HashSet<u64>,
    /// Hashes of the addresses and cursors of next pages.
    addresses: HashSet<u64>,
    /// The number of pages read.
    pages: u64,
    /// The number of records on those pages.
    received: u64,
    /// The number of consecutive pages without a record.
    empty: u64,
    /// The total that the first page states.
    first_total: Option<u64>,
    /// The total that the last page states.
    total: Option<u64>,
    /// Whether the total of the first page equals its number of records. It may then count that page only.
    may_count_page: bool,
    /// Whether the total has been shown not to count all records.
    counts_page: bool,
    last: Last,
}

/// The records that a walk lists.
#[derive(Debug)]
enum What<'a> {
    All,
    /// The records with one of these keys.
    Keys(&'a [&'a str]),
    /// The records that this request finds, without paging parameters.
    Asked(Question),
}

/// The last page that was read.
#[derive(Debug, Default)]
struct Last {
    records: u64,
    /// Whether any of its records is new.
    is_new: bool,
    next: Named,
    /// Whether any page so far named a next page.
    was_named: bool,
    /// Whether its `Link` header names a next page.
    is_linked: bool,
}

impl LookUp {
    /// Starts an iteration over all records.
    pub fn list(&self) -> Walk<'_> {
        Walk::new(self, What::All)
    }

    /// Starts an iteration over the results of a request without paging parameters.
    pub fn walk(&self, asked: Question) -> Walk<'_> {
        Walk::new(self, What::Asked(asked))
    }

    /// Returns the request for a page of the list, counted from 0, if pages are requested by number or
    /// offset.
    pub fn page_of_list(&self, page: u64) -> Option<Question> {
        let passed = page.saturating_mul(self.page_size());
        let walk = self.list();
        self.counts_pages().then(|| walk.numbered(page, passed))?
    }

    /// Starts an iteration over the records with one of `keys`.
    pub fn search<'a>(&'a self, keys: &'a [&'a str]) -> Walk<'a> {
        Walk::new(self, What::Keys(keys))
    }
}

impl<'a> Walk<'a> {
    fn new(look_up: &'a LookUp, what: What<'a>) -> Walk<'a> {
        Walk {
            look_up,
            what,
            ids: HashSet::new(),
            addresses: HashSet::new(),
            pages: 0,
            received: 0,
            empty: 0,
            first_total: None,
            total: None,
            may_count_page: false,
            counts_page: false,
            last: Last::default(),
        }
    }

    /// Returns the request for the first page, if the API has a list or search.
    pub fn first(&self) -> Option<Question> {
        self.numbered(0, 0)
    }

    /// Returns the number of distinct records so far.
    pub fn listed(&self) -> u64 {
        self.ids.len() as u64
    }

    /// Returns the total number of records, if the API states it and nothing contradicts it.
    ///
    /// After the first page, a total that equals the page's number of records is doubtful: it may count that
    /// page only.
    pub fn total(&self) -> Option<u64> {
        let is_doubtful = self.counts_page || self.may_count_page && self.pages == 1;
        self.total.filter(|_| !is_doubtful)
    }

    /// Adds the response to the last request.
    ///
    /// # Errors
    /// Fails if the iteration would never end: the page contains only records of earlier pages, leads back to
    /// an earlier page, or follows too many pages without a record.
    pub fn add(&mut self, page: &Page) -> Result<(), LookUpError> {
        let records = page.records.len() as u64;
        let seen = self.ids.len();
        for record in &page.records {
            let id = self.look_up.id_of(record);
            self.ids
                .insert(hash(&id.unwrap_or_else(|| record.to_string())));
        }
        let is_new = self.ids.len() > seen;
        self.pages += 1;
        self.received += records;
        self.empty = if records == 0 { self.empty + 1 } else { 0 };
        if !self.look_up.how.trust_total {
            self.may_count_page |= self.pages == 1 && page.total == Some(records);
            let listed = self.listed();
            let is_beyond = |total: Option<u64>| total.is_some_and(|total| total < listed);
            self.counts_page |= page.total.is_some_and(|total| total < records)
                || is_beyond(self.total) && is_beyond(page.total);
        }
        self.first_total = self.first_total.or(page.total);
        self.total = page.total.or(self.total);
        self.last = Last {
            records,
            is_new,
            was_named: self.last.was_named || !matches!(page.next, Named::Unsaid | Named::Nothing),
            next: page.next.clone(),
            is_linked: page.is_linked,
        };
        let goes_round = match &page.next {
            Named::At(address) | Named::Cursor(address) => !self.addresses.insert(hash(address)),
            Named::Unsaid | Named::Nothing => false,
        };
        let is_whole = || {
            self.look_up.counts_pages()
                && !self.may_count_page
                && self.total().is_some()
                && self.lacking().is_none()
        };
        if (records > 0 && !is_new && !is_whole()) || goes_round || self.empty > EMPTY_PAGES {
            return Err(LookUpError::SamePage {
                page: self.pages,
                setting: self.look_up.setting(),
            });
        }
        Ok(())
    }

    /// Records that the requested page does not exist. Returns whether the list may end there.
    ///
    /// Some APIs return 404 after the last page.
    pub fn is_past_the_end(&mut self) -> bool {
        let is_end = self.pages > 0
            && self.look_up.counts_pages()
            && self.total().is_none_or(|total| self.received >= total);
        if is_end {
            self.last = Last::default();
            // The total cannot refer to any other records.
            self.may_count_page = false;
        }
        is_end
    }

    /// Returns the request for the next page, or `None` if the list is complete.
    ///
    /// # Errors
    /// Fails if there is no next page and the list is incomplete.
    pub fn next(&self) -> Result<Option<Question>, LookUpError> {
        let more = match &self.last.next {
            Named::At(path) => Some(self.question(path.clone())),
            Named::Cursor(cursor) => self.at_cursor(cursor),
            Named::Nothing => None,
            Named::Unsaid if self.look_up.counts_pages() && self.may_go_on() => {
                return Ok(self.numbered(self.pages, self.received));
            }
            Named::Unsaid => None,
        };
        if more.is_none() {
            self.check_whole()?;
        }
        Ok(more)
    }

    /// Returns the requests for at most `most` next pages, which can be sent concurrently.
    ///
    /// The first request is that of [`Walk::next`].
    pub fn ahead(&self, most: usize) -> Result<Vec<Question>, LookUpError> {
        let Some(next) = self.next()? else {
            return Ok(Vec::new());
        };
        let size = self.look_up.page_size();
        let left = match self.total() {
            Some(total) if self.look_up.counts_pages() && self.last.records == size => {
                total.saturating_sub(self.received).div_ceil(size)
            }
            _ => 1,
        };
        let others = (1..left.min(most as u64)).filter_map(|more| {
            let passed = self.received.saturating_add(more.saturating_mul(size));
            self.numbered(self.pages + more, passed)
        });
        Ok(std::iter::once(next).chain(others).collect())
    }

    /// Whether a further page may have records with keys that were already found.
    ///
    /// Several records may have the same key.
    pub fn may_hold_twins(&self) -> bool {
        let size = self.look_up.page_size();
        let is_more = match &self.last.next {
            Named::At(_) | Named::Cursor(_) => true,
            Named::Unsaid | Named::Nothing => {
                self.total().is_some_and(|total| total > self.received)
            }
        };
        self.last.records >= size && is_more
    }

    /// Whether there may be a page after the last one, if pages are requested by number or offset.
    fn may_go_on(&self) -> bool {
        if !self.last.is_new {
            return false;
        }
        match self.total() {
            // A record on two overlapping pages counts once.
            Some(total) => self.received < total || self.listed() < total,
            // A short page whose total equals its number of records is the complete result of a search.
            None if self.total.is_some() && !self.counts_page && self.is_search() => {
                self.last.records >= self.look_up.page_size()
            }
            None => true,
        }
    }

    fn is_search(&self) -> bool {
        matches!(self.what, What::Keys(_) | What::Asked(_))
    }

    /// Returns how many of the records that existed at the first page were not listed.
    fn lacking(&self) -> Option<u64> {
        let total = self.first_total.filter(|_| !self.counts_page)?;
        total.checked_sub(self.listed()).filter(|lack| *lack > 0)
    }

    fn check_whole(&self) -> Result<(), LookUpError> {
        let setting = self.look_up.setting();
        if let (Some(_), Some(total)) = (self.lacking(), self.first_total) {
            let listed = self.listed();
            let repeated = self.received.saturating_sub(listed);
            return Err(LookUpError::Fewer {
                listed,
                total,
                repeated,
                setting,
            });
        }
        let is_proven = self.total().is_some();
        let follows = matches!(self.look_up.how.paging, Some(Paging::Link {}));
        if self.last.is_linked && !follows && !is_proven {
            return Err(LookUpError::Linked);
        }
        let is_full = self.last.records >= self.look_up.page_size();
        let is_unsaid = self.last.next == Named::Unsaid && !self.look_up.counts_pages();
        if is_unsaid && is_full && !self.last.was_named && !is_proven {
            return Err(LookUpError::NoNext {
                records: self.last.records,
                setting,
            });
        }
        Ok(())
    }

    /// Returns the request for the page at a cursor.
    fn at_cursor(&self, cursor: &str) -> Option<Question> {
        let Some(Paging::Cursor {
            parameter, body, ..
        }) = &self.look_up.how.paging
        else {
            return None;
        };
        let path = self.path()?;
        let mut question = match parameter {
            Some(parameter) if body.is_none() || self.body().is_none() => {
                let cursor = utf8_percent_encode(cursor, SEGMENT);
                self.question(with_query(&path, &format!("{parameter}={cursor}")))
            }
            _ => self.question(path),
        };
        if let (Some(sent), Some(place)) = (&mut question.body, body) {
            put(sent, &tokens(place), cursor.into());
        }
        Some(question)
    }

    /// Returns the request for the page after `pages` pages and `passed` records.
    ///
    /// If responses name the next page, only the first page is requested by number.
    fn numbered(&self, pages: u64, passed: u64) -> Option<Question> {
        let how = &self.look_up.how;
        let path = self.path()?;
        let path = match how.paging.as_ref()? {
            Paging::Offset {
                limit,
                offset,
                first,
            } => {
                let size = self.look_up.page_size();
                let passed = passed.saturating_add(u64::from(*first));
                with_query(&path, &format!("{limit}={size}&{offset}={passed}"))
            }
            Paging::Page { parameter, first } => {
                let number = pages.saturating_add(u64::from(*first));
                with_query(&path, &format!("{parameter}={number}"))
            }
            Paging::Next { .. } | Paging::Link {} | Paging::Cursor { .. } => path,
        };
        Some(self.question(path))
    }

    /// Returns the path of the list, search or query, without paging parameters.
    fn path(&self) -> Option<String> {
        match &self.what {
            What::All => self.look_up.how.list.clone(),
            What::Asked(question) => Some(question.path.clone()),
            What::Keys(keys) => match self.look_up.way()? {
                Way::Search(path) => Some(path.to_owned()),
                Way::Filter(query, parameter) => {
                    let filter = query_text::filter(query, keys);
                    let filter = utf8_percent_encode(&filter, SEGMENT);
                    Some(with_query(&query.path, &format!("{parameter}={filter}")))
                }
                Way::One { .. } => None,
            },
        }
    }

    /// Returns the body of a search.
    fn body(&self) -> Option<Json> {
        match (&self.what, self.look_up.way()) {
            (What::Asked(question), _) => question.body.clone(),
            (What::Keys(keys), Some(Way::Search(_))) => Some(self.look_up.search_body(keys)),
            _ => None,
        }
    }

    fn question(&self, path: String) -> Question {
        let body = self.body();
        Question { path, body }
    }
}

/// Adds a parameter to the query of a path.
fn with_query(path: &str, more: &str) -> String {
    let mark = if path.contains('?') { '&' } else { '?' };
    format!("{path}{mark}{more}")
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
