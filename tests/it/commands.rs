//! Commands that send nothing, such as `check`, `template`, `targets` and `doctor`.

use std::time::Duration;

use crate::harness::{
    Folder, Server, identity_number, plain_id, plain_roster, respond, sandbox_holding, stderr,
    stdout,
};
use crate::machine::has_command;

#[test]
fn check_reports_what_was_read_and_its_problems() {
    let folder = Folder::new();
    folder.sample("elever-2026-ht.csv");
    let output = folder.run("check elever-2026-ht.csv --target meitner");
    assert_eq!(output.status.code(), Some(3));
    insta::assert_snapshot!(stdout(&output));
    assert!(
        !folder.path("state").exists(),
        "a check leaves nothing behind"
    );

    let output = folder.run("check elever-2026-ht.csv --target meitner --format json");
    let summary: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(summary["rows"], 500);
    assert_eq!(
        (&summary["invalid"], &summary["not_sent"]),
        (&12.into(), &488.into())
    );
    assert_eq!(summary["problems"], 12);
    assert_eq!(summary["exit_code"], 3);
    assert_eq!(summary["sha256"].as_str().unwrap().len(), 64);

    folder.sample("students-clean.csv");
    let output = folder.run("check students-clean.csv --target meitner");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("no problems"));
}

#[test]
fn changes_by_spreadsheets_are_recognized() {
    let folder = Folder::new();
    let mut text =
        "Elev-ID;Personnummer;Förnamn;Efternamn;Kommunkod;Mobil;Födelsedatum\n".to_owned();
    let cells = [
        (identity_number(1), "184", "701740605", "2.4.2010"),
        (identity_number(2), "0184", "46701740605", "25/12/2010"),
        ("2,01004E+11".into(), "0184", "", ""),
        (identity_number(4), "0184", "", "40270"),
        (identity_number(5), "0184", "4,67017E+10", "01/02/2010"),
        (identity_number(6), "=\"0184\"", "", ""),
        (identity_number(7), "=B2", "", ""),
    ];
    for (row, (number, municipality, phone, date)) in cells.iter().enumerate() {
        let id = plain_id(row + 1);
        text.push_str(&format!(
            "{id};{number};Åsa;LindstrÃ¶m;{municipality};{phone};{date}\n"
        ));
    }
    let text = text.replacen("LindstrÃ¶m", "Ek", 4);
    folder.write("r.csv", text);
    let output = folder.run("check r.csv --target meitner --problems p.csv");
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let said = stdout(&output);
    for repair in [
        "municipality_code.leading_zero",
        "phone.leading_zero",
        "phone.leading_plus",
        "date.day_month_order",
        "text.formula",
    ] {
        assert!(said.contains(repair), "{repair} not in {said}");
    }
    let found: Vec<(String, String)> = folder.csv("p.csv", b';')[1..]
        .iter()
        .map(|row| (row[0].clone(), row[4].clone()))
        .collect();
    let expected: Vec<(String, String)> = [
        ("3", "identity_number.scientific"),
        ("4", "date.serial_number"),
        ("5", "text.mojibake"),
        ("5", "date.day_month_order"),
        ("5", "phone.scientific"),
        ("6", "text.mojibake"),
        ("7", "text.mojibake"),
        ("7", "text.formula"),
    ]
    .map(|(row, code)| (row.to_owned(), code.to_owned()))
    .into();
    assert_eq!(found, expected);
}

#[test]
fn a_template_is_a_valid_roster() {
    let folder = Folder::new();
    let targets = ["meitner", "pathwright"];
    let languages = ["", " --headers sv", " --headers en"];
    for (target, arguments) in targets.iter().flat_map(|t| languages.map(|l| (t, l))) {
        let output = folder.run(&format!("template --target {target} --example{arguments}"));
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        folder.write("t.csv", &output.stdout);
        let output = folder.run(&format!("check t.csv --target {target}"));
        assert_eq!(
            output.status.code(),
            Some(0),
            "{arguments}: {}",
            stdout(&output)
        );
        assert!(
            !stdout(&output).contains("ignored"),
            "every column is known"
        );
    }
    let header = stdout(&folder.run("template --target meitner"));
    assert!(header.starts_with("id,identity_number,first_name,last_name,"));
    let swedish = stdout(&folder.run("template --target meitner --headers sv"));
    assert!(
        swedish.starts_with("\u{FEFF}Meitner-ID;Personnummer;Förnamn;"),
        "{swedish}"
    );
    assert_eq!(
        folder
            .run("template --target meitner --headers xx")
            .status
            .code(),
        Some(2)
    );
}

