//! The config file with its profiles.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::options::{GeneralOptions, Group, Layer, PlaceOptions, PlanOptions};
use crate::app::{Action, AppError};
use crate::l10n::{message, say};
use crate::model::Code;
use crate::plan::ConflictPolicy;
use crate::run::Settings;
use crate::targets::{Mistakes, TargetSpec};

/// The name of the config file.
const NAME: &str = "rosterpatch.toml";

/// The layers of the config file by precedence: the chosen profile, then the file's top-level settings.
#[derive(Debug, Clone, Default)]
pub(super) struct Config {
    /// The path of the file, if there is one.
    path: Option<PathBuf>,
    layers: Vec<(Option<String>, Layer)>,
    profiles: BTreeMap<String, Layer>,
}

impl Config {
    /// Loads the config file that `--config` names, or the one in the working folder, or the user's, and
    /// selects the requested profile.
    pub(super) fn load(common: &GeneralOptions) -> Result<Config, AppError> {
        let Some(path) = find(common) else {
            return match &common.profile {
                None => Ok(Config::default()),
                Some(profile) => Err(AppError::Usage(
                    say().config_no_file(NAME, profile.as_str()),
                )),
            };
        };
        Config::read(path, common.profile.as_deref())
    }

    fn read(path: PathBuf, profile: Option<&str>) -> Result<Config, AppError> {
        let text = crate::safe_fs::read_text(&path).map_err(Action::ReadConfig.failed(&path))?;
        let mut file = match crate::targets::read_toml::<Layer>(&text) {
            (Some(file), mistakes) if mistakes.is_empty() => file,
            (_, mistakes) => {
                let path = path.display().to_string();
                let mistakes = Mistakes::new(&path, &text, mistakes);
                return Err(AppError::Config { mistakes });
            }
        };
        let profiles = std::mem::take(&mut file.profile);
        if let Some((name, _)) = profiles.iter().find(|(_, layer)| !layer.profile.is_empty()) {
            let path = path.display().to_string();
            return Err(AppError::Usage(say().config_nested(path, name.as_str())));
        }
        // The journal and an inbox are shared by all profiles.
        if let Some((name, _)) = profiles.iter().find(|(_, layer)| layer.retention.is_some()) {
            let path = path.display().to_string();
            return Err(AppError::Usage(
                say().config_profile_retention(path, name.as_str()),
            ));
        }
        for (profile, pattern) in patterns(&profiles) {
            glob::Pattern::new(pattern).map_err(|error| {
                let path = path.display().to_string();
                AppError::Usage(say().config_pattern(path, profile, pattern, error.to_string()))
            })?;
        }
        let config = Config {
            path: Some(path),
            layers: vec![(None, file)],
            profiles,
        };
        match profile {
            None => Ok(config),
            Some(name) => config.with_profile(name),
        }
    }

    /// Loads the config of a run unless the command line names another, because credentials may depend on its
    /// profile.
    pub(super) fn of_run(common: &GeneralOptions, settings: &Settings) -> Result<Config, AppError> {
        if common.profile.is_some() {
            return Config::load(common);
        }
        if common.config.is_some() {
            let own = Config::load(common)?;
            return match &settings.profile {
                Some(name) if own.profiles.contains_key(name) => own.with_profile(name),
                _ => Ok(own),
            };
        }
        let Some(path) = settings.config.as_ref().filter(|path| path.is_file()) else {
            // The run may come from another machine, so its profile is looked up in this machine's config.
            let own = Config::load(common)?;
            return match &settings.profile {
                Some(name) => own.with_profile(name),
                None => Ok(own),
            };
        };
        Config::read(path.clone(), settings.profile.as_deref())
    }

    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Returns the path of the user's config file, which need not exist.
    pub(super) fn own_path() -> Result<PathBuf, AppError> {
        let folders = directories::ProjectDirs::from("", "", "rosterpatch");
        let folders = folders.ok_or_else(|| AppError::Front(message::cli_no_home()))?;
        Ok(folders.config_dir().join(NAME))
    }

    /// Fills unset options from the first layer that sets each.
    pub(super) fn fill<G: Group>(&self, said: &G) -> G {
        let layers = self.layers.iter().map(|(_, layer)| layer);
        layers.fold(said.clone(), |group, layer| group.or(layer))
    }

