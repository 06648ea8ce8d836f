use crate::app::{AppError, ready};
use crate::cli::args::PlanArgs;
use crate::cli::front::{Front, print_summary};
use crate::cli::options::{Format, GeneralOptions};
use crate::cli::terminal;
use crate::cli::wanted::Asked;
use crate::l10n::say;
use crate::model::Exit;
use crate::report::{example_lines, plan_lines, write_changes};
use crate::run::{Context, look};

/// `rosterpatch plan FILE`.
pub(in crate::cli) fn run(common: &GeneralOptions, args: &PlanArgs) -> Result<Exit, AppError> {
    let front = Front::open(common)?;
    let session = &front.session;
    let asked = Asked {
        file: args.file.clone(),
        options: args.options.clone(),
        ..Asked::default()
    };
    let ready = ready(session, asked.resolve(session, &front.config)?)?;
    session.stop.listen();
    let context = Context {
        clock: session.clock.clone(),
        seed: rand::random(),
        credentials: ready.credentials.clone(),
        state: session.state.clone(),
        observer: session.observer.as_ref(),
        agree: &|_| false,
        stop: session.stop.receiver(),
    };
    let looked = look(&ready.prepared, &ready.settings, &context)?;
    if let Some(stop) = &looked.stop {
        let why = stop.for_person();
        terminal::error(&if stop.may_not_read() {
            say().plan_try_blind(why)
        } else {
            say().plan_not_read(why)
        });
        return Ok(looked.summary.exit_code);
    }
    if let Some(path) = &args.out {
        let prepared = &ready.prepared;
        let roster = (prepared.checker.spec().as_ref(), prepared.input.dialect());
        write_changes(&looked.journal, looked.run, roster, path)?;
    }
    match args.output.format {
        Format::Json => print_summary(Format::Json, &looked.summary),
        Format::Text => {
            let mut lines = plan_lines(&looked.plan, session.clock.timestamp());
            lines.extend(example_lines(&looked.plan));
            if let Some(why) = &looked.held {
                lines.push(say().plan_held(why.as_str()));
            }
            terminal::out(&format!("{}\n", lines.join("\n")));
        }
    }
    Ok(looked.summary.exit_code)
}
