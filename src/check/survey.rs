//! The survey counts rows and problems and finds duplicates in the whole file.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::checker::Checker;
use super::holding::Holding;
use super::identity::{Suspect, make_certain, move_doubts};
use super::row::CheckedRow;
use super::row_set::RowSet;
use super::unique::{DuplicatePolicy, Duplicates, Seen, Stretches, Unique};
use crate::l10n::message;
use crate::model::{Lines, Problem, RowAt};
use crate::read::{Cell, Input, RawRow, ReadError, Table};
use crate::targets::TargetSpec;

/// The results of a pass over all rows: counts, problems, and findings that require the whole file.
#[derive(Debug)]
pub struct Survey {
    /// Rows in the file.
    pub rows: u64,
    /// Rows that contain only delimiters. They do not count as rows.
    pub empty_rows: u64,
    /// Rows with at least one problem, duplicates included.
    pub invalid: u64,
    /// The spreadsheet row numbers of the rows about protected persons, ascending.
    pub withheld: Vec<u64>,
    /// Rows that the user skipped.
    pub skipped: u64,
    /// Valid rows that are excluded because another row has the same key.
    pub superseded: u64,
    /// All problems. A row can have several.
    pub problems: u64,
    /// Problems by code.
    pub groups: BTreeMap<Cow<'static, str>, ProblemGroup>,
    /// The number of doubtful values.
    pub warnings: u64,
    /// Doubtful values by code.
    pub doubts: BTreeMap<Cow<'static, str>, ProblemGroup>,
    /// Repairs by code.
    pub restored: BTreeMap<Cow<'static, str>, ProblemGroup>,
    /// The number of values of each field, by position, in rows without problems of their own.
    pub filled: Vec<u64>,
    /// The first rows with problems of their own: spreadsheet row number and problems.
    pub first_invalid: Vec<(u64, Vec<Problem>)>,
    lines: Lines,
    duplicates: Duplicates,
    /// Doubts that several cells share and that are therefore problems.
    repeated: BTreeSet<Suspect>,
    /// Samples of the unmapped columns.
    holdings: Vec<(usize, Holding)>,
    key: Option<usize>,
    policy: DuplicatePolicy,
    seed: u64,
}

/// The problems that share a code.
#[derive(Debug, Default, Clone)]
pub struct ProblemGroup {
    /// The number of problems.
    pub count: u64,
    /// The first problems, in the file's order.
    pub first: Vec<FirstProblem>,
}

/// A problem with its row.
#[derive(Debug, Clone)]
pub struct FirstProblem {
    /// The row's position.
    pub at: RowAt,
    /// The problem.
    pub problem: Problem,
    /// The beginnings of the row's cells; empty if the problem is already shown for other rows.
    pub cells: Vec<String>,
}

/// The number of problems shown per code.
const SHOWN: usize = 3;

/// The number of bytes stored of each cell.
const LONGEST_SHOWN: usize = 1024;

/// The number of rows shown with all of their problems.
const SHOWN_ROWS: usize = 5;

