//! Pages share a frame, error pages and downloads.

use std::sync::Arc;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::desk::Desk;
use crate::app::{Action, AppError};
use crate::l10n::{Language, Messages, in_scope, say};
use crate::model::with_causes;

/// What every page begins and ends with.
pub(super) struct Frame {
    pub(super) title: String,
    /// The path that the pages are under.
    pub(super) base: String,
    /// The page, as its address names it.
    pub(super) here: &'static str,
    /// The file on the desk.
    pub(super) file: Option<String>,
    /// Whether a job is under way.
    pub(super) has_job: bool,
    /// Whether the API is played on this machine.
    pub(super) is_rehearsal: bool,
    /// The languages to choose from.
    pub(super) languages: [Language; 2],
    pub(super) say: &'static Messages,
    pub(super) lang: &'static str,
}

impl Frame {
    pub(super) fn of(desk: &Desk, here: &'static str, title: String) -> Frame {
        let file = desk.opened().as_ref().map(|opened| opened.name.clone());
        Frame {
            title,
            base: desk.base.clone(),
            here,
            file,
            has_job: desk.job().is_some(),
            is_rehearsal: desk.door.plays(),
            languages: [Language::English, Language::Swedish],
            say: say(),
            lang: Language::spoken().code(),
        }
    }
}

impl Frame {
    /// The steps, each with its address, whether it is this page, and its name. Those that nothing can be
    /// seen of yet are left out.
    pub(super) fn steps(&self) -> Vec<(&'static str, bool, String)> {
        let say = self.say;
        let all = [
            (
                "/file",
                "file",
                say.console_step_file(),
                self.file.is_some(),
            ),
            (
                "/columns",
                "columns",
                say.console_step_columns(),
                self.file.is_some(),
            ),
            (
                "/problems",
                "problems",
                say.console_step_problems(),
                self.file.is_some(),
            ),
            ("/plan", "plan", say.console_step_plan(), self.has_job),
            ("/run", "run", say.console_step_run(), self.has_job),
            ("/runs", "runs", say.console_step_runs(), true),
            ("/person", "person", say.console_step_person(), true),
        ];
        let shown = all.into_iter().filter(|(.., is_shown)| *is_shown);
        shown
            .map(|(path, here, name, _)| (path, here == self.here, name))
            .collect()
    }
}

/// Why there is no page.
pub(super) enum Trouble {
    /// There is nothing on the desk that it could show: the beginning is the place to be.
    Nothing,
    /// It could not be done.
    Failed(AppError),
    /// Something that was asked for does not make sense.
    Wrong(String),
}

impl<E: Into<AppError>> From<E> for Trouble {
    fn from(error: E) -> Trouble {
        Trouble::Failed(error.into())
    }
}

/// What a page is made of, or why there is none.
pub(super) type Made = Result<Response, Trouble>;

#[derive(Template)]
#[template(path = "trouble.html", config = ".askama.toml")]
struct TroublePage {
    frame: Frame,
    why: String,
}

/// Why a fragment of a page could not be made: it stands where the page has room for it.
#[derive(Template)]
#[template(path = "said.html", config = ".askama.toml")]
struct Said {
    why: String,
}

/// Makes a page, in a thread that may wait for files.
pub(super) async fn page(
    desk: Arc<Desk>,
    make: impl FnOnce(&Arc<Desk>) -> Made + Send + 'static,
) -> Response {
    in_thread(move || make(&desk).unwrap_or_else(|trouble| told(&desk, trouble))).await
}

/// Makes a fragment of a page, in a thread that may wait for files.
pub(super) async fn fragment(
    desk: Arc<Desk>,
    make: impl FnOnce(&Arc<Desk>) -> Made + Send + 'static,
) -> Response {
    let told = |trouble| {
        let (status, why) = explained(trouble);
        (status, html(&Said { why })).into_response()
    };
    in_thread(move || make(&desk).unwrap_or_else(told)).await
}

async fn in_thread(make: impl FnOnce() -> Response + Send + 'static) -> Response {
    let language = Language::spoken();
    let made = tokio::task::spawn_blocking(move || in_scope(language, make));
    match made.await {
        Ok(response) => response,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn told(desk: &Desk, trouble: Trouble) -> Response {
    if matches!(trouble, Trouble::Nothing) {
        return Redirect::to("/").into_response();
    }
    let (status, why) = explained(trouble);
    let frame = Frame::of(desk, "trouble", say().console_trouble());
    let page = TroublePage { frame, why };
    (status, html(&page)).into_response()
}

fn explained(trouble: Trouble) -> (StatusCode, String) {
    match trouble {
        Trouble::Nothing => (StatusCode::CONFLICT, say().console_other_file()),
        Trouble::Failed(error) => (StatusCode::CONFLICT, with_causes(&error)),
        Trouble::Wrong(why) => (StatusCode::BAD_REQUEST, why),
    }
}

/// A page as it is sent.
pub(super) fn html<T: Template>(page: &T) -> Response {
    match page.render() {
        Ok(text) => Html(text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Another page, after something was done.
pub(super) fn go_to(path: &str) -> Made {
    Ok(Redirect::to(path).into_response())
}

/// A file to keep.
pub(super) fn download(name: &str, bytes: Vec<u8>) -> Response {
    let encoded = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    let disposition = format!("attachment; filename*=UTF-8''{encoded}");
    let headers = [
        ("content-type", "application/octet-stream".to_owned()),
        ("content-disposition", disposition),
    ];
    (headers, bytes).into_response()
}

/// A file that was written to be read by its name, and its bytes.
pub(super) fn written(
    ending: &str,
    write: impl FnOnce(&std::path::Path) -> Result<(), AppError>,
) -> Result<Vec<u8>, AppError> {
    let temporary = std::env::temp_dir();
    let read = Action::Read.failed(&temporary);
    let folder = tempfile::tempdir().map_err(read)?;
    let path = folder.path().join(format!("file.{ending}"));
    write(&path)?;
    std::fs::read(&path).map_err(read)
}