#[test]
fn targets_are_listed_and_shown() {
    let folder = Folder::new();
    assert!(stdout(&folder.run("targets")).contains("meitner"));
    let shown = stdout(&folder.run("targets show meitner"));
    for part in [
        "api.staging.meitner.se",
        "1500 requests / h",
        "MEITNER_CLIENT_SECRET",
        "Personnummer",
    ] {
        assert!(shown.contains(part), "{part} not in {shown}");
    }
    let file = stdout(&folder.run("targets show meitner --toml"));
    folder.write(
        "mine.toml",
        file.replace("name = \"meitner\"", "name = \"mine\""),
    );
    assert!(stdout(&folder.run("targets show mine.toml")).starts_with("mine: "));
    folder.write(
        "bad.toml",
        file.replace("kind = \"uuid\"", "kind = \"guid\""),
    );
    let output = folder.run("targets show bad.toml");
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    let kind = file.lines().position(|line| line == "kind = \"uuid\"");
    let place = format!("--> bad.toml:{}:8", kind.unwrap() + 1);
    assert!(text.contains(&place) && text.contains("guid"), "{text}");
}

#[test]
fn a_column_mapping_can_be_set_in_the_config_file() {
    let folder = Folder::new();
    folder.write(
        "r.csv",
        format!(
            "Nyckel,Personnummer,Förnamn,Efternamn,Extra\n{},{},Åsa,Ek,skola\n",
            plain_id(1),
            identity_number(1)
        ),
    );
    let config = "target = \"meitner\"\n[map]\nNyckel = \"id\"\n[profile.solna.map]\nExtra = \"external_source_id\"\n";
    folder.write("rosterpatch.toml", config);
    let output = folder.run("check r.csv");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("Extra                        (ignored)"));
    let output = folder.run("check r.csv --profile solna");
    assert!(stdout(&output).contains("Extra                        external_source_id"));
    // The command line overrides the profile, and the profile overrides the config file.
    let output = folder.run("check r.csv --profile solna --map Extra=gender");
    assert_eq!(output.status.code(), Some(3), "{}", stdout(&output));
    assert_eq!(
        folder.run("check r.csv --profile umea").status.code(),
        Some(2)
    );

    folder.write("bad.toml", "target = \"meitner\"\nraet = \"1/h\"\n");
    let output = folder.run("check r.csv --config bad.toml");
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(
        text.contains("--> bad.toml:2:1") && text.contains("raet"),
        "{text}"
    );
}

#[test]
fn runs_are_listed_shown_and_reported_again() {
    let folder = Folder::new();
    folder.sample("elever-2026-ht.csv");
    folder.run("import elever-2026-ht.csv --target meitner --sandbox");
    let listed = folder.runs();
    assert_eq!(listed.lines().count(), 1, "below the header");
    for part in ["finished", "meitner", "elever-2026-ht.csv", "500        17"] {
        assert!(listed.contains(part), "{part} not in {listed}");
    }
    let shown = stdout(&folder.run("show --format json"));
    let summary: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(
        summary["updated"].as_u64().unwrap() + summary["unchanged"].as_u64().unwrap(),
        483
    );
    assert_eq!(listed.split(' ').next(), summary["run"].as_str());

    let first = std::fs::read(folder.path("elever-2026-ht.results.csv")).unwrap();
    let output = folder.run("report --results again.csv --failed f.csv --report r.html");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(std::fs::read(folder.path("again.csv")).unwrap(), first);
    folder.write("elever-2026-ht.csv", "something else");
    let output = folder.run("report");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(folder.run("show nobody").status.code(), Some(1));
}

