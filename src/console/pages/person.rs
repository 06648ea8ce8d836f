//! The person page shows the changes to one record.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use crate::app::{RecordChanges, dossier, write_dossier};
use crate::console::desk::Desk;
use crate::console::page::{Frame, download, html, page, written};
use crate::console::pages::columns::name_of;
use crate::l10n::{local_time, say};
use crate::targets::load;

#[derive(Template)]
#[template(path = "person.html", config = ".askama.toml")]
struct Page {
    frame: Frame,
    /// What a person is found by.
    by: String,
    key: String,
    encoded: String,
    records: Vec<(String, RecordChanges)>,
}

#[derive(Deserialize, Default)]
pub(in crate::console) struct Asked {
    #[serde(default)]
    key: String,
}

pub(in crate::console) async fn show(
    State(desk): State<Arc<Desk>>,
    Query(asked): Query<Asked>,
) -> Response {
    page(desk, move |desk| {
        let key = asked.key.trim();
        let found = match key {
            "" => Vec::new(),
            key => dossier(&desk.state, key)?.records,
        };
        let records = found.into_iter();
        let encoded =
            percent_encoding::utf8_percent_encode(key, percent_encoding::NON_ALPHANUMERIC);
        Ok(html(&Page {
            frame: Frame::of(desk, "person", say().console_person_title()),
            by: asked_for(desk),
            encoded: encoded.to_string(),
            key: key.to_owned(),
            records: records
                .map(|record| (local_time(record.at), record))
                .collect(),
        }))
    })
    .await
}

/// What a person is found by: the keys of the target, as far as one is known.
fn asked_for(desk: &Desk) -> String {
    let opened = desk.opened().as_ref().map(|opened| opened.spec.clone());
    let named = || Some(Arc::new(load(&desk.door.target()?).ok()?));
    match opened.or_else(named) {
        None => say().console_person_any_key(),
        Some(spec) => {
            let keys = spec.keys().into_iter().take(3);
            let names: Vec<String> = keys.map(|key| name_of(&spec, key)).collect();
            say().console_person_key(names.join(", "))
        }
    }
}

/// The same as a file, for a data-protection request.
pub(in crate::console) async fn file(
    State(desk): State<Arc<Desk>>,
    Query(asked): Query<Asked>,
) -> Response {
    page(desk, move |desk| {
        let found = dossier(&desk.state, &asked.key)?;
        let bytes = written("csv", |path| write_dossier(&found, path))?;
        Ok(download("history.csv", bytes))
    })
    .await
}
