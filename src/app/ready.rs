//! Preparation resolves the target, the roster and the credentials of a run.

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

/// An API that is played inside this process, for as long as it is held.
pub struct Played {
    /// Its address.
    pub base_url: String,
    /// What keeps it going.
    pub keeper: Box<dyn Any + Send>,
}

/// Plays an API whose records are what the roster's might have been before.
pub type Play<'a> = Box<dyn FnOnce(&Prepared) -> Result<Played, AppError> + 'a>;

/// What is wanted of a roster, as far as it is known without reading it.
pub struct Wanted<'a> {
    /// The target.
    pub spec: Arc<TargetSpec>,
    /// The settings; the address of an API that is played is not known yet.
    pub settings: Settings,
    /// The credentials.
    pub credentials: Credentials,
    /// Whether the roster is held for this process alone.
    pub holds: bool,
    /// Plays the API, where that is wanted.
    pub play: Option<Play<'a>>,
}

impl Wanted<'_> {
    /// What is wanted of a run that is derived from another one.
    ///
    /// # Errors
    /// When its target cannot be understood, or its credentials are not there.
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

/// Everything that a roster's run needs.
pub struct Ready {
    /// The roster, read and checked.
    pub prepared: Arc<Prepared>,
    /// The settings.
    pub settings: Settings,
    /// The credentials.
    pub credentials: Credentials,
    _lock: Option<RosterLock>,
    _played: Option<Box<dyn Any + Send>>,
}

impl Ready {
    /// Reads and checks the roster again with a new mapping of some columns: each header with a field's name, or
    /// nothing to ignore it.
    ///
    /// # Errors
    /// When it can no longer be read, or its columns are not understood so.
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

/// Holds, reads and checks the roster, and has the API played where that is wanted.
///
/// # Errors
/// When another process has the file, it cannot be read, or its header cannot be understood.
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

/// Refuses an unattended roster if one of its headers resembles a field's.
///
/// # Errors
/// If there is such a header. Its column would be left out silently.
pub fn refuse_misspelt(ready: &Ready) -> Result<(), AppError> {
    let found = none_misspelt(&ready.prepared.unmapped);
    found.map_err(|source| RunError::Map {
        file: ready.settings.roster.file.display().to_string(),
        line: ready.prepared.input.header_line(),
        source: Box::new(source),
    })?;
    Ok(())
}

/// Holds the roster for this process. Standard input is nobody else's anyway.
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

/// Holds what was read from standard input for this process, by its content.
fn hold_content(state: &State, prepared: &Prepared) -> Result<RosterLock, AppError> {
    let content = prepared.input.sha256().map_err(RunError::from)?;
    let file = prepared.input.path().to_owned();
    let lock = RosterLock::take(state, Path::new(&format!("content {content}")))?;
    lock.ok_or_else(|| RunError::Busy { file }.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::scene::{Scene, roster, wanted};

    #[test]
    fn a_roster_is_held_for_one_process_where_that_is_wanted() {
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
        // A slice goes by its file's place in the queue.
        let slice = open(false).unwrap();
        let other = open(false).unwrap();
        drop(held);
        assert!(open(true).is_ok());
        drop((slice, other));
    }

    #[test]
    fn a_roster_is_read_again_with_what_was_said_of_a_column() {
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
    fn standard_input_is_held_by_its_content_and_not_by_its_name() {
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
    fn an_api_that_is_played_is_where_the_run_goes() {
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
