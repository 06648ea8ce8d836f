//! Message constructors, one per catalogue message, generated with its arguments.
#![allow(
    missing_docs,
    dead_code,
    reason = "generated from the catalogues when the program is built"
)]

use super::text::{Argument, Message};

include!(concat!(env!("OUT_DIR"), "/constructors.rs"));