/// Reads and checks all rows of `input` in parallel. Memory use is 16 bytes per row and unique field.
///
/// `key` is the field that finds the record; `seed` is the run's random number. `told` is called regularly
/// with the number of bytes of text read.
pub fn survey(
    input: &Input,
    checker: &Checker,
    key: Option<usize>,
    policy: DuplicatePolicy,
    seed: u64,
    told: &dyn Fn(u64),
) -> Result<Survey, ReadError> {
    let unique = Unique::all(checker, key);
    let mut total = Stretch {
        seen: vec![Vec::new(); unique.len()],
        filled: vec![0; checker.spec().fields.len()],
        ..Stretch::default()
    };
    input.scan(
        |table| Stretch::of(table, checker, &unique, seed),
        |stretch| {
            told(stretch.end);
            total.append(stretch);
            Ok::<bool, ReadError>(true)
        },
    )?;

    let repeated = total.refuse_repeated();
    let mut seen: Vec<(usize, Stretches)> = unique
        .into_iter()
        .map(|unique| unique.field)
        .zip(std::mem::take(&mut total.seen))
        .collect();
    let mut duplicates = Duplicates::default();
    if policy != DuplicatePolicy::Error
        && let Some(position) = seen.iter().position(|(field, _)| Some(*field) == key)
    {
        // The row to send is chosen among the valid rows with the same key. The other rows are then excluded
        // from further duplicate checks.
        let (field, mut keys) = seen.swap_remove(position);
        for stretch in &mut keys {
            stretch.retain(|seen| !total.invalid.contains(seen.row()));
        }
        duplicates.add(vec![(field, keys)], policy == DuplicatePolicy::Last);
        let left_out: RowSet = duplicates.all().map(|(row, ..)| row).collect();
        for values in seen.iter_mut().flat_map(|(_, stretches)| stretches) {
            values.retain(|seen| {
                !left_out.contains(seen.row()) && !total.invalid.contains(seen.row())
            });
        }
    }
    duplicates.add(seen, false);
    let mut survey = Survey {
        rows: total.rows,
        // An excluded hidden row is written as an empty row.
        empty_rows: match input.skips_hidden() {
            true => total.empty_rows.saturating_sub(input.hidden_rows()),
            false => total.empty_rows,
        },
        invalid: 0,
        withheld: total.withheld,
        skipped: total.skipped,
        superseded: 0,
        problems: total.problems,
        groups: total.groups,
        warnings: total.doubts.values().map(|group| group.count).sum(),
        doubts: total.doubts,
        restored: total.restored,
        filled: total.filled,
        first_invalid: total.first_invalid,
        lines: total.lines,
        duplicates,
        repeated,
        holdings: total.holdings,
        key,
        policy,
        seed,
    };
    survey.count_duplicates(checker, &mut total.invalid);
    survey.invalid = total.invalid.count();
    Ok(survey)
}

impl Survey {
    fn count_duplicates(&mut self, checker: &Checker, invalid: &mut RowSet) {
        let mut superseded = RowSet::default();
        for (row, field, other) in self.duplicates.all() {
            if self.key == Some(field) && self.policy != DuplicatePolicy::Error {
                superseded.insert(row);
                continue;
            }
            invalid.insert(row);
            self.problems += 1;
            let at = RowAt {
                row,
                sheet_row: self.lines.line_of(row),
                ..RowAt::default()
            };
            note(
                &mut self.groups,
                at,
                duplicate_problem(checker, field, self.lines.line_of(other)),
                None,
            );
        }
        self.superseded = superseded.count();
    }

    /// Whether some problems of rows depend on other rows.
    pub fn has_repetitions(&self) -> bool {
        self.duplicates.all().next().is_some() || !self.repeated.is_empty()
    }

    /// The fields in which a row repeats a value, each with the row that has the value first.
    pub fn repeated_by(&self, row: u64) -> impl Iterator<Item = (usize, u64)> + '_ {
        let repeated = self.duplicates.of_row(row);
        repeated.filter(|(field, _)| !self.supersedes(*field))
    }

    /// The other rows that share a unique value with this row, ascending.
    pub fn sharing(&self, row: u64) -> Vec<u64> {
        let kept: BTreeSet<(usize, u64)> = self.repeated_by(row).collect();
        let mut sharing = BTreeSet::new();
        for (by, field, of) in self.duplicates.all() {
            let is_shared = of == row || by == row || kept.contains(&(field, of));
            if is_shared && !self.supersedes(field) {
                sharing.extend([by, of]);
            }
        }
        sharing.remove(&row);
        sharing.into_iter().collect()
    }

    fn supersedes(&self, field: usize) -> bool {
        self.key == Some(field) && self.policy != DuplicatePolicy::Error
    }

    /// The number of valid rows, without skipped rows and those about protected persons.
    pub fn valid(&self) -> u64 {
        self.rows - self.invalid - self.skipped - self.withheld.len() as u64
    }

    /// The spreadsheet row number of a row in the original file.
    pub fn line_of(&self, row: u64) -> u64 {
        self.lines.line_of(row)
    }

    /// The spreadsheet row numbers of all rows.
    pub fn lines(&self) -> &Lines {
        &self.lines
    }

    /// Repeats the survey for an input with edited cells.
    pub fn again(&self, input: &Input, checker: &Checker) -> Result<Survey, ReadError> {
        survey(input, checker, self.key, self.policy, self.seed, &|_| {})
    }

    /// The position of the first free field whose kind matches a column's cells.
    pub fn held_in(
        &self,
        column: usize,
        spec: &TargetSpec,
        is_free: &dyn Fn(usize) -> bool,
    ) -> Option<usize> {
        let (_, holding) = self.holdings.iter().find(|(own, _)| *own == column)?;
        let kind = holding.kind()?;
        (0..spec.fields.len()).find(|field| spec.fields[*field].kind == kind && is_free(*field))
    }

    /// The position of the field that finds the record.
    pub fn key(&self) -> Option<usize> {
        self.key
    }

    /// Adds the problems that `row` has because of other rows.
    pub fn add_problems_of_others(&self, checker: &Checker, row: &mut CheckedRow<'_>) {
        for (field, other) in self.duplicates.of_row(row.at.row) {
            if !self.supersedes(field) {
                let mut problem = duplicate_problem(checker, field, self.lines.line_of(other));
                let value = row.values[field].as_ref();
                problem.value = value.map_or(String::new(), |value| value.as_text().into_owned());
                row.problems.push(problem);
            }
        }
        move_doubts(row, |suspect| self.repeated.contains(&suspect));
    }

    /// The row that is sent in place of `row`, if another row with the same key is.
    pub fn superseded_by(&self, row: u64) -> Option<u64> {
        self.duplicates
            .of_row(row)
            .find(|(field, _)| self.supersedes(*field))
            .map(|(_, other)| other)
    }
}

