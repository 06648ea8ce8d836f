use std::borrow::Cow;
use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::field::FieldSpec;
use super::quota::Quota;
use super::words::{Words, words_in};
use crate::l10n::Language;
use crate::model::{Call, Change, Method};

/// All but the unreserved characters of RFC 3986, section 2.3, so that a value is one path
/// segment whatever it holds.
pub const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What an API looks like: everything that is particular to it.
///
/// ```
/// let meitner = rosterpatch::targets::load("meitner")?;
/// assert_eq!(meitner.update.path, "/student/{id}");
/// let key = meitner.key_field().map(|field| meitner.fields[field].name());
/// assert_eq!(key, Some("id"));
/// # Ok::<(), rosterpatch::targets::TargetError>(())
/// ```
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    title = "A target of rosterpatch",
    description = "What an API looks like: everything that is particular to it."
)]
pub struct TargetSpec {
    /// The name that `--target` takes.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// What one record is called in messages, such as `student`.
    pub record: String,
    /// The same in other languages, by language code, and what several are called.
    #[serde(default)]
    pub words: BTreeMap<String, Words>,
    /// The country whose numbering plan completes telephone numbers. Without one they are sent as
    /// they are written.
    pub region: Option<Region>,
    /// Base addresses by name. The one called `production` is the default.
    pub environments: BTreeMap<String, String>,
    /// Variables of the addresses and the update's path, given with `--var`.
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    /// Headers that stand on every request, besides those of the sign-in. No secrets.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Ways to sign in; the first whose variables are all set is used.
    pub sign_in: Vec<SignIn>,
    /// The request that updates one record.
    pub update: Update,
    /// How answers are understood.
    pub answers: Answers,
    /// How many requests the API takes.
    pub quota: Quota,
    /// How records are read, if they can be.
    pub lookup: Option<Lookup>,
    /// The fields, in the order of a template's columns.
    pub fields: Vec<FieldSpec>,
}

/// A country whose telephone numbers are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Region {
    /// Sweden.
    #[serde(rename = "SE")]
    Sweden,
}

/// A variable of a target's addresses.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// What it stands for, for messages.
    pub about: String,
    /// Its value where none is given.
    pub default: Option<String>,
}

/// A way to sign in. Only names of environment variables stand here, never a secret.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum SignIn {
    /// Constant headers on every request.
    Headers {
        /// Header name to the environment variable that holds its value.
        headers: BTreeMap<String, String>,
    },
    /// `Authorization: Bearer …` (RFC 6750).
    Bearer {
        /// Environment variable that holds the token.
        token: String,
    },
    /// `Authorization: WORD …`, for APIs with a word of their own.
    Token {
        /// The word before the token.
        word: String,
        /// Environment variable that holds the token.
        token: String,
    },
    /// HTTP Basic (RFC 7617).
    Basic {
        /// Environment variable that holds the user name.
        username: String,
        /// Environment variable that holds the password; none sends an empty one.
        password: Option<String>,
    },
    /// OAuth 2.0 client credentials (RFC 6749, section 4.4).
    Oauth {
        /// Path of the token endpoint, at the root of the base address's host. Variables stand in
        /// it as `{name}`. Either this or `token_url` is needed.
        token_path: Option<String>,
        /// Address of a token endpoint on another host, to which the client secret is sent. The
        /// host is written in full; variables may stand in the path.
        token_url: Option<String>,
        /// The scope to ask for, space-separated; may hold variables.
        scope: Option<String>,
        /// The audience to ask for, where the authorization server needs one; may hold variables.
        audience: Option<String>,
        /// Environment variable that holds the client id.
        client_id: String,
        /// Environment variable that holds the client secret.
        client_secret: String,
    },
}

impl SignIn {
    /// The environment variables that this way needs.
    pub fn variables(&self) -> Vec<&str> {
        match self {
            SignIn::Headers { headers } => headers.values().map(String::as_str).collect(),
            SignIn::Bearer { token } | SignIn::Token { token, .. } => vec![token],
            SignIn::Basic { username, password } => std::iter::once(username.as_str())
                .chain(password.as_deref())
                .collect(),
            SignIn::Oauth {
                client_id,
                client_secret,
                ..
            } => vec![client_id, client_secret],
        }
    }

