//! Lines of the rows page: the row, the person, the column, the value and its fault.

use askama::Template;

use super::suggest::suggested;
use crate::app::Naming;
use crate::console::opened::{Again, Checked, Opened};
use crate::console::words::{fault_in_words, notice_in_words, system_name};
use crate::l10n::{Language, Messages, say};
use crate::model::Problem;
use crate::read::Mends;
use crate::run::SeenRow;
use crate::targets::{FieldSpec, Kind};

/// A tab of the rows page: rows to correct, changed rows, or rows with a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) enum Tab {
    Faulty,
    Changed,
    Restored,
    Doubtful,
}

impl Tab {
    pub(super) const ALL: [Tab; 4] = [Tab::Faulty, Tab::Changed, Tab::Restored, Tab::Doubtful];

    pub(super) fn name(self) -> &'static str {
        match self {
            Tab::Faulty => "faulty",
            Tab::Changed => "changed",
            Tab::Restored => "restored",
            Tab::Doubtful => "doubtful",
        }
    }

    pub(super) fn named(name: &str) -> Tab {
        let named = Tab::ALL.into_iter().find(|tab| tab.name() == name);
        named.unwrap_or(Tab::Faulty)
    }

    pub(super) fn in_words(self) -> String {
        match self {
            Tab::Faulty => say().console_tab_faulty(),
            Tab::Changed => say().console_tab_changed(),
            Tab::Restored => say().console_tab_restored(),
            Tab::Doubtful => say().console_tab_doubtful(),
        }
    }

    /// Returns the heading of the column that says why a cell is listed.
    pub(super) fn reason(self) -> String {
        match self {
            Tab::Faulty | Tab::Changed => say().console_fault(),
            Tab::Restored | Tab::Doubtful => say().console_remark(),
        }
    }
}

/// The control that undoes the edits of a row.
#[derive(Template)]
#[template(path = "row_undo.html", config = ".askama.toml")]
pub(super) struct Undo<'a> {
    row: &'a Row,
    is_corrected: bool,
    can_skip: bool,
}

/// A row, with a line for each cell to review.
#[derive(Template)]
#[template(path = "row.html", config = ".askama.toml")]
pub(super) struct Row {
    pub(super) base: String,
    pub(super) say: &'static Messages,
    pub(super) edition: String,
    pub(super) tab: &'static str,
    pub(super) row: u64,
    pub(super) line: u64,
    pub(super) name: String,
    pub(super) class: String,
    pub(super) cells: Vec<Cell>,
    /// The cells of the row without a line; empty until they are requested.
    pub(super) others: Vec<Cell>,
    /// The faults of the row as a whole, and its last outcome.
    pub(super) whole: String,
    /// The code of the fault, for support.
    pub(super) code: String,
    pub(super) is_mended: bool,
    /// Whether the row is skipped, or its cells were emptied.
    pub(super) is_skipped: bool,
}

impl Row {
    pub(super) fn undo(&self) -> Undo<'_> {
        let mut cells = self.cells.iter().chain(&self.others);
        let is_valid = self.whole.is_empty() && cells.all(|cell| cell.fault.is_empty());
        let is_shared = self.cells.iter().any(|cell| cell.is_partner);
        let is_doubtful = self.tab == Tab::Doubtful.name();
        Undo {
            row: self,
            is_corrected: self.is_mended && is_valid,
            can_skip: !self.is_skipped && (!is_valid || is_shared || is_doubtful),
        }
    }

    /// Returns the style of the text about the row as a whole.
    pub(super) fn whole_class(&self) -> &'static str {
        match self.is_skipped {
            true => "doubt",
            false => "fault",
        }
    }
}

pub(super) struct Cell {
    pub(super) column: usize,
    pub(super) header: String,
    pub(super) value: String,
    /// Whether the field may have several lines.
    pub(super) has_lines: bool,
    /// The choices: the value, the label, and whether it is selected; empty for free text.
    pub(super) choices: Vec<(String, String, bool)>,
    pub(super) fault: String,
    pub(super) doubt: String,
    pub(super) suggested: Option<String>,
    pub(super) code: String,
    /// Whether the cell is shown only because another row has the same value.
    pub(super) is_partner: bool,
}

/// Creates the rows of a page.
pub(super) struct Lines<'a> {
    base: &'a str,
    opened: &'a Opened,
    checked: &'a Checked,
    naming: Naming,
    system: String,
}

