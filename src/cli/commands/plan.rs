//! The `plan` command, a dry run of `import`.

use std::path::Path;

use crate::app::{AppError, Ready, ready, refuse_in_place_of, refuse_kind};
use crate::cli::args::PlanArgs;
use crate::cli::front::{Front, print_json};
use crate::cli::options::GeneralOptions;
use crate::cli::terminal;
use crate::cli::values::Format;
use crate::cli::wanted::Asked;
use crate::journal::JournalError;
use crate::l10n::{Message, number, rows, say};
use crate::model::Exit;
use crate::plan::SavedPlan;
use crate::report::{Tone, WholeFile, curl_text, plan_examples, plan_overview, write_changes};
use crate::run::{DryRun, dry_run, saved_plan};

/// Runs `rosterpatch plan FILE`.
pub(in crate::cli) fn run(common: &GeneralOptions, args: &PlanArgs) -> Result<Exit, AppError> {
    let front = Front::open(common)?;
    let session = &front.session;
    let asked = Asked {
        file: args.file.clone(),
        options: args.options.clone(),
        ..Asked::default()
    };
    for (flag, path) in [("--out", &args.out), ("--save", &args.save)] {
        if let Some(path) = path {
            refuse_kind(flag, path)?;
            refuse_in_place_of(flag, path, &args.file, session.state.folder())?;
        }
    }
    let ready = terminal::choosing_sheet(|sheet| {
        let asked = asked.clone().of_sheet(sheet);
        ready(session, asked.resolve(session, &front.config)?)
    })?;
    session.stop.listen();
    let context = session.context(&ready.credentials);
    let dry_run = dry_run(&ready.prepared, &ready.settings, &context)?;
    if let Some(stop) = &dry_run.stop {
        let why = stop.for_person();
        let text = if stop.may_not_read() {
            say().plan_try_blind(why)
        } else {
            say().plan_not_read(why)
        };
        terminal::error(&text, &stop.fact());
        return Ok(dry_run.summary.exit_code);
    }
    if let Some(path) = &args.out {
        let prepared = &ready.prepared;
        let roster = (prepared.checker.spec().as_ref(), prepared.input.dialect());
        write_changes(
            &dry_run.journal,
            dry_run.run,
            roster,
            &dry_run.plan.rows_to_approve(),
            path,
        )?;
    }
    if let Some(path) = &args.save {
        let plan = saved_plan(
            &dry_run.journal,
            dry_run.run,
            &ready.prepared,
            &ready.settings,
        )?;
        save(path, &plan)?;
    }
    if let Some(row) = args.show_request {
        show_request(&front, &ready, &dry_run, row.get())?;
        return Ok(dry_run.summary.exit_code);
    }
    match args.output.format {
        Format::Json => print_json(&dry_run.summary, true),
        Format::Text => {
            let look = front.look;
            let mut lines = plan_overview(&dry_run.plan, session.clock.timestamp(), look);
            let examples = plan_examples(&dry_run.plan, look);
            if !examples.is_empty() {
                lines.push(String::new());
                lines.extend(examples);
            }
            if let Some(why) = &dry_run.held {
                lines.push(String::new());
                lines.extend(look.lines(
                    Some(Tone::Warning),
                    "",
                    &say().plan_held(why.to_string()),
                ));
            }
            terminal::line(&lines.join("\n"));
        }
    }
    Ok(dry_run.summary.exit_code)
}

fn save(path: &Path, plan: &SavedPlan) -> Result<(), AppError> {
    let json = serde_json::to_string(plan)
        .map_err(|error| AppError::Front(Message::verbatim(error.to_string())))?;
    Ok(WholeFile::write_text(path, &json)?)
}

/// Prints the planned request of a row, or that there is none.
fn show_request(front: &Front, ready: &Ready, dry_run: &DryRun, row: u64) -> Result<(), AppError> {
    let survey = &ready.prepared.survey;
    if row > survey.rows {
        return Err(AppError::Usage(
            say().plan_no_row(number(row), rows(survey.rows)),
        ));
    }
    let mut found = None;
    dry_run
        .journal
        .each_call::<JournalError>(dry_run.run, |call, _| {
            let is_it = call.at.row == row;
            if is_it {
                found = Some(call);
            }
            Ok(!is_it)
        })?;
    let line = number(survey.line_of(row));
    let row = number(row);
    let text = match found {
        None => format!("# {}", say().plan_no_request(line, row)),
        Some(call) => {
            let spec = ready.prepared.checker.spec();
            let base_url = &ready.settings.delivery.client.base_url;
            let curl = curl_text(&call, spec, base_url, |name| {
                front.config.credential_variable(name)
            });
            format!("# {}\n{curl}", say().plan_request_of(line, row))
        }
    };
    terminal::line(&text);
    Ok(())
}