    /// The texts in which variables may stand.
    pub(super) fn templates(&self) -> impl Iterator<Item = &String> {
        let texts = match self {
            SignIn::Oauth {
                token_path,
                token_url,
                scope,
                audience,
                ..
            } => [token_path, token_url, scope, audience].map(Option::as_ref),
            _ => [None; 4],
        };
        texts.into_iter().flatten()
    }

    fn templates_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let texts = match self {
            SignIn::Oauth {
                token_path,
                token_url,
                scope,
                audience,
                ..
            } => [token_path, token_url, scope, audience].map(Option::as_mut),
            _ => [const { None }; 4],
        };
        texts.into_iter().flatten()
    }

    /// The token endpoint: an address, or a path at the root of the API's host.
    pub fn token_endpoint(&self) -> Option<&str> {
        match self {
            SignIn::Oauth {
                token_path,
                token_url,
                ..
            } => token_url.as_deref().or(token_path.as_deref()),
            _ => None,
        }
    }

    /// The same way with its token endpoint at the API's own host.
    pub fn at_the_api(mut self) -> SignIn {
        if let SignIn::Oauth {
            token_path,
            token_url,
            ..
        } = &mut self
            && let Some(url) = token_url.take()
        {
            let path = url.splitn(4, '/').nth(3).unwrap_or_default();
            *token_path = Some(format!("/{path}"));
        }
        self
    }
}

/// The request that updates one record.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// The HTTP method.
    pub method: Method,
    /// Path below the base address, with `{field}` for each field that goes into it.
    pub path: String,
    /// The media type of the body: JSON, such as `application/scim+json`.
    #[serde(default = "default_content_type")]
    pub content_type: String,
    /// JSON pointer in the body below which the fields stand, such as `/user`.
    #[serde(default)]
    pub body: String,
    /// Members of every body, such as `{ schemas = ["urn:…"] }`.
    #[serde(default)]
    pub body_members: serde_json::Map<String, serde_json::Value>,
    /// Whether a request whose answer was lost may be sent again.
    pub idempotent: bool,
    /// Fields that an update which leaves them out might reset: where the record was read, they
    /// stand in every update as they are.
    #[serde(default)]
    pub keep: Vec<String>,
    /// What `If-Match` sends, so that an update of a record that somebody has changed meanwhile is
    /// refused with 412: `etag`, the `ETag` header of `lookup.read`, or a JSON pointer to the
    /// version in the record, such as `/meta/version`.
    pub if_match: Option<String>,
    /// Whether the API merges a body into the record, nested objects too: only what differs is sent.
    #[serde(default)]
    pub merges: bool,
    /// What clears a field.
    #[serde(default)]
    pub clear: Clear,
    /// `PUT`: whether it erases what the body leaves out. Then the record is sent as it was read,
    /// with what differs.
    #[serde(default = "yes")]
    pub replaces: bool,
    /// `PUT`: pointers of what only the API sets and the fields do not name, such as `/meta`. It is
    /// left out of the body.
    #[serde(default)]
    pub read_only: Vec<String>,
    /// Pointers of nested objects that the API takes whole only: part of one would lose the rest.
    #[serde(default)]
    pub whole: Vec<String>,
}

/// What a success contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Expects {
    /// The record as it is now.
    Record,
}

/// How answers are understood. Every 2xx is success, whatever its body, unless `expects` says what
/// it contains.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// JSON pointer to the API's error code.
    #[serde(default)]
    pub code: String,
    /// JSON pointer to the error's text.
    #[serde(default)]
    pub message: String,
    /// JSON pointer to an object with messages by field, or a list of objects; the empty pointer
    /// is the whole body. Its members are flattened to `profile.salutation: …`.
    pub fields: Option<String>,
    /// JSON pointer to the request's id.
    #[serde(default)]
    pub request_id: String,
    /// What a success of an update contains. One that does not stops the run: a login page or a
    /// proxy answered.
    pub expects: Option<Expects>,
    /// JSON pointer to the record in the answer to an update and to `lookup.read`.
    #[serde(default)]
    pub record: String,
    /// Statuses after which the request is made again.
    pub retry: Vec<u16>,
    /// Statuses that refuse one row.
    pub reject: Vec<u16>,
    /// Statuses that stop the run: the credentials are refused.
    pub stop: Vec<u16>,
}

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
    /// Whether the total is known to be that of all records. Otherwise a first page with as many records
    /// may have told its own number, and the next one is asked for.
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

