use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Usage;
use super::config::Config;
use super::options::{
    ConnectionOptions, FileOptions, GeneralOptions, GuardOptions, PlaceOptions, QuotaOptions,
    RosterOptions, SelectionOptions,
};
use super::values::{Duplicate, Empty};
use crate::check::{CheckOptions, DuplicatePolicy, EmptyCell};
use crate::map::MapOptions;
use crate::plan::{Guards, Selection};
use crate::read::ReadOptions;
use crate::report::ResultPaths;
use crate::run::Roster;
use crate::send::{Backoff, Credentials, Pace, Rate, SenderOptions};
use crate::targets::{self, TargetSpec};

/// The target that is asked for.
pub(super) fn target(name: Option<&str>) -> Result<Arc<TargetSpec>> {
    Ok(target_and_text(name)?.0)
}

/// The target that is asked for, and the text of its file.
pub(super) fn target_and_text(name: Option<&str>) -> Result<(Arc<TargetSpec>, String)> {
    let Some(name) = name else {
        let known: Vec<&str> = targets::BUILT_IN.iter().map(|(name, _)| *name).collect();
        return Err(Usage(format!(
            "which API? Say it with --target, ROSTERPATCH_TARGET in the environment, or target in rosterpatch.toml; known: {}",
            known.join(", ")
        ))
        .into());
    };
    let text = targets::text(name)?;
    Ok((Arc::new(targets::parse(name, &text)?), text))
}

/// The roster as it is asked for.
pub(super) fn roster(
    config: &Config,
    file: &Path,
    options: &RosterOptions,
    now: Timestamp,
) -> Roster {
    let mut columns = config.map();
    columns.extend(options.map.iter().cloned());
    Roster {
        file: file.to_owned(),
        read: ReadOptions {
            encoding: options.encoding.clone().map(|label| label.0),
            delimiter: options.delimiter.map(|delimiter| delimiter.0),
            sheet: options.sheet.clone(),
            copy: false,
        },
        map: MapOptions {
            overrides: columns.into_iter().collect(),
            sparse: false,
            of_results: false,
        },
        key: options.key.clone(),
        check: CheckOptions {
            empty: match options.empty() {
                Empty::Clear => EmptyCell::Clear,
                Empty::Keep => EmptyCell::Keep,
            },
            strict: options.strict.unwrap_or(false),
            allowed: options.allow.clone(),
            ..CheckOptions::new(today(now))
        },
        duplicates: match options.duplicates() {
            Duplicate::First => DuplicatePolicy::First,
            Duplicate::Last => DuplicatePolicy::Last,
            Duplicate::Error => DuplicatePolicy::Error,
        },
        sparse: true,
    }
}

/// The values of the target's variables.
pub(super) fn variables(
    config: &Config,
    options: &ConnectionOptions,
    spec: &TargetSpec,
) -> Result<BTreeMap<String, String>> {
    let mut given = config.variables();
    given.extend(options.var.iter().cloned());
    let values = spec.variable_values(&given).map_err(Usage)?;
    for (name, value) in &values {
        // A variable that stands in for a column is held to what the column may hold.
        let choices = spec.field(name).map(|index| &spec.fields[index].choices);
        if let Some(choices) = choices.filter(|list| !list.is_empty() && !list.contains(value)) {
            let choices = choices.join(", ");
            return Err(Usage(format!(
                "the variable {name} is one of {choices}, not \"{value}\""
            ))
            .into());
        }
    }
    Ok(values)
}

/// Refuses an `--allow` that could allow nothing: a mistyped one would show only as invalid rows.
pub(super) fn refuse_idle_allowances(roster: &Roster, spec: &TargetSpec) -> Result<()> {
    for (field, value) in &roster.check.allowed {
        let guarded = spec.field(field).map(|index| &spec.fields[index].guarded);
        if !guarded.is_some_and(|guarded| guarded.contains(value)) {
            return Err(Usage(format!(
                "--allow {field}={value} allows nothing: {} does not guard that value",
                spec.name
            ))
            .into());
        }
    }
    Ok(())
}

