//! The sandbox simulates any API that a target file describes.

use std::sync::Arc;
use std::time::Duration;

use rosterpatch::clock::SystemClock;
use rosterpatch::sandbox::{Description, Sandbox, SandboxOptions, TARGET_PATH};

use crate::harness::{
    Folder, plain_id, plain_roster, repository, seed_of, serve_sandbox_at, stderr, stdout,
};

/// Returns the built-in target as a custom target, with these replacements.
pub fn own_target(changes: &[(&str, &str)]) -> String {
    let mut text = rosterpatch::targets::BUILT_IN[0].1.to_owned();
    let own = [
        ("/directory/v1", "/own/v3"),
        ("name = \"meitner\"", "name = \"own\""),
    ];
    for (from, to) in own.iter().chain(changes) {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    // Single pages cannot be compared with the snapshot in every kind of paging.
    let start = text.find("[lookup.changes]").unwrap();
    let end = text.find("[[fields]]").unwrap();
    text.replace_range(start..end, "");
    text
}

pub fn playing(text: &str, roster: &str) -> Arc<Sandbox> {
    let options = SandboxOptions {
        depth: 1e9,
        interval: Duration::from_nanos(1),
        ..SandboxOptions::default()
    };
    let api = Description::parse(text).unwrap();
    Arc::new(Sandbox::playing(
        &options,
        api,
        &seed_of(roster),
        Arc::new(SystemClock),
    ))
}

#[test]
fn a_custom_target_runs_in_the_sandbox_from_plan_to_undo() {
    let folder = Folder::new();
    folder.write("own.toml", own_target(&[]));
    let roster = plain_roster(130);
    folder.write("r.csv", &roster);
    let sandbox = playing(&own_target(&[]), &roster);
    let (base_url, _stop) = serve_sandbox_at(sandbox.clone(), TARGET_PATH);
    let before = sandbox.any_records();
    let run = |arguments: &[&str]| {
        let to = ["--target", "own.toml", "--base-url", &base_url];
        let output = folder.with_sandbox(&[arguments, &to[..]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output)
    };
    let told = run(&["import", "r.csv", "--yes"]);
    assert!(
        told.contains("     44 updated\n       86 unchanged"),
        "{told}"
    );
    assert_eq!(sandbox.requests("update"), 44);
    let id = plain_id(1);
    assert_eq!(before[&id]["firstName"], serde_json::Value::Null);
    assert_eq!(sandbox.any_records()[&id]["firstName"], "Åsa");
    let told = run(&["import", "r.csv", "--yes"]);
    assert!(
        told.contains("    130 unchanged"),
        "only what differs: {told}"
    );
    assert_eq!(sandbox.requests("update"), 44);
}

#[test]
fn the_sandbox_simulates_every_kind_of_sign_in_and_paging() {
    let paging = "paging = { kind = \"offset\", limit = \"limit\", offset = \"offset\" }";
    for (changes, name) in [
        (vec![], "offset"),
        (
            vec![(paging, "paging = { kind = \"page\", parameter = \"sida\" }")],
            "page",
        ),
        (
            vec![(
                paging,
                "paging = { kind = \"next\", pointer = \"/meta/next\" }",
            )],
            "next",
        ),
        (
            vec![(
                paging,
                "paging = { kind = \"page\", parameter = \"sida\", first = 0 }",
            )],
            "page from 0",
        ),
        (
            vec![(
                paging,
                "paging = { kind = \"offset\", limit = \"count\", offset = \"startIndex\", first = 1 }",
            )],
            "offset from 1",
        ),
        (vec![(paging, "paging = { kind = \"link\" }")], "link"),
        (
            vec![(
                paging,
                "paging = { kind = \"cursor\", pointer = \"/meta/cursor\", parameter = \"from\", body = \"/cursor\" }",
            )],
            "cursor",
        ),
        (
            vec![(
                "records = \"/data\"",
                "records = \"/data\"\nsearch_names = \"dotted\"",
            )],
            "dotted",
        ),
        (
            vec![
                ("method = \"PATCH\"", "method = \"PUT\""),
                ("keep = [\"identity_temporary\"]\n", ""),
            ],
            "put",
        ),
    ] {
        let folder = Folder::new();
        let text = own_target(&changes);
        folder.write("own.toml", &text);
        let roster = plain_roster(120);
        folder.write("r.csv", &roster);
        let sandbox = playing(&text, &roster);
        let (base_url, _stop) = serve_sandbox_at(sandbox.clone(), TARGET_PATH);
        for (id, secret) in [
            ("MEITNER_CLIENT_CREDENTIALS", "MEITNER_CLIENT_SECRET"),
            ("MEITNER_CLIENT_ID", "MEITNER_CLIENT_SECRET"),
        ] {
            for key in ["id", "identity_number"] {
                let output = folder
                    .program()
                    .args(["plan", "r.csv", "--target", "own.toml", "--key", key])
                    .args(["--base-url", &base_url, "--format", "json"])
                    .env(id, "sandbox")
                    .env(secret, "sandbox")
                    .output()
                    .unwrap();
                assert_eq!(output.status.code(), Some(0), "{name}: {}", stderr(&output));
                let plan: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
                assert_eq!(
                    (&plan["to_send"], &plan["unchanged"]),
                    (&40.into(), &80.into()),
                    "{name}, {key}: {plan}"
                );
            }
        }
        let output = folder.with_sandbox(&[
            "import",
            "r.csv",
            "--target",
            "own.toml",
            "--base-url",
            &base_url,
            "--yes",
        ]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", stderr(&output));
        assert_eq!(sandbox.requests("update"), 40, "{name}");
    }
}

#[test]
fn a_simulated_api_has_the_record_versions_of_its_target_file() {
    let target = repository().join("samples/targets/skolkort.toml");
    let text = std::fs::read_to_string(target).unwrap();
    let lookup = r#"[lookup]
keys = ["card_id"]
read = "/cards/{card_id}"
list = "/cards"
records = "/data"
page_size = 50
paging = { kind = "link" }

[quota]
"#;
    for version in ["etag", "/meta/version"] {
        let replaces = format!("replaces = false\nif_match = \"{version}\"");
        let text = text.replace("replaces = false", &replaces);
        let folder = Folder::new();
        folder.write("own.toml", text.replace("[quota]\n", lookup));
        let header = "card_id,holder,code,limit,active,level\n";
        let rows = "1,Åsa Ek,AB123,200,true,pupil\n2,Bo Ek,AB124,200,true,pupil\n";
        folder.write("cards.csv", format!("{header}{rows}"));
        let output = folder.run("import cards.csv --target own.toml --sandbox");
        assert_eq!(
            output.status.code(),
            Some(0),
            "{version}: {}",
            stderr(&output)
        );
        let states = folder.csv("cards.results.csv", b',');
        let updated = states.iter().flatten().any(|cell| cell == "updated");
        assert!(updated, "{version}: {states:?}");
    }
}

#[test]
fn a_simulated_api_rejects_values_by_its_target_file() {
    let folder = Folder::new();
    let target = repository().join("samples/targets/skolkort.toml");
    let text = std::fs::read_to_string(target).unwrap();
    folder.write("skolkort.toml", &text);
    let header = "card_id,holder,code,limit,active,level\n";
    let rows = "1,Åsa Ek,AB123,200,true,pupil\n2,Bo Ek,AB124,200,true,pupil\n";
    folder.write("cards.csv", format!("{header}{rows}"));
    let output = folder.run("import cards.csv --target skolkort.toml --sandbox");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));

    let sandbox = playing(&text, &format!("{header}{rows}"));
    let (base_url, _stop) = serve_sandbox_at(sandbox.clone(), TARGET_PATH);
    folder.write(
        "cards.csv",
        format!("{header}{rows}3,Cia Ek,AB125,200,true,pupil\n"),
    );
    let import = |token: &str| {
        folder
            .program()
            .args([
                "import",
                "cards.csv",
                "--target",
                "skolkort.toml",
                "--fresh",
            ])
            .args(["--base-url", &base_url, "--yes"])
            .env("SKOLKORT_TOKEN", token)
            .output()
            .unwrap()
    };
    let refused = import("wrong");
    assert_eq!(refused.status.code(), Some(6), "{}", stderr(&refused));
    let output = import("sandbox");
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let results = folder.csv("cards.results-3.csv", b',');
    let last = results[3].join("|");
    assert!(
        last.contains("rejected|404") && last.contains("There is no such record"),
        "{last}"
    );
}

#[test]
fn a_path_like_a_built_in_apis_does_not_select_its_simulation() {
    let folder = Folder::new();
    let text = rosterpatch::targets::BUILT_IN[0].1;
    let text = text
        .replace("name = \"meitner\"", "name = \"other\"")
        .replace("\"/student", "\"/users");
    assert!(text.contains("/directory/v1\"") && text.contains("\"/users/{id}\""));
    folder.write("other.toml", &text);
    folder.write("r.csv", plain_roster(9));
    let output = folder.run("import r.csv --target other.toml --sandbox --format json");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let address = summary["base_url"].as_str().unwrap();
    assert!(address.ends_with(TARGET_PATH), "{address}");
    assert_eq!(summary["updated"], 3, "{summary}");
}
