//! Explanations of problem codes in the current language.

use super::results::NOT_FOUND;
use crate::check::findings;
use crate::l10n::{Messages, say};
use crate::model::{Code, LEFT_OUT, OVERWRITTEN, PROTECTED, PROTECTED_RECORD, Refusal};
use crate::targets::Kind;

type Phrase = fn(&Messages) -> String;

/// Declares codes, each with its meaning and its remedy.
macro_rules! explained {
    ($($code:tt $what:ident $remedy:ident;)*) => {
        &[$(($code, Messages::$what, Messages::$remedy)),*]
    };
}

/// Codes of rows that do not come from cell checks, each with its meaning and remedy.
const OF_ROWS: &[(&str, Phrase, Phrase)] = explained! {
    NOT_FOUND what_lookup_not_found remedy_lookup_not_found;
    "lookup.several" what_lookup_several remedy_lookup_several;
    "identity.changed" what_identity_changed remedy_identity_changed;
    "renumber.disagrees" what_renumber_disagrees remedy_renumber_disagrees;
    "renumber.unapproved" what_renumber_unapproved remedy_renumber_unapproved;
    "lookup.conflicting_keys" what_lookup_conflicting_keys remedy_lookup_conflicting_keys;
    "lookup.several_elements" what_lookup_several_elements remedy_lookup_several_elements;
    "lookup.no_list" what_lookup_no_list remedy_lookup_no_list;
    "lookup.incomplete" what_lookup_incomplete remedy_lookup_incomplete;
    "lookup.other_record" what_lookup_other_record remedy_lookup_other_record;
    "lookup.other_key" what_lookup_other_key remedy_lookup_other_key;
    "lookup.refused" what_lookup_refused remedy_lookup_refused;
    "lookup.unwritable" what_lookup_unwritable remedy_lookup_unwritable;
    "lookup.taken" what_lookup_taken remedy_lookup_taken;
    OVERWRITTEN what_conflict_overwritten remedy_conflict_overwritten;
    "conflict.kept" what_conflict_kept remedy_conflict_kept;
    "conflict.found" what_conflict_found remedy_conflict_found;
    "field.protected" what_field_protected remedy_field_protected;
    "field.bound" what_field_bound remedy_field_bound;
    "field.filled" what_field_filled remedy_field_filled;
    "undo.cannot_be_cleared" what_undo_cannot_be_cleared remedy_undo_cannot_be_cleared;
    "undo.last_delivered" what_undo_last_delivered remedy_undo_last_delivered;
    "undo.unknown" what_undo_unknown remedy_undo_unknown;
    "undo.changed_since" what_undo_changed_since remedy_undo_changed_since;
    "answer.not_applied" what_answer_not_applied remedy_answer_not_applied;
    "answer.field_refused" what_answer_field_refused remedy_answer_field_refused;
    "network.unknown" what_network_unknown remedy_network_unknown;
    "run.held" what_run_held remedy_run_held;
    "run.declined" what_run_declined remedy_run_declined;
    LEFT_OUT what_row_left_out remedy_row_left_out;
    PROTECTED what_row_protected remedy_row_protected;
    PROTECTED_RECORD what_record_protected remedy_record_protected;
};

/// Codes of rows that describe the response of the API.
const OF_ANSWERS: [Code; 7] = [
    Code::AnswerHtml,
    Code::AnswerEmpty,
    Code::AnswerNoJson,
    Code::AnswerNoRecord,
    Code::AnswerContent,
    Code::RecordChanged,
    Code::RecordVersion,
];

/// The meaning of a code and its remedy, in the current language.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The code.
    pub code: String,
    /// The severity for the row, or `None` for codes that do not come from the check of a cell.
    pub severity: Option<String>,
    /// The meaning.
    pub what: String,
    /// An example cell, or an empty string if no cell has the problem.
    pub example: &'static str,
    /// The remedy.
    pub remedy: String,
    /// Whether the code is one of rows, as opposed to runs and files.
    pub is_of_row: bool,
}

/// Returns every code, those of rows before those of runs and files. A code with two meanings is listed
/// twice.
pub fn explanations() -> Vec<Explanation> {
    let plain = |code: &str, what: String, remedy: String| Explanation {
        code: code.to_owned(),
        severity: None,
        what,
        example: "",
        remedy,
        is_of_row: true,
    };
    let mut findings: Vec<_> = findings().collect();
    findings.sort_by_key(|finding| finding.code);
    let findings = findings.into_iter().map(|finding| Explanation {
        severity: Some(finding.severity.in_words()),
        example: finding.example,
        ..plain(finding.code, (finding.what)(say()), (finding.remedy)(say()))
    });
    let duplicates = Kind::ALL.iter().map(|kind| {
        let code = format!("{}.duplicate", kind.as_str());
        plain(&code, say().what_duplicate(), say().remedy_duplicate())
    });
    let of_rows = OF_ROWS
        .iter()
        .map(|(code, what, remedy)| plain(code, what(say()), remedy(say())));
    let status = plain("http.STATUS", say().what_http(), say().remedy_http());
    let refusals = Refusal::CODES.iter().map(|(code, what)| Explanation {
        is_of_row: false,
        ..plain(code, what(say()), say().remedy_refusal())
    });
    let codes = Code::ALL.iter().filter(|code| !is_known_row(code));
    let codes = codes.map(|code| Explanation {
        is_of_row: OF_ANSWERS.contains(code),
        ..plain(code.as_str(), code.sentence(), say().remedy_code())
    });
    findings
        .chain(duplicates)
        .chain(of_rows)
        .chain([status])
        .chain(refusals)
        .chain(codes)
        .collect()
}

