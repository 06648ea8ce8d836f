//! Notifications of runs: webhook, command and metrics file.

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
use crate::report::{InboxCount, ReportError, Sample, write_inbox_metrics, write_metrics};
use crate::run::{RunError, absolute};
use crate::send::{Trouble, client_builder};

/// The timeout of a webhook or a command.
const PATIENCE: Duration = Duration::from_secs(30);

/// The receivers of notifications: a webhook, a command, or both.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// Webhook that receives the summary as JSON by POST.
    pub url: Option<String>,
    /// Command and arguments; receives the summary as JSON on standard input.
    pub command: Option<Vec<String>>,
}

/// The recipients of each run's summary.
#[derive(Debug, Clone, Default)]
pub struct Notifications {
    /// The path of the Prometheus textfile.
    pub metrics: Option<PathBuf>,
    /// The webhook and the command.
    pub notify: Option<Notify>,
    /// The target, if known.
    pub target: Option<String>,
    /// The profile in use, which labels the metrics.
    pub profile: Option<String>,
    /// The reason why the API could not be used before, if it was reported.
    pub known_refusal: Option<Fact>,
}

/// Returns whether a reason means that the API is unreachable, as opposed to refusing requests.
pub(super) fn is_unreachable(fact: &Fact) -> bool {
    let codes = [Some(fact.code()), fact.cause()];
    codes.into_iter().flatten().any(|code| {
        matches!(
            code,
            Code::ApiUnreachable
                | Code::ApiFailing
                | Code::NetworkRefused
                | Code::NetworkNoHost
                | Code::NetworkTimeOut
                | Code::NetworkTls
                | Code::NetworkConnect
                | Code::NetworkLost
                | Code::NetworkProxy
                | Code::NetworkCertificate
                | Code::NetworkIssuer
                | Code::NetworkTooLarge
        )
    })
}

/// Returns whether two refusals are of the same kind: refused credentials or an unreachable API.
pub(super) fn is_same_refusal(known: &Fact, why: Option<&Fact>) -> bool {
    is_unreachable(known) == why.is_some_and(is_unreachable)
}

/// The payload of a notification about a file that was not imported.
#[derive(Serialize)]
struct Failure<'a> {
    file: String,
    profile: Option<&'a str>,
    error: String,
    #[serde(flatten)]
    fact: &'a Fact,
    exit_code: Exit,
    finished_at: Timestamp,
}

impl Notifications {
    /// Sends the notifications of a run. Failures are logged and do not affect the run.
    pub fn send(
        &self,
        session: &Session,
        inbox: Option<&Path>,
        summary: &Summary,
        why: Option<&Fact>,
    ) {
        let at = summary.finished_at;
        self.measure(session, inbox, summary.exit_code, at, Some(summary));
        if !(summary.exit_code == Exit::Refused && self.has_reported(why)) {
            self.tell(&summary.facts());
        }
    }

    /// Returns whether a refusal of this kind was reported before.
    pub fn has_reported(&self, why: Option<&Fact>) -> bool {
        self.known_refusal
            .as_ref()
            .is_some_and(|known| is_same_refusal(known, why))
    }

    /// Reports a file that could not be imported, with the reason. Usage errors, declined plans and files
    /// that another process has locked are not reported.
    pub fn failed(&self, session: &Session, file: &Path, inbox: Option<&Path>, error: &AppError) {
        let is_declined = matches!(error, AppError::Run(RunError::Declined));
        if !matches!(error.exit(), Exit::Usage | Exit::Busy) && !is_declined {
            self.not_imported(session, file, inbox, error.exit(), &error.fact());
        }
    }

    /// Sends the notifications about a file that was not imported.
    pub fn not_imported(
        &self,
        session: &Session,
        file: &Path,
        inbox: Option<&Path>,
        exit: Exit,
        fact: &Fact,
    ) {
        let at = session.clock.timestamp();
        self.measure(session, inbox, exit, at, None);
        self.tell(&Failure {
            file: std::path::absolute(file)
                .unwrap_or_else(|_| file.to_owned())
                .display()
                .to_string(),
            profile: self.profile.as_deref(),
            error: fact.in_words(),
            fact,
            exit_code: exit,
            finished_at: at,
        });
    }

