use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use percent_encoding::utf8_percent_encode;
use serde_json::{Map, Value as Json};
use thiserror::Error;

use crate::l10n::say;
use crate::targets::{Lookup, Paging, SEGMENT, SearchNames, TargetSpec};

/// What is asked of an API to learn what its records hold, and how its answers are read. Makes no
/// request itself.
#[derive(Debug, Clone)]
pub struct LookUp {
    spec: Arc<TargetSpec>,
    how: Lookup,
    key: usize,
}

/// A request that only reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Path below the base address, with its query.
    pub path: String,
    /// The JSON body of a POST; none of a GET.
    pub body: Option<Json>,
}

/// One page of records.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// The records.
    pub records: Vec<Json>,
    /// How many records there are on all pages, if the API says.
    pub total: Option<u64>,
    /// The next page's address, if the API says.
    next: Option<String>,
}

/// A check that pages go on: an API that gives the same one again and again never ends.
#[derive(Debug, Default)]
pub struct Progress {
    seen: HashSet<u64>,
    next: HashSet<String>,
}

impl Progress {
    /// Takes note of a page, and returns whether it is a new one: other records than on any before,
    /// by their ids where they have one, and another address to go on at.
    pub fn is_new(&mut self, look_up: &LookUp, page: &Page) -> bool {
        let mut hasher = DefaultHasher::new();
        for record in &page.records {
            match look_up.id_of(record) {
                Some(id) => id.hash(&mut hasher),
                None => record.to_string().hash(&mut hasher),
            }
        }
        let own = hasher.finish();
        let repeats = !page.records.is_empty() && !self.seen.insert(own);
        let goes_round = page
            .next
            .as_ref()
            .is_some_and(|next| !self.next.insert(next.clone()));
        !repeats && !goes_round
    }
}

/// Why an answer to a look-up cannot be understood.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{}", say().lookup_no_list(.0.as_str()))]
pub struct LookUpError(String);

impl LookUp {
    /// Look-ups by the field at position `key`; none where the target's records cannot be read in
    /// batches.
    pub fn new(spec: &Arc<TargetSpec>, key: usize) -> Option<LookUp> {
        let how = spec.lookup.clone().filter(|_| spec.is_readable())?;
        Some(LookUp {
            spec: spec.clone(),
            how,
            key,
        })
    }

    /// Keys that one search asks for, and records on a page.
    pub fn page_size(&self) -> usize {
        self.how.page_size as usize
    }

    /// Whether records can be found by their keys.
    pub fn can_search(&self) -> bool {
        self.how.search.is_some()
    }

    /// Whether all records can be listed.
    pub fn can_list(&self) -> bool {
        self.how.list.is_some()
    }

    /// Asks for the records that have one of `keys`, from the page after `before`.
    pub fn search(&self, keys: &[&str], before: Option<(&Page, u64)>) -> Option<Question> {
        let path = self.how.search.as_deref()?;
        let mut body = self.how.search_body.clone();
        let filter = self.how.search_filter.split('/').skip(1);
        let mut places: Vec<String> = filter.map(str::to_owned).collect();
        places.extend(self.filter_names());
        let keys = keys.iter().map(|key| Json::from(*key)).collect();
        put(&mut body, &places, keys);
        Some(Question {
            path: self.page_path(path, before)?,
            body: Some(Json::Object(body)),
        })
    }

    /// Asks for all records, from the page after `before`.
    pub fn list(&self, before: Option<(&Page, u64)>) -> Option<Question> {
        Some(Question {
            path: self.page_path(self.how.list.as_deref()?, before)?,
            body: None,
        })
    }

