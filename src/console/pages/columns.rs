//! The columns page, which maps columns to fields.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use crate::app::pattern_of;
use crate::console::desk::Desk;
use crate::console::opened::Opened;
use crate::console::page::{Frame, Made, Trouble, go_to, html, page};
use crate::console::questions::{Question, Why, decided_of, questions};
use crate::console::words::system_name;
use crate::l10n::{Language, local_time, message, number, say};
use crate::map::{PROTECTED, class_column, column_names, field_named, guesses};
use crate::read::fold_header;
use crate::targets::{Kind, TargetSpec};

#[derive(Template)]
#[template(path = "columns.html", config = ".askama.toml")]
struct Page {
    frame: Frame,
    /// The reason why the columns are not understood.
    wrong: Option<String>,
    /// The number of open questions as text, if there are any.
    asked: Option<String>,
    /// Whether a question can be answered as for an earlier file.
    can_repeat: bool,
    columns: Vec<Column>,
    edition: String,
    target: String,
    /// The pattern of file names for which the columns can be stored, unless a profile has them.
    pattern: Option<String>,
}

struct Column {
    index: usize,
    header: String,
    samples: Vec<String>,
    /// The selectable fields: the value, the name, and whether it is selected.
    fields: Vec<(String, String, bool)>,
    is_left_out: bool,
    /// The use of a column that is not sent.
    hint: Option<String>,
    /// A column that marks protected persons cannot be left out.
    is_protected: bool,
    /// The question about the column, and the answers with their values.
    question: Option<(String, Vec<(String, String)>)>,
}

impl Column {
    fn question(&self) -> Option<&str> {
        self.question.as_ref().map(|(question, _)| &**question)
    }

    fn answers(&self) -> &[(String, String)] {
        self.question.as_ref().map_or(&[], |(_, answers)| answers)
    }
}

/// The form value of a column that is left out.
const LEFT_OUT: &str = "-";

/// The number of cells shown per column.
const SAMPLES: usize = 3;

pub(in crate::console) async fn show(State(desk): State<Arc<Desk>>) -> Response {
    page(desk, |desk| made(desk, None)).await
}

fn made(desk: &Desk, wrong: Option<String>) -> Made {
    let frame = Frame::of(desk, "columns", say().console_columns_title());
    let opened = desk.opened();
    let opened = opened.as_ref().ok_or(Trouble::Nothing)?;
    let Ok(look) = &opened.look else {
        return go_to("/file");
    };
    if !opened.which_sheet().is_empty() {
        return go_to("/file");
    }
    let spec = &opened.spec;
    let system = system_name(spec);
    let guesses = guesses(&look.header, spec);
    let questions = questions(opened);
    let names = column_names(&look.header);
    let question_of = |index: usize| questions.iter().find(|one| one.column == index);
    // A column without a header is shown if it is or may be a field.
    let is_shown = |index: usize| {
        !look.header[index].trim().is_empty()
            || question_of(index).is_some()
            || decided_of(opened, &names[index]).is_some()
    };
    let columns: Vec<Column> = names
        .iter()
        .zip(&guesses)
        .enumerate()
        .filter(|(index, _)| is_shown(*index))
        .map(|(index, (header, guess))| {
            let decided = decided_of(opened, header);
            let chosen = match decided {
                Some(field) => field_named(spec, field).ok(),
                None => guess.field,
            };
            let is_protected = guess.is_protected || decided == Some(PROTECTED) && chosen.is_none();
            let samples = look.rows.iter().filter_map(|row| row.get(index));
            let samples = samples.filter(|cell| !cell.trim().is_empty());
            let question = question_of(index);
            let is_left_out = chosen.is_none() && !is_protected && question.is_none();
            let is_class = class_column(&look.header) == Some(index);
            Column {
                index,
                header: header.clone(),
                samples: samples.take(SAMPLES).cloned().collect(),
                fields: fields(spec, chosen.filter(|_| question.is_none())),
                is_left_out,
                hint: (is_left_out && is_class).then(|| say().console_class_here(system.as_str())),
                is_protected,
                question: question.map(|question| asked(question, guess.field, spec)),
            }
        })
        .collect();
    let has_profile = desk.door.profile_of(&opened.name).is_some();
    Ok(html(&Page {
        frame,
        wrong: wrong.or(opened
            .checked
            .as_ref()
            .err()
            .map(|why| opened.in_words(why))),
        asked: (!questions.is_empty()).then(|| {
            let count = questions.len() as u64;
            say().console_columns_asked(count, number(count))
        }),
        can_repeat: questions
            .iter()
            .any(|one| matches!(one.why, Why::Earlier(..))),
        columns,
        edition: opened.edition.clone(),
        target: system,
        pattern: (!has_profile).then(|| pattern_of(&opened.name)),
    }))
}