/// In `update.if_match`: the version is that of the `ETag` header.
pub const ETAG: &str = "etag";

/// What clears a field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Clear {
    /// JSON `null`.
    #[default]
    Null,
    /// An empty text.
    Empty,
}

fn yes() -> bool {
    true
}

fn default_content_type() -> String {
    "application/json".into()
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
        /// Its value on the first page: 1 where it is the number of the page's first record.
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
        /// JSON pointer to it; null or nothing on the last page. It may be relative to the page's own.
        pointer: String,
    },
    /// Each answer names the next page in its `Link` header (RFC 8288), with `rel="next"`.
    Link {},
    /// Each answer holds a cursor, which the next request repeats.
    Cursor {
        /// JSON pointer to it; null, empty or nothing on the last page.
        pointer: String,
        /// The query parameter that repeats it.
        parameter: Option<String>,
        /// JSON pointer in a search's body to where it is repeated, in place of the parameter.
        body: Option<String>,
    },
}

impl Paging {
    /// Whether pages are counted, and none names the next one.
    pub fn is_counted(&self) -> bool {
        matches!(self, Paging::Offset { .. } | Paging::Page { .. })
    }
}

impl Lookup {
    /// The paths of its requests.
    pub(super) fn paths(&self) -> impl Iterator<Item = &String> {
        [&self.read, &self.search, &self.list].into_iter().flatten()
    }
}

impl TargetSpec {
    /// The same target with the values of its variables in the paths of look-ups and in its
    /// sign-in. In the update's path a row may say otherwise, and an address is made by
    /// [`TargetSpec::address`].
    pub fn with_variables(mut self, values: &BTreeMap<String, String>) -> TargetSpec {
        for (name, value) in values {
            let mark = format!("{{{name}}}");
            let encoded = utf8_percent_encode(value, SEGMENT).to_string();
            if let Some(how) = &mut self.lookup {
                let paths = [&mut how.read, &mut how.search, &mut how.list];
                for path in paths.into_iter().flatten() {
                    *path = path.replace(&mark, &encoded);
                }
            }
            for way in &mut self.sign_in {
                for text in way.templates_mut() {
                    // What is an address or a path takes a value as one segment.
                    let is_place = text.starts_with('/') || text.starts_with("http");
                    let value = if is_place { &encoded } else { value };
                    *text = text.replace(&mark, value);
                }
            }
        }
        self
    }

    /// A variable without a value that the update's path or a look-up needs, and what it is.
    pub fn lacks(&self, values: &BTreeMap<String, String>) -> Option<(&str, &str)> {
        let lookup = self.lookup.iter().flat_map(Lookup::paths);
        let names = lookup
            .chain([&self.update.path])
            .flat_map(|path| placeholders(path));
        let mut lacking = names.filter(|name| {
            self.variables.contains_key(*name)
                && !values.contains_key(*name)
                && self.field(name).is_none()
        });
        let name = lacking.next()?;
        Some((name, self.variables.get(name)?.about.as_str()))
    }

    /// What one record is called in the language that is spoken.
    pub fn record_name(&self) -> String {
        self.spoken_words().record
    }

    /// What several records are called.
    pub fn records_name(&self) -> String {
        self.spoken_words().records
    }

    fn spoken_words(&self) -> Words {
        words_in(Language::spoken(), &self.words, &self.record)
    }

    /// Positions of the fields that stand in the nested object at `pointer`.
    pub fn fields_below<'a>(&'a self, pointer: &'a str) -> impl Iterator<Item = usize> + 'a {
        let below = move |field: &FieldSpec| {
            let rest = field.pointer.strip_prefix(pointer);
            !field.read_only && rest.is_some_and(|rest| rest.starts_with('/'))
        };
        let fields = self.fields.iter().enumerate();
        fields
            .filter(move |(_, field)| below(field))
            .map(|(index, _)| index)
    }