#[test]
fn completions_and_manual_pages_are_generated() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(stdout(&folder.run(&format!("completions {shell}"))).contains("rosterpatch"));
    }
    let root = stdout(&folder.run("man"));
    assert!(root.contains(".TH ROSTERPATCH 1"), "{root}");
    let output = folder.run("man --out share/man1");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let pages: Vec<_> = std::fs::read_dir(folder.path("share/man1"))
        .unwrap()
        .collect();
    assert!(pages.len() >= 19, "{}", pages.len());
    for page in pages {
        let path = page.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for section in ["NAME", "SYNOPSIS", "EXIT STATUS", "FILES", "EXAMPLES"] {
            assert!(
                text.contains(&format!(".SH {section}"))
                    || text.contains(&format!(".SH \"{section}\"")),
                "{}: {section}",
                path.display()
            );
        }
        // groff accepts every page without a warning.
        if has_command("groff", "groff") {
            let judged = folder
                .command_by("groff")
                .args(["-man", "-Tutf8", "-ww"])
                .arg(&path)
                .output()
                .unwrap();
            assert!(
                judged.status.success() && judged.stderr.is_empty(),
                "{}: {}",
                path.display(),
                stderr(&judged)
            );
        }
    }
    assert_eq!(folder.run("man nonsense").status.code(), Some(2));
}

