use std::path::Path;
use std::sync::Arc;

use anyhow::Result;

use super::args::{DeliveryArgs, OutputArgs, RosterOptions};
use super::config::Config;
use super::job::{hold, hold_content};
use super::opening::Opening;
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
pub(super) struct Asked<'a> {
    pub(super) file: &'a Path,
    pub(super) roster: &'a RosterOptions,
    pub(super) delivery: &'a DeliveryArgs,
    pub(super) output: &'a OutputArgs,
    /// Whether the roster is held for this process alone, and copied before it is read.
    pub(super) holds: bool,
    /// The text of a target's file that is meant where the command line names none.
    pub(super) known_target: Option<String>,
}

/// Reads and checks the roster, after all that can be known to be missing without it.
pub(super) fn assemble(opening: &Opening, config: &Config, asked: &Asked<'_>) -> Result<Assembled> {
    assemble_with(opening, config, asked, |_, _| Ok(()))
}

/// The same; `adjust` may change the settings, for the target of this name, before anything is read.
pub(super) fn assemble_with(
    opening: &Opening,
    config: &Config,
    asked: &Asked<'_>,
    adjust: impl FnOnce(&str, &mut Settings) -> Result<()>,
) -> Result<Assembled> {
    let (clock, state) = (&opening.clock, &opening.state);
    let delivery = asked.delivery;
    let (spec, target) = match (&asked.roster.target, &asked.known_target) {
        (None, Some(text)) => {
            let spec = targets::parse("the run's target", text)?;
            (Arc::new(spec), text.clone())
        }
        (named, _) => settings::target_and_text(config, named)?,
    };
    let mut roster = settings::roster(config, asked.file, asked.roster, clock.timestamp())?;
    settings::refuse_idle_allowances(&roster, &spec)?;
    // A run takes hours, and someone may save the file meanwhile.
    roster.read.copy = asked.holds;
    roster.check.production = settings::is_production(config, delivery);
    roster.sparse = !delivery.blind;
    let paths = settings::paths(asked.output, asked.file, state)?;
    let own_quota = if delivery.sandbox {
        SANDBOX_QUOTA
    } else {
        settings::own_quota(&spec)
    };
    let variables = settings::variables(config, delivery, &spec)?;
    let base_url = if delivery.sandbox {
        String::new()
    } else {
        settings::base_url(config, delivery, &spec, &variables)?
    };
    let credentials = if delivery.sandbox {
        Credentials::find(&spec, |_| Some(crate::sandbox::SECRET.into()))?
    } else {
        settings::credentials(config, &spec)?
    };
    let mut run_settings = Settings {
        target,
        delivery: Delivery {
            client: ClientOptions {
                base_url,
                timeout: settings::timeout(config, delivery)?,
                ca_certificates: settings::ca_certificates(config, delivery)?,
            },
            pace: settings::pace(config, delivery, own_quota)?,
            sender: settings::sender(config, delivery),
            variables,
            selection: settings::selection(asked.roster)?,
            paths,
            all: delivery.all,
            blind: delivery.blind,
            guards: settings::guards(config, delivery)?,
            canary: config
                .or(&delivery.canary, |layer| &layer.canary)
                .map(u64::from),
            trust_for: settings::trust_for(config, delivery)?,
            undoes: None,
            retries: None,
        },
        roster,
        sandbox: delivery.sandbox,
        inbox: None,
        dropped_as: None,
        moving_from: None,
        replaces: None,
        config: config.path().map(Path::to_owned),
        profile: config.profile().map(str::to_owned),
    };
    adjust(&spec.name, &mut run_settings)?;
    let lock = if asked.holds {
        hold(state, asked.file)?
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
    let sandbox = if delivery.sandbox {
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
