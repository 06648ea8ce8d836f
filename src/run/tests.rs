//! Shared helpers of the tests of `run`: a roster in a temporary folder, a scripted API, and a clock that
//! advances only while all tasks wait.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::sync::{mpsc, watch};

use super::audit_log::Author;
use super::context::{
    Batch, BatchEnd, BatchUsage, Consent, Context, DryRun, Ended, Proposal, Start,
};
use super::error::RunError;
use super::import::{dry_run, import, import_batch};
use super::prepare::{Prepared, prepare};
use super::settings::{Delivery, Settings};
use crate::clock::{Clock, VirtualClock};
use crate::events::{Observer, Plan, RunEvent};
use crate::journal::{Journal, JournalError, NewRun, PlannedRow, PlannedWhat, RunRecord, State};
use crate::model::{Call, Outcome};
use crate::run::planning::read_policy::ReadPolicy;
use crate::run::planning::row_tasks::{NextStep, RowTask};
use crate::send::{Credentials, StopRequest};
use crate::targets::{self, TargetSpec};

/// An API whose records can be read one by one, searched for and listed, three a page.
pub(super) const SCHOOL: &str = r#"
name = "school"
title = "The school"
record = "pupil"

[environments]
production = "https://school.example"

[[sign_in]]
kind = "bearer"
token = "TOKEN"

[update]
method = "PATCH"
path = "/pupil/{id}"
idempotent = true
keep = ["role"]

[answers]
code = "/code"
message = "/message"
retry = [503]
reject = [400, 404, 409]
stop = [401, 403]

[quota]
requests = 1000
per = "s"
burst = 1000

[lookup]
keys = ["email"]
read = "/pupil/{id}"
search = "/search"
search_filter = "/filter"
list = "/pupils"
records = "/data"
total = "/total"
page_size = 3
paging = { kind = "offset", limit = "limit", offset = "offset" }

[[fields]]
name = "id"
kind = "text"
in = "path"
required = true
unique = true
example = "p1"

[[fields]]
name = "name"
pointer = "/name"
kind = "text"
required = true
example = "Åsa"
aliases.sv = ["Namn"]

[[fields]]
name = "email"
pointer = "/email"
kind = "email"
unique = true
example = "asa@example.se"

[[fields]]
name = "role"
pointer = "/role"
kind = "text"
example = "pupil"

[[fields]]
name = "street"
pointer = "/home/street"
kind = "text"
nullable = true
example = "Storgatan 1"

[[fields]]
name = "city"
pointer = "/home/city"
kind = "text"
example = "Lund"

[[fields]]
name = "since"
pointer = "/home/since"
kind = "text"
read_only = true
example = "2020"
"#;

/// The school without readable records.
pub(super) fn unreadable() -> String {
    let (head, rest) = SCHOOL.split_once("[lookup]").unwrap();
    let (_, fields) = rest.split_once("[[fields]]").unwrap();
    // Values that were read could not be kept.
    let head = head.replace("keep = [\"role\"]\n", "");
    format!("{head}[[fields]]{fields}")
}

/// The school with `from` replaced by `to`.
pub(super) fn school_with(from: &str, to: &str) -> String {
    assert!(SCHOOL.contains(from), "{from}");
    SCHOOL.replace(from, to)
}

pub(super) fn spec_of(target: &str) -> TargetSpec {
    targets::parse("school.toml", target).unwrap()
}

/// A request that the API received.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) method: String,
    /// The path with its query.
    pub(super) path: String,
    pub(super) body: Json,
    /// The number of earlier requests for the same path.
    pub(super) before: usize,
}

/// A scripted API on this machine.
pub(super) struct Api {
    pub(super) base_url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// The server runs until this is dropped.
    _open: tokio::sync::oneshot::Sender<()>,
}

impl Api {
    /// Starts an API with these responses.
    pub(super) fn answering(answer: impl Fn(&Asked) -> (u16, Json) + Send + Sync + 'static) -> Api {
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let all = asked.clone();
        let answer = Arc::new(answer);
        let app = axum::Router::new().fallback(move |request: axum::extract::Request| {
            let (all, answer) = (all.clone(), answer.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
                let path = parts.uri.to_string();
                let one = {
                    let mut all = all.lock().unwrap();
                    let one = Asked {
                        method: parts.method.to_string(),
                        body: serde_json::from_slice(&body).unwrap_or_default(),
                        before: all.iter().filter(|other| other.path == path).count(),
                        path,
                    };
                    all.push(one.clone());
                    one
                };
                let (status, body) = answer(&one);
                let status = axum::http::StatusCode::from_u16(status).unwrap();
                (status, axum::Json(body))
            }
        });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (open, closed) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    _ = closed => (),
                    served = async { axum::serve(listener, app).await } => served.unwrap(),
                }
            });
        });
        Api {
            base_url: format!("http://{address}"),
            asked,
            _open: open,
        }
    }

    /// Starts the school with these records, which accepts any change.
    pub(super) fn holding(records: Json) -> Api {
        Api::answering(held(records))
    }

    /// Returns the requests so far, as method and path.
    pub(super) fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .map(|asked| format!("{} {}", asked.method, asked.path))
            .collect()
    }

    /// Returns the updates so far, as path and body.
    pub(super) fn changes(&self) -> Vec<(String, Json)> {
        let asked = self.asked.lock().unwrap();
        let changes = asked.iter().filter(|asked| asked.method == "PATCH");
        changes
            .map(|asked| (asked.path.clone(), asked.body.clone()))
            .collect()
    }
}