/// Returns a question as text, and the answers with their values.
fn asked(
    question: &Question,
    usual: Option<usize>,
    spec: &TargetSpec,
) -> (String, Vec<(String, String)>) {
    let name = |field: usize| name_of(spec, field);
    let text = match &question.why {
        Why::Header(fields) => {
            let names = fields.iter().map(|field| name(*field));
            let either = names.reduce(|one, other| say().console_either(one, other));
            say().console_near(either.unwrap_or_default())
        }
        Why::Cells(field) => {
            let held = match spec.fields[*field].kind {
                Kind::Email => say().console_holds_email(),
                Kind::IdentityNumber => say().console_holds_identity(),
                Kind::Phone => say().console_holds_phone(),
                Kind::PostalCode => say().console_holds_postal(),
                Kind::Date => say().console_holds_date(),
                Kind::MunicipalityCode => say().console_holds_municipality(),
                Kind::Uuid
                | Kind::Text
                | Kind::Choice
                | Kind::Boolean
                | Kind::Country
                | Kind::Eppn
                | Kind::Integer
                | Kind::List => say().console_holds_id(),
            };
            say().console_send_as(held, name(*field))
        }
        Why::Earlier(earlier, field, _) => {
            let (file, at) = (earlier.file.as_str(), local_time(earlier.at));
            match field {
                Some(field) => say().console_earlier_sent(at, name(*field), file),
                None => say().console_earlier_left(at, file),
            }
        }
    };
    let mut fields: Vec<usize> = question.why.fields().into_iter().chain(usual).collect();
    fields.dedup();
    let answer = |field: usize| {
        let value = spec.fields[field].name().to_owned();
        (value, say().console_answer_send(name(field)))
    };
    let mut answers: Vec<(String, String)> = fields.into_iter().map(answer).collect();
    let leave = (LEFT_OUT.to_owned(), say().console_answer_leave());
    // The earlier decision is the first answer.
    match question.why {
        Why::Earlier(_, None, _) => answers.insert(0, leave),
        _ => answers.push(leave),
    }
    (text, answers)
}

/// Returns the fields that a column can belong to.
fn fields(spec: &TargetSpec, chosen: Option<usize>) -> Vec<(String, String, bool)> {
    let fields = spec.fields.iter().enumerate();
    let writable = fields.filter(|(_, field)| !field.read_only && field.constant.is_none());
    writable
        .map(|(index, field)| {
            let name = field.name().to_owned();
            (name, name_of(spec, index), chosen == Some(index))
        })
        .collect()
}

/// Returns the name of a field for the reader: its first alias in the current language.
pub(super) fn name_of(spec: &TargetSpec, field: usize) -> String {
    spec.fields[field]
        .label(Language::spoken().code())
        .to_owned()
}

#[derive(Deserialize, Default)]
pub(in crate::console) struct Choosing {
    /// Whether the page is shown again, with this answer.
    #[serde(default)]
    stays: bool,
}

