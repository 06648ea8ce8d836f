//! Preparation of a run: lock, roster, target and credentials.

use std::any::Any;
use std::path::Path;
use std::sync::Arc;

use super::error::AppError;
use super::session::Session;
use crate::journal::{RosterLock, State};
use crate::map::none_misspelt;
use crate::run::{Prepared, RunError, Settings, prepare};
use crate::send::Credentials;
use crate::targets::TargetSpec;

/// A simulated API in this process. It stops when this is dropped.
pub struct Played {
    pub base_url: String,
    /// Keeps the server running.
    pub keeper: Box<dyn Any + Send>,
}

/// Starts a simulated API with records that could precede the roster.
pub type Play<'a> = Box<dyn FnOnce(&Prepared) -> Result<Played, AppError> + 'a>;

/// The parameters of a run that are known before its roster is read.
pub struct Wanted<'a> {
    /// The target.
    pub spec: Arc<TargetSpec>,
    /// The settings. The base address of a simulated API is not set yet.
    pub settings: Settings,
    /// The credentials.
    pub credentials: Credentials,
    /// Whether this process locks the roster.
    pub holds: bool,
    /// Starts a simulated API, if one is used.
    pub play: Option<Play<'a>>,
}

impl Wanted<'_> {
    /// Returns the parameters for a run that derives its settings from another run.
    pub fn again(
        settings: Settings,
        credentials: impl FnOnce(&TargetSpec) -> Result<Credentials, AppError>,
    ) -> Result<Wanted<'static>, AppError> {
        let spec = Arc::new(settings.spec()?);
        Ok(Wanted {
            credentials: credentials(&spec)?,
            spec,
            settings,
            holds: true,
            play: None,
        })
    }
}

/// A run that is ready to begin, with its roster read and checked.
pub struct Ready {
    pub prepared: Arc<Prepared>,
    pub settings: Settings,
    /// The credentials.
    pub credentials: Credentials,
    _lock: Option<RosterLock>,
    _played: Option<Box<dyn Any + Send>>,
}

impl Ready {
    /// Reads and checks the roster again with a new mapping of some columns: each header with a field's name,
    /// or an empty string to ignore the column.
    ///
    /// # Errors
    /// Fails if the roster can no longer be read or the mapping is invalid.
    pub fn say_of_columns(
        &mut self,
        session: &Session,
        said: Vec<(String, String)>,
    ) -> Result<(), AppError> {
        let spec = self.prepared.checker.spec().clone();
        self.settings.roster.map.overrides.extend(said);
        let roster = &self.settings.roster;
        let prepared = prepare(roster, spec, rand::random(), session.observer.as_ref())?;
        self.prepared = Arc::new(prepared);
        Ok(())
    }
}

/// Locks, reads and checks the roster, and starts a simulated API if requested.
///
/// # Errors
/// Fails if another process has locked the file, the file cannot be read, or its header is invalid.
pub fn ready(session: &Session, wanted: Wanted<'_>) -> Result<Ready, AppError> {
    let Wanted {
        spec,
        mut settings,
        credentials,
        holds,
        play,
    } = wanted;
    let lock = if holds {
        hold(&session.state, &settings.roster.file)?
    } else {
        None
    };
    let seed = rand::random();
    let prepared = prepare(&settings.roster, spec, seed, session.observer.as_ref())?;
    let lock = match lock {
        None if holds => Some(hold_content(&session.state, &prepared)?),
        lock => lock,
    };
    let mut keeper = None;
    if let Some(play) = play {
        let played = play(&prepared)?;
        settings.delivery.client.base_url = played.base_url;
        keeper = Some(played.keeper);
    }
    Ok(Ready {
        prepared: Arc::new(prepared),
        settings,
        credentials,
        _lock: lock,
        _played: keeper,
    })
}