/// Returns the responses of the school with these records.
pub(super) fn held(records: Json) -> impl Fn(&Asked) -> (u16, Json) + Send + Sync + 'static {
    let records: Mutex<Vec<Json>> = Mutex::new(records.as_array().unwrap().clone());
    move |asked| {
        let mut records = records.lock().unwrap();
        let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
        let passed = query
            .split_once("offset=")
            .map_or(0, |(_, passed)| passed.parse().unwrap());
        let page = |found: Vec<Json>| {
            let part: Vec<&Json> = found.iter().skip(passed).take(3).collect();
            (200, json!({"total": found.len(), "data": part}))
        };
        match (&*asked.method, path) {
            ("GET", "/pupils") => page(records.clone()),
            ("POST", "/search") => {
                let filter = asked.body["filter"].as_object().unwrap();
                let (name, keys) = filter.iter().next().unwrap();
                let keys: Vec<String> = keys.as_array().unwrap().iter().map(text).collect();
                let is_found = |record: &&Json| keys.contains(&text(&record[name]));
                page(records.iter().filter(is_found).cloned().collect())
            }
            (method, path) => {
                let id = path.trim_start_matches("/pupil/");
                let Some(record) = records.iter_mut().find(|record| record["id"] == id) else {
                    return (404, json!({"code": "not_found"}));
                };
                if method == "PATCH" {
                    merge(record, &asked.body);
                }
                (200, record.clone())
            }
        }
    }
}

/// Returns a value for a search that ignores case.
fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.to_lowercase(),
        other => other.to_string(),
    }
}

fn merge(record: &mut Json, change: &Json) {
    match change {
        Json::Object(members) if record.is_object() => {
            for (name, value) in members {
                merge(&mut record[name], value);
            }
        }
        value => *record = value.clone(),
    }
}

/// Stores the events.
#[derive(Default)]
pub(super) struct Watched(Mutex<Vec<RunEvent>>);

impl Observer for Watched {
    fn on_event(&self, event: &RunEvent) {
        self.0.lock().unwrap().push(event.clone());
    }
}

impl Watched {
    pub(super) fn events(&self) -> Vec<RunEvent> {
        self.0.lock().unwrap().clone()
    }
}

