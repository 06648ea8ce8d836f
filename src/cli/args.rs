//! The commands and their arguments.

use std::num::NonZeroU64;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use super::config::Config;
use super::fleet_args::{DatabaseCommand, EnqueueArgs, QueueArgs, WorkArgs};
use super::options::{
    CanaryOptions, ConnectionOptions, FileOptions, FormatOptions, GeneralOptions, GuardOptions,
    InboxOptions, LayoutOptions, PlaceOptions, PlanOptions, QuotaOptions, RosterOptions,
    StartOptions, pair,
};
use super::values::{Address, Format, Time};
use crate::plan::ConflictPolicy;
use crate::sandbox::{Faults, Variation};
use crate::send::Rate;

/// Updates a school's directory API from a CSV or Excel roster, within the API's rate limit, and records
/// the outcome of every row.
#[derive(Debug, Parser)]
#[command(name = "rosterpatch", version, max_term_width = 80)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
    #[command(flatten)]
    pub(super) common: GeneralOptions,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check every row, without network access
    Check(Box<CheckArgs>),
    /// Update the API from a roster
    Import(Box<ImportArgs>),
    /// Show what an import would change, and how long it would take
    Plan(Box<PlanArgs>),
    /// Release a run that a guard holds
    Approve(Box<ApproveArgs>),
    /// Close a run that a guard holds; nothing is sent
    Decline(DeclineArgs),
    /// Restore the values that a run changed
    Undo(Box<UndoArgs>),
    /// Retry failed rows from a results file
    Retry(Box<RetryArgs>),
    /// Import the files in a folder once, for cron
    Sweep(Box<OnceArgs>),
    /// Import files as they arrive in a folder, for systemd
    Watch(Box<SweepArgs>),
    /// Print the settings in force and where each comes from
    Config(Box<ConfigArgs>),
    /// Resume an interrupted run
    Resume(Box<ResumeArgs>),
    /// List runs
    Runs(RunsArgs),
    /// Show the summary of a run
    Show(ShowArgs),
    /// Copy the journal and its files to a new folder, also while runs are in progress
    Backup(BackupArgs),
    /// Write the results and the report of a run again
    Report(ReportArgs),
    /// Print a CSV header for a target
    Template(TemplateArgs),
    /// List the known APIs, or show one
    Targets(TargetsArgs),
    /// List every change that any run made to one record
    History(HistoryArgs),
    /// Open the console in the browser
    Open(Box<OpenArgs>),
    /// Check the setup and print a remedy for each problem
    Doctor(DoctorArgs),
    /// Explain a problem code
    Explain(ExplainArgs),
    /// Serve simulated APIs on this machine
    Sandbox(SandboxArgs),
    /// Add files to the shared queue
    Enqueue(EnqueueArgs),
    /// Run a worker that processes the shared queue
    Work(WorkArgs),
    /// List the shared queue
    Queue(QueueArgs),
    /// Manage the shared database
    Database {
        #[command(subcommand)]
        command: DatabaseCommand,
    },
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print a manual page, or write one for each command
    Man(ManArgs),
}

