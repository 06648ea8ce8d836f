//! Each option is declared once with its name, type, default and help. The declaration generates the flag,
//! the setting of the config file and the output of `config`. Groups of options are combined into commands,
//! so that each command has only options that apply to it.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use schemars::JsonSchema;
use serde::Deserialize;

use super::group::{groups, usual};
use super::values::{
    Address, ConflictRules, Delimiter, Duplicate, Empty, Label, OutcomeAt, Renumber,
    RetentionTimes, Share, Shown, Time, Timeout, Written, from_config,
};
use crate::app::Notify;
use crate::l10n::{Language, say};
use crate::plan::{ConflictPolicy, Selection, Threshold};
use crate::send::Rate;

/// An option as shown by `config`.
pub(in crate::cli) struct Setting {
    /// The name in the config file.
    pub(in crate::cli) name: &'static str,
    /// The value from the command line or the environment.
    pub(in crate::cli) said: Option<String>,
    /// Returns the value in a layer of the config file.
    pub(in crate::cli) in_layer: fn(&Layer) -> Option<String>,
    /// The default.
    pub(in crate::cli) default: &'static str,
}

/// A group of options.
pub(in crate::cli) trait Group: Clone {
    /// Fills unset options from a layer of the config file.
    fn or(self, layer: &Layer) -> Self;

    /// Returns the options for `config`.
    fn settings(&self) -> Vec<Setting>;
}