/// Takes the fields of the columns. Each answer to a question is stored, even if others are open.
pub(in crate::console) async fn choose(
    State(desk): State<Arc<Desk>>,
    Query(asked_by): Query<Choosing>,
    Form(said): Form<HashMap<String, String>>,
) -> Response {
    page(desk, move |desk| {
        let repeats = said.contains_key("repeat");
        let stays = asked_by.stays || repeats;
        let wrong = {
            let mut opened = desk.opened();
            let opened = opened.as_mut().ok_or(Trouble::Nothing)?;
            opened.refuse_other(&said)?;
            let Ok(look) = &opened.look else {
                return go_to("/file");
            };
            let guesses = guesses(&look.header, &opened.spec);
            let questions = questions(opened);
            let question_of = |index: usize| questions.iter().find(|one| one.column == index);
            let earlier = |index: usize| match question_of(index).map(|one| &one.why) {
                Some(Why::Earlier(earlier, ..)) if repeats => Some(earlier.field.as_str()),
                _ => None,
            };
            let (mut overrides, mut usual, mut open) = (Vec::new(), Vec::new(), Vec::new());
            for (index, (header, guess)) in column_names(&look.header)
                .into_iter()
                .zip(&guesses)
                .enumerate()
            {
                let chosen = said.get(&format!("c{index}")).map(String::as_str);
                let is_asked = question_of(index).is_some();
                let chosen = match chosen {
                    Some(LEFT_OUT) => "",
                    None | Some("") if is_asked => match earlier(index) {
                        Some(field) => field,
                        None => {
                            open.push(header);
                            continue;
                        }
                    },
                    Some(field) => field,
                    None => continue,
                };
                let own = match guess.is_protected {
                    true => Some(PROTECTED),
                    false => guess.field.map(|field| opened.spec.fields[field].name()),
                };
                // An answer to a question counts as a decision, and so does the field of a header that is not
                // its exact name: a decision about another column would replace it otherwise.
                let is_decided =
                    is_asked || guess.is_other_form || decided_of(opened, &header) == Some(chosen);
                if is_decided || own.unwrap_or_default() != chosen {
                    overrides.push((header, chosen.to_owned()));
                } else {
                    usual.push(header);
                }
            }
            opened.roster.map.overrides = overrides.clone();
            opened.read()?;
            if opened.checked.is_ok() {
                remember(opened, &overrides, &usual)?;
            }
            if open.is_empty() && opened.checked.is_ok() && !stays {
                if said.contains_key("keep") {
                    keep(desk, opened, &said, (&overrides, &usual))?;
                }
                return go_to("/problems");
            }
            (!open.is_empty() && !stays).then(|| say().console_columns_open(open.join(", ")))
        };
        made(desk, wrong)
    })
    .await
}

/// Stores the decisions about columns, by header.
fn remember(
    opened: &mut Opened,
    overrides: &[(String, String)],
    usual: &[String],
) -> Result<(), Trouble> {
    // The letter of a column without a header is meaningless in another file.
    let has_header = |name: &str| match &opened.look {
        Ok(look) => look
            .header
            .iter()
            .any(|own| fold_header(own) == fold_header(name)),
        Err(_) => false,
    };
    let decided = overrides
        .iter()
        .map(|(name, field)| (&**name, Some(&**field)));
    let decided = decided.chain(usual.iter().map(|name| (&**name, None)));
    let decided = decided.filter(|(name, _)| has_header(name));
    opened
        .memory
        .store(&opened.name, jiff::Timestamp::now(), decided)?;
    Ok(())
}

/// Stores the columns in the config file.
fn keep(
    desk: &Desk,
    opened: &mut Opened,
    said: &HashMap<String, String>,
    (overrides, usual): (&[(String, String)], &[String]),
) -> Result<(), Trouble> {
    let (name, target) = (opened.name.as_str(), opened.target.as_deref());
    let pattern = said.get("pattern").map(|pattern| pattern.trim());
    let pattern = pattern.filter(|pattern| !pattern.is_empty());
    let pattern = pattern.map_or_else(|| pattern_of(name), str::to_owned);
    let profile = desk.door.profile_of(name);
    let path = desk
        .door
        .keep_columns((name, &pattern), target, overrides, usual)?;
    let path = super::name_of(&path);
    opened.notice = Some(match profile {
        Some(profile) => message::console_kept_in(profile, path),
        None => message::console_kept(pattern, path),
    });
    Ok(())
}
