//! The `resume` and `approve` commands continue interrupted and held runs.

use std::path::Path;

use crate::app::{
    AppError, GoOn, Wanted, at_hand, decide_conflicts, go_on, leave_out, ready, resumed,
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
use crate::plan::ConflictPolicy;
use crate::report::ResultPaths;
use crate::run::Settings;

/// `rosterpatch resume [RUN]`.
pub(in crate::cli) fn run(common: &GeneralOptions, args: &ResumeArgs) -> Result<Exit, AppError> {
    with(common, args, (GoOn::Resume, None))
}

/// `rosterpatch approve RUN`.
pub(in crate::cli) fn approve(
    common: &GeneralOptions,
    args: &ApproveArgs,
) -> Result<Exit, AppError> {
    let (conflicts, args) = (args.conflicts, &args.of);
    let args = ResumeArgs {
        run: Some(args.run.clone()),
        left_out: Vec::new(),
        files: args.files.clone(),
        quota: args.quota.clone(),
        output: args.output.clone(),
        yes: true,
        note: args.note.clone(),
    };
    with(common, &args, (GoOn::Approve, conflicts))
}

/// How a run goes on, and what is done with its conflicts.
type How = (GoOn, Option<ConflictPolicy>);

fn with(
    common: &GeneralOptions,
    args: &ResumeArgs,
    (how, conflicts): How,
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
            decide_conflicts(&front.session, &record, &mut run_settings, conflicts)?;
        }
        // Any worker that has its credentials goes on with it.
        let goes_on = match how {
            GoOn::Approve => fleet::approve(&front.session.state, queued.id)?,
            GoOn::Resume => fleet::put_back(&front.session.state, queued.id)?,
        };
        let told = match goes_on {
            GoesOn::Again => say().fleet_goes_on(record.name),
            GoesOn::AsBefore => say().fleet_goes_on_already(record.name),
        };
        terminal::out(&format!("{told}\n"));
        return Ok(Exit::Success);
    }
    if let Some(from) = at_hand(&front.session.state, &record, &mut run_settings)? {
        let named = from.file_name().map(Path::new).unwrap_or(&from);
        run_settings.delivery.paths = ResultPaths::beside(named);
        paths.replace(&mut run_settings.delivery.paths)?;
    }
    let file = run_settings.roster.file.clone();
    front.watched(&file, || {
        going_on(
            common,
            &front,
            args,
            (how, conflicts),
            (record, run_settings),
        )
    })
}

fn going_on(
    common: &GeneralOptions,
    front: &Front,
    args: &ResumeArgs,
    (how, conflicts): How,
    (record, mut run_settings): (RunRecord, Settings),
) -> Result<Exit, AppError> {
    let session = &front.session;
    let config = Config::of_run(common, &run_settings)?;
    settings::repace(&config, &args.quota, &mut run_settings)?;
    let wanted = Wanted::again(run_settings, |spec| settings::credentials(&config, spec))?;
    let mut ready = ready(session, wanted)?;
    let start = go_on(session, &record, how, &ready)?;
    if how == GoOn::Approve {
        // After the file was found to be the same.
        decide_conflicts(session, &record, &mut ready.settings, conflicts)?;
    }
    leave_out(session, &record, &mut ready, &args.left_out)?;
    front.send(&config, &ready, start, args.yes, args.output.format)
}