    /// Fills unset options like `fill`, except that the first source of an address or an environment decides
    /// both.
    pub(super) fn place(&self, said: &PlaceOptions) -> PlaceOptions {
        let layers = self.layers.iter().map(|(_, layer)| layer);
        layers.fold(said.clone(), |place, layer| {
            if place.env.is_some() || place.base_url.is_some() {
                place
            } else {
                place.or(layer)
            }
        })
    }

    /// Fills unset options of a plan.
    pub(super) fn plan(&self, said: &PlanOptions) -> PlanOptions {
        PlanOptions {
            roster: self.fill(&said.roster),
            selection: self.fill(&said.selection),
            place: self.place(&said.place),
            connection: self.fill(&said.connection),
            quota: self.fill(&said.quota),
            guards: self.fill(&said.guards),
        }
    }

    pub(super) fn profiles(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }

    /// Returns whether credentials depend on the profile and no profile is in use.
    pub(super) fn profiles_sign_in(&self) -> bool {
        let mut profiles = self.profiles.values();
        self.profile().is_none() && profiles.any(|profile| !profile.credentials.is_empty())
    }

    pub(super) fn with_profile(&self, name: &str) -> Result<Config, AppError> {
        let Some(profile) = self.profiles.get(name) else {
            let known: Vec<&str> = self.profiles.keys().map(String::as_str).collect();
            return Err(AppError::Setup {
                code: Code::ConfigNoProfile,
                text: say().config_no_profile(self.origin(None), name, known.join(", ")),
            });
        };
        let mut config = self.clone();
        config.layers.retain(|(profile, _)| profile.is_none());
        config
            .layers
            .insert(0, (Some(name.to_owned()), profile.clone()));
        Ok(config)
    }

