//! What an API looks like, read from a TOML file: its fields, paths, sign-in, error shape, quota
//! and look-up. The built-in APIs are files of the same kind that a user writes for a third one;
//! no code here or elsewhere knows an API by its name.

mod error;
mod field;
mod load;
mod mistake;
mod places;
mod quota;
mod spec;
mod validate;
mod words;

pub use error::TargetError;
pub use field::{FieldSpec, Kind, Place};
pub use load::{BUILT_IN, load, parse, text};
pub use mistake::{Mistake, Mistakes, read_toml};
pub use places::place_of;
pub use quota::{Quota, QuotaHeaders, RateUnit, ResetUnit};
pub use spec::{
    Answers, Clear, ETAG, Expects, Lookup, Paging, Region, SEGMENT, SearchNames, SignIn,
    TargetSpec, Update, Variable, placeholders,
};
pub use words::Words;