impl<'a> Lines<'a> {
    pub(super) fn of(base: &'a str, opened: &'a Opened, checked: &'a Checked) -> Lines<'a> {
        Lines {
            base,
            opened,
            checked,
            naming: Naming::of(&checked.prepared),
            system: system_name(&opened.spec),
        }
    }

    /// Creates a row with the lines of a tab. `shared` are the columns in which another row has the same
    /// value, with that row. `is_whole` includes the other cells.
    pub(super) fn row(
        &self,
        seen: &SeenRow,
        tab: Tab,
        shared: &[(usize, u64)],
        is_whole: bool,
    ) -> Row {
        let input = &self.checked.prepared.input;
        let mends = input.mends().of(seen.at.row);
        let width = input.header().len();
        let (mut cells, mut others) = (Vec::new(), Vec::new());
        for column in 0..width.max(seen.cells.len()) {
            let mut cell = self.cell(seen, column);
            let is_mended = mends.is_some_and(|cells| cells.contains_key(&column));
            let header = self.checked.prepared.checker.map().header(column);
            let has = |problems: &[Problem]| {
                column < width
                    && problems
                        .iter()
                        .any(|one| !one.column.is_empty() && one.column == header)
            };
            let is_surplus = column >= width && !cell.value.trim().is_empty();
            let is_line = is_mended
                || is_surplus
                || match tab {
                    Tab::Faulty | Tab::Changed => has(&seen.problems),
                    Tab::Restored => has(&seen.restored) || has(&seen.problems),
                    Tab::Doubtful => has(&seen.doubts) || has(&seen.problems),
                };
            let partner = shared.iter().find(|(shared, _)| *shared == column);
            let partner = partner.filter(|_| cell.fault.is_empty());
            if let Some((_, other)) = partner {
                let line = self.checked.prepared.survey.line_of(*other);
                cell.is_partner = true;
                cell.doubt = say().console_fault_duplicate(line);
            }
            if is_line || cell.is_partner {
                cells.push(cell);
            } else if column < width {
                others.push(cell);
            }
        }
        let (whole, code) = self.whole(seen);
        // A fault of the row as a whole can be corrected in any cell.
        let needs_all = cells.is_empty() && !whole.is_empty() && !seen.is_skipped;
        if !is_whole && !needs_all {
            others.clear();
        }
        Row {
            base: self.base.to_owned(),
            say: say(),
            edition: self.opened.edition.clone(),
            tab: tab.name(),
            row: seen.at.row,
            line: seen.at.sheet_row,
            name: self.naming.name(&seen.cells),
            class: self.naming.class(&seen.cells),
            cells,
            others,
            whole,
            code,
            is_mended: mends.is_some(),
            is_skipped: seen.is_skipped,
        }
    }

    fn cell(&self, seen: &SeenRow, column: usize) -> Cell {
        let checker = &self.checked.prepared.checker;
        let input = &self.checked.prepared.input;
        let value = seen.cells.get(column).cloned().unwrap_or_default();
        let Some(header) = input.header().get(column) else {
            return Cell {
                column,
                header: say().console_surplus(),
                value,
                has_lines: false,
                choices: Vec::new(),
                fault: String::new(),
                doubt: String::new(),
                suggested: None,
                code: String::new(),
                is_partner: false,
            };
        };
        let fields = checker.spec().fields.iter().enumerate();
        let mut fields = fields.filter(|(index, _)| checker.map().column(*index) == Some(column));
        let field = fields.next();
        // Choices are in the language of the header.
        let spoken = Language::spoken().code();
        let language = field.and_then(|(_, field)| checker.map().language_of(field, column));
        let language = language.or(Some(spoken));
        let known = checker.map().header(column);
        let of = |problems: &'_ [Problem]| -> Vec<Problem> {
            let here = problems
                .iter()
                .filter(|one| !one.column.is_empty() && one.column == known);
            here.cloned().collect()
        };
        let problems = of(&seen.problems);
        let mut noticed: Vec<String> = [of(&seen.doubts), of(&seen.restored)]
            .concat()
            .iter()
            .map(notice_in_words)
            .collect();
        let was_filled = |cell: &String| !cell.trim().is_empty();
        if let Some((_, field)) = field
            && value.trim().is_empty()
            && problems.is_empty()
            && seen.before.get(&column).is_some_and(was_filled)
            && field.default.is_none()
            && !(field.nullable && self.opened.roster.check.clears_fields())
        {
            noticed.push(say().console_emptied(self.system.as_str()));
        }
        let faults: Vec<String> = problems
            .iter()
            .map(|one| fault_in_words(one, &self.system))
            .collect();
        let suggested = match (field, problems.first()) {
            (Some((index, field)), Some(problem)) => {
                let is_valid = |value: &serde_json::Value| checker.judge(index, value).is_ok();
                suggested((field, language), &value, problem, is_valid)
            }
            _ => None,
        };
        Cell {
            column,
            header: header.clone(),
            has_lines: field.is_some_and(|(_, field)| field.lines),
            choices: field.map_or(Vec::new(), |(_, field)| choices(field, language, &value)),
            value,
            fault: faults.join(" · "),
            doubt: noticed.join(" · "),
            suggested,
            code: problems
                .first()
                .map_or(String::new(), |one| one.code.to_string()),
            is_partner: false,
        }
    }

