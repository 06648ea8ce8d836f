//! Checks and normalizes every cell of a row by its field's kind, and reports all problems of the row.
//! Problems are data and never errors. This module does no network I/O.

mod cell;
mod cell_value;
mod characters;
mod checker;
mod column;
mod escapes;
mod examples;
mod fault;
mod glance;
mod holding;
mod identity;
mod kinds;
mod leftovers;
mod options;
mod plain;
mod restored;
mod row;
mod row_set;
mod severity;
mod survey;
#[cfg(test)]
mod tests;
mod unique;
mod width;
mod workbook_cell;

pub(crate) use characters::is_padding;
pub use checker::Checker;
pub use holding::kind_of_cells;
pub use options::{CheckOptions, EmptyCell};
pub use restored::{TEMPORARY_NUMBER, restores_a_value, what_was_restored};
pub use row::CheckedRow;
pub use severity::{Severity, findings};
pub use survey::{FirstProblem, ProblemGroup, Survey, survey};
pub use unique::{DuplicatePolicy, Duplicates};
pub use width::{TOO_FEW, TOO_MANY, is_damage, was_damaged};
pub use workbook_cell::looks_right;
