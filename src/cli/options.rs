//! Each option is declared once with its name, type, default and help. The declaration generates the flag,
//! the setting of the config file and the output of `config`. Groups of options are combined into commands,
//! so that each command has only options that apply to it. `PlanOptions::apply` applies them to a run.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::Args;
use schemars::JsonSchema;
use serde::Deserialize;

use super::group::{groups, usual};
use super::values::{
    Address, ColorWhen, ConflictRules, Delimiter, Duplicate, Empty, Format, Label, LogFormat,
    OutcomeAt, ProgressKind, Renumber, RetentionTimes, Share, Shown, Time, Timeout, Written,
    from_config,
};
use crate::app::{Action, AppError, Notify};
use crate::l10n::{Language, say};
use crate::plan::{ConflictPolicy, Guards, RenumberMode, Selection, Threshold};
use crate::run::Settings;
use crate::send::{ClientOptions, Rate};

/// An option as shown by `config`.
pub(super) struct Setting {
    /// The name in the config file.
    pub(super) name: &'static str,
    /// The value from the command line or the environment.
    pub(super) said: Option<String>,
    /// Returns the value in a layer of the config file.
    pub(super) in_layer: fn(&Layer) -> Option<String>,
    /// The default.
    pub(super) default: &'static str,
}

/// A group of options.
pub(super) trait Group: Clone {
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
            /// (a title line may precede it)
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
pub(super) struct PlanOptions {
    #[command(flatten)]
    pub(super) roster: RosterOptions,
    #[command(flatten)]
    pub(super) selection: SelectionOptions,
    #[command(flatten)]
    pub(super) place: PlaceOptions,
    #[command(flatten)]
    pub(super) connection: ConnectionOptions,
    #[command(flatten)]
    pub(super) quota: QuotaOptions,
    #[command(flatten)]
    pub(super) guards: GuardOptions,
}

/// Splits `NAME=VALUE` at the last `=`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.rsplit_once('=') {
        Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
        None => Err(say().value_no_equals()),
    }
}

impl ConnectionOptions {
    /// Returns the client for a base address.
    pub(super) fn client(&self, base_url: String) -> Result<ClientOptions, AppError> {
        Ok(ClientOptions {
            base_url,
            timeout: self.timeout().0.length,
            ca_certificates: self.ca_certificates()?,
        })
    }

    /// Returns the root certificates trusted in addition to those of the system.
    fn ca_certificates(&self) -> Result<Option<String>, AppError> {
        let Some(path) = &self.ca_cert else {
            return Ok(None);
        };
        let text = crate::safe_fs::read_text(path).map_err(Action::Read.failed(path))?;
        Ok(Some(text))
    }
}

impl GuardOptions {
    /// Returns the guards of a run.
    fn guards(&self) -> Guards {
        let GuardOptions {
            max_invalid: _,
            max_changes,
            max_identity_changes: _,
            renumber: _,
            max_shrink: _,
            conflicts: _,
        } = self;
        Guards {
            max_invalid: self.max_invalid(),
            max_changes: *max_changes,
            max_shrink: self.max_shrink(),
            max_identity_changes: self.max_identity_changes(),
            renumber: match self.renumber() {
                Renumber::Ask => RenumberMode::Ask,
                Renumber::Approve => RenumberMode::Approve,
                Renumber::Off => RenumberMode::Off,
            },
        }
    }
}

impl PlanOptions {
    /// Applies the options to a run. A retry passes the options of its command line as `retry`: the run that it
    /// retries decides the options that are not among them, unless they limit only requests and rows.
    pub(super) fn apply(
        &self,
        canary: &CanaryOptions,
        retry: Option<&PlanOptions>,
        run: &mut Settings,
    ) -> Result<(), AppError> {
        // The patterns name every option, as in `guards`, so that the compiler leads here from a new one.
        let PlaceOptions {
            env: _,
            base_url: _,
            relist: _,
            no_snapshot,
            sandbox: _,
            blind,
        } = &self.place;
        let ConnectionOptions {
            max_attempts: _,
            timeout: _,
            ca_cert: _,
            trust_for,
            var: _,
            all,
            no_undo,
        } = &retry.unwrap_or(self).connection;
        let said = retry.unwrap_or(self);
        let delivery = &mut run.delivery;
        delivery.sender.concurrency = self.quota.concurrency().get();
        delivery.sender.max_attempts = self.connection.max_attempts().get();
        delivery.client.timeout = self.connection.timeout().0.length;
        if let Some(certificates) = said.connection.ca_certificates()? {
            delivery.client.ca_certificates = Some(certificates);
        }
        if retry.is_none() {
            let snapshots = !no_snapshot.unwrap_or(false);
            delivery.relist = snapshots.then_some(self.place.relist().length);
        }
        if retry.is_none() || trust_for.is_some() {
            delivery.trust_for = said.connection.trust_for().length;
        }
        delivery.all = *all;
        delivery.no_undo |= no_undo;
        delivery.blind |= blind;
        delivery.canary = canary.canary.map(u64::from);
        delivery.guards = self.guards.guards();
        if retry.is_some_and(|said| said.guards.max_invalid.is_none()) {
            // Many unsuccessful rows may still be invalid.
            delivery.guards.max_invalid = Threshold::Percent(100.0);
        }
        let conflicts = &mut delivery.edits.conflicts;
        *conflicts = said.guards.conflicts.unwrap_or(*conflicts);
        run.roster.sparse = !delivery.blind;
        run.roster.check.strict |= said.roster.strict.unwrap_or(false);
        Ok(())
    }
}

