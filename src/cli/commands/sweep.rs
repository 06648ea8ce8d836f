//! The `sweep` and `watch` commands, which import the files of an inbox.

use std::cell::RefCell;
use std::path::Path;

use serde::Serialize;

use crate::app::{
    AppError, Desk, Notifications, Stay, Sweep, SweepOptions, Swept, Tally, Told, Wanted, expire,
    watch,
};
use crate::cli::args::{OnceArgs, SweepArgs};
use crate::cli::config::Config;
use crate::cli::front::{Front, print_json, tell_way};
use crate::cli::options::GeneralOptions;
use crate::cli::values::Format;
use crate::cli::wanted::Asked;
use crate::cli::{settings, terminal};
use crate::fleet::{QueueDesk, sweep_into_queue};
use crate::journal::Fate;
use crate::l10n::{duration, files, number, requests, say};
use crate::model::{Code, Exit, Fact, Summary};
use crate::run::absolute;

/// Runs `rosterpatch sweep INBOX`.
pub(in crate::cli) fn run(common: &GeneralOptions, args: &OnceArgs) -> Result<Exit, AppError> {
    let desk = SweepDesk::open(common, &args.sweep)?;
    let swept = if args.enqueue {
        desk.enqueue()?
    } else {
        Sweep::new(&desk.front.session, &desk, desk.options())?.run()?
    };
    desk.expire();
    match args.sweep.output.format {
        Format::Json => print_json(&desk.closing(&swept), false),
        Format::Text if swept.tally.files() > 0 => {
            terminal::line(&closing_line(&swept.tally));
        }
        Format::Text => {}
    }
    Ok(swept.exit)
}

/// Runs `rosterpatch watch INBOX`.
pub(in crate::cli) fn watch_on(
    common: &GeneralOptions,
    args: &SweepArgs,
) -> Result<Exit, AppError> {
    let desk = SweepDesk::open(common, args)?;
    let session = &desk.front.session;
    let sweep = Sweep::new(session, &desk, desk.options())?;
    watch(session, &sweep, &complain)
}

fn complain(error: &AppError) {
    let fact = error.fact();
    terminal::error(&fact.in_words(), &fact);
}

/// Returns a line such as `14 files: 7 done, 2 held, 4 not processed (3 without a profile, 1 not a roster)`.
fn closing_line(tally: &Tally) -> String {
    let reasons: Vec<String> = tally
        .reasons()
        .filter(|(_, count)| *count > 0)
        .map(|(reason, count)| {
            let count = number(count);
            match reason {
                Stay::NoProfile => say().sweep_no_profile(count),
                Stay::SeveralProfiles => say().sweep_several_profiles(count),
                Stay::NotARoster => say().sweep_not_a_roster(count),
                Stay::Unfinished => say().sweep_unfinished(count),
                Stay::NotUtf8 => say().sweep_not_utf8(count),
                Stay::NotAFile => say().sweep_not_a_file(count),
                Stay::Other => say().sweep_other(count),
            }
        })
        .collect();
    let fates: Vec<String> = tally
        .fates()
        .filter(|(_, count)| *count > 0)
        .map(|(fate, count)| {
            let count = number(count);
            match fate {
                Fate::Done => say().sweep_done(count),
                Fate::Duplicate => say().sweep_duplicate(count),
                Fate::Held => say().sweep_held(count),
                Fate::Partial => say().sweep_partial(count),
                Fate::Failed => say().sweep_failed(count),
                Fate::Waiting => say().sweep_waiting(count),
                Fate::NotProcessed => say().sweep_not_processed(count, reasons.join(", ")),
            }
        })
        .collect();
    say().sweep_closing(files(tally.files()), fates.join(", "))
}

/// Resolves how each file is imported, and prints a line about each.
struct SweepDesk<'a> {
    front: Front,
    common: &'a GeneralOptions,
    args: &'a SweepArgs,
    /// The config in force, with the text from which it was parsed.
    config: RefCell<(Config, Option<Vec<u8>>)>,
}

impl<'a> SweepDesk<'a> {
    fn open(common: &'a GeneralOptions, args: &'a SweepArgs) -> Result<SweepDesk<'a>, AppError> {
        let mut front = Front::open_unwatched(common)?;
        front.session.author.note.clone_from(&args.start.note);
        front.session.stop.listen();
        let config = front.config.clone();
        let text = text_of(&config);
        Ok(SweepDesk {
            front,
            common,
            args,
            config: RefCell::new((config, text)),
        })
    }

    fn options(&self) -> SweepOptions {
        let inbox = self.front.config.fill(&self.args.inbox);
        SweepOptions {
            // The journal's paths and commands must be valid in any working directory.
            folder: std::path::absolute(&self.args.folder)
                .unwrap_or_else(|_| self.args.folder.clone()),
            settle: inbox.settle().length,
            interval: inbox.interval().length,
            again: inbox.again,
            fresh: self.args.start.fresh,
        }
    }

    /// Removes data that is older than the config allows. A file that cannot be removed does not affect the
    /// sweep.
    fn expire(&self) {
        let session = &self.front.session;
        let retention = settings::retention(&self.config.borrow().0);
        let inbox = [absolute(&self.args.folder)].into();
        let expired = expire(&session.state, &inbox, retention, session.clock.timestamp());
        if let Err(error) = expired {
            complain(&error);
        }
    }

    /// Returns the outcome of a sweep as JSON, with the counts of the closing line.
    fn closing(&self, swept: &Swept) -> serde_json::Value {
        let count = |word: &str, count: u64| (word.to_owned(), count.into());
        let fates = swept.tally.fates();
        let fates: serde_json::Map<_, _> = fates
            .map(|(fate, files)| count(fate.as_str(), files))
            .collect();
        let reasons = swept.tally.reasons();
        let reasons: serde_json::Map<_, _> = reasons
            .map(|(reason, files)| count(reason.as_str(), files))
            .collect();
        let inbox = absolute(&self.args.folder).display().to_string();
        serde_json::json!({
            "inbox": inbox, "files": swept.tally.files(), "fates": fates,
            "reasons": reasons, "exit_code": swept.exit,
        })
    }
}

