//! The selection of people on the page of an undo.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;

use super::changes::{Changes, Choice, Class, Filter};
use super::problems::escaped;
use crate::app::{AppError, Naming, Protection, Selection, roster_of};
use crate::console::job::{Job, Task};
use crate::console::page::Counted;
use crate::journal::{Journal, JournalError, RunRecord};
use crate::l10n::{number, say};
use crate::model::Call;
use crate::run::rows_seen;

/// The maximum number of people for an individual selection. A larger undo covers everyone.
pub(super) const MOST: u64 = 20_000;

/// A person whose values an undo restores.
pub(super) struct Person {
    pub(super) row: u64,
    /// The row of the undone run, and its spreadsheet row number.
    pub(super) of: u64,
    line: u64,
    /// The name and the class, or empty without the roster.
    who: String,
    class: String,
    /// Whether the person must not be named, if the roster shows it.
    is_hidden: Option<bool>,
}

/// Returns the row, the name and the class of the person of a row.
pub(super) fn which(people: &[Person], row: u64) -> Option<String> {
    let person = people.iter().find(|person| person.row == row)?;
    let line = say().place_row(person.line);
    let parts = [line.as_str(), &person.who, &person.class].into_iter();
    let parts = parts.filter(|part| !part.is_empty());
    Some(parts.collect::<Vec<_>>().join(" · "))
}

/// Returns the people of an undo, or of these rows, as the undone run named them.
pub(super) fn people(
    journal: &Journal,
    undo: i64,
    record: &RunRecord,
    wanted: Option<&BTreeSet<u64>>,
) -> Result<Vec<Person>, AppError> {
    // The undo finds records by id. The run may have found them by another value.
    let place = |call: Call| match call.path.is_empty() {
        true => call.key,
        false => call.path,
    };
    let mut rows: HashMap<String, u64> = HashMap::new();
    journal.each_call_after::<JournalError>(undo, 0, |call, _| {
        let row = call.at.row;
        if wanted.is_none_or(|wanted| wanted.contains(&row)) {
            rows.insert(place(call), row);
        }
        Ok(true)
    })?;
    let mut people = Vec::new();
    journal.each_call_after::<JournalError>(record.id, 0, |call, _| {
        let (of, line) = (call.at.row, call.at.sheet_row);
        if let Some(row) = rows.get(&place(call)) {
            people.push(Person {
                row: *row,
                of,
                line,
                who: String::new(),
                class: String::new(),
                is_hidden: None,
            });
        }
        Ok(true)
    })?;
    // Without the roster, rows have no names.
    if let Ok(prepared) = roster_of(record) {
        let naming = Naming::of(&prepared);
        let protection = Protection::of(journal, record.id, Some(&prepared))?;
        let of: HashMap<u64, usize> = people.iter().map(|one| one.of).zip(0..).collect();
        for seen in rows_seen(&prepared, |raw, _| of.contains_key(&raw.at.row))? {
            if let Some(person) = of.get(&seen.at.row).map(|at| &mut people[*at]) {
                person.line = seen.at.sheet_row;
                let is_hidden = protection.hides(&seen)?;
                person.is_hidden = Some(is_hidden);
                if !is_hidden {
                    person.who = naming.name(&seen.cells);
                    person.class = naming.class(&seen.cells);
                }
            }
        }
    }
    Ok(people)
}

/// Returns the rows of the undo with people of the class in the filter, if any.
pub(super) fn of_class(people: &[Person], filter: &Filter) -> Option<BTreeSet<u64>> {
    let is_of = |person: &&Person| person.class == filter.class;
    let rows = people.iter().filter(is_of).map(|person| person.row);
    (!filter.class.is_empty()).then(|| rows.collect())
}

pub(super) fn name(changes: &mut Changes, people: &[Person]) {
    let known: HashMap<u64, &Person> = people.iter().map(|person| (person.row, person)).collect();
    for changed in &mut changes.rows {
        (changed.who, changed.class) = (String::new(), String::new());
        if let Some(person) = known.get(&changed.row) {
            changed.line = person.line;
            changed.is_hidden = person.is_hidden.unwrap_or(changed.is_hidden);
            changed.who.clone_from(&person.who);
            changed.class.clone_from(&person.class);
        }
    }
}

/// The counts of people chosen outside the list of changes.
pub(super) struct Counts {
    pub(super) title: Counted,
    pub(super) count: Counted,
}

