use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use serde::Deserialize;

/// Brings a school's directory API up to date with a CSV roster: one rate-limited request a row,
/// every row accounted for.
#[derive(Debug, Parser)]
#[command(name = "rosterpatch", version, max_term_width = 100)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) common: CommonArgs,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Read and check every row; no network
    Check(Box<CheckArgs>),
    /// Bring the API up to date with a roster
    Import(Box<ImportArgs>),
    /// Say what an import would send, how many requests, how long; changes nothing
    Plan(Box<PlanArgs>),
    /// Release a run that a guard held, if its file is still the same
    Approve(Box<OneRunArgs>),
    /// Put back what a run changed, where it still holds what the run wrote
    Undo(Box<OneRunArgs>),
    /// Import again the rows of a results file that did not succeed, mended or not
    Retry(Box<RetryArgs>),
    /// Import the files that lie in a folder, once: for cron
    Sweep(Box<SweepArgs>),
    /// Import the files that come into a folder, for as long as it runs: for systemd
    Watch(Box<SweepArgs>),
    /// Print the settings in force, and where each comes from
    Config(Box<ConfigArgs>),
    /// Go on with a run that was interrupted
    Resume(Box<ResumeArgs>),
    /// List what has been run
    Runs(RunsArgs),
    /// Show one run's figures
    Show(ShowArgs),
    /// Write a run's results and report again
    Report(ReportArgs),
    /// Print a CSV header for a target
    Template(TemplateArgs),
    /// List the known APIs, or show one
    Targets(TargetsArgs),
    /// Serve the APIs on this machine, to try things out
    Sandbox(SandboxArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

#[derive(Debug, ClapArgs)]
pub(super) struct CommonArgs {
    /// The config file [default: rosterpatch.toml here, else in the user's config folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// A profile of the config file
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// Folder of the journal [default: rosterpatch in the user's state folder]
    #[arg(long, global = true, value_name = "DIR", env = "ROSTERPATCH_STATE")]
    pub(super) state: Option<PathBuf>,
    /// How progress is shown, on standard error
    #[arg(long, global = true, value_enum, default_value_t = ProgressKind::Auto, value_name = "KIND")]
    pub(super) progress: ProgressKind,
    /// How log lines are written
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub(super) log_format: LogFormat,
    /// Whether help and errors have colours; NO_COLOR is honoured
    #[arg(long, global = true, value_enum, default_value_t = ColorWhen::Auto, value_name = "WHEN")]
    pub(super) color: ColorWhen,
    /// Tell more: every retry, and requests by row number
    #[arg(short, long, global = true)]
    pub(super) verbose: bool,
    /// Tell less: no progress
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ProgressKind {
    /// A bar on a terminal, plain lines elsewhere
    Auto,
    /// A bar
    Bar,
    /// A line now and then
    Plain,
    /// A JSON object a line
    Json,
    /// Nothing
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorWhen {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Empty {
    /// Leave the value alone
    Keep,
    /// Clear the value
    Clear,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Duplicate {
    /// All but the first are invalid
    Error,
    /// The first is sent
    First,
    /// The last is sent
    Last,
}

#[derive(Debug, ClapArgs)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    pub(super) roster: RosterArgs,
    // Accepted so that a command line can be tried with `check` first; nothing is sent.
    #[command(flatten)]
    pub(super) delivery: DeliveryArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
    /// Write every problem to a CSV file, one a line
    #[arg(long, value_name = "PATH")]
    pub(super) problems: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ShowArgs {
    /// The run; the newest if none is named
    #[arg(value_name = "RUN")]
    pub(super) run: Option<String>,
    /// How it is shown
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(super) format: Format,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ReportArgs {
    /// The run; the newest if none is named
    #[arg(value_name = "RUN")]
    pub(super) run: Option<String>,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

#[derive(Debug, ClapArgs)]
pub(super) struct TemplateArgs {
    /// The API: a built-in one, or a file that describes one
    #[arg(long, value_name = "NAME|FILE.toml", env = "ROSTERPATCH_TARGET")]
    pub(super) target: Option<String>,
    /// A row with an example of each field too
    #[arg(long)]
    pub(super) example: bool,
    /// Headers in a language of the target's aliases, such as sv, as a Swedish Excel reads them
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
    /// One API's fields, kinds, sign-in and quota
    Show {
        /// A built-in target, or a file that describes one
        #[arg(value_name = "NAME|FILE.toml")]
        name: String,
        /// Print its file
        #[arg(long)]
        toml: bool,
    },
}

#[derive(Debug, ClapArgs)]
pub(super) struct ImportArgs {
    #[command(flatten)]
    pub(super) roster: RosterArgs,
    #[command(flatten)]
    pub(super) delivery: DeliveryArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

#[derive(Debug, ClapArgs)]
pub(super) struct RetryArgs {
    /// The results or failed file of a run; - is standard input
    #[arg(value_name = "RESULTS", required_unless_present = "run")]
    pub(super) file: Option<PathBuf>,
    /// A run whose rows failed for the API's fault: no file is needed
    #[arg(long, value_name = "RUN", conflicts_with = "file")]
    pub(super) run: Option<String>,
    /// The run that the file belongs to, where it does not show by itself
    #[arg(long, value_name = "RUN", conflicts_with = "run")]
    pub(super) of: Option<String>,
    /// Only rows in these states: invalid,rejected,failed,not_sent
    #[arg(long, value_name = "STATES", value_delimiter = ',')]
    pub(super) only: Vec<String>,
    #[command(flatten)]
    pub(super) options: RosterOptions,
    #[command(flatten)]
    pub(super) delivery: DeliveryArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

#[derive(Debug, ClapArgs)]
pub(super) struct SweepArgs {
    /// The folder into which files are dropped
    #[arg(value_name = "INBOX")]
    pub(super) inbox: PathBuf,
    #[command(flatten)]
    pub(super) options: RosterOptions,
    #[command(flatten)]
    pub(super) delivery: DeliveryArgs,
    /// How long a file must lie unchanged, unless NAME.ready lies beside it [default: 5s]
    #[arg(long, value_name = "TIME")]
    pub(super) settle: Option<String>,
    /// Take files that were imported before, too
    #[arg(long)]
    pub(super) again: bool,
    /// How often watch looks [default: 30s]
    #[arg(long, value_name = "TIME")]
    pub(super) interval: Option<String>,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ConfigArgs {
    #[command(flatten)]
    pub(super) options: RosterOptions,
    #[command(flatten)]
    pub(super) delivery: DeliveryArgs,
}

#[derive(Debug, ClapArgs)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    pub(super) roster: RosterArgs,
    #[command(flatten)]
    pub(super) delivery: DeliveryArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
    /// Write every change to a CSV file, one a line
    #[arg(long, value_name = "PATH")]
    pub(super) out: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct RunsArgs {
    #[command(subcommand)]
    pub(super) command: Option<RunsCommand>,
}

#[derive(Debug, Subcommand)]
pub(super) enum RunsCommand {
    /// Forget old runs, and the personal data kept for undo
    Prune {
        /// Runs that began longer ago than this
        #[arg(long, value_name = "TIME")]
        older_than: String,
    },
}

#[derive(Debug, ClapArgs)]
pub(super) struct OneRunArgs {
    /// The run; `runs` lists them
    #[arg(value_name = "RUN")]
    pub(super) run: String,
    #[command(flatten)]
    pub(super) output: OutputArgs,
    /// Do not ask before sending
    #[arg(long)]
    pub(super) yes: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ResumeArgs {
    /// The run; the newest that was interrupted if none is named
    #[arg(value_name = "RUN")]
    pub(super) run: Option<String>,
    #[command(flatten)]
    pub(super) output: OutputArgs,
    /// Do not ask before sending, where the run had not begun to send
    #[arg(long)]
    pub(super) yes: bool,
}

/// The file, and how it is understood.
#[derive(Debug, ClapArgs)]
pub(super) struct RosterArgs {
    /// The roster; - is standard input
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) options: RosterOptions,
}

/// How a roster is understood.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct RosterOptions {
    /// The API: a built-in one, or a file that describes one
    #[arg(long, value_name = "NAME|FILE.toml", env = "ROSTERPATCH_TARGET")]
    pub(super) target: Option<String>,
    /// The field that finds the record
    #[arg(long, value_name = "FIELD")]
    pub(super) key: Option<String>,
    /// A column by name to a field; COLUMN= ignores it (repeatable)
    #[arg(long, value_name = "COLUMN=FIELD")]
    pub(super) map: Vec<String>,
    /// The file's encoding, in place of what is detected
    #[arg(long, value_name = "NAME")]
    pub(super) encoding: Option<String>,
    /// The file's delimiter, in place of what is detected: one character, or "tab"
    #[arg(long, value_name = "CHAR")]
    pub(super) delimiter: Option<String>,
    /// The sheet of a workbook, in place of the first
    #[arg(long, value_name = "NAME")]
    pub(super) sheet: Option<String>,
    /// What an empty cell means; the cell <null> always clears [default: keep]
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(super) empty: Option<Empty>,
    /// What is done with rows that have the same key [default: error]
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(super) duplicates: Option<Duplicate>,
    /// Take what is doubtful for invalid
    #[arg(long)]
    pub(super) strict: bool,
    /// Let rows set a guarded value, such as membership_type=admin (repeatable)
    #[arg(long, value_name = "FIELD=VALUE")]
    pub(super) allow: Vec<String>,
    /// Only these rows, such as 10-20,35
    #[arg(long, value_name = "ROWS")]
    pub(super) rows: Option<String>,
    /// Only so many of the valid rows
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<u64>,
}

/// Where the rows go, and how fast.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct DeliveryArgs {
    /// Which of the target's environments [default: production]
    #[arg(long, value_name = "NAME")]
    pub(super) env: Option<String>,
    /// Another base address, in place of --env; plain http only to this machine
    #[arg(long, value_name = "URL", conflicts_with = "sandbox")]
    pub(super) base_url: Option<String>,
    /// A variable of the target's addresses (repeatable)
    #[arg(long, value_name = "NAME=VALUE")]
    pub(super) var: Vec<String>,
    /// A file of root certificates in PEM, trusted besides the machine's own
    #[arg(long, value_name = "FILE")]
    pub(super) ca_cert: Option<PathBuf>,
    /// Start the sandbox inside this process, seeded from the file, and send there
    #[arg(long)]
    pub(super) sandbox: bool,
    /// The quota, in requests per s, m, h or d [default: the target's own]
    #[arg(long, value_name = "1500/h")]
    pub(super) rate: Option<String>,
    /// Requests at once from a full bucket [default: the target's own, at most a period's]
    #[arg(long, value_name = "N")]
    pub(super) burst: Option<std::num::NonZeroU32>,
    /// Which part of the quota to use [default: 100%]
    #[arg(long, value_name = "80%")]
    pub(super) share: Option<String>,
    /// Requests under way at most [default: 8]
    #[arg(long, value_name = "N")]
    pub(super) concurrency: Option<std::num::NonZeroUsize>,
    /// Attempts for one row at most [default: 5]
    #[arg(long, value_name = "N")]
    pub(super) max_attempts: Option<std::num::NonZeroU32>,
    /// The longest that one request may take [default: 45s]
    #[arg(long, value_name = "TIME")]
    pub(super) timeout: Option<String>,
    /// Start anew where an unfinished run of this file would go on
    #[arg(long)]
    pub(super) fresh: bool,
    /// Send every valid row, also those that already match
    #[arg(long)]
    pub(super) all: bool,
    /// Send without reading: no look-ups, no difference, no values for undo
    #[arg(long, conflicts_with = "canary")]
    pub(super) blind: bool,
    /// Hold the run if more rows than this are invalid [default: 20%]
    #[arg(long, value_name = "N|N%")]
    pub(super) max_invalid: Option<String>,
    /// Hold the run if it would change more records than this [default: none]
    #[arg(long, value_name = "N|N%")]
    pub(super) max_changes: Option<String>,
    /// Hold the run if the file has lost more rows than this since the last one of its name [default: 50%]
    #[arg(long, value_name = "N|N%")]
    pub(super) max_shrink: Option<String>,
    /// Send so many rows first, read them back, and go on only if they hold what was sent
    #[arg(long, value_name = "N")]
    pub(super) canary: Option<std::num::NonZeroU64>,
    /// How long a record that cannot be read is believed to hold what was delivered [default: 30d]
    #[arg(long, value_name = "TIME")]
    pub(super) trust_for: Option<String>,
    /// Do not ask before sending
    #[arg(long)]
    pub(super) yes: bool,
}

/// Where the results go.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct OutputArgs {
    /// Where every row and what became of it goes [default: NAME.results.csv beside the file]
    #[arg(long, value_name = "PATH")]
    pub(super) results: Option<PathBuf>,
    /// Where the rows that did not succeed go [default: NAME.failed.csv beside the file]
    #[arg(long, value_name = "PATH")]
    pub(super) failed: Option<PathBuf>,
    /// Where the HTML report goes [default: NAME.report.html beside the file]
    #[arg(long, value_name = "PATH")]
    pub(super) report: Option<PathBuf>,
    /// Where what was replaced goes, as a roster [default: NAME.before.csv beside the file]
    #[arg(long, value_name = "PATH")]
    pub(super) before: Option<PathBuf>,
    /// Where the rows whose record was not found go [default: NAME.new.csv beside the file]
    #[arg(long, value_name = "PATH")]
    pub(super) new: Option<PathBuf>,
    /// The summary on standard output
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(super) format: Format,
}

#[derive(Debug, ClapArgs)]
pub(super) struct SandboxArgs {
    /// The address to listen on; this machine's own only
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8787")]
    pub(super) listen: std::net::SocketAddr,
    /// A roster whose students the sandbox is to hold (repeatable)
    #[arg(long, value_name = "FILE")]
    pub(super) seed: Vec<PathBuf>,
    /// The quota
    #[arg(long, value_name = "RATE", default_value = "1500/h")]
    pub(super) quota: String,
    /// How long every answer takes
    #[arg(long, value_name = "TIME", default_value = "20ms")]
    pub(super) latency: String,
    /// What goes wrong, such as 500=2%,503=1%:retry-after=2,reset=1%,lost-answer=1%; also stall=1%:60s,
    /// slow=5%:800ms, truncate, garbage, html, close
    #[arg(long, value_name = "SPEC")]
    pub(super) faults: Option<String>,
    /// What is drawn by chance is drawn from this number
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) random_seed: u64,
    /// Hold no records at all
    #[arg(long, conflicts_with = "seed")]
    pub(super) empty: bool,
}
