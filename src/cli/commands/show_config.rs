//! The `config` command, which prints each setting and its source.

use anyhow::Result;

use crate::cli::args::ConfigArgs;
use crate::cli::config::Config;
use crate::cli::options::{GeneralOptions, Group, Layer, Setting};
use crate::cli::{settings, terminal};
use crate::l10n::say;
use crate::model::{Exit, with_causes};
use crate::safe_fs::TrustedFile;
use crate::targets::TargetSpec;

/// Returns the value of a setting in a layer of the config file.
type InLayer = fn(&Layer) -> Option<String>;

/// Settings without an option: their names and their defaults.
const MORE: [(&str, InLayer, &str); 10] = [
    (
        "conflicts",
        |layer| Some(layer.conflicts.all?.to_string()),
        "roster",
    ),
    ("protect", |layer| listed(&layer.protect), "none"),
    ("fill", |layer| listed(&layer.fill), "none"),
    (
        "metrics",
        |layer| Some(layer.metrics.as_ref()?.display().to_string()),
        "none",
    ),
    (
        "notify.url",
        |layer| Some(masked(layer.notify.as_ref()?.url.as_deref()?)),
        "none",
    ),
    (
        "notify.command",
        |layer| Some(layer.notify.as_ref()?.command.as_ref()?.join(" ")),
        "none",
    ),
    ("files", |layer| listed(&layer.files), "any"),
    (
        "retention.rosters",
        |layer| Some(layer.retention.as_ref()?.rosters.as_ref()?.to_string()),
        "none",
    ),
    (
        "retention.results",
        |layer| Some(layer.retention.as_ref()?.results.as_ref()?.to_string()),
        "none",
    ),
    (
        "retention.values",
        |layer| Some(layer.retention.as_ref()?.values.as_ref()?.to_string()),
        "none",
    ),
];

fn listed(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| names.join(", "))
}

/// Runs `rosterpatch config`, which prints the settings in force and their sources.
pub(in crate::cli) fn run(common: &GeneralOptions, args: &ConfigArgs) -> Result<Exit> {
    let config = Config::load(common)?;
    let target = config.fill(&args.roster).target;
    // The target is optional, but an invalid one is an error.
    let spec = match target.as_deref() {
        Some(name) => Some(settings::target(Some(name))?),
        None => None,
    };
    let own = spec.as_deref().map(settings::own_quota);
    if let Some(own) = own {
        // Invalid rate limits are reported here and not only during an import.
        settings::pace(&config.fill(&args.quota), own)?;
    }
    let state = settings::state(&config, common)?;
    let groups = [
        args.roster.settings(),
        args.place.settings(),
        common.settings(),
        args.quota.settings(),
        args.connection.settings(),
        args.guards.settings(),
        args.canary.settings(),
        args.inbox.settings(),
        args.layout.settings(),
    ];
    let command_line = say().config_command_line();
    let mut lines = String::new();
    let mut line = |name: &str, value: &str, origin: &str| {
        lines.push_str(&format!("{name:<36} {value:<36} {origin}\n"));
    };
    for setting in groups.into_iter().flatten() {
        let Setting {
            name,
            said,
            in_layer,
            default,
        } = setting;
        let env = match name {
            "target" => "ROSTERPATCH_TARGET",
            "state" => "ROSTERPATCH_STATE",
            _ => "",
        };
        let shown = |value: String| match name {
            // The address of a database may contain a password.
            "state" => state.shown(),
            _ => value,
        };
        match (said, config.said(in_layer), own, name) {
            (Some(value), ..) => {
                let by_env = std::env::var(env).is_ok_and(|set| set == value);
                let origin = if by_env { env } else { &command_line };
                line(name, &shown(value), origin);
            }
            (None, Some((value, origin)), ..) => line(name, &shown(value), &origin),
            (None, None, Some((rate, _)), "rate") => line(name, &rate.to_string(), "default"),
            (None, None, Some((_, burst)), "burst") => line(name, &burst.to_string(), "default"),
            (None, None, _, "state") => line(name, &state.shown(), "default"),
            _ => line(name, default, "default"),
        }
    }
    for (name, in_layer, default) in MORE {
        let said = args.guards.conflicts.filter(|_| name == "conflicts");
        if let Some(policy) = said {
            line(name, policy.as_str(), &command_line);
            continue;
        }
        match config.said(in_layer) {
            Some((value, origin)) => line(name, &value, &origin),
            None => line(name, default, "default"),
        }
    }
    let origin = config.origin(config.profile());
    for (field, policy) in config.conflicts() {
        line(&format!("conflicts.{field}"), policy.as_str(), &origin);
    }
    for (name, value) in config.variables() {
        line(&format!("var.{name}"), &value, &origin);
    }
    for (column, field) in config.map() {
        line(&format!("map.{column}"), &field, &origin);
    }
    if let Some(spec) = &spec {
        credential_lines(&config, spec, &mut line);
    }
    terminal::out(&lines);
    Ok(Exit::Success)
}

/// Prints the source of each credential of a target, but not its value.
fn credential_lines(config: &Config, spec: &TargetSpec, line: &mut impl FnMut(&str, &str, &str)) {
    for name in spec.sign_in.iter().flat_map(|way| way.variables()) {
        let variable = config.credential_variable(name);
        let file = config.credential_variable(&format!("{name}_FILE"));
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let is_set = |name: &str| set(name).is_some();
        if is_set(&variable) {
            line(
                name,
                "********",
                &say().config_environment(variable.as_str()),
            );
        } else if let Some(path) = set(&file) {
            let mut origin = say().config_file_named(file.as_str());
            if let Err(why) = TrustedFile::open(path.as_ref()) {
                origin.push_str(&format!(": {}", with_causes(&why)));
            }
            line(name, "********", &origin);
        } else {
            line(
                name,
                &say().config_not_set(),
                &say().config_environment(variable.as_str()),
            );
        }
    }
}

/// Reduces a webhook's address to its host, because the rest may be a secret.
fn masked(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}/********")
}
