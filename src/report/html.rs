//! The HTML report of a run in a single file.

use std::path::{Path, PathBuf};

use askama::Template;
use jiff::Timestamp;

use super::classes::Classes;
use super::error::ReportError;
use super::faults::faults;
use super::plain::{fault_in_words, first_upper, held_in_words};
use super::plan::fields;
use super::plan_view::person_groups;
use super::row_end::final_state;
use super::text::{conflicts_in_words, pauses_in_words};
use super::timeline::{Ended, Timeline};
use super::whole_file::{Placing, WholeFile};
use crate::events::{PersonChange, Plan, Turn};
use crate::journal::{FailureKind, Journal};
use crate::l10n::{
    Language, Message, Messages, doubtful_values, duration, local_seconds, local_time, number,
    requests, rows as amount, say, times,
};
use crate::model::{
    Code, Exit, Held, Lines, Outcome, RowState, Standing, StateCounts, Summary, in_quotes, is_code,
    redacted, redacted_as, word_of,
};
use crate::targets::TargetSpec;

/// The maximum number of listed rows, which keeps the page small. The failed file contains all of them.
const LISTED: usize = 5_000;

/// The number of intervals in the chart of sent rows.
const SLOTS: i64 = 100;

/// The width and height of the chart.
const WIDTH: u64 = 1_000;
const HEIGHT: u64 = 100;

/// The content of a report.
#[derive(Debug)]
pub struct Reported<'a> {
    /// The summary of the run.
    pub summary: &'a Summary,
    /// The spreadsheet row number of each row.
    pub lines: &'a Lines,
    /// The times at which sent rows ended.
    pub timeline: &'a Timeline,
    /// The rows by class.
    pub classes: &'a Classes,
    /// The header of the roster.
    pub header: &'a [String],
    /// The reason why the run ended early, if it did and the reason is known.
    pub why: Option<String>,
    /// The account that released rows about protected persons, and the reason.
    pub release: Option<String>,
    /// Whether the run went to a sandbox that no longer exists.
    pub is_played: bool,
    /// Whether the run is an undo.
    pub is_undo: bool,
    /// The target, which names the columns that have the names of its fields.
    pub spec: &'a TargetSpec,
    /// The option that leads another command to the journal, such as ` --state DIR`.
    pub journal_flag: &'a str,
}

impl Reported<'_> {
    /// Returns a column as the reader calls it.
    fn label<'a>(&'a self, column: &'a str) -> &'a str {
        self.spec.column_label(column, Language::spoken().code())
    }

    /// Returns the time at which sending began, or the start of a run that sent nothing.
    fn began(&self) -> Timestamp {
        let sent = self.timeline.began();
        sent.unwrap_or(self.summary.started_at)
    }
}

#[derive(Template)]
#[template(path = "report.html", config = ".askama.toml")]
struct Page<'a> {
    /// The file, the system and the day.
    title: String,
    summary: &'a Summary,
    plain: Plain,
    bars: Vec<Bar>,
    kinds: Vec<Kind>,
    /// The sum of their rows.
    of_kinds: String,
    rows: Vec<Listed>,
    more: Option<String>,
    persons: Vec<(String, Vec<Turned>)>,
    more_persons: Option<String>,
    doubtful: String,
    conflicts: Option<String>,
    why: Option<String>,
    release: Option<String>,
    next: Option<Next>,
    slots: Vec<Stretch>,
    began: String,
    ended: String,
    files: Vec<(String, String)>,
    say: &'static Messages,
    lang: &'static str,
}

