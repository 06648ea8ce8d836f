//! The documentation's links resolve, and its commands and examples match the program.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::harness::{Folder, repository, stderr, stdout};

/// Returns every Markdown file of the repository.
fn documents() -> Vec<PathBuf> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap_or_default();
            if path.is_symlink() || name.starts_with('.') {
                continue;
            }
            if path.is_dir() {
                if !["target", "node_modules", "snapshots"].contains(&name) {
                    collect(&path, found);
                }
            } else if name.ends_with(".md") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    collect(&repository(), &mut found);
    found.sort();
    assert!(found.len() > 25, "{found:?}");
    found
}

fn text_of(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// Returns the path relative to the repository.
fn shown(path: &Path) -> String {
    let below = path.strip_prefix(repository()).unwrap_or(path);
    below.display().to_string()
}

/// Returns whether a line is a code fence.
fn is_fence(line: &str) -> bool {
    line.trim_start().starts_with("```")
}

/// Returns the lines outside code blocks, numbered from 1.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut in_code = false;
    let outside = |(_, line): &(usize, &str)| {
        let fence = is_fence(line);
        in_code ^= fence;
        !in_code && !fence
    };
    (1..).zip(text.lines()).filter(outside).collect()
}

/// Returns the anchors of a document's headings, as forges and mdBook generate them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    let mut found = BTreeSet::new();
    let headings = prose(text)
        .into_iter()
        .filter(|(_, line)| line.starts_with('#'));
    for (_, line) in headings {
        let words = line.trim_start_matches('#').trim().to_lowercase();
        let anchor: String = words
            .chars()
            .filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        let seen = times.entry(anchor.clone()).or_default();
        found.insert(match *seen {
            0 => anchor,
            again => format!("{anchor}-{again}"),
        });
        *seen += 1;
    }
    found
}

/// Resolves `..` in a path without accessing the file system.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

/// Returns the broken links of a text at `path`.
fn broken_links(path: &Path, text: &str) -> Vec<String> {
    let link = regex::Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let code = regex::Regex::new(r"`[^`]*`").unwrap();
    let book = repository().join("docs");
    let mut broken = Vec::new();
    for (number, line) in prose(text) {
        let line = code.replace_all(line, "");
        for found in link.captures_iter(&line) {
            let target = &found[1];
            if target.starts_with("http") || target.starts_with("mailto:") {
                continue;
            }
            let mut wrong =
                |why: &str| broken.push(format!("{}:{number}: {target}: {why}", shown(path)));
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let to = match file {
                "" => path.to_owned(),
                file => plain(&path.parent().unwrap().join(file)),
            };
            if !to.exists() {
                wrong("no such file");
            } else if path.starts_with(&book) && !to.starts_with(&book) {
                // The generated site contains only this folder.
                wrong("outside of docs");
            } else if !anchor.is_empty() {
                let own = if file.is_empty() {
                    text.to_owned()
                } else {
                    text_of(&to)
                };
                if !anchors(&own).contains(anchor) {
                    wrong("no such heading");
                }
            }
        }
    }
    broken
}

#[test]
fn every_link_in_the_documents_resolves() {
    let broken: Vec<String> = documents()
        .iter()
        .flat_map(|path| broken_links(path, &text_of(path)))
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn broken_links_are_detected() {
    let page = repository().join("docs/guide/plan.md");
    for (text, count) in [
        ("[a](send.md)", 0),
        ("[a](send.md#quota)", 0),
        ("[a](#b-c)\n# B c!", 0),
        ("```\n[a](nowhere.md)\n```", 0),
        ("`[a](nowhere.md)`", 0),
        ("[a](nowhere.md)", 1),
        ("![a](nowhere.png) and [b](send.md#nowhere)", 2),
        ("[a](#b)\n```\n# b\n```", 1),
        ("[a](../../README.md)", 1),
    ] {
        assert_eq!(broken_links(&page, text).len(), count, "{text}");
    }
}

#[test]
fn the_summary_lists_every_page() {
    let book = repository().join("docs");
    let summary = text_of(&book.join("SUMMARY.md"));
    for path in documents() {
        if let Ok(page) = path.strip_prefix(&book)
            && page != Path::new("SUMMARY.md")
        {
            let link = format!("({})", page.display());
            assert_eq!(summary.matches(&link).count(), 1, "{link}");
        }
    }
}

/// Returns the code blocks in a language, without the indentation of the block.
fn blocks(text: &str, language: &str) -> Vec<Vec<String>> {
    let mut blocks = Vec::new();
    let mut block: Option<(String, usize, Vec<String>)> = None;
    for line in text.lines() {
        match &mut block {
            None if is_fence(line) => {
                let indent = line.len() - line.trim_start().len();
                let of = line.trim().trim_start_matches('`').to_owned();
                block = Some((of, indent, Vec::new()));
            }
            None => {}
            Some((of, _, lines)) if is_fence(line) => {
                if of == language {
                    blocks.push(std::mem::take(lines));
                }
                block = None;
            }
            Some((_, indent, lines)) => {
                lines.push(line.get(*indent..).unwrap_or_default().to_owned());
            }
        }
    }
    blocks
}

/// Returns the words of each call of the program in a shell command, split as a shell does.
pub(crate) fn calls(command: &str) -> Vec<Vec<String>> {
    let mut calls = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut in_word = false;
    let mut take = |words: &mut Vec<String>| {
        let words = std::mem::take(words);
        let is_assignment = |word: &&String| word.contains('=') && !word.starts_with('-');
        let start = words.iter().take_while(is_assignment).count();
        if words.get(start).is_some_and(|word| word == "rosterpatch") {
            calls.push(words[start..].to_vec());
        }
    };
    for character in command.chars().chain(['\n']) {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (Some(_), _) => word.push(character),
            (None, '\'' | '"') => (quote, in_word) = (Some(character), true),
            (None, '#') if !in_word => break,
            (None, ' ' | '\n' | ';' | '|' | '&' | '>' | '<') => {
                if in_word {
                    words.push(std::mem::take(&mut word));
                    in_word = false;
                }
                match character {
                    ' ' => {}
                    // The file name after a redirection is not an argument.
                    '>' | '<' => {
                        take(&mut words);
                    }
                    _ => take(&mut words),
                }
            }
            (None, _) => {
                word.push(character);
                in_word = true;
            }
        }
    }
    take(&mut words);
    calls
}

