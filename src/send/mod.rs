//! From calls to outcomes: sign-in, pacing, concurrency, attempts, verdicts, stopping early.
//! Knows nothing of CSV.

mod answer;
mod backoff;
mod client;
mod deliver;
mod error;
mod pacer;
mod sign_in;
mod verdict;

pub use answer::{Answer, Fault};
pub use backoff::Backoff;
pub use client::{Client, ClientOptions};
pub use deliver::{Sender, SenderOptions, Stats, Step, Stop, StopRequest};
pub use error::SendError;
pub use pacer::{Pacer, Rate, RateError};
pub use sign_in::{Credentials, SignInError};
pub use verdict::{Verdict, verdict};
