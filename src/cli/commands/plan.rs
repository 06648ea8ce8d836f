use crate::app::{AppError, ready};
use crate::cli::args::PlanArgs;
use crate::cli::front::{Front, print_json};
use crate::cli::options::{Format, GeneralOptions};
use crate::cli::terminal;
use crate::cli::wanted::Asked;
use crate::l10n::say;
use crate::model::Exit;
use crate::report::{Tone, plan_examples, plan_overview, write_changes};
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
        journal_flag: session.journal_flag.clone(),
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
        Format::Json => print_json(&looked.summary, true),
        Format::Text => {
            let look = front.look;
            let mut lines = plan_overview(&looked.plan, session.clock.timestamp(), look);
            let examples = plan_examples(&looked.plan, look);
            if !examples.is_empty() {
                lines.push(String::new());
                lines.extend(examples);
            }
            if let Some(why) = &looked.held {
                lines.push(String::new());
                lines.extend(look.lines(Some(Tone::Warning), "", &say().plan_held(why.as_str())));
            }
            terminal::out(&format!("{}\n", lines.join("\n")));
        }
    }
    Ok(looked.summary.exit_code)
}
