//! Localization: every message is in the catalogues, and the output of each command is stable in both
//! languages.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use proc_macro2::{TokenStream, TokenTree};

use crate::harness::{
    Folder, RECORD, Server, office, plain_roster, repository, respond, sandbox_holding, stderr,
    stdout,
};

/// Files whose literals are not messages: the declarations of options, manual pages, reference tables, and
/// metrics.
const ELSEWHERE: [&str; 11] = [
    "cli/man.rs",
    "cli/args.rs",
    "cli/fleet_args.rs",
    "cli/options.rs",
    "cli/group.rs",
    "check/severity.rs",
    "model/exit.rs",
    "report/target.rs",
    "report/metrics.rs",
    "fleet/metrics.rs",
    "l10n/build.rs",
];

/// Modules whose texts are for authors of target files, or are never shown.
const ROOMS_ELSEWHERE: [&str; 2] = ["targets", "sandbox"];

#[test]
fn every_message_is_in_the_catalogues() {
    let source = repository().join("src");
    let mut found = Vec::new();
    let mut files = Vec::new();
    all_files(&source, "rs", &mut files);
    for file in files {
        let below = file.strip_prefix(&source).unwrap();
        let name = below.to_str().unwrap();
        let room = below.iter().next().unwrap().to_str().unwrap();
        if ELSEWHERE.contains(&name)
            || ROOMS_ELSEWHERE.contains(&room)
            || name.ends_with("tests.rs")
            || name.contains("/tests/")
        {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let tokens: TokenStream = code.parse().unwrap();
        for literal in literals(tokens) {
            if is_sentence(&literal) {
                found.push(format!("{name}: {literal}"));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Code that branches on a rendered message: a comparison, or a search in the text.
const READS_TEXT: &str = r"(?x)
    say\(\)\s*\.\w+\((?:[^()]|\([^()]*\))*\)\s*\.
        (split|rsplit|strip_|trim_start_matches|trim_end_matches|contains|starts_with|ends_with|find|eq|parse)
    | (==|!=)\s*[&*]*say\(\)
    | say\(\)\s*\.\w+\((?:[^()]|\([^()]*\))*\)\s*(==|!=)
    | \.(contains|starts_with|ends_with|trim_end_matches|strip_prefix|strip_suffix)\(&?\*?say\(\)";

#[test]
fn no_decision_depends_on_a_rendered_message() {
    let source = repository().join("src");
    let reads = regex::Regex::new(READS_TEXT).unwrap();
    for code in [
        "if *why == say().held_no_rows() {}",
        "let (count, word) = say().amount_rows(1, number).split_once(' ');",
        "past.error.trim_end_matches(&*say().row_was_so())",
    ] {
        assert!(reads.is_match(code), "{code}");
    }
    let mut files = Vec::new();
    all_files(&source, "rs", &mut files);
    let mut found = Vec::new();
    for file in files {
        let name = file.strip_prefix(&source).unwrap().to_str().unwrap();
        if name.ends_with("tests.rs") || name.contains("/tests/") {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let lines = reads
            .find_iter(code)
            .map(|one| format!("{name}: {}", one.as_str()));
        found.extend(lines);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Returns the string literals in code, except those of attributes.
fn literals(tokens: TokenStream) -> Vec<String> {
    let mut found = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(mark) if mark.as_char() == '#' => {
                if matches!(tokens.peek(), Some(TokenTree::Punct(mark)) if mark.as_char() == '!') {
                    tokens.next();
                }
                if matches!(tokens.peek(), Some(TokenTree::Group(_))) {
                    tokens.next();
                }
            }
            TokenTree::Group(group) => found.extend(literals(group.stream())),
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                if text.starts_with('"') {
                    found.push(text.trim_matches('"').to_owned());
                }
            }
            _ => {}
        }
    }
    found
}

/// Returns whether a text has three words in a row and is not SQL.
fn is_sentence(text: &str) -> bool {
    let is_sql = [
        "SELECT",
        "INSERT",
        "UPDATE",
        "DELETE",
        "CREATE",
        "PRAGMA",
        "WITH",
        "outcome.id",
        "CASE",
        "ALTER",
        "DROP",
        "id, name",
        "changes IS",
    ];
    if is_sql
        .iter()
        .any(|word| text.trim_start_matches(['\\', 'n', ' ']).starts_with(word))
    {
        return false;
    }
    let mut outside = String::new();
    let mut depth = 0;
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            c if depth == 0 => outside.push(c),
            _ => {}
        }
    }
    let is_word = |word: &str| word.len() > 1 && word.chars().all(|c| c.is_ascii_lowercase());
    let words: Vec<bool> = outside.split(' ').map(is_word).collect();
    words.windows(3).any(|three| three.iter().all(|word| *word))
}

fn all_files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all_files(&path, ending, found);
        } else if path.extension().is_some_and(|other| other == ending) {
            found.push(path);
        }
    }
}

#[test]
fn every_message_in_the_catalogues_is_used() {
    let source = repository().join("src");
    let (mut files, mut catalogues) = (Vec::new(), Vec::new());
    all_files(&source, "rs", &mut files);
    all_files(&source, "html", &mut files);
    all_files(&source.join("l10n/messages/en"), "ftl", &mut catalogues);
    let code: String = files
        .iter()
        .map(|file| std::fs::read_to_string(file).unwrap())
        .collect();
    let words: BTreeSet<&str> = code
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .map(|word| word.strip_prefix("msg_").unwrap_or(word))
        .collect();
    let mut idle = Vec::new();
    for catalogue in catalogues {
        let text = std::fs::read_to_string(catalogue).unwrap();
        for line in text.lines() {
            let is_message = line.starts_with(|c: char| c.is_ascii_lowercase());
            let Some((key, _)) = line.split_once(" =").filter(|_| is_message) else {
                continue;
            };
            if !words.contains(&*key.replace('-', "_")) {
                idle.push(key.to_owned());
            }
        }
    }
    assert!(idle.is_empty(), "{idle:?}");
}

/// Returns the output of a command without the parts that differ from run to run.
fn seen(folder: &Folder, output: &Output) -> String {
    let both = format!("{}{}", stderr(output), stdout(output));
    let both = both.replace(&folder.path("").display().to_string(), "");
    // The account and machine of the test process.
    let rosterpatch::run::Actor { account, machine } = rosterpatch::run::Actor::here();
    let both = ["by|on", "av|på"].iter().fold(both, |both, words| {
        let (by, on) = words.split_once('|').unwrap();
        let deed = format!(" {by} {account} {on} {machine}, ");
        both.replace(&deed, &format!(" {by} ACCOUNT {on} MACHINE, "))
    });
    let both = both.replace(&format!("  {account:<10} "), "  ACCOUNT    ");
    let word = |word: &str| {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        if word.contains("127.0.0.1:") {
            "ADDRESS"
        } else if digits >= 14 && word.contains('-') {
            "RUN"
        } else if word.len() == 10 && digits == 8 && word.starts_with("20") {
            "DATE"
        } else if word.len() == 5 && digits == 4 && word.contains(':') {
            "TIME"
        } else if word.len() == 3 && digits == 2 && word.contains(['.', ',']) {
            "N"
        } else {
            word
        }
        .to_owned()
    };
    let line = |line: &str| {
        let words: Vec<String> = line.split(' ').map(word).collect();
        words.join(" ") + "\n"
    };
    both.lines().map(line).collect()
}

#[test]
fn the_output_of_commands_is_stable_in_both_languages() {
    for language in ["en", "sv"] {
        let folder = Folder::new();
        let mut lines: Vec<String> = plain_roster(8)
            .lines()
            .map(|line| format!("{line},Kvinna"))
            .collect();
        lines[0] = "Elev-ID,Personnummer,Förnamn,Efternamn,Kön".to_owned();
        lines[3] = lines[3].replace(",Kvinna", ",Okänt");
        lines[5] = lines[5].replace(",Kvinna", ",Man");
        folder.write("elever.csv", lines.join("\n") + "\n");
        let (_sandbox, base_url, _stop) = sandbox_holding(&plain_roster(8), Duration::ZERO);
        // A server that refuses the credentials once, in the middle of a run.
        let count = std::sync::atomic::AtomicUsize::new(0);
        let fickle =
            Server::start(
                move |_| match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
                    3 => respond(401, &[], r#"{"error":{"code":"Unauthorized"}}"#),
                    _ => respond(200, &[], RECORD),
                },
            );
        let mut told = String::new();
        let mut run = |arguments: &str| {
            let output = {
                let arguments: Vec<&str> = arguments.split(' ').collect();
                folder.with_sandbox(&[&arguments[..], &["--lang", language]].concat())
            };
            let code = output.status.code().unwrap();
            let shown = arguments.split(" --target").next().unwrap();
            let shown = shown.split(" 2").next().unwrap();
            told.push_str(&format!("$ rosterpatch {shown} (exit {code})\n"));
            told.push_str(&seen(&folder, &output));
            told.push('\n');
        };
        let there = format!("--target meitner --base-url {base_url}");
        let elsewhere = format!("--target meitner --base-url {}", fickle.base_url);
        run("check elever.csv --target meitner");
        run(&format!("plan elever.csv {there}"));
        run(&format!("import elever.csv --max-invalid 0 --yes {there}"));
        run("show");
        run(&format!("import elever.csv --fresh --yes {there}"));
        run(&format!(
            "import elever.csv --blind --concurrency 1 --yes {elsewhere}"
        ));
        run("show");
        run("resume --yes");
        run("runs");
        let fewer = "--base-url http://127.0.0.1:1";
        run(&format!(
            "import elever.csv --fresh --max-attempts 1 --yes --target meitner {fewer}"
        ));
        insta::assert_snapshot!(format!("seen_in_{language}"), told);
    }
}

#[test]
fn libreoffice_keeps_the_sample_results_in_both_languages() {
    if office().is_none() {
        return;
    }
    for language in ["en", "sv"] {
        let folder = Folder::new();
        folder.sample("elever-2026-ht.csv");
        let import = "import elever-2026-ht.csv --target meitner --sandbox --lang";
        let output = folder.run(&format!("{import} {language}"));
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        // 76 selects UTF-8; the cells are exported as displayed.
        folder.rewritten_by_office(
            "elever-2026-ht.results.csv",
            "csv:Text - txt - csv (StarCalc):59,34,76,1,,0,false,true",
        );
        let written = folder.csv("elever-2026-ht.results.csv", b';');
        let read = folder.csv("office-out/elever-2026-ht.results.csv", b';');
        assert_eq!(read.len(), 501);
        let column = |name: &str| written[0].iter().position(|header| header == name).unwrap();
        for name in [
            "Förnamn",
            "import_status",
            "import_error_code",
            "import_error",
        ] {
            let column = column(name);
            for (written, read) in written.iter().zip(&read) {
                assert_eq!(written[column], read[column]);
            }
        }
        let errors: Vec<&str> = written
            .iter()
            .map(|row| &*row[column("import_error")])
            .collect();
        let expected = match language {
            "sv" => "Kön: ”Okänt” är inte något av Kvinna, Man, Annat",
            _ => "Kön: \"Okänt\" is not one of Kvinna, Man, Annat",
        };
        assert!(errors.contains(&expected), "{errors:?}");
    }
}

#[test]
fn an_invalid_command_line_is_reported_in_swedish() {
    let folder = Folder::new();
    for (arguments, told) in [
        ("chek r.csv", "kommandot ”chek” finns inte; menade du check"),
        (
            "check r.csv --problem p.csv",
            "flaggan --problem finns inte här; menade du --problems",
        ),
        ("check", "det här saknas: <FILE>"),
        (
            "import r.csv --rate abc",
            "är inte ett giltigt värde för --rate <1500/h>: ”abc” är inte en takt",
        ),
        (
            "import r.csv --sandbox --base-url http://x",
            "kan inte användas tillsammans med",
        ),
        ("show --format xml", "välj bland text, json"),
    ] {
        let output = folder.run(&format!("{arguments} --lang sv"));
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(told), "{}", stderr(&output));
    }
}

