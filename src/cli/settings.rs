use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Usage;
use super::args::{CommonArgs, DeliveryArgs, Duplicate, Empty, OutputArgs, RosterOptions};
use super::config::Config;
use crate::check::{CheckOptions, DuplicatePolicy, EmptyCell};
use crate::map::MapOptions;
use crate::plan::{Guards, Selection, Threshold};
use crate::read::ReadOptions;
use crate::report::ResultPaths;
use crate::run::Roster;
use crate::send::{Backoff, Credentials, Pace, Rate, SenderOptions};
use crate::targets::{self, TargetSpec};

/// The target that is asked for.
pub(super) fn target(config: &Config, name: &Option<String>) -> Result<Arc<TargetSpec>> {
    Ok(target_and_text(config, name)?.0)
}

/// The target that is asked for, and the text of its file.
pub(super) fn target_and_text(
    config: &Config,
    name: &Option<String>,
) -> Result<(Arc<TargetSpec>, String)> {
    let Some(name) = config.or(name, |layer| &layer.target) else {
        let known: Vec<&str> = targets::BUILT_IN.iter().map(|(name, _)| *name).collect();
        return Err(Usage(format!(
            "which API? Say it with --target, ROSTERPATCH_TARGET in the environment, or target in rosterpatch.toml; known: {}",
            known.join(", ")
        ))
        .into());
    };
    let text = targets::text(&name)?;
    Ok((Arc::new(targets::parse(&name, &text)?), text))
}

/// The roster as it is asked for.
pub(super) fn roster(
    config: &Config,
    file: &Path,
    args: &RosterOptions,
    now: Timestamp,
) -> Result<Roster> {
    let mut columns = config.map();
    columns.extend(pairs("--map", &args.map)?);
    let delimiter_text = config.or(&args.delimiter, |layer| &layer.delimiter);
    Ok(Roster {
        file: file.to_owned(),
        read: ReadOptions {
            encoding: config.or(&args.encoding, |layer| &layer.encoding),
            delimiter: delimiter_text.as_deref().map(delimiter).transpose()?,
            sheet: config.or(&args.sheet, |layer| &layer.sheet),
            copy: false,
        },
        map: MapOptions {
            overrides: columns.into_iter().collect(),
            sparse: false,
            of_results: false,
        },
        key: config.or(&args.key, |layer| &layer.key),
        check: CheckOptions {
            empty: match config.or(&args.empty, |layer| &layer.empty) {
                Some(Empty::Clear) => EmptyCell::Clear,
                Some(Empty::Keep) | None => EmptyCell::Keep,
            },
            strict: args.strict || config.or(&None, |layer| &layer.strict).unwrap_or(false),
            allowed: pairs("--allow", &args.allow)?,
            ..CheckOptions::new(today(now))
        },
        duplicates: match config.or(&args.duplicates, |layer| &layer.duplicates) {
            Some(Duplicate::First) => DuplicatePolicy::First,
            Some(Duplicate::Last) => DuplicatePolicy::Last,
            Some(Duplicate::Error) | None => DuplicatePolicy::Error,
        },
        sparse: true,
    })
}

/// `NAME=VALUE` arguments, taken apart at the last `=`.
fn pairs(flag: &str, arguments: &[String]) -> Result<Vec<(String, String)>> {
    arguments
        .iter()
        .map(|pair| match pair.rsplit_once('=') {
            Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
            None => Err(Usage(format!("{flag} takes NAME=VALUE, and \"{pair}\" has no =")).into()),
        })
        .collect()
}

