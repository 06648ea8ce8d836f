//! People are found by a name, a number or an address: in the rosters of past runs that are still in place, and in
//! what the journal stores of their changes. The search stores nothing.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value as Json;

use super::error::AppError;
use super::naming::{Naming, is_identifier};
use super::protection::{Marks, key_columns, marks_of, withholding};
use super::runs::is_rehearsal;
use super::spellings::searched;
use crate::events::Unobserved;
use crate::journal::{Journal, JournalError, RunRecord, State};
use crate::model::RowState;
use crate::plan::plain_letters;
use crate::read::Origin;
use crate::run::{Prepared, RunError, Settings, prepare, rows_seen};
use crate::targets::TargetSpec;

/// A person who was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundPerson {
    /// The name; empty if neither roster nor journal has one.
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub class: String,
    /// The identity number or another value that names the person.
    pub number: String,
    /// The value that `history` finds the person's changes by.
    pub key: String,
}

/// The people who were found.
#[derive(Debug, Default)]
pub struct People {
    pub people: Vec<FoundPerson>,
    pub is_cut: bool,
}

/// People who are returned.
const MOST: usize = 50;

/// The maximum number of matches to examine. Protected persons among them are hidden.
const CANDIDATES: usize = 500;

/// Rosters that are searched: the newest.
pub const SEARCHED_ROSTERS: usize = 10;

/// Runs whose changes are searched: the newest.
pub const SEARCHED_RUNS: usize = 100;

/// The field of a person's number.
const NUMBER: &str = "identity_number";

/// Returns the people whose name, number or address is `query`, without those who are marked as protected in any run
/// in the journal. A run does not record whom it withheld, and the cells of such rows are never read, so people who
/// may be among them are returned without a name. Rehearsals are left out unless they are requested.
pub fn people(state: &State, query: &str, rehearsals: bool) -> Result<People, AppError> {
    let journal = Journal::open(state)?;
    let wanted = Wanted::of(query);
    let mut found = Found::default();
    let mut files = BTreeSet::new();
    let all = journal.runs()?;
    let runs = all
        .iter()
        .filter(|run| rehearsals || !is_rehearsal(run))
        .take(SEARCHED_RUNS);
    let runs: Vec<&RunRecord> = runs.collect();
    for run in &runs {
        // The file of an undo names records only.
        let is_roster = run.command != "undo" && Path::new(&run.file).is_file();
        if !is_roster || files.contains(&run.file) || files.len() == SEARCHED_ROSTERS {
            continue;
        }
        // A file that has changed since, or cannot be read now, was not the run's.
        if let Ok(prepared) = roster_of(run) {
            files.insert(run.file.clone());
            in_roster(&journal, run, &prepared, &wanted, &mut found)?;
        }
    }
    for run in &runs {
        in_changes(&journal, run, &wanted, &mut found)?;
    }
    let withholding = withholding(&journal, &all)?;
    let mut is_cut = found.people.len() > CANDIDATES;
    let mut people = Vec::new();
    for one in found.people {
        match marks_of(&journal, &one.by, &withholding)? {
            Marks::Protected => {}
            Marks::None => people.push(one.person),
            Marks::Unknown => people.push(FoundPerson {
                name: String::new(),
                class: String::new(),
                ..one.person
            }),
        }
    }
    people.sort_by(|one, other| {
        let of = |person: &FoundPerson| (person.name.to_lowercase(), person.number.clone());
        of(one).cmp(&of(other))
    });
    is_cut |= people.len() > MOST;
    people.truncate(MOST);
    Ok(People { people, is_cut })
}

/// Reads the roster of a run again, if it is still the same.
///
/// # Errors
/// Fails if it cannot be read, or has changed.
pub fn roster_of(run: &RunRecord) -> Result<Prepared, AppError> {
    let mut settings = Settings::of(run)?;
    settings.roster.read.origin = Origin::Page;
    let spec = Arc::new(settings.spec()?);
    let prepared = prepare(&settings.roster, spec, rand::random(), &Unobserved)?;
    match prepared.input.sha256().map_err(RunError::from)? == run.sha256 {
        true => Ok(prepared),
        false => Err(RunError::Changed {
            run: run.name.clone(),
            file: run.file.clone(),
        }
        .into()),
    }
}

