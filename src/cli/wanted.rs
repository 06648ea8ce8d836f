//! Collection of an import's options into the parameters of a run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::config::Config;
use super::local_sandbox::{self, SANDBOX_QUOTA};
use super::options::{CanaryOptions, FileOptions, PlanOptions};
use super::settings;
use crate::app::{AppError, Session, Wanted};
use crate::l10n::say;
use crate::plan::ConflictPolicy;
use crate::run::{Delivery, Roster, Settings};
use crate::targets::{self, TargetSpec};

/// The options of a command that reads a roster.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    pub(super) file: PathBuf,
    pub(super) options: PlanOptions,
    pub(super) canary: CanaryOptions,
    pub(super) files: FileOptions,
    /// Whether the roster is locked by this process and copied before it is read.
    pub(super) holds: bool,
    pub(super) usual_conflicts: ConflictPolicy,
    /// The text of a target file, used if the command line names no target.
    pub(super) known_target: Option<String>,
}

impl Asked {
    /// Returns the options for the chosen sheet, if one was chosen.
    pub(super) fn of_sheet(mut self, sheet: Option<String>) -> Asked {
        let own = &mut self.options.roster.sheet;
        *own = sheet.or(own.take());
        self
    }

    fn filled(&self, config: &Config) -> Asked {
        Asked {
            options: config.plan(&self.options),
            canary: config.fill(&self.canary),
            ..self.clone()
        }
    }

    /// Resolves all options once. Errors that do not depend on the roster are reported first.
    pub(super) fn resolve<'a>(
        &self,
        session: &'a Session,
        config: &Config,
    ) -> Result<Wanted<'a>, AppError> {
        let is_named = self.options.roster.target.is_some();
        let asked = &self.filled(config);
        let (spec, target) = match &asked.known_target {
            Some(text) if !is_named => {
                let spec = targets::parse(&say().run_its_target(), text)?;
                (Arc::new(spec), text.clone())
            }
            _ => settings::target_and_text(asked.options.roster.target.as_deref())?,
        };
        let target_text = target.clone();
        let settings = asked.settings(config, &spec, target, session)?;
        let variables = &settings.delivery.variables;
        let spec = Arc::new(Arc::unwrap_or_clone(spec).with_variables(variables));
        let credentials = if asked.options.place.sandbox {
            local_sandbox::credentials(&spec)?
        } else {
            settings::credentials(config, &spec)?
        };
        let clock = session.clock.clone();
        Ok(Wanted {
            spec,
            settings,
            credentials,
            holds: asked.holds,
            play: asked.options.place.sandbox.then(|| {
                let text = target_text;
                let play = move |prepared: &_| local_sandbox::play(prepared, &text, clock);
                Box::new(play) as _
            }),
        })
    }

    /// Returns the roster with its options, and its target.
    pub(super) fn roster(
        &self,
        config: &Config,
        now: Timestamp,
    ) -> Result<(Arc<TargetSpec>, Roster), AppError> {
        let asked = self.filled(config);
        let (spec, _) = settings::target_and_text(asked.options.roster.target.as_deref())?;
        let roster = asked.understood(config, &spec, now)?;
        Ok((spec, roster))
    }

    fn understood(
        &self,
        config: &Config,
        spec: &TargetSpec,
        now: Timestamp,
    ) -> Result<Roster, AppError> {
        let options = &self.options;
        let mut roster = settings::roster(config, &self.file, &options.roster, now);
        settings::refuse_idle_allowances(&roster, spec)?;
        // The roster is copied, because it may be edited during a long run.
        roster.read.copy = self.holds;
        roster.check.production = settings::is_production(&options.place);
        roster.sparse = !options.place.blind;
        Ok(roster)
    }

    fn settings(
        &self,
        config: &Config,
        spec: &TargetSpec,
        target: String,
        session: &Session,
    ) -> Result<Settings, AppError> {
        let options = &self.options;
        let place = &options.place;
        let now: Timestamp = session.clock.timestamp();
        let roster = self.understood(config, spec, now)?;
        let paths = settings::named(&self.files).for_roster(&self.file, session.state.folder())?;
        let variables = settings::variables(config, &options.connection, spec)?;
        if place.blind && spec.erases() {
            return Err(AppError::Usage(say().cli_blind_put(spec.name.as_str())));
        }
        if place.blind && spec.protected.is_some() {
            return Err(AppError::Usage(
                say().cli_blind_protected(spec.name.as_str()),
            ));
        }
        let (base_url, own_quota) = if place.sandbox {
            (String::new(), SANDBOX_QUOTA)
        } else {
            let own = settings::own_quota(spec);
            (settings::base_url(place, spec, &variables)?, own)
        };
        // A run that does not read records cannot detect conflicts.
        let reads = spec.is_readable() && !place.blind;
        let usual = if reads {
            self.usual_conflicts
        } else {
            ConflictPolicy::Roster
        };
        let pace = settings::pace(&options.quota, own_quota)?;
        let mut run = Settings::new(target, roster, Delivery::new(base_url, pace, paths));
        run.delivery.variables = variables;
        run.delivery.selection = settings::selection(&options.selection);
        run.delivery.edits = settings::edits(config, options.guards.conflicts, spec, usual)?;
        options.apply(&self.canary, None, &mut run)?;
        run.sandbox = place.sandbox;
        run.config = config.path().map(Path::to_owned);
        run.profile = config.profile().map(str::to_owned);
        Ok(run)
    }
}