    /// The pages that follow the first one, each by the records before it, where they can be told from
    /// it: pages are numbered, it is full, and it says how many records there are.
    pub fn following(&self, first: &Page) -> Vec<u64> {
        let size = u64::from(self.how.page_size);
        let is_numbered = !matches!(self.how.paging, Paging::Next { .. });
        match first.total {
            Some(total) if is_numbered && first.records.len() as u64 == size => {
                (size..total).step_by(self.page_size().max(1)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Asks for all records but the first `passed`.
    pub fn list_after(&self, passed: u64) -> Option<Question> {
        let path = self.numbered(self.how.list.as_deref()?, passed)?;
        Some(Question { path, body: None })
    }

    /// Asks for the one record with this id.
    pub fn read(&self, id: &str) -> Option<Question> {
        let path = self.how.read.as_deref()?;
        let name = self.spec.fields[self.spec.key_field()?].name();
        let encoded = utf8_percent_encode(id, SEGMENT).to_string();
        Some(Question {
            path: path.replace(&format!("{{{name}}}"), &encoded),
            body: None,
        })
    }

    /// The path of a page: the first one, or the one after a page before which `passed` records
    /// stood. None where there is none after it.
    fn page_path(&self, path: &str, before: Option<(&Page, u64)>) -> Option<String> {
        let passed = before.map_or(0, |(page, passed)| passed + page.records.len() as u64);
        if let Some((page, _)) = before {
            let over = page.records.is_empty()
                || page.total.is_some_and(|total| passed >= total)
                || (page.total.is_none()
                    && self.how.paging_counts()
                    && page.records.len() < self.page_size());
            if over {
                return None;
            }
        }
        match (&self.how.paging, before) {
            (Paging::Next { .. }, None) => Some(path.to_owned()),
            (Paging::Next { .. }, Some((page, _))) => page.next.clone(),
            _ => self.numbered(path, passed),
        }
    }

    /// The path of the page before which `passed` records stand, where pages are numbered.
    fn numbered(&self, path: &str, passed: u64) -> Option<String> {
        let size = self.how.page_size;
        let mark = if path.contains('?') { '&' } else { '?' };
        match &self.how.paging {
            Paging::Offset { limit, offset } => {
                Some(format!("{path}{mark}{limit}={size}&{offset}={passed}"))
            }
            Paging::Page { parameter } => {
                let number = passed.div_ceil(u64::from(size)) + 1;
                Some(format!("{path}{mark}{parameter}={number}"))
            }
            Paging::Next { .. } => None,
        }
    }

    /// The names by which a filter knows the key: its place in a record.
    fn filter_names(&self) -> Vec<String> {
        let pointer = self.spec.record_pointer(self.key);
        let names = pointer.trim_start_matches('/');
        match self.how.search_names {
            SearchNames::Nested => names.split('/').map(str::to_owned).collect(),
            SearchNames::Dotted => vec![names.replace('/', ".")],
        }
    }

    /// Reads an answer. `base_url` is what the next page's address must lie below.
    ///
    /// # Errors
    /// When there is no list of records where the target's file says.
    pub fn page(&self, mut answer: Json, base_url: &str) -> Result<Page, LookUpError> {
        let total = (!self.how.total.is_empty())
            .then(|| answer.pointer(&self.how.total).and_then(Json::as_u64))
            .flatten();
        let next = match &self.how.paging {
            Paging::Next { pointer } => answer
                .pointer(pointer)
                .and_then(Json::as_str)
                // Credentials go nowhere but to the address that was asked for: not to a host whose
                // name goes on where that one's ends, nor past what looks like a user's name.
                .and_then(|next| next.strip_prefix(base_url.trim_end_matches('/')))
                .filter(|next| next.starts_with(['/', '?']))
                .map(str::to_owned),
            _ => None,
        };
        let records = match answer.pointer_mut(&self.how.records).map(Json::take) {
            Some(Json::Array(records)) => records,
            _ => return Err(LookUpError(self.how.records.clone())),
        };
        Ok(Page {
            records,
            total,
            next,
        })
    }

    /// The text by which a record is found, as it stands in it.
    pub fn key_of<'a>(&self, record: &'a Json) -> Option<&'a Json> {
        record.pointer(&self.spec.record_pointer(self.key))
    }

    /// A record's own id, as the update's path names it.
    pub fn id_of(&self, record: &Json) -> Option<String> {
        let id = record.pointer(&self.how.id)?;
        match id {
            Json::String(text) => Some(text.clone()),
            Json::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }
}

/// Puts `value` into `object` at the end of `places`, and makes the objects on the way.
fn put(object: &mut Map<String, Json>, places: &[String], value: Json) {
    let [name, rest @ ..] = places else {
        return;
    };
    if rest.is_empty() {
        object.insert(name.clone(), value);
        return;
    }
    let inner = object.entry(name.clone()).or_insert(Json::Null);
    if !inner.is_object() {
        *inner = Json::Object(Map::new());
    }
    if let Json::Object(inner) = inner {
        put(inner, rest, value);
    }
}

impl Lookup {
    /// Whether the number of records on a page tells if it is the last one.
    fn paging_counts(&self) -> bool {
        !matches!(self.paging, Paging::Next { .. })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn look_up(key: &str) -> LookUp {
        let spec = Arc::new(crate::targets::load("meitner").unwrap());
        let key = spec.field(key).unwrap();
        LookUp::new(&spec, key).unwrap()
    }

    #[test]
    fn many_keys_are_one_request() {
        let asked = look_up("external_source_id")
            .search(&["a", "b"], None)
            .unwrap();
        assert_eq!(asked.path, "/student/_search?limit=50&offset=0");
        assert_eq!(
            asked.body.unwrap(),
            json!({"filter": {"orCondition": false, "contains": {"external": {"sourceID": ["a", "b"]}}}})
        );
        let by_id = look_up("id").search(&["x"], None).unwrap();
        assert_eq!(
            by_id.body.unwrap(),
            json!({"filter": {"orCondition": false, "contains": {"id": ["x"]}}})
        );
        let mut dotted = look_up("external_source_id");
        dotted.how.search_names = SearchNames::Dotted;
        dotted.how.search_body.clear();
        assert_eq!(
            dotted.search(&["a"], None).unwrap().body.unwrap(),
            json!({"filter": {"contains": {"external.sourceID": ["a"]}}})
        );
    }

    #[test]
    fn pages_follow_each_other_until_all_records_were_seen() {
        let look_up = look_up("id");
        let page = |count: usize, total: u64| {
            let records: Vec<Json> = vec![json!({}); count];
            look_up
                .page(json!({"data": records, "pagination": {"total": total}}), "")
                .unwrap()
        };
        let next = |page: &Page, passed| {
            look_up
                .list(Some((page, passed)))
                .map(|question| question.path)
        };
        assert_eq!(
            next(&page(50, 120), 0).unwrap(),
            "/student?limit=50&offset=50"
        );
        assert_eq!(
            next(&page(50, 120), 50).unwrap(),
            "/student?limit=50&offset=100"
        );
        assert_eq!(next(&page(20, 120), 100), None);
        // A short page is the last one only if no total says otherwise.
        assert_eq!(
            next(&page(20, 120), 0).unwrap(),
            "/student?limit=50&offset=20"
        );
        let without_total = Page {
            total: None,
            ..page(20, 0)
        };
        assert_eq!(next(&without_total, 0), None);
        assert!(
            next(
                &Page {
                    records: vec![json!({}); 50],
                    ..without_total
                },
                0
            )
            .is_some()
        );
        assert_eq!(
            next(&page(0, 120), 50),
            None,
            "a page of nothing is the last"
        );
        assert!(look_up.page(json!({"items": []}), "").is_err());

        assert_eq!(look_up.following(&page(50, 120)), [50, 100]);
        assert_eq!(
            look_up.list_after(100).unwrap().path,
            "/student?limit=50&offset=100"
        );
        // An API that gives fewer than it is asked for is gone through one page after the other.
        assert!(look_up.following(&page(20, 120)).is_empty());
    }

    #[test]
    fn a_page_number_goes_on_behind_what_was_read() {
        let mut look_up = look_up("id");
        look_up.how.paging = Paging::Page {
            parameter: "page".into(),
        };
        for (passed, path) in [
            (0, "/student?page=1"),
            (30, "/student?page=2"),
            (50, "/student?page=2"),
            (51, "/student?page=3"),
            (100, "/student?page=3"),
        ] {
            assert_eq!(look_up.list_after(passed).unwrap().path, path, "{passed}");
        }
    }

    #[test]
    fn an_id_is_a_text_or_a_number() {
        let look_up = look_up("id");
        for (id, expected) in [
            (json!("a-1"), Some("a-1")),
            (json!(42), Some("42")),
            (json!(true), None),
            (json!(null), None),
            (json!({"id": 1}), None),
        ] {
            let found = look_up.id_of(&json!({ "id": id }));
            assert_eq!(found.as_deref(), expected, "{id}");
        }
        assert_eq!(look_up.id_of(&json!({})), None);
    }

    #[test]
    fn pages_that_repeat_or_go_in_a_circle_are_not_new() {
        let mut look_up = look_up("id");
        let mut progress = Progress::default();
        let page = |ids: &[u32], next: Option<&str>| Page {
            records: ids.iter().map(|id| json!({"id": id.to_string()})).collect(),
            total: None,
            next: next.map(str::to_owned),
        };
        assert!(progress.is_new(&look_up, &page(&[1, 2], None)));
        assert!(progress.is_new(&look_up, &page(&[3, 4], None)));
        assert!(!progress.is_new(&look_up, &page(&[1, 2], None)));
        assert!(progress.is_new(&look_up, &page(&[], None)));
        assert!(
            progress.is_new(&look_up, &page(&[], None)),
            "nothing repeats nothing"
        );
        assert!(progress.is_new(&look_up, &page(&[5], Some("/a"))));
        assert!(!progress.is_new(&look_up, &page(&[6], Some("/a"))));
        // Without an id, whole records are compared.
        look_up.how.id = "/none".into();
        assert!(progress.is_new(&look_up, &page(&[7], None)));
        assert!(progress.is_new(&look_up, &page(&[8], None)));
        assert!(!progress.is_new(&look_up, &page(&[7], None)));
    }

    #[test]
    fn a_next_page_elsewhere_is_not_followed() {
        let mut look_up = look_up("id");
        look_up.how.paging = Paging::Next {
            pointer: "/next".into(),
        };
        look_up.how.total = String::new();
        let follow = |address: &str| {
            let answer = json!({"data": [{}], "next": address});
            let page = look_up.page(answer, "https://api.example.se/v1").unwrap();
            look_up.list(Some((&page, 0))).map(|question| question.path)
        };
        assert_eq!(
            follow("https://api.example.se/v1/student?page=2").unwrap(),
            "/student?page=2"
        );
        assert_eq!(
            follow("https://elsewhere.example.se/v1/student?page=2"),
            None
        );
        // A name that only begins like the API's own.
        for rest in [".example.org/x", "@example.org/x", ":8443/x", "x"] {
            let address = format!("https://api.example.se{rest}");
            let answer = json!({"data": [{}], "next": address});
            let page = look_up.page(answer, "https://api.example.se").unwrap();
            assert!(look_up.list(Some((&page, 0))).is_none(), "{rest}");
        }
    }

    #[test]
    fn records_with_the_same_numeric_ids_are_the_same_page() {
        let look_up = look_up("id");
        let mut progress = Progress::default();
        let page = |read_at: &str| Page {
            records: vec![json!({"id": 7, "readAt": read_at})],
            ..Page::default()
        };
        assert!(progress.is_new(&look_up, &page("09:00")));
        assert!(!progress.is_new(&look_up, &page("09:01")));
    }

    /// Look-ups of the small target by its field `mobile`, with what is changed in its file.
    fn registry(change: impl Fn(&mut Lookup)) -> LookUp {
        let mut spec = (*crate::plan::tests::registry()).clone();
        change(spec.lookup.as_mut().unwrap());
        let key = spec.field("mobile").unwrap();
        LookUp::new(&Arc::new(spec), key).unwrap()
    }

    #[test]
    fn records_are_read_in_batches_only_in_the_ways_the_target_has() {
        let listed = registry(|how| how.search = None);
        assert!(listed.can_list() && !listed.can_search());
        assert_eq!(listed.search(&["a"], None), None);
        let searched = registry(|how| how.list = None);
        assert!(searched.can_search() && !searched.can_list());
        assert_eq!(searched.list(None), None);
        assert_eq!(searched.list_after(0), None);
        assert_eq!(searched.page_size(), 2);

        let mut single = (*crate::plan::tests::registry()).clone();
        let how = single.lookup.as_mut().unwrap();
        (how.search, how.list) = (None, None);
        assert!(LookUp::new(&Arc::new(single), 0).is_none());
    }

    #[test]
    fn one_record_is_read_by_its_id_as_one_segment() {
        let question = registry(|_| ()).read("é/1").unwrap();
        assert_eq!(
            (&*question.path, question.body),
            ("/people/%C3%A9%2F1", None)
        );
        assert_eq!(registry(|how| how.read = None).read("1"), None);
    }

    #[test]
    fn a_page_number_joins_a_query_that_is_already_there() {
        let look_up = registry(|_| ());
        let path = |question: Option<Question>| question.unwrap().path;
        assert_eq!(
            path(look_up.search(&["a"], None)),
            "/people/search?fields=all&page=1"
        );
        assert_eq!(path(look_up.list(None)), "/people?page=1");
    }

    #[test]
    fn a_filter_is_built_into_the_body_that_every_search_has() {
        let body = |change: fn(&mut Lookup)| {
            let question = registry(change).search(&["1", "2"], None);
            question.unwrap().body.unwrap()
        };
        assert_eq!(body(|_| ()), json!({"mobile": ["1", "2"]}));
        let nested = body(|how| {
            how.search_filter = "/query/any".to_owned();
            how.search_body.insert("query".into(), json!("none"));
            how.search_body.insert("limit".into(), json!(2));
        });
        assert_eq!(
            nested,
            json!({"query": {"any": {"mobile": ["1", "2"]}}, "limit": 2})
        );
    }

    #[test]
    fn a_record_says_its_key_and_its_id_where_the_target_says() {
        let look_up = registry(|_| ());
        let record = json!({"uuid": "u", "mobile": "070", "id": "other"});
        assert_eq!(look_up.key_of(&record), Some(&json!("070")));
        assert_eq!(look_up.id_of(&record).as_deref(), Some("u"));
        let spec = look_up.spec.clone();
        let by_id = LookUp::new(&spec, spec.field("id").unwrap()).unwrap();
        assert_eq!(by_id.key_of(&record), Some(&json!("u")));
        let body = by_id.search(&["u"], None).unwrap().body.unwrap();
        assert_eq!(body, json!({"uuid": ["u"]}));
    }

    #[test]
    fn an_answer_is_read_where_the_target_says() {
        let look_up = registry(|how| how.total = "/count".to_owned());
        let page = |answer: Json| look_up.page(answer, "").unwrap();
        let two = json!({"data": [{}, {}], "count": 5});
        assert_eq!(
            (
                page(two).total,
                look_up.following(&page(json!({"data": [{}, {}], "count": 5})))
            ),
            (Some(5), vec![2, 4])
        );
        // The last of the pages is full.
        let even = page(json!({"data": [{}, {}], "count": 4}));
        assert_eq!(look_up.following(&even), [2]);
        let only = page(json!({"data": [{}, {}], "count": 2}));
        assert!(look_up.following(&only).is_empty());
        assert_eq!(look_up.list(Some((&only, 0))), None);
        for total in [json!(null), json!("5"), json!(-1)] {
            let page = page(json!({"data": [{}, {}], "count": total}));
            assert_eq!(page.total, None, "{total}");
            assert!(look_up.following(&page).is_empty(), "{total}");
        }
        // No total is said, whatever the answer as a whole is.
        let look_up = registry(|_| ());
        assert_eq!(look_up.page(json!({"data": []}), "").unwrap().total, None);
        let error = look_up.page(json!({"data": {"a": 1}}), "").unwrap_err();
        assert_eq!(
            error.to_string(),
            "its answer has no list of records at /data"
        );
    }

    #[test]
    fn pages_that_name_the_next_one_are_read_until_none_is_named() {
        let look_up = registry(|how| {
            how.total = "/count".to_owned();
            how.paging = Paging::Next {
                pointer: "/next".to_owned(),
            };
        });
        let after = |answer: Json, passed| {
            let page = look_up.page(answer, "https://api.example.se/v1/").unwrap();
            assert!(look_up.following(&page).is_empty());
            look_up
                .list(Some((&page, passed)))
                .map(|question| question.path)
        };
        assert_eq!(look_up.list(None).unwrap().path, "/people");
        assert_eq!(look_up.list_after(2), None);
        let next = "https://api.example.se/v1?cursor=b";
        // Fewer records than on a full page say nothing here.
        let short = json!({"data": [{}], "next": next});
        assert_eq!(after(short, 0).as_deref(), Some("?cursor=b"));
        for (answer, passed) in [
            (json!({"data": [{}, {}]}), 0),
            (json!({"data": [{}, {}], "next": null}), 0),
            (json!({"data": [], "next": next}), 2),
            (json!({"data": [{}, {}], "next": next, "count": 4}), 2),
        ] {
            assert_eq!(after(answer.clone(), passed), None, "{answer}");
        }
        let more = json!({"data": [{}, {}], "next": next, "count": 5});
        assert!(after(more, 2).is_some());
    }
}
