//! Target tests, which read one record and one page and show how fields are parsed.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value as Json;

use super::doctor::{Diagnosis, Examined, Health, client, not_of_api, of_fault, of_refusal, pacer};
use super::error::AppError;
use crate::check::Checker;
use crate::l10n::{Message, message, say};
use crate::model::with_causes;
use crate::plan::{LookUp, Question, explained, unnamed};
use crate::run::today;
use crate::send::{Client, Pacer, QuotaHeader, QuotaMeaning, Route};
use crate::targets::{Place, TargetSpec};

/// The maximum number of requests of one test, token requests included.
pub const MOST_REQUESTS: u64 = 5;

/// The result of a target test: the response to each request and how it was parsed.
#[derive(Debug, Default, Serialize)]
pub struct TargetTest {
    /// The name of the key field.
    pub key: String,
    /// The JSON pointer of the key in a record.
    pub key_pointer: String,
    /// The requests to the API, in order.
    pub steps: Vec<Step>,
    /// The record that the key finds.
    pub record: Option<FoundRecord>,
    /// The first page of the record list.
    pub list: Option<ListedPage>,
    /// Rate-limit headers in the responses.
    pub quota: Vec<ShownHeader>,
    /// The number of requests, token requests included.
    pub requests: u64,
    #[serde(skip)]
    pub findings: Vec<Diagnosis>,
}

/// One request of a test.
#[derive(Debug, Serialize)]
pub struct Step {
    /// `search`, `list` or `read`.
    pub name: &'static str,
    pub method: &'static str,
    pub path: String,
    /// The status code, or `None` without a response.
    pub status: Option<u16>,
    pub records: Option<usize>,
    pub error: Option<String>,
}

/// A record and how its fields are parsed.
#[derive(Debug, Serialize)]
pub struct FoundRecord {
    /// The request that returned the record.
    pub from: &'static str,
    /// The fields, in the target's order.
    pub fields: Vec<FoundField>,
    /// Members without a field, by JSON pointer.
    pub unnamed: Vec<(String, Json)>,
}

/// A field of a record and how it is parsed.
#[derive(Debug, Serialize)]
pub struct FoundField {
    pub field: String,
    pub kind: &'static str,
    /// The JSON pointer of the field in the record.
    pub pointer: String,
    /// Whether the value is present and readable.
    pub state: FieldState,
    pub value: Option<Json>,
    /// The normalized value that is compared with cells.
    pub compared: Option<Json>,
    /// The reason why no cell can hold the value.
    pub error: Option<String>,
}

/// The state of a field in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldState {
    /// The field has a value that a cell can hold.
    Read,
    /// The field is present without a value.
    Empty,
    /// The field is absent.
    Absent,
    /// The field has a value that no cell can hold.
    Unreadable,
}

/// The first page of the record list.
#[derive(Debug, Serialize)]
pub struct ListedPage {
    pub records: usize,
    pub page_size: u64,
    /// The JSON pointer of the total, if the target has one.
    pub total_pointer: Option<String>,
    /// The total, if the response contains it.
    pub total: Option<u64>,
    /// Whether the total may count only this page.
    pub total_is_doubtful: bool,
    /// The path of the next page, or `None` if the list is complete.
    pub next: Option<String>,
}

/// A rate-limit header.
#[derive(Debug, Serialize)]
pub struct ShownHeader {
    pub name: String,
    /// The value, or `None` if no response has the header.
    pub value: Option<String>,
    /// The interpretation of the value.
    pub means: Vec<String>,
}

/// The key of the record to read.
#[derive(Debug)]
pub struct TestKey<'a> {
    pub value: &'a str,
    /// The key field. The default is the first look-up key whose kind accepts the value.
    pub field: Option<&'a str>,
}

/// Reads one record and one page of the list, and reports how each was parsed. Changes nothing.
///
/// # Errors
/// Fails if the target is not readable or the field is not one of its keys.
pub fn test_target(examined: &Examined<'_>, key: &TestKey<'_>) -> Result<TargetTest, AppError> {
    let today = today(examined.clock.timestamp());
    let checker = Checker::of_all_fields(&examined.spec, today)
        .map_err(|error| AppError::Front(Message::verbatim(with_causes(&error))))?;
    let (field, text) = key_of(&checker, key)?;
    let spec = checker.spec().clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(AppError::TooFewThreads)?;
    let asking = examined.asking.as_ref();
    let asking = asking.ok_or_else(|| AppError::Front(message::doctor_not_tried()))?;
    let client = client(examined, &asking.credentials)
        .map_err(|error| AppError::Front(Message::verbatim(with_causes(&error))))?;
    let pacer = pacer(examined, asking, &client)
        .map_err(|error| AppError::Front(Message::verbatim(with_causes(&error))))?;
    let mut test = Test {
        examined,
        checker: &checker,
        client: &client,
        pacer: &pacer,
        key: field,
        text,
        made: 0,
        is_over: false,
        told: TargetTest {
            key: spec.fields[field].name().to_owned(),
            key_pointer: spec.record_pointer(field),
            ..TargetTest::default()
        },
    };
    runtime.block_on(test.run());
    Ok(test.told)
}