#[test]
fn the_doctor_reports_what_would_stop_an_import() {
    let folder = Folder::new();
    let (_sandbox, base_url, _stop) = sandbox_holding(&plain_roster(3), Duration::ZERO);
    let examine = |base_url: &str, more: &[&str]| {
        let arguments = ["doctor", "--target", "meitner", "--base-url", base_url];
        let output = folder.with_sandbox(&[&arguments, more].concat());
        (output.status.code(), stdout(&output))
    };
    let (code, told) = examine(&base_url, &[]);
    assert_eq!(code, Some(0), "{told}");
    for part in [
        "✓ config",
        "✓ journal",
        "✓ target       Meitner Directory API",
        "✓ credentials  set in MEITNER_",
        "✓ network",
        "✓ sign-in",
        "✓ reading      students",
        "✓ clock",
        "✓ quota",
    ] {
        assert!(told.contains(part), "{part} not in {told}");
    }
    let (code, told) = examine(&base_url, &["--lang", "sv"]);
    assert!(
        code == Some(0) && told.contains("✓ inloggningsuppgifter"),
        "{told}"
    );

    // No server, refused credentials, no permission to read, a server error, and a clock that is an hour off.
    let (code, told) = examine("http://127.0.0.1:1", &[]);
    assert_eq!(code, Some(6));
    assert!(told.contains("✗ network"), "{told}");
    for (status, part) in [(401, "✗ sign-in"), (403, "--blind"), (500, "✗ reading")] {
        let server = Server::start(move |_| respond(status, &[], "{}"));
        let (code, told) = examine(&server.base_url, &[]);
        assert_eq!(code, Some(6), "{told}");
        assert!(told.contains(part), "{part} not in {told}");
        assert_eq!(server.seen().len(), 1, "asked once");
    }
    let server = Server::start(|_| {
        let old = [("Date", "Mon, 17 Aug 2026 16:32:00 GMT")];
        respond(200, &old, r#"{"data":[],"total":0}"#)
    });
    let (code, told) = examine(&server.base_url, &[]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("✗ clock"), "{told}");

    let without = folder.run("doctor --target meitner --base-url http://127.0.0.1:1");
    assert_eq!(without.status.code(), Some(6));
    let told = stdout(&without);
    assert!(
        told.contains("✗ credentials") && told.contains("MEITNER_CLIENT_SECRET"),
        "{told}"
    );
    assert!(
        told.contains("✗ network") && told.contains("? sign-in"),
        "{told}"
    );
    folder.write("rosterpatch.toml", "raet = \"1/h\"\n");
    let wrong = folder.run("doctor --target meitner");
    assert_eq!(wrong.status.code(), Some(1));
    assert!(
        stdout(&wrong).contains("did you mean `rate`?"),
        "{}",
        stdout(&wrong)
    );
}

#[test]
fn the_doctor_detects_a_server_that_is_not_the_api() {
    let folder = Folder::new();
    let page: &[(&str, &str)] = &[("content-type", "text/html")];
    for (status, headers, body, part) in [
        (
            200,
            page,
            "<html>Log in</html>",
            "it is not JSON (HTTP 200)",
        ),
        (200, &[], r#"{"items":[]}"#, "no list of records at /data"),
        (302, &[("location", "/login")], "", "a redirect (HTTP 302)"),
    ] {
        let server = Server::start(move |_| respond(status, headers, body));
        let arguments = ["doctor", "--target", "meitner", "--base-url"];
        let output = folder.with_sandbox(&[&arguments[..], &[&server.base_url]].concat());
        let told = stdout(&output);
        assert_eq!(output.status.code(), Some(1), "{told}");
        let said = "Something else answers at";
        for part in ["✓ network", "✗ ", part, said, &server.base_url] {
            assert!(told.contains(part), "{part} not in {told}");
        }
        assert!(!told.contains("✓ reading"), "{told}");
    }
}

#[test]
fn the_doctor_checks_every_profile_and_exits_with_the_worst_code() {
    let folder = Folder::new();
    let (_sandbox, base_url, _stop) = sandbox_holding(&plain_roster(3), Duration::ZERO);
    let ek = format!("target = \"meitner\"\n[profile.ek]\nbase_url = \"{base_url}\"\n");
    let al = "[profile.al]\nbase_url = \"http://127.0.0.1:1\"\n\
        credentials = { MEITNER_CLIENT_SECRET = \"AL_SECRET\" }\n";
    let examine = |config: String, more: &[&str]| {
        folder.write("rosterpatch.toml", config);
        let output = folder.with_sandbox(&[&["doctor", "--all-profiles"], more].concat());
        let told = format!("{}{}", stdout(&output), stderr(&output));
        (output.status.code(), told)
    };
    let (code, told) = examine(ek.clone(), &[]);
    assert_eq!(code, Some(0), "{told}");
    let (code, told) = examine(format!("{ek}{al}"), &[]);
    assert_eq!(code, Some(6), "{told}");
    let (of_al, of_ek) = told.split_once("Profile ek\n").unwrap();
    assert!(of_al.starts_with("Profile al\n"), "{told}");
    assert!(
        of_al.contains("AL_SECRET") && of_al.contains("✗ network"),
        "{told}"
    );
    assert!(
        !of_ek.contains("AL_SECRET") && of_ek.contains("✓ reading"),
        "{told}"
    );
    // A local fault determines the exit code before an API's refusal does.
    let broken = "metrics = \"none/rosterpatch.prom\"\n\
        notify = { url = \"http://127.0.0.1:1/hunter2\", command = [\"no-such-command\", \"hunter2\"] }\n";
    let (code, told) = examine(format!("{broken}{ek}{al}"), &[]);
    assert_eq!(code, Some(1), "{told}");
    for part in [
        "✗ metrics",
        "✗ notify.url",
        "127.0.0.1: connection refused",
        "✗ notify.command",
        "no-such-command",
    ] {
        assert_eq!(told.matches(part).count(), 2, "{part} not in {told}");
    }
    assert!(!told.contains("hunter2"), "{told}");

    let (code, told) = examine("target = \"meitner\"\n".to_owned(), &[]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("no profiles"), "{told}");
    let (code, told) = examine(ek, &["--profile", "ek"]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("--profile"), "{told}");
}

#[test]
fn a_misspelled_variable_or_allowance_exits_with_2() {
    let folder = Folder::new();
    folder.write("m.csv", "external_id,first_name\n1,Åsa\n");
    for arguments in [
        "--var integration=foo",
        "--var shool=oakwood",
        "--allow membership_type=x",
        "--allow role=admin",
    ] {
        let command = format!("import m.csv --target pathwright --sandbox {arguments}");
        let output = folder.run(&command);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments}: {}",
            stderr(&output)
        );
    }
    let output = folder
        .program()
        .args(["import", "m.csv", "--target", "pathwright", "--yes"])
        .env("PATHWRIGHT_API_TOKEN", "x")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("--var school="),
        "{}",
        stderr(&output)
    );
}

