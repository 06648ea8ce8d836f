//! The person page, which finds people and shows the changes of one of them.

use std::path::Path;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::name_of;
use super::problems::escaped;
use crate::app::{
    AppError, Dossier, FoundPerson, RecordChanges, SEARCHED_ROSTERS, SEARCHED_RUNS, dossier,
    is_identifier, people, write_dossier,
};
use crate::console::desk::Desk;
use crate::console::page::{Frame, download, html, page, written};
use crate::l10n::{local_time, number, say};

#[derive(Template)]
#[template(path = "person.html", config = ".askama.toml")]
struct Page {
    frame: Frame,
    query: String,
    people: Vec<Found>,
    is_cut: bool,
    /// The shown person, or empty if unknown.
    who: String,
    file: String,
    changes: Vec<Change>,
    /// What is shown in place of changes.
    none: String,
    covers: String,
    rehearsals: Option<String>,
}

struct Found {
    person: FoundPerson,
    link: String,
}

struct Change {
    at: String,
    what: String,
    record: RecordChanges,
}

#[derive(Deserialize, Default)]
pub(in crate::console) struct Asked {
    #[serde(default)]
    q: String,
    /// The value that finds the changes of the selected person.
    #[serde(default)]
    key: String,
    rehearsals: Option<String>,
}

pub(in crate::console) async fn show(
    State(desk): State<Arc<Desk>>,
    Query(asked): Query<Asked>,
) -> Response {
    page(desk, move |desk| {
        // A console for rehearsals has no other runs.
        let has_all = asked.rehearsals.is_some() || desk.door.plays();
        let (people, is_cut, found) = found(desk, &asked, has_all)?;
        let (query, key) = (escaped(asked.q.trim()), escaped(&found.key));
        let is_one = people.len() == 1;
        let covers = say().console_person_where(
            number(SEARCHED_ROSTERS as u64),
            number(SEARCHED_RUNS as u64),
        );
        Ok(html(&Page {
            frame: Frame::of(desk, "person", say().console_person_title()),
            who: match &*people {
                [person] => in_words(person),
                _ => String::new(),
            },
            file: format!("/person/file?key={key}{}", suffix(has_all)),
            none: match (is_one, is_cut) {
                (true, _) => say().console_person_unchanged(),
                (false, true) => say().console_person_too_many(),
                (false, false) => say().console_person_none(asked.q.trim()),
            },
            covers,
            changes: found.dossier.records.into_iter().map(change).collect(),
            rehearsals: (!has_all && !asked.q.trim().is_empty())
                .then(|| format!("/person?q={query}&rehearsals=1")),
            people: match is_one {
                true => Vec::new(),
                false => people
                    .into_iter()
                    .map(|person| Found {
                        link: format!(
                            "/person?q={query}&key={}{}",
                            escaped(&person.key),
                            suffix(has_all)
                        ),
                        person,
                    })
                    .collect(),
            },
            is_cut,
            query: asked.q.trim().to_owned(),
        }))
    })
    .await
}

/// The changes that a key finds.
#[derive(Default)]
struct Shown {
    key: String,
    dossier: Dossier,
}

/// Returns the people that were found, whether there are more, and the changes of the selected one.
fn found(
    desk: &Desk,
    asked: &Asked,
    rehearsals: bool,
) -> Result<(Vec<FoundPerson>, bool, Shown), AppError> {
    let query = asked.q.trim();
    let of = |key: &str| -> Result<Shown, AppError> {
        Ok(Shown {
            key: key.to_owned(),
            dossier: dossier(&desk.state, key, rehearsals)?,
        })
    };
    if !asked.key.is_empty() {
        let mut found = people(&desk.state, &asked.key, rehearsals)?.people;
        found.truncate(1);
        return Ok((found, false, of(&asked.key)?));
    }
    if query.is_empty() {
        return Ok((Vec::new(), false, Shown::default()));
    }
    let found = people(&desk.state, query, rehearsals)?;
    let shown = match &*found.people {
        [] => of(query)?,
        [person] => {
            let shown = of(&person.key)?;
            // The journal may know the person by the typed value only.
            match shown.dossier.records.is_empty() {
                true => of(query)?,
                false => shown,
            }
        }
        _ => Shown::default(),
    };
    Ok((found.people, found.is_cut, shown))
}

fn suffix(rehearsals: bool) -> &'static str {
    if rehearsals { "&rehearsals=1" } else { "" }
}

/// Returns the name, the class and the number of a person, without identifiers.
fn in_words(person: &FoundPerson) -> String {
    let parts = [&person.name, &person.class, &person.number];
    let parts = parts.into_iter().map(String::as_str);
    let parts = parts.filter(|part| !part.is_empty() && !is_identifier(part));
    parts.collect::<Vec<_>>().join(" · ")
}

fn change(record: RecordChanges) -> Change {
    let file = name_of(Path::new(&record.file));
    Change {
        at: local_time(record.at),
        what: match record.command.as_str() {
            "undo" => say().console_person_restored(),
            _ => say().console_person_changed(record.line, file),
        },
        record,
    }
}

/// Serves the same as a file, for a data protection request.
pub(in crate::console) async fn file(
    State(desk): State<Arc<Desk>>,
    Query(asked): Query<Asked>,
) -> Response {
    page(desk, move |desk| {
        let has_all = asked.rehearsals.is_some() || desk.door.plays();
        let found = dossier(&desk.state, &asked.key, has_all)?;
        let bytes = written("csv", |path| write_dossier(&found, path))?;
        Ok(download("history.csv", bytes))
    })
    .await
}
