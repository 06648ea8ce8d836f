use std::borrow::Cow;
use std::sync::Arc;

use jiff::civil::Date;
use regex::Regex;
use serde::{Deserialize, Serialize};

use super::cell::{Content, content};
use super::choice::Choices;
use super::fault::{Checked, Fault};
use super::severity::is_doubt;
use super::{
    boolean, country, date, email, eppn, identity_number, integer, municipality_code, phone,
    postal_code, text, uuid,
};
use crate::map::ColumnMap;
use crate::model::{Problem, RowAt, Value};
use crate::read::{Cell, RawRow};
use crate::targets::{FieldSpec, Kind, Place, TargetSpec};

/// What an empty cell means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum EmptyCell {
    /// Leave the value alone.
    #[default]
    Keep,
    /// Clear the value.
    Clear,
}

/// How rows are checked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CheckOptions {
    /// What an empty cell means.
    pub empty: EmptyCell,
    /// The day against which centuries and dates of birth are judged.
    pub today: Date,
    /// Whether what is doubtful is invalid.
    #[serde(default)]
    pub strict: bool,
    /// Whether the records are real people's, so that a number kept for tests is out of place.
    #[serde(default)]
    pub production: bool,
    /// Whether it is known of an earlier run what its rows said, so that one whose cells were filled
    /// up in its results is known again.
    #[serde(default)]
    pub recalls: bool,
    /// Guarded values that the user has allowed, as field and value.
    pub allowed: Vec<(String, String)>,
    /// The field that finds a record, by position, where records can be read: what a row's file has
    /// no column for is then taken from its record.
    #[serde(default)]
    pub sparse_key: Option<usize>,
}

impl CheckOptions {
    /// The options that hold where nobody says anything, on the day `today`.
    pub fn new(today: Date) -> CheckOptions {
        CheckOptions {
            empty: EmptyCell::Keep,
            today,
            strict: false,
            production: false,
            recalls: false,
            allowed: Vec::new(),
            sparse_key: None,
        }
    }
}

/// Checks rows of one file against one target.
#[derive(Debug, Clone)]
pub struct Checker {
    spec: Arc<TargetSpec>,
    map: Arc<ColumnMap>,
    options: CheckOptions,
    /// The fields that have a column, and what checking them needs.
    columns: Vec<Column>,
    constants: Vec<(usize, Value<'static>)>,
}

#[derive(Debug, Clone)]
struct Column {
    field: usize,
    column: usize,
    choices: Option<Choices>,
    pattern: Option<Regex>,
    /// Whether the target asks more of the field than its kind does.
    limited: bool,
}

/// A checked row: its values, and everything that is wrong with it.
#[derive(Debug, Default)]
pub struct CheckedRow<'a> {
    /// Where it stands.
    pub at: RowAt,
    /// By field: the normalised value, where the row has one.
    pub values: Vec<Option<Value<'a>>>,
    /// Everything that is wrong; a row without problems is valid.
    pub problems: Vec<Problem>,
    /// What looks unusual, and is sent as it stands.
    pub doubts: Vec<Problem>,
    /// Codes of what was restored because a spreadsheet had changed it.
    pub repairs: Vec<&'static str>,
}

impl Checker {
    /// A checker of the rows that `map` describes.
    pub fn new(spec: Arc<TargetSpec>, map: Arc<ColumnMap>, options: CheckOptions) -> Checker {
        let columns = spec
            .fields
            .iter()
            .enumerate()
            .filter_map(|(index, field)| {
                Some(Column {
                    field: index,
                    column: map.column(index)?,
                    limited: field.max_length.is_some()
                        || field.min_length.is_some()
                        || field.pattern.is_some()
                        || !field.guarded.is_empty(),
                    choices: (field.kind == Kind::Choice).then(|| Choices::of(field)),
                    // A target whose pattern is none has been refused long before.
                    pattern: field
                        .pattern
                        .as_ref()
                        .and_then(|pattern| Regex::new(&format!("^(?:{pattern})$")).ok()),
                })
            })
            .collect();
        let mut checker = Checker {
            spec,
            map,
            options,
            columns,
            constants: Vec::new(),
        };
        checker.constants = checker.constants();
        checker
    }

