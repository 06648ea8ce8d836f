use crate::app::{AppError, Wanted, ready, undone};
use crate::cli::args::OneRunArgs;
use crate::cli::config::Config;
use crate::cli::front::Front;
use crate::cli::options::GeneralOptions;
use crate::cli::{settings, terminal};
use crate::model::Exit;
use crate::run::Start;

/// `rosterpatch undo RUN`.
pub(in crate::cli) fn run(common: &GeneralOptions, args: &OneRunArgs) -> Result<Exit, AppError> {
    if !args.yes && !terminal::can_ask() {
        let why = "without a terminal to ask on, an undo needs --yes";
        return Err(AppError::Usage(why.into()));
    }
    let front = Front::open(common)?;
    let undone = undone(&front.session, &args.run, &settings::named(&args.files))?;
    for damage in &undone.damaged {
        terminal::error(damage);
    }
    // A row that could not be read is not put back.
    let least = if undone.damaged.is_empty() {
        Exit::Success
    } else {
        Exit::CannotDo
    };
    let Some(run_settings) = undone.settings.clone() else {
        let run = &args.run;
        terminal::error(&format!(
            "the run {run} changed nothing, so there is nothing to undo"
        ));
        return Ok(least);
    };
    let config = Config::of_run(common, &run_settings)?;
    let wanted = Wanted::again(run_settings, |spec| settings::credentials(&config, spec))?;
    let ready = ready(&front.session, wanted)?;
    let start = Start::New("undo");
    let exit = front.send(&config, &ready, start, args.yes, args.output.format)?;
    Ok(if exit == Exit::Success { least } else { exit })
}