pub(super) type Agree = dyn Fn(&Proposal<'_>) -> Consent;

/// A roster, its settings, and its journal.
pub(super) struct Desk {
    pub(super) folder: tempfile::TempDir,
    pub(super) clock: Arc<VirtualClock>,
    pub(super) settings: Settings,
    /// The answer to the confirmation, if there is one.
    pub(super) agree: Option<Box<Agree>>,
    /// Whether the approver also decides about conflicts.
    pub(super) chooses: bool,
    pub(super) author: Author,
    pub(super) stop: watch::Sender<StopRequest>,
    pub(super) watched: Watched,
}

impl Desk {
    /// Creates a desk with this roster for the school.
    pub(super) fn new(roster: &str) -> Desk {
        Desk::at(SCHOOL, roster)
    }

    /// Creates a desk with this roster for another target.
    pub(super) fn at(target: &str, text: &str) -> Desk {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("r.csv");
        std::fs::write(&file, text).unwrap();
        let start = "2026-08-20T18:00:00Z".parse().unwrap();
        let settings = Settings::of_test(target, file);
        Desk {
            folder,
            clock: Arc::new(VirtualClock::starting_at(start)),
            settings,
            chooses: false,
            author: Author::default(),
            agree: None,
            stop: watch::Sender::new(StopRequest::None),
            watched: Watched::default(),
        }
    }

    /// Returns the summary of the newest run.
    pub(super) fn figures(&self) -> crate::model::Summary {
        serde_json::from_str(self.run().summary.as_deref().unwrap()).unwrap()
    }

    /// Advances the clock.
    pub(super) fn later(&self, time: Duration) {
        later(&self.clock, time);
    }

    /// Replaces the content of the roster.
    pub(super) fn rewrite(&self, roster: &str) {
        std::fs::write(&self.settings.roster.file, roster).unwrap();
    }

    /// Replaces the roster by a workbook.
    pub(super) fn put_workbook(&mut self, mut book: rust_xlsxwriter::Workbook) {
        let file = self.folder.path().join("r.xlsx");
        book.save(&file).unwrap();
        self.settings.roster.file = file;
    }

    pub(super) fn delivery(&mut self) -> &mut Delivery {
        &mut self.settings.delivery
    }

    pub(super) fn prepared(&self) -> Prepared {
        self.try_prepare().unwrap()
    }

    pub(super) fn try_prepare(&self) -> Result<Prepared, RunError> {
        let spec = Arc::new(self.settings.spec()?);
        prepare(&self.settings.roster, spec, 7, &self.watched)
    }

    pub(super) fn state(&self) -> State {
        State::in_folder(&self.folder.path().join("state"))
    }

    pub(super) fn journal(&self) -> Journal {
        Journal::open(&self.state()).unwrap()
    }

    /// Returns the newest run.
    pub(super) fn run(&self) -> RunRecord {
        self.journal().run(None).unwrap()
    }

    pub(super) fn outcomes(&self, run: i64) -> Vec<Outcome> {
        self.journal().outcomes(run, 1, u64::MAX >> 1).unwrap()
    }

    /// Returns the state of each row of the newest run, with its code.
    pub(super) fn states(&self) -> Vec<String> {
        let outcomes = self.outcomes(self.run().id).into_iter();
        outcomes
            .map(|outcome| format!("{} {}", outcome.state, outcome.error_code))
            .map(|words| words.trim().to_owned())
            .collect()
    }

    /// Returns how the records of the newest run were read.
    pub(super) fn how(&self) -> String {
        self.plan(self.run().id).how.to_string()
    }

    /// Returns its rows as planned without look-ups.
    pub(super) fn planned_rows(&self) -> Vec<PlannedRow> {
        let prepared = self.prepared();
        let policy = ReadPolicy::of(&prepared, &self.settings.delivery);
        let planner = policy.planner();
        let builder = policy.builder(&planner, self.clock.as_ref());
        let (sender, mut receiver) = mpsc::channel(100);
        builder.build(&prepared.input, &sender).unwrap();
        let planned = |task: RowTask| PlannedRow {
            mark: task.mark,
            what: match task.what {
                NextStep::Settled(outcome) => PlannedWhat::Settled(outcome),
                NextStep::Call(call) => PlannedWhat::Call(call),
                NextStep::LookUp { key, .. } => panic!("{key} is looked up"),
            },
        };
        receiver
            .try_recv()
            .unwrap()
            .into_iter()
            .map(planned)
            .collect()
    }

    pub(super) fn calls(&self, journal: &Journal, run: i64) -> Vec<Call> {
        let mut calls = Vec::new();
        let each = |call, _| {
            calls.push(call);
            Ok::<bool, JournalError>(true)
        };
        journal.each_call(run, each).unwrap();
        calls
    }

    /// Returns the plan of a run.
    pub(super) fn plan(&self, run: i64) -> Plan {
        let (plan, _) = self.journal().plan(run).unwrap();
        serde_json::from_str(&plan.unwrap()).unwrap()
    }

    /// Calls `work` with the parts of a run of this desk.
    pub(super) fn with<T>(
        &mut self,
        api: &Api,
        work: impl FnOnce(&Prepared, &Settings, &Context<'_>) -> Result<T, RunError>,
    ) -> Result<T, RunError> {
        self.settings
            .delivery
            .client
            .base_url
            .clone_from(&api.base_url);
        let prepared = self.try_prepare()?;
        let spec = prepared.checker.spec();
        let context = Context {
            clock: self.clock.clone(),
            seed: 7,
            credentials: Credentials::find(spec, |_| Some("secret".into())).unwrap(),
            state: self.state(),
            journal_flag: String::new(),
            observer: &self.watched,
            agree: self.agree.as_deref(),
            chooses: self.chooses,
            author: self.author.clone(),
            stop: self.stop.subscribe(),
        };
        work(&prepared, &self.settings, &context)
    }

    pub(super) fn import(&mut self, api: &Api) -> Result<Ended, RunError> {
        self.start(api, Start::New("import"))
    }

    pub(super) fn start(&mut self, api: &Api, start: Start) -> Result<Ended, RunError> {
        self.with(api, |prepared, settings, context| {
            import(prepared, settings, start, context)
        })
    }

    pub(super) fn batch(
        &mut self,
        api: &Api,
        start: Start,
        batch: Batch,
    ) -> Result<(BatchEnd, BatchUsage), RunError> {
        self.with(api, |prepared, settings, context| {
            import_batch(prepared, settings, start, batch, context)
        })
    }

    pub(super) fn dry_run(&mut self, api: &Api) -> Result<DryRun, RunError> {
        self.with(api, dry_run)
    }
}

/// Advances a clock.
pub(super) fn later(clock: &VirtualClock, time: Duration) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(clock.sleep(time));
}

/// Returns a run to record, with these settings.
pub(super) fn new_run(name: &str, command: &'static str, settings: &Settings) -> NewRun {
    NewRun {
        name: name.to_owned(),
        command,
        target: "school".into(),
        base_url: settings.delivery.client.base_url.clone(),
        file: settings.roster.file.display().to_string(),
        sha256: "00".into(),
        settings: settings.to_json().unwrap(),
        started_at: jiff::Timestamp::UNIX_EPOCH,
        queued: None,
    }
}
