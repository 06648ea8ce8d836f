//! Malicious or unusual files: workbooks, outputs, settings and journals.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{
    Folder, OF_SANDBOX, Server, plain_roster, program_path, respond, stderr, stdout,
};

/// Writes a workbook of one sheet with these XML rows and these shared strings.
fn workbook(path: &Path, rows: &str, shared: &str) {
    let mut archive = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    let options =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let kinds = "http://schemas.openxmlformats.org/package/2006/relationships";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    for (name, text) in [
        (
            "[Content_Types].xml",
            r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#
                .to_owned(),
        ),
        (
            "_rels/.rels",
            format!(
                r#"<Relationships xmlns="{kinds}"><Relationship Id="rId1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                r#"<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="A" sheetId="1" r:id="rId1"/></sheets></workbook>"#
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                r#"<Relationships xmlns="{kinds}"><Relationship Id="rId1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="{office}/sharedStrings" Target="sharedStrings.xml"/></Relationships>"#
            ),
        ),
        (
            "xl/sharedStrings.xml",
            format!(r#"<sst xmlns="{main}">{shared}</sst>"#),
        ),
        (
            "xl/worksheets/sheet1.xml",
            format!(r#"<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>"#),
        ),
    ] {
        archive.start_file(name, options).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap();
}

#[test]
fn a_small_workbook_that_expands_hugely_is_refused_at_once() {
    let folder = Folder::new();
    let header = r#"<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c></row>"#;
    let long = format!("<si><t>{}</t></si>", "x".repeat(140_000));
    let short = format!("<si><t>{}</t></si>", "x".repeat(100_000));
    let many: String = (2..6000)
        .map(|row| format!(r#"<row r="{row}"><c r="A{row}" t="s"><v>0</v></c></row>"#))
        .collect();
    for (name, rows, shared, part) in [
        (
            "far right",
            r#"<row r="2"><c r="ZZZZ2" t="inlineStr"><is><t>x</t></is></c></row>"#,
            "",
            "columns",
        ),
        (
            "further",
            r#"<row r="2"><c r="ZZZZZZ2" t="inlineStr"><is><t>x</t></is></c></row>"#,
            "",
            "",
        ),
        (
            "far below",
            r#"<row r="900000"><c r="A900000" t="inlineStr"><is><t>x</t></is></c></row>"#,
            "",
            "empty rows",
        ),
        (
            "last row",
            r#"<row r="4294967295"><c r="A4294967295" t="inlineStr"><is><t>x</t></is></c></row>"#,
            "",
            "",
        ),
        (
            "a long text",
            r#"<row r="2"><c r="A2" t="s"><v>0</v></c></row>"#,
            &long,
            "bytes of text",
        ),
        ("one text often", &many, &short, "MiB of text"),
    ] {
        let path = folder.path("w.xlsx");
        workbook(&path, &format!("{header}{rows}"), shared);
        let began = Instant::now();
        // The refusal must fit in this much memory.
        let output = folder
            .command_by("prlimit")
            .args(["--as=2000000000", "--"])
            .arg(program_path())
            .args(["check", "w.xlsx", "--target", "meitner"])
            .output()
            .unwrap();
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{name}: {told}");
        assert!(
            told.contains("w.xlsx") && told.contains(part),
            "{name}: {told}"
        );
        assert!(!told.contains("panicked"), "{name}: {told}");
        assert!(began.elapsed() < Duration::from_secs(60), "{name}");
    }
}

fn ok() -> Server {
    Server::start(|_| respond(200, &[], "{}"))
}

#[test]
fn results_can_be_written_to_files_and_open_pipes() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(2));
    let server = ok();
    let pipe = folder.path("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    std::fs::hard_link(folder.path("r.csv"), folder.path("same.csv")).unwrap();
    let before = std::fs::read(folder.path("r.csv")).unwrap();
    for (path, exit) in [
        ("/dev/full", 1),
        ("same.csv", 2),
        ("state/journal.sqlite", 2),
        ("state/other.csv", 2),
    ] {
        folder.run("runs");
        let output = folder.import_to("r.csv", &server.base_url, &["--results", path], &[]);
        assert_eq!(
            output.status.code(),
            Some(exit),
            "{path}: {}",
            stderr(&output)
        );
        assert!(stderr(&output).contains(path), "{}", stderr(&output));
    }
    assert_eq!(std::fs::read(folder.path("r.csv")).unwrap(), before);
    assert!(server.seen().is_empty(), "nothing was sent");

    // A pipe without a reader is refused; a pipe with a reader is written to.
    let output = folder.import_to("r.csv", &server.base_url, &["--results", "pipe"], &[]);
    assert_ne!(output.status.code(), Some(0));
    let reader = Command::new("cat")
        .arg(&pipe)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut arguments = vec!["--results", "pipe", "--all"];
    let mut output = folder.import_to("r.csv", &server.base_url, &arguments, &[]);
    // The reader may not have opened the pipe yet.
    for _ in 0..50 {
        if output.status.code() == Some(0) {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
        output = folder.import_to("r.csv", &server.base_url, &arguments, &[]);
    }
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let read = reader.wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&read.stdout).contains("import_status"));

    // `-` stands for standard output.
    arguments[1] = "-";
    let output = folder.import_to("r.csv", &server.base_url, &arguments, &[]);
    assert!(
        stdout(&output).contains("import_status"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn a_full_standard_output_is_an_error() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(2));
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = folder
        .command()
        .args(["check", "r.csv", "--target", "meitner"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("standard output"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn too_low_a_limit_on_open_files_is_reported_at_the_start() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(2));
    for files in 9..=20 {
        let output = folder
            .command_by("prlimit")
            .args([&format!("--nofile={files}"), "--"])
            .arg(program_path())
            .args(["import", "r.csv", "--target", "meitner", "--sandbox"])
            .env("ROSTERPATCH_STATE", folder.path("state"))
            .output()
            .unwrap();
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{files}: {told}");
        assert!(
            told.contains("ulimit -n") && !told.contains("panicked"),
            "{files}: {told}"
        );
    }
    assert!(!folder.path("r.results.csv").exists());
}

#[test]
fn endless_files_are_not_read_to_the_end() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(2));
    let server = ok();
    let output = folder.import_to("r.csv", &server.base_url, &["--ca-cert", "/dev/zero"], &[]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let output = folder.run("check r.csv --target meitner --config /dev/zero");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    folder.write("wide.csv", format!("id,{}\n1,2\n", "x".repeat(300_000)));
    let output = folder.run("check wide.csv --target meitner");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("cannot be a header"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_journal_that_others_can_change_is_refused() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(2));
    let server = ok();
    let import = || folder.import_to("r.csv", &server.base_url, &["--all"], &[]);
    assert_eq!(import().status.code(), Some(0));
    let mode = |path: &str, mode: u32| {
        std::fs::set_permissions(folder.path(path), PermissionsExt::from_mode(mode)).unwrap();
    };
    let journal = "state/journal.sqlite";
    mode(journal, 0o666);
    assert!(stderr(&import()).contains("chmod 600"));
    mode(journal, 0o600);
    mode("state", 0o777);
    assert!(stderr(&import()).contains("chmod go-w"));
    mode("state", 0o700);
    assert_eq!(import().status.code(), Some(0));
    std::fs::rename(folder.path(journal), folder.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(folder.path("elsewhere"), folder.path(journal)).unwrap();
    assert!(stderr(&import()).contains("is a link"));
    assert_eq!(server.seen().len(), 4);
}

#[test]
fn a_users_column_is_never_dropped() {
    let folder = Folder::new();
    folder.write(
        "r.csv",
        plain_roster(2)
            .replace("last_name", "last_name,import_status")
            .replace("Ek\n", "Ek,mine\n"),
    );
    let output = folder.run("import r.csv --target meitner --sandbox");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("\"import_status\""),
        "{}",
        stderr(&output)
    );
}

#[test]
fn different_spellings_of_an_address_share_one_quota() {
    let folder = Folder::new();
    let server = ok();
    let port = server.base_url.rsplit(':').next().unwrap();
    let spellings = ["127.0.0.1", "localhost"].map(|host| format!("http://{host}:{port}/v1"));
    let began = Instant::now();
    let mut sent = 0;
    for (index, address) in spellings
        .iter()
        .flat_map(|url| [url.clone(), format!("{url}/")])
        .enumerate()
    {
        let name = format!("r{index}.csv");
        folder.write(&name, plain_roster(25));
        let output = folder.import_to(
            &name,
            &address,
            &["--rate", "10/s", "--burst", "25", "--all"],
            &[],
        );
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        sent += 25;
    }
    // Four separate buckets would allow all of these requests at once.
    let allowed = 25.0 + began.elapsed().as_secs_f64() * 10.0;
    assert!(
        f64::from(sent) <= allowed + 2.0,
        "{sent} where {allowed} were allowed"
    );
}

#[test]
fn a_full_disk_at_the_end_loses_nothing_and_explains_the_next_step() {
    let folder = Folder::new();
    let server = ok();
    // Much larger than the journal, so that only the results exceed the limit.
    let note = "x".repeat(9_000);
    let text = plain_roster(100)
        .replace("last_name\n", "last_name,a,b,c,d,e,f\n")
        .replace("Ek\n", &format!("Ek{}\n", format!(",{note}").repeat(6)));
    folder.write("r.csv", &text);
    let limit = text.len() + 4096;
    let import = |limit: Option<usize>, command: &str| {
        let limit = limit.map_or(String::new(), |limit| format!("ulimit -f {};", limit / 512));
        folder
            .command_by("sh")
            .args(["-c", &format!("{limit} exec \"$0\" {command}")])
            .arg(program_path())
            .env("ROSTERPATCH_STATE", folder.path("state"))
            .envs(OF_SANDBOX)
            .output()
            .unwrap()
    };
    let command = format!(
        "import r.csv --target plain.toml --yes --base-url {}",
        server.base_url
    );
    let output = import(Some(limit), &command);
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("r.results.csv"), "{told}");
    assert!(told.contains("rosterpatch resume"), "{told}");
    assert!(!folder.path("r.results.csv").exists());
    assert_eq!(server.seen().len(), 100);

    let output = import(None, "resume");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(folder.csv("r.results.csv", b',').len(), 101);
    assert_eq!(server.seen().len(), 100, "nothing is sent again");
}
