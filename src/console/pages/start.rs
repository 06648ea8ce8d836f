//! The start page, which lists recent files and accepts uploads.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Multipart, State};
use axum::response::Response;
use jiff::SignedDuration;
use serde::Deserialize;

use super::name_of;
use crate::app::{Action, AppError, Dropped, Next, arrived_within, is_dropped, listed};
use crate::console::desk::Desk;
use crate::console::opened::Opened;
use crate::console::page::{Frame, Made, Trouble, go_to, html, page};
use crate::console::words::{held_in_words, state_in_words};
use crate::journal::{Journal, JournalError, RunState};
use crate::l10n::{local_time, rows, say};
use crate::targets::BUILT_IN;

#[derive(Template)]
#[template(path = "start.html", config = ".askama.toml")]
struct Page {
    frame: Frame,
    /// The targets to choose from, if none was named.
    targets: Vec<&'static str>,
    /// A file that was named and could not be opened yet.
    path: String,
    waiting: Vec<Waiting>,
    files: Vec<ArrivedFile>,
    recent: Vec<Recent>,
}

/// A file of an earlier run that can be opened again.
struct Recent {
    path: String,
    name: String,
    at: String,
}

/// The maximum number of recent files.
const RECENT: usize = 6;

struct ArrivedFile {
    name: String,
    at: String,
    fate: String,
    reason: Option<String>,
    /// The run of the file, if it is still known.
    run: Option<String>,
    can_mend: bool,
}

/// The maximum number of arrived files.
const FILES: usize = 20;

struct Waiting {
    name: String,
    file: String,
    at: String,
    state: String,
    rows: String,
}

/// The maximum number of waiting runs.
const WAITING: usize = 5;

pub(in crate::console) async fn show(State(desk): State<Arc<Desk>>) -> Response {
    page(desk, |desk| {
        let target = desk.door.target();
        let targets = match target {
            Some(_) => Vec::new(),
            None => BUILT_IN.iter().map(|(name, _)| *name).collect(),
        };
        let path = desk.pending().map(|path| path.display().to_string());
        Ok(html(&Page {
            frame: Frame::of(desk, "start", say().console_start()),
            targets,
            path: path.unwrap_or_default(),
            waiting: waiting(desk)?,
            files: files(desk)?,
            recent: recent(desk)?,
        }))
    })
    .await
}

fn waiting(desk: &Desk) -> Result<Vec<Waiting>, AppError> {
    let journal = Journal::open(&desk.state)?;
    let mut waiting = Vec::new();
    for run in journal.runs()? {
        if waiting.len() == WAITING {
            break;
        }
        if !matches!(
            run.state,
            RunState::Held | RunState::Interrupted | RunState::Running | RunState::Planning
        ) {
            continue;
        }
        let row = listed(&journal, &run, &desk.state)?;
        if matches!(row.state, RunState::Held | RunState::Interrupted) && !desk.has_lost(&run) {
            waiting.push(Waiting {
                file: name_of(Path::new(&run.file)),
                at: local_time(run.started_at),
                state: state_in_words(row.state),
                rows: rows(row.summary.rows),
                name: run.name,
            });
        }
    }
    Ok(waiting)
}

/// Returns the files of the last runs that still exist. Uploads are excluded.
fn recent(desk: &Desk) -> Result<Vec<Recent>, AppError> {
    let journal = Journal::open(&desk.state)?;
    let mut recent: Vec<Recent> = Vec::new();
    for run in journal.runs()? {
        let path = Path::new(&run.file);
        let is_known = recent.iter().any(|known| known.path == run.file);
        if run.command == "undo" || is_known || is_dropped(&desk.state, path) || !path.is_file() {
            continue;
        }
        recent.push(Recent {
            name: name_of(path),
            at: local_time(run.started_at),
            path: run.file,
        });
        if recent.len() == RECENT {
            break;
        }
    }
    Ok(recent)
}