groups! {
    /// Options for reading and checking a roster.
    RosterOptions, "Roster" {
        settings {
            /// The API: a built-in one, or a file
            target: String => "none" [value_name = "TARGET", env = "ROSTERPATCH_TARGET", hide_env = true];
            /// Field that finds the record
            ///
            /// (or several in order, separated by commas)
            key: String | "detected" [value_name = "FIELD"];
            /// The file's encoding
            encoding: Label | "detected" [value_name = "NAME", hide_short_help = true];
            /// The file's delimiter: one character, or "tab"
            delimiter: Delimiter | "detected" [value_name = "CHAR", hide_short_help = true];
            /// The sheet of a workbook
            sheet: String | "the first visible" [value_name = "NAME", hide_short_help = true];
            /// Skip rows hidden in the workbook
            skip_hidden: bool => "no" [num_args = 0, default_missing_value = "true", value_name = "", hide_short_help = true];
            /// The spreadsheet row number of the header
            ///
            /// (detected, also below a title)
            header_row: NonZeroU64 | "detected" [value_name = "N", hide_short_help = true];
            /// What an empty cell does
            ///
            /// (keep the value, or clear it; the cell <null> always clears)
            empty: Empty = "keep" [value_enum, hide_possible_values = true, value_name = "keep|clear"];
            /// Duplicate keys: error, first, last
            ///
            /// (all but the first are invalid, or only the first or the last is sent)
            duplicates: Duplicate = "error" [value_enum, hide_possible_values = true, value_name = "WHICH"];
            /// Treat doubtful values as invalid
            strict: bool => "no" [num_args = 0, default_missing_value = "true", value_name = ""];
        }
        flags {
            /// Map COLUMN to FIELD; COLUMN= ignores it (repeatable)
            #[arg(long, value_name = "COLUMN=FIELD", value_parser = pair)]
            map: Vec<(String, String)>;
            /// Let rows set a guarded value, such as membership_type=admin (repeatable)
            #[arg(long, value_name = "FIELD=VALUE", value_parser = pair, hide_short_help = true)]
            allow: Vec<(String, String)>;
            /// Send rows about protected persons, and record why
            #[arg(long, value_name = "REASON", hide_short_help = true, value_parser = clap::builder::NonEmptyStringValueParser::new())]
            release_protected: Option<String>;
        }
    }

    /// Options that select rows of a roster.
    SelectionOptions, "Roster" {
        settings {}
        flags {
            /// Only these rows by import_row, such as 10-20,35
            #[arg(long, value_name = "ROWS")]
            rows: Option<Selection>;
            /// Only these rows by spreadsheet row number
            #[arg(long, value_name = "LINES")]
            lines: Option<Selection>;
            /// Only the first N of the valid rows
            #[arg(long, value_name = "N")]
            limit: Option<u64>;
        }
    }

    /// Options for claiming files of an inbox.
    InboxOptions, "Roster" {
        settings {
            /// How long a file must be unchanged
            ///
            /// (unless a file with its full name followed by .ready is beside it)
            settle: Time = "5s" [value_name = "TIME"];
            /// How often watch scans the inbox
            interval: Time = "30s" [value_name = "TIME"];
        }
        flags {
            /// Import files that were imported before
            #[arg(long)]
            again: bool;
        }
    }

    /// Options for the address and for reading records.
    PlaceOptions, "Delivery" {
        settings {
            /// The target's environment
            env: String | "production" [value_name = "NAME"];
            /// Base address, which overrides that of --env
            ///
            /// (plain http to this machine only)
            base_url: Address => "that of env" [value_name = "URL", conflicts_with = "sandbox"];
            /// List all records again after this time
            ///
            /// (until then a run reads only what changed since the last list, if the target defines how)
            relist: Time = "7d" [value_name = "TIME", hide_short_help = true];
            /// Read all records again, without a snapshot
            no_snapshot: bool => "no" [num_args = 0, default_missing_value = "true", value_name = "", hide_short_help = true];
        }
        flags {
            /// Send to a sandbox in this process, seeded from FILE
            #[arg(long)]
            sandbox: bool;
            /// Send without reading records; cannot be undone
            #[arg(long)]
            blind: bool;
        }
    }

    /// Options for requests.
    ConnectionOptions, "Delivery" {
        settings {
            /// Maximum attempts for one row
            max_attempts: NonZeroU32 = "5" [value_name = "N"];
            /// Timeout of one request
            timeout: Timeout = "45s" [value_name = "TIME", hide_short_help = true];
            /// Additional root certificates, in PEM
            ca_cert: PathBuf => "none" [value_name = "FILE", hide_short_help = true];
            /// How long delivered values are assumed to be in a record that cannot be read
            trust_for: Time = "30d" [value_name = "TIME", hide_short_help = true];
        }
        flags {
            /// A variable of the target's addresses (repeatable)
            #[arg(long, value_name = "NAME=VALUE", value_parser = pair, hide_short_help = true)]
            var: Vec<(String, String)>;
            /// Send rows that already match
            #[arg(long)]
            all: bool;
            /// Store no values for undo
            #[arg(long)]
            no_undo: bool;
        }
    }

    /// Options for starting a run.
    StartOptions, "Delivery" {
        settings {}
        flags {
            /// Start over instead of resuming an unfinished run
            #[arg(long)]
            fresh: bool;
            /// Do not ask before sending
            #[arg(long)]
            yes: bool;
            /// Reason for the run, stored with it
            #[arg(long, hide_short_help = true, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
            note: Option<String>;
        }
    }

    /// Options for the rate limit.
    QuotaOptions, "Quota" {
        settings {
            /// Requests per s, m, h or d
            ///
            /// (unlimited follows only the API's rate-limit headers)
            rate: Rate | "the target's" [value_name = "1500/h"];
            /// Maximum requests in a burst
            burst: NonZeroU32 | "the target's" [value_name = "N"];
            /// Share of the quota to use
            share: Share = "100%" [value_name = "80%"];
            /// Maximum concurrent requests
            concurrency: NonZeroUsize = "8" [value_name = "N"];
        }
        flags {}
    }

    /// Guards that hold a run before anything is sent.
    GuardOptions, "Guards" {
        settings {
            /// Hold a run with more invalid rows
            ///
            /// than this
            max_invalid: Threshold = "20%" [value_name = "N|N%"];
            /// Hold a run with more changes
            ///
            /// than this
            max_changes: Threshold | "none" [value_name = "N|N%"];
            /// Hold a run in which more rows turn one person into another
            max_identity_changes: u64 = "0" [value_name = "N", hide_short_help = true];
            /// Rows with a new identity number: ask, approve, off
            ///
            /// (hold the run, send the rows that another id confirms, or report all of them as not found)
            renumber: Renumber = "ask" [value_enum, hide_possible_values = true, value_name = "HOW", hide_short_help = true];
            /// Hold a run whose file shrank more
            ///
            /// than this since the last file of the same name
            max_shrink: Threshold = "50%" [value_name = "N|N%"];
        }
        flags {
            /// Values changed since the last run wrote them: roster, theirs, ask [default: roster; ask in the console]
            #[arg(long, value_name = "WHICH", hide_short_help = true)]
            conflicts: Option<ConflictPolicy>;
        }
    }

    /// Options that stop a run after its first rows.
    CanaryOptions, "Guards" {
        settings {
            /// Send N rows first, and continue
            ///
            /// if they read back as sent
            canary: NonZeroU64 => "none" [value_name = "N", conflicts_with = "blind"];
        }
        flags {}
    }

    /// Options for the paths of the output files.
    FileOptions, "Output" {
        settings {}
        flags {
            /// All rows [default: NAME.results.csv beside the file]
            #[arg(long, value_name = "PATH")]
            results: Option<PathBuf>;
            /// Rows that did not succeed [default: NAME.failed.csv]
            #[arg(long, value_name = "PATH")]
            failed: Option<PathBuf>;
            /// The HTML report [default: NAME.report.html]
            #[arg(long, value_name = "PATH")]
            report: Option<PathBuf>;
            /// The replaced values, as a roster [default: NAME.before.csv]
            #[arg(long, value_name = "PATH", hide_short_help = true)]
            before: Option<PathBuf>;
            /// Rows whose record was not found [default: NAME.new.csv]
            #[arg(long, value_name = "PATH", hide_short_help = true)]
            new: Option<PathBuf>;
        }
    }

    /// Options for the layout of the results.
    LayoutOptions, "Output" {
        settings {
            /// Position of the import_ columns in the results
            outcome: OutcomeAt = "last" [value_enum, hide_possible_values = true, value_name = "last|first", hide_short_help = true];
        }
        flags {}
    }

    /// Options for the format of the summary.
    FormatOptions, "Output" {
        settings {}
        flags {
            /// The summary on standard output [default: text]
            #[arg(long, value_enum, default_value_t, hide_default_value = true, hide_possible_values = true, value_name = "text|json")]
            format: Format;
        }
    }

    /// Options of every command.
    GeneralOptions, "General" {
        settings {
            /// Folder of the journal, or its postgres:// address
            state: PathBuf => "" [global = true, value_name = "DIR", env = "ROSTERPATCH_STATE", hide_env = true];
        }
        flags {
            /// The config file [default: rosterpatch.toml here, else in the user's config folder]
            #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
            config: Option<PathBuf>;
            /// Language [default: the locale's]
            #[arg(long, global = true, value_name = "sv|en")]
            lang: Option<Language>;
            /// A profile of the config file
            #[arg(long, global = true, value_name = "NAME")]
            profile: Option<String>;
            /// Progress: auto, bar, plain, json, none [default: auto]
            #[arg(long, global = true, value_enum, default_value_t, hide_default_value = true, hide_possible_values = true, value_name = "KIND")]
            progress: ProgressKind;
            /// Log format
            #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT", hide_short_help = true)]
            log_format: LogFormat;
            /// When to use colors; NO_COLOR is respected
            #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", hide_short_help = true)]
            color: ColorWhen;
            /// Print more: every retry, and requests by row number
            #[arg(short, long, global = true)]
            verbose: bool;
            /// Print less: no progress
            #[arg(short, long, global = true, conflicts_with = "verbose")]
            quiet: bool;
        }
    }
}

