use jiff::Timestamp;

use super::check::repair;
use super::look::{Look, Tone, inert};
use super::plan::time_line;
use crate::events::{ExampleChange, Plan};
use crate::l10n::{Messages, cells, doubtful_values, empty_rows, number, requests, rows, say};

/// Fields that are listed, each on a line.
const FIELDS: usize = 20;

/// A plan for a person who looks at it at the moment `now`: where it goes, the counts, the fields that
/// change, requests and time. No personal data.
pub fn plan_overview(plan: &Plan, now: Timestamp, look: Look) -> Vec<String> {
    let mut lines = vec![look.paint(Tone::Heading, &plan.target)];
    lines.extend(look.lines(Some(Tone::Aside), "", &plan.base_url));
    lines.push(String::new());
    lines.extend(counts(plan, look));
    lines.push(String::new());
    lines.extend(fields(plan, look));
    let notes = notes(plan);
    if !notes.is_empty() {
        lines.extend(notes.iter().flat_map(|note| look.lines(None, "", note)));
        lines.push(String::new());
    }
    lines.extend(look.lines(Some(Tone::Heading), "", &time_line(plan, now)));
    lines
}

/// How many rows come to what.
fn counts(plan: &Plan, look: Look) -> Vec<String> {
    let mut counts = vec![(number(plan.to_send), say().plan_to_send(), Some(Tone::New))];
    for (count, phrase, tone) in [
        (
            plan.unchanged,
            Messages::state_unchanged as fn(&Messages, u64, String) -> String,
            None,
        ),
        (plan.invalid, Messages::state_invalid, Some(Tone::Old)),
        (plan.left_out, Messages::plan_left_out, Some(Tone::Warning)),
    ] {
        if count > 0 {
            let phrase = phrase(say(), count, number(count));
            let (count, word) = phrase.split_once(' ').unwrap_or(("", &phrase));
            counts.push((count.to_owned(), word.to_owned(), tone));
        }
    }
    let of_all = rows(plan.rows);
    let (all, word) = of_all.split_once(' ').unwrap_or(("", &of_all));
    counts.push((all.to_owned(), word.to_owned(), Some(Tone::Aside)));
    let line = |(count, word, tone): &(String, String, Option<Tone>)| {
        let line = format!("  {count:>8}  {word}");
        match tone {
            Some(tone) => look.paint(*tone, &line),
            None => line,
        }
    };
    counts.iter().map(line).collect()
}

/// The fields that change, the most frequent first, one a line.
fn fields(plan: &Plan, look: Look) -> Vec<String> {
    if plan.fields.is_empty() {
        return Vec::new();
    }
    let mut fields: Vec<(&str, u64)> = plan
        .fields
        .iter()
        .map(|(name, count)| (&**plan.columns.get(name).unwrap_or(name), *count))
        .collect();
    fields.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut lines = vec![look.paint(Tone::Heading, &say().plan_fields_heading())];
    for (name, count) in fields.iter().take(FIELDS) {
        let line = format!("  {:>8}  {name}", number(*count));
        lines.push(inert(&line));
    }
    if let Some(more) = fields.len().checked_sub(FIELDS + 1) {
        lines.push(aside(look, "  ", say().plan_more(number(more as u64 + 1))));
    }
    lines.push(String::new());
    lines
}

/// What is worth knowing about how the plan came about.
fn notes(plan: &Plan) -> Vec<String> {
    let mut notes = Vec::new();
    if plan.empty_rows > 0 {
        notes.push(say().check_passed_over(empty_rows(plan.empty_rows)));
    }
    for (code, count) in &plan.repairs {
        notes.push(say().plan_restored(cells(*count), repair(code), code.as_str()));
    }
    for (code, count) in &plan.doubts {
        notes.push(say().plan_doubts(doubtful_values(*count), code.as_str()));
    }
    if !plan.how.is_empty() {
        notes.push(match plan.lookups {
            0 => plan.how.clone(),
            lookups => say().plan_lookups(plan.how.as_str(), requests(lookups)),
        });
    }
    notes
}

/// The first few changes and invalid rows of a plan, by the numbers and names that the spreadsheet
/// shows. Personal data: for the person at the terminal, and for no log.
pub fn plan_examples(plan: &Plan, look: Look) -> Vec<String> {
    let mut lines = Vec::new();
    let mut shown = 0;
    for of_row in plan.examples.chunk_by(|one, other| one.line == other.line) {
        shown += 1;
        for example in of_row {
            lines.extend(change(example, look));
        }
    }
    if plan.to_send > shown && shown > 0 {
        let more = number(plan.to_send - shown);
        lines.push(aside(look, "", say().plan_more(more)));
    }
    if !plan.problems.is_empty() {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(look.paint(Tone::Heading, &say().plan_invalid_rows()));
        for problem in &plan.problems {
            lines.extend(look.lines(None, "  ", problem));
        }
        let more = plan.invalid.saturating_sub(plan.problems.len() as u64);
        if more > 0 {
            lines.push(aside(look, "  ", say().plan_more(number(more))));
        }
    }
    lines
}

/// A field of a row: what its record holds, and what it is to hold.
fn change(example: &ExampleChange, look: Look) -> Vec<String> {
    let value = |text: &str| match text {
        "" => say().plan_nothing(),
        text => text.to_owned(),
    };
    let mut lines = look.lines(
        None,
        "",
        &say().place_cell(example.line, example.column.as_str()),
    );
    if let Some(from) = &example.from {
        lines.extend(look.lines(Some(Tone::Old), "  - ", &value(from)));
    }
    lines.extend(look.lines(Some(Tone::New), "  + ", &value(&example.to)));
    lines
}

fn aside(look: Look, indent: &str, text: String) -> String {
    format!("{indent}{}", look.paint(Tone::Aside, &text))
}