    /// The position of the field called `name`.
    pub fn field(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name() == name)
    }

    /// Names of the fields that stand in the update's path, in its order.
    pub fn path_fields(&self) -> impl Iterator<Item = &str> {
        placeholders(&self.update.path)
    }

    /// The position of the field that names the record: the last one in the update's path.
    pub fn key_field(&self) -> Option<usize> {
        self.path_fields().last().and_then(|name| self.field(name))
    }

    /// Whether many records can be read with one request.
    pub fn is_readable(&self) -> bool {
        let lookup = self.lookup.as_ref();
        lookup.is_some_and(|lookup| lookup.search.is_some() || lookup.list.is_some())
    }

    /// The fields by which a record can be found, by position, the best one first: the one in the
    /// update's path and, where records can be read, those of the look-up.
    pub fn keys(&self) -> Vec<usize> {
        let mut keys: Vec<usize> = self.key_field().into_iter().collect();
        if let Some(lookup) = self.lookup.as_ref().filter(|_| self.is_readable()) {
            let others = lookup.keys.iter().filter_map(|name| self.field(name));
            keys.extend(others.filter(|key| Some(*key) != self.key_field()));
        }
        keys
    }

    /// The record's id in a path that was made for it, decoded.
    pub fn id_in(&self, path: &str) -> Option<String> {
        self.value_in(path, self.fields[self.key_field()?].name())
    }

    /// What a call changes: where nothing was read before, what it sends.
    pub fn changes_of<'a>(&self, call: &'a Call) -> Cow<'a, [Change]> {
        if !call.changes.is_empty() || call.changed.is_empty() {
            return Cow::Borrowed(&call.changes);
        }
        let body: Json = serde_json::from_slice(&call.body).unwrap_or_default();
        let names = call.changed.split(' ');
        let change = |name: &str| {
            let field = &self.fields[self.field(name)?];
            Some(Change {
                field: name.to_owned(),
                from: None,
                to: self.sent_in(&body)?.pointer(&field.pointer)?.clone(),
            })
        };
        Cow::Owned(names.filter_map(change).collect())
    }

    /// The value of the field called `name` in a path that was made for a record, decoded.
    pub fn value_in(&self, path: &str, name: &str) -> Option<String> {
        let name = format!("{{{name}}}");
        let mut places = self.update.path.split('/').zip(path.split('/'));
        // A value may stand between other text, as in OData's `users('{id}')`.
        let segment = places.find_map(|(place, segment)| {
            let (before, after) = place.split_once(&name)?;
            segment.strip_prefix(before)?.strip_suffix(after)
        })?;
        let decoded = percent_encoding::percent_decode_str(segment).decode_utf8();
        decoded.ok().map(|id| id.into_owned())
    }

    /// Whether an update erases what its body leaves out.
    pub fn erases(&self) -> bool {
        self.update.method == Method::Put && self.update.replaces
    }

    /// The fields in the body of an update.
    pub fn sent_in<'a>(&self, body: &'a Json) -> Option<&'a Json> {
        body.pointer(&self.update.body)
    }

    /// The record in an answer to an update or to a look-up of one record.
    pub fn record_in<'a>(&self, answer: &'a Json) -> Option<&'a Json> {
        answer.pointer(&self.answers.record)
    }

    /// Where a field stands in a record that was read.
    pub fn record_pointer(&self, field: usize) -> String {
        match &self.lookup {
            Some(lookup) if self.key_field() == Some(field) => lookup.id.clone(),
            _ => self.fields[field].pointer.clone(),
        }
    }

    /// The values of all variables that the addresses and paths need.
    ///
    /// # Errors
    /// When a value is given for a variable that does not exist.
    pub fn variable_values(
        &self,
        given: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, String> {
        if let Some(unknown) = given
            .keys()
            .find(|name| !self.variables.contains_key(*name))
        {
            let known: Vec<&str> = self.variables.keys().map(String::as_str).collect();
            let known = if known.is_empty() {
                "none".into()
            } else {
                known.join(", ")
            };
            return Err(format!(
                "{} has no variable \"{unknown}\"; it has {known}",
                self.name
            ));
        }
        let value = |(name, variable): (&String, &Variable)| {
            let value = given.get(name).or(variable.default.as_ref())?;
            Some((name.clone(), value.clone()))
        };
        Ok(self.variables.iter().filter_map(value).collect())
    }

    /// An address with its variables put in.
    ///
    /// # Errors
    /// When a variable has no value, or one that no address may hold.
    pub fn address(
        &self,
        template: &str,
        values: &BTreeMap<String, String>,
    ) -> Result<String, String> {
        let mut address = template.to_owned();
        for name in placeholders(template) {
            let about = self
                .variables
                .get(name)
                .map_or("", |variable| &variable.about);
            let value = values
                .get(name)
                .ok_or_else(|| format!("say --var {name}=…: {about}"))?;
            let fits = !value.is_empty()
                && value
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
                && !value.starts_with('.');
            if !fits {
                return Err(format!(
                    "\"{value}\" cannot stand in an address for {name}: {about}"
                ));
            }
            address = address.replace(&format!("{{{name}}}"), value);
        }
        Ok(address)
    }
}

