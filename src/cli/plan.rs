use std::sync::Arc;

use anyhow::Result;

use super::args::{CommonArgs, Format, PlanArgs};
use super::assemble::{Asked, assemble};
use super::config::Config;
use super::{import, interrupt, logging, settings, terminal};
use crate::clock::{Clock, SystemClock};
use crate::model::Exit;
use crate::report::{example_lines, plan_lines, write_changes};
use crate::run::{Context, look};

/// `rosterpatch plan FILE`.
pub(super) fn run(common: &CommonArgs, args: &PlanArgs) -> Result<Exit> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (watch, bar) = terminal::watcher(common, clock.clone());
    logging::start(common, bar);
    let config = Config::load(common)?;
    let state = settings::state_folder(&config, common)?;
    let asked = Asked {
        file: &args.roster.file,
        roster: &args.roster.options,
        delivery: &args.delivery,
        output: &args.output,
        holds: false,
    };
    let assembled = assemble(&config, state, &asked, &clock, watch.as_ref())?;
    let stop = interrupt::StopSignal::new();
    stop.listen();
    let context = Context {
        clock,
        seed: rand::random(),
        credentials: assembled.credentials.clone(),
        state: assembled.state.clone(),
        watch: watch.as_ref(),
        agree: &|_| false,
        stop: stop.receiver(),
    };
    let looked = look(&assembled.prepared, &assembled.settings, &context)?;
    if let Some(stop) = &looked.stop {
        terminal::error(&format!("{stop}; nothing was sent"));
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