    /// Writes the number of files per inbox that were not imported to the metrics file. Failures are logged
    /// and do not affect the sweep.
    pub fn lying(&self, session: &Session, inbox: &Path, all: &[InboxCount]) {
        let Some(path) = &self.metrics else {
            return;
        };
        let inbox = absolute(inbox).display().to_string();
        alone_with(session, path, || write_inbox_metrics(path, &inbox, all));
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
        let inbox = inbox.map(|inbox| absolute(inbox).display().to_string());
        let target = summary.map(|summary| summary.target.as_str());
        let sample = Sample {
            target: target.or(self.target.as_deref()).unwrap_or_default(),
            profile: self.profile.as_deref().unwrap_or_default(),
            inbox: inbox.as_deref().unwrap_or_default(),
            exit,
            at,
            summary,
        };
        alone_with(session, path, || write_metrics(path, &sample));
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
            && let Err(cause) = run(command, &json, PATIENCE)
        {
            log::warn(&Fact::new(Code::NotifyCommand).because_of(cause));
        }
    }
}

/// Updates the metrics file at `path` under a lock, one process at a time. Failures are logged.
fn alone_with(session: &Session, path: &Path, write: impl FnOnce() -> Result<(), ReportError>) {
    let written = RosterLock::wait(&session.state, path)
        .map_err(|error| error.fact())
        .and_then(|_alone| write().map_err(|error| error.fact()));
    if let Err(cause) = written {
        log::warn(&Fact::new(Code::NotifyMetrics).because_of(cause));
    }
}

