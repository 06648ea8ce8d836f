//! The `history` command, which prints the changes to one record.

use serde::Serialize;

use crate::app::{
    AppError, Dossier, FoundPerson, RecordChanges, RowAbout, SEARCHED_ROSTERS, SEARCHED_RUNS,
    dossier, forget, people, refuse_kind, write_dossier,
};
use crate::cli::args::HistoryArgs;
use crate::cli::config::Config;
use crate::cli::front::print_json;
use crate::cli::options::GeneralOptions;
use crate::cli::values::Format;
use crate::cli::{logging, settings, terminal};
use crate::l10n::{local_time, number, rows, say};
use crate::model::Exit;
use crate::report::{Look, Tone, change_lines, for_terminal};

/// Runs `rosterpatch history KEY`.
pub(in crate::cli) fn run(common: &GeneralOptions, args: &HistoryArgs) -> Result<Exit, AppError> {
    logging::start(common, None);
    let state = settings::state(&Config::load(common)?, common)?;
    if args.forget {
        let forgotten = rows(forget(&state, &args.key)?);
        terminal::line(&say().history_forgotten(forgotten));
        return Ok(Exit::Success);
    }
    if let Some(path) = &args.out {
        refuse_kind("--out", path)?;
    }
    let mut found = dossier(&state, &args.key, args.rehearsals)?;
    let mut several = Vec::new();
    let is_search = found.records.is_empty() && found.rows.is_empty();
    if is_search {
        let mut people = people(&state, &args.key, args.rehearsals)?.people;
        match &*people {
            [person] => found = dossier(&state, &person.key, args.rehearsals)?,
            _ => several.append(&mut people),
        }
    }
    if let Some(path) = &args.out {
        write_dossier(&found, path)?;
    }
    match args.format {
        Format::Json if !several.is_empty() => print_json(&Several { people: several }, true),
        Format::Json => print_json(&found, true),
        Format::Text if !several.is_empty() => {
            terminal::line(&say().history_several());
            for person in &several {
                let parts = [&person.name, &person.class, &person.number, &person.key];
                let mut parts: Vec<&str> = parts.iter().map(|part| part.as_str()).collect();
                parts.dedup();
                parts.retain(|part| !part.is_empty());
                terminal::line(&format!("  {}", for_terminal(&parts.join(" · "))));
            }
        }
        Format::Text if found.records.is_empty() && found.rows.is_empty() => {
            terminal::note(&say().history_none(args.key.as_str()));
        }
        Format::Text => terminal::out(&text(&found, terminal::look(common))),
    }
    if is_search && args.format == Format::Text {
        terminal::note(&say().console_person_where(
            number(SEARCHED_ROSTERS as u64),
            number(SEARCHED_RUNS as u64),
        ));
    }
    Ok(Exit::Success)
}

/// The people that a name leads to.
#[derive(Serialize)]
struct Several {
    people: Vec<FoundPerson>,
}

fn text(found: &Dossier, look: Look) -> String {
    let records = found.records.iter().map(|record| of_record(record, look));
    // Rows that changed a record are listed already.
    let is_told = |row: &&RowAbout| {
        let mut records = found.records.iter();
        records.any(|record| record.run == row.run && record.line == row.line)
    };
    let rows = found.rows.iter().filter(|row| !is_told(row));
    let blocks: Vec<String> = records.chain(rows.map(|row| of_row(row, look))).collect();
    blocks.join("\n")
}

/// Returns the lines about a row without a change.
fn of_row(row: &RowAbout, look: Look) -> String {
    let mut lines = vec![look.paint(Tone::Heading, &local_time(row.at))];
    let file = say().history_line(row.line, row.file.as_str());
    let state = row.state.map_or(String::new(), |state| state.in_words());
    let of = format!("{file} ({}, {state})", row.run);
    lines.extend(look.lines(Some(Tone::Aside), "", &of));
    for said in &row.said {
        lines.extend(look.lines(None, "  ", said));
    }
    lines.join("\n") + "\n"
}

/// Returns the lines about one run's changes to one record: time, file, and the old and new value of each
/// field.
fn of_record(record: &RecordChanges, look: Look) -> String {
    let heading = format!("{}  {}", local_time(record.at), record.key);
    let mut lines = vec![look.paint(Tone::Heading, &heading)];
    let file = say().history_line(record.line, record.file.as_str());
    let of = format!("{file} ({}, {})", record.run, record.state.in_words());
    lines.extend(look.lines(Some(Tone::Aside), "", &of));
    if record.rehearsal {
        lines.extend(look.lines(Some(Tone::Aside), "", &say().history_rehearsal()));
    }
    if record.undone {
        lines.extend(look.lines(Some(Tone::Aside), "", &say().history_undone()));
    }
    for entry in &record.audit_log {
        lines.extend(look.lines(Some(Tone::Aside), "", &for_terminal(&entry.in_words())));
    }
    if record.changes.is_empty() {
        lines.extend(look.lines(None, "  ", &say().history_not_kept()));
    }
    for change in &record.changes {
        lines.extend(look.lines(None, "", &change.column));
        lines.extend(change_lines(change.from.as_deref(), &change.to, look));
    }
    lines.join("\n") + "\n"
}
