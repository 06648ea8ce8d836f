//! Runs the fuzz corpus: the seed inputs and the inputs that found bugs.

use crate::harness::repository;

#[path = "../fuzz/cases.rs"]
mod cases;

fn each(corpus: &str, case: impl Fn(&[u8])) {
    let folder = repository().join("tests/fuzz/corpus").join(corpus);
    let mut run = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        case(&std::fs::read(entry.unwrap().path()).unwrap());
        run += 1;
    }
    assert!(run > 0);
}

#[test]
fn the_roster_corpus_passes() {
    each("roster", cases::roster);
}

#[test]
fn the_target_file_corpus_passes() {
    each("target", cases::target);
}

#[test]
fn the_results_corpus_passes() {
    each("results", cases::results);
}

#[test]
fn the_workbook_corpus_passes() {
    each("workbook", cases::workbook);
}

#[test]
fn the_header_corpus_passes() {
    each("headers", cases::headers);
}

#[test]
fn the_response_corpus_passes() {
    each("answer", cases::answer);
}