/// The part for a principal: no codes, paths or commands.
struct Plain {
    /// When it began, and whether it is a rehearsal.
    when: String,
    /// The counts, with what they are of.
    counts: Vec<(String, String)>,
    /// Why it ended early or was undone, if so.
    why: Option<String>,
    /// What to do next, if anything.
    next: Option<String>,
    /// The headings of the counts of a class, after the number of its rows.
    columns: Vec<String>,
    /// The classes with their counts, in the order of the page's columns; none if the roster has no classes.
    classes: Vec<(String, Vec<String>)>,
    of_classes: Vec<String>,
    /// The values that changed: what the roster calls them, and how often.
    changed: Vec<(String, String)>,
    /// The first rows that need attention: row number, class, column and fault.
    attention: Vec<(u64, String, String, String)>,
    /// How many more there are.
    more: Option<String>,
}

/// Rows that the part for a principal lists.
const ATTENTION: usize = 50;

/// A count, or nothing in place of zero.
fn some(count: u64) -> String {
    match count {
        0 => String::new(),
        count => number(count),
    }
}

impl Plain {
    fn of(reported: &Reported<'_>, rows: &[Listed], plan: Option<&Plan>) -> Plain {
        let Reported {
            summary, classes, ..
        } = reported;
        let states = &summary.states;
        let (planned, at) = (local_time(summary.started_at), local_time(reported.began()));
        let counts = [
            match reported.is_undo {
                true => (Standing::Changed, say().html_plain_restored()),
                false => (Standing::Changed, say().html_plain_updated()),
            },
            (Standing::Same, say().html_plain_unchanged()),
            (Standing::Faulty, say().html_plain_attention()),
            (Standing::Open, say().html_plain_not_sent()),
            (Standing::Left, say().html_plain_withheld()),
        ];
        let is_early = summary.exit_code == Exit::Interrupted || summary.stop.is_some();
        let why = match &summary.held_by {
            Some(held) => Some(held_in_words(held)),
            None if is_early => Some(say().html_plain_early()),
            None if reported.why.is_some() => Some(say().html_plain_undone()),
            None => None,
        };
        let next = match &summary.held_by {
            Some(_) => Some(say().html_plain_next_held()),
            None if is_early => Some(say().html_plain_next_early()),
            None if states.unsuccessful() > 0 => Some(say().html_plain_next_rows()),
            None => None,
        };
        // The changes were not counted if only some were sent.
        let is_whole = plan.is_some_and(|plan| plan.to_send == states.updated);
        let changed = plan.filter(|_| is_whole && states.updated > 0);
        let attention = rows.iter().filter(|row| !row.outcome.state.succeeded());
        let attention: Vec<_> = attention
            .take(ATTENTION)
            .map(|row| {
                let class = classes.of(row.outcome.row).to_owned();
                (row.line, class, row.label.clone(), row.plain.clone())
            })
            .collect();
        let more = states.unsuccessful().saturating_sub(attention.len() as u64);
        // Most rosters have no protected persons.
        let is_column = |standing| standing != Standing::Left || states.of(standing) > 0;
        let columns = counts.iter().filter(|(standing, _)| is_column(*standing));
        let cells = |of_class: &StateCounts| -> Vec<String> {
            let each = columns.clone().map(|(standing, _)| of_class.of(*standing));
            let each = each.map(some);
            std::iter::once(number(of_class.total()))
                .chain(each)
                .collect()
        };
        let of_class = |(class, counts): (&str, &StateCounts)| {
            let name = match class {
                "" => say().html_plain_no_class(),
                class => class.to_owned(),
            };
            (name, cells(counts))
        };
        let mut sums = StateCounts::default();
        for (_, counts) in classes.each() {
            for (state, count) in counts.each() {
                sums.add(state, count);
            }
        }
        let is_same = planned == at;
        let when = match (reported.is_played, reported.is_undo) {
            (true, _) => say().html_plain_rehearsal(at),
            (false, true) => say().html_plain_undo(at),
            (false, false) => say().html_plain_import(at),
        };
        Plain {
            when: match is_same {
                true => when,
                // The plan waited for an answer or an approval.
                false => say().html_plain_planned(when, planned),
            },
            counts: counts
                .iter()
                .map(|(standing, word)| (states.of(*standing), word))
                .filter(|(count, _)| *count > 0)
                .map(|(count, word)| (number(count), word.clone()))
                .collect(),
            why,
            next,
            columns: columns.clone().map(|(_, word)| word.clone()).collect(),
            classes: classes.each().map(of_class).collect(),
            of_classes: cells(&sums),
            changed: changed.map_or(Vec::new(), |plan| {
                let fields = fields(plan).into_iter();
                let named = |(name, count): (String, u64)| {
                    let label = reported.label(&name).to_owned();
                    (label, number(count))
                };
                fields.map(named).collect()
            }),
            attention,
            more: (more > 0).then(|| say().plan_more(number(more))),
        }
    }
}

