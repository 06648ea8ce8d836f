//! The `backup` command, which copies the state folder.

use anyhow::Result;

use crate::app::back_up;
use crate::cli::args::BackupArgs;
use crate::cli::config::Config;
use crate::cli::options::GeneralOptions;
use crate::cli::{settings, terminal};
use crate::l10n::{files, runs, say};
use crate::model::Exit;

/// Runs `rosterpatch backup --out FOLDER`.
pub(in crate::cli) fn run(common: &GeneralOptions, args: &BackupArgs) -> Result<Exit> {
    let state = settings::state(&Config::load(common)?, common)?;
    let done = back_up(&state, &args.out)?;
    for (run, roster) in &done.without_roster {
        let path = roster.display().to_string();
        terminal::note(&say().backup_without_roster(run.as_str(), path));
    }
    let path = args.out.display().to_string();
    terminal::line(&say().backup_done(runs(done.runs), path, files(done.files)));
    Ok(Exit::Success)
}
