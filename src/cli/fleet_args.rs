//! Arguments define the commands of the shared queue.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::options::Format;

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct EnqueueArgs {
    /// The rosters
    #[arg(value_name = "FILE", required = true)]
    pub(in crate::cli) files: Vec<PathBuf>,
    /// How they are shown
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(in crate::cli) format: Format,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct WorkArgs {
    /// Slices that are done at a time
    #[arg(
        long = "concurrency",
        value_name = "N",
        default_value_t = NonZeroUsize::MIN
    )]
    pub(in crate::cli) slices: NonZeroUsize,
    /// A Prometheus textfile about the queue that is written while it works
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) metrics: Option<PathBuf>,
    /// How they are shown
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(in crate::cli) format: Format,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct QueueArgs {
    /// What has ended too
    #[arg(long)]
    pub(in crate::cli) all: bool,
    /// Take a file out of the queue, by its number; what was sent stays sent
    #[arg(long, value_name = "NO", conflicts_with = "all")]
    pub(in crate::cli) remove: Option<i64>,
    /// Write a Prometheus textfile about the queue, and print nothing
    #[arg(long, value_name = "PATH", conflicts_with = "all")]
    pub(in crate::cli) metrics: Option<PathBuf>,
    /// How they are shown
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(in crate::cli) format: Format,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum DatabaseCommand {
    /// Make the tables of the journal and the queue, or bring them to this version
    Migrate,
}
