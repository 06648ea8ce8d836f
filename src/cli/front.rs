//! The front end shared by all commands that send.

use std::collections::BTreeMap;
use std::path::Path;

use super::config::Config;
use super::options::GeneralOptions;
use super::values::Format;
use super::{logging, settings, terminal};
use crate::app::{AppError, ColumnMemory, Job, Ready, Session, way_on};
use crate::clock::{Clock, SystemClock};
use crate::events::{Observer, Plan};
use crate::journal::{Journal, State};
use crate::l10n::{local_time, records, say};
use crate::map::{ColumnMap, none_misspelt};
use crate::model::{Code, Exit, Fact, Summary};
use crate::progress::Unwatched;
use crate::report::{Look, plan_examples, plan_persons, summary_text};
use crate::run::{Ended, Proposal, RunError, Settings, Start, stored_plan};
use crate::send::Stop;
use crate::targets::TargetSpec;

/// The session and the config of a command that sends.
pub(super) struct Front {
    pub(super) session: Session,
    pub(super) config: Config,
    /// The layout of text on standard output.
    pub(super) look: Look,
    error_look: Look,
}

impl Front {
    pub(super) fn open(common: &GeneralOptions) -> Result<Front, AppError> {
        Front::open_with(common, terminal::observer(common))
    }

    /// Opens the front end of an unattended command, whose output goes to a log or cron mail.
    pub(super) fn open_unwatched(common: &GeneralOptions) -> Result<Front, AppError> {
        logging::with_times();
        let (observer, bar) = terminal::observer(common);
        let mut front = Front::open_with(common, (Box::new(Unwatched(observer)), bar))?;
        // Another account with another environment reads the output.
        front.session.journal_flag = settings::journal_flag_for_others(&front.session.state);
        Ok(front)
    }

    fn open_with(
        common: &GeneralOptions,
        (observer, bar): (Box<dyn Observer>, Option<indicatif::ProgressBar>),
    ) -> Result<Front, AppError> {
        logging::start(common, bar);
        let config = Config::load(common)?;
        let state = settings::state(&config, common)?;
        let mut session = Session::new(observer, state)?;
        session.journal_flag = settings::journal_flag(&session.state);
        Ok(Front {
            session,
            config,
            look: terminal::look(common),
            error_look: terminal::error_look(common),
        })
    }

    /// Runs `work` on `file` and sends notifications if it fails.
    pub(super) fn watched(
        &self,
        file: &Path,
        work: impl FnOnce() -> Result<Exit, AppError>,
    ) -> Result<Exit, AppError> {
        work().inspect_err(|error| {
            settings::notifications(&self.config).failed(&self.session, file, None, error);
        })
    }

    /// Asks about unmapped columns that resemble a field. With `--yes`, a misspelt header is an error,
    /// because its column would be ignored silently.
    ///
    /// # Errors
    /// Fails if the input ends without an answer. No answer is stored then.
    pub(super) fn ask_about_columns(
        &self,
        ready: &mut Ready,
        agreed: bool,
    ) -> Result<(), AppError> {
        let checker = &ready.prepared.checker;
        let variables = &ready.settings.delivery.variables;
        if let Some(note) = note_on_keys(checker.map(), checker.spec(), variables) {
            terminal::note(&note);
        }
        let unmapped = &ready.prepared.unmapped;
        if agreed {
            return none_misspelt(unmapped).map_err(|why| AppError::Usage(why.to_string()));
        }
        if unmapped.is_empty() || !terminal::can_ask() {
            return Ok(());
        }
        let state = self.session.state.folder();
        let mut memory = ColumnMemory::read(state, &ready.prepared.checker.spec().name)?;
        let mut taken = Vec::new();
        let mut said = Vec::new();
        for one in unmapped.iter() {
            let question = say().column_ask(one.header.as_str(), one.name.as_str());
            let question = match memory.of(&one.header) {
                Some(before) => {
                    let (file, at) = (before.file.as_str(), local_time(before.at));
                    let before = match &*before.field {
                        "" => say().column_ask_left(at, file),
                        field => say().column_ask_sent(at, field, file),
                    };
                    format!("{before}\n{question}")
                }
                None => question,
            };
            let is_meant = match taken.contains(&one.field) {
                true => false,
                false => terminal::answer(&question).ok_or(RunError::Declined)?,
            };
            taken.extend(is_meant.then_some(one.field));
            let field = if is_meant {
                one.name.clone()
            } else {
                String::new()
            };
            said.push((one.header.clone(), field));
        }
        let file = ready.settings.roster.file.file_name().unwrap_or_default();
        let decided = said
            .iter()
            .map(|(header, field)| (&**header, Some(&**field)));
        memory.store(&file.to_string_lossy(), SystemClock.timestamp(), decided)?;
        ready.say_of_columns(&self.session, said)
    }

