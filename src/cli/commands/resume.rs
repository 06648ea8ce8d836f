use crate::app::{AppError, GoOn, Wanted, go_on, ready, resumed};
use crate::cli::args::{OneRunArgs, ResumeArgs};
use crate::cli::config::Config;
use crate::cli::front::Front;
use crate::cli::options::GeneralOptions;
use crate::cli::settings;
use crate::journal::RunRecord;
use crate::model::Exit;
use crate::run::Settings;

/// `rosterpatch resume [RUN]`.
pub(in crate::cli) fn run(common: &GeneralOptions, args: &ResumeArgs) -> Result<Exit, AppError> {
    with(common, args, GoOn::Resume)
}

/// `rosterpatch approve RUN`.
pub(in crate::cli) fn approve(
    common: &GeneralOptions,
    args: &OneRunArgs,
) -> Result<Exit, AppError> {
    let args = ResumeArgs {
        run: Some(args.run.clone()),
        files: args.files.clone(),
        output: args.output.clone(),
        yes: true,
    };
    with(common, &args, GoOn::Approve)
}

fn with(common: &GeneralOptions, args: &ResumeArgs, how: GoOn) -> Result<Exit, AppError> {
    let front = Front::open(common)?;
    let paths = settings::named(&args.files);
    let (record, run_settings) = resumed(&front.session, args.run.as_deref(), how, &paths)?;
    let file = run_settings.roster.file.clone();
    front.watched(&file, || {
        going_on(common, &front, args, how, (record, run_settings))
    })
}

fn going_on(
    common: &GeneralOptions,
    front: &Front,
    args: &ResumeArgs,
    how: GoOn,
    (record, run_settings): (RunRecord, Settings),
) -> Result<Exit, AppError> {
    let session = &front.session;
    let config = Config::of_run(common, &run_settings)?;
    let wanted = Wanted::again(run_settings, |spec| settings::credentials(&config, spec))?;
    let ready = ready(session, wanted)?;
    let start = go_on(session, &record, how, &ready)?;
    front.send(&config, &ready, start, args.yes, args.output.format)
}
