//! Unit tests of `report::results`.

use super::super::tests::{Held, journal_of, outcome, rows_of};
use super::*;
use crate::model::{Found, Problem, RowFacts};
use crate::read::ReadOptions;

type Rows = Vec<Vec<String>>;

/// A roster and the paths of its results.
struct Roster {
    folder: tempfile::TempDir,
    input: Input,
    paths: ResultPaths,
}

impl Roster {
    fn of(text: &[u8]) -> Roster {
        Roster::in_encoding(text, None)
    }

    fn in_encoding(text: &[u8], encoding: Option<&str>) -> Roster {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.csv");
        std::fs::write(&path, text).unwrap();
        let options = ReadOptions {
            encoding: encoding.map(str::to_owned),
            delimiter: Some(b','),
            header_row: Some(1),
            ..ReadOptions::default()
        };
        Roster {
            input: Input::open(&path, &options).unwrap(),
            paths: ResultPaths::beside(&path),
            folder,
        }
    }

    fn write(&self, rows: Vec<Held>) -> Written {
        self.write_as(rows, None, (&[], ""))
    }

    fn write_as(
        &self,
        rows: Vec<Held>,
        unsent: Option<Unsent<'_>>,
        restored: (&[u64], &str),
    ) -> Written {
        let (journal, run) = journal_of(rows);
        let of = ResultsOf {
            journal: &journal,
            run,
            unsent,
            recorded: None,
            restored,
        };
        write_results(&self.input, of, &self.paths)
            .unwrap()
            .place()
            .unwrap()
    }

    /// Returns the rows of the results file without its header.
    fn results(&self, rows: Vec<Held>) -> Rows {
        rows_of(&self.write(rows).results, b',').split_off(1)
    }
}

/// A row that ended in this state, without details.
fn ended(row: u64, state: RowState) -> Held {
    failed(row, state, "", "", Some(200))
}

fn failed(row: u64, state: RowState, code: &str, error: &str, status: Option<u16>) -> Held {
    Held {
        row,
        outcome: Some(Outcome {
            error_code: code.into(),
            problems: Problem::in_these_words(error),
            http_status: status,
            ..outcome(row, state)
        }),
        ..Held::default()
    }
}

fn first_cells(path: Option<&std::path::PathBuf>) -> Vec<String> {
    let rows = rows_of(path.unwrap(), b',');
    rows.into_iter().skip(1).map(|row| row[0].clone()).collect()
}

#[test]
fn each_row_has_its_outcome_and_is_written_to_the_right_files() {
    let roster = Roster::of(b"name\nA\nB\nC\nD\nE\nF\nG\nH\nI\n");
    let written = roster.write(vec![
        ended(1, RowState::Updated),
        ended(2, RowState::Unchanged),
        failed(3, RowState::Invalid, "name.empty", "no name", None),
        failed(4, RowState::Rejected, "http.422", "refused", Some(422)),
        failed(5, RowState::Rejected, "gone", "no such record", Some(404)),
        failed(6, RowState::Failed, NOT_FOUND, "not found", None),
        failed(7, RowState::NotSent, LEFT_OUT, "left out", None),
        ended(8, RowState::Unknown),
        // The ninth row has no outcome.
    ]);
    let states = written.states;
    assert_eq!(
        (states.updated, states.unchanged, states.invalid),
        (1, 1, 1)
    );
    assert_eq!((states.rejected, states.failed, states.not_sent), (2, 2, 2));
    assert_eq!(written.lines.line_of(9), 10);

    let rows = rows_of(&written.results, b',');
    let header: Vec<&str> = std::iter::once("name")
        .chain(RESULT_COLUMNS.iter().copied())
        .collect();
    assert_eq!(rows[0], header);
    let line = header
        .iter()
        .position(|name| *name == "import_line")
        .unwrap();
    let of = |row: usize| rows[row][..=line].join("|");
    assert_eq!(
        of(1),
        "A|1|updated|200||||1|id-1|1970-01-01T00:00:01.000Z|2"
    );
    assert_eq!(
        of(3),
        "C|3|invalid||name.empty|no name||1|id-3|1970-01-01T00:00:03.000Z|4"
    );
    assert_eq!(
        of(5),
        "E|5|rejected|404|gone|no such record||1|id-5|1970-01-01T00:00:05.000Z|6"
    );
    let unseen = say().answer_unseen();
    // It is unknown whether the request arrived, so the row counts as failed.
    assert_eq!(
        of(8)[..],
        format!("H|8|failed|200|network.unknown|{unseen}||1|id-8|1970-01-01T00:00:08.000Z|9")
    );
    assert_eq!(of(9), "I|9|not_sent||||||||10");

    // Rows outside the selection are not in the failed file.
    let failed = first_cells(written.failed.as_ref());
    assert_eq!(failed, ["C", "D", "E", "F", "H", "I"]);
    let new = rows_of(written.new.as_ref().unwrap(), b',');
    assert_eq!(new, [["name"], ["E"], ["F"]]);
}

