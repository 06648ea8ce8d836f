//! From valid rows to calls: what is to be sent for a row, and how long it all takes. Sends
//! nothing.

mod body;
mod call;
mod forecast;
mod selection;

pub use body::BodyShape;
pub use call::Planner;
pub use forecast::shortest_time;
pub use selection::{Selection, SelectionError};
