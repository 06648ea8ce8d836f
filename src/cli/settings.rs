//! Resolution of options, environment and config file into the settings of a run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::config::Config;
use super::options::{
    ConnectionOptions, FileOptions, GeneralOptions, Layer, LayoutOptions, PlaceOptions,
    QuotaOptions, RosterOptions, SelectionOptions,
};
use super::values::{Duplicate, Empty, OutcomeAt, RetentionTimes, Time};
use crate::app::{AppError, NamedPaths, Notifications, Retention};
use crate::check::{CheckOptions, Checker, DuplicatePolicy, EmptyCell};
use crate::clock::{Clock, SystemClock};
use crate::journal::{PlaceName, State};
use crate::l10n::{message, say};
use crate::map::MapOptions;
use crate::model::Code;
use crate::plan::{ConflictPolicy, EditRules, Selection};
use crate::read::{Mends, ReadOptions};
use crate::run::{Actor, Release, Roster, today};
use crate::send::{Credentials, Pace, Rate};
use crate::targets::{self, FieldSpec, Mistake, Mistakes, Place, TargetError, TargetSpec};

pub(super) fn target(name: Option<&str>) -> Result<Arc<TargetSpec>, AppError> {
    Ok(target_and_text(name)?.0)
}

/// Returns the requested target and the text of its file.
pub(super) fn target_and_text(name: Option<&str>) -> Result<(Arc<TargetSpec>, String), AppError> {
    let Some(name) = name else {
        let known: Vec<&str> = targets::BUILT_IN.iter().map(|(name, _)| *name).collect();
        return Err(AppError::Setup {
            code: Code::ConfigNoTarget,
            text: say().cli_which_api(known.join(", ")),
        });
    };
    let text = targets::text(name)?;
    let spec = Arc::new(targets::parse(name, &text)?);
    let is_file = targets::BUILT_IN.iter().all(|(known, _)| *known != name);
    if is_file {
        refuse_wrong_examples(name, &text, &spec)?;
    }
    Ok((spec, text))
}

/// Refuses a target with an example that its field rejects, because templates contain the examples.
fn refuse_wrong_examples(origin: &str, text: &str, spec: &Arc<TargetSpec>) -> Result<(), AppError> {
    // Ambiguous columns are a separate error, reported when a roster is read.
    let Ok(checker) = Checker::of_all_fields(spec, today(SystemClock.timestamp())) else {
        return Ok(());
    };
    let refused = checker.refused_examples();
    if refused.is_empty() {
        return Ok(());
    }
    let mistake = |(field, key, why): &(usize, &'static str, String)| {
        let field = &spec.fields[*field];
        let message = say().target_example(*key, field.name(), why.as_str());
        Mistake::new(targets::place_of(text, field, key), message)
    };
    let mistakes = Mistakes::new(origin, text, refused.iter().map(mistake).collect());
    Err(TargetError::Mistakes { mistakes }.into())
}

/// Returns the recorded decision to send rows about protected persons, with the account that made it.
fn release(reason: String) -> Release {
    Release {
        reason,
        actor: Actor::here(),
    }
}