    /// The values that rows have without a cell: constants, and defaults of fields that the file
    /// has no column for.
    fn constants(&self) -> Vec<(usize, Value<'static>)> {
        let mut constants = Vec::new();
        for (index, field) in self.spec.fields.iter().enumerate() {
            let missing = self.map.column(index).is_none();
            let text = field
                .constant
                .as_ref()
                .or(field.default.as_ref().filter(|_| missing));
            if let Some(text) = text {
                let value = self
                    .of_kind(field, None, text, &|_| None, &mut None)
                    .map_or_else(|_| Value::Rewritten(text.into()), Value::into_owned);
                constants.push((index, value));
            }
        }
        constants
    }

    /// The target it checks against.
    pub fn spec(&self) -> &Arc<TargetSpec> {
        &self.spec
    }

    /// The columns it reads.
    pub fn map(&self) -> &Arc<ColumnMap> {
        &self.map
    }

    /// What a record holds for a field, in the form to which a cell would be brought; what no cell
    /// could hold stays as it is.
    pub fn normalised(&self, field: usize, held: &serde_json::Value) -> serde_json::Value {
        use serde_json::Value as Json;
        let spec = &self.spec.fields[field];
        match held {
            Json::String(text) if text.trim().is_empty() => Json::Null,
            Json::String(text) => {
                let column = self.columns.iter().find(|column| column.field == field);
                let choices = column.and_then(|column| column.choices.as_ref());
                self.of_kind(spec, choices, text.trim(), &|_| None, &mut None)
                    .map_or_else(|_| held.clone(), |value| value.to_json())
            }
            other => other.clone(),
        }
    }