/// The values of the target's variables.
pub(super) fn variables(
    config: &Config,
    args: &DeliveryArgs,
    spec: &TargetSpec,
) -> Result<BTreeMap<String, String>> {
    let mut given = config.variables();
    given.extend(pairs("--var", &args.var)?);
    let values = spec.variable_values(&given).map_err(Usage)?;
    for (name, value) in &values {
        // A variable that stands in for a column is held to what the column may hold.
        let choices = spec.field(name).map(|index| &spec.fields[index].choices);
        if let Some(choices) = choices.filter(|list| !list.is_empty() && !list.contains(value)) {
            let choices = choices.join(", ");
            return Err(Usage(format!("--var {name} is one of {choices}, not \"{value}\"")).into());
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
pub(super) fn ca_certificates(config: &Config, args: &DeliveryArgs) -> Result<Option<String>> {
    let Some(path) = config.or(&args.ca_cert, |layer| &layer.ca_cert) else {
        return Ok(None);
    };
    let read = targets::read_text(&path);
    Ok(Some(read.with_context(|| {
        format!("cannot read {}", path.display())
    })?))
}

/// The calendar day where the program runs.
pub(super) fn today(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::system()).date()
}

fn delimiter(text: &str) -> Result<u8> {
    let byte = match text {
        "tab" | "\\t" => b'\t',
        text => match text.as_bytes() {
            [byte] if !byte.is_ascii_alphanumeric() && !matches!(byte, b'"' | b'\n' | b'\r') => {
                *byte
            }
            _ => {
                return Err(Usage(format!(
                    "--delimiter takes one character such as ; or the word tab, not \"{text}\""
                ))
                .into());
            }
        },
    };
    Ok(byte)
}

/// The rows that the arguments ask for.
pub(super) fn selection(args: &RosterOptions) -> Result<Selection> {
    let mut selection: Selection = match &args.rows {
        None => Selection::default(),
        Some(rows) => rows
            .parse()
            .map_err(|error| Usage(format!("--rows: {error}")))?,
    };
    selection.limit = args.limit;
    Ok(selection)
}

/// The base address that is asked for.
pub(super) fn base_url(
    config: &Config,
    args: &DeliveryArgs,
    spec: &TargetSpec,
    variables: &BTreeMap<String, String>,
) -> Result<String> {
    if let Some(url) = &args.base_url {
        return Ok(url.clone());
    }
    let (url, env) = match &args.env {
        Some(env) => (None, Some(env.clone())),
        None => config.address(),
    };
    if let Some(url) = url {
        return Ok(url);
    }
    let name = env.unwrap_or_else(|| "production".into());
    let Some(template) = spec.environments.get(&name) else {
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

/// Whether the records that are sent to are real people's.
pub(super) fn is_production(config: &Config, args: &DeliveryArgs) -> bool {
    let (url, env) = match (&args.base_url, &args.env) {
        (None, None) => config.address(),
        said => (said.0.clone(), said.1.clone()),
    };
    !args.sandbox && url.is_none() && env.is_none_or(|name| name == "production")
}

/// The quota to keep to. `own` is the quota of whoever is sent to, where no rate is asked for.
pub(super) fn pace(config: &Config, args: &DeliveryArgs, own: (Rate, u32)) -> Result<Pace> {
    let share = match config.or(&args.share, |layer| &layer.share) {
        None => 1.0,
        Some(text) => share(&text)?,
    };
    let ceiling = match config.or(&args.rate, |layer| &layer.rate) {
        None => None,
        Some(text) => Some(
            text.parse()
                .map_err(|error| Usage(format!("--rate: {error}")))?,
        ),
    };
    let pace = Pace {
        own: own.0,
        own_burst: own.1,
        ceiling,
        burst: config.or(&args.burst, |layer| &layer.burst),
        share,
    };
    let (rate, burst) = pace.in_force(None);
    if !rate.is_sane_with(burst) {
        return Err(Usage(format!(
            "a quota of {rate} with {burst} at once is out of all proportion"
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

fn share(text: &str) -> Result<f64> {
    let wrong = || Usage(format!("--share takes a part such as 80%, not \"{text}\""));
    let percent: f64 = text
        .strip_suffix('%')
        .and_then(|number| number.trim().parse().ok())
        .ok_or_else(wrong)?;
    if percent > 0.0 && percent <= 100.0 {
        Ok(percent / 100.0)
    } else {
        Err(wrong().into())
    }
}

/// A time such as `45s` or `20ms`.
pub(super) fn duration(flag: &str, text: &str) -> Result<Duration> {
    let wrong = || {
        Usage(format!(
            "{flag} takes a time such as 45s, 20ms or 2m, not \"{text}\""
        ))
    };
    // A day is 24 hours here: what is meant is how long, not which date.
    let span: jiff::Span = text.parse().map_err(|_| wrong())?;
    let time = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours());
    let signed = time.map_err(|_| wrong())?;
    Duration::try_from(signed).map_err(|_| wrong().into())
}

/// The longest that one request may take.
pub(super) fn timeout(config: &Config, args: &DeliveryArgs) -> Result<Duration> {
    let text = config.or(&args.timeout, |layer| &layer.timeout);
    let timeout = duration("--timeout", text.as_deref().unwrap_or("45s"))?;
    if timeout.is_zero() {
        return Err(Usage("--timeout must be above 0".into()).into());
    }
    Ok(timeout)
}

/// What holds a run.
pub(super) fn guards(config: &Config, args: &DeliveryArgs) -> Result<Guards> {
    let threshold = |flag: &str, text: Option<String>| -> Result<Option<Threshold>> {
        let parsed = text.as_deref().map(str::parse).transpose();
        Ok(parsed.map_err(|error| Usage(format!("{flag}: {error}")))?)
    };
    let usual = Guards::default();
    let max_invalid = config.or(&args.max_invalid, |layer| &layer.max_invalid);
    let max_changes = config.or(&args.max_changes, |layer| &layer.max_changes);
    let max_shrink = config.or(&args.max_shrink, |layer| &layer.max_shrink);
    Ok(Guards {
        max_invalid: threshold("--max-invalid", max_invalid)?.unwrap_or(usual.max_invalid),
        max_changes: threshold("--max-changes", max_changes)?,
        max_shrink: threshold("--max-shrink", max_shrink)?.unwrap_or(usual.max_shrink),
    })
}

/// How long a record that cannot be read is believed to hold what was delivered to it.
pub(super) fn trust_for(config: &Config, args: &DeliveryArgs) -> Result<Duration> {
    let text = config.or(&args.trust_for, |layer| &layer.trust_for);
    duration("--trust-for", text.as_deref().unwrap_or("30d"))
}

/// The credentials, from the environment.
pub(super) fn credentials(config: &Config, spec: &TargetSpec) -> Result<Credentials> {
    Ok(Credentials::find(spec, |name| {
        std::env::var(config.credential_variable(name)).ok()
    })?)
}

/// How calls are delivered.
pub(super) fn sender(config: &Config, args: &DeliveryArgs) -> SenderOptions {
    let concurrency = config.or(&args.concurrency, |layer| &layer.concurrency);
    let max_attempts = config.or(&args.max_attempts, |layer| &layer.max_attempts);
    SenderOptions {
        concurrency: concurrency.map_or(8, NonZeroUsize::get),
        max_attempts: max_attempts.map_or(5, NonZeroU32::get),
        backoff: Backoff::default(),
        grace: Duration::from_secs(10),
    }
}

/// Where the results go.
pub(super) fn paths(args: &OutputArgs, roster: &Path, state: &Path) -> Result<ResultPaths> {
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
pub(super) fn named(args: &OutputArgs) -> Vec<PathBuf> {
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
pub(super) fn replace_paths(paths: &mut ResultPaths, args: &OutputArgs) {
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
pub(super) fn state_folder(config: &Config, common: &CommonArgs) -> Result<PathBuf> {
    if let Some(folder) = config.or(&common.state, |layer| &layer.state) {
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