impl Command {
    /// Returns the roster options of a command that reads a roster.
    pub(super) fn roster(&mut self) -> Option<&mut RosterOptions> {
        match self {
            Command::Check(check) => Some(&mut check.roster),
            Command::Import(import) => Some(&mut import.options.roster),
            Command::Plan(plan) => Some(&mut plan.options.roster),
            Command::Retry(retry) => Some(&mut retry.options.roster),
            _ => None,
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(super) struct CheckArgs {
    /// The roster; - is standard input
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) roster: RosterOptions,
    #[command(flatten)]
    pub(super) place: PlaceOptions,
    /// A variable of the target's addresses (repeatable)
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair, help_heading = "Delivery")]
    pub(super) var: Vec<(String, String)>,
    /// Write every problem to a CSV file
    #[arg(long, value_name = "PATH", help_heading = "Output")]
    pub(super) problems: Option<PathBuf>,
    #[command(flatten)]
    pub(super) output: FormatOptions,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ExplainArgs {
    /// A code from import_error_code; without it, list all codes
    #[arg(value_name = "CODE")]
    pub(super) code: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ShowArgs {
    /// The run; the newest if none is named
    #[arg(value_name = "RUN")]
    pub(super) run: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(super) format: Format,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ReportArgs {
    /// The run; the newest if none is named
    #[arg(value_name = "RUN")]
    pub(super) run: Option<String>,
    #[command(flatten)]
    pub(super) files: FileOptions,
    #[command(flatten)]
    pub(super) layout: LayoutOptions,
    #[command(flatten)]
    pub(super) output: FormatOptions,
}

#[derive(Debug, ClapArgs)]
pub(super) struct HistoryArgs {
    /// The record's id, an identity number, an e-mail address or a name
    #[arg(value_name = "KEY")]
    pub(super) key: String,
    /// Also list the changes of rehearsals, the runs against the sandbox
    #[arg(long, conflicts_with = "forget")]
    pub(super) rehearsals: bool,
    /// Remove the values that ended runs store for the record
    #[arg(long, conflicts_with_all = ["out", "format"])]
    pub(super) forget: bool,
    /// Also write everything stored about the person to a CSV, workbook or JSON file
    #[arg(long, value_name = "PATH")]
    pub(super) out: Option<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(super) format: Format,
}

#[derive(Debug, ClapArgs)]
pub(super) struct TemplateArgs {
    /// The API: a built-in one, or a file that describes one
    #[arg(
        long,
        value_name = "NAME|FILE.toml",
        env = "ROSTERPATCH_TARGET",
        hide_env = true
    )]
    pub(super) target: Option<String>,
    /// Add a row with an example of each field
    #[arg(long)]
    pub(super) example: bool,
    /// Use headers in this language, such as sv
    #[arg(long, value_name = "LANGUAGE")]
    pub(super) headers: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct TargetsArgs {
    #[command(subcommand)]
    pub(super) command: Option<TargetsCommand>,
}

#[derive(Debug, Subcommand)]
pub(super) enum TargetsCommand {
    /// Show the fields, kinds, sign-in and quota of an API
    Show {
        /// A built-in target, or a file that describes one
        #[arg(value_name = "NAME|FILE.toml")]
        name: String,
        /// Print the target file
        #[arg(long)]
        toml: bool,
    },
    /// Read one record and one page from the API, and show how each field is understood
    Test(Box<TestArgs>),
    /// Print the JSON Schema of target files, or of the config file, for editors
    Schema {
        /// The kind of file
        #[arg(value_enum, default_value_t, value_name = "KIND")]
        of: SchemaOf,
    },
}

/// A kind of file that has a JSON Schema.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(super) enum SchemaOf {
    /// A target's file
    #[default]
    Target,
    /// rosterpatch.toml
    Config,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ImportArgs {
    /// The roster; - is standard input
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) options: PlanOptions,
    #[command(flatten)]
    pub(super) start: StartOptions,
    #[command(flatten)]
    pub(super) canary: CanaryOptions,
    #[command(flatten)]
    pub(super) files: FileOptions,
    #[command(flatten)]
    pub(super) layout: LayoutOptions,
    #[command(flatten)]
    pub(super) output: FormatOptions,
    /// Send exactly what a saved plan contains, without asking; fail if anything has changed since
    #[arg(
        long,
        value_name = "PLAN",
        help_heading = "Delivery",
        hide_short_help = true
    )]
    pub(super) plan: Option<PathBuf>,
    // An alias that users of other tools may try.
    #[arg(long, hide = true)]
    pub(super) dry_run: bool,
}

/// Options that conflict with `--run`, because the journal stores these settings. A target may also come from
/// the environment, which [`super::refuse_misplaced`] checks.
const OF_A_FILE: [&str; 17] = [
    "file",
    "of",
    "key",
    "encoding",
    "delimiter",
    "sheet",
    "empty",
    "duplicates",
    "map",
    "allow",
    "rows",
    "lines",
    "limit",
    "env",
    "base_url",
    "sandbox",
    "var",
];

