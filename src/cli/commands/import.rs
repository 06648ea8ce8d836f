//! The `import` command, which sends the changes of a roster.

use std::path::Path;
use std::sync::Arc;

use crate::app::{Action, AppError, begin, ready};
use crate::cli::args::ImportArgs;
use crate::cli::front::Front;
use crate::cli::options::GeneralOptions;
use crate::cli::wanted::Asked;
use crate::cli::{settings, terminal};
use crate::l10n::{message, say};
use crate::model::Exit;
use crate::plan::{SAVED_PLAN, SavedPlan};

/// Runs `rosterpatch import FILE`.
pub(in crate::cli) fn run(common: &GeneralOptions, args: &ImportArgs) -> Result<Exit, AppError> {
    if args.dry_run {
        let file = args.file.display().to_string();
        return Err(AppError::Usage(say().cli_dry_run(file)));
    }
    let mut front = Front::open(common)?;
    front.session.author.note.clone_from(&args.start.note);
    let (session, config) = (&front.session, &front.config);
    let asked = Asked {
        file: args.file.clone(),
        options: args.options.clone(),
        canary: args.canary.clone(),
        files: args.files.clone(),
        holds: true,
        ..Asked::default()
    };
    front.watched(&args.file, || {
        let mut ready = terminal::choosing_sheet(|sheet| {
            let asked = asked.clone().of_sheet(sheet);
            ready(session, asked.resolve(session, config)?)
        })?;
        // A saved plan is newer than that of an interrupted run, so that run is not resumed.
        let fresh = args.start.fresh || args.plan.is_some();
        if let Some(path) = &args.plan {
            ready.settings.delivery.expected = Some(Arc::new(saved(path)?));
        }
        let paths = &mut ready.settings.delivery.paths;
        paths.outcome_first = settings::is_outcome_first(config, &args.layout);
        let named = settings::named(&args.files);
        if !args.options.place.sandbox && args.plan.is_none() {
            front.ask_about_columns(&mut ready, args.start.yes)?;
        }
        let start = begin(session, &mut ready, fresh, "import", &named)?;
        let agreed = args.start.yes || args.options.place.sandbox || args.plan.is_some();
        front.send(config, &ready, start, agreed, args.output.format)
    })
}

/// The maximum size of a saved plan in bytes. A plan of a million rows has a sixth of it.
const MOST_OF_PLAN: u64 = 256 * 1024 * 1024;

fn saved(path: &Path) -> Result<SavedPlan, AppError> {
    let text = crate::safe_fs::text_of(path, MOST_OF_PLAN).map_err(Action::Read.failed(path))?;
    match serde_json::from_str::<SavedPlan>(&text) {
        Ok(plan) if plan.version == SAVED_PLAN => Ok(plan),
        _ => Err(AppError::Front(message::saved_unreadable(
            path.display().to_string(),
        ))),
    }
}
