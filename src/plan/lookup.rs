//! Look-ups define how records are requested and recognised.

use std::borrow::Cow;
use std::sync::Arc;

use percent_encoding::utf8_percent_encode;
use serde_json::Value as Json;

use super::body::put;
use super::query_text;
use crate::targets::{Lookup, Query, SEGMENT, SearchNames, TargetSpec};

/// What is asked of an API to learn what its records hold, and how its answers are read. Makes no
/// request itself.
#[derive(Debug, Clone)]
pub struct LookUp {
    pub(super) spec: Arc<TargetSpec>,
    pub(super) how: Lookup,
    pub(super) key: usize,
}

/// How the records with some keys are found.
#[derive(Debug)]
pub(super) enum Way<'a> {
    /// A search at this path.
    Search(&'a str),
    /// A query whose parameter holds a filter.
    Filter(&'a Query, &'a str),
    /// A request for each record. `mark` is the placeholder of the key in `path`.
    One {
        path: &'a str,
        mark: String,
        query: Option<&'a Query>,
    },
}

/// A request that only reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Path below the base address, with its query.
    pub path: String,
    /// The JSON body of a POST; none of a GET.
    pub body: Option<Json>,
}

impl LookUp {
    /// Look-ups by the field at position `key`; none where the target's records cannot be read.
    pub fn new(spec: &Arc<TargetSpec>, key: usize) -> Option<LookUp> {
        let how = spec.lookup.clone().filter(|_| spec.is_readable())?;
        Some(LookUp {
            spec: spec.clone(),
            how,
            key,
        })
    }

    /// The position of the field by which records are found.
    pub fn key(&self) -> usize {
        self.key
    }

    /// Records on a page.
    pub fn page_size(&self) -> u64 {
        self.how.page_size.unwrap_or(1).into()
    }