/// A row that requires attention.
struct Listed {
    /// The spreadsheet row number.
    line: u64,
    outcome: Outcome,
    column: String,
    /// The columns with problems as the reader calls them.
    label: String,
    wrong: String,
    /// What is wrong, for people who do not administer computers.
    plain: String,
}

/// A row with a change of person, without personal data.
struct Turned {
    /// The spreadsheet row number.
    line: u64,
    /// Whether the row was matched by name and date of birth only.
    is_proposal: bool,
    state: RowState,
}

/// A segment of the bar that shows the rows by state.
struct Bar {
    state: RowState,
    count: u64,
    shown: String,
    /// The name of the state in the right plural form.
    word: String,
    /// The start and width of the segment, in thousandths.
    start: u64,
    width: u64,
}

/// A group of rows that failed in the same way.
struct Kind {
    state: RowState,
    code: String,
    count: String,
    advice: String,
}

struct Next {
    advice: String,
    command: String,
}

/// A drawn interval of the chart.
struct Stretch {
    told: String,
    start: u64,
    width: u64,
    parts: Vec<Part>,
}

struct Part {
    class: &'static str,
    top: u64,
    height: u64,
}

impl Page<'_> {
    /// Returns one line that describes the run.
    fn line(&self) -> String {
        let summary = self.summary;
        let line = self.say.html_line(
            amount(summary.rows),
            summary.target.as_str(),
            summary.base_url.as_str(),
            summary.run.as_str(),
            local_time(summary.started_at),
            duration(summary.duration_s),
        );
        let parts = std::iter::once(line).chain(pauses_in_words(summary));
        parts.collect::<Vec<_>>().join(" · ")
    }

    fn requests(&self) -> String {
        let summary = self.summary;
        self.say.html_requests(
            requests(summary.requests),
            number(summary.retries),
            times(summary.throttled),
        )
    }
}

/// Writes a self-contained HTML report of a run: style and script are inline, and the page makes no requests.
pub fn write_html(
    journal: &Journal,
    run: i64,
    reported: &Reported<'_>,
    path: &Path,
    placing: Placing,
) -> Result<PathBuf, ReportError> {
    let summary = reported.summary;
    let all = summary.states.unsuccessful();
    // Finding failures scans all rows, so it is skipped if there are none.
    let (rows, kinds) = match all + summary.warnings {
        0 => Default::default(),
        _ => (listed(journal, run, reported)?, journal.kinds(run)?),
    };
    let why = match &summary.held {
        Some(why) => Some(say().html_held(why.as_str())),
        None => reported.why.clone(),
    };
    let kinds = merged(kinds);
    let (plan, _) = journal.plan(run)?;
    let plan = plan.and_then(|json| serde_json::from_str::<Plan>(&json).ok());
    let plain = Plain::of(reported, &rows, plan.as_ref());
    let (persons, more_persons) = match plan {
        Some(plan) => (turned(journal, run, &plan.persons)?, plan.more_persons),
        None => Default::default(),
    };
    let page = Page {
        persons,
        more_persons: (more_persons > 0).then(|| say().plan_more(number(more_persons))),
        title: title(reported),
        summary,
        plain,
        bars: bars(summary, reported.is_undo),
        kinds: kinds.iter().map(|kind| advised(kind, &rows)).collect(),
        of_kinds: number(kinds.iter().map(|kind| kind.rows).sum()),
        more: Some(all.saturating_sub(rows.len() as u64))
            .filter(|more| *more > 0 && !kinds.is_empty())
            .map(|more| say().html_more(number(more))),
        rows,
        doubtful: doubtful_values(summary.warnings),
        conflicts: conflicts_in_words(summary),
        why,
        release: reported.release.clone(),
        next: next(reported, path),
        slots: stretches(reported),
        began: local_seconds(reported.began()),
        ended: local_seconds(summary.finished_at),
        files: files(summary),
        say: say(),
        lang: Language::spoken().code(),
    };
    let text = page.render().map_err(|error| ReportError::Template {
        path: path.to_owned(),
        why: error.to_string(),
    })?;
    let mut file = WholeFile::create_as(path, placing)?;
    file.put(text.as_bytes())?;
    file.finish()
}

