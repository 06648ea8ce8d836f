//! The commands of the shared queue and their arguments.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::values::Format;

#[derive(Debug, ClapArgs)]
pub(super) struct EnqueueArgs {
    /// The rosters
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,
    /// Reason for the run, stored with it
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(super) note: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(super) format: Format,
}

#[derive(Debug, ClapArgs)]
pub(super) struct WorkArgs {
    /// Maximum concurrent batches
    #[arg(
        long = "concurrency",
        value_name = "N",
        default_value_t = NonZeroUsize::MIN
    )]
    pub(super) batches: NonZeroUsize,
    /// Write a Prometheus textfile about the queue while running
    #[arg(long, value_name = "PATH")]
    pub(super) metrics: Option<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(super) format: Format,
}

#[derive(Debug, ClapArgs)]
pub(super) struct QueueArgs {
    /// Include files whose runs have ended
    #[arg(long)]
    pub(super) all: bool,
    /// Remove a file from the queue, by its number; sent changes remain
    #[arg(long, value_name = "NO", conflicts_with = "all")]
    pub(super) remove: Option<i64>,
    /// Write a Prometheus textfile about the queue, and print nothing
    #[arg(long, value_name = "PATH", conflicts_with = "all")]
    pub(super) metrics: Option<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(super) format: Format,
}

#[derive(Debug, Subcommand)]
pub(super) enum DatabaseCommand {
    /// Create the tables of the journal and the queue, or update them to this version
    Migrate,
}