/// Adds the selection of people and their classes to the shown changes. `at` is the start of the undone run.
pub(super) fn offer(
    changes: &mut Changes,
    people: &[Person],
    job: &Job,
    filter: &Filter,
    at: &str,
) -> Counts {
    let left_out = job.left_out();
    let known: HashMap<u64, u64> = people.iter().map(|one| (one.row, one.of)).collect();
    for changed in &mut changes.rows {
        let of = known.get(&changed.row);
        changed.choice = of.map(|of| (*of, !left_out.contains(of)));
    }
    let mut classes: BTreeMap<&str, u64> = BTreeMap::new();
    for person in people {
        *classes.entry(&person.class).or_default() += 1;
    }
    classes.remove("");
    let class = |(class, count): (&str, u64)| Class {
        name: class.to_owned(),
        query: format!("class={}", escaped(class)),
        count: number(count),
        is_chosen: class == filter.class,
    };
    changes.classes = classes.into_iter().map(class).collect();
    let chosen = people.iter().filter(|one| !left_out.contains(&one.of));
    let count = chosen.count() as u64;
    let counted = |text: &dyn Fn(u64, String) -> String| Counted {
        count,
        now: text(count, number(count)),
        one: text(1, "#".to_owned()),
        other: text(2, "#".to_owned()),
    };
    let of = number(people.len() as u64);
    let is_class = !filter.class.is_empty();
    let class = filter.class.as_str();
    changes.choosing = Some(Choice {
        chosen: counted(&|_, chosen| say().console_undo_chosen(chosen, of.clone())),
        send: counted(&|count, chosen| say().console_undo_send(count, chosen)),
        covers: match &job.task {
            Task::Undo { rows: Some(_), .. } => {
                let count = people.len() as u64;
                say().console_undo_of_chosen(count, number(count))
            }
            _ => say().console_undo_choose(),
        },
        tick: match is_class {
            true => say().console_undo_tick_class(class),
            false => say().console_undo_tick_all(),
        },
        untick: match is_class {
            true => say().console_undo_untick_class(class),
            false => say().console_undo_untick_all(),
        },
        class: filter.class.clone(),
        page: filter.page(),
        is_class,
    });
    Counts {
        title: counted(&|count, chosen| say().console_undo_counted(count, at, chosen)),
        count: counted(&|_, chosen| chosen),
    }
}

/// Stores which people on a page are ticked.
pub(super) fn note_ticks(job: &Job, said: &HashMap<String, String>) {
    let mut left_out = job.left_out();
    let shown = said.keys().filter_map(|key| key.strip_prefix("shown-"));
    for row in shown.filter_map(|row| row.parse::<u64>().ok()) {
        match said.contains_key(&format!("chosen-{row}")) {
            true => left_out.remove(&row),
            false => left_out.insert(row),
        };
    }
}

/// Ticks or unticks everyone, or everyone in a class.
pub(super) fn tick(job: &Job, people: &[Person], class: &str, is_ticked: bool) {
    let mut left_out = job.left_out();
    let is_of = |person: &&Person| class.is_empty() || person.class == class;
    for person in people.iter().filter(is_of) {
        match is_ticked {
            true => left_out.remove(&person.of),
            false => left_out.insert(person.of),
        };
    }
}

/// Returns the ticked rows of the undone run and those of the undo, if any person is left out.
pub(super) fn chosen(job: &Job, people: &[Person]) -> Option<(Selection, BTreeSet<u64>)> {
    let left_out = job.left_out();
    if left_out.is_empty() {
        return None;
    }
    let chosen = || people.iter().filter(|one| !left_out.contains(&one.of));
    let rows: BTreeSet<u64> = chosen().map(|one| one.of).collect();
    let selection = Selection {
        rows: ranges(rows.into_iter()),
        ..Selection::default()
    };
    Some((selection, chosen().map(|one| one.row).collect()))
}

fn ranges(rows: impl Iterator<Item = u64>) -> Vec<RangeInclusive<u64>> {
    let mut ranges: Vec<RangeInclusive<u64>> = Vec::new();
    for row in rows {
        match ranges.last_mut() {
            Some(last) if *last.end() + 1 == row => *last = *last.start()..=row,
            _ => ranges.push(row..=row),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_in_order_become_ranges() {
        let of = |rows: &[u64]| ranges(rows.iter().copied());
        assert_eq!(of(&[1, 2, 3, 7, 9, 10]), [1..=3, 7..=7, 9..=10]);
        assert!(of(&[]).is_empty());
    }
}