/// What is searched for.
struct Wanted {
    /// Values, in lower case.
    values: Vec<String>,
    /// The beginnings of the words of a name, in lower case and without accents.
    words: Vec<String>,
}

impl Wanted {
    fn of(query: &str) -> Wanted {
        let lower = |text: &str| text.to_lowercase();
        // Digits are no name, and a single letter is in too many.
        let is_name = query.trim().chars().count() > 1
            && !query.chars().any(|c| c.is_ascii_digit() || c == '@');
        let words = query.split_whitespace().filter(|_| is_name);
        Wanted {
            values: searched(query).iter().map(|text| lower(text)).collect(),
            words: words
                .map(plain_letters)
                .filter(|word| !word.is_empty())
                .collect(),
        }
    }

    fn is_value(&self, cell: &str) -> bool {
        let cell = cell.trim().to_lowercase();
        !cell.is_empty() && self.values.contains(&cell)
    }

    fn is_name(&self, name: &str) -> bool {
        let name = plain_letters(name);
        let mut words = self.words.iter();
        let has = |word: &String| {
            name.split([' ', '-'])
                .any(|part| part.starts_with(word.as_str()))
        };
        let is_whole = |word: &String| name.contains(word.as_str()) && word.contains('-');
        !self.words.is_empty() && words.all(|word| has(word) || is_whole(word))
    }
}

#[derive(Default)]
struct Found {
    people: Vec<Candidate>,
    known: BTreeSet<String>,
}

/// A person who matches the search.
struct Candidate {
    person: FoundPerson,
    /// The values that name the person, as written.
    by: Vec<String>,
}

impl Found {
    /// Adds a person who has none of these values in common with one who is known.
    fn add(&mut self, person: FoundPerson, values: &[&str]) {
        let values = values.iter().filter(|value| !value.is_empty());
        let by: Vec<String> = values.map(|value| value.to_string()).collect();
        let values: Vec<String> = by.iter().map(|value| bare(value)).collect();
        let is_known = values.iter().any(|value| self.known.contains(value));
        self.known.extend(values);
        if !is_known && self.people.len() <= CANDIDATES {
            self.people.push(Candidate { person, by });
        }
    }
}

/// A value without what groups its characters, so that its spellings are the same.
fn bare(value: &str) -> String {
    let letters = value.chars().filter(|c| c.is_alphanumeric());
    let bare: String = letters.flat_map(char::to_lowercase).collect();
    let is_number = bare.bytes().all(|byte| byte.is_ascii_digit());
    match bare.len() {
        // An identity number with its century.
        12 if is_number && (bare.starts_with("19") || bare.starts_with("20")) => {
            bare[2..].to_owned()
        }
        _ => bare,
    }
}

fn in_roster(
    journal: &Journal,
    run: &RunRecord,
    prepared: &Prepared,
    wanted: &Wanted,
    found: &mut Found,
) -> Result<(), AppError> {
    let (map, spec) = (prepared.checker.map(), prepared.checker.spec());
    let naming = Naming::of(prepared);
    let keys = key_columns(prepared);
    let number = spec.field(NUMBER).and_then(|field| map.column(field));
    let key = prepared.survey.key().and_then(|field| map.column(field));
    let withheld = journal.rows_in(run.id, &[RowState::Withheld])?;
    let rows = rows_seen(prepared, |raw, _| {
        let cells: Vec<String> = (0..prepared.input.header().len())
            .map(|column| {
                let cell = raw.cell(column);
                cell.map_or(String::new(), |cell| {
                    String::from_utf8_lossy(cell.bytes()).into_owned()
                })
            })
            .collect();
        let is_found = || cells.iter().any(|cell| wanted.is_value(cell));
        is_found() || wanted.is_name(&naming.name(&cells))
    });
    for seen in rows.map_err(RunError::from)? {
        let cell = |column: usize| seen.cells.get(column).map_or("", |cell| cell.trim());
        let values: Vec<&str> = keys.iter().map(|column| cell(*column)).collect();
        let shown = |value: &&&str| !value.is_empty() && !is_identifier(value);
        let number = number.map_or("", cell);
        let first = values.iter().find(shown).copied().unwrap_or_default();
        let number = Some(number).filter(|it| !it.is_empty()).unwrap_or(first);
        let key = key.map_or("", cell);
        let key = Some(key).filter(|it| !it.is_empty()).unwrap_or(number);
        let person = FoundPerson {
            name: naming.name(&seen.cells),
            class: naming.class(&seen.cells),
            number: number.to_owned(),
            key: key.to_owned(),
        };
        let values = [&values[..], &[number, key]].concat();
        // Records may mark people whom the roster does not mark.
        if withheld.binary_search(&seen.at.row).is_err() {
            found.add(person, &values);
        }
    }
    Ok(())
}