#[test]
fn every_command_in_the_documents_can_be_parsed() {
    let mut wrong = Vec::new();
    let mut count = 0;
    let inline = regex::Regex::new(r"`(rosterpatch [^`]+)`").unwrap();
    for path in documents() {
        let text = text_of(&path);
        let mut commands = Vec::new();
        for block in ["sh", "console", "powershell"]
            .map(|language| blocks(&text, language))
            .concat()
        {
            let block = block.join("\n").replace("\\\n", " ");
            let lines = block.lines().map(|line| line.trim_start_matches("$ "));
            commands.extend(lines.map(|line| line.replace(".\\rosterpatch.exe", "rosterpatch")));
        }
        // In a sentence, a line break counts as a space, and words in capitals are placeholders.
        let sentences = prose(&text);
        let sentences: Vec<&str> = sentences.into_iter().map(|(_, line)| line).collect();
        let sentences = sentences.join(" ");
        let found = inline.captures_iter(&sentences);
        commands.extend(found.map(|found| {
            let command = found[1].split_whitespace().collect::<Vec<_>>().join(" ");
            command
                .replace("|en", "")
                .replace("SHELL", "bash")
                .replace("VARIATION", "capped-pages")
        }));
        for call in commands.iter().flat_map(|command| calls(command)) {
            count += 1;
            // A command name without arguments refers to the command in general.
            let root = rosterpatch::cli::command();
            let mut command = Some(&root);
            for word in &call[1..] {
                command = command.and_then(|command| command.find_subcommand(word));
            }
            if command.is_some() || call.get(1).is_some_and(|word| word == "COMMAND") {
                continue;
            }
            if let Err(error) = rosterpatch::cli::command().try_get_matches_from(&call)
                && error.use_stderr()
            {
                let call = call.join(" ");
                let why = error.to_string();
                let why = why.lines().next().unwrap_or_default();
                wrong.push(format!("{}: {call}: {why}", shown(&path)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 80, "only {count} commands were found");
}

#[test]
fn the_windows_task_is_well_formed_and_its_command_is_valid() {
    use quick_xml::events::Event;
    let text = text_of(&repository().join("samples/nightly/rosterpatch-watch.xml"));
    let mut reader = quick_xml::Reader::from_str(&text);
    let (mut open, mut arguments) = (Vec::new(), String::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) => open.push(element.name().as_ref().to_owned()),
            Event::End(_) => drop(open.pop()),
            Event::Eof => break,
            Event::Text(text) if open.last().is_some_and(|name| name == "Arguments") => {
                arguments.push_str(&text);
            }
            Event::GeneralRef(entity) if open.last().is_some_and(|name| name == "Arguments") => {
                assert_eq!(&*entity, "gt");
                arguments.push('>');
            }
            _ => {}
        }
    }
    assert!(open.is_empty(), "{open:?}");
    let (_, command) = arguments.split_once("rosterpatch.exe\" ").unwrap();
    let (command, log) = command.split_once(" 2>>").unwrap();
    assert!(log.ends_with("rosterpatch.log\""), "{log}");
    let words = std::iter::once("rosterpatch").chain(command.split(' '));
    let matches = rosterpatch::cli::command().try_get_matches_from(words);
    assert_eq!(matches.unwrap().subcommand_name(), Some("watch"));
}

#[test]
fn calls_are_found_in_shell_lines() {
    for (line, found) in [
        ("rosterpatch runs # all of them", "rosterpatch runs"),
        (
            "A=b rosterpatch check 'a b.csv' > x; cat x",
            "rosterpatch check a b.csv",
        ),
        ("cat x | rosterpatch check -", "rosterpatch check -"),
        ("cargo run -- check x", ""),
    ] {
        let all: Vec<String> = calls(line).iter().map(|call| call.join(" ")).collect();
        assert_eq!(all.join("; "), found, "{line}");
    }
}

/// Replaces the parts of the output that differ from run to run.
fn without_chance(text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, put) in [
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"\d{8}-\d{6}-[a-z]{3}", "RUN"),
        (r"\d+(\.\d)? s\b", "TIME"),
        (r"(?m)^\d+ of \d+ rows: .* done about .*\n", ""),
    ] {
        let pattern = regex::Regex::new(pattern).unwrap();
        text = pattern.replace_all(&text, put).into_owned();
    }
    text
}