#[test]
fn an_old_run_is_reported_in_the_readers_language() {
    let folder = Folder::new();
    folder.sample("elever-2026-ht.csv");
    let import = "import elever-2026-ht.csv --target meitner --sandbox --lang";
    let output = folder.run(&format!("{import} en"));
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let problems = || {
        let rows = folder.csv("elever-2026-ht.results.csv", b';');
        let error = rows[0].iter().position(|name| name == "import_error");
        let error = error.unwrap();
        let errors = rows[1..].iter().map(|row| row[error].clone());
        errors.filter(|text| !text.is_empty()).collect::<Vec<_>>()
    };
    let in_english = problems();
    let run = folder.run("runs --rehearsals");
    let run = String::from_utf8(run.stdout).unwrap();
    let run = run.split_whitespace().find(|word| word.contains("-"));
    let run = run.unwrap().to_owned();
    let again = |language: &str| {
        let output = folder.run(&format!(
            "report {run} --results elever-2026-ht.results.csv --lang {language}"
        ));
        assert!(output.status.success(), "{}", stderr(&output));
        problems()
    };
    let in_swedish = again("sv");
    assert_eq!(in_swedish.len(), in_english.len());
    let is_same = |(one, other): (&String, &String)| one == other;
    let unchanged = in_swedish
        .iter()
        .zip(&in_english)
        .filter(|pair| is_same(*pair));
    // Messages from the API are not translated.
    assert!(unchanged.count() <= 2, "{in_swedish:#?}");
    let has = |texts: &[String], part: &str| texts.iter().any(|text| text.contains(part));
    assert!(has(&in_english, "check digit") && has(&in_swedish, "kontrollsiffran"));
    assert_eq!(again("en"), in_english);
}