/// Returns the key field and the value in the form used by a search.
fn key_of(checker: &Checker, key: &TestKey<'_>) -> Result<(usize, String), AppError> {
    let spec = checker.spec();
    if !spec.is_readable() {
        return Err(AppError::Front(message::test_unreadable(
            spec.name.as_str(),
        )));
    }
    let keys = spec.keys();
    let value = Json::from(key.value);
    let text_of = |field: usize| match checker.judge(field, &value) {
        Ok(Json::String(text)) => Some(text),
        Ok(Json::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let names = || {
        let names: Vec<&str> = keys.iter().map(|key| spec.fields[*key].name()).collect();
        names.join(", ")
    };
    let found = match key.field {
        Some(name) => {
            let field = spec.field(name).filter(|field| keys.contains(field));
            let field =
                field.ok_or_else(|| AppError::Usage(say().test_no_such_key(name, names())))?;
            Some((
                field,
                text_of(field).unwrap_or_else(|| key.value.to_owned()),
            ))
        }
        None => keys
            .iter()
            .find_map(|field| Some((*field, text_of(*field)?))),
    };
    found.ok_or_else(|| AppError::Usage(say().test_no_key(names())))
}

/// A test in progress.
struct Test<'a> {
    examined: &'a Examined<'a>,
    checker: &'a Checker,
    client: &'a Client,
    pacer: &'a Pacer,
    key: usize,
    text: String,
    /// The number of requests, without token requests.
    made: u64,
    /// Whether further requests are pointless: the credentials were refused or no response was received.
    is_over: bool,
    told: TargetTest,
}

impl Test<'_> {
    fn spec(&self) -> &Arc<TargetSpec> {
        self.checker.spec()
    }

    async fn run(&mut self) {
        let look_up = LookUp::new(self.spec(), self.key);
        let mut found = None;
        let mut id = (self.spec().key_field() == Some(self.key)).then(|| self.text.clone());
        if let Some(look_up) = &look_up {
            let text = self.text.clone();
            let keys = [text.as_str()];
            if let Some(question) = look_up.find_one(&text) {
                let record = self.read("find", &question).await;
                found = record.map(|record| ("find", record));
            } else if let Some(question) = look_up.search(&keys).first() {
                let records = self.page("search", look_up, &question, false).await;
                found = records.and_then(|records| self.searched(look_up, records));
            }
            if let Some(question) = look_up.list().first() {
                let records = self.page("list", look_up, &question, true).await;
                let mut records = records.into_iter().flatten();
                // Without a search, the record may be on the first page.
                if found.is_none() && !look_up.can_find() {
                    let held = records.find(|record| self.is_sought(look_up, record));
                    found = held.map(|record| ("list", record));
                }
            }
            let own = found.as_ref().and_then(|(_, record)| look_up.id_of(record));
            id = own.or(id);
        }
        if let Some(id) = id
            && found.as_ref().is_none_or(|(from, _)| *from != "find")
            && let Some(question) = look_up.as_ref().and_then(|how| how.read(&id))
            && let Some(record) = self.read("read", &question).await
        {
            found = found.or(Some(("read", record)));
        }
        match found {
            Some((from, record)) => self.told.record = Some(self.understood(from, &record)),
            None if self.told.findings.is_empty() => {
                let told = say().test_not_found(self.told.key.as_str());
                self.wrong(told);
            }
            None => {}
        }
        self.told.requests = self.made + self.client.token_requests();
    }

    /// Reports a problem with the last request.
    fn refuse(&mut self, told: String) {
        self.failed(told.clone());
        self.wrong(told);
    }

    fn wrong(&mut self, told: String) {
        let finding = Diagnosis::new(say().doctor_read(), Health::Wrong, told);
        self.told.findings.push(finding);
    }

    /// Sends a request if the limit permits, and returns the JSON of a successful response.
    async fn ask(
        &mut self,
        name: &'static str,
        question: &Question,
        look_up: Option<&LookUp>,
    ) -> Option<(Json, Option<String>)> {
        if self.is_over {
            return None;
        }
        let method = match question.body {
            Some(_) => "POST",
            None => "GET",
        };
        self.told.steps.push(Step {
            name,
            method,
            path: question.path.clone(),
            status: None,
            records: None,
            error: None,
        });
        // An expired token costs one more request.
        let cost = 1 + u64::from(self.client.fetches_tokens());
        if self.made + self.client.token_requests() + cost > MOST_REQUESTS {
            self.failed(say().test_enough(MOST_REQUESTS));
            return None;
        }
        if let Err(error) = self.pacer.permit().await {
            let told = with_causes(&error);
            self.refuse(told);
            return None;
        }
        let body = question.body.as_ref().map(Json::to_string);
        let body = body.as_deref().map(str::as_bytes);
        let came = self.client.inspect(&question.path, body).await;
        let (answer, json, quota) = match came {
            Ok(came) => came,
            Err(fault) => {
                self.made += 1;
                self.is_over = true;
                let route = Route::to_api(&self.examined.client.base_url);
                let finding = of_fault(self.examined, route.as_ref(), fault);
                self.failed(finding.told.clone());
                self.told.findings.push(finding);
                return None;
            }
        };
        // Without a token, the request itself is not sent.
        self.made += u64::from(!answer.of_sign_in);
        self.is_over = answer.of_sign_in || answer.status == 401;
        self.note_quota(quota);
        if let Some(step) = self.told.steps.last_mut() {
            step.status = Some(answer.status);
        }
        let base_url = &self.examined.client.base_url;
        let at = (base_url.as_str(), question.path.as_str());
        let wrong = match look_up {
            Some(look_up) => not_of_api(at, look_up, &answer, json.clone()),
            None if (200..300).contains(&answer.status) && json.is_none() => {
                let status = format!("HTTP {}", answer.status);
                let told = say().doctor_other(say().doctor_no_json(), status, base_url.as_str());
                Some(Diagnosis::new(say().doctor_read(), Health::Wrong, told))
            }
            None if (300..400).contains(&answer.status) => {
                let status = format!("HTTP {}", answer.status);
                let told = say().doctor_other(say().doctor_redirect(), status, base_url.as_str());
                Some(Diagnosis::new(say().doctor_read(), Health::Wrong, told))
            }
            None => None,
        };
        if let Some(finding) = wrong.or_else(|| of_refusal(&answer, body.unwrap_or_default())) {
            self.failed(finding.told.clone());
            self.told.findings.push(finding);
            return None;
        }
        Some((json?, answer.link))
    }

    fn failed(&mut self, why: String) {
        if let Some(step) = self.told.steps.last_mut() {
            step.error = Some(why);
        }
    }

    /// Reads one page, and describes it if it belongs to the list of all records.
    async fn page(
        &mut self,
        name: &'static str,
        look_up: &LookUp,
        question: &Question,
        is_list: bool,
    ) -> Option<Vec<Json>> {
        let (json, link) = self.ask(name, question, Some(look_up)).await?;
        let base_url = self.examined.client.base_url.clone();
        let page = look_up
            .page(json, link.as_deref(), (&base_url, &question.path))
            .ok()?;
        if let Some(step) = self.told.steps.last_mut() {
            step.records = Some(page.records.len());
        }
        if is_list {
            let how = self.spec().lookup.clone()?;
            let mut walk = look_up.list();
            let next = walk.add(&page).and_then(|()| walk.next());
            let (next, error) = match next {
                Ok(next) => (next.map(|question| question.path), None),
                Err(error) => (None, Some(error.to_string())),
            };
            if let Some(why) = error {
                self.refuse(why);
            }
            let records = page.records.len();
            self.told.list = Some(ListedPage {
                records,
                page_size: look_up.page_size(),
                total_is_doubtful: !how.trust_total && page.total == Some(records as u64),
                total_pointer: Some(how.total).filter(|pointer| !pointer.is_empty()),
                total: page.total,
                next,
            });
        }
        Some(page.records)
    }

    /// Returns the record found by a search, if its key matches.
    fn searched(&mut self, look_up: &LookUp, records: Vec<Json>) -> Option<(&'static str, Json)> {
        let all = records.len();
        let mut sought: Vec<Json> = records
            .into_iter()
            .filter(|record| self.is_sought(look_up, record))
            .collect();
        if sought.len() < all {
            let others = all - sought.len();
            let told = say().test_unasked(others as u64, look_up.setting_of_search());
            self.refuse(told);
        } else if sought.is_empty() {
            let told = say().test_not_found(self.told.key.as_str());
            self.refuse(told);
        } else if sought.len() > 1 {
            let told = say().test_several(sought.len() as u64, self.told.key.as_str());
            self.refuse(told);
        }
        (!sought.is_empty()).then(|| ("search", sought.swap_remove(0)))
    }

    /// Returns whether a record has the key, compared as in planning.
    fn is_sought(&self, look_up: &LookUp, record: &Json) -> bool {
        let Some(held) = look_up.key_of(record) else {
            return false;
        };
        let held = match self.checker.normalised(self.key, &held) {
            Json::String(text) => text,
            other => other.to_string(),
        };
        match self.spec().fields[self.key].folds_case() {
            true => held.to_lowercase() == self.text.to_lowercase(),
            false => held == self.text,
        }
    }

    /// Reads one record by its id.
    async fn read(&mut self, name: &'static str, question: &Question) -> Option<Json> {
        let (json, _) = self.ask(name, question, None).await?;
        let record = self.spec().record_in(&json).filter(|it| it.is_object());
        let Some(record) = record.cloned() else {
            let told = say().test_no_record(self.spec().answers.record.as_str());
            self.refuse(told);
            return None;
        };
        Some(record)
    }

    fn understood(&self, from: &'static str, record: &Json) -> FoundRecord {
        let spec = self.spec();
        let fields = spec.fields.iter().enumerate();
        let fields = fields.filter_map(|(index, field)| {
            let pointer = spec.record_pointer(index);
            // A path parameter is not part of the record.
            if pointer.is_empty() && field.place == Place::Path {
                return None;
            }
            let held = match spec.key_field() == Some(index) {
                true => Ok(record.pointer(&pointer).map(Cow::Borrowed)),
                false => field.pointer.get(record),
            };
            let (held, judged) = match held {
                Ok(held) => {
                    let judged = held.as_ref().map(|held| self.checker.judge(index, held));
                    (held, judged)
                }
                Err(unclear) => {
                    let (_, why) = explained(&unclear, &pointer, spec);
                    (None, Some(Err(why.to_string())))
                }
            };
            let (state, compared, error) = match judged {
                None => (FieldState::Absent, None, None),
                Some(Ok(Json::Null)) => (FieldState::Empty, None, None),
                Some(Ok(value)) => (FieldState::Read, Some(value), None),
                Some(Err(why)) => (FieldState::Unreadable, None, Some(why)),
            };
            Some(FoundField {
                field: field.name().to_owned(),
                kind: field.kind.as_str(),
                pointer,
                state,
                value: held.map(Cow::into_owned),
                compared,
                error,
            })
        });
        let mut rest = Vec::new();
        leaves(&unnamed(spec, record), String::new(), &mut rest);
        FoundRecord {
            from,
            fields: fields.collect(),
            unnamed: rest,
        }
    }

    /// Records rate-limit headers. The first response with a header counts.
    fn note_quota(&mut self, quota: Vec<QuotaHeader>) {
        for header in quota {
            let means = header.means.into_iter().map(meaning).collect();
            let shown = ShownHeader {
                name: header.name,
                value: header.value,
                means,
            };
            let known = &mut self.told.quota;
            match known.iter_mut().find(|known| known.name == shown.name) {
                Some(known) if known.value.is_none() => *known = shown,
                Some(_) => {}
                None => known.push(shown),
            }
        }
    }
}

impl TargetTest {
    /// Returns whether the record has values that no cell can hold.
    pub fn has_unreadable(&self) -> bool {
        let fields = self.record.iter().flat_map(|record| &record.fields);
        let mut states = fields.map(|field| field.state);
        states.any(|state| state == FieldState::Unreadable)
    }
}

fn meaning(meaning: QuotaMeaning) -> String {
    match meaning {
        QuotaMeaning::Limit(rate) => say().test_limit(rate.to_string()),
        QuotaMeaning::Remaining(left) => say().test_remaining(left.to_string()),
        QuotaMeaning::Reset(seconds) => say().test_reset(seconds),
        QuotaMeaning::RetryAfter(seconds) => say().test_retry_after(seconds),
        QuotaMeaning::Unnamed => say().test_header_unnamed(),
        QuotaMeaning::Unreadable => say().test_header_unreadable(),
    }
}

/// Collects every value that is not an object, with its JSON pointer.
fn leaves(value: &Json, place: String, found: &mut Vec<(String, Json)>) {
    match value {
        Json::Object(members) if !members.is_empty() || place.is_empty() => {
            for (name, value) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                leaves(value, format!("{place}/{name}"), found);
            }
        }
        leaf => found.push((place, leaf.clone())),
    }
}