/// The options that determine a plan.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct PlanOptions {
    #[command(flatten)]
    pub(in crate::cli) roster: RosterOptions,
    #[command(flatten)]
    pub(in crate::cli) selection: SelectionOptions,
    #[command(flatten)]
    pub(in crate::cli) place: PlaceOptions,
    #[command(flatten)]
    pub(in crate::cli) connection: ConnectionOptions,
    #[command(flatten)]
    pub(in crate::cli) quota: QuotaOptions,
    #[command(flatten)]
    pub(in crate::cli) guards: GuardOptions,
}

/// Splits `NAME=VALUE` at the last `=`.
pub(in crate::cli) fn pair(text: &str) -> Result<(String, String), String> {
    match text.rsplit_once('=') {
        Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
        None => Err(say().value_no_equals()),
    }
}

/// The kind of progress output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ProgressKind {
    /// A bar on a terminal, plain lines elsewhere
    #[default]
    Auto,
    /// A bar
    Bar,
    /// A line now and then
    Plain,
    /// One JSON object per line
    Json,
    /// Nothing
    None,
}

/// When colours are used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ColorWhen {
    #[default]
    Auto,
    Always,
    Never,
}

/// The log format.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum LogFormat {
    #[default]
    Text,
    Json,
}

/// The output format of a summary.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Format {
    #[default]
    Text,
    Json,
}

impl QuotaOptions {
    /// Returns whether the command line sets a rate limit.
    pub(in crate::cli) fn is_said(&self) -> bool {
        let Self {
            rate,
            burst,
            share,
            concurrency,
        } = self;
        rate.is_some() || burst.is_some() || share.is_some() || concurrency.is_some()
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, FromArgMatches};

    use super::super::args::Args;
    use super::*;

    #[test]
    fn every_default_is_parsed() {
        let arguments = ["rosterpatch", "config"];
        let args = Args::from_arg_matches(&Args::command().get_matches_from(arguments)).unwrap();
        let super::super::args::Command::Config(config) = args.command else {
            panic!("config");
        };
        assert_eq!(config.roster.empty(), Empty::Keep);
        assert_eq!(config.roster.duplicates(), Duplicate::Error);
        assert_eq!(config.quota.concurrency().get(), 8);
        let connection = config.connection;
        assert_eq!(connection.max_attempts().get(), 5);
        assert_eq!(connection.timeout().0.length.as_secs(), 45);
        assert_eq!(connection.trust_for().length.as_secs(), 30 * 86_400);
        assert_eq!(config.quota.share(), Share(1.0));
        assert_eq!(config.guards.max_invalid(), Threshold::Percent(20.0));
        assert_eq!(config.guards.max_shrink(), Threshold::Percent(50.0));
        assert_eq!(config.inbox.settle().length.as_secs(), 5);
        assert_eq!(config.inbox.interval().length.as_secs(), 30);
    }

    #[test]
    fn setting_names_are_unique() {
        let mut names = Layer::names();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
