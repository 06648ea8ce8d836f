use anyhow::Result;

use crate::cli::args::{TargetsArgs, TargetsCommand};
use crate::cli::terminal;
use crate::model::Exit;
use crate::report::target_text;
use crate::targets::{self, BUILT_IN};

/// `rosterpatch targets` and `rosterpatch targets show NAME`.
pub(in crate::cli) fn run(args: &TargetsArgs) -> Result<Exit> {
    match &args.command {
        None => {
            for (name, _) in BUILT_IN {
                let spec = targets::load(name)?;
                terminal::out(&format!("{name:<12} {}\n", spec.title));
            }
        }
        Some(TargetsCommand::Show { name, toml: true }) => {
            // Read once to say what is wrong with it, if anything is.
            targets::load(name)?;
            terminal::out(&targets::text(name)?);
        }
        Some(TargetsCommand::Show { name, toml: false }) => {
            terminal::out(&target_text(&targets::load(name)?));
        }
    }
    Ok(Exit::Success)
}