/// Posts to the webhook. Errors contain neither the address, which may be a secret, nor the response body.
fn post(url: &str, json: String) -> Result<(), Fact> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Fact::new(Code::SendRuntime).with_io(&error))?;
    runtime.block_on(async {
        let client = client_builder()
            .timeout(PATIENCE)
            // Only the configured address is contacted.
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

/// Runs a command with `json` on standard input and kills it after `patience`.
fn run(command: &[String], json: &str, patience: Duration) -> Result<(), Fact> {
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
        // A command may ignore its input, so a write error is not reported.
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
            Ok(None) if began.elapsed() > patience => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(failed(Code::NotifyTooLong));
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::{Api, Scene, roster};
    use crate::journal::RunState;

    fn told_by(notify: Notify) -> Notifications {
        Notifications {
            notify: Some(notify),
            profile: Some("school".into()),
            target: Some("school".into()),
            ..Notifications::default()
        }
    }

    fn command(script: &str) -> Vec<String> {
        ["sh", "-c", script].map(str::to_owned).to_vec()
    }

    fn busy() -> AppError {
        RunError::Busy {
            file: "r.csv".into(),
        }
        .into()
    }

    #[test]
    fn a_failed_import_notifies_command_and_webhook_and_updates_metrics() {
        let api = Api::of("Bo", 200);
        let scene = Scene::new();
        let (heard, metrics) = (scene.path("heard.json"), scene.path("metrics.prom"));
        let notifications = Notifications {
            metrics: Some(metrics.clone()),
            ..told_by(Notify {
                url: Some(format!("{}/hook", api.base_url)),
                command: Some(command(&format!("cat > '{}'", heard.display()))),
            })
        };
        let error = AppError::Front(crate::l10n::Message::verbatim("no"));
        notifications.failed(&scene.session, Path::new("/in/r.csv"), None, &error);
        let json: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&heard).unwrap()).unwrap();
        assert_eq!(
            (&json["file"], &json["exit_code"]),
            (&"/in/r.csv".into(), &1.into())
        );
        assert_eq!(json["profile"], "school");
        assert_eq!(api.asked(), ["POST /hook"]);
        let counted = std::fs::read_to_string(&metrics).unwrap();
        assert!(counted.contains("school"), "{counted}");
    }

    #[test]
    fn usage_errors_busy_files_and_declined_plans_are_not_notified() {
        let scene = Scene::new();
        let heard = scene.path("heard.json");
        let notifications = told_by(Notify {
            url: None,
            command: Some(command(&format!("cat > '{}'", heard.display()))),
        });
        let told = |error: &AppError| {
            notifications.failed(&scene.session, Path::new("r.csv"), None, error);
            std::fs::remove_file(&heard).is_ok()
        };
        assert!(!told(&AppError::Usage("no".into())));
        assert!(!told(&busy()));
        assert!(!told(&RunError::Declined.into()));
        assert!(told(&RunError::Died.into()));
    }

    #[test]
    fn a_finished_run_is_notified_and_its_metrics_are_written() {
        let scene = Scene::new();
        scene.write("r.csv", &roster(2));
        let settings = scene.settings("r.csv");
        let run = scene.finished("first", 2, &settings);
        let summary = scene.end(&run, RunState::Finished, Exit::Success);
        let (heard, metrics) = (scene.path("heard.json"), scene.path("metrics.prom"));
        let notifications = Notifications {
            metrics: Some(metrics.clone()),
            ..told_by(Notify {
                url: None,
                command: Some(command(&format!("cat > '{}'", heard.display()))),
            })
        };
        notifications.send(&scene.session, None, &summary, None);
        let json: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&heard).unwrap()).unwrap();
        assert_eq!(
            (&json["run"], &json["updated"]),
            (&"first".into(), &2.into())
        );
        assert!(metrics.is_file());

        // A repeated refusal is not reported again; the end of a run always is.
        let refusal = Fact::new(Code::ApiRefused);
        for (exit, known, is_told) in [
            (Exit::Refused, false, true),
            (Exit::Refused, true, false),
            (Exit::Success, true, true),
        ] {
            std::fs::remove_file(&heard).ok();
            let summary = Summary {
                exit_code: exit,
                ..summary.clone()
            };
            let notifications = Notifications {
                known_refusal: known.then(|| refusal.clone()),
                ..notifications.clone()
            };
            notifications.send(&scene.session, None, &summary, Some(&refusal));
            assert_eq!(heard.is_file(), is_told, "{exit:?}, known: {known}");
        }
    }

    #[test]
    fn metrics_count_the_files_that_wait_in_an_inbox() {
        let scene = Scene::new();
        let metrics = scene.path("metrics.prom");
        let notifications = Notifications {
            metrics: Some(metrics.clone()),
            ..Notifications::default()
        };
        let lying = InboxCount {
            fate: "held",
            files: 2,
            oldest: None,
        };
        notifications.lying(&scene.session, &scene.path("in"), &[lying]);
        let counted = std::fs::read_to_string(&metrics).unwrap();
        assert!(counted.contains("held"), "{counted}");
    }

    #[test]
    fn a_failing_command_and_one_that_exceeds_its_timeout_are_errors() {
        let run = |script: &str, patience| super::run(&command(script), "{}", patience);
        assert_eq!(run("sleep 0.03", PATIENCE), Ok(()));
        let failed = run("exit 3", PATIENCE).unwrap_err();
        assert_eq!(failed.code(), Code::NotifyStatus);
        assert!(failed.in_words().contains('3'), "{}", failed.in_words());
        let killed = run("exec sleep 5", Duration::ZERO).unwrap_err();
        assert_eq!(killed.code(), Code::NotifyTooLong);
        let empty = super::run(&[], "{}", PATIENCE).unwrap_err();
        assert_eq!(empty.code(), Code::NotifyEmpty);
    }

    #[test]
    fn webhook_errors_omit_the_address() {
        let api = Api::of("Bo", 500);
        assert_eq!(post(&format!("{}/hook", api.base_url), "{}".into()), Ok(()));
        let failed = post(&format!("{}/status/403", api.base_url), "{}".into()).unwrap_err();
        assert_eq!(failed, Fact::new(Code::NotifyAnswered).with_status(403));
        let away = post("http://127.0.0.1:1/secret", "{}".into()).unwrap_err();
        assert!(!away.in_words().contains("secret"), "{}", away.in_words());
    }
}
