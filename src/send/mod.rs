//! From calls to outcomes: sign-in, pacing, concurrency, attempts, verdicts, stopping early.
//! Knows nothing of CSV.

mod answer;
mod backoff;
mod client;
mod deliver;
mod error;
mod pacer;
mod sign_in;
mod stats;
mod stop;
mod verdict;

pub use answer::{Answer, Fault};
pub use backoff::Backoff;
pub use client::{Client, ClientOptions};
pub use deliver::{Sender, SenderOptions, Step};
pub use error::SendError;
pub use pacer::{Pacer, Rate, RateError};
pub use sign_in::{Credentials, SignInError};
pub use stats::Stats;
pub use stop::{Stop, StopRequest};
pub use verdict::{Verdict, verdict};