#[derive(Debug, ClapArgs)]
pub(super) struct RetryArgs {
    /// The results or failed file of a run; - is standard input
    #[arg(value_name = "RESULTS", required_unless_present = "run")]
    pub(super) file: Option<PathBuf>,
    /// Resend the rows of a run that failed because of the API or the network; needs no file
    #[arg(long, value_name = "RUN", help_heading = "Roster", conflicts_with_all = OF_A_FILE)]
    pub(super) run: Option<String>,
    /// The run that the file belongs to, if several match
    #[arg(long, value_name = "RUN", help_heading = "Roster")]
    pub(super) of: Option<String>,
    /// Only rows in these states: invalid, rejected, failed, not_sent
    #[arg(
        long,
        value_name = "STATES",
        value_delimiter = ',',
        help_heading = "Roster"
    )]
    pub(super) only: Vec<String>,
    #[command(flatten)]
    pub(super) options: PlanOptions,
    #[command(flatten)]
    pub(super) start: StartOptions,
    #[command(flatten)]
    pub(super) canary: CanaryOptions,
    #[command(flatten)]
    pub(super) files: FileOptions,
    #[command(flatten)]
    pub(super) layout: LayoutOptions,
    #[command(flatten)]
    pub(super) output: FormatOptions,
}

#[derive(Debug, ClapArgs)]
pub(super) struct OnceArgs {
    #[command(flatten)]
    pub(super) sweep: SweepArgs,
    /// Add the files to the shared queue, and archive those whose runs have ended
    #[arg(long)]
    pub(super) enqueue: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct SweepArgs {
    /// The folder to import from
    #[arg(value_name = "INBOX")]
    pub(super) folder: PathBuf,
    #[command(flatten)]
    pub(super) options: PlanOptions,
    #[command(flatten)]
    pub(super) inbox: InboxOptions,
    #[command(flatten)]
    pub(super) start: StartOptions,
    #[command(flatten)]
    pub(super) canary: CanaryOptions,
    #[command(flatten)]
    pub(super) layout: LayoutOptions,
    #[command(flatten)]
    pub(super) output: FormatOptions,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ConfigArgs {
    #[command(flatten)]
    pub(super) roster: RosterOptions,
    #[command(flatten)]
    pub(super) inbox: InboxOptions,
    #[command(flatten)]
    pub(super) place: PlaceOptions,
    #[command(flatten)]
    pub(super) connection: ConnectionOptions,
    #[command(flatten)]
    pub(super) quota: QuotaOptions,
    #[command(flatten)]
    pub(super) guards: GuardOptions,
    #[command(flatten)]
    pub(super) canary: CanaryOptions,
    #[command(flatten)]
    pub(super) layout: LayoutOptions,
}

#[derive(Debug, ClapArgs)]
pub(super) struct PlanArgs {
    /// The roster; - is standard input
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) options: PlanOptions,
    // `plan` never asks. The flag is accepted so that an `import` command line can be reused.
    #[arg(long, hide = true)]
    pub(super) yes: bool,
    /// Write every change to a CSV file
    #[arg(long, value_name = "PATH", help_heading = "Output")]
    pub(super) out: Option<PathBuf>,
    /// Save the plan for import --plan
    #[arg(long, value_name = "PLAN", help_heading = "Output")]
    pub(super) save: Option<PathBuf>,
    /// Print the request of one row (by import_row) as a curl command, without secrets
    #[arg(long, value_name = "ROW", help_heading = "Output")]
    pub(super) show_request: Option<NonZeroU64>,
    #[command(flatten)]
    pub(super) output: FormatOptions,
}

#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct RunsArgs {
    #[command(subcommand)]
    pub(super) command: Option<RunsCommand>,
    /// List the files that arrived in inboxes within the last TIME, such as 1d
    #[arg(long, value_name = "TIME", conflicts_with = "limit")]
    pub(super) since: Option<Time>,
    /// Also list rehearsals, the runs against the sandbox
    #[arg(long, conflicts_with = "since")]
    pub(super) rehearsals: bool,
    /// List only the newest N
    #[arg(long, value_name = "N", default_value_t = usize::MAX, hide_default_value = true)]
    pub(super) limit: usize,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(super) format: Format,
}