#[test]
fn commands_reject_options_that_they_do_not_support() {
    let folder = Folder::new();
    let refused = [
        "check r.csv --rate 5/s",
        "check r.csv --canary 3",
        "check r.csv --yes",
        "check r.csv --rows 1-2",
        "plan r.csv --canary 3",
        "plan r.csv --results x.csv",
        "sweep inbox --results one.csv",
        "watch inbox --report one.html",
        "import r.csv --settle 5s",
        "retry --run R --base-url http://127.0.0.1:1",
        "retry --run R --env nonsense",
        "retry --run R --target nosuch",
        "retry --run R --limit 1",
        "retry --run R --rows 9999",
        "retry --run R --var a=b",
        "retry --run R --trust-for banana",
        "retry r.csv --trust-for banana",
        "retry r.csv --var ab",
        "retry r.csv --allow ab",
        "undo R --rate 5/s",
        "resume R --base-url http://127.0.0.1:1",
        "import r.csv --delimiter ab",
        "import r.csv --encoding klingon",
        "import r.csv --base-url ftp://a",
        "import r.csv --timeout 0s",
        "import r.csv --dry-run",
    ];
    for arguments in refused {
        let output = folder.run(arguments);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments}: {}",
            stderr(&output)
        );
    }
    assert!(stderr(&folder.run("import r.csv --dry-run")).contains("rosterpatch plan r.csv"));
    assert!(stderr(&folder.run("import r.csv --share 50")).contains("as \"50%\""));
    // An option that names a missing file is rejected.
    folder.write("r.csv", plain_roster(1));
    let output = folder.run("retry r.csv --target meitner --sandbox --ca-cert none.pem");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("none.pem"));
    // `ROSTERPATCH_TARGET` is ignored if the run already determines the target.
    let output = folder
        .program()
        .args(["retry", "--run", "R"])
        .env("ROSTERPATCH_TARGET", "meitner")
        .output()
        .unwrap();
    assert!(
        stderr(&output).contains("no run \"R\""),
        "{}",
        stderr(&output)
    );
}

#[test]
fn help_is_grouped_fits_a_screen_and_its_examples_run() {
    let folder = Folder::new();
    let text = std::fs::read_to_string(folder.sample("students-clean.csv")).unwrap();
    folder.write("elever.csv", &text);
    std::fs::create_dir(folder.path("inbox")).unwrap();
    let headings = [
        "Roster:",
        "Delivery:",
        "Quota:",
        "Guards:",
        "Output:",
        "General:",
    ];
    let mut examples = 0;
    for command in [
        "check", "plan", "import", "retry", "sweep", "watch", "undo", "config",
    ] {
        let help = stdout(&folder.run(&format!("{command} -h")));
        let lines = help.lines().count();
        assert!(command != "import" || lines <= 60, "{lines}");
        let long = stdout(&folder.run(&format!("{command} --help")));
        for line in help.lines().chain(long.lines()) {
            assert!(line.chars().count() <= 80, "{command}: {line}");
        }
        let found: Vec<&str> = help
            .lines()
            .filter(|line| headings.contains(line))
            .collect();
        let order: Vec<&str> = headings
            .into_iter()
            .filter(|heading| found.contains(heading))
            .collect();
        assert_eq!(found, order, "{command}");
        if ["watch", "undo", "config"].contains(&command) {
            continue;
        }
        let lines = help.lines().skip_while(|line| !line.starts_with("Example"));
        for example in lines.filter_map(|line| line.trim().strip_prefix("rosterpatch ")) {
            let output = folder.run(example);
            assert!(
                matches!(output.status.code(), Some(0)),
                "{example}: {}",
                stderr(&output)
            );
            examples += 1;
        }
    }
    assert_eq!(examples, 5);
}

