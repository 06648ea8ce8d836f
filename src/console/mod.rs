//! A console in the browser of this machine: pages over [`crate::app`], without logic that the command line
//! lacks. It listens on loopback only, and accepts requests only from the browser that was opened with it.

mod connections;
mod desk;
mod door;
mod first;
mod gate;
mod glossary;
mod job;
mod live;
mod opened;
mod page;
mod pages;
mod played;
mod questions;
mod reader;
mod server;
mod since;
mod steps;
mod words;
mod work;

pub use door::Door;
pub use glossary::avoided_in;
pub use server::{Bound, Options};
