//! The survey counts rows and problems and finds duplicates in the whole file.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::holding::Holding;
use super::identity::{Suspect, make_certain, move_doubts};
use super::row::{CheckedRow, Checker};
use super::unique::{DuplicatePolicy, Duplicates, Seen, Stretches};
use crate::l10n::message;
use crate::model::{Lines, Problem, RowAt, Value};
use crate::read::{Cell, Input, RawRow, ReadError, Table};
use crate::targets::{FieldSpec, TargetSpec};

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
        let left_out: RowSet = duplicates.rows().map(|(row, _)| row).collect();
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

    /// The number of valid rows, without those about protected persons.
    pub fn valid(&self) -> u64 {
        self.rows - self.invalid - self.withheld.len() as u64
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

/// A field whose values must be unique.
struct Unique {
    field: usize,
    /// Whether case is ignored.
    folds: bool,
    /// For a key: the other fields in the record's path. Equal ids with different paths identify different
    /// records.
    path: Vec<usize>,
}

impl Unique {
    /// The unique fields of the target.
    fn all(checker: &Checker, key: Option<usize>) -> Vec<Unique> {
        let spec = checker.spec();
        let fields = spec.fields.iter().enumerate();
        let is_key = |index: &usize| key == Some(*index) || checker.other_keys().contains(index);
        let unique = fields.filter(|(index, field)| field.unique || is_key(index));
        let of = |(index, field): (usize, &FieldSpec)| Unique {
            field: index,
            // Mailboxes that differ only by case are the same in practice, and the API responds with 409.
            folds: field.folds_case(),
            path: match key {
                Some(key) if key == index => spec
                    .path_fields()
                    .filter_map(|name| spec.field(name))
                    .filter(|other| *other != index)
                    .collect(),
                _ => Vec::new(),
            },
        };
        unique.map(of).collect()
    }

    /// The normalized value of a row, or `None` if it is empty.
    fn text<'a>(&self, values: &'a [Option<Value<'_>>]) -> Option<Cow<'a, str>> {
        let mut text = values[self.field].as_ref()?.as_text();
        if text.is_empty() {
            return None;
        }
        for other in &self.path {
            if let Some(value) = &values[*other] {
                text = Cow::Owned(format!("{}/{text}", value.as_text()));
            }
        }
        if self.folds && may_have_capitals(text.as_bytes()) {
            text = Cow::Owned(text.to_lowercase());
        }
        Some(text)
    }
}

/// Whether a byte is an ASCII capital or not ASCII. The loop has no early exit, so the compiler vectorizes it.
fn may_have_capitals(bytes: &[u8]) -> bool {
    bytes.iter().fold(false, |found, byte| {
        found | byte.is_ascii_uppercase() | !byte.is_ascii()
    })
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
            seen: vec![vec![Vec::with_capacity(table.len())]; unique.len()],
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
}

impl Stretch {
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

/// A set of row numbers with one bit per row.
#[derive(Default)]
struct RowSet {
    words: BTreeMap<u64, u64>,
}

impl RowSet {
    fn insert(&mut self, row: u64) {
        *self.words.entry(row / 64).or_default() |= 1 << (row % 64);
    }

    fn append(&mut self, other: RowSet) {
        for (index, word) in other.words {
            *self.words.entry(index).or_default() |= word;
        }
    }

    fn count(&self) -> u64 {
        self.words
            .values()
            .map(|word| u64::from(word.count_ones()))
            .sum()
    }

    fn contains(&self, row: u64) -> bool {
        self.words
            .get(&(row / 64))
            .is_some_and(|word| word & 1 << (row % 64) != 0)
    }
}

impl FromIterator<u64> for RowSet {
    fn from_iter<I: IntoIterator<Item = u64>>(rows: I) -> RowSet {
        let mut set = RowSet::default();
        rows.into_iter().for_each(|row| set.insert(row));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::sample::{Roster, built_in, target};

    const CLUB: [(&str, &str); 3] = [
        ("name", "kind = \"text\""),
        ("mail", "kind = \"email\"\nunique = true"),
        ("points", "kind = \"integer\""),
    ];

    fn surveyed(roster: &Roster, policy: DuplicatePolicy) -> Survey {
        survey(&roster.input, &roster.checker, Some(0), policy, 7, &|_| {}).unwrap()
    }

    /// Returns the count of each code.
    fn counts(groups: &Groups) -> Vec<(&str, u64)> {
        let counts = groups.iter().map(|(code, group)| (&**code, group.count));
        counts.collect()
    }

    #[test]
    fn rows_that_share_a_unique_value_are_listed() {
        let text = "id;name;mail;points\n1;A;a@b.se;\n2;B;x@b.se;\n3;C;a@b.se;\n4;D;a@b.se;\n1;E;e@b.se;\n";
        let roster = Roster::of(&target(&CLUB), text);
        let found = surveyed(&roster, DuplicatePolicy::Error);
        let sharing: Vec<Vec<u64>> = (1..=5).map(|row| found.sharing(row)).collect();
        assert_eq!(
            sharing,
            [vec![3, 4, 5], vec![], vec![1, 4], vec![1, 3], vec![1]]
        );
        assert_eq!(found.repeated_by(4).collect::<Vec<_>>(), [(2, 1)]);
        // A superseded row is not a problem.
        let found = surveyed(&roster, DuplicatePolicy::Last);
        assert_eq!(found.sharing(5), Vec::<u64>::new());
    }

    #[test]
    fn rows_and_findings_are_counted() {
        let text = "id;name;mail;points\n\
            1;Anna;a@b.se;\n\
            ;;;\n\
            2;'Bo;x@;\n\
            3;Malm?;x@;y\n\
            4;'Eva;;7\n\
            5;;x@;\n\
            6;;x@;\n\
            7;;x@;\n\
            8;;x@;\n";
        let roster = Roster::of(&target(&CLUB), text);
        let ends = std::sync::Mutex::new(Vec::new());
        let report = |end| ends.lock().unwrap().push(end);
        let key = Some(0);
        let found = survey(
            &roster.input,
            &roster.checker,
            key,
            DuplicatePolicy::Error,
            7,
            &report,
        );
        let found = found.unwrap();
        assert_eq!(*ends.lock().unwrap(), [text.len() as u64]);
        let rows = (
            found.rows,
            found.empty_rows,
            found.invalid,
            found.superseded,
        );
        assert_eq!(rows, (8, 1, 6, 0));
        assert_eq!((found.problems, found.warnings), (7, 1));
        assert_eq!(
            counts(&found.groups),
            [("email.no_domain", 6), ("integer.format", 1)]
        );
        assert_eq!(counts(&found.doubts), [("text.question_mark", 1)]);
        assert_eq!(counts(&found.restored), [("text.apostrophe", 2)]);
        assert_eq!(found.filled, [2, 2, 1, 1]);
        let lines: Vec<u64> = found.first_invalid.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [4, 5, 7, 8, 9], "the first five");
        let both = Problem::join(&found.first_invalid[1].1);
        assert!(both.contains("mail") && both.contains("points"), "{both}");
        let first: Vec<_> = found.groups["email.no_domain"]
            .first
            .iter()
            .map(|first| (first.at.row, first.at.sheet_row, first.cells.join("|")))
            .collect();
        assert_eq!(
            first,
            [
                (2, 4, "2|'Bo|x@|".to_owned()),
                (3, 5, "3|Malm?|x@|y".to_owned()),
                (5, 7, "5||x@|".to_owned()),
            ]
        );
        assert_eq!(
            (found.key(), found.line_of(4), found.lines().line_of(5)),
            (Some(0), 6, 7)
        );
        assert!(!found.has_repetitions());
        let again = found.again(&roster.input, &roster.checker).unwrap();
        assert_eq!((again.rows, again.problems, again.key()), (8, 7, Some(0)));
    }

    #[test]
    fn a_long_cell_is_kept_shortened() {
        let long = "a".repeat(1025);
        let roster = Roster::of(&target(&CLUB), &format!("id;name;mail\n1;{long};x@\n"));
        let found = surveyed(&roster, DuplicatePolicy::Error);
        assert_eq!(found.groups["email.no_domain"].first[0].cells[1], long[1..]);
    }

    #[test]
    fn the_policy_determines_which_duplicates_are_sent() {
        let text = "id;mail;points\n1;a@b.se;\n2;c@d.se;\n1;A@b.se;x\n1;c@d.se;\n3;C@D.se;\n";
        let roster = Roster::of(&target(&CLUB), text);
        let (id, mail) = (("text.duplicate", 2), ("email.duplicate", 3));
        for (policy, expected, of_rows) in [
            (
                DuplicatePolicy::Error,
                (3, 0, vec![mail, ("integer.format", 1), id]),
                [None, None, None, None, None],
            ),
            // Row 3 is invalid, so row 4 is the duplicate of row 1. Superseded rows do not count as
            // duplicates.
            (
                DuplicatePolicy::First,
                (2, 1, vec![("email.duplicate", 1), ("integer.format", 1)]),
                [None, None, None, Some(1), None],
            ),
            (
                DuplicatePolicy::Last,
                (3, 1, vec![("email.duplicate", 2), ("integer.format", 1)]),
                [Some(4), None, None, None, None],
            ),
        ] {
            let found = surveyed(&roster, policy);
            let counted = (found.invalid, found.superseded, counts(&found.groups));
            assert_eq!(counted, expected, "{policy:?}");
            assert_eq!(
                found.problems,
                expected.2.iter().map(|(_, count)| count).sum::<u64>()
            );
            assert!(found.has_repetitions());
            let superseded = [1, 2, 3, 4, 5].map(|row| found.superseded_by(row));
            assert_eq!(superseded, of_rows, "{policy:?}");
        }
    }

    #[test]
    fn problems_caused_by_other_rows_are_added() {
        let text = "id;name;mail\n1;NULL;a@b.se\n2;Bo;A@b.se\n1;NULL;\n";
        let roster = Roster::of(&target(&CLUB), text);
        let others = |policy| {
            let found = surveyed(&roster, policy);
            roster.each(|_, mut row| {
                found.add_problems_of_others(&roster.checker, &mut row);
                let problems = row.problems.iter();
                problems
                    .map(|one| format!("{} {} {}", one.field, one.code, one.value))
                    .collect::<Vec<_>>()
                    .join(", ")
            })
        };
        assert_eq!(
            others(DuplicatePolicy::Error),
            [
                "name text.no_value NULL",
                "mail email.duplicate A@b.se",
                "id text.duplicate 1, name text.no_value NULL",
            ]
        );
        assert_eq!(
            others(DuplicatePolicy::First),
            ["name text.no_value NULL", "", "name text.no_value NULL"]
        );
        let found = surveyed(&roster, DuplicatePolicy::Error);
        let first = &found.groups["email.duplicate"].first[0];
        assert_eq!((first.at.row, first.at.sheet_row), (2, 3));
        assert_eq!(
            (&*first.problem.column, &*first.problem.field),
            ("mail", "mail")
        );
        assert_eq!(first.problem.message, message::row_duplicate(2));
    }

    #[test]
    fn repeated_doubts_in_a_file_are_problems() {
        let spec = target(&CLUB);
        for (names, expected, invalid) in [
            (&["NULL"][..], "?text.no_value", 0),
            (&["NULL", "NULL"], "text.no_value 2", 2),
            (&["NULL", "nan"], "?text.no_value", 0),
            (&["Null", "Null"], "?text.no_value", 0),
            (&["-", "-"], "?text.no_value", 0),
            (&["S?derlund"], "?text.question_mark", 0),
            (&["Malm?", "Vem?"], "?text.question_mark", 0),
            (&["S?derlund", "Malm?"], "text.question_mark 2", 2),
            (
                &["S?derlund", "Bj?rk", "Malm?", "A"],
                "text.question_mark 3",
                3,
            ),
            (
                &["S?derlund", "NULL"],
                "?text.no_value ?text.question_mark",
                0,
            ),
        ] {
            let mut text = "id;name\n".to_owned();
            for (row, name) in names.iter().enumerate() {
                text += &format!("{row};{name}\n");
            }
            let found = surveyed(&Roster::of(&spec, &text), DuplicatePolicy::Error);
            let wrong = found.groups.iter();
            let wrong = wrong.map(|(code, group)| format!("{code} {}", group.count));
            let doubts = found.doubts.keys().map(|code| format!("?{code}"));
            let all: Vec<String> = wrong.chain(doubts).collect();
            assert_eq!(all.join(" "), expected, "{names:?}");
            assert_eq!(
                (found.invalid, found.problems),
                (invalid, invalid),
                "{names:?}"
            );
            assert_eq!(found.has_repetitions(), invalid > 0, "{names:?}");
            if let Some(group) = found.groups.get("text.no_value") {
                assert_eq!(
                    group.first[0].problem.message,
                    message::cell_no_value("NULL")
                );
            }
        }
    }

    #[test]
    fn addresses_ignore_case_and_ids_do_not() {
        let text = "id;mail\na;Ärla@b.se\nA;ärla@b.se\nb;a@b.SE\nc;A@B.se\nd;\ne;\n";
        let roster = Roster::of(&target(&CLUB), text);
        let found = surveyed(&roster, DuplicatePolicy::Error);
        assert_eq!(counts(&found.groups), [("email.duplicate", 2)]);
    }

    #[test]
    fn ids_are_duplicates_only_with_the_same_path() {
        let spec = built_in("pathwright");
        let key = spec.field("external_id");
        let text = "external_id;integration\n1;external\n1;saml2\n1;external\n2;saml2\n";
        let roster = Roster::of(&spec, text);
        let policy = DuplicatePolicy::Error;
        let found = survey(&roster.input, &roster.checker, key, policy, 7, &|_| {}).unwrap();
        let duplicates: Vec<_> = found.duplicates.rows().collect();
        assert_eq!(duplicates, [(3, key.unwrap())]);
        // Without a key, the field is unique like any other.
        let found = survey(&roster.input, &roster.checker, None, policy, 7, &|_| {}).unwrap();
        assert_eq!((found.invalid, found.key()), (2, None));
    }

    #[test]
    fn an_unmapped_column_is_matched_to_a_free_field_of_its_kind() {
        let mut text = "id;name;what;other\n".to_owned();
        for row in 0..10 {
            text += &format!("{row};Anna;a{row}@b.se;Anna\n");
        }
        let spec = target(&CLUB);
        let found = surveyed(&Roster::of(&spec, &text), DuplicatePolicy::Error);
        let mail = spec.field("mail");
        assert_eq!(found.held_in(2, &spec, &|_| true), mail);
        assert_eq!(found.held_in(2, &spec, &|field| Some(field) != mail), None);
        assert_eq!(found.held_in(3, &spec, &|_| true), None);
        assert_eq!(found.held_in(1, &spec, &|_| true), None);
    }

    #[test]
    fn results_of_row_ranges_are_joined_in_file_order() {
        let text = "id;name;mail;what\n\
            1;'Anna;x@;2010-04-02\n2;'Anna;x@;\n3;NULL;y@z.se;\n4;'Anna;x@;x\n5;NULL;;2010-04-02\n6;A;x@;\n7;A;x@;\n8;A;x@;\n";
        let roster = Roster::of(&target(&CLUB), text);
        let unique = Unique::all(&roster.checker, Some(0));
        let of = || {
            roster
                .tables(|table| Stretch::of(table, &roster.checker, &unique, 7))
                .remove(0)
        };
        assert_eq!(of().first_invalid.len(), 5);
        let mut total = of();
        total.append(of());
        assert_eq!(
            (total.rows, total.problems, total.invalid.count()),
            (16, 12, 6)
        );
        assert_eq!(total.filled, [4, 4, 2, 0]);
        assert_eq!(total.first_invalid.len(), 5);
        let group = &total.groups["email.no_domain"];
        let first: Vec<u64> = group.first.iter().map(|first| first.at.row).collect();
        assert_eq!((group.count, first), (12, vec![1, 1, 2]));
        assert_eq!(total.restored["text.apostrophe"].count, 6);
        let (_, (suspects, rows)) = total.suspects.first_key_value().unwrap();
        assert_eq!((suspects.count, rows.count()), (4, 2));
        assert_eq!(total.seen.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2]);
        assert_eq!(total.seen[0][0].len(), 8);
        assert_eq!(total.holdings.len(), 1);
        assert_eq!(total.holdings[0].1.kind(), None);
    }

    #[test]
    fn a_set_of_rows_contains_its_rows() {
        let rows = [0, 1, 63, 64, 65, 200, 200];
        let mut set: RowSet = rows.into_iter().collect();
        assert_eq!(set.count(), 6);
        set.append([65, 66, 1000].into_iter().collect());
        let found: Vec<u64> = (0..1100).filter(|row| set.contains(*row)).collect();
        assert_eq!(found, [0, 1, 63, 64, 65, 66, 200, 1000]);
        assert_eq!(set.count(), 8);
    }

    #[test]
    fn capitals_are_found() {
        for text in ["Anna", "annA@b.se", "åsa", "ÅÄÖ", "a@É.se"] {
            assert!(may_have_capitals(text.as_bytes()), "{text}");
        }
        for text in ["", "anna@b.se", "[a-z]_1"] {
            assert!(!may_have_capitals(text.as_bytes()), "{text}");
        }
    }
}
