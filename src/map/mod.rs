//! Maps the headers of a file to fields once per run, by the field's own name, the API's name or an alias.
//! Values are used only to suggest a field.

mod columns;
mod error;
mod guess;
mod names;
mod result_column;
mod unmapped;

pub(crate) use columns::field_named;
pub use columns::{ColumnMap, MapOptions, column_names};
pub use error::MapError;
pub use guess::{Guess, guesses, language_of, protected_columns};
pub(crate) use names::name_key;
pub use names::{PROTECTED, class_column};
pub use result_column::{RESULT_COLUMNS, ResultColumn};
pub use unmapped::{Likeness, Unmapped, none_misspelt};
