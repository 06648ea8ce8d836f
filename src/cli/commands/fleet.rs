//! The `enqueue`, `work`, `queue` and `database` commands of the shared queue.

use std::path::Path;
use std::sync::Arc;

use crate::app::{AppError, Notifications, Session, Wanted};
use crate::cli::config::Config;
use crate::cli::fleet_args::{DatabaseCommand, EnqueueArgs, QueueArgs, WorkArgs};
use crate::cli::front::{Front, print_json};
use crate::cli::options::GeneralOptions;
use crate::cli::values::Format;
use crate::cli::wanted::Asked;
use crate::cli::{settings, terminal};
use crate::clock::{Clock, SystemClock};
use crate::events::Unobserved;
use crate::fleet::{
    EntryState, FleetDoor, Heard, QueueEntry, database_of, enqueue, listed_queue, migrate, remove,
    work, write_queue_metrics,
};
use crate::journal::State;
use crate::l10n::{duration, local_time, number, say};
use crate::log;
use crate::model::{Code, Exit, Fact};
use crate::read::Origin;
use crate::run::{Actor, AuditEntry, Author};
use crate::send::Credentials;
use crate::targets::TargetSpec;

/// Runs `rosterpatch enqueue FILE… --profile P`.
pub(in crate::cli) fn put(common: &GeneralOptions, args: &EnqueueArgs) -> Result<Exit, AppError> {
    let config = Config::load(common)?;
    let state = settings::state(&config, common)?;
    let author = Author {
        actor: Actor::here(),
        note: args.note.clone(),
    };
    let entry = AuditEntry::of(&author, "enqueue", SystemClock.timestamp());
    let mut rows = Vec::new();
    for file in &args.files {
        let name = file.display().to_string();
        let own = file.file_name().unwrap_or_default().to_string_lossy();
        let profile = match config.profile() {
            None => config.profile_of(&own)?,
            named => named,
        };
        let enqueued = enqueue(&state, (file, Origin::Named), profile, &entry)?;
        match args.format {
            Format::Json => rows.push(serde_json::json!({
                "file": name, "id": enqueued.id, "waited_already": enqueued.is_known,
            })),
            Format::Text if enqueued.is_known => {
                terminal::line(&say().fleet_waits_already(name, enqueued.id));
            }
            Format::Text => {
                terminal::line(&say().fleet_enqueued(name, enqueued.id));
            }
        }
    }
    if args.format == Format::Json {
        print_json(&rows, true);
    }
    Ok(Exit::Success)
}

/// Runs `rosterpatch work`.
pub(in crate::cli) fn at_work(common: &GeneralOptions, args: &WorkArgs) -> Result<Exit, AppError> {
    let front = Front::open_unwatched(common)?;
    database_of(&front.session.state)?;
    front.session.stop.listen();
    let door = WorkDoor {
        config: front.config.clone(),
        is_json: args.format == Format::Json,
    };
    let flag = front.session.journal_flag.clone();
    let stop = Arc::new(front.session.stop.shared());
    let make = move |state: State| {
        let mut session = Session::new(Box::new(Unobserved), state)?;
        session.journal_flag.clone_from(&flag);
        session.stop = stop.shared();
        Ok(session)
    };
    let place = front.session.state.shown();
    terminal::note(&say().fleet_working(args.batches.get() as u64, place));
    let metrics = args.metrics.clone();
    let state = front.session.state.clone();
    let tick = move || {
        if let Some(path) = &metrics
            && let Err(error) = write_queue_metrics(&state, path)
        {
            log::warn(&Fact::new(Code::NotifyMetrics).because_of(error.fact()));
        }
    };
    work(
        &front.session,
        Arc::new(door),
        Arc::new(make),
        args.batches.get(),
        Arc::new(tick),
    )?;
    Ok(Exit::Success)
}

/// Runs `rosterpatch queue`.
pub(in crate::cli) fn list(common: &GeneralOptions, args: &QueueArgs) -> Result<Exit, AppError> {
    let state = settings::state(&Config::load(common)?, common)?;
    if let Some(number) = args.remove {
        remove(&state, number)?;
        terminal::line(&say().fleet_removed(number));
        return Ok(Exit::Success);
    }
    if let Some(path) = &args.metrics {
        write_queue_metrics(&state, path)?;
        return Ok(Exit::Success);
    }
    let entries = listed_queue(&state, args.all)?;
    match args.format {
        Format::Json => print_json(&entries, true),
        Format::Text if entries.is_empty() => terminal::note(&say().fleet_queue_empty()),
        Format::Text => terminal::out(&table(&entries)),
    }
    Ok(Exit::Success)
}

