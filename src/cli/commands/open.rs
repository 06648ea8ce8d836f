//! The `open` command, which starts the console in a browser.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use toml_edit::{Array, DocumentMut, Item, Table, value};

use crate::app::{Action, AppError, Notifications, Session, Wanted};
use crate::cli::args::OpenArgs;
use crate::cli::config::Config;
use crate::cli::options::{CanaryOptions, GeneralOptions, PlanOptions};
use crate::cli::wanted::Asked;
use crate::cli::{local_sandbox, logging, settings, terminal};
use crate::clock::{Clock, SystemClock};
use crate::console::{Bound, Door, Options};
use crate::events::Observer;
use crate::journal::State;
use crate::l10n::{Message, message, say};
use crate::model::Exit;
use crate::plan::ConflictPolicy;
use crate::report::WholeFile;
use crate::run::{Roster, Settings};
use crate::targets::TargetSpec;

/// Runs `rosterpatch open [FILE]`.
pub(in crate::cli) fn run(common: &GeneralOptions, args: &OpenArgs) -> Result<Exit, AppError> {
    logging::start(common, None);
    let config = Config::load(common)?;
    let state = settings::state(&config, common)?;
    if let Some(file) = &args.file {
        // A missing file is reported before a browser is started.
        std::fs::metadata(file).map_err(Action::Read.failed(file))?;
    }
    let listen = args.listen.unwrap_or(([127, 0, 0, 1], 0).into());
    if !listen.ip().is_loopback() {
        return Err(AppError::Usage(
            say().console_not_loopback(listen.to_string()),
        ));
    }
    let failed = |error: std::io::Error| {
        let what = say().cli_cannot_listen(listen.to_string());
        AppError::Front(Message::verbatim(format!("{what}: {error}")))
    };
    let options = Options {
        listen,
        idle: args.idle.length,
    };
    let bound = Bound::new(&options).map_err(failed)?;
    let address = bound.entrance();
    terminal::line(&say().console_address(address.as_str()));
    if args.options.place.sandbox {
        terminal::note(&say().console_played());
    }
    let shown = match args.no_browser {
        true => None,
        false => Some(show(&address)),
    };
    if let Some(Err(_)) = &shown {
        terminal::note(&say().console_no_browser(address.as_str()));
    }
    let door = FrontDoor {
        common: common.clone(),
        options: args.options.clone(),
        plays: AtomicBool::new(args.options.place.sandbox),
        config,
        state: state.clone(),
    };
    bound
        .serve(Box::new(door), &state, args.file.clone())
        .map_err(failed)?;
    Ok(Exit::Success)
}

/// Opens an address in a browser through a private page, because every account of the machine can read the
/// arguments of a process. The page is removed when the result is dropped.
fn show(address: &str) -> std::io::Result<tempfile::NamedTempFile> {
    let mut page = tempfile::Builder::new()
        .prefix("rosterpatch-")
        .suffix(".html")
        .tempfile()?;
    write!(
        page,
        "<!doctype html><meta charset=utf-8><meta http-equiv=refresh content=\"0; url={address}\">\
         <title>rosterpatch</title><p><a href=\"{address}\">rosterpatch</a>"
    )?;
    page.flush()?;
    open::that_detached(page.path())?;
    Ok(page)
}

/// The console's access to the command line and the config file.
struct FrontDoor {
    common: GeneralOptions,
    options: PlanOptions,
    /// Whether the API is simulated.
    plays: AtomicBool,
    config: Config,
    state: State,
}

impl FrontDoor {
    /// Returns the current config with the profile that matches the file's name, unless a profile was chosen.
    fn config_for(&self, file: &Path) -> Result<Config, AppError> {
        let config = Config::load(&self.common)?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        match config.profile_of(&name)? {
            Some(profile) if config.profile().is_none() => config.with_profile(profile),
            _ => Ok(config),
        }
    }