/// The root certificates that are trusted besides the machine's own.
pub(super) fn ca_certificates(options: &ConnectionOptions) -> Result<Option<String>> {
    let Some(path) = &options.ca_cert else {
        return Ok(None);
    };
    let read = targets::read_text(path);
    Ok(Some(read.with_context(|| {
        format!("cannot read {}", path.display())
    })?))
}

/// The calendar day where the program runs.
pub(super) fn today(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::system()).date()
}

/// The rows that are asked for.
pub(super) fn selection(options: &SelectionOptions) -> Selection {
    Selection {
        limit: options.limit,
        ..options.rows.clone().unwrap_or_default()
    }
}

/// The base address that is asked for.
pub(super) fn base_url(
    place: &PlaceOptions,
    spec: &TargetSpec,
    variables: &BTreeMap<String, String>,
) -> Result<String> {
    if let Some(address) = &place.base_url {
        return Ok(address.0.clone());
    }
    let name = place.env.as_deref().unwrap_or(PRODUCTION);
    let Some(template) = spec.environments.get(name) else {
        let known: Vec<&str> = spec.environments.keys().map(String::as_str).collect();
        return Err(Usage(format!(
            "{} has no environment \"{name}\"; it has {}",
            spec.name,
            known.join(", ")
        ))
        .into());
    };
    Ok(spec.address(template, variables).map_err(Usage)?)
}

/// The environment whose records are real people's.
const PRODUCTION: &str = "production";

/// Whether the records that are sent to are real people's.
pub(super) fn is_production(place: &PlaceOptions) -> bool {
    let env = place.env.as_deref().unwrap_or(PRODUCTION);
    !place.sandbox && place.base_url.is_none() && env == PRODUCTION
}

/// The quota to keep to. `own` is the quota of whoever is sent to, where no rate is asked for.
pub(super) fn pace(options: &QuotaOptions, own: (Rate, u32)) -> Result<Pace> {
    let pace = Pace {
        own: own.0,
        own_burst: own.1,
        ceiling: options.rate,
        burst: options.burst,
        share: options.share().0,
    };
    let (rate, burst) = pace.in_force(None);
    if !rate.is_sane_with(burst) {
        return Err(Usage(format!(
            "a quota of {rate} with a burst of {burst} would take more than a century to refill"
        ))
        .into());
    }
    Ok(pace)
}

/// The target's own quota.
pub(super) fn own_quota(spec: &TargetSpec) -> (Rate, u32) {
    let rate = Rate {
        requests: spec.quota.requests,
        per: spec.quota.per,
    };
    (rate, spec.quota.burst)
}

/// What holds a run.
pub(super) fn guards(options: &GuardOptions) -> Guards {
    Guards {
        max_invalid: options.max_invalid(),
        max_changes: options.max_changes,
        max_shrink: options.max_shrink(),
    }
}

/// The credentials, from the environment.
pub(super) fn credentials(config: &Config, spec: &TargetSpec) -> Result<Credentials> {
    Ok(Credentials::find(spec, |name| {
        std::env::var(config.credential_variable(name)).ok()
    })?)
}

/// How calls are delivered.
pub(super) fn sender(options: &ConnectionOptions) -> SenderOptions {
    SenderOptions {
        concurrency: options.concurrency().get(),
        max_attempts: options.max_attempts().get(),
        backoff: Backoff::default(),
        grace: Duration::from_secs(10),
    }
}

/// Where the results go.
pub(super) fn paths(args: &FileOptions, roster: &Path, state: &Path) -> Result<ResultPaths> {
    let beside = ResultPaths::beside(&without_kind(roster));
    let paths = ResultPaths {
        results: args.results.clone().unwrap_or(beside.results),
        failed: args.failed.clone().unwrap_or(beside.failed),
        report: args.report.clone().unwrap_or(beside.report),
        before: args.before.clone().unwrap_or(beside.before),
        new: args.new.clone().unwrap_or(beside.new),
        failed_always: args.failed.is_some(),
        named: named(args),
        own: Vec::new(),
    };
    refuse_collisions(&paths, roster, state)?;
    Ok(paths)
}

