use anyhow::Result;

use super::args::{CommonArgs, ConfigArgs};
use super::config::{Config, Layer};
use super::{settings, terminal};
use crate::model::Exit;
use crate::targets::TargetSpec;

/// A setting: its name, what the command line says of it, what a layer says of it, and what holds
/// where nobody says anything.
type Row<'a> = (
    &'static str,
    Option<String>,
    &'a dyn Fn(&Layer) -> Option<String>,
    String,
);

/// `rosterpatch config`: what is in force, and where it comes from.
pub(super) fn run(common: &CommonArgs, args: &ConfigArgs) -> Result<Exit> {
    let config = Config::load(common)?;
    let spec = settings::target(&config, &args.options.target).ok();
    let (roster, delivery) = (&args.options, &args.delivery);
    fn text<T: ToString>(value: &Option<T>) -> Option<String> {
        value.as_ref().map(T::to_string)
    }
    fn word<T: std::fmt::Debug>(value: &Option<T>) -> Option<String> {
        value
            .as_ref()
            .map(|value| format!("{value:?}").to_lowercase())
    }
    fn path(value: &Option<std::path::PathBuf>) -> Option<String> {
        value.as_ref().map(|path| path.display().to_string())
    }
    let own = |of: &dyn Fn(&TargetSpec) -> String| spec.as_deref().map_or("none".into(), of);
    let usual = |text: &str| text.to_owned();
    let state = settings::state_folder(&Config::default(), common);
    let state = state.map_or_else(|_| "none".into(), |path| path.display().to_string());
    let rows: Vec<Row<'_>> = vec![
        (
            "target",
            text(&roster.target),
            &|layer| text(&layer.target),
            usual("none"),
        ),
        (
            "env",
            text(&delivery.env),
            &|layer| text(&layer.env),
            usual("production"),
        ),
        (
            "base_url",
            text(&delivery.base_url),
            &|layer| text(&layer.base_url),
            usual("that of env"),
        ),
        (
            "state",
            path(&common.state),
            &|layer| path(&layer.state),
            state,
        ),
        (
            "key",
            text(&roster.key),
            &|layer| text(&layer.key),
            usual("the best the file has"),
        ),
        (
            "encoding",
            text(&roster.encoding),
            &|layer| text(&layer.encoding),
            usual("detected"),
        ),
        (
            "delimiter",
            text(&roster.delimiter),
            &|layer| text(&layer.delimiter),
            usual("detected"),
        ),
        (
            "sheet",
            text(&roster.sheet),
            &|layer| text(&layer.sheet),
            usual("the first"),
        ),
        (
            "empty",
            word(&roster.empty),
            &|layer| word(&layer.empty),
            usual("keep"),
        ),
        (
            "duplicates",
            word(&roster.duplicates),
            &|layer| word(&layer.duplicates),
            usual("error"),
        ),
        (
            "rate",
            text(&delivery.rate),
            &|layer| text(&layer.rate),
            own(&|spec| format!("{}/{}", spec.quota.requests, spec.quota.per.letter())),
        ),
        (
            "burst",
            text(&delivery.burst),
            &|layer| text(&layer.burst),
            own(&|spec| spec.quota.burst.to_string()),
        ),
        (
            "share",
            text(&delivery.share),
            &|layer| text(&layer.share),
            usual("100%"),
        ),
        (
            "concurrency",
            text(&delivery.concurrency),
            &|layer| text(&layer.concurrency),
            usual("8"),
        ),
        (
            "max_attempts",
            text(&delivery.max_attempts),
            &|layer| text(&layer.max_attempts),
            usual("5"),
        ),
        (
            "timeout",
            text(&delivery.timeout),
            &|layer| text(&layer.timeout),
            usual("45s"),
        ),
        (
            "ca_cert",
            path(&delivery.ca_cert),
            &|layer| path(&layer.ca_cert),
            usual("none"),
        ),
        (
            "max_invalid",
            text(&delivery.max_invalid),
            &|layer| text(&layer.max_invalid),
            usual("20%"),
        ),
        (
            "max_changes",
            text(&delivery.max_changes),
            &|layer| text(&layer.max_changes),
            usual("none"),
        ),
        (
            "max_shrink",
            text(&delivery.max_shrink),
            &|layer| text(&layer.max_shrink),
            usual("50%"),
        ),
        (
            "canary",
            text(&delivery.canary),
            &|layer| text(&layer.canary),
            usual("none"),
        ),
        (
            "trust_for",
            text(&delivery.trust_for),
            &|layer| text(&layer.trust_for),
            usual("30d"),
        ),
        ("settle", None, &|layer| text(&layer.settle), usual("5s")),
        (
            "interval",
            None,
            &|layer| text(&layer.interval),
            usual("30s"),
        ),
        (
            "metrics",
            None,
            &|layer| path(&layer.metrics),
            usual("none"),
        ),
        (
            "notify.url",
            None,
            &|layer| {
                let url = layer.notify.as_ref()?.url.as_deref()?;
                Some(masked(url))
            },
            usual("none"),
        ),
        (
            "notify.command",
            None,
            &|layer| {
                let command = layer.notify.as_ref()?.command.as_ref()?;
                Some(command.join(" "))
            },
            usual("none"),
        ),
        (
            "files",
            None,
            &|layer| (!layer.files.is_empty()).then(|| layer.files.join(", ")),
            usual("any"),
        ),
    ];
    // What cannot be used is better found out here than at night.
    settings::guards(&config, delivery)?;
    settings::trust_for(&config, delivery)?;
    settings::timeout(&config, delivery)?;
    if let Some(spec) = &spec {
        settings::pace(&config, delivery, settings::own_quota(spec))?;
    }
    let mut lines = String::new();
    let mut line = |name: &str, value: &str, origin: &str| {
        lines.push_str(&format!("{name:<36} {value:<36} {origin}\n"));
    };
    for (name, flag, setting, default) in rows {
        let env = match name {
            "target" => "ROSTERPATCH_TARGET",
            "state" => "ROSTERPATCH_STATE",
            _ => "",
        };
        match (flag, config.said(setting)) {
            (Some(value), _) => {
                let by_env = std::env::var(env).is_ok_and(|set| set == value);
                line(name, &value, if by_env { env } else { "command line" });
            }
            (None, Some((value, origin))) => line(name, &value, &origin),
            (None, None) => line(name, &default, "default"),
        }
    }
    for (name, value) in config.variables() {
        line(
            &format!("var.{name}"),
            &value,
            &config.origin(config.profile()),
        );
    }
    for (column, field) in config.map() {
        line(
            &format!("map.{column}"),
            &field,
            &config.origin(config.profile()),
        );
    }
    for name in spec
        .iter()
        .flat_map(|spec| &spec.sign_in)
        .flat_map(|way| way.variables())
    {
        let variable = config.credential_variable(name);
        let file = config.credential_variable(&format!("{name}_FILE"));
        let is_set = |name: &str| std::env::var(name).is_ok_and(|value| !value.is_empty());
        if is_set(&variable) {
            line(name, "********", &format!("environment, {variable}"));
        } else if is_set(&file) {
            line(name, "********", &format!("the file that {file} names"));
        } else {
            line(name, "(not set)", &format!("environment, {variable}"));
        }
    }
    terminal::out(&lines);
    Ok(Exit::Success)
}

/// A webhook's address may be the secret itself: only its host is shown.
fn masked(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}/********")
}
