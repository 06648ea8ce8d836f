use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::model::{Summary, with_causes};
use crate::report::write_metrics;
use crate::send::client_builder;

/// The longest that a webhook or a command may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who is told of a run: a webhook, a command, or both.
#[derive(Debug, Clone, Deserialize)]
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
    /// The profile in use, which the metrics name.
    pub profile: Option<String>,
}

impl Notifications {
    /// Tells of a run. What fails here is logged and changes nothing.
    pub(super) fn send(&self, summary: &Summary) {
        if let Some(path) = &self.metrics
            && let Err(error) = write_metrics(path, summary, self.profile.as_deref())
        {
            tracing::warn!(
                error = with_causes(&error),
                "the metrics could not be written"
            );
        }
        let Some(Notify { url, command }) = &self.notify else {
            return;
        };
        let json = match serde_json::to_string(summary) {
            Ok(json) => json,
            Err(error) => {
                tracing::warn!(%error, "nobody could be told of the run");
                return;
            }
        };
        if let Some(url) = url
            && let Err(why) = post(url, json.clone())
        {
            tracing::warn!(why, "the webhook could not be told of the run");
        }
        if let Some(command) = command
            && let Err(why) = run(command, &json)
        {
            tracing::warn!(why, "the command could not be told of the run");
        }
    }
}

fn post(url: &str, json: String) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let client = client_builder()
            .timeout(PATIENCE)
            .build()
            .map_err(|error| error.without_url().to_string())?;
        let answer = client
            .post(url)
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .body(json)
            .send()
            .await
            // The address may be a secret.
            .map_err(|error| error.without_url().to_string())?;
        let status = answer.status();
        if status.is_success() {
            Ok(())
        } else {
            Err(format!("it answered {status}"))
        }
    })
}

fn run(command: &[String], json: &str) -> Result<(), String> {
    let [program, arguments @ ..] = command else {
        return Err("notify.command is empty".into());
    };
    let mut child = Command::new(Path::new(program))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| format!("{program}: {error}"))?;
    if let Some(mut input) = child.stdin.take() {
        // A command that does not read its input has its reasons.
        let _ = input.write_all(json.as_bytes());
    }
    let began = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("{program}: {status}")),
            Err(error) => return Err(format!("{program}: {error}")),
            Ok(None) if began.elapsed() > PATIENCE => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("{program} took too long"));
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
