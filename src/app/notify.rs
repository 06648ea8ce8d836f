use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::AppError;
use super::session::Session;

use crate::journal::RosterLock;
use crate::log;
use crate::model::{Code, Exit, Fact, Summary};
use crate::report::{Sample, write_metrics};
use crate::run::RunError;
use crate::send::{Trouble, client_builder};

/// The longest that a webhook or a command may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who is told of a run: a webhook, a command, or both.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// Gets the summary as the JSON body of a POST.
    pub url: Option<String>,
    /// Gets the summary as JSON on its standard input.
    pub command: Option<Vec<String>>,
}

/// What is done with the figures of each run.
#[derive(Debug, Clone, Default)]
pub struct Notifications {
    /// A Prometheus textfile that is written.
    pub metrics: Option<PathBuf>,
    /// Who is told.
    pub notify: Option<Notify>,
    /// The target, where it is known.
    pub target: Option<String>,
    /// The profile in use, which the metrics name.
    pub profile: Option<String>,
}

/// What is told of a file that could not be imported.
#[derive(Serialize)]
struct Failure<'a> {
    file: String,
    profile: Option<&'a str>,
    /// A sentence for the reader of the message.
    error: String,
    #[serde(flatten)]
    fact: &'a Fact,
    exit_code: Exit,
    finished_at: Timestamp,
}

impl Notifications {
    /// Tells of a run. What fails here is logged and changes nothing.
    pub fn send(&self, session: &Session, inbox: Option<&Path>, summary: &Summary) {
        let at = summary.finished_at;
        self.measure(session, inbox, summary.exit_code, at, Some(summary));
        self.tell(&summary.facts());
    }

    /// Tells of a file that could not be imported, and why. A wrong command line, and a file that
    /// another process is at work on, are nobody's news.
    pub fn failed(&self, session: &Session, file: &Path, inbox: Option<&Path>, error: &AppError) {
        let exit = error.exit();
        let is_declined = matches!(error, AppError::Run(RunError::Declined));
        let is_usage = exit == Exit::Usage && !(inbox.is_some() && error.is_of_file());
        if is_usage || exit == Exit::Busy || is_declined {
            return;
        }
        let at = session.clock.timestamp();
        self.measure(session, inbox, exit, at, None);
        let fact = error.fact();
        self.tell(&Failure {
            file: file.display().to_string(),
            profile: self.profile.as_deref(),
            error: fact.in_words(),
            fact: &fact,
            exit_code: exit,
            finished_at: at,
        });
    }

    fn measure(
        &self,
        session: &Session,
        inbox: Option<&Path>,
        exit: Exit,
        at: Timestamp,
        summary: Option<&Summary>,
    ) {
        let Some(path) = &self.metrics else {
            return;
        };
        let inbox = inbox.map(|inbox| inbox.display().to_string());
        let target = summary.map(|summary| summary.target.as_str());
        let sample = Sample {
            target: target.or(self.target.as_deref()).unwrap_or_default(),
            profile: self.profile.as_deref().unwrap_or_default(),
            inbox: inbox.as_deref().unwrap_or_default(),
            exit,
            at,
            summary,
        };
        // Each process adds to what is there.
        let written = RosterLock::wait(&session.state, path)
            .map_err(|error| error.fact())
            .and_then(|_alone| write_metrics(path, &sample).map_err(|error| error.fact()));
        if let Err(cause) = written {
            log::warn(&Fact::new(Code::NotifyMetrics).because_of(cause));
        }
    }

    fn tell(&self, what: &impl Serialize) {
        let Some(Notify { url, command }) = &self.notify else {
            return;
        };
        let Ok(json) = serde_json::to_string(what) else {
            log::warn(&Fact::new(Code::NotifyNobody));
            return;
        };
        if let Some(url) = url
            && let Err(cause) = post(url, json.clone())
        {
            log::warn(&Fact::new(Code::NotifyWebhook).because_of(cause));
        }
        if let Some(command) = command
            && let Err(cause) = run(command, &json)
        {
            log::warn(&Fact::new(Code::NotifyCommand).because_of(cause));
        }
    }
}

/// The address may be a secret, and what answers there may say anything: neither is repeated.
fn post(url: &str, json: String) -> Result<(), Fact> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Fact::new(Code::SendRuntime).with_io(&error))?;
    runtime.block_on(async {
        let client = client_builder()
            .timeout(PATIENCE)
            // The config does not permit the address that it leads to.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|_| Fact::new(Code::SendClient))?;
        let answer = client
            .post(url)
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .body(json)
            .send()
            .await
            .map_err(|error| Fact::new(Trouble::of(&error).code()))?;
        let status = answer.status();
        if status.is_success() {
            Ok(())
        } else {
            Err(Fact::new(Code::NotifyAnswered).with_status(status.as_u16()))
        }
    })
}

fn run(command: &[String], json: &str) -> Result<(), Fact> {
    let [program, arguments @ ..] = command else {
        return Err(Fact::new(Code::NotifyEmpty));
    };
    let program = Path::new(program);
    let failed = |code| Fact::new(code).at_path(program);
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| failed(Code::NotifyStatus).with_io(&error))?;
    if let Some(mut input) = child.stdin.take() {
        // A command that does not read its input has its reasons.
        let _ = input.write_all(json.as_bytes());
    }
    let began = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => {
                let fact = failed(Code::NotifyStatus);
                return Err(match status.code() {
                    Some(code) => fact.with_count(code.unsigned_abs().into()),
                    None => fact,
                });
            }
            Err(error) => return Err(failed(Code::NotifyStatus).with_io(&error)),
            Ok(None) if began.elapsed() > PATIENCE => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(failed(Code::NotifyTooLong));
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