    /// Returns the profile whose patterns match an inbox file, if any.
    pub(super) fn profile_of(&self, file: &str) -> Result<Option<&str>, AppError> {
        let matches =
            |pattern: &str| glob::Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(file));
        let mut fitting: Vec<&str> = patterns(&self.profiles)
            .filter(|(_, pattern)| matches(pattern))
            .map(|(name, _)| name)
            .collect();
        fitting.dedup();
        match fitting[..] {
            [] => Ok(None),
            [name] => Ok(Some(name)),
            _ => Err(AppError::Setup {
                code: Code::ConfigSeveralProfiles,
                text: say().config_several_fit(file, fitting.join(", ")),
            }),
        }
    }

    /// The profile with a pattern for files that fit `pattern` too. Of two profiles for one file neither applies.
    pub(super) fn profile_within(&self, pattern: &glob::Pattern) -> Option<&str> {
        let mut others = patterns(&self.profiles);
        let found = others.find(|(_, other)| pattern.matches(other));
        found.map(|(name, _)| name)
    }

    /// Refuses a file whose name matches no pattern of the profile in use, or of any profile if none is in
    /// use.
    pub(super) fn refuse_unfit(&self, file: &str) -> Result<(), AppError> {
        let own = self.profile();
        let mut patterns = patterns(&self.profiles)
            .filter(|(name, _)| own.is_none_or(|own| own == *name))
            .peekable();
        if patterns.peek().is_none() {
            return Ok(());
        }
        if own.is_none() {
            // A match of several profiles is a separate error.
            self.profile_of(file)?;
        }
        let fits = |pattern: &str| glob::Pattern::new(pattern).is_ok_and(|own| own.matches(file));
        match patterns.any(|(_, pattern)| fits(pattern)) {
            true => Ok(()),
            false => Err(AppError::Setup {
                code: Code::InboxNoProfile,
                text: Code::InboxNoProfile.sentence(),
            }),
        }
    }

    /// Returns a value that changes with the config file, the profile in use and the credentials in the
    /// environment and in files.
    pub(super) fn fingerprint(&self, spec: Option<&TargetSpec>) -> u64 {
        let mut hash = xxhash_rust::xxh3::Xxh3::new();
        let mut add = |bytes: &[u8]| {
            hash.update(&(bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        let text = self.path.as_deref().map(std::fs::read).and_then(Result::ok);
        add(&text.unwrap_or_default());
        add(self.profile().unwrap_or_default().as_bytes());
        let ways = spec.into_iter().flat_map(|spec| &spec.sign_in);
        for variable in ways.flat_map(|way| way.variables()) {
            let named = |name: &str| std::env::var_os(self.credential_variable(name));
            let value = named(variable).unwrap_or_default();
            add(value.as_encoded_bytes());
            let file = named(&format!("{variable}_FILE"));
            let held = file.and_then(|file| std::fs::read(file).ok());
            add(&held.unwrap_or_default());
        }
        hash.digest()
    }

    pub(super) fn profile(&self) -> Option<&str> {
        self.layers
            .iter()
            .find_map(|(profile, _)| profile.as_deref())
    }

    /// Returns the location of a layer's settings, for messages.
    pub(super) fn origin(&self, profile: Option<&str>) -> String {
        let path = self.path.as_deref().unwrap_or(Path::new(NAME)).display();
        match profile {
            None => path.to_string(),
            Some(profile) => say().config_origin(path.to_string(), profile),
        }
    }

    /// Returns the value of the first layer that sets it.
    pub(super) fn first<T: Clone>(&self, setting: impl Fn(&Layer) -> &Option<T>) -> Option<T> {
        let mut layers = self.layers.iter();
        layers.find_map(|(_, layer)| setting(layer).clone())
    }

    /// Like `first`, for values that must be computed from a layer.
    pub(super) fn first_of<T>(&self, setting: impl Fn(&Layer) -> Option<T>) -> Option<T> {
        self.layers.iter().find_map(|(_, layer)| setting(layer))
    }

    /// Returns the value of the first layer that sets it, with its location.
    pub(super) fn said(
        &self,
        setting: impl Fn(&Layer) -> Option<String>,
    ) -> Option<(String, String)> {
        self.layers
            .iter()
            .find_map(|(profile, layer)| Some((setting(layer)?, self.origin(profile.as_deref()))))
    }

    /// Returns the variables of all layers. Earlier layers take precedence.
    pub(super) fn variables(&self) -> BTreeMap<String, String> {
        self.merged(|layer| &layer.var)
    }

    /// Returns the mapped columns of all layers. Earlier layers take precedence.
    pub(super) fn map(&self) -> BTreeMap<String, String> {
        self.merged(|layer| &layer.map)
    }

    /// Returns the conflict policies of fields from all layers. Earlier layers take precedence.
    pub(super) fn conflicts(&self) -> BTreeMap<String, ConflictPolicy> {
        self.merged(|layer| &layer.conflicts.fields)
    }

    /// Returns the fields in a list setting of all layers.
    pub(super) fn listed(&self, list: impl Fn(&Layer) -> &Vec<String>) -> BTreeSet<String> {
        let layers = self.layers.iter();
        layers.flat_map(|(_, layer)| list(layer).clone()).collect()
    }

    fn merged<T: Clone>(
        &self,
        table: impl Fn(&Layer) -> &BTreeMap<String, T>,
    ) -> BTreeMap<String, T> {
        let mut all = BTreeMap::new();
        for (_, layer) in self.layers.iter().rev() {
            all.extend(table(layer).clone());
        }
        all
    }

    /// Returns the environment variable of the credential that the target calls `name`. A variable with the
    /// suffix `_FILE` names a file that contains the credential.
    pub(super) fn credential_variable(&self, name: &str) -> String {
        let named = self.merged(|layer| &layer.credentials);
        match (named.get(name), name.strip_suffix("_FILE")) {
            (Some(variable), _) => variable.clone(),
            (None, Some(bare)) => match named.get(bare) {
                Some(variable) => format!("{variable}_FILE"),
                None => name.to_owned(),
            },
            (None, None) => name.to_owned(),
        }
    }
}

fn patterns(profiles: &BTreeMap<String, Layer>) -> impl Iterator<Item = (&str, &str)> {
    profiles.iter().flat_map(|(name, layer)| {
        let files = layer.files.iter();
        files.map(move |pattern| (name.as_str(), pattern.as_str()))
    })
}

fn find(common: &GeneralOptions) -> Option<PathBuf> {
    if let Some(path) = &common.config {
        return Some(path.clone());
    }
    // A path whose existence cannot be checked is kept, so that reading it reports the error.
    let may_be_there = |path: &PathBuf| path.try_exists().unwrap_or(true);
    let own = || Config::own_path().ok().filter(may_be_there);
    Some(PathBuf::from(NAME)).filter(may_be_there).or_else(own)
}
