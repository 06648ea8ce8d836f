//! The commands of the shared queue and their arguments.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::options::Format;

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct EnqueueArgs {
    /// The rosters
    #[arg(value_name = "FILE", required = true)]
    pub(in crate::cli) files: Vec<PathBuf>,
    /// Reason for the run, stored with it
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(in crate::cli) note: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(in crate::cli) format: Format,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct WorkArgs {
    /// Maximum concurrent batches
    #[arg(
        long = "concurrency",
        value_name = "N",
        default_value_t = NonZeroUsize::MIN
    )]
    pub(in crate::cli) slices: NonZeroUsize,
    /// Write a Prometheus textfile about the queue while running
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) metrics: Option<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(in crate::cli) format: Format,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct QueueArgs {
    /// Include files whose runs have ended
    #[arg(long)]
    pub(in crate::cli) all: bool,
    /// Remove a file from the queue, by its number; sent changes remain
    #[arg(long, value_name = "NO", conflicts_with = "all")]
    pub(in crate::cli) remove: Option<i64>,
    /// Write a Prometheus textfile about the queue, and print nothing
    #[arg(long, value_name = "PATH", conflicts_with = "all")]
    pub(in crate::cli) metrics: Option<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(in crate::cli) format: Format,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum DatabaseCommand {
    /// Create the tables of the journal and the queue, or update them to this version
    Migrate,
}
