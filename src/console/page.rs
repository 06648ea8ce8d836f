//! The frame of all pages, error pages and downloads.

use std::sync::Arc;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::desk::Desk;
use super::opened::Opened;
use super::steps::{Step, steps};
use super::words::{fields_in_words, first_upper};
use crate::app::{Action, AppError};
use crate::l10n::{Language, Messages, in_scope, number, say};
use crate::model::with_causes;

/// The common parts of every page.
pub(super) struct Frame {
    pub(super) title: String,
    /// The title, if it has the number of people chosen.
    pub(super) counted: Option<Counted>,
    /// The path of all pages.
    pub(super) base: String,
    pub(super) here: &'static str,
    /// The open file, and the page to continue with.
    pub(super) file: Option<(String, &'static str)>,
    pub(super) steps: Vec<Step>,
    /// The reason why changes cannot be sent yet: a text for the IT department.
    pub(super) sign_in: Option<String>,
    /// The fields to explain: a question with their labels, and each label with its text.
    pub(super) fields: Option<(String, Vec<(String, String)>)>,
    /// The result of the last action.
    pub(super) notice: Option<String>,
    /// Whether only a fragment is rendered, which replaces a part of a page.
    pub(super) is_fragment: bool,
    /// Whether the API is simulated on this machine.
    pub(super) is_rehearsal: bool,
    pub(super) languages: [Language; 2],
    pub(super) say: &'static Messages,
    pub(super) lang: &'static str,
}

/// A text with the number of people chosen, which the page's script updates. `#` stands for the number.
pub(super) struct Counted {
    /// The number when the page is rendered.
    pub(super) count: u64,
    pub(super) now: String,
    pub(super) one: String,
    pub(super) other: String,
}

/// The position in a list with several pages.
pub(super) struct Pages {
    /// The page, and how many there are.
    pub(super) text: String,
    /// The queries of the pages before and after it.
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

impl Pages {
    /// Returns the position on `page`, from 1, of a list of `all` entries with `each` on a page. There is none if one
    /// page is enough. `query` returns the query of a page.
    pub(super) fn of(
        page: u64,
        all: u64,
        each: u64,
        query: impl Fn(u64) -> String,
    ) -> Option<Pages> {
        let last = all.div_ceil(each);
        (last > 1).then(|| Pages {
            text: say().console_page_of(number(page), number(last)),
            before: (page > 1).then(|| query(page - 1)),
            after: (page < last).then(|| query(page + 1)),
        })
    }
}

impl Frame {
    pub(super) fn of(desk: &Desk, here: &'static str, title: String) -> Frame {
        let mut opened = desk.opened();
        let notice = opened.as_mut().and_then(|opened| opened.notice.take());
        Frame {
            notice: notice.map(|notice| notice.to_string()),
            is_fragment: false,
            ..Frame::around(desk, opened.as_ref(), here, title)
        }
    }

    /// Creates the frame while the open roster is in use. The notice is kept.
    pub(super) fn around(
        desk: &Desk,
        opened: Option<&Opened>,
        here: &'static str,
        title: String,
    ) -> Frame {
        Frame {
            title,
            counted: None,
            base: desk.base.clone(),
            here,
            file: opened.map(|opened| {
                let page = match (&opened.look, &opened.checked) {
                    (_, Ok(_)) => "/problems",
                    (Ok(_), Err(_)) if opened.which_sheet().is_empty() => "/columns",
                    _ => "/file",
                };
                (opened.name.clone(), page)
            }),
            steps: steps(desk, opened, here),
            notice: None,
            fields: opened.filter(|_| here == "columns").and_then(|opened| {
                let fields = fields_in_words(&opened.spec);
                let labels: Vec<&str> = fields.iter().map(|(label, _)| label.as_str()).collect();
                let question = say().console_what_fields(labels.join(", "));
                (!fields.is_empty()).then_some((question, fields))
            }),
            sign_in: match here {
                "start" | "file" => {
                    let target = opened.and_then(|opened| opened.target.as_deref());
                    let file = opened.filter(|_| here == "file");
                    let file = file.map(|opened| opened.roster.file.as_path());
                    let why = desk.door.sign_in(file, target);
                    why.map(|why| {
                        say().console_sign_in_text(first_upper(why.trim_end_matches('.')))
                    })
                }
                _ => None,
            },
            is_fragment: true,
            is_rehearsal: desk.door.plays(),
            languages: [Language::English, Language::Swedish],
            say: say(),
            lang: Language::spoken().code(),
        }
    }

    /// Returns the pages that belong to no import: the address, whether it is this page, and the name.
    pub(super) fn places(&self) -> [(&'static str, bool, String); 3] {
        let say = self.say;
        [
            ("/", "start", say.console_place_start()),
            ("/runs", "runs", say.console_place_runs()),
            ("/person", "person", say.console_place_person()),
        ]
        .map(|(path, here, name)| (path, here == self.here, name))
    }
}

/// The reason why there is no page.
pub(super) enum Trouble {
    /// No roster is open. The start page is shown instead.
    Nothing,
    Failed(AppError),
    Wrong(String),
}

impl<E: Into<AppError>> From<E> for Trouble {
    fn from(error: E) -> Trouble {
        Trouble::Failed(error.into())
    }
}

/// A page, or the reason why there is none.
pub(super) type Made = Result<Response, Trouble>;

#[derive(Template)]
#[template(path = "trouble.html", config = ".askama.toml")]
struct TroublePage {
    frame: Frame,
    why: String,
}

/// The error of a fragment, which is shown in its place.
#[derive(Template)]
#[template(path = "said.html", config = ".askama.toml")]
struct Said {
    why: String,
}

/// Renders a page on a thread that may block.
pub(super) async fn page(
    desk: Arc<Desk>,
    make: impl FnOnce(&Arc<Desk>) -> Made + Send + 'static,
) -> Response {
    in_thread(move || make(&desk).unwrap_or_else(|trouble| told(&desk, trouble))).await
}

/// Renders a fragment on a thread that may block.
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

/// Returns the response with a page.
pub(super) fn html<T: Template>(page: &T) -> Response {
    match page.render() {
        Ok(text) => Html(text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Redirects to another page after an action.
pub(super) fn go_to(path: &str) -> Made {
    Ok(Redirect::to(path).into_response())
}

/// Returns the response with a report, which the browser shows. Its origin is opaque, so its script can reach neither the
/// console nor any other address.
pub(super) fn report(bytes: Vec<u8>) -> Response {
    let headers = [
        ("content-type", "text/html; charset=utf-8"),
        ("content-disposition", "inline"),
        (
            "content-security-policy",
            "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; \
             style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
        ),
        // The HTML standard turns a sandboxed page with any other policy into a network error.
        ("cross-origin-opener-policy", "unsafe-none"),
    ];
    (headers, bytes).into_response()
}

/// Returns the response with a file to download.
pub(super) fn download(name: &str, bytes: Vec<u8>) -> Response {
    let encoded = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    let disposition = format!("attachment; filename*=UTF-8''{encoded}");
    let headers = [
        ("content-type", "application/octet-stream".to_owned()),
        ("content-disposition", disposition),
    ];
    (headers, bytes).into_response()
}

/// Writes a file with `write`, and returns its bytes.
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