/// The names between braces in a path.
pub fn placeholders(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| {
        let (name, _) = rest.split_once('}')?;
        Some(name)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::RowAt;
    use crate::targets::load;

    fn values(given: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = given
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        owned.collect()
    }

    #[test]
    fn a_way_to_sign_in_needs_every_variable_that_it_names() {
        let name = |text: &str| text.to_owned();
        for (way, variables) in [
            (
                SignIn::Headers {
                    headers: values(&[("Client-ID", "ID"), ("Client-Secret", "SECRET")]),
                },
                vec!["ID", "SECRET"],
            ),
            (SignIn::Bearer { token: name("T") }, vec!["T"]),
            (
                SignIn::Token {
                    word: name("Token"),
                    token: name("T"),
                },
                vec!["T"],
            ),
            (
                SignIn::Basic {
                    username: name("U"),
                    password: None,
                },
                vec!["U"],
            ),
            (
                SignIn::Basic {
                    username: name("U"),
                    password: Some(name("P")),
                },
                vec!["U", "P"],
            ),
            (
                SignIn::Oauth {
                    token_path: Some(name("/token")),
                    token_url: None,
                    scope: None,
                    audience: None,
                    client_id: name("ID"),
                    client_secret: name("SECRET"),
                },
                vec!["ID", "SECRET"],
            ),
        ] {
            assert_eq!(way.variables(), variables);
        }
    }

    #[test]
    fn the_fields_of_a_nested_object_are_those_that_can_be_set_in_it() {
        let spec = load("pathwright").unwrap();
        let names = |pointer: &str| -> Vec<&str> {
            let below: Vec<usize> = spec.fields_below(pointer).collect();
            below
                .iter()
                .map(|field| spec.fields[*field].name())
                .collect()
        };
        assert_eq!(
            names("/profile"),
            ["salutation", "bio", "location", "phone_number"]
        );
        assert_eq!(names("/membership"), ["membership_type"]);
        // The field itself, the first letters of one, and what only the API sets.
        for pointer in ["/first_name", "/prof", "/links", "/absent"] {
            assert!(names(pointer).is_empty(), "{pointer}");
        }
    }

    #[test]
    fn a_record_is_found_by_the_key_in_the_path_first_and_then_by_the_look_ups() {
        let mut spec = load("meitner").unwrap();
        let names = |spec: &TargetSpec| -> Vec<String> {
            let keys = spec.keys();
            let names = keys.iter().map(|key| spec.fields[*key].name().to_owned());
            names.collect()
        };
        let all = [
            "id",
            "identity_number",
            "external_source_id",
            "email_address1",
            "edu_person_principal_name",
        ];
        assert_eq!(names(&spec), all);
        let change = |spec: &mut TargetSpec, change: fn(&mut Lookup)| {
            change(spec.lookup.as_mut().unwrap());
        };
        change(&mut spec, |how| {
            how.keys = vec!["external_source_id".into(), "id".into()];
            how.search = None;
        });
        assert!(spec.is_readable());
        assert_eq!(names(&spec), ["id", "external_source_id"]);
        change(&mut spec, |how| {
            how.list = None;
        });
        assert!(!spec.is_readable());
        assert_eq!(names(&spec), ["id"]);
        change(&mut spec, |how| how.search = Some("/search".into()));
        assert!(spec.is_readable());
        let blind = load("pathwright").unwrap();
        assert!(!blind.is_readable());
        assert_eq!(names(&blind), ["external_id"]);
    }

    #[test]
    fn a_value_is_read_back_out_of_the_path_that_was_made_for_it() {
        let spec = load("pathwright").unwrap();
        let path = "/member/saml2/a%2F%C3%A5/";
        assert_eq!(spec.id_in(path).as_deref(), Some("a/å"));
        assert_eq!(spec.value_in(path, "integration").as_deref(), Some("saml2"));
        for (path, name) in [
            (path, "email"),
            (path, "member"),
            ("/member", "external_id"),
            ("/member/saml2/%FF/", "external_id"),
        ] {
            assert_eq!(spec.value_in(path, name), None, "{name} in {path}");
        }
    }

    #[test]
    fn what_a_call_changes_is_what_it_sends_where_nothing_was_read() {
        let spec = load("pathwright").unwrap();
        let body = json!({"first_name": "Kim", "profile": {"bio": null}, "email": "a@b.se"});
        let change = |field: &str, from: Option<Json>, to: Json| Change {
            field: field.to_owned(),
            from,
            to,
        };
        let call = |changed: &str, changes: Vec<Change>| Call {
            at: RowAt::FIRST,
            key: String::new(),
            path: String::new(),
            body: body.to_string().into_bytes(),
            changed: changed.to_owned(),
            changes,
            fingerprint: None,
            note: String::new(),
        };
        let read = vec![change("bio", Some(json!("x")), json!("y"))];
        assert_eq!(*spec.changes_of(&call("first_name", read.clone())), read);
        assert!(spec.changes_of(&call("", Vec::new())).is_empty());
        // A field that the target no longer has, and one that the body lacks.
        let sent = call("first_name shoe_size bio location", Vec::new());
        let expected = [
            change("first_name", None, json!("Kim")),
            change("bio", None, Json::Null),
        ];
        assert_eq!(*spec.changes_of(&sent), expected);
        let damaged = Call {
            body: b"{".to_vec(),
            ..sent
        };
        assert!(spec.changes_of(&damaged).is_empty());
    }

    #[test]
    fn a_records_own_id_stands_where_the_look_up_says() {
        let mut spec = load("meitner").unwrap();
        let pointers = |spec: &TargetSpec| {
            let pointer = |name: &str| spec.record_pointer(spec.field(name).unwrap());
            (pointer("id"), pointer("external_source_id"))
        };
        let source = || "/external/sourceID".to_owned();
        assert_eq!(pointers(&spec), ("/id".to_owned(), source()));
        spec.lookup = None;
        assert_eq!(pointers(&spec), (String::new(), source()));
        let text = crate::targets::text("meitner").unwrap();
        let unsaid = text.replace("\nid = \"/id\"\n", "\n");
        assert_ne!(unsaid, text);
        let spec = crate::targets::parse("x.toml", &unsaid).unwrap();
        assert_eq!(pointers(&spec), ("/id".to_owned(), source()));
    }

    #[test]
    fn one_record_and_several_are_called_what_the_target_says() {
        let spec = load("meitner").unwrap();
        let names = (spec.record_name(), spec.records_name());
        assert_eq!(names, ("student".to_owned(), "students".to_owned()));
    }

    #[test]
    fn a_variable_has_the_given_value_or_its_default() {
        let spec = load("pathwright").unwrap();
        let of = |given: &[(&str, &str)]| spec.variable_values(&values(given));
        assert_eq!(of(&[]), Ok(values(&[("integration", "external")])));
        let both = [("integration", "saml2"), ("school", "oakwood")];
        assert_eq!(of(&both), Ok(values(&both)));
        assert_eq!(
            of(&[("city", "x")]),
            Err("pathwright has no variable \"city\"; it has integration, school".to_owned())
        );
        let none = load("meitner")
            .unwrap()
            .variable_values(&values(&[("city", "x")]));
        assert_eq!(
            none,
            Err("meitner has no variable \"city\"; it has none".to_owned())
        );
    }

    #[test]
    fn an_address_takes_only_values_that_cannot_lead_elsewhere() {
        let spec = load("pathwright").unwrap();
        let template = &spec.environments["production"];
        let about = &spec.variables["school"].about;
        let address = |school: &str| spec.address(template, &values(&[("school", school)]));
        for school in ["oakwood", "Oak-wood_2.x"] {
            let expected = format!("https://{school}.pathwright.com/api/public");
            assert_eq!(address(school), Ok(expected));
        }
        for school in ["", ".", ".oakwood", "a/b", "a b", "a@b", "a:b", "å", "a#"] {
            let expected = format!("\"{school}\" cannot stand in an address for school: {about}");
            assert_eq!(address(school), Err(expected));
        }
        assert_eq!(
            spec.address(template, &BTreeMap::new()),
            Err(format!("say --var school=…: {about}"))
        );
        assert_eq!(
            spec.address("https://api.example.se/{", &BTreeMap::new()),
            Ok("https://api.example.se/{".to_owned())
        );
    }
}