#[derive(Debug, Subcommand)]
pub(super) enum RunsCommand {
    /// Delete old runs and the personal data stored for undo
    Prune {
        /// Delete runs that began longer ago than this; by default only what [retention] limits
        #[arg(long, value_name = "TIME")]
        older_than: Option<Time>,
    },
}

#[derive(Debug, ClapArgs)]
pub(super) struct OneRunArgs {
    /// The run; `runs` lists them
    #[arg(value_name = "RUN")]
    pub(super) run: String,
    #[command(flatten)]
    pub(super) quota: QuotaOptions,
    #[command(flatten)]
    pub(super) files: FileOptions,
    #[command(flatten)]
    pub(super) output: FormatOptions,
    /// Do not ask before sending
    #[arg(long)]
    pub(super) yes: bool,
    /// Reason for the command, stored with the run
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(super) note: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct UndoArgs {
    #[command(flatten)]
    pub(super) of: OneRunArgs,
    /// Restore only these rows, by import_row; the others can be undone later
    #[arg(long, value_name = "ROWS")]
    pub(super) rows: Option<crate::plan::Selection>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct DeclineArgs {
    /// The run; `runs` lists them
    #[arg(value_name = "RUN")]
    pub(super) run: String,
    /// Do not ask before closing the run
    #[arg(long)]
    pub(super) yes: bool,
    /// Reason for the command, stored with the run
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(super) note: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ApproveArgs {
    #[command(flatten)]
    pub(super) of: OneRunArgs,
    /// Values changed since the last run wrote them: overwrite them (roster) or keep them (theirs)
    #[arg(long, value_name = "roster|theirs")]
    pub(super) conflicts: Option<ConflictPolicy>,
    /// Of the rows that need separate approval, only these, by import_row, or "none"
    #[arg(long, value_name = "ROWS")]
    pub(super) rows: Option<ApprovedRows>,
}

/// The rows to approve.
#[derive(Debug, Clone)]
pub(super) struct ApprovedRows(pub(super) Vec<std::ops::RangeInclusive<u64>>);

impl std::str::FromStr for ApprovedRows {
    type Err = crate::plan::SelectionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(ApprovedRows(match text {
            "none" => Vec::new(),
            rows => rows.parse::<crate::plan::Selection>()?.rows,
        }))
    }
}

#[derive(Debug, ClapArgs)]
pub(super) struct ResumeArgs {
    /// The run; the newest that was interrupted if none is named
    #[arg(value_name = "RUN")]
    pub(super) run: Option<String>,
    /// Leave a column out of the remaining rows (repeatable)
    #[arg(long = "map", value_name = "COLUMN=", value_parser = super::options::pair)]
    pub(super) left_out: Vec<(String, String)>,
    #[command(flatten)]
    pub(super) quota: QuotaOptions,
    #[command(flatten)]
    pub(super) files: FileOptions,
    #[command(flatten)]
    pub(super) output: FormatOptions,
    /// Do not ask before sending if the run has sent nothing yet
    #[arg(long)]
    pub(super) yes: bool,
    /// Reason for the command, stored with the run
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(super) note: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct BackupArgs {
    /// The new folder; it can be used as the state folder
    #[arg(long, value_name = "FOLDER")]
    pub(super) out: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ManArgs {
    /// The command; without it, the page of rosterpatch
    #[arg(value_name = "COMMAND")]
    pub(super) command: Option<String>,
    /// Write every page into a folder
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    pub(super) out: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct OpenArgs {
    /// The roster; you can also choose it in the browser
    #[arg(value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) options: PlanOptions,
    /// Print the address of the console and start no browser
    #[arg(long, help_heading = "Console")]
    pub(super) no_browser: bool,
    /// The address to listen on; loopback only [default: a free port of 127.0.0.1]
    #[arg(long, value_name = "127.0.0.1:PORT", help_heading = "Console")]
    pub(super) listen: Option<std::net::SocketAddr>,
    /// Exit when the console has been unused for this long and no run is in progress
    #[arg(
        long,
        value_name = "TIME",
        default_value = "30m",
        help_heading = "Console"
    )]
    pub(super) idle: Time,
}

#[derive(Debug, ClapArgs)]
pub(super) struct DoctorArgs {
    /// Check every profile of the config file in turn
    #[arg(long, conflicts_with = "profile")]
    pub(super) all_profiles: bool,
    /// The API: a built-in one, or a file
    #[arg(
        long,
        value_name = "TARGET",
        env = "ROSTERPATCH_TARGET",
        hide_env = true
    )]
    pub(super) target: Option<String>,
    #[command(flatten)]
    pub(super) reach: ReachArgs,
}

/// The address of an API, for commands that only read.
#[derive(Debug, ClapArgs)]
pub(super) struct ReachArgs {
    /// The target's environment [default: production]
    #[arg(long, value_name = "NAME")]
    pub(super) env: Option<String>,
    /// Base address, which overrides that of --env
    #[arg(long, value_name = "URL")]
    pub(super) base_url: Option<Address>,
    /// A variable of the target's addresses (repeatable)
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(super) var: Vec<(String, String)>,
    /// Additional root certificates, in PEM
    #[arg(long, value_name = "FILE")]
    pub(super) ca_cert: Option<PathBuf>,
}

impl ReachArgs {
    /// Returns the options for requests, filled from the config file.
    pub(super) fn connection(&self, config: &Config) -> ConnectionOptions {
        config.fill(&ConnectionOptions {
            var: self.var.clone(),
            ca_cert: self.ca_cert.clone(),
            ..ConnectionOptions::default()
        })
    }