#[test]
fn config_file_errors_are_reported_with_their_line() {
    let folder = Folder::new();
    for (text, line, said) in [
        ("settle = \"banana\"", 1, "\"banana\" is not a time"),
        ("\ninterval = \"-5s\"", 2, "is not a time"),
        ("share = 50", 1, "as \"50%\""),
        ("share = \"0%\"", 1, "is not a share"),
        ("delimiter = \"ab\"", 1, "is not a delimiter"),
        ("encoding = \"klingon\"", 1, "is not an encoding"),
        ("\n\nbase_url = \"ftp://a\"", 3, "neither https nor http"),
        ("rate = \"fast\"", 1, "is not a rate"),
        ("timeout = \"0s\"", 1, "greater than 0"),
        ("empty = \"maybe\"", 1, "keep, clear"),
        ("concurrency = 0", 1, "zero"),
        ("max_invalid = \"many\"", 1, "neither a number of rows"),
        ("[profile.a]\ncanary = \"x\"", 2, "invalid digit"),
    ] {
        folder.write("rosterpatch.toml", text);
        for command in ["config", "check r.csv --target meitner"] {
            let output = folder.run(command);
            let why = stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{text}: {why}");
            assert!(
                why.contains(&format!("--> rosterpatch.toml:{line}:")) && why.contains(said),
                "{text}: {why}"
            );
        }
    }
    // Numbers are accepted as well as strings, and the values of the file take effect.
    folder.write(
        "rosterpatch.toml",
        "max_changes = 5\nstrict = true\nshare = \"80%\"\n[retention]\nvalues = \"90d\"",
    );
    let shown = stdout(&folder.run("config"));
    for (name, value) in [
        ("max_changes", "5"),
        ("strict", "true"),
        ("share", "80%"),
        ("retention.values", "90d"),
    ] {
        let line = shown.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(
            line.contains(value) && line.contains("rosterpatch.toml"),
            "{line}"
        );
    }
}

#[test]
fn a_mapping_of_a_missing_column_is_refused_with_its_source() {
    let folder = Folder::new();
    folder.write("r.csv", "id;E-post\n1;a@example.se\n");
    folder.write(
        "rosterpatch.toml",
        "target = \"meitner\"\n[map]\nNamn = \"first_name\"\n[profile.a.map]\nKlass = \"\"\n",
    );
    for (arguments, said) in [
        (
            "check r.csv",
            "rosterpatch.toml: [map] names the column \"Namn\"",
        ),
        (
            "check r.csv --map Namn=last_name",
            "--map names the column \"Namn\"",
        ),
        (
            "check r.csv --profile a",
            "rosterpatch.toml, profile a: [map] names the column \"Klass\"",
        ),
    ] {
        let output = folder.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments}");
        let told = stderr(&output);
        assert!(told.contains(said), "{arguments}: {told}");
    }
}