    /// Sends a prepared run, and prints the summary and, if it ended early, the next step. `config` may be
    /// that of an earlier run.
    pub(super) fn send(
        &self,
        config: &Config,
        ready: &Ready,
        start: Start,
        agreed: bool,
        format: Format,
    ) -> Result<Exit, AppError> {
        let notifications = settings::notifications(config);
        let undoes = ready.settings.delivery.undoes.as_deref();
        let ask = |proposal: &Proposal<'_>| agree(proposal.plan, undoes, self.error_look).into();
        let job = Job {
            chooses: false,
            session: &self.session,
            notifications: &notifications,
            credentials: ready.credentials.clone(),
            agree: (!agreed).then_some(&ask),
        };
        let ended = job.send(&ready.prepared, &ready.settings, start);
        let ended = ended.map_err(|error| match error {
            AppError::Run(RunError::Declined) if !terminal::can_ask() => {
                AppError::Usage(say().front_needs_yes())
            }
            other => other,
        })?;
        self.show_persons(&ended);
        tell_way_on(
            &ended,
            &ready.settings,
            &self.session.state,
            Stop::for_person,
        );
        print_summary(format, &ended.summary, undoes.is_some(), self.look);
        Ok(ended.summary.exit_code)
    }

    /// Prints the persons of a run that is held for rows that require individual approval, if standard error
    /// is a terminal. Logs contain no names; the reason for the hold lists the row numbers there.
    fn show_persons(&self, ended: &Ended) {
        let is_of_persons = match &ended.stop {
            Some(Stop::Held { why }) => why.rows_to_approve().is_some(),
            _ => false,
        };
        if !is_of_persons || !terminal::shows_errors() {
            return;
        }
        let plan = Journal::open(&self.session.state).and_then(|journal| {
            let id = journal.run(Some(&ended.summary.run))?.id;
            stored_plan(&journal, id)
        });
        // If the journal cannot be read again, nothing is printed here; the report also lists the rows.
        let plan = plan.ok().flatten();
        let lines = plan.map_or(Vec::new(), |plan| plan_persons(&plan, self.error_look));
        if !lines.is_empty() {
            terminal::note(&format!("{}\n", lines.join("\n")));
        }
    }
}

/// Returns a warning if the header of the key column names another kind of key than the run sends.
pub(super) fn note_on_keys(
    map: &ColumnMap,
    spec: &TargetSpec,
    variables: &BTreeMap<String, String>,
) -> Option<String> {
    let (column, name, kind) = map.kind_of_key(spec)?;
    let sent = variables.get(name).map_or("", String::as_str);
    (sent != kind).then(|| say().column_kind_of_key(column, kind, sent, name))
}

/// Prints the next step after a run that ended early, with this reason.
pub(super) fn tell_way_on(
    ended: &Ended,
    settings: &Settings,
    state: &State,
    words: fn(&Stop) -> String,
) {
    let way = settings::way_to(&ended.summary.run, state);
    tell_way(ended, settings, &way, words);
}

/// Prints the next step, where `way` leads another command to the run.
pub(super) fn tell_way(ended: &Ended, settings: &Settings, way: &str, words: fn(&Stop) -> String) {
    let text = way_on(ended, settings.sandbox, way, words);
    if let Some((text, stop)) = text.zip(ended.stop.as_ref()) {
        let fact = stop.fact().in_run(&ended.summary.run);
        terminal::error(&text, &fact);
    }
}

/// Prints the summary of a run, which may be an undo, to standard output.
pub(super) fn print_summary(format: Format, summary: &Summary, is_undo: bool, look: Look) {
    match format {
        Format::Text => terminal::out(&summary_text(summary, is_undo, &[], look)),
        Format::Json => print_json(summary, true),
    }
}

/// Prints JSON to standard output, on one line or indented.
pub(super) fn print_json<T: serde::Serialize>(figures: &T, is_pretty: bool) {
    let json = if is_pretty {
        serde_json::to_string_pretty(figures)
    } else {
        serde_json::to_string(figures)
    };
    match json {
        Ok(json) => terminal::line(&json),
        Err(error) => terminal::error(
            &say().front_no_figures(error.to_string()),
            &Fact::new(Code::NotDone),
        ),
    }
}

fn agree(plan: &Plan, undoes: Option<&str>, look: Look) -> bool {
    if !terminal::can_ask() {
        return false;
    }
    if let Some(run) = undoes.filter(|_| plan.to_send == 0) {
        return terminal::ask(&say().cli_ask_close(run));
    }
    let examples = plan_examples(plan, look);
    if !examples.is_empty() {
        terminal::note(&format!("\n{}\n", examples.join("\n")));
    }
    terminal::ask(&say().front_ask(
        records(plan.to_send),
        plan.base_url.as_str(),
        plan.target.as_str(),
    ))
}
