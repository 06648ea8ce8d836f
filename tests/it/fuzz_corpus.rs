//! The inputs that the fuzzers started from and what they found, run once more.

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
fn rosters_that_were_found() {
    each("roster", cases::roster);
}

#[test]
fn target_files_that_were_found() {
    each("target", cases::target);
}

#[test]
fn results_that_were_found() {
    each("results", cases::results);
}

#[test]
fn workbooks_that_were_found() {
    each("workbook", cases::workbook);
}

#[test]
fn headers_that_were_found() {
    each("headers", cases::headers);
}

#[test]
fn answers_that_were_found() {
    each("answer", cases::answer);
}