    /// Returns whether a run started by another command must ask about conflicts in the console. The default
    /// of other commands is `roster`.
    fn asks_about_conflicts(&self, config: &Config, run: &Settings) -> Result<bool, AppError> {
        let said = self.options.guards.conflicts;
        let said = said.or_else(|| config.first(|layer| &layer.conflicts.all));
        let delivery = &run.delivery;
        let is_default = said.is_none() && delivery.edits.conflicts == ConflictPolicy::Roster;
        // A run that does not read records cannot detect conflicts.
        let compares = !delivery.blind && delivery.undoes.is_none();
        Ok(is_default && compares && run.spec()?.is_readable())
    }

    fn asked(&self, file: &Path, target: Option<&str>, holds: bool) -> Asked {
        let mut options = self.options.clone();
        options.place.sandbox = self.plays();
        if let Some(target) = target {
            options.roster.target = Some(target.to_owned());
        }
        Asked {
            file: file.to_owned(),
            options,
            holds,
            usual_conflicts: ConflictPolicy::Ask,
            ..Asked::default()
        }
    }
}

impl Door for FrontDoor {
    fn session(&self, observer: Box<dyn Observer>) -> Result<Session, AppError> {
        let mut session = Session::new(observer, self.state.clone())?;
        session.journal_flag = settings::journal_flag(&session.state);
        Ok(session)
    }

    fn plays(&self) -> bool {
        self.plays.load(Ordering::Relaxed)
    }

    fn rehearse(&self) {
        self.plays.store(true, Ordering::Relaxed);
    }

    fn target(&self) -> Option<String> {
        self.config.fill(&self.options.roster).target
    }

    fn sign_in(&self, file: Option<&Path>, target: Option<&str>) -> Option<String> {
        let config = match file {
            // A config that cannot be read is reported with the file.
            Some(file) => self.config_for(file).ok()?,
            None if self.config.profiles_sign_in() => return None,
            None => self.config.clone(),
        };
        let target = target.map(str::to_owned);
        let target = target.or_else(|| config.fill(&self.options.roster).target);
        let target = target.filter(|_| !self.plays())?;
        // A target that cannot be read is reported with the file.
        let spec = crate::targets::load(&target).ok()?;
        let found = settings::credentials(&config, &spec);
        found.err().map(|error| crate::model::with_causes(&error))
    }

    fn roster(
        &self,
        file: &Path,
        target: Option<&str>,
    ) -> Result<(Arc<TargetSpec>, Roster), AppError> {
        let config = self.config_for(file)?;
        let asked = self.asked(file, target, false);
        asked.roster(&config, SystemClock.timestamp())
    }

    fn wanted<'a>(
        &self,
        session: &'a Session,
        file: &Path,
        target: Option<&str>,
    ) -> Result<Wanted<'a>, AppError> {
        let config = self.config_for(file)?;
        self.asked(file, target, true).resolve(session, &config)
    }

    fn again(&self, mut run: Settings) -> Result<Wanted<'static>, AppError> {
        let config = Config::of_run(&self.common, &run)?;
        settings::repace(&config, &self.options.quota, &mut run)?;
        if self.asks_about_conflicts(&config, &run)? {
            run.delivery.edits.conflicts = ConflictPolicy::Ask;
        }
        let is_played = run.sandbox;
        Wanted::again(run, |spec| match is_played {
            true => local_sandbox::credentials(spec),
            false => settings::credentials(&config, spec),
        })
    }

    fn apply(&self, run: &mut Settings) -> Result<(), AppError> {
        let options = self.config.plan(&self.options);
        options.apply(&CanaryOptions::default(), Some(&self.options), run)
    }

    fn notifications(&self) -> Notifications {
        settings::notifications(&self.config)
    }

    fn profile_of(&self, name: &str) -> Option<String> {
        // A config that cannot be read is reported where it is needed.
        let config = self.config_for(Path::new(name)).ok()?;
        config.profile().map(str::to_owned)
    }

    fn keep_columns(
        &self,
        (name, pattern): (&str, &str),
        target: Option<&str>,
        columns: &[(String, String)],
        usual: &[String],
    ) -> Result<PathBuf, AppError> {
        let config = self.config_for(Path::new(name))?;
        if config.profile().is_none() {
            let fits = glob::Pattern::new(pattern).ok();
            let fits = fits.filter(|pattern| pattern.matches(name));
            let unfit = || AppError::Front(message::console_pattern_unfit(pattern, name));
            let fits = fits.ok_or_else(unfit)?;
            if let Some(other) = config.profile_within(&fits) {
                let taken = message::console_pattern_taken(pattern, other);
                return Err(AppError::Front(taken));
            }
        }
        let path = match config.path() {
            Some(path) => path.to_owned(),
            None => Config::own_path()?,
        };
        let text = match crate::safe_fs::read_text(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Action::ReadConfig.failed(&path)(error)),
        };
        let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
            AppError::Front(Message::verbatim(error.to_string()))
        })?;
        keep(
            &mut document,
            config.profile(),
            (name, pattern, target),
            (columns, usual),
        );
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(Action::Write.failed(&path))?;
        }
        WholeFile::write_text(&path, &document.to_string())?;
        Ok(path)
    }
}