#[test]
fn the_json_schemas_accept_exactly_what_the_program_accepts() {
    let folder = Folder::new();
    let schema = |of: &str| -> serde_json::Value {
        let output = folder.run(&format!("targets schema {of}"));
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let of_target = jsonschema::validator_for(&schema("target")).unwrap();
    for (name, text) in rosterpatch::targets::BUILT_IN {
        let target: serde_json::Value = toml::from_str(text).unwrap();
        let wrong: Vec<String> = of_target
            .iter_errors(&target)
            .map(|error| error.to_string())
            .collect();
        assert!(wrong.is_empty(), "{name}: {wrong:?}");
        for (from, to) in [
            ("method =", "methd ="),
            ("kind = \"text\"", "kind = \"string\""),
            ("burst = ", "burst = \"x\" #"),
        ] {
            let broken = text.replacen(from, to, 1);
            let target: serde_json::Value = toml::from_str(&broken).unwrap();
            assert!(!of_target.is_valid(&target), "{name}: {to}");
        }
    }
    let of_config = jsonschema::validator_for(&schema("config")).unwrap();
    let config = "target = \"meitner\"\nconcurrency = 4\nstrict = true\nfiles = [\"a*.csv\"]\n\
        [map]\n\"Elev\" = \"id\"\n[notify]\nurl = \"https://example.se\"\n[profile.a]\nrate = \"1/s\"\n";
    let config: serde_json::Value = toml::from_str(config).unwrap();
    assert!(of_config.is_valid(&config));
    assert!(!of_config.is_valid(&serde_json::json!({"concurency": 4})));
    assert!(!of_config.is_valid(&serde_json::json!({"profile": {"a": {"rat": "1/s"}}})));
}

#[test]
fn every_error_in_a_target_or_config_file_is_shown_with_its_line() {
    let folder = Folder::new();
    let target = rosterpatch::targets::BUILT_IN[0].1;
    folder.write(
        "wrong.toml",
        target
            .replacen("kind = \"text\"", "kind = \"string\"", 1)
            .replacen("method =", "methd =", 1),
    );
    let output = folder.run("targets show wrong.toml");
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    for part in [
        "the target file wrong.toml has 2 mistakes",
        "methd = \"PATCH\"\n   | ^^^^^",
        "did you mean `method`?",
        "did you mean `text`?",
    ] {
        assert!(told.contains(part), "{part} not in {told}");
    }

    let from = target.find("kind = \"email\"").unwrap();
    let email = &target[from..];
    let start = email.find("\nexample = ").unwrap() + 1;
    let line = email[start..].lines().next().unwrap();
    folder.write(
        "example.toml",
        target.replacen(line, "example = \"anna@\"", 1),
    );
    let told = stderr(&folder.run("targets show example.toml"));
    assert!(told.contains("\"anna@\" has no domain"), "{told}");
    assert!(told.contains("example = \"anna@\"\n"), "{told}");

    folder.write(
        "rosterpatch.toml",
        "concurency = 3\n\n[profile.a]\nrate = \"5\"\n",
    );
    let output = folder.run("config");
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    for part in [
        "did you mean `concurrency`?",
        " --> rosterpatch.toml:4:8",
        "\"5\" is not a rate",
    ] {
        assert!(told.contains(part), "{part} not in {told}");
    }
}

#[test]
fn history_lists_a_persons_changes_by_file_and_can_forget_them() {
    let folder = Folder::new();
    folder.sample("elever-2026-ht.csv");
    let import = ["import", "elever-2026-ht.csv", "--target", "meitner"];
    let output = folder.with_sandbox(&[&import[..], &["--sandbox"]].concat());
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let results = folder.csv("elever-2026-ht.results.csv", b';');
    let of = |name: &str| results[0].iter().position(|other| other == name).unwrap();
    let updated = &results[1..];
    let updated = updated
        .iter()
        .find(|row| row[of("import_status")] == "updated");
    let row = updated.unwrap();
    let (number, line) = (&row[of("Personnummer")], &row[of("import_line")]);
    let changed = row[of("import_changed")].split(' ').count();

    let history = |arguments: &[&str]| {
        let mut program = folder.program();
        program.arg("history").args(arguments);
        if !arguments.contains(&"--forget") {
            program.arg("--rehearsals");
        }
        let output = program.output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    let text = history(&[number, "--out", "h.csv"]);
    let place = format!("line {line} of ");
    assert!(text.contains(&place), "{text}");
    assert!(text.contains("elever-2026-ht.csv"), "{text}");
    let held = folder.csv("h.csv", b',');
    let place_of = |name: &str| held[0].iter().position(|other| other == name).unwrap();
    let (kind, file) = (place_of("kind"), place_of("file"));
    let of_kind = |name: &str| held[1..].iter().filter(|line| line[kind] == name).count();
    assert_eq!(
        (of_kind("change"), of_kind("row")),
        (changed, 1),
        "{held:?}"
    );
    // Delete the roster and the files written beside it.
    let endings = [
        ".csv",
        ".results.csv",
        ".failed.csv",
        ".report.html",
        ".before.csv",
        ".new.csv",
    ];
    for ending in endings {
        let name = format!("elever-2026-ht{ending}");
        let files = held[1..].iter().filter(|line| line[kind] == "file");
        assert!(
            files.clone().any(|line| line[file].ends_with(&name)),
            "{name}"
        );
        assert_eq!(files.count(), endings.len(), "{held:?}");
    }
    // The accepted spellings of an identity number, then a rejected one.
    for spelling in [
        &number[2..],
        &number.replace('-', ""),
        &number[2..].replace('-', ""),
    ] {
        assert!(history(&[spelling]).contains(&place), "{spelling}");
    }
    assert!(history(&["20990101-0000"]).is_empty());

    assert!(history(&[number, "--forget"]).contains("1 row"));
    let text = history(&[&row[of("Elev-ID")]]);
    assert!(text.contains(&place), "{text}");
    let street = &row[of("Gatuadress")];
    assert!(
        !text.contains(street.as_str()) || street.is_empty(),
        "{text}"
    );
}
