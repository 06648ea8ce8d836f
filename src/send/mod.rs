//! From calls to outcomes: sign-in, pacing, concurrency, attempts, verdicts, stopping early.
//! Knows nothing of CSV.

mod address;
mod answer;
mod backoff;
mod body;
mod bucket;
mod circuit_breaker;
mod client;
mod concurrency_limit;
mod credentials;
mod deliver;
mod error;
mod fetched;
mod foreign;
mod gcra;
mod gcra_state;
mod headers;
mod lock;
mod pacer;
mod rate;
mod route;
mod sign_in;
mod stats;
mod steady;
mod stop;
mod tls;
mod transport;
mod trouble;
mod verdict;

pub use address::{check_address, is_unencrypted, shown_address};
pub use answer::{Answer, Fault};
pub use backoff::Backoff;
pub use client::{Client, ClientOptions};
pub use credentials::{Credentials, SignInError};
pub use deliver::{Judged, NotApplied, Reread, Sender};
pub use error::SendError;
pub use fetched::{Beside, Fetched};
pub use headers::{Announced, QuotaHeader, QuotaMeaning};
pub use pacer::Pacer;
pub use rate::{Pace, Rate, RateError};
pub use route::Route;
pub use sign_in::TokenAnswer;
pub use stats::Stats;
pub use stop::{Stop, StopRequest};
pub use tls::client_builder;
pub use transport::{SenderOptions, Transport};
pub use trouble::Trouble;
pub use verdict::{Verdict, verdict};

#[cfg(test)]
mod tests;
