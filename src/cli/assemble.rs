use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;

use super::config::Config;
use super::job::{hold, hold_content};
use super::opening::Opening;
use super::options::{
    CanaryOptions, ConnectionOptions, FileOptions, GuardOptions, PlaceOptions, QuotaOptions,
    RosterOptions, SelectionOptions,
};
use super::sandbox::{LocalSandbox, SANDBOX_QUOTA};
use super::settings;
use crate::journal::RosterLock;
use crate::run::{Delivery, Prepared, Settings, prepare};
use crate::send::{ClientOptions, Credentials};
use crate::targets;

/// Everything that a roster's run needs, put together from arguments, environment and config.
pub(super) struct Assembled {
    pub(super) prepared: Prepared,
    pub(super) settings: Settings,
    pub(super) credentials: Credentials,
    _lock: Option<RosterLock>,
    _sandbox: Option<LocalSandbox>,
}

impl Assembled {
    /// The same from parts that an earlier run is known by.
    pub(super) fn of(
        prepared: Prepared,
        settings: Settings,
        credentials: Credentials,
        lock: Option<RosterLock>,
    ) -> Assembled {
        Assembled {
            prepared,
            settings,
            credentials,
            _lock: lock,
            _sandbox: None,
        }
    }
}

/// What a command asks for.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    pub(super) file: PathBuf,
    pub(super) roster: RosterOptions,
    pub(super) selection: SelectionOptions,
    pub(super) place: PlaceOptions,
    pub(super) connection: ConnectionOptions,
    pub(super) quota: QuotaOptions,
    pub(super) guards: GuardOptions,
    pub(super) canary: CanaryOptions,
    pub(super) files: FileOptions,
    /// Whether the roster is held for this process alone, and copied before it is read.
    pub(super) holds: bool,
    /// The text of a target's file that is meant where the command line names none.
    pub(super) known_target: Option<String>,
}

impl Asked {
    /// The same with what the config says, where nothing else was said.
    fn filled(&self, config: &Config) -> Asked {
        Asked {
            roster: config.fill(&self.roster),
            selection: config.fill(&self.selection),
            place: config.place(&self.place),
            connection: config.fill(&self.connection),
            quota: config.fill(&self.quota),
            guards: config.fill(&self.guards),
            canary: config.fill(&self.canary),
            ..self.clone()
        }
    }
}

/// Reads and checks the roster, after all that can be known to be missing without it.
pub(super) fn assemble(opening: &Opening, config: &Config, asked: &Asked) -> Result<Assembled> {
    assemble_with(opening, config, asked, |_, _| Ok(()))
}

/// The same; `adjust` may change the settings, for the target of this name, before anything is read.
pub(super) fn assemble_with(
    opening: &Opening,
    config: &Config,
    asked: &Asked,
    adjust: impl FnOnce(&str, &mut Settings) -> Result<()>,
) -> Result<Assembled> {
    let (clock, state) = (&opening.clock, &opening.state);
    let is_named = asked.roster.target.is_some();
    let asked = &asked.filled(config);
    let (place, connection) = (&asked.place, &asked.connection);
    let (spec, target) = match &asked.known_target {
        Some(text) if !is_named => {
            let spec = targets::parse("the run's target", text)?;
            (Arc::new(spec), text.clone())
        }
        _ => settings::target_and_text(asked.roster.target.as_deref())?,
    };
    let mut roster = settings::roster(config, &asked.file, &asked.roster, clock.timestamp());
    settings::refuse_idle_allowances(&roster, &spec)?;
    // A run takes hours, and someone may save the file meanwhile.
    roster.read.copy = asked.holds;
    roster.check.production = settings::is_production(place);
    roster.sparse = !place.blind;
    let paths = settings::paths(&asked.files, &asked.file, state)?;
    let own_quota = if place.sandbox {
        SANDBOX_QUOTA
    } else {
        settings::own_quota(&spec)
    };
    let variables = settings::variables(config, connection, &spec)?;
    let base_url = if place.sandbox {
        String::new()
    } else {
        settings::base_url(place, &spec, &variables)?
    };
    let credentials = if place.sandbox {
        Credentials::find(&spec, |_| Some(crate::sandbox::SECRET.into()))?
    } else {
        settings::credentials(config, &spec)?
    };
    let mut run_settings = Settings {
        target,
        delivery: Delivery {
            client: ClientOptions {
                base_url,
                timeout: connection.timeout().0.length,
                ca_certificates: settings::ca_certificates(connection)?,
            },
            pace: settings::pace(&asked.quota, own_quota)?,
            sender: settings::sender(connection),
            variables,
            selection: settings::selection(&asked.selection),
            paths,
            all: connection.all,
            blind: place.blind,
            guards: settings::guards(&asked.guards),
            canary: asked.canary.canary.map(u64::from),
            trust_for: connection.trust_for().length,
            undoes: None,
            retries: None,
        },
        roster,
        sandbox: place.sandbox,
        inbox: None,
        dropped_as: None,
        moving_from: None,
        replaces: None,
        config: config.path().map(Path::to_owned),
        profile: config.profile().map(str::to_owned),
    };
    adjust(&spec.name, &mut run_settings)?;
    let lock = if asked.holds {
        hold(state, &asked.file)?
    } else {
        None
    };
    let prepared = prepare(
        &run_settings.roster,
        spec,
        rand::random(),
        opening.watch.as_ref(),
    )?;
    let lock = match lock {
        None if asked.holds => Some(hold_content(state, &prepared)?),
        lock => lock,
    };
    let sandbox = if place.sandbox {
        let sandbox = LocalSandbox::start(&prepared, clock.clone())?;
        run_settings.delivery.client.base_url = sandbox.base_url.clone();
        Some(sandbox)
    } else {
        None
    };
    Ok(Assembled {
        prepared,
        settings: run_settings,
        credentials,
        _lock: lock,
        _sandbox: sandbox,
    })
}