/// Refuses an unattended roster with an unmapped header that resembles a field's. Its column would be ignored
/// silently.
pub fn refuse_misspelt(ready: &Ready) -> Result<(), AppError> {
    let found = none_misspelt(&ready.prepared.unmapped);
    found.map_err(|source| RunError::Map {
        file: ready.settings.roster.file.display().to_string(),
        line: ready.prepared.input.header_line(),
        source: Box::new(source),
    })?;
    Ok(())
}

/// Locks the roster for this process. Standard input needs no lock by path.
pub(super) fn hold(state: &State, roster: &Path) -> Result<Option<RosterLock>, AppError> {
    if roster == Path::new("-") {
        return Ok(None);
    }
    match RosterLock::take(state, roster)? {
        Some(lock) => Ok(Some(lock)),
        None => Err(RunError::Busy {
            file: roster.to_owned(),
        }
        .into()),
    }
}

/// Locks the content read from standard input, identified by its digest.
fn hold_content(state: &State, prepared: &Prepared) -> Result<RosterLock, AppError> {
    let content = prepared.input.sha256().map_err(RunError::from)?;
    let file = prepared.input.path().to_owned();
    let lock = RosterLock::take(state, Path::new(&format!("content {content}")))?;
    lock.ok_or_else(|| RunError::Busy { file }.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::{Scene, roster, wanted};

    #[test]
    fn a_roster_is_locked_only_if_requested() {
        let scene = Scene::new();
        let file = scene.write("r.csv", &roster(1));
        let open = |holds| {
            let mut wanted = wanted(scene.settings("r.csv"));
            wanted.holds = holds;
            ready(&scene.session, wanted)
        };
        let busy = |opened: Result<Ready, AppError>| match opened.map(|_| ()) {
            Err(AppError::Run(RunError::Busy { file: busy })) => busy == file,
            _ => false,
        };
        let held = open(true).unwrap();
        assert!(busy(open(true)));
        // Batches of the shared queue take no lock on the roster.
        let slice = open(false).unwrap();
        let other = open(false).unwrap();
        drop(held);
        assert!(open(true).is_ok());
        drop((slice, other));
    }

    #[test]
    fn a_roster_is_read_again_with_a_new_column_mapping() {
        let scene = Scene::new();
        scene.write("r.csv", "id,name,short\n1,Bo,B\n");
        let mut wanted = wanted(scene.settings("r.csv"));
        wanted.settings.roster.map.sparse = true;
        let mut ready = ready(&scene.session, wanted).unwrap();
        let said = vec![("short".to_owned(), "nickname".to_owned())];
        let before = ready.prepared.clone();
        ready.say_of_columns(&scene.session, said.clone()).unwrap();
        assert_eq!(ready.settings.roster.map.overrides, said);
        assert!(!Arc::ptr_eq(&before, &ready.prepared));
    }

    #[test]
    fn standard_input_is_locked_by_content_and_not_by_name() {
        let scene = Scene::new();
        let state = &scene.session.state;
        let roster = hold(state, Path::new("-")).unwrap();
        assert!(roster.is_none());
        assert!(hold(state, Path::new("-")).is_ok());
        scene.write("r.csv", "id,name\n1,Bo\n");
        let ready = ready(&scene.session, wanted(scene.settings("r.csv"))).unwrap();
        let _held = hold_content(state, &ready.prepared).unwrap();
        let other = hold_content(state, &ready.prepared);
        assert!(matches!(other, Err(AppError::Run(RunError::Busy { .. }))));
    }

    #[test]
    fn a_run_uses_the_address_of_the_simulated_api() {
        let scene = Scene::new();
        scene.write("r.csv", &roster(1));
        let mut wanted = wanted(scene.settings("r.csv"));
        wanted.play = Some(Box::new(|_| {
            Ok(Played {
                base_url: "http://127.0.0.1:9".into(),
                keeper: Box::new(()),
            })
        }));
        let ready = ready(&scene.session, wanted).unwrap();
        assert_eq!(
            ready.settings.delivery.client.base_url,
            "http://127.0.0.1:9"
        );
    }
}
