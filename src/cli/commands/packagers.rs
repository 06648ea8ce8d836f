use anyhow::Result;
use clap::CommandFactory;

use crate::cli::args::Args;
use crate::cli::terminal;
use crate::model::Exit;

/// `rosterpatch completions SHELL`.
pub(in crate::cli) fn completions(shell: clap_complete::Shell) -> Result<Exit> {
    // Into memory first: the generator panics where nobody reads its output.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "rosterpatch", &mut script);
    terminal::out(&String::from_utf8(script)?);
    Ok(Exit::Success)
}

/// `rosterpatch man`.
pub(in crate::cli) fn man() -> Result<Exit> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Args::command()).render(&mut page)?;
    terminal::out(&String::from_utf8(page)?);
    Ok(Exit::Success)
}