fn is_status(code: &str) -> bool {
    code.strip_prefix("http.")
        .is_some_and(|status| status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Explains a code with an example and a remedy in the current language, or returns `None` for an unknown
/// code.
pub fn explain(code: &str) -> Option<String> {
    let listed = if is_status(code) { "http.STATUS" } else { code };
    let mut meanings = explanations();
    meanings.retain(|meaning| meaning.code == listed);
    if meanings.is_empty() {
        return None;
    }
    let mut lines = vec![code.to_owned(), String::new()];
    for meaning in meanings {
        let remedy = say().explain_remedy(meaning.remedy);
        let Some(severity) = meaning.severity else {
            lines.extend([meaning.what, remedy]);
            continue;
        };
        lines.push(format!("{severity}: {}", meaning.what));
        if !meaning.example.is_empty() {
            lines.push(format!("  {}", say().explain_example(meaning.example)));
        }
        lines.push(format!("  {remedy}"));
    }
    lines.push(String::new());
    Some(lines.join("\n"))
}

/// Returns every code with its meaning, those of rows before those of runs and files.
pub fn explain_all() -> String {
    let mut lines: Vec<String> = explanations()
        .into_iter()
        .map(
            |Explanation {
                 code,
                 severity,
                 what,
                 ..
             }| {
                let severity = severity.map_or(String::new(), |severity| format!("{severity}: "));
                format!("{code:<32} {severity}{what}")
            },
        )
        .collect();
    lines.push(String::new());
    lines.join("\n")
}

/// Returns whether a code is listed among those of rows.
fn is_known_row(code: &Code) -> bool {
    OF_ROWS.iter().any(|(known, ..)| *known == code.as_str())
}

/// Returns the known code that is most similar to a text, if any.
pub fn nearest_code(text: &str) -> Option<String> {
    let findings = findings().map(|finding| finding.code);
    let rows = OF_ROWS.iter().map(|(code, ..)| *code);
    let refusals = Refusal::CODES.iter().map(|(code, _)| *code);
    let all = findings
        .chain(rows)
        .chain(refusals)
        .chain(Code::ALL.iter().map(|code| code.as_str()));
    let wanted = text.to_lowercase().replace('-', "_");
    let ending = format!(".{wanted}");
    let distance = |code: &str| match code.ends_with(&ending) {
        true => 0,
        false => strsim::damerau_levenshtein(code, &wanted),
    };
    let nearest = all.min_by_key(|code| distance(code))?;
    (distance(nearest) <= 4).then(|| nearest.to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_code_in_the_source_is_explained() {
        let mut files = Vec::new();
        all_files(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut files,
        );
        let code = regex::Regex::new(r#""([a-z_]+\.[a-z_]+)""#).unwrap();
        // Names of files, and of members in files of other programs.
        let is_other = |text: &str| {
            let ending = text.rsplit('.').next().unwrap_or_default();
            let endings = [
                "csv", "rs", "xml", "html", "txt", "toml", "se", "lock", "example", "json", "ftl",
                "js", "css", "prom",
            ];
            endings.contains(&ending) || ELSEWHERE.contains(&text)
        };
        let mut unknown = BTreeSet::new();
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            let found = code.captures_iter(text).map(|found| found[1].to_owned());
            unknown.extend(found.filter(|code| !is_other(code) && explain(code).is_none()));
        }
        assert!(unknown.is_empty(), "{unknown:#?}");
    }

    /// Strings in the source that have the form of a code but are not codes.
    const ELSEWHERE: [&str; 8] = [
        "known.list",
        "lookup.changes",
        "notify.url",
        "quota.headers",
        "retention.results",
        "retention.rosters",
        "retention.values",
        "system.posix_acl_access",
    ];

    fn all_files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                // Simulated APIs respond with their own codes.
                if !path.ends_with("sandbox") {
                    all_files(&path, found);
                }
            } else if path.extension().is_some_and(|ending| ending == "rs")
                && !path.ends_with("tests.rs")
            {
                found.push(path);
            }
        }
    }

    #[test]
    fn a_code_is_explained_with_each_of_its_meanings() {
        let text = explain("text.no_value").unwrap();
        for part in ["doubtful: ", "invalid: ", "Example: NULL", "What to do: "] {
            assert!(text.contains(part), "{part} not in {text}");
        }
        for code in [
            "http.409",
            "phone.duplicate",
            "lookup.not_found",
            "run.held",
            "refusal.owner",
            "map.missing",
        ] {
            assert!(explain(code).is_some(), "{code}");
        }
        for code in ["http.x", "shoe.duplicate", "text", ""] {
            assert_eq!(explain(code), None, "{code}");
        }
        assert_eq!(nearest_code("no_value").as_deref(), Some("text.no_value"));
        assert_eq!(
            nearest_code("phone.lenght").as_deref(),
            Some("phone.length")
        );
        // Every code of a check is listed.
        for finding in findings() {
            assert!(explain_all().contains(finding.code), "{}", finding.code);
        }
    }
}
