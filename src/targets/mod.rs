//! The description of an API in a TOML file: fields, paths, sign-in, error format, rate limit and look-up.
//! Built-in targets have the same format as user files, and no code depends on the name of an API.

mod answers;
mod error;
mod field;
mod known;
mod load;
mod lookup;
mod mistake;
mod person;
mod placeholders;
mod places;
mod pointer;
mod protected;
mod query;
mod quota;
mod renumbering;
mod sign_in;
mod spec;
mod update;
mod validate;
mod variables;
mod words;

pub use answers::{Answers, Expects};
pub use error::TargetError;
pub use field::{FieldSpec, JsonType, Kind, ListMode, Notation, Place, Separator};
pub use known::Known;
pub use load::{BUILT_IN, load, parse, text};
pub use lookup::{Changes, Deleted, Lookup, Paging, SearchNames};
pub use mistake::{Mistake, Mistakes, read_toml};
pub use person::Person;
pub use placeholders::placeholders;
pub use places::place_of;
pub use pointer::{Pointer, Unclear};
pub use protected::Protected;
pub use query::Query;
pub use quota::{Quota, QuotaHeaders, RateUnit, ResetUnit};
pub use renumbering::Renumbering;
pub use sign_in::SignIn;
pub use spec::{Region, TargetSpec, Variable};
pub use update::{Clear, ETAG, Update};
pub use variables::SEGMENT;
pub use words::Words;
