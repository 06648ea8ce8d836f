//! Test fixtures for the application: a folder, a journal and recorded runs.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use super::ready::Wanted;
use super::session::Session;
use crate::check::CheckOptions;
use crate::events::Unobserved;
use crate::journal::{
    Journal, NewRun, PlannedRow, PlannedWhat, Record, RowMark, RunRecord, RunState, Stage, State,
    Writer,
};
use crate::model::{
    Call, Change, Exit, Found, Outcome, Problem, RowAt, RowFacts, RowState, Summary, hex,
};
use crate::run::{Settings, absolute};
use crate::send::{Backoff, Credentials, SenderOptions};
use crate::targets;

/// A target with students that have an id, a name and an optional nickname.
pub(crate) const TARGET: &str = r#"
name = "school"
title = "School"
record = "student"
environments = { production = "https://school.example" }
sign_in = [{ kind = "headers", headers = { Key = "SCHOOL_KEY" } }]
update = { method = "PATCH", path = "/student/{id}", idempotent = true }
answers = { retry = [503], reject = [404], stop = [401] }
quota = { requests = 1000, per = "s", burst = 1000 }

[lookup]
keys = ["id"]
list = "/student"
records = "/data"
page_size = 100
paging = { kind = "page", parameter = "page" }

[[fields]]
name = "id"
kind = "text"
in = "path"
required = true
unique = true
example = "1"

[[fields]]
name = "name"
pointer = "/name"
kind = "text"
required = true
example = "Bo"

[[fields]]
name = "nickname"
pointer = "/nickname"
kind = "text"
nullable = true
example = "B"
"#;

/// A temporary folder with a journal, and a session that uses it.
pub(crate) struct Scene {
    folder: tempfile::TempDir,
    pub(crate) session: Session,
}

impl Scene {
    pub(crate) fn new() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let state = State::in_folder(&folder.path().join("state"));
        let session = Session::new(Box::new(Unobserved), state).unwrap();
        session.stop.leave_signals();
        Scene { folder, session }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn journal(&self) -> Journal {
        Journal::open(&self.session.state).unwrap()
    }

    /// Settings for importing the file `name` to an address where no server listens.
    pub(crate) fn settings(&self, name: &str) -> Settings {
        let mut settings = Settings::of_test(TARGET, self.path(name));
        settings.delivery.client.timeout = Duration::from_secs(5);
        settings.delivery.pace.burst = NonZeroU32::new(1000);
        settings.delivery.sender = sender(1);
        settings.roster.read.copy = true;
        settings.roster.check = CheckOptions::new(jiff::civil::date(2026, 8, 17));
        settings
    }

    /// Records a run called `name` in `state`, with the current content of its file.
    pub(crate) fn run(&self, name: &str, state: RunState, settings: &Settings) -> RunRecord {
        let file = absolute(&settings.roster.file);
        let mut journal = self.journal();
        let is_undo = settings.delivery.undoes.is_some();
        let new = NewRun {
            name: name.to_owned(),
            command: if is_undo { "undo" } else { "import" },
            target: settings.spec().unwrap().name,
            base_url: settings.delivery.client.base_url.clone(),
            sha256: sha256(&file),
            file: file.display().to_string(),
            settings: settings.to_json().unwrap(),
            started_at: second(1_000),
            queued: None,
        };
        let (id, name) = journal.begin(&new).unwrap();
        journal.set_state(id, state).unwrap();
        journal.run(Some(&name)).unwrap()
    }

    /// Records rows of a run in order, each with its final state, or `None` if it is unsent. Each row changes
    /// the name of the student whose id is the row number from Åsa to Bo.
    pub(crate) fn rows(&self, run: &RunRecord, states: &[Option<RowState>]) {
        let writer = Writer::start(self.journal(), run.id, Stage::Planning).unwrap();
        let planned = (1..).zip(states).map(|(row, state)| planned(row, *state));
        writer.plan_blocking(planned.collect()).unwrap();
        let journal = writer.close().unwrap();
        let writer = Writer::start(journal, run.id, Stage::Sending).unwrap();
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(async {
            for (row, state) in (1..).zip(states) {
                let Some(state) = *state else { continue };
                if !matches!(state, RowState::Invalid | RowState::Unchanged) {
                    writer.intent(row, 1).await.unwrap();
                    writer.outcome(outcome(row, state)).await.unwrap();
                }
            }
            writer.flush().await.unwrap();
        });
        writer.close().unwrap();
    }

    /// Records an invalid first row with this problem.
    pub(crate) fn invalid_row(&self, run: &RunRecord, problem: Problem) {
        let mut row = planned(1, None);
        row.what = PlannedWhat::Settled(Outcome {
            problems: vec![problem],
            ..outcome(1, RowState::Invalid)
        });
        let writer = Writer::start(self.journal(), run.id, Stage::Planning).unwrap();
        writer.plan_blocking(vec![row]).unwrap();
        writer.close().unwrap();
    }

    /// Records a first row that matches the record with this id and is unchanged.
    pub(crate) fn found(&self, run: &RunRecord, id: &str) {
        let mut row = planned(1, Some(RowState::Unchanged));
        row.mark.facts.found = Some(Found {
            id: id.to_owned(),
            by: "name".to_owned(),
        });
        let writer = Writer::start(self.journal(), run.id, Stage::Planning).unwrap();
        writer.plan_blocking(vec![row]).unwrap();
        writer.close().unwrap();
    }