/// Formats the queue as lines below a header.
fn table(entries: &[QueueEntry]) -> String {
    let line = |cells: [&str; 6]| {
        let [id, state, due, profile, requests, file] = cells;
        format!("{id:>6}  {state:<12} {due:<16} {profile:<14} {requests:>9}  {file}\n")
    };
    let mut text = line([
        &say().fleet_number(),
        &say().runs_state(),
        &say().fleet_due(),
        &say().fleet_profile(),
        &say().fleet_requests(),
        &say().runs_file(),
    ]);
    for entry in entries {
        let name = Path::new(&entry.file).file_name();
        let name = name.map_or(entry.file.clone().into(), |name| name.to_string_lossy());
        let run = entry.run.as_ref().map(|run| format!(" ({run})"));
        let why = entry
            .why
            .as_ref()
            .map(|why| format!(": {}", why.in_words()));
        let is_open = matches!(entry.state, EntryState::Waiting | EntryState::Running);
        let due = match entry.state {
            EntryState::Waiting => local_time(entry.due),
            _ => String::new(),
        };
        let late = if entry.is_late { " !" } else { "" };
        let file = format!(
            "{name}{}{}",
            run.unwrap_or_default(),
            why.filter(|_| is_open || entry.exit_code.is_some())
                .unwrap_or_default()
        );
        text.push_str(&line([
            &entry.id.to_string(),
            &format!("{}{late}", entry.state.in_words()),
            &due,
            entry.profile.as_deref().unwrap_or("-"),
            &number(entry.requests.unsigned_abs()),
            &file,
        ]));
    }
    text
}

/// Runs `rosterpatch database migrate`.
pub(in crate::cli) fn database(
    common: &GeneralOptions,
    command: &DatabaseCommand,
) -> Result<Exit, AppError> {
    let state = settings::state(&Config::load(common)?, common)?;
    let DatabaseCommand::Migrate = command;
    let place = database_of(&state)?.place().to_owned();
    let (before, after) = migrate(&state)?;
    let told = match before == after {
        true => say().fleet_up_to_date(place, after),
        false => say().fleet_migrated(place, after),
    };
    terminal::line(&told);
    Ok(Exit::Success)
}

/// A worker's access to the profiles in this machine's config and environment.
struct WorkDoor {
    config: Config,
    is_json: bool,
}

impl WorkDoor {
    fn config_of(&self, profile: Option<&str>) -> Result<Config, AppError> {
        match profile {
            Some(name) => self.config.with_profile(name),
            None => Ok(self.config.clone()),
        }
    }
}

impl FleetDoor for WorkDoor {
    fn wanted<'a>(
        &'a self,
        session: &'a Session,
        file: &Path,
        profile: Option<&str>,
    ) -> Result<(Wanted<'a>, Notifications), AppError> {
        let config = self.config_of(profile)?;
        let asked = Asked {
            file: file.to_owned(),
            ..Asked::default()
        };
        let wanted = asked.resolve(session, &config)?;
        Ok((wanted, settings::notifications(&config)))
    }

    fn credentials(
        &self,
        profile: Option<&str>,
        spec: &TargetSpec,
    ) -> Result<(Credentials, Notifications), AppError> {
        let config = self.config_of(profile)?;
        let credentials = settings::credentials(&config, spec)?;
        Ok((credentials, settings::notifications(&config)))
    }

    fn notifications(&self, profile: Option<&str>) -> Notifications {
        let config = self.config_of(profile);
        settings::notifications(&config.unwrap_or_else(|_| self.config.clone()))
    }

    fn heard(&self, what: Heard<'_>) {
        match what {
            Heard::Later {
                file,
                run,
                after,
                why,
            } => {
                let after_s = after.as_secs_f64();
                let code = why.map(Fact::code);
                let why = why.map(Fact::in_words);
                if self.is_json {
                    print_json(
                        &serde_json::json!({
                            "file": file, "run": run, "due_in_s": after_s, "why": why,
                            "code": code,
                        }),
                        false,
                    );
                } else {
                    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
                    let line = match after_s > 0.0 {
                        true => say().fleet_later(file, duration(after_s)),
                        false => say().fleet_left(file),
                    };
                    terminal::line(&format!("{line}{why}"));
                }
            }
            Heard::Ended { file, summary, why } => match summary {
                Some(summary) if self.is_json => print_json(&summary.facts(), false),
                Some(summary) => {
                    let why = why.map(|why| format!(": {}", why.in_words()));
                    let states = summary.states.in_words(false);
                    terminal::line(&format!("{file}: {states}{}", why.unwrap_or_default()));
                }
                None => {
                    let unknown = Fact::new(Code::QueueUnknown);
                    terminal::unwatched_error(file, why.unwrap_or(&unknown));
                }
            },
        }
    }
}