impl QuotaOptions {
    /// Returns whether the command line sets a rate limit.
    pub(super) fn is_said(&self) -> bool {
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
    use std::time::Duration;

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

    /// Returns the settings of a run in a retry with other options on the command line.
    fn retried(settings: &Settings, options: &[&str]) -> Settings {
        let arguments = ["rosterpatch", "retry", "r.csv"].iter().chain(options);
        let args = Args::from_arg_matches(&Args::command().get_matches_from(arguments)).unwrap();
        let super::super::args::Command::Retry(args) = args.command else {
            panic!("retry");
        };
        let mut run = settings.clone();
        args.options
            .apply(&args.canary, Some(&args.options), &mut run)
            .unwrap();
        run
    }

    #[test]
    fn a_retry_cannot_weaken_the_protection_of_records() {
        let mut settings = Settings::of_test("", "r.csv".into());
        for (was, now) in [(false, false), (false, true), (true, false), (true, true)] {
            settings.delivery.no_undo = was;
            settings.delivery.blind = was;
            settings.roster.check.strict = was;
            settings.roster.sparse = !was;
            let options: &[&str] = match now {
                true => &["--no-undo", "--blind", "--strict"],
                false => &[],
            };
            let run = retried(&settings, options);
            let is = was || now;
            assert_eq!(run.delivery.no_undo, is, "{was} {now}");
            assert_eq!(run.delivery.blind, is, "{was} {now}");
            assert_eq!(run.roster.check.strict, is, "{was} {now}");
            assert_eq!(run.roster.sparse, !is, "{was} {now}");
        }
    }

    #[test]
    fn a_retry_applies_new_options_and_inherits_the_others() {
        let mut settings = Settings::of_test("", "r.csv".into());
        let delivery = &mut settings.delivery;
        delivery.all = true;
        delivery.canary = Some(3);
        delivery.trust_for = Duration::from_secs(60);
        delivery.relist = None;
        delivery.client.ca_certificates = Some("old".into());
        let kept = retried(&settings, &[]).delivery;
        assert_eq!((kept.all, kept.canary), (false, None));
        assert_eq!(kept.trust_for, Duration::from_secs(60));
        assert_eq!(kept.relist, None);
        assert_eq!(kept.client.ca_certificates.as_deref(), Some("old"));
        // Many unsuccessful rows may still be invalid.
        assert_eq!(kept.guards.max_invalid, Threshold::Percent(100.0));

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new.pem");
        std::fs::write(&file, "new").unwrap();
        let certificates = format!("--ca-cert={}", file.display());
        let options = "--max-attempts=9 --timeout=77s --trust-for=0s --all --canary=1 \
                       --concurrency=3 --max-invalid=7 --conflicts=theirs";
        let mut options: Vec<&str> = options.split_whitespace().collect();
        options.push(&certificates);
        let changed = retried(&settings, &options).delivery;
        assert_eq!((changed.all, changed.canary), (true, Some(1)));
        assert_eq!(changed.trust_for, Duration::ZERO);
        assert_eq!(changed.sender.max_attempts, 9);
        assert_eq!(changed.sender.concurrency, 3);
        assert_eq!(changed.client.timeout, Duration::from_secs(77));
        assert_eq!(changed.client.ca_certificates.as_deref(), Some("new"));
        assert_eq!(changed.guards.max_invalid, Threshold::Rows(7));
        assert_eq!(changed.edits.conflicts, ConflictPolicy::Theirs);
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
