//! The history page, which lists past runs.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::name_of;
use super::past_run::{asking, notes};
use crate::app::{is_rehearsal, listed};
use crate::console::desk::Desk;
use crate::console::page::{Frame, html, page};
use crate::console::words::{listed_in_words, outcome_in_words};
use crate::journal::{Journal, RunState};
use crate::l10n::{local_time, rows, say};
use crate::run::Settings;

#[derive(Template)]
#[template(path = "runs.html", config = ".askama.toml")]
struct List {
    frame: Frame,
    /// The runs, newest first; rehearsals only if requested.
    runs: Vec<Line>,
    has_rehearsals: bool,
}

#[derive(Deserialize, Default)]
pub(in crate::console) struct Asked {
    rehearsals: Option<String>,
}

struct Line {
    name: String,
    file: String,
    at: String,
    rows: String,
    /// The notes of the people who worked on it.
    notes: Vec<String>,
    state: String,
    is_waiting: bool,
    outcome: String,
    is_rehearsal: bool,
    /// The runs that retried or undid it, and their successors, oldest first.
    later: Vec<Line>,
}

/// The maximum number of listed runs.
const RUNS: usize = 200;

pub(in crate::console) async fn list(
    State(desk): State<Arc<Desk>>,
    Query(asked): Query<Asked>,
) -> Response {
    page(desk, move |desk| {
        let journal = Journal::open(&desk.state)?;
        let mut lines = Vec::new();
        // A console for rehearsals has no other runs.
        let has_rehearsals = asked.rehearsals.is_some() || desk.door.plays();
        let runs = journal.runs()?.into_iter();
        let runs = runs.filter(|run| has_rehearsals || !is_rehearsal(run));
        for run in runs.take(RUNS) {
            let row = listed(&journal, &run, &desk.state)?;
            let settings = Settings::of(&run).ok();
            let delivery = settings.as_ref().map(|settings| &settings.delivery);
            let undoes = delivery.and_then(|delivery| delivery.undoes.clone());
            let retries = delivery.and_then(|delivery| delivery.retries.as_ref()?.run.clone());
            let states = outcome_in_words(&row.summary.states, undoes.is_some()).into_iter();
            let line = Line {
                rows: rows(row.summary.rows),
                notes: notes(&row),
                file: match (&undoes, &retries) {
                    (Some(_), _) => say().console_run_undo(),
                    (None, Some(_)) => say().console_run_retry(),
                    (None, None) => name_of(Path::new(&run.file)),
                },
                at: local_time(run.started_at),
                state: match asking(desk, &run.name) {
                    Some(_) => say().console_state_asking(),
                    None => listed_in_words(&row),
                },
                is_waiting: matches!(row.state, RunState::Held | RunState::Interrupted)
                    || asking(desk, &run.name).is_some(),
                outcome: states.map(|(_, text)| text).collect::<Vec<_>>().join(", "),
                is_rehearsal: row.rehearsal,
                later: Vec::new(),
                name: run.name.clone(),
            };
            lines.push((line, undoes.or(retries)));
        }
        let frame = Frame::of(desk, "runs", say().console_runs_title());
        Ok(html(&List {
            frame,
            runs: filed(lines),
            has_rehearsals,
        }))
    })
    .await
}

/// Groups runs under the first run of their chain. `lines` are newest first, each with the run that it
/// follows. A line whose predecessor is not listed stays separate.
fn filed(lines: Vec<(Line, Option<String>)>) -> Vec<Line> {
    let listed: HashSet<String> = lines.iter().map(|(line, _)| line.name.clone()).collect();
    let mut roots = Vec::new();
    let mut later: HashMap<String, Vec<Line>> = HashMap::new();
    for (mut line, of) in lines {
        let mut own = later.remove(&line.name).unwrap_or_default();
        match of.filter(|of| listed.contains(of)) {
            Some(of) => {
                let of = later.entry(of).or_default();
                of.append(&mut own);
                of.push(line);
            }
            None => {
                own.reverse();
                line.later = own;
                roots.push(line);
            }
        }
    }
    roots
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, of: Option<&str>) -> (Line, Option<String>) {
        let line = Line {
            name: name.to_owned(),
            file: String::new(),
            at: String::new(),
            state: String::new(),
            is_waiting: false,
            outcome: String::new(),
            rows: String::new(),
            notes: Vec::new(),
            is_rehearsal: false,
            later: Vec::new(),
        };
        (line, of.map(str::to_owned))
    }

    #[test]
    fn runs_are_grouped_under_the_import_that_they_follow() {
        let lines = vec![
            line("undo of retry 2", Some("retry 2")),
            line("undo of old", Some("not listed")),
            line("retry 3", Some("import")),
            line("retry 2", Some("retry 1")),
            line("retry 1", Some("import")),
            line("import", None),
        ];
        let roots = filed(lines);
        let names = |lines: &[Line]| lines.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&roots), ["undo of old", "import"]);
        let expected = ["retry 1", "retry 2", "undo of retry 2", "retry 3"];
        assert_eq!(names(&roots[1].later), expected);
    }
}