/// Stores columns in a profile of a config file: in the one in use, or in a new one for files with this name.
/// The rest of the file is unchanged.
fn keep(
    document: &mut DocumentMut,
    profile: Option<&str>,
    (name, pattern, target): (&str, &str, Option<&str>),
    (columns, usual): (&[(String, String)], &[String]),
) {
    let own = Path::new(name).file_stem().unwrap_or_default();
    let mut own = own.to_string_lossy().into_owned();
    let profiles = document.entry("profile").or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    // An existing profile with this name applies to other files.
    while profile.is_none() && profiles.get(&own).is_some() {
        own.push('+');
    }
    let entry = &mut profiles[profile.unwrap_or(&own)];
    if entry.is_none() {
        *entry = Item::Table(Table::new());
    }
    if profile.is_none() {
        entry["files"] = value(Array::from_iter([pattern]));
    }
    if let Some(target) = target {
        entry["target"] = value(target);
    }
    let map = &mut entry["map"];
    if map.is_none() {
        *map = Item::Table(Table::new());
    }
    for (column, field) in columns {
        map[column.as_str()] = value(field.as_str());
    }
    if let Some(map) = map.as_table_like_mut() {
        for column in usual {
            map.remove(column);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_stored_by_file_name_and_the_rest_is_unchanged() {
        let mut document: DocumentMut = "# ours\nrate = \"1500/h\"\n".parse().unwrap();
        let usual = [];
        let columns = [("Kommentar".to_owned(), String::new())];
        keep(
            &mut document,
            None,
            ("elever [1].csv", "elever *.csv", Some("meitner")),
            (&columns, &usual),
        );
        let text = document.to_string();
        assert!(text.starts_with("# ours\nrate = \"1500/h\"\n"), "{text}");
        assert!(text.contains("[profile.\"elever [1]\"]"), "{text}");
        assert!(text.contains("files = [\"elever *.csv\"]"), "{text}");
        assert!(text.contains("Kommentar = \"\""), "{text}");
        let usual = ["Kommentar".to_owned()];
        let columns = [("Tel".to_owned(), "phone_number1".to_owned())];
        keep(
            &mut document,
            Some("elever [1]"),
            ("elever [1].csv", "elever *.csv", None),
            (&columns, &usual),
        );
        let text = document.to_string();
        assert!(text.contains("Tel = \"phone_number1\""), "{text}");
        assert!(!text.contains("Kommentar"), "{text}");

        // Nothing else in an existing profile is changed.
        let before = "# of the town\n[profile.town]\ntarget = 'meitner' # theirs\nrate = \"5/s\"\n\n\
                      [profile.town.map]\nKlass = \"class\" # not ours\n";
        let mut document: DocumentMut = before.parse().unwrap();
        let columns = [("Tel".to_owned(), "phone_number1".to_owned())];
        keep(
            &mut document,
            Some("town"),
            ("r.csv", "r.csv", None),
            (&columns, &["Epost".to_owned()]),
        );
        let kept = format!("{before}Tel = \"phone_number1\"\n");
        assert_eq!(document.to_string(), kept);
    }
}
