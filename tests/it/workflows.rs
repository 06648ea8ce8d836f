//! The workflow files of a public forge: their form, and that the project has what they run.

use std::path::PathBuf;
use std::process::Command;

use crate::documents::calls;
use crate::harness::repository;
use crate::judges::python;

fn workflows() -> Vec<PathBuf> {
    let folder = repository().join(".github/workflows");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 2, "{files:?}");
    files
}

fn text_of(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap()
}

/// The lines of all `run:` steps of a workflow.
fn commands(workflow: &str) -> Vec<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut commands = Vec::new();
    let mut lines = workflow.lines().peekable();
    while let Some(line) = lines.next() {
        let key = line.trim_start().trim_start_matches("- ");
        let Some(command) = key.strip_prefix("run: ") else {
            continue;
        };
        // The key of a step's first line stands behind the dash.
        let depth = line.len() - key.len();
        let mut block = Vec::new();
        while let Some(next) = lines.next_if(|next| next.is_empty() || indent(next) > depth) {
            block.push(next.trim().to_owned());
        }
        match command {
            "|" => commands.append(&mut block),
            ">" => commands.push(block.join(" ")),
            command => commands.push(command.to_owned()),
        }
    }
    commands
}

/// What a command names and the project does not have.
fn missing(command: &str) -> Vec<String> {
    let root = repository();
    let mut missing = Vec::new();
    let usage = text_of(".ci/xtask/main.rs");
    let words: Vec<&str> = command.split([' ', ';']).collect();
    for (index, word) in words.iter().enumerate() {
        let is_inside = [".ci/", "tests/", "samples/"]
            .iter()
            .any(|folder| word.starts_with(folder));
        if is_inside && !root.join(word).is_file() {
            missing.push((*word).to_owned());
        }
        let task = words.get(index + 2).copied().unwrap_or_default();
        if words[index..].starts_with(&["cargo", "xtask"])
            && !usage.contains(&format!("Usage: cargo xtask {task} "))
        {
            missing.push(format!("cargo xtask {task}"));
        }
    }
    let command = command
        .replace("& $program ", "rosterpatch ")
        .replace("unpacked/rosterpatch ", "rosterpatch ");
    for call in calls(&command) {
        let parsed = rosterpatch::cli::command().try_get_matches_from(&call);
        missing.extend(parsed.err().map(|error| error.to_string()));
    }
    missing
}

#[test]
fn the_project_has_what_the_workflows_run() {
    let mut all = Vec::new();
    for path in workflows() {
        all.extend(commands(&std::fs::read_to_string(&path).unwrap()));
    }
    let wrong: Vec<String> = all.iter().flat_map(|command| missing(command)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    for command in [".ci/run", "cargo xtask dist", "tests/packages"] {
        assert!(all.iter().any(|one| one == command), "{command}: {all:?}");
    }
    let calls: usize = all
        .iter()
        .filter(|one| one.contains("--target meitner"))
        .count();
    assert!(calls >= 3, "{all:?}");
}

#[test]
fn a_command_that_the_project_does_not_have_is_found() {
    for (command, found) in [
        ("tests/packages --all", 0),
        ("tests/parcels", 1),
        ("cargo xtask dist x86_64-unknown-linux-musl", 0),
        ("cargo xtask publish", 1),
        (
            "& $program check samples/students-clean.csv --target meitner",
            0,
        ),
        ("& $program check samples/none.csv --targets meitner", 2),
    ] {
        assert_eq!(missing(command).len(), found, "{command}");
    }
    let steps = "    - run: >\n        a\n        b\n      if: x\n    - name: y\n      run: |\n        c\n\n        d\n    - run: e\n";
    assert_eq!(commands(steps), ["a b", "c", "", "d", "e"]);
}

#[test]
fn the_workflows_use_the_versions_and_tools_of_the_project() {
    let manifest: toml::Table = text_of("Cargo.toml").parse().unwrap();
    let rust = manifest["package"]["rust-version"].as_str().unwrap();
    let usage = text_of(".ci/xtask/main.rs");
    for path in workflows() {
        let text = std::fs::read_to_string(&path).unwrap();
        let images: Vec<&str> = text
            .lines()
            .filter(|line| line.contains("image: "))
            .collect();
        let image = format!("image: rust:{rust}-");
        assert!(
            images.iter().all(|line| line.contains(&image)),
            "{images:?}"
        );
        for tools in text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("TOOLS: "))
        {
            let names = tools.split(' ').filter_map(|tool| tool.split_once('@'));
            let names: Vec<&str> = names.map(|(name, _)| name).collect();
            let needs = format!("cargo install --locked {}\n", names.join(" "));
            assert!(usage.contains(&needs), "{needs}");
        }
    }
}

#[test]
fn the_workflows_have_the_form_that_the_forge_publishes() {
    let Some(python) = python() else { return };
    let checked = Command::new(python)
        .args([
            "-m",
            "check_jsonschema",
            "--builtin-schema",
            "vendor.github-workflows",
        ])
        .args(workflows())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{told}");
}