fn duplicate_problem(checker: &Checker, field: usize, other: u64) -> Problem {
    let spec = &checker.spec().fields[field];
    Problem {
        column: checker.map().column(field).map_or(String::new(), |column| {
            checker.map().header(column).to_owned()
        }),
        field: spec.name().to_owned(),
        api_name: None,
        code: Cow::Owned(format!("{}.duplicate", spec.kind.as_str())),
        message: message::row_duplicate(other),
        value: String::new(),
    }
}

/// Problems by code.
type Groups = BTreeMap<Cow<'static, str>, ProblemGroup>;

fn note(groups: &mut Groups, at: RowAt, problem: Problem, row: Option<&RawRow<'_>>) {
    let group = groups.entry(problem.code.clone()).or_default();
    group.add(at, problem, row);
}

impl ProblemGroup {
    fn add(&mut self, at: RowAt, problem: Problem, row: Option<&RawRow<'_>>) {
        self.count += 1;
        if self.first.len() == SHOWN {
            return;
        }
        // Rows are shown on one line, which fits only a few cells.
        let cell = |cell: Cell<'_>| {
            let bytes = cell.bytes();
            let begins = bytes.get(..LONGEST_SHOWN).unwrap_or(bytes);
            String::from_utf8_lossy(begins).into_owned()
        };
        self.first.push(FirstProblem {
            at,
            problem,
            cells: row.map_or(Vec::new(), |row| row.cells().map(cell).collect()),
        });
    }

    /// Adds another group with the same code.
    fn append(&mut self, other: ProblemGroup) {
        self.count += other.count;
        self.first.extend(other.first);
        self.first.sort_by_key(|first| first.at.row);
        self.first.truncate(SHOWN);
    }
}

/// The results for a range of rows.
#[derive(Default)]
struct Stretch {
    /// The end of the range in the file's text, in bytes.
    end: u64,
    rows: u64,
    empty_rows: u64,
    problems: u64,
    invalid: RowSet,
    skipped: u64,
    withheld: Vec<u64>,
    lines: Lines,
    groups: Groups,
    doubts: Groups,
    restored: Groups,
    /// Doubts that become problems if several cells share them, with the rows.
    suspects: BTreeMap<Suspect, (ProblemGroup, RowSet)>,
    filled: Vec<u64>,
    holdings: Vec<(usize, Holding)>,
    first_invalid: Vec<(u64, Vec<Problem>)>,
    /// The values of each unique field.
    seen: Vec<Stretches>,
}

impl Stretch {
    fn of(table: &Table, checker: &Checker, unique: &[Unique], seed: u64) -> Stretch {
        let mut stretch = Stretch {
            // A clone of an empty vector has no capacity.
            seen: unique
                .iter()
                .map(|_| vec![Vec::with_capacity(table.len())])
                .collect(),
            empty_rows: table.empty_rows(),
            end: table.end(),
            filled: vec![0; checker.spec().fields.len()],
            holdings: Holding::of_columns(table, checker),
            ..Stretch::default()
        };
        let mut checked = CheckedRow::default();
        for row in table.rows() {
            checker.check_into(&row, &mut checked);
            stretch.rows += 1;
            stretch.lines.note(checked.at.row, checked.at.sheet_row);
            if checked.is_withheld {
                stretch.withheld.push(checked.at.sheet_row);
                continue;
            }
            if checked.is_skipped {
                stretch.skipped += 1;
                continue;
            }
            for (seen, unique) in stretch.seen.iter_mut().flatten().zip(unique) {
                if let Some(text) = unique.text(&checked.values) {
                    seen.push(Seen::new(&text, seed, row.at.row));
                }
            }
            stretch.take(&mut checked, &row);
        }
        stretch
    }