/// Returns the summary and the report of the newest run in a language.
fn seen_of_the_run(folder: &Folder, language: &str) -> String {
    let shown = folder.run(&format!("show --lang {language}"));
    assert!(shown.status.success(), "{}", stderr(&shown));
    let again = folder.run(&format!("report --lang {language} --report r.html"));
    assert!(again.status.success(), "{}", stderr(&again));
    stdout(&shown) + &std::fs::read_to_string(folder.path("r.html")).unwrap()
}

#[test]
fn a_stopped_run_is_reported_in_the_readers_language() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(3));
    let server = Server::start(|_| respond(401, &[], "{}"));
    let place = ["--target", "meitner", "--base-url", &server.base_url];
    let import = ["import", "r.csv", "--yes", "--lang", "sv"];
    let output = folder.send(&[&import[..], &place].concat());
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    let (english, swedish) = (
        "the API refused the credentials (HTTP 401",
        "inloggningsuppgifterna",
    );
    assert!(stderr(&output).contains(swedish), "{}", stderr(&output));
    let seen = seen_of_the_run(&folder, "en");
    assert_eq!(seen.matches(english).count(), 2, "{seen}");
    assert!(!seen.contains(swedish), "{seen}");
    let seen = seen_of_the_run(&folder, "sv");
    assert_eq!(seen.matches(swedish).count(), 2, "{seen}");
    let shown = folder.run("show --format json --lang sv");
    let shown: serde_json::Value = serde_json::from_str(&stdout(&shown)).unwrap();
    assert_eq!(shown["stop"]["code"], "api.refused");
    assert_eq!(shown["stop"]["message"]["key"], "stop-refused");
    assert_eq!(shown["stop"]["message"]["args"]["what"], "HTTP 401");
}

#[test]
fn a_held_run_is_reported_in_the_readers_language() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(3).replace("Åsa", "Bo"));
    let (_sandbox, base_url, _stop) = sandbox_holding(&plain_roster(3), Duration::ZERO);
    let place = ["--target", "meitner", "--base-url", &base_url];
    let import = [
        "import",
        "r.csv",
        "--yes",
        "--max-changes",
        "0",
        "--lang",
        "sv",
    ];
    let output = folder.with_sandbox(&[&import[..], &place].concat());
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let (english, swedish) = (
        "more than --max-changes 0 allows",
        "fler än gränsen på 0 (--max-changes)",
    );
    let seen = seen_of_the_run(&folder, "en");
    assert_eq!(seen.matches(english).count(), 2, "{seen}");
    assert!(!seen.contains(swedish), "{seen}");
    let seen = seen_of_the_run(&folder, "sv");
    assert_eq!(seen.matches(swedish).count(), 2, "{seen}");
}
