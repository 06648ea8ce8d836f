use std::borrow::Cow;
use std::sync::Arc;

use jiff::civil::Date;

use super::cell::{Content, content};
use super::choice::Choices;
use super::fault::{Checked, Fault};
use super::{
    boolean, country, date, email, eppn, identity_number, integer, municipality_code, phone,
    postal_code, text, uuid,
};
use crate::map::ColumnMap;
use crate::model::{Problem, RowAt, Value};
use crate::read::{Cell, RawRow};
use crate::targets::{FieldSpec, Kind, Place, TargetSpec};

/// What an empty cell means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EmptyCell {
    /// Leave the value alone.
    #[default]
    Keep,
    /// Clear the value.
    Clear,
}

/// How rows are checked.
#[derive(Debug, Clone, Copy)]
pub struct CheckOptions {
    /// What an empty cell means.
    pub empty: EmptyCell,
    /// The day against which centuries and dates of birth are judged.
    pub today: Date,
}

/// Checks rows of one file against one target.
#[derive(Debug, Clone)]
pub struct Checker {
    spec: Arc<TargetSpec>,
    map: Arc<ColumnMap>,
    options: CheckOptions,
    /// The fields that have a column, and what checking them needs.
    columns: Vec<Column>,
}

#[derive(Debug, Clone)]
struct Column {
    field: usize,
    column: usize,
    choices: Option<Choices>,
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
                    choices: (field.kind == Kind::Choice).then(|| Choices::of(field)),
                })
            })
            .collect();
        Checker {
            spec,
            map,
            options,
            columns,
        }
    }

    /// The target it checks against.
    pub fn spec(&self) -> &Arc<TargetSpec> {
        &self.spec
    }

    /// The columns it reads.
    pub fn map(&self) -> &Arc<ColumnMap> {
        &self.map
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
        checked.repairs.clear();
        // With cells missing or in excess, which cell belongs to which column is a guess.
        if let Some(problem) = self.wrong_width(row) {
            checked.problems.push(problem);
            return;
        }
        for column in &self.columns {
            let cell = row.cell(column.column).unwrap_or(Cell::Text(""));
            let mut repaired = None;
            match self.check_cell(column, cell, row, &mut repaired) {
                Ok(value) => {
                    checked.values[column.field] = value;
                    checked.repairs.extend(repaired);
                }
                Err(fault) => checked.problems.push(Problem {
                    column: self.map.header(column.column).to_owned(),
                    field: self.spec.fields[column.field].name().to_owned(),
                    code: Cow::Borrowed(fault.code),
                    message: fault.message,
                    value: shorten(cell),
                }),
            }
        }
    }

    fn check_cell<'a>(
        &self,
        column: &Column,
        cell: Cell<'a>,
        row: &RawRow<'a>,
        repaired: &mut Option<&'static str>,
    ) -> Result<Option<Value<'a>>, Fault> {
        let field = &self.spec.fields[column.field];
        let text = match content(cell, repaired)? {
            Content::Text(text) => text,
            Content::Empty if self.options.empty == EmptyCell::Keep && !field.required => {
                return Ok(None);
            }
            // An empty cell can clear only what can be cleared; elsewhere it leaves things alone.
            Content::Empty if !field.required && !field.nullable => return Ok(None),
            Content::Empty if field.required => {
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
        self.check_text(column, field, text, row, repaired)
            .map(Some)
    }

    fn check_text<'a>(
        &self,
        column: &Column,
        field: &FieldSpec,
        cell: &'a str,
        row: &RawRow<'a>,
        repaired: &mut Option<&'static str>,
    ) -> Checked<'a> {
        let today = self.options.today;
        match field.kind {
            Kind::Text => text::check(cell),
            Kind::Uuid => uuid::check(cell),
            Kind::IdentityNumber => {
                identity_number::check(cell, self.is_temporary(field, row), today)
            }
            Kind::Date => date::check(cell, field.past.then_some(today), repaired),
            Kind::Choice => match &column.choices {
                Some(choices) => choices.check(cell),
                None => text::check(cell),
            },
            Kind::Boolean => boolean::check(cell),
            Kind::Email => email::check(cell),
            Kind::Phone => phone::check(cell, repaired),
            Kind::PostalCode => match postal_code::check(cell) {
                Err(_) if self.is_abroad(field, row) => text::check(cell),
                checked => checked,
            },
            Kind::Country => country::check(cell),
            Kind::MunicipalityCode => municipality_code::check(cell, repaired),
            Kind::Eppn => eppn::check(cell),
            Kind::Integer => integer::check(cell),
        }
    }

    /// Whether the row says that its identity number is a temporary one.
    fn is_temporary(&self, field: &FieldSpec, row: &RawRow<'_>) -> bool {
        let other = field.temporary_if.as_deref();
        self.other_cell(other, row)
            .and_then(|text| boolean::check(text).ok())
            .is_some_and(|value| value == Value::Bool(true))
    }

    /// Whether the row names a country other than Sweden, whose postal codes have other shapes.
    fn is_abroad(&self, field: &FieldSpec, row: &RawRow<'_>) -> bool {
        let other = field.country_from.as_deref();
        self.other_cell(other, row)
            .and_then(|text| country::check(text).ok())
            .is_some_and(|value| value.as_text() != "SWE")
    }

    fn other_cell<'a>(&self, field: Option<&str>, row: &RawRow<'a>) -> Option<&'a str> {
        let column = self.map.column(self.spec.field(field?)?)?;
        match content(row.cell(column)?, &mut None) {
            Ok(Content::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn wrong_width(&self, row: &RawRow<'_>) -> Option<Problem> {
        let (found, expected) = (row.len(), self.map.width());
        if found < expected {
            return Some(Problem::of_row(
                "row.too_few_cells",
                format!("the row has {found} cells where the header has {expected}"),
            ));
        }
        let surplus = (expected..found).any(|index| {
            row.cell(index)
                .is_some_and(|cell| !cell.bytes().trim_ascii().is_empty())
        });
        surplus.then(|| {
            Problem::of_row(
                "row.too_many_cells",
                format!(
                    "the row has {found} cells where the header has {expected}; a value with the delimiter in it needs quotes around it"
                ),
            )
        })
    }
}

impl CheckedRow<'_> {
    /// Whether nothing is wrong with the row.
    pub fn is_valid(&self) -> bool {
        self.problems.is_empty()
    }
}

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
