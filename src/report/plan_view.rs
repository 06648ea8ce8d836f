//! Plans as text with examples of their changes.

use jiff::Timestamp;

use super::look::{Look, Tone};
use super::plan::{fields, not_sent, notes, time_line};
use crate::events::{
    ExampleChange, ExampleFinding, FoundConflict, PersonChange, Plan, RowProblems, SinceLast, Turn,
};
use crate::l10n::{local_time, number, say};
use crate::model::{NAMED_ROWS, Problem};

/// The maximum number of listed fields.
const FIELDS: usize = 20;

/// Returns the overview of a plan at the time `now`: target, counts, changed fields, requests and duration.
/// No personal data.
pub fn plan_overview(plan: &Plan, now: Timestamp, look: Look) -> Vec<String> {
    let mut lines = vec![look.paint(Tone::Heading, &plan.target)];
    lines.extend(look.lines(Some(Tone::Aside), "", &plan.base_url));
    lines.push(String::new());
    lines.extend(counts(plan, look));
    let since = plan.since.as_ref().map(plan_since);
    lines.extend(since.iter().flat_map(|line| look.lines(None, "", line)));
    lines.push(String::new());
    lines.extend(field_lines(plan, look));
    let notes = notes(plan);
    if !notes.is_empty() {
        lines.extend(notes.iter().flat_map(|note| look.lines(None, "", note)));
        lines.push(String::new());
    }
    lines.extend(look.lines(Some(Tone::Heading), "", &time_line(plan, now)));
    lines
}

/// Returns how the rows differ from those of the last roster.
pub fn plan_since(since: &SinceLast) -> String {
    let at = local_time(since.at);
    match (since.new, since.missing) {
        (0, 0) => say().plan_since_same(at),
        (new, missing) => say().plan_since(number(new), number(missing), at),
    }
}

/// Returns the number of rows by planned outcome.
fn counts(plan: &Plan, look: Look) -> Vec<String> {
    let mut counts = vec![(number(plan.to_send), say().plan_to_send(), Some(Tone::New))];
    counts.extend(not_sent(plan));
    let (all, word) = (number(plan.rows), say().noun_rows(plan.rows));
    counts.push((all, word, Some(Tone::Aside)));
    let line = |(count, word, tone): &(String, String, Option<Tone>)| {
        let line = format!("  {count:>8}  {word}");
        match tone {
            Some(tone) => look.paint(*tone, &line),
            None => line,
        }
    };
    counts.iter().map(line).collect()
}

/// Returns the changed fields, one per line.
fn field_lines(plan: &Plan, look: Look) -> Vec<String> {
    let fields = fields(plan);
    if fields.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![look.paint(Tone::Heading, &say().plan_fields_heading())];
    for (name, count) in fields.iter().take(FIELDS) {
        lines.push(format!("  {:>8}  {name}", number(*count)));
    }
    if fields.len() > FIELDS {
        let more = (fields.len() - FIELDS) as u64;
        lines.push(aside(look, "  ", say().plan_more(number(more))));
    }
    lines.push(String::new());
    lines
}

/// Returns the first changes and invalid rows of a plan, with row numbers and headers of the spreadsheet.
/// Contains personal data and must not be logged.
pub fn plan_examples(plan: &Plan, look: Look) -> Vec<String> {
    let mut lines = plan_persons(plan, look);
    if !lines.is_empty() {
        lines.push(String::new());
    }
    let mut shown = 0;
    for of_row in plan.examples.chunk_by(|one, other| one.line == other.line) {
        shown += 1;
        for example in of_row {
            lines.extend(change(example, look));
            if plan.are_last_delivered {
                lines.push(aside(look, "    ", say().plan_unread_value()));
            }
        }
    }
    if plan.to_send > shown && shown > 0 {
        let more = number(plan.to_send - shown);
        lines.push(aside(look, "", say().plan_more(more)));
    }
    let noticed = plan_noticed(plan);
    if !noticed.is_empty() {
        heading(&mut lines, look, &say().plan_noticed());
        lines.extend(noticed.iter().flat_map(|line| look.lines(None, "  ", line)));
    }
    if !plan.conflict_examples.is_empty() {
        heading(&mut lines, look, &say().plan_conflicts());
        let examples = plan.conflict_examples.iter();
        lines.extend(examples.flat_map(|found| conflict(found, look)));
        let more = plan.conflicts.total() - plan.conflict_examples.len() as u64;
        if more > 0 {
            lines.push(aside(look, "  ", say().plan_more(number(more))));
        }
    }
    if !plan.problems.is_empty() {
        heading(&mut lines, look, &say().plan_invalid_rows());
        for problem in plan_problems(plan) {
            lines.extend(look.lines(None, "  ", &problem));
        }
        let more = plan.invalid.saturating_sub(plan.problems.len() as u64);
        if more > 0 {
            lines.push(aside(look, "  ", say().plan_more(number(more))));
        }
    }
    lines
}

