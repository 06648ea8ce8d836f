//! Look-ups define how records are requested and recognized.

use std::borrow::Cow;
use std::sync::Arc;

use percent_encoding::utf8_percent_encode;
use serde_json::Value as Json;

use super::body::put;
use super::query_text;
use crate::targets::{Lookup, Query, SEGMENT, SearchNames, TargetSpec};

/// Builds the requests that read records, and reads their responses. It does no I/O.
#[derive(Debug, Clone)]
pub struct LookUp {
    pub(super) spec: Arc<TargetSpec>,
    pub(super) how: Lookup,
    pub(super) key: usize,
}

/// The way in which records are found by keys.
#[derive(Debug)]
pub(super) enum Way<'a> {
    /// A search at this path.
    Search(&'a str),
    /// A filter in a query parameter.
    Filter(&'a Query, &'a str),
    /// One request per record. `mark` is the key's placeholder in `path`.
    One {
        path: &'a str,
        mark: String,
        query: Option<&'a Query>,
    },
}

/// A request that only reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The path below the base address, with its query.
    pub path: String,
    /// The JSON body of a POST; none for a GET.
    pub body: Option<Json>,
}

impl LookUp {
    /// Creates look-ups by the field at position `key`. Returns `None` if the target's records cannot be
    /// read.
    pub fn new(spec: &Arc<TargetSpec>, key: usize) -> Option<LookUp> {
        let how = spec.lookup.clone().filter(|_| spec.is_readable())?;
        Some(LookUp {
            spec: spec.clone(),
            how,
            key,
        })
    }

    /// The position of the key field.
    pub fn key(&self) -> usize {
        self.key
    }

    /// The number of records per page.
    pub fn page_size(&self) -> u64 {
        self.how.page_size.unwrap_or(1).into()
    }

    /// Returns the way in which records are found by the key, if there is one.
    ///
    /// `lookup.read` counts only if the records cannot be listed either.
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

    /// The look-up of the keys that the API knows. Returns `None` if the target has no such list.
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

    /// Whether each record is requested separately by its path.
    pub fn finds_one(&self) -> bool {
        matches!(self.way(), Some(Way::One { .. }))
    }

    /// Whether the target file can declare that a search also returns records with other keys.
    pub fn can_be_partial(&self) -> bool {
        matches!(self.way(), Some(Way::Filter(..)))
    }

    /// Whether a search may also return records with other keys.
    pub fn is_partial(&self) -> bool {
        matches!(self.way(), Some(Way::Filter(query, _)) if query.partial)
    }

    /// Returns the maximum number of keys per request.
    pub fn keys_at_once(&self) -> usize {
        match self.way() {
            Some(Way::Search(_)) => self.page_size() as usize,
            Some(Way::Filter(query, _)) => query.most(),
            Some(Way::One { .. }) => 1,
            None => self.page_size() as usize,
        }
    }

    /// Returns the part of a key that cannot be written in a request, if there is one.
    pub fn unwritable<'k>(&self, key: &'k str) -> Option<&'k str> {
        match self.way()? {
            Way::Search(_) => None,
            Way::Filter(query, _) => query_text::unwritable(query, key),
            Way::One { path, mark, query } => query_text::unwritable_in(path, &mark, query, key),
        }
    }

    /// Returns the request for the record with this key, if records are requested separately.
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

    /// Returns the path of requests for one record, with the key's name as a placeholder.
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

    /// Returns the request for the record with this id.
    pub fn read(&self, id: &str) -> Option<Question> {
        let path = self.how.read.as_deref()?;
        let name = self.spec.key_name()?;
        let encoded = utf8_percent_encode(id, SEGMENT).to_string();
        Some(Question {
            path: path.replace(&format!("{{{name}}}"), &encoded),
            body: None,
        })
    }

    /// Returns the request for the record with this key, if the key is the id in the path.
    pub fn read_by_key(&self, key: &str) -> Option<Question> {
        (self.spec.key_field() == Some(self.key)).then(|| self.read(key))?
    }

    /// Returns the path of one record, with the key's name as a placeholder.
    pub fn read_path(&self) -> &str {
        self.how.read.as_deref().unwrap_or_default()
    }

    /// Returns the setting in the target file that finds records.
    pub fn setting_of_search(&self) -> String {
        match self.way() {
            Some(Way::Search(_)) => {
                format!("lookup.search_filter = \"{}\"", self.how.search_filter)
            }
            Some(Way::Filter(query, _)) => format!("lookup.query.filter = '{}'", query.template()),
            Some(Way::One { .. }) | None => self.setting(),
        }
    }

    /// The names of the key in a filter, derived from its pointer.
    fn filter_names(&self) -> Vec<String> {
        let pointer = self.spec.record_pointer(self.key);
        let names = pointer.trim_start_matches('/');
        match self.how.search_names {
            SearchNames::Nested => names.split('/').map(str::to_owned).collect(),
            SearchNames::Dotted => vec![names.replace('/', ".")],
        }
    }

    /// The key's value in a record.
    pub fn key_of<'a>(&self, record: &'a Json) -> Option<Cow<'a, Json>> {
        if self.spec.key_field() == Some(self.key) {
            return record.pointer(&self.how.id).map(Cow::Borrowed);
        }
        let held = self.spec.fields[self.key].pointer.get(record);
        // An ambiguous list element counts as missing.
        held.unwrap_or_default()
    }

    /// The pointer to a record's id.
    pub fn id_pointer(&self) -> &str {
        &self.how.id
    }

    /// A record's id as the update's path contains it.
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
    fn many_keys_are_searched_with_one_request() {
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
    fn lists_and_searches_are_used_only_if_the_target_has_them() {
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
    fn a_record_is_read_by_its_id_as_one_path_segment() {
        let question = registry(|_| ()).read("é/1").unwrap();
        assert_eq!(
            (&*question.path, question.body),
            ("/people/%C3%A9%2F1", None)
        );
        assert_eq!(registry(|how| how.read = None).read("1"), None);
    }

    #[test]
    fn a_filter_is_inserted_into_the_constant_search_body() {
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
    fn key_and_id_are_read_at_the_targets_pointers() {
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
