//! The `resume` and `approve` commands, which continue interrupted and held runs.

use std::path::Path;

use crate::app::{
    AppError, Decisions, GoOn, Wanted, at_hand, decide, go_on, leave_out, ready, resumed,
};
use crate::cli::args::{ApproveArgs, ResumeArgs};
use crate::cli::config::Config;
use crate::cli::front::Front;
use crate::cli::options::GeneralOptions;
use crate::cli::{settings, terminal};
use crate::fleet::{self, GoesOn};
use crate::journal::RunRecord;
use crate::l10n::say;
use crate::model::Exit;
use crate::report::ResultPaths;
use crate::run::{AuditEntry, Settings};

/// Runs `rosterpatch resume [RUN]`.
pub(in crate::cli) fn run(common: &GeneralOptions, args: &ResumeArgs) -> Result<Exit, AppError> {
    with(common, args, (GoOn::Resume, Decisions::default()))
}

/// Runs `rosterpatch approve RUN`.
pub(in crate::cli) fn approve(
    common: &GeneralOptions,
    args: &ApproveArgs,
) -> Result<Exit, AppError> {
    let decided = Decisions {
        conflicts: args.conflicts,
        rows: args.rows.as_ref().map(|rows| &*rows.0),
        asks_later: false,
    };
    let args = &args.of;
    let args = ResumeArgs {
        run: Some(args.run.clone()),
        left_out: Vec::new(),
        files: args.files.clone(),
        quota: args.quota.clone(),
        output: args.output.clone(),
        yes: true,
        note: args.note.clone(),
    };
    with(common, &args, (GoOn::Approve, decided))
}

/// How a run continues, with the decisions about it.
type How<'a> = (GoOn, Decisions<'a>);

fn with(
    common: &GeneralOptions,
    args: &ResumeArgs,
    (how, decided): How<'_>,
) -> Result<Exit, AppError> {
    let mut front = Front::open(common)?;
    front.session.author.note.clone_from(&args.note);
    let paths = settings::named(&args.files);
    let (record, mut run_settings) = resumed(&front.session, args.run.as_deref(), how, &paths)?;
    if let Some(queued) = run_settings.queued.clone() {
        if args.quota.is_said() || !args.left_out.is_empty() {
            return Err(AppError::Usage(say().fleet_own_pace(record.name)));
        }
        if how == GoOn::Approve {
            decide(&front.session, &record, &mut run_settings, decided)?;
        }
        // Any worker with the credentials can continue a queued run.
        let session = &front.session;
        let command = match how {
            GoOn::Approve => "approve",
            GoOn::Resume => "resume",
        };
        let entry = AuditEntry::of(&session.author, command, session.clock.timestamp());
        let told = match fleet::put_back(&session.state, queued.id, how, &entry)? {
            GoesOn::Again => say().fleet_goes_on(record.name),
            GoesOn::AsBefore => say().fleet_goes_on_already(record.name),
        };
        terminal::line(&told);
        return Ok(Exit::Success);
    }
    if let Some(from) = at_hand(&front.session.state, &record, &mut run_settings)? {
        let named = from.file_name().map(Path::new).unwrap_or(&from);
        run_settings.delivery.paths = ResultPaths::beside(named);
        paths.replace(&mut run_settings.delivery.paths)?;
    }
    let file = run_settings.roster.file.clone();
    front.watched(&file, || {
        going_on(common, &front, args, (how, decided), (record, run_settings))
    })
}

fn going_on(
    common: &GeneralOptions,
    front: &Front,
    args: &ResumeArgs,
    (how, decided): How<'_>,
    (record, mut run_settings): (RunRecord, Settings),
) -> Result<Exit, AppError> {
    let session = &front.session;
    let config = Config::of_run(common, &run_settings)?;
    settings::repace(&config, &args.quota, &mut run_settings)?;
    let wanted = Wanted::again(run_settings, |spec| settings::credentials(&config, spec))?;
    let mut ready = ready(session, wanted)?;
    let start = go_on(session, &record, how, &ready)?;
    if how == GoOn::Approve {
        // The file was verified to be unchanged before this.
        decide(session, &record, &mut ready.settings, decided)?;
    }
    leave_out(session, &record, &mut ready, &args.left_out)?;
    front.send(&config, &ready, start, args.yes, args.output.format)
}