/// Returns the rows with a change of person or number, with the person of the record and of the roster.
/// Contains personal data.
pub fn plan_persons(plan: &Plan, look: Look) -> Vec<String> {
    let mut lines = Vec::new();
    let mut left = NAMED_ROWS;
    for (heading, persons) in person_groups(&plan.persons) {
        let shown = persons.iter().take(left).map(|of| person_line(of));
        let shown: Vec<String> = shown.collect();
        left -= shown.len();
        if shown.is_empty() {
            continue;
        }
        lines.push(look.paint(Tone::Heading, &heading));
        lines.extend(shown.iter().flat_map(|line| look.lines(None, "  ", line)));
    }
    let shown = plan.persons.len().min(NAMED_ROWS);
    let more = (plan.persons.len() - shown) as u64 + plan.more_persons;
    if more > 0 {
        lines.extend(look.lines(None, "  ", &say().plan_more(number(more))));
    }
    lines
}

/// Groups rows with a change of person and rows with a change of number, each with a heading.
pub fn person_groups(persons: &[PersonChange]) -> Vec<(String, Vec<&PersonChange>)> {
    let of = |is: fn(Turn) -> bool| {
        let persons = persons.iter().filter(|person| is(person.turn));
        persons.collect::<Vec<_>>()
    };
    let groups = [
        (say().plan_persons(), of(|turn| turn == Turn::Person)),
        (say().plan_renumbers(), of(|turn| turn != Turn::Person)),
    ];
    let groups = groups.into_iter();
    groups.filter(|(_, persons)| !persons.is_empty()).collect()
}

/// Returns one such row as a line.
pub fn person_line(of: &PersonChange) -> String {
    let (from, to) = (of.from.as_str(), of.to.as_str());
    let line = say().plan_person(say().place_row(of.line), from, to);
    match of.turn {
        Turn::Proposal => say().plan_proposal(line),
        Turn::Person | Turn::Number => line,
    }
}

/// Returns a line for each invalid row in the plan. Contains personal data.
pub fn plan_problems(plan: &Plan) -> Vec<String> {
    let line = |row: &RowProblems| {
        let place = say().place_row(row.line);
        say().plan_problem(place, Problem::join(&row.problems))
    };
    plan.problems.iter().map(line).collect()
}

/// Returns a line for each kind of restored or doubtful value, with an example. Contains personal data.
pub fn plan_noticed(plan: &Plan) -> Vec<String> {
    let line = |found: &ExampleFinding| {
        let place = say().place_cell(found.line, found.column.as_str());
        let example = say().plan_problem(place, found.message.to_string());
        format!("{:>7}  {}: {example}", number(found.count), found.code)
    };
    plan.noticed.iter().map(line).collect()
}

/// Returns a changed field with its current and its new value.
fn change(example: &ExampleChange, look: Look) -> Vec<String> {
    let place = say().place_cell(example.line, example.column.as_str());
    let mut lines = look.lines(None, "", &place);
    lines.extend(change_lines(example.from.as_deref(), &example.to, look));
    lines
}

/// Returns the lines of the old value of a field, if it is known, and of its new value.
pub fn change_lines(from: Option<&str>, to: &str, look: Look) -> Vec<String> {
    let old = from.map(|from| look.lines(Some(Tone::Old), "  - ", &value_in_words(from)));
    let new = look.lines(Some(Tone::New), "  + ", &value_in_words(to));
    old.into_iter().flatten().chain(new).collect()
}

fn value_in_words(text: &str) -> String {
    match text {
        "" => say().plan_nothing(),
        text => text.to_owned(),
    }
}

fn conflict(found: &FoundConflict, look: Look) -> Vec<String> {
    let place = say().place_cell(found.line, found.column.as_str());
    let mut lines = look.lines(None, "  ", &place);
    let values = [
        (say().plan_conflict_written(), &found.written, None),
        (
            say().plan_conflict_current(),
            &found.current,
            Some(Tone::Old),
        ),
        (say().plan_conflict_roster(), &found.roster, Some(Tone::New)),
    ];
    let width = values.iter().map(|(name, ..)| name.chars().count()).max();
    let width = width.unwrap_or_default();
    for (name, value, tone) in values {
        let value = value_in_words(value);
        lines.extend(look.lines(tone, "    ", &format!("{name:<width$}  {value}")));
    }
    lines
}

/// Adds a heading, after an empty line unless it is the first line.
fn heading(lines: &mut Vec<String>, look: Look, text: &str) {
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines.push(look.paint(Tone::Heading, text));
}

fn aside(look: Look, indent: &str, text: String) -> String {
    format!("{indent}{}", look.paint(Tone::Aside, &text))
}
