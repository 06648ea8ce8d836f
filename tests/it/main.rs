//! One binary for all integration tests: real files, real processes, real TCP.

mod adversary;
mod apis;
mod architecture;
mod bad_input;
mod commands;
mod conformance;
mod crashes;
mod delivery;
mod differences;
mod estimates;
mod fuzz_corpus;
mod guards;
mod harness;
mod inbox;
mod judges;
mod language;
mod pacing;
mod properties;
mod reading;
mod retrying;
mod sample;
mod sandbox;
mod soak;
mod telling;
mod tls;
mod watching;