#[test]
fn only_a_404_response_to_an_update_means_a_missing_record() {
    let roster = Roster::of(b"name\nA\nB\nC\n");
    let written = roster.write(vec![
        failed(1, RowState::Failed, "http.404", "wrong address", Some(404)),
        failed(2, RowState::Rejected, "http.409", "conflict", Some(409)),
        failed(3, RowState::Rejected, "http.400", "bad", None),
    ]);
    assert_eq!(written.new, None);
    assert_eq!(first_cells(written.failed.as_ref()), ["A", "B", "C"]);
}

#[test]
fn rows_of_a_held_run_without_an_outcome_show_the_reason() {
    let roster = Roster::of(b"name\nA\nB\n");
    let rows = || vec![failed(1, RowState::Invalid, "name.empty", "no name", None)];
    let why = say().run_was_declined();
    for (unsent, code, why) in [
        (Unsent::Held("too many"), "run.held", "too many"),
        (Unsent::Declined, "run.declined", &*why),
    ] {
        let written = roster.write_as(rows(), Some(unsent), (&[], ""));
        let rows = rows_of(&written.results, b',');
        assert_eq!(rows[1][4..6], ["name.empty", "no name"]);
        let why = say().row_not_sent_because(why);
        assert_eq!(rows[2][2..6], ["not_sent", "", code, &*why]);
    }
}

#[test]
fn a_row_shows_the_matched_record_and_the_field_that_found_it() {
    let roster = Roster::of(b"name,import_matched_by,import_record_id,age\nA,x,y,1\nB,x,y,2\n");
    let matched = Held {
        facts: RowFacts {
            found: Some(Found {
                id: "=7".into(),
                by: "name".into(),
            }),
            ..RowFacts::default()
        },
        ..ended(1, RowState::Unchanged)
    };
    let written = roster.write(vec![matched, ended(2, RowState::Invalid)]);
    let rows = rows_of(&written.results, b',');
    // Result columns of an earlier results file are replaced.
    let header: Vec<&str> = ["name", "age"]
        .into_iter()
        .chain(RESULT_COLUMNS.iter().copied())
        .collect();
    assert_eq!(rows[0], header);
    assert_eq!(rows[1][13..15], ["'=7", "name"]);
    assert_eq!(rows[2][13..15], ["", ""]);
}

#[test]
fn a_row_shows_its_warning_and_that_it_was_restored() {
    let roster = Roster::of(b"name\nA\nB\nC\nD\n");
    let warned = |row, warning| Held {
        warning,
        ..ended(row, RowState::Updated)
    };
    let rows = vec![
        warned(1, "odd"),
        warned(2, "odd"),
        warned(3, ""),
        warned(4, "=odd"),
    ];
    let written = roster.write_as(rows, None, (&[2, 3], "put back"));
    let rows = rows_of(&written.results, b',');
    let told: Vec<&str> = rows[1..].iter().map(|row| &*row[11]).collect();
    assert_eq!(told, ["odd", "odd; put back", "put back", "'=odd"]);
}

#[test]
fn api_messages_are_escaped_against_formulas_and_input_cells_are_unchanged() {
    let roster = Roster::of(b"name\n=A\n@B\n");
    let rows = roster.results(vec![
        failed(1, RowState::Rejected, "=1", "@SUM(1)", Some(422)),
        failed(2, RowState::Rejected, "\tx", "\rx", Some(422)),
    ]);
    assert_eq!(
        (&*rows[0][0], &*rows[0][4], &*rows[0][5]),
        ("=A", "'=1", "'@SUM(1)")
    );
    assert_eq!(
        (&*rows[1][0], &*rows[1][4], &*rows[1][5]),
        ("@B", "'\tx", "'\rx")
    );
}

