//! The `explain` command, which prints the meaning of problem codes.

use anyhow::Result;

use crate::app::AppError;
use crate::cli::args::ExplainArgs;
use crate::cli::terminal;
use crate::l10n::say;
use crate::model::Exit;
use crate::report::{explain, explain_all, nearest_code};

/// Runs `rosterpatch explain` and `rosterpatch explain CODE`.
pub(in crate::cli) fn run(args: &ExplainArgs) -> Result<Exit> {
    let Some(code) = &args.code else {
        terminal::out(&explain_all());
        return Ok(Exit::Success);
    };
    let code = code.trim();
    match explain(code) {
        Some(text) => terminal::out(&text),
        None => {
            let why = match nearest_code(code) {
                Some(near) => say().explain_near(code, near),
                None => say().explain_unknown(code),
            };
            return Err(AppError::Usage(why).into());
        }
    }
    Ok(Exit::Success)
}
