//! The `completions` and `man` commands, which write files for packages.

use anyhow::{Context, Result};
use clap::CommandFactory;

use crate::app::AppError;
use crate::cli::args::{Args, ManArgs};
use crate::cli::{man, terminal};
use crate::l10n::say;
use crate::model::Exit;

/// Runs `rosterpatch completions SHELL`.
pub(in crate::cli) fn completions(shell: clap_complete::Shell) -> Result<Exit> {
    // The script is written to memory first, because the generator panics on a closed pipe.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "rosterpatch", &mut script);
    terminal::out(&String::from_utf8(script)?);
    Ok(Exit::Success)
}

/// Runs `rosterpatch man`, `rosterpatch man COMMAND` and `rosterpatch man --out FOLDER`.
pub(in crate::cli) fn man(args: &ManArgs) -> Result<Exit> {
    let pages = man::pages();
    if let Some(folder) = &args.out {
        let shown = folder.display().to_string();
        std::fs::create_dir_all(folder).with_context(|| say().report_write(shown))?;
        for (name, command) in &pages {
            let mut page = Vec::new();
            man::write(name, command, &mut page)?;
            let path = folder.join(format!("{name}.1"));
            let shown = path.display().to_string();
            std::fs::write(&path, page).with_context(|| say().report_write(shown))?;
        }
        return Ok(Exit::Success);
    }
    let name = match &args.command {
        None => "rosterpatch".to_owned(),
        Some(command) => format!("rosterpatch-{command}"),
    };
    let Some((name, command)) = pages.iter().find(|(page, _)| *page == name) else {
        let known: Vec<&str> = pages
            .iter()
            .filter_map(|(page, _)| page.strip_prefix("rosterpatch-"))
            .collect();
        let asked = args.command.clone().unwrap_or_default();
        return Err(AppError::Usage(say().man_no_command(asked, known.join(", "))).into());
    };
    let mut page = Vec::new();
    man::write(name, command, &mut page)?;
    terminal::out(&String::from_utf8(page)?);
    Ok(Exit::Success)
}
