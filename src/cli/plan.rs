use anyhow::Result;

use super::args::PlanArgs;
use super::assemble::{Asked, assemble};
use super::opening::Opening;
use super::options::{Format, GeneralOptions};
use super::{import, terminal};
use crate::model::Exit;
use crate::report::{example_lines, plan_lines, write_changes};
use crate::run::{Context, look};

/// `rosterpatch plan FILE`.
pub(super) fn run(common: &GeneralOptions, args: &PlanArgs) -> Result<Exit> {
    let opening = Opening::of(common)?;
    let asked = Asked {
        file: args.file.clone(),
        roster: args.roster.clone(),
        selection: args.selection.clone(),
        place: args.place.clone(),
        connection: args.connection.clone(),
        quota: args.quota.clone(),
        guards: args.guards.clone(),
        ..Asked::default()
    };
    let assembled = assemble(&opening, &opening.config, &asked)?;
    opening.stop.listen();
    let context = Context {
        clock: opening.clock.clone(),
        seed: rand::random(),
        credentials: assembled.credentials.clone(),
        state: opening.state.clone(),
        watch: opening.watch.as_ref(),
        agree: &|_| false,
        stop: opening.stop.receiver(),
    };
    let looked = look(&assembled.prepared, &assembled.settings, &context)?;
    if let Some(stop) = &looked.stop {
        let hint = if stop.may_not_read() {
            "; if these credentials may write and not read, --blind plans without reading"
        } else {
            ""
        };
        terminal::error(&format!("{}; nothing was sent{hint}", stop.for_person()));
        return Ok(looked.summary.exit_code);
    }
    if let Some(path) = &args.out {
        write_changes(&looked.journal, looked.run, path)?;
    }
    match args.output.format {
        Format::Json => import::print_summary(Format::Json, &looked.summary),
        Format::Text => {
            let mut lines = plan_lines(&looked.plan);
            lines.extend(example_lines(&looked.plan));
            if let Some(why) = &looked.held {
                lines.push(format!("an import would be held: {why}"));
            }
            terminal::out(&format!("{}\n", lines.join("\n")));
        }
    }
    Ok(looked.summary.exit_code)
}