/// A results or failed file's path as its roster would have it: `r.failed-2.csv` is of `r.csv`, so
/// that what is written about it has the same name again, with another number.
fn without_kind(path: &Path) -> PathBuf {
    let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) else {
        return path.to_owned();
    };
    let Some((name, kind)) = stem.rsplit_once('.') else {
        return path.to_owned();
    };
    let kind = kind.trim_end_matches(|c: char| c.is_ascii_digit());
    if ["results", "failed"].contains(&kind.trim_end_matches('-')) {
        path.with_file_name(format!("{name}.csv"))
    } else {
        path.to_owned()
    }
}

/// The paths that the command line names.
pub(super) fn named(args: &FileOptions) -> Vec<PathBuf> {
    let all = [
        &args.results,
        &args.failed,
        &args.report,
        &args.before,
        &args.new,
    ];
    all.into_iter().flatten().cloned().collect()
}

/// Puts the paths that are given in the place of those that are known.
pub(super) fn replace_paths(paths: &mut ResultPaths, args: &FileOptions) {
    for (path, given) in [
        (&mut paths.results, &args.results),
        (&mut paths.failed, &args.failed),
        (&mut paths.report, &args.report),
        (&mut paths.before, &args.before),
        (&mut paths.new, &args.new),
    ] {
        if let Some(given) = given {
            path.clone_from(given);
        }
    }
    paths.failed_always |= args.failed.is_some();
    paths.named.extend(named(args));
}

/// Refuses results that would replace the roster or each other.
fn refuse_collisions(paths: &ResultPaths, roster: &Path, state: &Path) -> Result<()> {
    let same = |a: &Path, b: &Path| a == b && a != Path::new("-") || is_one_file(a, b);
    let state = real(state).unwrap_or_else(|| state.to_owned());
    for (flag, path) in [
        ("--results", &paths.results),
        ("--failed", &paths.failed),
        ("--report", &paths.report),
        ("--before", &paths.before),
        ("--new", &paths.new),
    ] {
        if same(path, roster) {
            let path = path.display();
            return Err(Usage(format!("{flag} {path} would replace the roster itself")).into());
        }
        if real(path).is_some_and(|path| path.starts_with(&state)) {
            let path = path.display();
            return Err(Usage(format!(
                "{flag} {path} lies in the state folder, where the journal is"
            ))
            .into());
        }
    }
    let all = paths.all();
    for (index, one) in all.iter().enumerate() {
        if all[..index].iter().any(|other| same(one, other)) {
            let path = one.display();
            return Err(Usage(format!("two of the result files would be {path}")).into());
        }
    }
    Ok(())
}

/// Where a path leads, through whatever links; of a file that is not there yet, where it would be.
fn real(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().or_else(|| {
        let path = std::path::absolute(path).ok()?;
        let folder = path.parent()?;
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        Some(folder.join(path.file_name()?))
    })
}

/// Whether two paths lead to one file, by whatever names and links.
#[cfg(unix)]
fn is_one_file(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (a.metadata(), b.metadata()) {
        (Ok(a), Ok(b)) => a.is_file() && (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_one_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b && a.is_file())
}

/// What leads another command to a run: its name, and the journal where it does not find that by
/// itself.
pub(super) fn way_to(run: &str, folder: &Path) -> String {
    let by_itself = std::env::var_os("ROSTERPATCH_STATE").is_some_and(|name| name == *folder)
        || default_state_folder().is_ok_and(|default| default == folder);
    if by_itself {
        run.to_owned()
    } else {
        format!("{run} --state {}", folder.display())
    }
}

/// The folder of the journal.
pub(super) fn state_folder(config: &Config, common: &GeneralOptions) -> Result<PathBuf> {
    if let Some(folder) = config.fill(common).state {
        return Ok(folder);
    }
    default_state_folder()
}

fn default_state_folder() -> Result<PathBuf> {
    let folders = directories::ProjectDirs::from("", "", "rosterpatch")
        .context("this user has no home folder to keep the journal in; name one with --state")?;
    Ok(folders
        .state_dir()
        .unwrap_or_else(|| folders.data_local_dir())
        .to_owned())
}
