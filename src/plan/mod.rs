//! From valid rows to calls: what is to be sent for a row, and how long it all takes. Sends
//! nothing.

mod body;
mod call;
mod difference;
mod forecast;
mod guards;
mod lookup;
mod saved;
mod selection;

pub use crate::model::{Threshold, ThresholdError};
pub use body::BodyShape;
pub use call::Planner;
pub use difference::{Difference, Left, Values};
pub use forecast::Road;
pub use guards::Guards;
pub use lookup::{LookUp, LookUpError, Page, Progress, Question};
pub use saved::{SAVED_PLAN, SavedPlan};
pub use selection::{Selection, SelectionError};
