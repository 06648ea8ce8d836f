use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use percent_encoding::utf8_percent_encode;
use serde_json::Value as Json;

use super::body::tokens;
use super::lookup::{LookUp, Question, put};
use super::pages::{LookUpError, Named, Page};
use crate::targets::{Paging, SEGMENT};

/// Pages without a record that are followed in a row, where each names the next one.
const EMPTY_PAGES: u64 = 100;

/// A way through all pages of a list or of a search. It ends when the list is whole, and with an error
/// where it cannot be: no record is taken for missing because its page was not read.
#[derive(Debug)]
pub struct Walk<'a> {
    look_up: &'a LookUp,
    what: What<'a>,
    /// The records seen, each by a hash of its id.
    ids: HashSet<u64>,
    /// The addresses at which it went on, each by a hash.
    addresses: HashSet<u64>,
    /// Pages read, records on them, and pages without one since the last that had any.
    pages: u64,
    received: u64,
    empty: u64,
    /// How many records there are, as the first page said and as the last one says.
    first_total: Option<u64>,
    total: Option<u64>,
    /// Whether the first page has as many records as there are by its total, which may be the page's own.
    may_count_page: bool,
    /// Whether what is called the total turned out to be no number of all records.
    counts_page: bool,
    last: Last,
}

/// What is listed.
#[derive(Debug)]
enum What<'a> {
    All,
    /// Those that have one of these keys.
    Keys(&'a [&'a str]),
}

/// What the last page said.
#[derive(Debug, Default)]
struct Last {
    records: u64,
    /// Whether any of them is on no page before.
    is_new: bool,
    next: Named,
    /// Whether any page has named the one after it.
    was_named: bool,
    /// Whether its `Link` header names one.
    is_linked: bool,
}