pub(super) fn roster(
    config: &Config,
    file: &Path,
    options: &RosterOptions,
    now: Timestamp,
) -> Roster {
    // The pattern names every option, so that the compiler leads here from a new one.
    let RosterOptions {
        target: _,
        key,
        encoding,
        delimiter,
        sheet,
        skip_hidden,
        header_row,
        empty: _,
        duplicates: _,
        strict,
        map,
        allow,
        release_protected,
    } = options;
    let mut columns = config.map();
    columns.extend(map.iter().cloned());
    let is_option = |column: &String| map.iter().any(|(named, _)| named == column);
    let configured = columns.keys().filter(|column| !is_option(column));
    let configured = configured.filter_map(|column| {
        let (_, origin) = config.said(|layer| layer.map.get(column).cloned())?;
        Some((column.clone(), origin))
    });
    let configured = configured.collect();
    Roster {
        file: file.to_owned(),
        read: ReadOptions {
            encoding: encoding.clone().map(|label| label.0),
            delimiter: delimiter.map(|delimiter| delimiter.0),
            sheet: sheet.clone(),
            skip_hidden: skip_hidden.unwrap_or(false),
            header_row: header_row.map(u64::from),
            copy: false,
            origin: crate::read::Origin::Named,
            mends: Mends::default(),
        },
        map: MapOptions {
            overrides: columns.into_iter().collect(),
            configured,
            sparse: false,
            of_results: false,
            is_released: false,
        },
        key: key.clone(),
        check: CheckOptions {
            empty: match options.empty() {
                Empty::Clear => EmptyCell::Clear,
                Empty::Keep => EmptyCell::Keep,
            },
            strict: strict.unwrap_or(false),
            allowed: allow.clone(),
            ..CheckOptions::new(today(now))
        },
        duplicates: match options.duplicates() {
            Duplicate::First => DuplicatePolicy::First,
            Duplicate::Last => DuplicatePolicy::Last,
            Duplicate::Error => DuplicatePolicy::Error,
        },
        sparse: true,
        release: release_protected.clone().map(release),
    }
}

/// Returns the values of the target's variables.
pub(super) fn variables(
    config: &Config,
    options: &ConnectionOptions,
    spec: &TargetSpec,
) -> Result<BTreeMap<String, String>, AppError> {
    let mut given = config.variables();
    given.extend(options.var.iter().cloned());
    let wrong = |text| AppError::Setup {
        code: Code::ConfigVariable,
        text,
    };
    let values = spec.variable_values(&given).map_err(wrong)?;
    for (name, value) in &values {
        // A variable that replaces a column must have a value that the column accepts.
        let choices = spec.field_named(name).map(|field| &field.choices);
        if let Some(choices) = choices.filter(|list| !list.is_empty() && !list.contains(value)) {
            let choices = choices.join(", ");
            let text = say().cli_variable(name.as_str(), choices, value.as_str());
            return Err(wrong(text));
        }
    }
    Ok(values)
}

/// Refuses an `--allow` without effect. A typo would otherwise show only as invalid rows.
pub(super) fn refuse_idle_allowances(roster: &Roster, spec: &TargetSpec) -> Result<(), AppError> {
    for (field, value) in &roster.check.allowed {
        let field_spec = spec.field_named(field);
        // Replacing a guarded value by another one needs permission too.
        let is_guarded = field_spec.is_some_and(|one| {
            let is_value = one.choices.is_empty() || one.choices.contains(value);
            !one.guarded.is_empty() && is_value
        });
        if !is_guarded {
            return Err(AppError::Usage(say().cli_idle_allow(
                field.as_str(),
                value.as_str(),
                spec.name.as_str(),
            )));
        }
    }
    Ok(())
}

pub(super) fn selection(options: &SelectionOptions) -> Selection {
    let lines = options.lines.clone().unwrap_or_default();
    Selection {
        limit: options.limit,
        lines: lines.rows,
        ..options.rows.clone().unwrap_or_default()
    }
}

/// Returns the requested base address.
pub(super) fn base_url(
    place: &PlaceOptions,
    spec: &TargetSpec,
    variables: &BTreeMap<String, String>,
) -> Result<String, AppError> {
    if let Some((name, about)) = spec.lacks(variables) {
        return Err(AppError::Setup {
            code: Code::ConfigVariable,
            text: format!("say --var {name}=…: {about}"),
        });
    }
    if let Some(address) = &place.base_url {
        return Ok(address.0.clone());
    }
    let name = place.env.as_deref().unwrap_or(PRODUCTION);
    let Some(template) = spec.environments.get(name) else {
        let known: Vec<&str> = spec.environments.keys().map(String::as_str).collect();
        return Err(AppError::Setup {
            code: Code::ConfigNoEnvironment,
            text: say().cli_no_environment(spec.name.as_str(), name, known.join(", ")),
        });
    };
    let address = spec.address(template, variables);
    address.map_err(|text| AppError::Setup {
        code: Code::ConfigVariable,
        text,
    })
}