/// Runs the commands of the `console` blocks and compares their output with the document. A line `…` matches
/// any lines.
fn run_as_shown(document: &str) {
    let folder = Folder::new();
    let sample = folder.sample("elever-2026-ht.csv");
    std::fs::create_dir(folder.path("samples")).unwrap();
    std::fs::rename(sample, folder.path("samples/elever-2026-ht.csv")).unwrap();
    let shown = blocks(&text_of(&repository().join(document)), "console");
    assert_eq!(shown.len(), 3, "{document}");
    for block in shown {
        let command = block[0].strip_prefix("$ rosterpatch ").unwrap();
        let output = folder.run(command);
        let lines = block[1..].join("\n");
        let shown = without_chance(&lines);
        let told = without_chance(&(stderr(&output) + &stdout(&output)));
        let mut rest = told.as_str();
        for part in shown.split("…") {
            let part = part.trim_matches('\n');
            let at = rest.find(part);
            let at =
                at.unwrap_or_else(|| panic!("{document}: {command}: not in\n{told}\nis\n{part}"));
            rest = &rest[at + part.len()..];
        }
        if !shown.trim_end().ends_with('…') {
            assert_eq!(rest.trim(), "", "{document}: {command} prints more");
        }
    }
}

#[test]
fn the_readme_commands_print_the_output_it_shows() {
    run_as_shown("README.md");
}

#[test]
fn the_readme_is_short_and_starts_with_a_picture() {
    let text = text_of(&repository().join("README.md"));
    assert!(text.lines().count() <= 150, "{}", text.lines().count());
    let picture = text.lines().position(|line| line.starts_with("!["));
    assert!(picture.is_some_and(|line| line < 12), "{picture:?}");
}

#[test]
fn the_sample_config_has_every_key_and_the_schema_accepts_it() {
    let folder = Folder::new();
    let text = text_of(&repository().join("samples/rosterpatch.toml"));
    // A commented key follows the `#` directly; a comment has a space.
    let set: String = text
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(key) if !key.is_empty() && !key.starts_with(' ') => format!("{key}\n"),
            _ => String::new(),
        })
        .collect();
    let schema: Value =
        serde_json::from_str(&stdout(&folder.run("targets schema config"))).unwrap();
    let config: toml::Table = set.parse().unwrap();
    let config = serde_json::to_value(&config).unwrap();
    let errors: Vec<String> = jsonschema::validator_for(&schema)
        .unwrap()
        .iter_errors(&config)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
    let keys =
        |of: &Value| -> BTreeSet<String> { of.as_object().unwrap().keys().cloned().collect() };
    assert_eq!(keys(&config), keys(&schema["properties"]));
    // The program accepts the sample unchanged and with every key set.
    for text in [&text, &set] {
        let path = folder.write("c.toml", text);
        let output = folder
            .command()
            .arg("config")
            .arg("--config")
            .arg(path)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
}

#[test]
fn without_arguments_the_program_prints_a_five_line_introduction() {
    let folder = Folder::new();
    for (language, word) in [("en", "rosterpatch --help"), ("sv", "Provkör")] {
        let output = folder
            .command()
            .env("ROSTERPATCH_LANG", language)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        let text = stderr(&output);
        assert_eq!(text.lines().count(), 5, "{text}");
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn the_site_builds_and_loads_nothing_from_the_network() {
    let Some(mdbook) = crate::machine::installed("MDBOOK") else {
        return;
    };
    let folder = Folder::new();
    let site = folder.path("site");
    let output = Command::new(mdbook)
        .arg("build")
        .arg(repository().join("docs"))
        .arg("--dest-dir")
        .arg(&site)
        .output()
        .unwrap();
    let text = stderr(&output) + &stdout(&output);
    assert!(output.status.success(), "{text}");
    assert!(!text.contains("WARN"), "{text}");
    assert!(site.join("guide/first-import.html").is_file());
    // The site is searchable and loads nothing from the network.
    let page = text_of(&site.join("guide/first-import.html"));
    assert!(page.contains("searchbar"));
    let elsewhere =
        regex::Regex::new(r#"<(?:script|link|img)[^>]* (?:src|href)="https?://"#).unwrap();
    assert!(!elsewhere.is_match(&page));
}