/// Returns the files of the last day, those that need attention first.
fn files(desk: &Desk) -> Result<Vec<ArrivedFile>, AppError> {
    let journal = Journal::open(&desk.state)?;
    let mut files = arrived_within(&journal, &desk.state, SignedDuration::from_hours(24))?;
    files.sort_by_key(|file| !file.needs_person());
    let shown = files.into_iter().take(FILES).map(|file| {
        let run = match file.run.as_deref().map(|name| journal.run(Some(name))) {
            Some(Ok(run)) => Some(run),
            // The run was pruned.
            None | Some(Err(JournalError::NoRun { .. })) => None,
            Some(Err(error)) => return Err(error.into()),
        };
        let is_there = run.is_some();
        let held = run.and_then(|run| run.held);
        Ok(ArrivedFile {
            name: file.name,
            at: local_time(file.arrived_at),
            fate: file.fate.in_words(),
            reason: held.as_ref().map(held_in_words).or(file.reason),
            can_mend: is_there && matches!(file.next, Some(Next::Retry(_))),
            run: file.run.filter(|_| is_there),
        })
    });
    shown.collect()
}

#[derive(Deserialize)]
pub(in crate::console) struct Opening {
    path: String,
    target: Option<String>,
}

pub(in crate::console) async fn open(
    State(desk): State<Arc<Desk>>,
    Form(opening): Form<Opening>,
) -> Response {
    page(desk, move |desk| {
        let path = PathBuf::from(opening.path.trim());
        put(desk, &path, opening.target)
    })
    .await
}

/// Opens the file that the console was started with, if its target is known.
pub(in crate::console) fn open_at_first(desk: &Arc<Desk>, file: &Path) {
    if put(desk, file, None).is_err() {
        desk.set_pending(file.to_owned());
    }
}

/// Simulates the API from now on, and shows the open file or the start page.
pub(in crate::console) async fn rehearse(State(desk): State<Arc<Desk>>) -> Response {
    let _turn = desk.turn.clone().lock_owned().await;
    page(desk, move |desk| {
        desk.rehearse()?;
        go_to(match *desk.opened() {
            Some(_) => "/file",
            None => "/",
        })
    })
    .await
}

fn put(desk: &Arc<Desk>, file: &Path, target: Option<String>) -> Made {
    crate::safe_fs::open_file(file).map_err(Action::Read.failed(file))?;
    let name = name_of(file);
    let file = crate::run::absolute(file);
    let target = target.filter(|target| !target.is_empty());
    let of = desk.door.roster(&file, target.as_deref())?;
    let opened = Opened::of(&desk.state, name, target, of, None)?;
    desk.put(opened);
    go_to("/file")
}

/// Stores an uploaded file beside the journal, where its results are written too.
pub(in crate::console) async fn dropped(
    State(desk): State<Arc<Desk>>,
    mut form: Multipart,
) -> Response {
    let received = receive(&desk, &mut form).await;
    page(desk, move |desk| {
        let (path, target) = received?;
        put(desk, &path, target)
    })
    .await
}

async fn receive(desk: &Desk, form: &mut Multipart) -> Result<(PathBuf, Option<String>), Trouble> {
    let wrong = |error: axum::extract::multipart::MultipartError| Trouble::Wrong(error.to_string());
    let (mut path, mut target) = (None, None);
    while let Some(mut field) = form.next_field().await.map_err(wrong)? {
        match field.name() {
            Some("target") => target = Some(field.text().await.map_err(wrong)?),
            Some("file") => {
                let name = field.file_name().unwrap_or_default().to_owned();
                let Dropped {
                    path: place,
                    mut file,
                    held,
                } = crate::app::dropped(&desk.state, &name)?;
                while let Some(chunk) = field.chunk().await.map_err(wrong)? {
                    std::io::Write::write_all(&mut file, &chunk)
                        .map_err(Action::StoreUpload.failed(&place))?;
                }
                desk.hold(held);
                path = Some(place);
            }
            _ => {}
        }
    }
    let path = path.ok_or_else(|| Trouble::Wrong(say().console_no_file()))?;
    Ok((path, target))
}