/// The environment with records of real people.
const PRODUCTION: &str = "production";

/// Returns whether the run sends to records of real people.
pub(super) fn is_production(place: &PlaceOptions) -> bool {
    let env = place.env.as_deref().unwrap_or(PRODUCTION);
    !place.sandbox && place.base_url.is_none() && env == PRODUCTION
}

/// Returns the rate limit to apply. `own` is the target's, the default if no rate is given.
pub(super) fn pace(options: &QuotaOptions, own: (Rate, u32)) -> Result<Pace, AppError> {
    let pace = Pace {
        own: own.0,
        own_burst: own.1,
        ceiling: options.rate,
        burst: options.burst,
        share: options.share().0,
    };
    let (rate, burst) = pace.in_force(None);
    if !rate.is_sane_with(burst) {
        return Err(AppError::Usage(
            say().cli_quota_too_slow(rate.to_string(), burst.get()),
        ));
    }
    Ok(pace)
}

/// Returns the rate limit in the target file.
pub(super) fn own_quota(spec: &TargetSpec) -> (Rate, u32) {
    let rate = Rate {
        requests: spec.quota.requests,
        per: spec.quota.per,
    };
    (rate, spec.quota.burst)
}

/// Returns the rules for overwriting values of records. `usual` is the default policy for conflicts.
pub(super) fn edits(
    config: &Config,
    said: Option<ConflictPolicy>,
    spec: &TargetSpec,
    usual: ConflictPolicy,
) -> Result<EditRules, AppError> {
    let rules = EditRules {
        conflicts: said
            .or_else(|| config.first(|layer| &layer.conflicts.all))
            .unwrap_or(usual),
        by_field: config.conflicts(),
        protect: config.listed(|layer| &layer.protect),
        fill: config.listed(|layer| &layer.fill),
    };
    let named = [
        ("conflicts", rules.by_field.keys().collect::<Vec<_>>()),
        ("protect", rules.protect.iter().collect()),
        ("fill", rules.fill.iter().collect()),
    ];
    for (setting, names) in named {
        for name in names {
            let field = spec.field_named(name);
            let is_written = |field: &FieldSpec| field.place == Place::Body && !field.read_only;
            if !field.is_some_and(is_written) {
                let known = spec.fields.iter().filter(|field| is_written(field));
                let known: Vec<&str> = known.map(FieldSpec::name).collect();
                return Err(AppError::Setup {
                    code: Code::ConfigField,
                    text: say().config_no_field(
                        config.origin(config.profile()),
                        setting,
                        name.as_str(),
                        spec.name.as_str(),
                        known.join(", "),
                    ),
                });
            }
        }
    }
    Ok(rules)
}

pub(super) fn credentials(config: &Config, spec: &TargetSpec) -> Result<Credentials, AppError> {
    let name = |name: &str| config.credential_variable(name);
    let found = Credentials::find(spec, |variable| std::env::var_os(name(variable)));
    Ok(found.map_err(|error| error.renamed(spec, name))?)
}

/// Sets the rate limit of a derived run from this command line and the config. That of the earlier command
/// line applied to that command only.
pub(super) fn repace(
    config: &Config,
    quota: &QuotaOptions,
    run: &mut crate::run::Settings,
) -> Result<(), AppError> {
    let quota = config.fill(quota);
    let own = (run.delivery.pace.own, run.delivery.pace.own_burst);
    run.delivery.pace = pace(&quota, own)?;
    run.delivery.sender.concurrency = quota.concurrency().get();
    Ok(())
}

/// Returns the output paths that the command line names.
pub(super) fn named(files: &FileOptions) -> NamedPaths {
    NamedPaths {
        results: files.results.clone(),
        failed: files.failed.clone(),
        report: files.report.clone(),
        before: files.before.clone(),
        new: files.new.clone(),
    }
}

/// Returns whether the result columns precede the roster's columns.
pub(super) fn is_outcome_first(config: &Config, options: &LayoutOptions) -> bool {
    config.fill(options).outcome() == OutcomeAt::First
}