/// Returns the rows with a change of person or number, under their headings. Only the plan and the console
/// show the persons.
fn turned(
    journal: &Journal,
    run: i64,
    persons: &[PersonChange],
) -> Result<Vec<(String, Vec<Turned>)>, ReportError> {
    let mut groups = Vec::new();
    for (heading, persons) in person_groups(persons) {
        let mut rows = Vec::new();
        for person in persons {
            let outcomes = journal.outcomes(run, person.row, person.row)?;
            let state = outcomes.first().map(|outcome| final_state(outcome.state));
            rows.push(Turned {
                line: person.line,
                is_proposal: person.turn == Turn::Proposal,
                state: state.unwrap_or(RowState::NotSent),
            });
        }
        groups.push((heading, rows));
    }
    Ok(groups)
}

/// Returns the rows that require attention without their cells. A report is forwarded to others; the results
/// file has the cells.
fn listed(
    journal: &Journal,
    run: i64,
    reported: &Reported<'_>,
) -> Result<Vec<Listed>, ReportError> {
    let mut rows = Vec::new();
    for mut outcome in journal.unsuccessful(run, LISTED)? {
        let body = journal.body(run, outcome.row)?;
        let system = first_upper(&reported.summary.target);
        // An ellipsis would look like a sentence that was cut.
        let hidden = say().html_plain_hidden();
        let plain = outcome.problems.iter().map(|problem| {
            let text = fault_in_words(problem, &system);
            redacted_as(&hidden, &text, &body)
        });
        let plain = plain.collect::<Vec<_>>().join("; ");
        for problem in &mut outcome.problems {
            let text = redacted(&problem.message.to_string(), &body);
            problem.message = Message::verbatim(text);
        }
        if outcome.http_status.is_some() && !is_code(&outcome.error_code) {
            outcome.error_code = "…".into();
        }
        let faults = faults(reported.header, &(0..0), &outcome.problems);
        let names = faults.iter().map(|(column, _)| &*reported.header[*column]);
        let names: Vec<&str> = names.collect();
        let labels: Vec<&str> = names.iter().map(|name| reported.label(name)).collect();
        let wrong = match &faults[..] {
            [(_, wrong)] => wrong.clone(),
            _ => outcome.error(),
        };
        rows.push(Listed {
            line: reported.lines.line_of(outcome.row),
            outcome,
            column: names.join(", "),
            label: labels.join(", "),
            wrong,
            plain,
        });
    }
    Ok(rows)
}

fn bars(summary: &Summary, is_undo: bool) -> Vec<Bar> {
    let total = summary.rows.max(1);
    let mut start = 0;
    let each = summary.states.each().into_iter();
    each.map(|(state, count)| {
        let width = count * WIDTH / total;
        let bar = Bar {
            state,
            count,
            shown: number(count),
            word: match count {
                0 => state.in_words(),
                _ => word_of(state, count, is_undo),
            },
            start,
            width,
        };
        start += width;
        bar
    })
    .collect()
}