fn text_of(config: &Config) -> Option<Vec<u8>> {
    std::fs::read(config.path()?).ok()
}

impl SweepDesk<'_> {
    /// Adds the files to the queue, and archives those whose runs have ended.
    fn enqueue(&self) -> Result<Swept, AppError> {
        let profile_of = |name: &str| {
            self.may_take(name)?;
            let config = self.config_of(name)?;
            Ok(config.profile().map(str::to_owned))
        };
        let desk = QueueDesk {
            desk: self,
            profile_of: &profile_of,
            outcome_first: settings::is_outcome_first(&self.front.config, &self.args.layout),
        };
        sweep_into_queue(&self.front.session, self.options(), &desk)
    }

    /// Returns the config with the profile that matches the file, unless a profile was chosen.
    fn config_of(&self, name: &str) -> Result<Config, AppError> {
        let own = &self.config.borrow().0;
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
    fn refresh(&self) {
        let mut kept = self.config.borrow_mut();
        let text = text_of(&kept.0);
        if text == kept.1 {
            return;
        }
        kept.1 = text;
        match Config::load(self.common) {
            Ok(config) => kept.0 = config,
            // The previous config stays in force until the mistake is corrected.
            Err(error) => complain(&error),
        }
    }

    fn may_take(&self, name: &str) -> Result<(), AppError> {
        self.config.borrow().0.refuse_unfit(name)
    }

    fn account(&self, name: &str) -> u64 {
        let own = || self.config.borrow().0.clone();
        let config = self.config_of(name).unwrap_or_else(|_| own());
        let roster = config.fill(&self.args.options.roster);
        let spec = settings::target(roster.target.as_deref()).ok();
        config.fingerprint(spec.as_deref())
    }

    fn notifications(&self, name: &str) -> Notifications {
        let own = || self.config.borrow().0.clone();
        settings::notifications(&self.config_of(name).unwrap_or_else(|_| own()))
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
            Told::NotImported(why) => {
                print_failure(is_json, name, None, why);
                terminal::unwatched_error(name, why);
            }
            Told::Ended(ended, settings) => {
                let flag = &self.front.session.journal_flag;
                let mut way = format!("{}{flag}", ended.summary.run);
                let state = &self.front.session.state;
                if let Some(account) = settings::account_of(state, terminal::shows_errors()) {
                    way.push_str(&format!(" ({})", say().sweep_as_account(account)));
                }
                tell_way(ended, settings, &way, |stop| stop.fact().in_words());
                print_file(is_json, name, &ended.summary);
            }
            Told::PutAway(summary) => print_file(is_json, name, summary),
            Told::Queued => {}
            Told::Enqueued(id) if is_json => {
                print_json(&serde_json::json!({"file": name, "id": id}), false);
            }
            Told::Enqueued(id) => {
                terminal::line(&say().fleet_enqueued(name, id));
            }
            Told::Held { run, why } => {
                print_failure(is_json, name, Some(run), why);
                let held = match why.asks_a_person() {
                    true => say().fleet_held_rows(name, why.in_words(), run),
                    false => say().fleet_held(name, why.in_words(), run),
                };
                terminal::error(&held, why);
            }
            Told::Duplicate { run, to } if is_json => print_json(
                &serde_json::json!({
                    "file": to.display().to_string(), "duplicate_of": run, "requests": 0, "exit_code": 0,
                }),
                false,
            ),
            Told::Duplicate { run, to } => {
                terminal::line(&say().cli_duplicate(name, run, to.display().to_string()))
            }
        }
    }

    fn passed(&self, swept: &Swept) {
        self.expire();
        if self.args.output.format == Format::Json {
            print_json(&self.closing(swept), false);
        }
    }
}

/// Prints a JSON object for a file that was not imported, with `--format json`.
fn print_failure(is_json: bool, name: &str, run: Option<&str>, why: &Fact) {
    if is_json {
        let failure = Failure {
            file: name,
            run,
            error: why.in_words(),
            code: why.code(),
            path: why.path(),
        };
        print_json(&failure, false);
    }
}

/// The JSON output for a file that was not imported.
#[derive(Serialize)]
struct Failure<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<&'a str>,
    error: String,
    code: Code,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a Path>,
}

/// Prints one line or one JSON object per file to standard output.
fn print_file(is_json: bool, name: &str, summary: &Summary) {
    if is_json {
        return print_json(&summary.facts(), false);
    }
    terminal::line(&say().cli_file_line(
        name,
        summary.states.in_words(false),
        requests(summary.requests),
        duration(summary.duration_s),
        summary.file.as_str(),
    ));
}
