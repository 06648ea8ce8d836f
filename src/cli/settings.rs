use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Usage;
use super::args::{CommonArgs, DeliveryArgs, Duplicate, Empty, OutputArgs, RosterArgs};
use crate::check::{CheckOptions, DuplicatePolicy, EmptyCell};
use crate::map::MapOptions;
use crate::plan::Selection;
use crate::read::ReadOptions;
use crate::report::ResultPaths;
use crate::run::Roster;
use crate::send::{Backoff, Rate, SenderOptions};
use crate::targets::{self, TargetSpec};

/// The target that the arguments name.
pub(super) fn target(name: Option<&str>) -> Result<Arc<TargetSpec>> {
    let Some(name) = name else {
        let known: Vec<&str> = targets::BUILT_IN.iter().map(|(name, _)| *name).collect();
        return Err(Usage(format!(
            "which API? Say it with --target, or ROSTERPATCH_TARGET in the environment; known: {}",
            known.join(", ")
        ))
        .into());
    };
    Ok(Arc::new(targets::load(name)?))
}

/// The roster as the arguments describe it.
pub(super) fn roster(args: &RosterArgs, now: Timestamp) -> Result<Roster> {
    let mut overrides = Vec::new();
    for pair in &args.map {
        let (column, field) = pair
            .rsplit_once('=')
            .ok_or_else(|| Usage(format!("--map takes COLUMN=FIELD, and \"{pair}\" has no =")))?;
        overrides.push((column.to_owned(), field.to_owned()));
    }
    Ok(Roster {
        file: args.file.clone(),
        read: ReadOptions {
            encoding: args.encoding.clone(),
            delimiter: args.delimiter.as_deref().map(delimiter).transpose()?,
            sheet: args.sheet.clone(),
            copy: false,
        },
        map: MapOptions { overrides },
        key: args.key.clone(),
        check: CheckOptions {
            empty: match args.empty {
                Empty::Keep => EmptyCell::Keep,
                Empty::Clear => EmptyCell::Clear,
            },
            today: today(now),
        },
        duplicates: match args.duplicates {
            Duplicate::Error => DuplicatePolicy::Error,
            Duplicate::First => DuplicatePolicy::First,
            Duplicate::Last => DuplicatePolicy::Last,
        },
    })
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
pub(super) fn selection(args: &RosterArgs) -> Result<Selection> {
    let mut selection: Selection = match &args.rows {
        None => Selection::default(),
        Some(rows) => rows
            .parse()
            .map_err(|error| Usage(format!("--rows: {error}")))?,
    };
    selection.limit = args.limit;
    Ok(selection)
}

/// The base address that the arguments name.
pub(super) fn base_url(args: &DeliveryArgs, spec: &TargetSpec) -> Result<String> {
    if let Some(url) = &args.base_url {
        return Ok(url.clone());
    }
    spec.environments.get(&args.env).cloned().ok_or_else(|| {
        let known: Vec<&str> = spec.environments.keys().map(String::as_str).collect();
        Usage(format!(
            "{} has no environment \"{}\"; it has {}",
            spec.name,
            args.env,
            known.join(", ")
        ))
        .into()
    })
}

/// The quota to keep to, and how many requests may go at once. `own` is the quota of whoever is
/// sent to, where no rate is asked for.
pub(super) fn quota(args: &DeliveryArgs, own: (Rate, u32)) -> Result<(Rate, NonZeroU32)> {
    let share = share(&args.share)?;
    let (rate, most) = match &args.rate {
        None => own,
        Some(text) => {
            let rate: Rate = text
                .parse()
                .map_err(|error| Usage(format!("--rate: {error}")))?;
            // A bucket deeper than a period's requests would not be that rate.
            let period = rate.requests.ceil().clamp(1.0, f64::from(u32::MAX)) as u32;
            (rate, own.1.min(period))
        }
    };
    let burst = args.burst.unwrap_or_else(|| {
        let part = (f64::from(most) * share).floor().max(1.0) as u32;
        NonZeroU32::new(part).unwrap_or(NonZeroU32::MIN)
    });
    let rate = rate.part(share);
    if !rate.is_sane_with(burst) {
        return Err(Usage(format!(
            "a quota of {rate} with {burst} at once is out of all proportion"
        ))
        .into());
    }
    Ok((rate, burst))
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
    let signed: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(signed).map_err(|_| wrong().into())
}

/// The longest that one request may take.
pub(super) fn timeout(args: &DeliveryArgs) -> Result<Duration> {
    let timeout = duration("--timeout", &args.timeout)?;
    if timeout.is_zero() {
        return Err(Usage("--timeout must be above 0".into()).into());
    }
    Ok(timeout)
}

/// How calls are delivered.
pub(super) fn sender(args: &DeliveryArgs) -> SenderOptions {
    SenderOptions {
        concurrency: args.concurrency.get(),
        max_attempts: args.max_attempts.get(),
        backoff: Backoff::default(),
        grace: Duration::from_secs(10),
    }
}

/// Where the results go.
pub(super) fn paths(args: &OutputArgs, roster: &RosterArgs) -> Result<ResultPaths> {
    let beside = ResultPaths::beside(&roster.file);
    let paths = ResultPaths {
        results: args.results.clone().unwrap_or(beside.results),
        failed: args.failed.clone().unwrap_or(beside.failed),
        report: args.report.clone().unwrap_or(beside.report),
        failed_always: args.failed.is_some(),
    };
    let same = |a: &Path, b: &Path| {
        a == b
            || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b && a.is_file())
    };
    for (flag, path) in [
        ("--results", &paths.results),
        ("--failed", &paths.failed),
        ("--report", &paths.report),
    ] {
        if same(path, &roster.file) {
            let path = path.display();
            return Err(Usage(format!("{flag} {path} would replace the roster itself")).into());
        }
    }
    for (one, other) in [
        (&paths.results, &paths.failed),
        (&paths.results, &paths.report),
        (&paths.failed, &paths.report),
    ] {
        if same(one, other) {
            let path = one.display();
            return Err(Usage(format!("two of the result files would be {path}")).into());
        }
    }
    Ok(paths)
}

/// The folder of the journal.
pub(super) fn state_folder(common: &CommonArgs) -> Result<PathBuf> {
    if let Some(folder) = &common.state {
        return Ok(folder.clone());
    }
    let folders = directories::ProjectDirs::from("", "", "rosterpatch")
        .context("this user has no home folder to keep the journal in; name one with --state")?;
    Ok(folders
        .state_dir()
        .unwrap_or_else(|| folders.data_local_dir())
        .to_owned())
}
