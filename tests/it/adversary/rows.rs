//! Rows of extreme size.

use std::io::Write;
use std::process::Command;

use crate::harness::{Folder, plain_id, plain_roster, stderr, stdout};

/// Runs `check` with a memory limit in megabytes. Returns the exit code and the output.
pub fn check_within(megabytes: usize, folder: &Folder, name: &str) -> (Option<i32>, String) {
    let output = Command::new("prlimit")
        .args([&format!("--data={megabytes}000000"), "--"])
        .arg(crate::harness::program_path())
        .args(["check", name, "--target", "meitner"])
        .current_dir(folder.path(""))
        .env("ROSTERPATCH_STATE", folder.path("state"))
        .output()
        .unwrap();
    let told = stdout(&output) + &stderr(&output);
    (output.status.code(), told)
}

#[test]
fn an_overlong_cell_is_reported_with_its_place_length_and_limit() {
    let folder = Folder::new();
    let long = "x".repeat(300_000);
    for row in [1, 2] {
        for quote in ["", "\""] {
            let cell = format!("{quote}{long}{quote}");
            let text = plain_roster(2);
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines[row] = lines[row].replace("Åsa", &cell);
            folder.write("r.csv", lines.join("\n"));
            let output = folder.run("check r.csv --target meitner");
            let told = stdout(&output);
            assert_eq!(output.status.code(), Some(3), "{told}{}", stderr(&output));
            for part in [
                &*format!("row {}", row + 1),
                "first_name",
                "300000",
                "10000",
                "quote",
            ] {
                assert!(told.contains(part), "{part} is not in {told}");
            }
            assert!(
                !told.contains("xxxxx".repeat(60).as_str()),
                "the cell is not told"
            );
        }
    }
}

#[test]
fn an_endless_header_is_refused() {
    let folder = Folder::new();
    let row = format!("{},201004022388,Åsa,{}\n", plain_id(1), "x".repeat(300_000));
    for text in [
        format!("id,{}\n1,2\n", "x".repeat(300_000)),
        format!("id,first_name,\"last_name\n{row}"),
        format!("id,first_name,\"last_name\n{}", plain_roster(9000)),
    ] {
        folder.write("r.csv", text);
        let output = folder.run("check r.csv --target meitner");
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains("cannot be a header"), "{told}");
    }
}

#[test]
fn only_one_row_of_the_largest_size_is_in_memory_at_a_time() {
    let folder = Folder::new();
    let mut file = std::fs::File::create(folder.path("r.csv")).unwrap();
    file.write_all(plain_roster(1).as_bytes()).unwrap();
    let long = "x".repeat(62_000_000);
    for quote in ["", "\""] {
        for row in 2..=5 {
            let id = plain_id(row);
            writeln!(file, "{id},201004022388,{quote}{long}{quote},Ek").unwrap();
        }
    }
    drop(file);
    let (code, told) = check_within(450, &folder, "r.csv");
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("62000000"), "{told}");
}