/// Returns the arguments that lead another command to a run: its name, and the journal unless it is the
/// default.
pub(super) fn way_to(run: &str, state: &State) -> String {
    format!("{run}{}", journal_flag(state))
}

/// Returns the option that leads another command to the journal, or an empty string if it is the default.
pub(super) fn journal_flag(state: &State) -> String {
    let named = std::env::var_os("ROSTERPATCH_STATE");
    let by_itself = match state.database() {
        Some(database) => named.is_some_and(|name| {
            let name = PlaceName::of(&name.to_string_lossy());
            name == PlaceName::Address(database.address().to_owned())
        }),
        None => named.is_some_and(|name| name == *state.folder()) || is_default(state),
    };
    flag_unless(by_itself, state)
}

/// Like `journal_flag`, for a reader with another account and environment.
pub(super) fn journal_flag_for_others(state: &State) -> String {
    flag_unless(state.database().is_none() && is_default(state), state)
}

fn is_default(state: &State) -> bool {
    default_state_folder().is_ok_and(|default| default == state.folder())
}

fn flag_unless(is_usual: bool, state: &State) -> String {
    match is_usual {
        true => String::new(),
        false => format!(" --state {}", crate::model::in_quotes(&state.shown())),
    }
}

/// Returns the account that owns the journal, if the reader may have another account. Logs and cron's mail have
/// other readers than the account that writes them.
pub(super) fn account_of(state: &State, is_terminal: bool) -> Option<String> {
    let owner = crate::safe_fs::owner_of(state.folder())?;
    let is_needed = owner.name != "root" && (!owner.is_own || !is_terminal);
    is_needed.then_some(owner.name)
}

/// Returns a command for standard output, with the account that has to run it if the reader may have another.
pub(super) fn as_owner(state: &State, command: &str) -> String {
    match account_of(state, super::terminal::shows_out()) {
        Some(account) => format!("sudo -u {account} {command}"),
        None => command.to_owned(),
    }
}

/// Returns the state folder or database, where runs are recorded.
pub(super) fn state(config: &Config, common: &GeneralOptions) -> Result<State, AppError> {
    let Some(place) = config.fill(common).state else {
        return Ok(State::in_folder(&default_state_folder()?));
    };
    match PlaceName::of(&place.to_string_lossy()) {
        PlaceName::Folder => Ok(State::in_folder(&place)),
        PlaceName::Unsupported(what) => Err(AppError::Usage(say().cli_state_unknown(what))),
        PlaceName::Address(address) => {
            let password = std::env::var("PGPASSWORD").ok();
            let folder = default_state_folder()?;
            Ok(State::in_database(&address, password.as_deref(), &folder)?)
        }
    }
}

pub(super) fn default_state_folder() -> Result<PathBuf, AppError> {
    let folders = directories::ProjectDirs::from("", "", "rosterpatch")
        .ok_or_else(|| AppError::Front(message::cli_no_home()))?;
    Ok(folders
        .state_dir()
        .unwrap_or_else(|| folders.data_local_dir())
        .to_owned())
}

/// Returns how long the data of runs is kept.
pub(super) fn retention(config: &Config) -> Retention {
    let of = |time: fn(&RetentionTimes) -> &Option<Time>| {
        let said = |layer: &Layer| {
            layer
                .retention
                .as_ref()
                .and_then(|times| time(times).clone())
        };
        config.first_of(said).map(|time| time.length)
    };
    Retention {
        rosters: of(|times| &times.rosters),
        results: of(|times| &times.results),
        values: of(|times| &times.values),
    }
}

/// Returns the recipients of each run's summary.
pub(super) fn notifications(config: &Config) -> Notifications {
    Notifications {
        metrics: config.first(|layer| &layer.metrics),
        notify: config.first(|layer| &layer.notify),
        target: config.first(|layer| &layer.target),
        profile: config.profile().map(str::to_owned),
        known_refusal: None,
    }
}
