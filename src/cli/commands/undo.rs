//! The `undo` command, which restores the values that a run replaced.

use crate::app::{AppError, Wanted, ready, undone};
use crate::cli::args::UndoArgs;
use crate::cli::config::Config;
use crate::cli::front::Front;
use crate::cli::options::GeneralOptions;
use crate::cli::{settings, terminal};
use crate::l10n::say;
use crate::model::{Code, Exit, Fact};
use crate::run::{RunError, Start};

/// Runs `rosterpatch undo RUN`.
pub(in crate::cli) fn run(common: &GeneralOptions, args: &UndoArgs) -> Result<Exit, AppError> {
    let UndoArgs { of: args, rows } = args;
    if !args.yes && !terminal::can_ask() {
        return Err(AppError::Usage(say().front_undo_needs_yes()));
    }
    let mut front = Front::open(common)?;
    front.session.author.note.clone_from(&args.note);
    let named = settings::named(&args.files);
    let undone = undone(&front.session, &args.run, rows.as_ref(), &named)?;
    for damage in &undone.damaged {
        terminal::error(
            &damage.to_string(),
            &Fact::new(Code::JournalDamagedRow).in_run(&args.run),
        );
    }
    // Rows with damaged records are not restored.
    let least = if undone.damaged.is_empty() {
        Exit::Success
    } else {
        Exit::CannotDo
    };
    let Some(mut run_settings) = undone.settings.clone() else {
        let run = args.run.as_str();
        if undone.is_open() {
            if !args.yes && !terminal::ask(&say().cli_ask_close(run)) {
                return Err(RunError::Declined.into());
            }
            undone.close(&front.session.state)?;
        }
        let text = match undone.is_open() {
            true => say().cli_closed(run),
            false => say().cli_nothing_to_undo(run),
        };
        terminal::error(&text, &Fact::new(Code::RunNothingToUndo).in_run(run));
        return Ok(least);
    };
    let file = run_settings.roster.file.clone();
    let exit = front.watched(&file, || {
        let config = Config::of_run(common, &run_settings)?;
        settings::repace(&config, &args.quota, &mut run_settings)?;
        let wanted = Wanted::again(run_settings, |spec| settings::credentials(&config, spec))?;
        let ready = ready(&front.session, wanted)?;
        let start = Start::New("undo");
        front.send(&config, &ready, start, args.yes, args.output.format)
    });
    let exit = exit.inspect_err(|error| {
        if error.exit() == Exit::Usage || matches!(error, AppError::Run(RunError::Declined)) {
            // The roster of the undo contains personal data, and nothing was restored. A file that cannot be
            // removed is harmless.
            let _ = std::fs::remove_file(&file);
        }
    })?;
    Ok(if exit == Exit::Success { least } else { exit })
}