/// The maximum number of listed groups, because an API may use a different code for each row.
const KINDS: usize = 100;

/// Groups failures by displayed code. Codes from the API that could contain a value are hidden.
fn merged(kinds: Vec<FailureKind>) -> Vec<FailureKind> {
    let mut merged: Vec<FailureKind> = Vec::new();
    for mut kind in kinds {
        let is_shown = kind.state == RowState::Invalid || kind.code.is_empty();
        if !is_shown && !is_code(&kind.code) {
            kind.code = "…".to_owned();
        }
        let same = |other: &FailureKind| other.state == kind.state && other.code == kind.code;
        match merged.iter().position(same) {
            Some(place) => merged[place].rows += kind.rows,
            None if merged.len() < KINDS => merged.push(kind),
            None => {}
        }
    }
    merged
}

/// Returns a group of failures with its remedy, based on the messages of its rows.
fn advised(kind: &FailureKind, rows: &[Listed]) -> Kind {
    let code = kind.code.clone();
    let said = said_of(
        rows.iter()
            .filter(|row| row.outcome.state == kind.state && row.outcome.error_code == code)
            .map(|row| (&*row.column, &*row.wrong)),
    );
    let said = said.as_str();
    Kind {
        state: kind.state,
        code,
        count: number(kind.rows),
        advice: match kind.state {
            RowState::Rejected if kind.code == Code::AnswerFieldRefused.as_str() => {
                say().remedy_answer_field_refused()
            }
            RowState::Rejected => say().html_advice_rejected(said),
            RowState::Failed => say().html_advice_failed(said),
            RowState::Updated => say().remedy_answer_not_applied(),
            RowState::Invalid
            | RowState::Unchanged
            | RowState::NotSent
            | RowState::Withheld
            | RowState::Unknown => said.to_owned(),
        },
    }
}

/// Joins the first message of each column, because the limits behind one code differ between columns.
fn said_of<'a>(rows: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    const MOST: usize = 3;
    let mut said: Vec<(&str, &str)> = Vec::new();
    let mut is_more = false;
    for (column, wrong) in rows {
        if said
            .iter()
            .any(|(other, told)| *other == column || *told == wrong)
        {
            continue;
        }
        is_more = said.len() == MOST;
        if is_more {
            break;
        }
        said.push((column, wrong));
    }
    let texts: Vec<&str> = said.iter().map(|(_, wrong)| *wrong).collect();
    texts.join("; ") + if is_more { "; …" } else { "" }
}

/// Returns the recommended next step, if any.
fn next(reported: &Reported<'_>, report: &Path) -> Option<Next> {
    let Reported {
        summary,
        is_played,
        journal_flag,
        ..
    } = reported;
    let ended_early = summary.exit_code == Exit::Interrupted || reported.why.is_some();
    if *is_played && (summary.held.is_some() || ended_early) {
        // The sandbox no longer exists, so the run cannot be approved or resumed.
        return None;
    }
    let of_run = |command: &str| format!("rosterpatch {command} {}{journal_flag}", summary.run);
    let next = |advice, command| Some(Next { advice, command });
    let approve = of_run("approve");
    if let Some(rows) = summary.held_by.as_ref().and_then(Held::rows_to_approve) {
        return next(
            say().html_next_persons(),
            format!("{approve} --rows {rows}"),
        );
    }
    if let Some(Held::Conflicts { .. }) = &summary.held_by {
        let command = format!("{approve} --conflicts theirs");
        return next(say().html_next_conflicts(), command);
    }
    if summary.held.is_some() {
        return next(say().html_next_held(), approve);
    }
    if ended_early {
        return next(say().html_next_resume(), of_run("resume"));
    }
    let failed = summary.failed_rows.as_ref()?;
    if summary.states.unsuccessful() == 0 {
        return None;
    }
    let sandbox = if *is_played { " --sandbox" } else { "" };
    // The folder of an upload means nothing to the reader, and a long path does not fit on paper.
    let (file, advice) = match failed.file_name() {
        Some(name) if failed.parent() == report.parent() => {
            (Path::new(name), say().html_next_retry_here())
        }
        _ => (failed.as_path(), say().html_next_retry()),
    };
    let file = in_quotes(&file.display().to_string());
    next(
        advice,
        format!("rosterpatch retry {file}{sandbox}{journal_flag}"),
    )
}

