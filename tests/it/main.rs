//! One binary for all integration tests: real files, real processes, real TCP.

mod architecture;
mod bad_input;
mod delivery;
mod harness;
mod sample;