    /// Checks every cell of `row`. Never fails: what is wrong is in the result.
    pub fn check<'a>(&self, row: &RawRow<'a>) -> CheckedRow<'a> {
        let mut checked = CheckedRow::default();
        self.check_into(row, &mut checked);
        checked
    }

    /// The same, in place of what `checked` held: nothing is allocated for a row without problems.
    pub fn check_into<'a>(&self, row: &RawRow<'a>, checked: &mut CheckedRow<'a>) {
        checked.at = row.at;
        checked.values.clear();
        checked.values.resize_with(self.spec.fields.len(), || None);
        checked.problems.clear();
        checked.doubts.clear();
        checked.repairs.clear();
        // With cells missing or in excess, which cell belongs to which column is a guess.
        if let Some(problem) = self.wrong_width(row).or_else(|| self.filled_up(row)) {
            checked.problems.push(problem);
            return;
        }
        self.check_cells(row, checked);
        if checked.problems.is_empty()
            && self.options.sparse_key.is_none()
            && !self.spec.update.whole.is_empty()
        {
            checked.problems = self.halves(&checked.values);
        }
    }

    /// Whether a row's cell for the field called `name` is empty, or there is none.
    pub fn is_blank(&self, row: &RawRow<'_>, name: &str) -> bool {
        let column = self
            .spec
            .field(name)
            .and_then(|field| self.map.column(field));
        column
            .and_then(|column| row.cell(column))
            .is_none_or(|cell| cell.bytes().trim_ascii().is_empty())
    }

    /// What the cells of a row say that has too few or too many of them, as its results file has it:
    /// by this it is known again there.
    pub fn check_as_written<'a>(&self, row: &RawRow<'a>) -> CheckedRow<'a> {
        let mut checked = CheckedRow {
            at: row.at,
            values: Vec::new(),
            ..CheckedRow::default()
        };
        checked.values.resize_with(self.spec.fields.len(), || None);
        self.check_cells(row, &mut checked);
        checked
    }

    fn check_cells<'a>(&self, row: &RawRow<'a>, checked: &mut CheckedRow<'a>) {
        for (field, value) in &self.constants {
            checked.values[*field] = Some(value.clone());
        }
        for column in &self.columns {
            let cell = row.cell(column.column).unwrap_or(Cell::Text(""));
            let (mut repaired, mut doubt) = (None, None);
            match self.check_cell(column, cell, row, &mut repaired, &mut doubt) {
                Ok(value) => {
                    checked.values[column.field] = value;
                    checked.repairs.extend(repaired);
                    if let Some(doubt) = doubt {
                        let doubt = self.problem(column, cell, doubt);
                        if self.options.strict {
                            checked.problems.push(doubt);
                        } else {
                            checked.doubts.push(doubt);
                        }
                    }
                }
                Err(fault) => checked.problems.push(self.problem(column, cell, fault)),
            }
        }
    }

    fn problem(&self, column: &Column, cell: Cell<'_>, fault: Fault) -> Problem {
        let fault = fault.into_inner();
        Problem {
            column: self.map.header(column.column).to_owned(),
            field: self.spec.fields[column.field].name().to_owned(),
            code: Cow::Borrowed(fault.code),
            message: fault.message,
            value: shorten(cell),
        }
    }

    /// Objects that the API takes whole only, and of which the row has a part.
    fn halves(&self, values: &[Option<Value<'_>>]) -> Vec<Problem> {
        let mut problems = Vec::new();
        for pointer in &self.spec.update.whole {
            let (there, missing): (Vec<usize>, Vec<usize>) = self
                .spec
                .fields_below(pointer)
                .partition(|field| values[*field].is_some());
            if there.is_empty() || missing.is_empty() {
                continue;
            }
            let names: Vec<&str> = missing
                .iter()
                .map(|field| self.spec.fields[*field].name())
                .collect();
            problems.push(Problem::of_row(
                "row.part_of_object",
                format!(
                    "{} is replaced as a whole, and the row has no {}; fill them in, or write <null> where there is nothing",
                    pointer.trim_start_matches('/'),
                    names.join(", ")
                ),
            ));
        }
        problems
    }

    fn check_cell<'a>(
        &self,
        column: &Column,
        cell: Cell<'a>,
        row: &RawRow<'a>,
        repaired: &mut Option<&'static str>,
        doubt: &mut Option<Fault>,
    ) -> Result<Option<Value<'a>>, Fault> {
        let field = &self.spec.fields[column.field];
        let required = || match self.options.sparse_key {
            // Another field finds the record; a path is filled from what was found.
            Some(key) if key != column.field && field.place == Place::Path => false,
            Some(key) => field.required || key == column.field,
            None => field.required,
        };
        let text = match content(cell, repaired, doubt)? {
            Content::Text(text) => text,
            Content::Empty if field.default.is_some() => {
                let default = field.default.as_deref().unwrap_or_default();
                let choices = column.choices.as_ref();
                return self
                    .of_kind(field, choices, default, &|_| None, &mut None)
                    .map(|value| Some(value.into_owned()));
            }
            Content::Empty if self.options.empty == EmptyCell::Keep && !required() => {
                return Ok(None);
            }
            // An empty cell can clear only what can be cleared; elsewhere it leaves things alone.
            Content::Empty if !required() && !field.nullable => return Ok(None),
            Content::Empty if required() => {
                return Err(Fault::new(
                    "required.empty",
                    "the cell is empty, and every row needs a value here",
                ));
            }
            Content::Empty => return Ok(Some(Value::Null)),
            Content::Clear if field.nullable => return Ok(Some(Value::Null)),
            Content::Clear => {
                return Err(Fault::new(
                    "null.not_allowed",
                    "the API does not let this field be cleared, so <null> cannot stand here",
                ));
            }
        };
        if field.place == Place::Path && matches!(text, "." | "..") {
            return Err(Fault::new(
                "text.dots",
                format!("\"{text}\" would name another address, not a record"),
            ));
        }
        let other = |name: &str| self.other_cell(name, row);
        let value = match self.of_kind(field, column.choices.as_ref(), text, &other, repaired) {
            Err(fault) if is_doubt(fault.code, field.free_text) => {
                *doubt = Some(fault);
                Value::Text(text)
            }
            checked => checked?,
        };
        if let Some(second_thought) = self.second_thought(field, &value) {
            *doubt = Some(second_thought);
        }
        if column.limited {
            self.within_limits(column, field, &value)?;
        }
        Ok(Some(value))
    }

    /// What is unusual about a value that is right in itself.
    fn second_thought(&self, field: &FieldSpec, value: &Value<'_>) -> Option<Fault> {
        match field.kind {
            Kind::IdentityNumber if self.options.production => {
                identity_number::doubt(&value.as_text())
            }
            Kind::MunicipalityCode => municipality_code::doubt(&value.as_text()),
            _ => None,
        }
    }

    /// Checks text by its field's kind. `other` gives the text of another field's cell.
    // Called for every cell of a file, and from other places for a few.
    #[inline(always)]
    fn of_kind<'a>(
        &self,
        field: &FieldSpec,
        choices: Option<&Choices>,
        cell: &'a str,
        other: &dyn Fn(&str) -> Option<&'a str>,
        repaired: &mut Option<&'static str>,
    ) -> Checked<'a> {
        let today = self.options.today;
        match field.kind {
            Kind::Text if field.lines => Ok(Value::Text(cell)),
            Kind::Text => text::check(cell),
            Kind::Uuid => uuid::check(cell),
            Kind::IdentityNumber => {
                let temporary = field.temporary_if.as_deref().and_then(other);
                let temporary = temporary.and_then(|text| boolean::check(text).ok());
                let temporary = temporary == Some(Value::Bool(true));
                identity_number::check(cell, temporary, today, repaired)
            }
            Kind::Date => date::check(cell, field.past.then_some(today), repaired),
            Kind::Choice => match choices {
                Some(choices) => choices.check(cell),
                None => text::check(cell),
            },
            Kind::Boolean => boolean::check(cell),
            Kind::Email => email::check(cell),
            Kind::Phone => phone::check(cell, self.spec.region, repaired),
            Kind::PostalCode => match postal_code::check(cell) {
                Err(fault) => {
                    // Codes abroad have other shapes.
                    let country = field.country_from.as_deref().and_then(other);
                    let country = country.and_then(|text| country::check(text).ok());
                    match country {
                        Some(country) if country.as_text() != "SWE" => text::check(cell),
                        // Denmark's and Norway's have four digits, and the file says of no country.
                        None if !self.has_country(field) => {
                            Err(postal_code::perhaps_foreign(fault))
                        }
                        _ => Err(fault),
                    }
                }
                checked => checked,
            },
            Kind::Country => country::check(cell),
            Kind::MunicipalityCode => municipality_code::check(cell, repaired),
            Kind::Eppn => eppn::check(cell),
            Kind::Integer => integer::check(cell),
        }
    }

    /// What a target asks of a field beyond its kind.
    fn within_limits(
        &self,
        column: &Column,
        field: &FieldSpec,
        value: &Value<'_>,
    ) -> Result<(), Fault> {
        let text = value.as_text();
        let length = text.chars().count();
        if let Some(most) = field.max_length.filter(|most| length > *most) {
            return Err(Fault::new(
                "length.too_long",
                format!("the value has {length} characters, and {most} is the most"),
            ));
        }
        if let Some(least) = field.min_length.filter(|least| length < *least) {
            return Err(Fault::new(
                "length.too_short",
                format!("\"{text}\" has {length} characters, and {least} is the least"),
            ));
        }
        if column
            .pattern
            .as_ref()
            .is_some_and(|pattern| !pattern.is_match(&text))
        {
            let form = field.pattern.as_deref().unwrap_or_default();
            return Err(Fault::new(
                "pattern.mismatch",
                format!("\"{text}\" is not of the form {form}"),
            ));
        }
        let name = field.name();
        let allowed = &self.options.allowed;
        let is_allowed = allowed
            .iter()
            .any(|(field, value)| field == name && *value == text);
        if field.guarded.iter().any(|value| *value == text) && !is_allowed {
            return Err(Fault::new(
                "guarded.not_allowed",
                format!("\"{text}\" gives rights, so it is sent only with --allow {name}={text}"),
            ));
        }
        Ok(())
    }

    fn has_country(&self, field: &FieldSpec) -> bool {
        let country = field.country_from.as_deref();
        let country = country.and_then(|name| self.spec.field(name));
        country.is_some_and(|country| self.map.column(country).is_some())
    }

    fn other_cell<'a>(&self, field: &str, row: &RawRow<'a>) -> Option<&'a str> {
        let column = self.map.column(self.spec.field(field)?)?;
        match content(row.cell(column)?, &mut None, &mut None) {
            Ok(Content::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A row that had too few cells, in a results file: there it has as many as any other, and
    /// nobody can see which of them are empty because nothing was there.
    fn filled_up(&self, row: &RawRow<'_>) -> Option<Problem> {
        (!self.options.recalls && self.was_cut(row)).then(|| Problem::of_row(TOO_FEW, WAS_CUT))
    }

    /// Whether a results file says that the row had too few cells.
    pub fn was_cut(&self, row: &RawRow<'_>) -> bool {
        self.error_code(row) == Some(TOO_FEW.as_bytes())
    }

    /// Whether somebody has emptied the cell of a results file that says what was wrong with the row.
    pub fn is_released(&self, row: &RawRow<'_>) -> bool {
        self.error_code(row).is_some_and(<[u8]>::is_empty)
    }

    /// What a results file says was wrong with the row.
    fn error_code<'a>(&self, row: &RawRow<'a>) -> Option<&'a [u8]> {
        let cell = row.cell(self.map.error_code_column()?)?;
        Some(cell.bytes().trim_ascii())
    }

    /// Whether the row has something beyond the last column that has a name.
    pub fn has_surplus(&self, row: &RawRow<'_>) -> bool {
        has_text_from(row, self.map.least())
    }

    fn wrong_width(&self, row: &RawRow<'_>) -> Option<Problem> {
        let (found, least, expected) = (row.len(), self.map.least(), self.map.width());
        if found < least {
            return Some(Problem::of_row(
                TOO_FEW,
                format!("the row has {found} cells where the header has {least}"),
            ));
        }
        has_text_from(row, expected).then(|| {
            Problem::of_row(
                TOO_MANY,
                format!(
                    "the row has {found} cells where the header has {expected}; a value with the delimiter in it needs quotes around it"
                ),
            )
        })
    }
}

