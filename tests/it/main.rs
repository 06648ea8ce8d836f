//! One binary for all integration tests: real files, real processes, real TCP.

mod architecture;
mod bad_input;
mod commands;
mod conformance;
mod delivery;
mod fuzz_corpus;
mod harness;
mod properties;
mod reading;
mod sample;
mod sandbox;
mod tls;
mod watching;