impl LookUp {
    /// A way through all records.
    pub fn list(&self) -> Walk<'_> {
        Walk::new(self, What::All)
    }

    /// A way through the records that have one of `keys`.
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

    /// Asks for the first page; nothing where the API has no such list.
    pub fn first(&self) -> Option<Question> {
        self.numbered(0, 0)
    }

    /// Records seen so far, each counted once.
    pub fn listed(&self) -> u64 {
        self.ids.len() as u64
    }

    /// How many records there are, where the API says it and nothing contradicts it. A first page with as
    /// many records may tell its own number.
    pub fn total(&self) -> Option<u64> {
        let is_doubtful = self.counts_page || self.may_count_page && self.pages == 1;
        self.total.filter(|_| !is_doubtful)
    }

    /// Takes a page in.
    ///
    /// # Errors
    /// When it has records of earlier pages alone, or leads back to one: it would never end.
    pub fn add(&mut self, page: &Page) -> Result<(), LookUpError> {
        let records = page.records.len() as u64;
        let seen = self.ids.len();
        for record in &page.records {
            let mut hasher = DefaultHasher::new();
            match self.look_up.id_of(record) {
                Some(id) => id.hash(&mut hasher),
                None => record.to_string().hash(&mut hasher),
            }
            self.ids.insert(hasher.finish());
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

    /// Takes note that there is no page where the next one was asked for. Returns whether that can be the
    /// end of the list: some APIs have no page behind the last one.
    pub fn is_past_the_end(&mut self) -> bool {
        let is_end = self.pages > 0
            && self.look_up.counts_pages()
            && self.total().is_none_or(|total| self.received >= total);
        if is_end {
            self.last = Last::default();
            self.pages += 1;
        }
        is_end
    }

    /// Asks for the page after the last one that was taken in; nothing where the list is whole.
    ///
    /// # Errors
    /// When there is none, and the list is not whole.
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

    /// The questions after the last page, as far as they are known before it is answered, and at most so
    /// many: the first is the one that [`Walk::next`] asks.
    ///
    /// # Errors
    /// As that.
    pub fn ahead(&self, most: usize) -> Result<Vec<Question>, LookUpError> {
        let Some(next) = self.next()? else {
            return Ok(Vec::new());
        };
        let size = u64::from(self.look_up.how.page_size);
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

    /// Whether a further page may hold records beyond those that were asked for by their keys and are all
    /// found: several may have one key.
    pub fn may_hold_twins(&self) -> bool {
        let size = u64::from(self.look_up.how.page_size);
        let is_more = match &self.last.next {
            Named::At(_) | Named::Cursor(_) => true,
            Named::Unsaid | Named::Nothing => {
                self.total().is_some_and(|total| total > self.received)
            }
        };
        self.last.records >= size && is_more
    }

    /// Whether there may be a page after the last one, where pages are counted.
    fn may_go_on(&self) -> bool {
        if self.last.records == 0 || !self.last.is_new {
            return false;
        }
        match self.total() {
            // Overlapping pages have fewer records than they seem to have.
            Some(total) => self.received < total || self.listed() < total,
            // A search is not asked twice because its answer is the whole of a short page.
            None if self.total.is_some() && !self.counts_page && self.is_search() => {
                self.last.records >= u64::from(self.look_up.how.page_size)
            }
            None => true,
        }
    }

    fn is_search(&self) -> bool {
        matches!(self.what, What::Keys(_))
    }

    /// How many records are there and were not listed, if any: as many as there were when it began.
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
        let follows = matches!(self.look_up.how.paging, Paging::Link {});
        if self.last.is_linked && !follows && !is_proven {
            return Err(LookUpError::Linked);
        }
        let is_full = self.last.records >= u64::from(self.look_up.how.page_size);
        let is_unsaid = self.last.next == Named::Unsaid && !self.look_up.counts_pages();
        if is_unsaid && is_full && !self.last.was_named && !is_proven {
            return Err(LookUpError::NoNext {
                records: self.last.records,
                setting,
            });
        }
        Ok(())
    }

    /// The question for the page that a cursor leads to.
    fn at_cursor(&self, cursor: &str) -> Option<Question> {
        let Paging::Cursor {
            parameter, body, ..
        } = &self.look_up.how.paging
        else {
            return None;
        };
        let path = self.path()?.to_owned();
        let mut question = match parameter {
            Some(parameter) if body.is_none() || !self.is_search() => {
                let cursor = utf8_percent_encode(cursor, SEGMENT);
                self.question(with_query(&path, &format!("{parameter}={cursor}")))
            }
            _ => self.question(path),
        };
        if let (Some(Json::Object(sent)), Some(place)) = (&mut question.body, body) {
            put(sent, &tokens(place), cursor.into());
        }
        Some(question)
    }

    /// The question for the page before which so many pages and records stand, where pages are counted,
    /// and for the first one in any case.
    fn numbered(&self, pages: u64, passed: u64) -> Option<Question> {
        let how = &self.look_up.how;
        let path = self.path()?;
        let path = match &how.paging {
            Paging::Offset {
                limit,
                offset,
                first,
            } => {
                let (size, passed) = (how.page_size, passed.saturating_add(u64::from(*first)));
                with_query(path, &format!("{limit}={size}&{offset}={passed}"))
            }
            Paging::Page { parameter, first } => {
                let number = pages.saturating_add(u64::from(*first));
                with_query(path, &format!("{parameter}={number}"))
            }
            Paging::Next { .. } | Paging::Link {} | Paging::Cursor { .. } if pages == 0 => {
                path.to_owned()
            }
            Paging::Next { .. } | Paging::Link {} | Paging::Cursor { .. } => return None,
        };
        Some(self.question(path))
    }

    /// The path of what is listed, without what says which page.
    fn path(&self) -> Option<&'a str> {
        let how = &self.look_up.how;
        match self.what {
            What::All => how.list.as_deref(),
            What::Keys(_) => how.search.as_deref(),
        }
    }

    fn question(&self, path: String) -> Question {
        let body = match self.what {
            What::All => None,
            What::Keys(keys) => Some(self.look_up.search_body(keys)),
        };
        Question { path, body }
    }
}

/// A path with more in its query.
pub(super) fn with_query(path: &str, more: &str) -> String {
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