    /// Returns the way in which records are found by the key, if there is one.
    ///
    /// `lookup.read` is one only if the records cannot be listed either.
    pub(super) fn way(&self) -> Option<Way<'_>> {
        if let Some(path) = &self.how.search {
            return Some(Way::Search(path));
        }
        let name = self.spec.fields[self.key].name();
        if let Some(query) = self.how.query_by(name) {
            return Some(match &query.parameter {
                Some(parameter) => Way::Filter(query, parameter),
                None => Way::One {
                    path: &query.path,
                    mark: Query::KEY.to_owned(),
                    query: Some(query),
                },
            });
        }
        let is_read = self.how.list.is_none() && self.spec.key_field() == Some(self.key);
        Some(Way::One {
            path: self.how.read.as_deref().filter(|_| is_read)?,
            mark: format!("{{{name}}}"),
            query: None,
        })
    }

    /// The list of the keys that the API knows; none where the target has no such list.
    pub fn of_known(spec: &Arc<TargetSpec>) -> Option<LookUp> {
        Some(LookUp {
            spec: spec.clone(),
            how: spec.known.as_ref()?.as_lookup(),
            key: spec.key_field()?,
        })
    }

    /// Whether records can be found by their keys.
    pub fn can_find(&self) -> bool {
        self.way().is_some()
    }

    /// Whether each request that finds records asks for one of them, by its path.
    pub fn finds_one(&self) -> bool {
        matches!(self.way(), Some(Way::One { .. }))
    }

    /// Whether the target's file can say that a search also returns records that no key asks for.
    pub fn can_be_partial(&self) -> bool {
        matches!(self.way(), Some(Way::Filter(..)))
    }

    /// Whether a search may also return records that no key asks for.
    pub fn is_partial(&self) -> bool {
        matches!(self.way(), Some(Way::Filter(query, _)) if query.partial)
    }

    /// Returns the maximum number of keys that one request asks for.
    pub fn keys_at_once(&self) -> usize {
        match self.way() {
            Some(Way::Search(_)) => self.page_size() as usize,
            Some(Way::Filter(query, _)) => query.most(),
            Some(Way::One { .. }) => 1,
            None => self.page_size() as usize,
        }
    }

    /// Returns the part of a key because of which no request can ask for it, if there is one.
    pub fn unwritable<'k>(&self, key: &'k str) -> Option<&'k str> {
        match self.way()? {
            Way::Search(_) => None,
            Way::Filter(query, _) => query_text::unwritable(query, key),
            Way::One { path, mark, query } => query_text::unwritable_in(path, &mark, query, key),
        }
    }

    /// Returns the question for the one record with this key, if records are found one by one.
    pub fn find_one(&self, key: &str) -> Option<Question> {
        let Some(Way::One { path, mark, query }) = self.way() else {
            return None;
        };
        let key = query.map_or(key.to_owned(), |query| query_text::escaped(query, key));
        let encoded = utf8_percent_encode(&key, SEGMENT).to_string();
        Some(Question {
            path: path.replace(&mark, &encoded),
            body: None,
        })
    }

    /// Returns the path of the requests for one record, with the name of the key in place of its value.
    pub fn path_of_one(&self) -> &str {
        match self.way() {
            Some(Way::One { path, .. }) => path,
            _ => self.read_path(),
        }
    }

    /// Whether all records can be listed.
    pub fn can_list(&self) -> bool {
        self.how.list.is_some()
    }

    /// Returns the body of a search for the records with one of `keys`.
    pub(super) fn search_body(&self, keys: &[&str]) -> Json {
        let mut body = Json::Object(self.how.search_body.clone());
        let filter = self.how.search_filter.split('/').skip(1);
        let mut places: Vec<String> = filter.map(str::to_owned).collect();
        places.extend(self.filter_names());
        let keys = keys.iter().map(|key| Json::from(*key)).collect();
        put(&mut body, &places, keys);
        body
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

    /// Returns the question for the record with this key, if the key is the one in the path.
    pub fn read_by_key(&self, key: &str) -> Option<Question> {
        (self.spec.key_field() == Some(self.key)).then(|| self.read(key))?
    }

    /// Returns the path of one record, with the name of the key in place of its value.
    pub fn read_path(&self) -> &str {
        self.how.read.as_deref().unwrap_or_default()
    }

    /// Returns the setting in the target file by which records are found.
    pub fn setting_of_search(&self) -> String {
        match self.way() {
            Some(Way::Search(_)) => {
                format!("lookup.search_filter = \"{}\"", self.how.search_filter)
            }
            Some(Way::Filter(query, _)) => format!("lookup.query.filter = '{}'", query.template()),
            Some(Way::One { .. }) | None => self.setting(),
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

    /// The text by which a record is found, as it stands in it.
    pub fn key_of<'a>(&self, record: &'a Json) -> Option<Cow<'a, Json>> {
        if self.spec.key_field() == Some(self.key) {
            return record.pointer(&self.how.id).map(Cow::Borrowed);
        }
        let held = self.spec.fields[self.key].pointer.get(record);
        // Else the record does not say which element is meant.
        held.unwrap_or_default()
    }

    /// The pointer to a record's own id.
    pub fn id_pointer(&self) -> &str {
        &self.how.id
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plan::tests::look_up as registry;

    fn look_up(key: &str) -> LookUp {
        let spec = Arc::new(crate::targets::load("meitner").unwrap());
        let key = spec.field(key).unwrap();
        LookUp::new(&spec, key).unwrap()
    }

    #[test]
    fn many_keys_are_one_request() {
        let asked = look_up("external_source_id")
            .search(&["a", "b"])
            .first()
            .unwrap();
        assert_eq!(asked.path, "/student/_search?limit=50&offset=0");
        assert_eq!(
            asked.body.unwrap(),
            json!({"filter": {"orCondition": false, "contains": {"external": {"sourceID": ["a", "b"]}}}})
        );
        let by_id = look_up("id").search(&["x"]).first().unwrap();
        assert_eq!(
            by_id.body.unwrap(),
            json!({"filter": {"orCondition": false, "contains": {"id": ["x"]}}})
        );
        let mut dotted = look_up("external_source_id");
        dotted.how.search_names = SearchNames::Dotted;
        dotted.how.search_body.clear();
        assert_eq!(
            dotted.search(&["a"]).first().unwrap().body.unwrap(),
            json!({"filter": {"contains": {"external.sourceID": ["a"]}}})
        );
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
    fn records_are_read_in_batches_only_in_the_ways_the_target_has() {
        let listed = registry(|how| how.search = None);
        assert!(listed.can_list() && !listed.can_find());
        assert_eq!(listed.search(&["a"]).first(), None);
        let searched = registry(|how| how.list = None);
        assert!(searched.can_find() && !searched.can_list());
        assert_eq!(searched.list().first(), None);
        assert_eq!(searched.page_size(), 2);

        let mut single = (*crate::plan::tests::registry()).clone();
        let how = single.lookup.as_mut().unwrap();
        (how.search, how.list, how.read) = (None, None, None);
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
    fn a_filter_is_built_into_the_body_that_every_search_has() {
        let body = |change: fn(&mut Lookup)| {
            let question = registry(change).search(&["1", "2"]).first();
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
        assert_eq!(look_up.key_of(&record), Some(Cow::Owned(json!("070"))));
        assert_eq!(look_up.id_of(&record).as_deref(), Some("u"));
        let spec = look_up.spec.clone();
        let by_id = LookUp::new(&spec, spec.field("id").unwrap()).unwrap();
        assert_eq!(by_id.key_of(&record), Some(Cow::Owned(json!("u"))));
        let body = by_id.search(&["u"]).first().unwrap().body.unwrap();
        assert_eq!(body, json!({"uuid": ["u"]}));
    }
}