/// Whether any cell of the row from the column `first` on has something in it.
fn has_text_from(row: &RawRow<'_>, first: usize) -> bool {
    (first..row.len()).any(|index| {
        row.cell(index)
            .is_some_and(|cell| !cell.bytes().trim_ascii().is_empty())
    })
}

impl CheckedRow<'_> {
    /// Whether nothing is wrong with the row.
    pub fn is_valid(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Code of a row with fewer cells than the header.
pub const TOO_FEW: &str = "row.too_few_cells";

/// What a person is told of a row that had too few cells in the file from which its results came.
pub const WAS_CUT: &str = "the row had too few cells in the file that it comes from; fill in what is missing, and empty its cell import_error_code";

/// The code of a row with more cells than the header has.
pub const TOO_MANY: &str = "row.too_many_cells";

/// A cell as it is shown: its first characters, bad bytes as escapes.
fn shorten(cell: Cell<'_>) -> String {
    const SHOWN: usize = 200;
    match cell {
        Cell::Text(text) => match text.char_indices().nth(SHOWN) {
            None => text.to_owned(),
            Some((end, _)) => format!("{}…", &text[..end]),
        },
        Cell::Undecodable(bytes) => bytes
            .utf8_chunks()
            .flat_map(|chunk| {
                let bad = chunk.invalid().iter().map(|byte| format!("\\x{byte:02X}"));
                std::iter::once(chunk.valid().to_owned()).chain(bad)
            })
            .take(SHOWN)
            .collect(),
    }
}
