use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::Usage;
use super::args::{CommonArgs, Duplicate, Empty};

/// The name under which the config file is looked for.
const NAME: &str = "rosterpatch.toml";

/// What a config file, or one of its profiles, says. Nothing here may be a secret.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Layer {
    pub(super) target: Option<String>,
    pub(super) env: Option<String>,
    pub(super) base_url: Option<String>,
    pub(super) state: Option<PathBuf>,
    pub(super) key: Option<String>,
    pub(super) encoding: Option<String>,
    pub(super) delimiter: Option<String>,
    pub(super) sheet: Option<String>,
    pub(super) empty: Option<Empty>,
    pub(super) duplicates: Option<Duplicate>,
    pub(super) rate: Option<String>,
    pub(super) burst: Option<std::num::NonZeroU32>,
    pub(super) share: Option<String>,
    pub(super) concurrency: Option<std::num::NonZeroUsize>,
    pub(super) max_attempts: Option<std::num::NonZeroU32>,
    pub(super) timeout: Option<String>,
    pub(super) ca_cert: Option<PathBuf>,
    pub(super) max_invalid: Option<String>,
    pub(super) max_changes: Option<String>,
    pub(super) max_shrink: Option<String>,
    pub(super) canary: Option<std::num::NonZeroU64>,
    pub(super) trust_for: Option<String>,
    /// Variables of the target's addresses.
    #[serde(default)]
    var: BTreeMap<String, String>,
    /// Column to field; an empty field ignores the column.
    #[serde(default)]
    map: BTreeMap<String, String>,
    /// Profiles by name. A profile has none of its own.
    #[serde(default)]
    profile: BTreeMap<String, Layer>,
}

/// The config file's layers, the one that goes before the others first: the chosen profile, then
/// the file's own settings.
#[derive(Debug, Default)]
pub(super) struct Config {
    layers: Vec<Layer>,
}

impl Config {
    /// Reads the file that `--config` names, or the one in this folder, or the one in the user's
    /// config folder, and takes the profile that is asked for.
    pub(super) fn load(common: &CommonArgs) -> Result<Config> {
        let Some(path) = find(common) else {
            return match &common.profile {
                None => Ok(Config::default()),
                Some(profile) => Err(Usage(format!(
                    "there is no {NAME} here or in the user's config folder, and so no profile \"{profile}\""
                ))
                .into()),
            };
        };
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read the config file {}", path.display()))?;
        let mut file: Layer = toml::from_str(&text)
            .with_context(|| format!("the config file {} has a mistake", path.display()))?;
        let mut profiles = std::mem::take(&mut file.profile);
        if let Some(name) = profiles.iter().find(|(_, layer)| !layer.profile.is_empty()) {
            let path = path.display();
            return Err(Usage(format!("{path}: the profile \"{}\" holds profiles", name.0)).into());
        }
        let mut layers = Vec::new();
        if let Some(name) = &common.profile {
            let Some(profile) = profiles.remove(name) else {
                let known: Vec<&str> = profiles.keys().map(String::as_str).collect();
                return Err(Usage(format!(
                    "{} has no profile \"{name}\"; it has: {}",
                    path.display(),
                    known.join(", ")
                ))
                .into());
            };
            layers.push(profile);
        }
        layers.push(file);
        Ok(Config { layers })
    }

    /// What was said on the command line, else what the first layer says that says anything.
    pub(super) fn or<T: Clone>(
        &self,
        flag: &Option<T>,
        setting: impl Fn(&Layer) -> &Option<T>,
    ) -> Option<T> {
        flag.clone()
            .or_else(|| self.layers.iter().find_map(|layer| setting(layer).clone()))
    }

    /// The variables that all layers set, where a layer goes before those after it.
    pub(super) fn variables(&self) -> BTreeMap<String, String> {
        let layers = self.layers.iter().rev();
        layers.flat_map(|layer| layer.var.clone()).collect()
    }

    /// The columns that all layers map, where a layer goes before those after it.
    pub(super) fn map(&self) -> BTreeMap<String, String> {
        let mut map = BTreeMap::new();
        for layer in self.layers.iter().rev() {
            map.extend(layer.map.clone());
        }
        map
    }
}

fn find(common: &CommonArgs) -> Option<PathBuf> {
    if let Some(path) = &common.config {
        return Some(path.clone());
    }
    if Path::new(NAME).exists() {
        return Some(NAME.into());
    }
    let folders = directories::ProjectDirs::from("", "", "rosterpatch")?;
    let path = folders.config_dir().join(NAME);
    path.exists().then_some(path)
}