#[test]
fn a_reimported_results_file_keeps_row_numbers_and_repeats_no_column() {
    let roster = Roster::of(
        b"name,Import_Status,import_line,age,,\nA,failed,7,3,,more\nB,failed,x,4,,\nC,failed,30,5,,\n",
    );
    let written = roster.write(vec![ended(1, RowState::Updated)]);
    let rows = rows_of(&written.results, b',');
    let header: Vec<&str> = ["name", "age"]
        .into_iter()
        .chain(RESULT_COLUMNS.iter().copied())
        .collect();
    assert_eq!(rows[0], header);
    let lines: Vec<&str> = rows[1..].iter().map(|row| &*row[11]).collect();
    assert_eq!(
        lines,
        ["7", "3", "30"],
        "a row without a number has its own"
    );
    assert_eq!(written.lines.line_of(1), 7);
    assert_eq!(written.lines.line_of(3), 30);
    // Cells beyond the header are written last, without trailing empty cells.
    assert_eq!(rows[1][15..], ["", "more"]);
    assert_eq!(rows[2].len(), 15);
}

#[test]
fn unnamed_columns_of_a_roster_are_kept() {
    let roster = Roster::of(b"name,,\nA,x,y\nB\n");
    let rows = roster.results(vec![ended(1, RowState::Updated)]);
    assert_eq!(rows[0][..4], ["A", "x", "y", "1"]);
    // A short row is padded.
    assert_eq!(rows[1][..4], ["B", "", "", "2"]);
}

#[test]
fn undecodable_cells_are_unchanged_in_utf8_and_marked_otherwise() {
    let bytes_of = |roster: &Roster| {
        let written = roster.write(vec![]);
        std::fs::read(written.results).unwrap()
    };
    let has = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|at| at == part);
    let utf8 = Roster::in_encoding(b"name\nr\xE5d\n", Some("utf-8"));
    assert!(has(&bytes_of(&utf8), b"r\xE5d"));
    let japanese = Roster::in_encoding(b"name\nr\xFFd\n", Some("euc-jp"));
    assert!(has(&bytes_of(&japanese), "r\u{FFFD}d".as_bytes()));
}

#[test]
fn result_columns_come_first_if_requested() {
    let mut roster = Roster::of(b"name,age\nA,1\nB,2,more\n");
    roster.paths.outcome_first = true;
    let rows = roster.write(vec![failed(1, RowState::Rejected, "c", "e", Some(404))]);
    let results = rows_of(&rows.results, b',');
    let header: Vec<&str> = RESULT_COLUMNS
        .iter()
        .copied()
        .chain(["name", "age"])
        .collect();
    assert_eq!(results[0], header);
    assert_eq!(results[1][..2], ["1", "rejected"]);
    assert_eq!(results[1][RESULT_COLUMNS.len()..], ["A", "1"]);
    assert_eq!(results[2][RESULT_COLUMNS.len()..], ["B", "2", "more"]);
    assert_eq!(
        rows_of(&rows.new.unwrap(), b','),
        [["name", "age"], ["A", "1"]]
    );
}

#[test]
fn files_without_rows_are_written_only_to_replace_old_files() {
    let done = || vec![ended(1, RowState::Updated)];
    let header = |path: &Path| rows_of(path, b',').len();
    let mut roster = Roster::of(b"name\nA\n");
    let written = roster.write(done());
    assert_eq!((written.failed, written.new), (None, None));

    roster.paths.failed_always = true;
    roster.paths.named.push(roster.paths.new.clone());
    let written = roster.write(done());
    assert_eq!(header(&written.failed.unwrap()), 1);
    assert_eq!(written.new, None, "there was none");

    std::fs::write(&roster.paths.new, "name\nold\nolder\n").unwrap();
    let written = roster.write(done());
    assert_eq!(rows_of(&written.new.unwrap(), b','), [["name"]]);

    let old = roster.folder.path().join("old.csv");
    std::fs::write(&old, "old").unwrap();
    roster.paths.new = old.clone();
    assert_eq!(roster.write(done()).new, None);
    assert_eq!(
        std::fs::read_to_string(old).unwrap(),
        "old",
        "nobody named it"
    );
}

#[test]
fn a_run_of_an_earlier_version_has_no_file_of_new_rows() {
    let mut roster = Roster::of(b"name\nA\n");
    roster.paths.new = std::path::PathBuf::new();
    let written = roster.write(vec![failed(1, RowState::Failed, NOT_FOUND, "", None)]);
    assert_eq!(written.new, None);
    assert_eq!(first_cells(written.failed.as_ref()), ["A"]);
}
