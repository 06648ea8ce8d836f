use std::path::Path;

use crate::app::{AppError, Desk, Notifications, Sweep, SweepOptions, Told, Wanted, watch};
use crate::cli::args::{OnceArgs, SweepArgs};
use crate::cli::config::Config;
use crate::cli::front::{Front, print_json, tell_way_on};
use crate::cli::options::{Format, GeneralOptions};
use crate::cli::wanted::Asked;
use crate::cli::{settings, terminal};
use crate::fleet::{SweptFile, sweep_into_queue};
use crate::l10n::{duration, requests, say};
use crate::model::{Exit, Summary};

/// `rosterpatch sweep INBOX`.
pub(in crate::cli) fn run(common: &GeneralOptions, args: &OnceArgs) -> Result<Exit, AppError> {
    let is_queued = args.enqueue;
    let args = &args.sweep;
    let front = Front::open_unwatched(common)?;
    front.session.stop.listen();
    let desk = SweepDesk {
        front: &front,
        args,
    };
    if is_queued {
        return desk.enqueue();
    }
    Sweep::new(&front.session, &desk, desk.options()).run()
}

/// `rosterpatch watch INBOX`.
pub(in crate::cli) fn watch_on(
    common: &GeneralOptions,
    args: &SweepArgs,
) -> Result<Exit, AppError> {
    let front = Front::open_unwatched(common)?;
    front.session.stop.listen();
    let desk = SweepDesk {
        front: &front,
        args,
    };
    let sweep = Sweep::new(&front.session, &desk, desk.options());
    watch(&front.session, &sweep, &|error| {
        let fact = error.fact();
        terminal::error(&fact.in_words(), &fact);
    })
}

/// Resolves how each file is imported, and prints a line about each.
struct SweepDesk<'a> {
    front: &'a Front,
    args: &'a SweepArgs,
}

impl SweepDesk<'_> {
    fn options(&self) -> SweepOptions {
        let inbox = self.front.config.fill(&self.args.inbox);
        SweepOptions {
            folder: self.args.folder.clone(),
            settle: inbox.settle().length,
            interval: inbox.interval().length,
            again: inbox.again,
            fresh: self.args.start.fresh,
        }
    }
}

impl SweepDesk<'_> {
    /// Puts the files into the queue, and those away whose runs have ended there.
    fn enqueue(&self) -> Result<Exit, AppError> {
        let options = self.options();
        let is_json = self.args.output.format == Format::Json;
        let profile_of = |name: &str| {
            let config = self.config_of(name)?;
            Ok(config.profile().map(str::to_owned))
        };
        let told = |name: &str, swept: &SweptFile| match swept {
            SweptFile::Waiting => {}
            SweptFile::Enqueued(id) if is_json => {
                print_json(&serde_json::json!({"file": name, "id": id}), false);
            }
            SweptFile::Enqueued(id) => {
                terminal::out(&format!("{}\n", say().fleet_enqueued(name, *id)));
            }
            SweptFile::Ended(summary) => print_file(is_json, name, summary),
            SweptFile::Held { run, why } => {
                let held = say().fleet_held(name, why.in_words(), run.as_str());
                terminal::error(&held, why);
            }
            SweptFile::Failed(why) => terminal::unwatched_error(name, why),
        };
        let first = settings::is_outcome_first(&self.front.config, &self.args.layout);
        let (session, folder) = (&self.front.session, &options.folder);
        sweep_into_queue(session, folder, options.settle, first, &profile_of, &told)
    }

    /// The config with the profile to which a file belongs, where the command line names none.
    fn config_of(&self, name: &str) -> Result<Config, AppError> {
        let own = &self.front.config;
        match own.profile() {
            Some(_) => Ok(own.clone()),
            None => match own.profile_of(name)? {
                Some(profile) => own.with_profile(profile),
                None => Ok(own.clone()),
            },
        }
    }
}

impl Desk for SweepDesk<'_> {
    fn notifications(&self, name: &str) -> Notifications {
        let own = &self.front.config;
        settings::notifications(&self.config_of(name).unwrap_or_else(|_| own.clone()))
    }

    fn wanted(&self, file: &Path, name: &str) -> Result<(Wanted<'_>, Notifications), AppError> {
        let config = self.config_of(name)?;
        let asked = Asked {
            file: file.to_owned(),
            options: self.args.options.clone(),
            canary: self.args.canary.clone(),
            holds: true,
            ..Asked::default()
        };
        let mut wanted = asked.resolve(&self.front.session, &config)?;
        let first = settings::is_outcome_first(&config, &self.args.layout);
        wanted.settings.delivery.paths.outcome_first = first;
        Ok((wanted, settings::notifications(&config)))
    }

    fn told(&self, name: &str, what: Told<'_>) {
        let is_json = self.args.output.format == Format::Json;
        match what {
            Told::Failed(error) => terminal::unwatched_error(name, &error.fact()),
            Told::Ended(ended, settings) => {
                let state = &self.front.session.state;
                tell_way_on(ended, settings, state, |stop| stop.fact().in_words());
                print_file(is_json, name, &ended.summary);
            }
            Told::PutAway(summary) => print_file(is_json, name, summary),
            Told::Duplicate { run, to } if is_json => print_json(
                &serde_json::json!({
                    "file": to, "duplicate_of": run, "requests": 0, "exit_code": 0,
                }),
                false,
            ),
            Told::Duplicate { run, to } => terminal::out(&format!(
                "{}\n",
                say().cli_duplicate(name, run, to.display().to_string())
            )),
        }
    }
}

/// One line a file on standard output, or one object.
fn print_file(is_json: bool, name: &str, summary: &Summary) {
    if is_json {
        return print_json(&summary.facts(), false);
    }
    let line = say().cli_file_line(
        name,
        summary.states.in_words(),
        requests(summary.requests),
        duration(summary.duration_s),
        summary.file.as_str(),
    );
    terminal::out(&format!("{line}\n"));
}