    /// Records the end of a run with this exit code, and the paths of its results.
    pub(crate) fn end(&self, run: &RunRecord, state: RunState, exit: Exit) -> Summary {
        let mut journal = self.journal();
        let times = (run.started_at, second(1_060));
        let states = journal.states(run.id).unwrap();
        let file = run.file.clone();
        let summary = Summary::of_no_run(&run.target, file, (None, 2), &run.sha256, states, times);
        let summary = Summary {
            run: run.name.clone(),
            base_url: run.base_url.clone(),
            exit_code: exit,
            ..summary
        };
        let json = serde_json::to_string(&summary).unwrap();
        journal.end(run.id, state, times.1, &json).unwrap();
        summary
    }

    /// Records a finished run with all rows updated.
    pub(crate) fn finished(&self, name: &str, rows: usize, settings: &Settings) -> RunRecord {
        let run = self.run(name, RunState::Running, settings);
        self.rows(&run, &vec![Some(RowState::Updated); rows]);
        self.end(&run, RunState::Finished, Exit::Success);
        self.record(&run.name)
    }

    pub(crate) fn record(&self, name: &str) -> RunRecord {
        self.journal().run(Some(name)).unwrap()
    }
}

/// A local API server that stops when this is dropped.
pub(crate) struct Api {
    pub(crate) base_url: String,
    /// The method and the path of each request so far.
    seen: Arc<Mutex<Vec<String>>>,
    _stop: oneshot::Sender<()>,
}

impl Api {
    /// Starts an API that responds to each update with `status` and in which the first nine students have the
    /// name `name`. Requests below `/status/403` get that status.
    pub(crate) fn of(name: &'static str, status: u16) -> Api {
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = seen.clone();
        let answer = move |request: axum::extract::Request| async move {
            let asked = format!("{} {}", request.method(), request.uri().path());
            let is_update = asked.starts_with("PATCH");
            let below = request.uri().path().strip_prefix("/status/");
            let asked_for = below.and_then(|rest| rest.get(..3)?.parse().ok());
            noted.lock().unwrap().push(asked);
            if let Some(status) = asked_for {
                return (StatusCode::from_u16(status).unwrap(), Json(json!({})));
            }
            let student = |id| json!({ "id": id, "name": name });
            let is_later_page = request
                .uri()
                .query()
                .is_some_and(|query| query.contains("page=2"));
            let ids = if is_later_page { 0..0 } else { 1..10 };
            let all: Vec<_> = ids.map(|id| student(id.to_string())).collect();
            match is_update {
                true => (StatusCode::from_u16(status).unwrap(), Json(json!({}))),
                false => (StatusCode::OK, Json(json!({ "data": all }))),
            }
        };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let router = axum::Router::new().fallback(answer);
            tokio::select! {
                served = axum::serve(listener, router) => served.unwrap(),
                _ = stopped => {}
            }
        };
        std::thread::spawn(|| {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            runtime.enable_all().build().unwrap().block_on(serve);
        });
        Api {
            base_url,
            seen,
            _stop: stop,
        }
    }

    /// Returns the method and the path of each request so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// Returns the number of update requests.
    pub(crate) fn updates(&self) -> usize {
        self.asked()
            .iter()
            .filter(|asked| asked.starts_with("PATCH"))
            .count()
    }
}

/// Returns options that send one request at a time with at most `max_attempts` attempts.
pub(crate) fn sender(max_attempts: u32) -> SenderOptions {
    SenderOptions {
        concurrency: 1,
        max_attempts,
        backoff: Backoff::default(),
        grace: Duration::from_secs(5),
    }
}

/// Returns a roster with this number of students, all named Bo.
pub(crate) fn roster(rows: usize) -> String {
    let rows = (1..=rows).map(|row| format!("{row},Bo\n"));
    std::iter::once("id,name\n".to_owned())
        .chain(rows)
        .collect()
}

/// Returns the parameters of a run with these settings, with test credentials.
pub(crate) fn wanted(settings: Settings) -> Wanted<'static> {
    let spec = Arc::new(targets::parse("school", TARGET).unwrap());
    Wanted {
        credentials: Credentials::find(&spec, |_| Some("key".into())).unwrap(),
        spec,
        settings,
        holds: true,
        play: None,
    }
}

pub(crate) fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn sha256(file: &Path) -> String {
    hex(&Sha256::digest(std::fs::read(file).unwrap_or_default()))
}

pub(crate) fn planned(row: u64, state: Option<RowState>) -> PlannedRow {
    let at = RowAt {
        row,
        line: row + 1,
        sheet_row: row + 1,
        offset: 0,
    };
    let change = Change {
        field: "name".to_owned(),
        from: Some(json!("Åsa")),
        to: json!("Bo"),
    };
    let call = Call {
        at,
        key: row.to_string(),
        path: format!("/student/{row}"),
        body: json!({ "name": "Bo" }).to_string().into_bytes(),
        changed: "name".to_owned(),
        changes: vec![change],
        ..Call::default()
    };
    PlannedRow {
        mark: RowMark {
            at,
            key: i64::try_from(row).unwrap(),
            cells: vec![0; 4],
            facts: RowFacts {
                found: (state == Some(RowState::Unchanged)).then(|| Found {
                    id: row.to_string(),
                    by: "name".to_owned(),
                }),
                ..RowFacts::default()
            },
            ..RowMark::default()
        },
        what: match state {
            Some(state @ (RowState::Invalid | RowState::Unchanged)) => {
                PlannedWhat::Settled(outcome(row, state))
            }
            _ => PlannedWhat::Call(Box::new(call)),
        },
    }
}

fn outcome(row: u64, state: RowState) -> Outcome {
    Outcome {
        attempts: u32::from(state != RowState::Invalid),
        ..Outcome::of(row, state, second(1_030))
    }
}
