//! The `targets` commands, which list and describe target files.

use anyhow::Result;
use schemars::schema_for;

use super::target_test;
use crate::cli::args::{SchemaOf, TargetsArgs, TargetsCommand};
use crate::cli::front::print_json;
use crate::cli::options::{GeneralOptions, Layer};
use crate::cli::{settings, terminal};
use crate::model::Exit;
use crate::report::target_text;
use crate::targets::{self, BUILT_IN, TargetSpec};

/// Runs `rosterpatch targets` and its subcommands.
pub(in crate::cli) fn run(common: &GeneralOptions, args: &TargetsArgs) -> Result<Exit> {
    match &args.command {
        None => {
            for (name, _) in BUILT_IN {
                let spec = targets::load(name)?;
                terminal::line(&format!("{name:<12} {}", spec.title));
            }
        }
        Some(TargetsCommand::Show { name, toml: true }) => {
            // The target is parsed first, so that its errors are reported.
            terminal::out(&settings::target_and_text(Some(name))?.1);
        }
        Some(TargetsCommand::Show { name, toml: false }) => {
            terminal::out(&target_text(&*settings::target(Some(name))?));
        }
        Some(TargetsCommand::Test(args)) => return Ok(target_test::run(common, args)?),
        Some(TargetsCommand::Schema { of }) => {
            let schema = match of {
                SchemaOf::Target => schema_for!(TargetSpec),
                SchemaOf::Config => schema_for!(Layer),
            };
            print_json(&schema, true);
        }
    }
    Ok(Exit::Success)
}
