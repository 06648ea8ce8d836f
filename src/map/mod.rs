//! From a header to fields: which column holds which field, found once, by the field's own name,
//! the API's name for it, or an alias. Never looks at values, except to suggest a field.

mod columns;
mod error;
mod names;
mod unmapped;

pub(crate) use columns::field_named;
pub use columns::{
    ColumnMap, Guess, MapOptions, RESULT_COLUMNS, column_names, guesses, language_of,
    protected_columns,
};
pub use error::MapError;
pub use names::PROTECTED;
pub use unmapped::{Likeness, Unmapped, none_misspelt};