    /// Returns the faults of a row as a whole with their code, or that the row is skipped.
    fn whole(&self, seen: &SeenRow) -> (String, String) {
        if seen.is_skipped {
            let text = match self.checked.prepared.input.mends().skips(seen.at.row) {
                true => say().console_row_skipped(),
                false => say().console_row_emptied(),
            };
            return (text, String::new());
        }
        let of_row = seen.problems.iter().filter(|one| one.column.is_empty());
        let mut whole: Vec<String> = of_row
            .clone()
            .map(|one| fault_in_words(one, &self.system))
            .collect();
        let mut code = of_row
            .map(|one| one.code.to_string())
            .next()
            .unwrap_or_default();
        let again = self.opened.again.as_ref();
        let mends = self.checked.prepared.input.mends();
        if let Some((text, of)) =
            again.and_then(|again| last_time(again, mends, seen, &self.system))
        {
            whole.push(text);
            if code.is_empty() {
                code = of;
            }
        }
        (whole.join(" · "), code)
    }
}

/// Returns the choices of a field's cell, or none for free text. A current value that is no choice comes
/// first.
fn choices(field: &FieldSpec, language: Option<&str>, value: &str) -> Vec<(String, String, bool)> {
    let words = words_of(field, language);
    if words.is_empty() {
        return Vec::new();
    }
    let is = |word: &String| word.eq_ignore_ascii_case(value.trim());
    let mut choices: Vec<(String, String, bool)> = Vec::new();
    if !words.iter().any(is) {
        choices.push((value.to_owned(), value.to_owned(), true));
    }
    if !value.trim().is_empty() {
        // The cell can be cleared.
        choices.push((String::new(), String::new(), false));
    }
    choices.extend(words.into_iter().map(|word| {
        let is = word.eq_ignore_ascii_case(value.trim());
        // The spelling in the file is kept until another choice is made.
        (if is { value.to_owned() } else { word.clone() }, word, is)
    }));
    choices
}

/// Returns the words of a field's choices, or none for free text.
pub(super) fn words_of(field: &FieldSpec, language: Option<&str>) -> Vec<String> {
    match field.kind {
        Kind::Choice => {
            let words = field.choices.iter();
            let word = |choice: &String| field.word_for(choice, language).to_owned();
            words.map(word).collect()
        }
        Kind::Boolean => vec![say().console_yes(), say().console_no()],
        _ => Vec::new(),
    }
}

/// Returns the last outcome of a resent row with its code, or nothing if the row was edited since or the
/// check reports it anyway.
fn last_time(
    again: &Again,
    mends: &Mends,
    seen: &SeenRow,
    system: &str,
) -> Option<(String, String)> {
    let outcome = again.stands(seen.at.row, mends)?;
    let is_told = seen
        .problems
        .iter()
        .any(|problem| outcome.problems.iter().any(|one| one.is_same(problem)));
    let first = outcome.problems.first().filter(|_| !is_told)?;
    let texts: Vec<String> = outcome
        .problems
        .iter()
        .map(|one| fault_in_words(one, system))
        .collect();
    let text = say().console_last_time(outcome.state.in_words(), texts.join(" · "));
    Some((text, first.code.to_string()))
}