    /// Returns the options for the address, filled from the config file.
    pub(super) fn place(&self, config: &Config) -> PlaceOptions {
        config.place(&PlaceOptions {
            env: self.env.clone(),
            base_url: self.base_url.clone(),
            ..PlaceOptions::default()
        })
    }
}

#[derive(Debug, ClapArgs)]
pub(super) struct TestArgs {
    /// A built-in target, or a file that describes one
    #[arg(value_name = "NAME|FILE.toml")]
    pub(super) name: String,
    /// The key of an existing record, such as an identity number
    #[arg(long, value_name = "VALUE")]
    pub(super) key: String,
    /// The field that the key belongs to [default: the first key field whose kind fits]
    #[arg(long, value_name = "FIELD")]
    pub(super) by: Option<String>,
    #[command(flatten)]
    pub(super) reach: ReachArgs,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(super) format: Format,
}

#[derive(Debug, ClapArgs)]
pub(super) struct SandboxArgs {
    /// The address to listen on; loopback only
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8787")]
    pub(super) listen: std::net::SocketAddr,
    /// Simulate the API that this file describes instead of the built-in ones
    #[arg(long, value_name = "FILE.toml")]
    pub(super) target: Option<String>,
    /// A roster to load into the sandbox (repeatable)
    #[arg(long, value_name = "FILE")]
    pub(super) seed: Vec<PathBuf>,
    /// The quota [default: 1500/h, or that of --target]
    #[arg(long, value_name = "RATE")]
    pub(super) quota: Option<Rate>,
    /// Latency of each response
    #[arg(long, value_name = "TIME", default_value = "20ms")]
    pub(super) latency: Time,
    /// Faults, such as 500=2%,503=1%:retry-after=2,reset=1%,lost-answer=1%; also stall=1%:60s,
    /// slow=5%:800ms, truncate, garbage, html, close
    #[arg(long, value_name = "SPEC")]
    pub(super) faults: Option<Faults>,
    /// Deviate from the target file: capped-pages, other-first, absent-members, null-members,
    /// unnamed-members, shuffled-records, page-totals, strict-members of Pathwright, or frozen-times,
    /// unset-times, ignored-times, silent-deletions of Meitner (repeatable)
    #[arg(long, value_name = "VARIATION", requires = "target")]
    pub(super) vary: Vec<Variation>,
    /// Seed for the random numbers
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) random_seed: u64,
    /// Start without records
    #[arg(long, conflicts_with = "seed")]
    pub(super) empty: bool,
}