/// Searches what is stored of the changes that a run made.
fn in_changes(
    journal: &Journal,
    run: &RunRecord,
    wanted: &Wanted,
    found: &mut Found,
) -> Result<(), AppError> {
    let Ok(spec) = Settings::of(run).and_then(|settings| settings.spec()) else {
        return Ok(());
    };
    let word = wanted.words.first();
    let names = spec.name_fields();
    journal.each_call_after::<JournalError>(run.id, 0, |call, _| {
        let Some(word) = word else {
            return Ok(false);
        };
        let body = String::from_utf8_lossy(&call.body);
        if !plain_letters(&body).contains(word.as_str()) {
            return Ok(true);
        }
        let sent: Json = serde_json::from_slice(&call.body).unwrap_or_default();
        let names = names.iter().map(|field| value_of(&spec, &sent, *field));
        let name = names.collect::<Vec<_>>().join(" ").trim().to_owned();
        if !wanted.is_name(&name) {
            return Ok(true);
        }
        let id = spec.id_in(&call.path).unwrap_or_default();
        let own = spec.field(NUMBER);
        let own = own.map(|field| value_of(&spec, &sent, field));
        let own = own.filter(|number| !number.is_empty());
        let number = own.unwrap_or_else(|| match is_identifier(&call.key) {
            true => String::new(),
            false => call.key.clone(),
        });
        let person = FoundPerson {
            name,
            class: String::new(),
            number: number.clone(),
            key: call.key.clone(),
        };
        found.add(person, &[&number, &call.key, &id]);
        Ok(true)
    })?;
    Ok(())
}

/// What an update set a field to.
fn value_of(spec: &TargetSpec, sent: &Json, field: usize) -> String {
    let pointer = &spec.fields[field].pointer;
    let sent = spec.sent_in(sent);
    let value = sent.and_then(|sent| Some(pointer.get(sent).ok()??.into_owned()));
    value.map_or(String::new(), |value| {
        value.as_str().unwrap_or_default().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_by_the_beginnings_of_its_words_and_a_number_by_each_spelling() {
        for (query, name, is_found) in [
            ("anna ek", "Anna Ek", true),
            ("EK ann", "Anna Ek", true),
            ("Karin", "Anna-Karin Ek", true),
            ("anna-karin", "Anna-Karin Ek", true),
            ("Åsa", "åsa ek", true),
            ("kovac", "Ana Kovač", true),
            ("KOVAČ", "Ana Kovac", true),
            ("soren ostberg", "Sören Östberg", true),
            ("lukasz", "Łukasz Ek", true),
            // A combining letter, as macOS writes it.
            ("åsa", "A\u{30a}sa Ek", true),
            ("o'brien", "Ann O’Brien", true),
            ("’’", "Anna Ek", false),
            ("Anna Berg", "Anna Ek", false),
            ("a", "Anna Ek", false),
            ("", "Anna Ek", false),
        ] {
            assert_eq!(Wanted::of(query).is_name(name), is_found, "{query}");
        }
        for (query, cell, is_found) in [
            ("20100402-2384", "201004022384", true),
            ("1004022384", "20100402-2384", true),
            ("20100402-2384", "100402-2384", true),
            ("19100101-0101", "100101+0101", true),
            ("Anna.Ek@example.se", "anna.ek@example.se ", true),
            ("2384", "20100402-2384", false),
            ("", "", false),
        ] {
            assert_eq!(Wanted::of(query).is_value(cell), is_found, "{query}");
        }
        assert_eq!(bare("20100402-2384"), bare("100402-2384"));
    }
}