/// Returns the name of the file, the system and the day.
fn title(reported: &Reported<'_>) -> String {
    let Summary { file, target, .. } = reported.summary;
    let name = Path::new(file).file_name();
    let name = name.map_or(file.into(), |name| name.to_string_lossy());
    let at = local_time(reported.began());
    let day = at.split(' ').next().unwrap_or_default();
    format!("{name} – {} – {day}", first_upper(target))
}

/// Returns when rows were sent, in intervals of equal length.
fn stretches(reported: &Reported<'_>) -> Vec<Stretch> {
    let timeline = reported.timeline;
    let (began, ended) = (reported.began(), reported.summary.finished_at);
    let span = ended.as_microsecond() - began.as_microsecond();
    let length = (span / SLOTS + 1).max(1);
    let slots = timeline.since(began, length);
    let most = slots.values().map(Ended::total).max().unwrap_or(0).max(1);
    let stretch = |(slot, ended): (&u64, &Ended)| {
        let number_of = (*slot).min(SLOTS as u64 - 1);
        let after = i64::try_from(number_of).unwrap_or(0) * length;
        let at = jiff::Timestamp::from_microsecond(began.as_microsecond() + after);
        let mut top = HEIGHT;
        let parts = [
            ("updated", ended.at_once),
            ("invalid", ended.again),
            ("rejected", ended.without_success),
        ];
        let drawn = parts.into_iter().filter(|(_, rows)| *rows > 0);
        Stretch {
            told: say().html_slot(
                local_seconds(at.unwrap_or(began)),
                amount(ended.total()),
                number(ended.again),
                number(ended.without_success),
            ),
            start: number_of * WIDTH / SLOTS as u64,
            width: WIDTH / SLOTS as u64 - 1,
            parts: drawn
                .map(|(class, rows)| {
                    let height = (rows * HEIGHT / most).max(1);
                    top = top.saturating_sub(height);
                    Part { class, top, height }
                })
                .collect(),
        }
    };
    slots.iter().map(stretch).collect()
}

/// Returns the names of the files beside the report, with their labels.
fn files(summary: &Summary) -> Vec<(String, String)> {
    let files = [
        (say().summary_results(), &summary.results),
        (say().summary_failed(), &summary.failed_rows),
        (say().summary_before(), &summary.before),
        (say().summary_new(), &summary.new_rows),
    ];
    files
        .into_iter()
        .filter_map(|(name, path)| Some((name, path.as_ref()?.display().to_string())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_a_color() {
        let page = include_str!("report.html");
        for state in RowState::ALL {
            let is_colored = [" {", ","]
                .iter()
                .any(|end| page.contains(&format!(".{state}{end}")));
            assert!(is_colored, "{state}");
        }
    }

    #[test]
    fn the_remedy_of_a_code_covers_each_column() {
        let rows = [
            ("Bio", "no more than 500"),
            ("Bio", "no more than 500"),
            ("City", "no more than 20"),
            ("Town", "no more than 20"),
        ];
        assert_eq!(
            said_of(rows.into_iter()),
            "no more than 500; no more than 20"
        );
        let many = [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")];
        assert_eq!(said_of(many.into_iter()), "1; 2; 3; …");
        assert_eq!(said_of(many[..3].iter().copied()), "1; 2; 3");
        assert_eq!(said_of(std::iter::empty()), "");
    }
}