    fn take(&mut self, checked: &mut CheckedRow<'_>, row: &RawRow<'_>) {
        if checked.is_valid() {
            for (filled, value) in self.filled.iter_mut().zip(&checked.values) {
                *filled += u64::from(value.is_some());
            }
        }
        if !checked.has_findings() {
            return;
        }
        for restored in checked.restored.drain(..) {
            note(&mut self.restored, checked.at, restored, Some(row));
        }
        for doubt in checked.doubts.drain(..) {
            match Suspect::of(&doubt) {
                None => note(&mut self.doubts, checked.at, doubt, Some(row)),
                Some(suspect) => {
                    let (group, rows) = self.suspects.entry(suspect).or_default();
                    rows.insert(checked.at.row);
                    group.add(checked.at, doubt, Some(row));
                }
            }
        }
        if checked.problems.is_empty() {
            return;
        }
        self.invalid.insert(checked.at.row);
        if self.first_invalid.len() < SHOWN_ROWS {
            let line = checked.at.sheet_row;
            self.first_invalid.push((line, checked.problems.clone()));
        }
        self.problems += checked.problems.len() as u64;
        for problem in checked.problems.drain(..) {
            note(&mut self.groups, checked.at, problem, Some(row));
        }
    }

    fn append(&mut self, next: Stretch) {
        self.rows += next.rows;
        self.empty_rows += next.empty_rows;
        self.problems += next.problems;
        self.skipped += next.skipped;
        self.invalid.append(next.invalid);
        self.withheld.extend(next.withheld);
        self.first_invalid.extend(next.first_invalid);
        self.first_invalid.truncate(SHOWN_ROWS);
        for (own, filled) in self.filled.iter_mut().zip(next.filled) {
            *own += filled;
        }
        self.lines.append(next.lines);
        match self.holdings.is_empty() {
            true => self.holdings = next.holdings,
            false => {
                let others = self.holdings.iter_mut().zip(next.holdings);
                others.for_each(|((_, own), (_, next))| own.append(next));
            }
        }
        for (own, next) in [
            (&mut self.groups, next.groups),
            (&mut self.doubts, next.doubts),
            (&mut self.restored, next.restored),
        ] {
            for (code, group) in next {
                own.entry(code).or_default().append(group);
            }
        }
        for (suspect, (group, rows)) in next.suspects {
            let (own, own_rows) = self.suspects.entry(suspect).or_default();
            own.append(group);
            own_rows.append(rows);
        }
        for (own, seen) in self.seen.iter_mut().zip(next.seen) {
            own.extend(seen);
        }
    }

    /// Turns doubts that several cells share into problems. Returns these doubts.
    fn refuse_repeated(&mut self) -> BTreeSet<Suspect> {
        let count = |suspect| {
            self.suspects
                .get(&suspect)
                .map_or(0, |(group, _)| group.count)
        };
        let within = count(Suspect::QuestionMark);
        let is_damaged = within > 0 && within + count(Suspect::QuestionMarkAtEdge) > 1;
        let is_certain = |suspect: Suspect| match suspect {
            Suspect::NoValue(_) => count(suspect) > 1,
            // The word may be a family name.
            Suspect::Name(_) => false,
            Suspect::QuestionMark | Suspect::QuestionMarkAtEdge => is_damaged,
        };
        let repeated: BTreeSet<Suspect> = self
            .suspects
            .keys()
            .copied()
            .filter(|one| is_certain(*one))
            .collect();
        for (suspect, (mut group, rows)) in std::mem::take(&mut self.suspects) {
            let Some(code) = group.first.first().map(|first| first.problem.code.clone()) else {
                continue;
            };
            if repeated.contains(&suspect) {
                self.problems += group.count;
                self.invalid.append(rows);
                group
                    .first
                    .iter_mut()
                    .for_each(|first| make_certain(&mut first.problem));
                self.groups.entry(code).or_default().append(group);
            } else {
                self.doubts.entry(code).or_default().append(group);
            }
        }
        repeated
    }
}

#[cfg(test)]
mod tests;
