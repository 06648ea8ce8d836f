//! The `decline` command closes a held run.

use crate::app::{AppError, decline};
use crate::cli::args::DeclineArgs;
use crate::cli::front::Front;
use crate::cli::options::GeneralOptions;
use crate::cli::terminal;
use crate::fleet;
use crate::journal::Journal;
use crate::l10n::say;
use crate::model::Exit;
use crate::run::{RunError, Settings};

pub(in crate::cli) fn run(common: &GeneralOptions, args: &DeclineArgs) -> Result<Exit, AppError> {
    let run = args.run.as_str();
    if !args.yes && !terminal::can_ask() {
        return Err(AppError::Usage(say().front_decline_needs_yes()));
    }
    let mut front = Front::open(common)?;
    front.session.author.note.clone_from(&args.note);
    let state = &front.session.state;
    let record = Journal::open(state)?.run(Some(run))?;
    if !args.yes && !terminal::ask(&say().cli_ask_decline(run)) {
        return Err(RunError::Declined.into());
    }
    let declined = decline(&front.session, run)?;
    if let Some(queued) = Settings::of(&record)?.queued {
        fleet::end_declined(state, queued.id)?;
    }
    terminal::line(&say().cli_declined(run));
    if let Some(trouble) = declined.trouble {
        return Err(trouble);
    }
    if let Some(results) = declined.summary.results {
        let results = results.display().to_string();
        terminal::line(&say().cli_declined_results(results));
    }
    Ok(Exit::Success)
}
