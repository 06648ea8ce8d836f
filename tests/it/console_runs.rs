//! Runs in the console: held ones are declined, people of an undo are chosen, rehearsals are marked, and people are
//! found by name.

use std::sync::Arc;

use rosterpatch::sandbox::Sandbox;
use serde_json::Value as Json;
use tokio::sync::oneshot;

use crate::console::{Console, hidden, status};
use crate::harness::{
    Folder, identity_number, import_of, plain_id, plain_roster, sandbox_holding, signal, stderr,
    stdout,
};

/// A school with two classes, whose first names the roster changes.
struct School {
    folder: Folder,
    sandbox: Arc<Sandbox>,
    base_url: String,
    rows: usize,
    _stop: oneshot::Sender<()>,
}

const PEOPLE: [(&str, &str, &str); 5] = [
    ("Anna", "Ek", "7A"),
    ("Bo", "Alm", "7A"),
    ("Anna-Karin", "Lind", "7B"),
    ("Dana", "Holm", "7B"),
    ("Eli", "Ström", "7B"),
];

impl School {
    fn new() -> School {
        School::of(&PEOPLE)
    }

    fn of(people: &[(&str, &str, &str)]) -> School {
        let folder = Folder::new();
        let mut roster = String::from("id,identity_number,first_name,last_name,Klass\n");
        for (row, (first, last, class)) in (1..).zip(people) {
            let (id, number) = (plain_id(row), identity_number(row));
            roster.push_str(&format!("{id},{number},{first},{last},{class}\n"));
        }
        folder.write("r.csv", roster);
        let (sandbox, base_url, stop) =
            sandbox_holding(&plain_roster(people.len()), std::time::Duration::ZERO);
        School {
            folder,
            sandbox,
            base_url,
            rows: people.len(),
            _stop: stop,
        }
    }

    /// Imports the roster, and returns the run.
    fn import(&self, more: &[&str], code: i32) -> String {
        let import = import_of(&self.base_url);
        let own = ["--format", "json", "--max-identity-changes", "100"];
        let output = self
            .folder
            .with_sandbox(&[&import[..], &own, more].concat());
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        let summary: Json = serde_json::from_slice(&output.stdout).unwrap();
        summary["run"].as_str().unwrap().to_owned()
    }

    fn console(&self, language: &str) -> Console {
        let place = ["--target", "meitner", "--base-url", &self.base_url];
        Console::open(&self.folder, &[&place[..], &["--lang", language]].concat())
    }

    fn first_names(&self) -> Vec<String> {
        let students = self.sandbox.students();
        let name = |row| {
            let name = &students[plain_id(row)]["firstName"];
            name.as_str().unwrap().to_owned()
        };
        (1..=self.rows).map(name).collect()
    }
}

#[test]
fn a_held_run_is_declined_and_nothing_of_it_is_sent() {
    for (language, declined, question, note, rows) in [
        (
            "en",
            "The run is declined. Nothing was sent.",
            "cannot be approved afterwards",
            "Note: fel fil",
            "5 rows",
        ),
        (
            "sv",
            "Körningen är avböjd. Inget har skickats.",
            "kan inte godkännas efteråt",
            "Anteckning: fel fil",
            "5 rader",
        ),
    ] {
        let school = School::new();
        let run = school.import(&["--max-changes", "1"], 4);
        let console = school.console(language);
        let cookie = console.enter();
        let path = format!("/runs/{run}");
        let page = console.get(&cookie, &path);
        assert!(
            page.contains("value=\"decline\"") && page.contains(question),
            "{page}"
        );
        // Approving and declining share one note.
        assert_eq!(page.matches("name=\"note\"").count(), 1, "{page}");
        let act = format!("{path}/do");
        let answer = console.post(&cookie, &act, "what=decline&note=fel+fil");
        assert_eq!(status(&answer), 303, "{answer}");
        let page = console.get(&cookie, &path);
        assert!(page.contains(declined) && page.contains(note), "{page}");
        // The note and the number of rows tell runs of files with the same name apart.
        let runs = console.get(&cookie, "/runs");
        assert!(runs.contains(note) && runs.contains(rows), "{runs}");
        assert!(!page.contains("value=\"approve\""), "{page}");
        // The rows are in the results as not sent.
        let results = std::fs::read_to_string(school.folder.path("r.results.csv")).unwrap();
        assert_eq!(
            results.matches("not_sent,,run.declined").count(),
            5,
            "{results}"
        );
        // Nothing approves it, here or at the command line.
        console.post(&cookie, &act, "what=approve");
        let page = console.once(&cookie, "/run", "class=\"wrong");
        assert!(!page.contains("value=\"pause\""), "{page}");
        for command in ["approve", "decline"] {
            let mut arguments = vec![command, &run];
            arguments.extend((command == "decline").then_some("--yes"));
            let output = school.folder.with_sandbox(&arguments);
            assert!(!output.status.success(), "{command}: {}", stdout(&output));
        }
        assert_eq!(school.sandbox.requests("update"), 0);
        // The start page asks for nothing more.
        assert!(!console.get(&cookie, "/").contains(&run));
    }
}

#[test]
fn a_run_is_declined_at_the_command_line_once_that_is_confirmed() {
    let school = School::new();
    let run = school.import(&["--max-changes", "1"], 4);
    let decline = |more: &[&str]| {
        let arguments = [&["decline", &run][..], more].concat();
        school.folder.with_sandbox(&arguments)
    };
    let output = decline(&[]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let output = decline(&["--yes"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("r.results.csv"),
        "{}",
        stdout(&output)
    );
    let shown = stdout(&school.folder.run(&format!("show {run} --format json")));
    let shown: Json = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["state"], "declined");
    assert_eq!(shown["stop"]["code"], "run.declined");
    let output = decline(&["--yes"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    // The file can be imported again.
    school.import(&[], 0);
    assert_eq!(school.sandbox.requests("update"), 5);
}

#[test]
fn an_undo_covers_the_chosen_people_and_the_others_can_be_undone_later() {
    for (language, field, partly, one_of, send, left, ended, restored, to_restore) in [
        (
            "en",
            "First name",
            "partly undone",
            "Chosen: 1 of 5",
            ">Put back 1 change<",
            "Undo the 4 people that are left",
            "Ended",
            "3 restored",
            "</b> to restore",
        ),
        (
            "sv",
            "Förnamn",
            "delvis ångrad",
            "Valda: 1 av 5",
            ">Återställ 1 ändring<",
            "Ångra för de 4 personer som är kvar",
            "Avslutad",
            "3 återställda",
            "</b> att återställa",
        ),
    ] {
        let school = School::new();
        let run = school.import(&[], 0);
        let after: Vec<&str> = PEOPLE.iter().map(|(first, ..)| *first).collect();
        assert_eq!(school.first_names(), after);
        let console = school.console(language);
        let cookie = console.enter();
        let act = format!("/runs/{run}/do");
        let asked = || console.once(&cookie, "/undo", "name=\"consent\"");
        let answer = |page: &str, form: &str| {
            let form = format!("run={}&{form}", hidden(page, "run"));
            console.post(&cookie, "/plan/answer", &form)
        };
        console.post(&cookie, &act, "what=undo");
        let page = asked();
        assert!(
            page.contains("Anna-Karin Lind") && page.contains("7B (3)"),
            "{page}"
        );
        assert!(page.contains(to_restore), "{page}");
        // The file of an undo has the fields' own names as headers, which the page does not show.
        assert!(
            page.contains(&format!("<li>{field}: <del>")) && !page.contains("first_name"),
            "{page}"
        );
        // No one is ticked, then one class, then that class without two people.
        answer(&page, "consent=untick");
        let page = asked();
        let refused = answer(&page, "consent=all");
        assert_eq!(status(&refused), 400, "{refused}");
        answer(&page, "go=class%3D7B");
        let page = console.get(&cookie, "/undo?class=7B");
        assert!(
            page.contains("Dana Holm") && !page.contains("Bo Alm"),
            "{page}"
        );
        answer(&page, "consent=tick&class=7B");
        let page = console.get(&cookie, "/undo?class=7B");
        answer(&page, "shown-3=1&shown-5=1&go=");
        let page = asked();
        assert!(page.contains(one_of) && page.contains(send), "{page}");
        // One confirmation restores exactly this person.
        assert_eq!(school.first_names(), after);
        let answered = answer(&page, "shown-4=1&chosen-4=1&consent=all");
        assert!(answered.contains("/run\r\n"), "{answered}");
        console.once(&cookie, "/run", &format!(">{ended}<"));
        assert_eq!(
            school.first_names(),
            ["Anna", "Bo", "Anna-Karin", "Åsa", "Eli"]
        );
        let page = console.get(&cookie, &format!("/runs/{run}"));
        assert!(page.contains(partly) && page.contains(left), "{page}");
        assert!(console.get(&cookie, "/runs").contains(partly));

        // No person is undone twice, and the others are undone later.
        let again = school
            .folder
            .with_sandbox(&["undo", &run, "--rows", "4", "--yes"]);
        assert_ne!(again.status.code(), Some(0), "{}", stdout(&again));
        let one = school
            .folder
            .with_sandbox(&["undo", &run, "--rows", "1", "--yes"]);
        assert_eq!(one.status.code(), Some(0), "{}", stderr(&one));
        assert!(stdout(&one).contains(" 1 restored"), "{}", stdout(&one));
        console.post(&cookie, &act, "what=undo");
        let page = asked();
        for (first, last, _) in [PEOPLE[0], PEOPLE[3]] {
            assert!(!page.contains(&format!("{first} {last}")), "{page}");
        }
        answer(&page, "consent=all");
        let page = console.once(&cookie, "/run", &format!(">{ended}<"));
        assert!(page.contains(restored), "{page}");
        let runs = school.folder.runs();
        let undo = runs.split_whitespace().next().unwrap();
        for path in [&*format!("/runs/{undo}"), "/runs"] {
            let page = console.get(&cookie, path);
            assert!(page.contains(restored), "{path}: {page}");
        }
        assert_eq!(school.first_names(), ["Åsa"; 5]);
        let page = console.get(&cookie, &format!("/runs/{run}"));
        assert!(
            !page.contains(partly) && !page.contains("value=\"undo\""),
            "{page}"
        );
        let undo = school.folder.runs();
        let last = undo.split_whitespace().next().unwrap();
        // Another undo of the whole run finds nothing to restore.
        let again = school.folder.with_sandbox(&["undo", &run, "--yes"]);
        assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
        assert_eq!(school.first_names(), ["Åsa"; 5]);
        // What an undo of an undo brings back can be undone again.
        let output = school.folder.with_sandbox(&["undo", last, "--yes"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(
            school.first_names(),
            ["Åsa", "Bo", "Anna-Karin", "Åsa", "Eli"]
        );
        let output = school.folder.with_sandbox(&["undo", &run, "--yes"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(school.first_names(), ["Åsa"; 5]);
    }
}

#[test]
fn an_undo_whose_values_changed_since_the_choice_asks_again_and_can_be_left_and_declined() {
    for (language, changed, state, title) in [
        (
            "en",
            "The values have changed since you made your choice",
            "waits for your answer",
            "<h1>Undo of the run from",
        ),
        (
            "sv",
            "Värdena har ändrats sedan du gjorde ditt val",
            "väntar på ditt svar",
            "<h1>Ångra körningen från",
        ),
    ] {
        let school = School::new();
        let run = school.import(&[], 0);
        let console = school.console(language);
        let cookie = console.enter();
        console.post(&cookie, &format!("/runs/{run}/do"), "what=undo");
        let page = console.once(&cookie, "/undo", "name=\"consent\"");
        assert!(!page.contains(changed), "{page}");
        // Another import changes one of the two.
        let text = std::fs::read_to_string(school.folder.path("r.csv")).unwrap();
        let line = |line: &&str| line.contains("Dana");
        let header = text.lines().next().unwrap();
        let other = text.lines().find(line).unwrap().replace("Dana", "Diana");
        school
            .folder
            .write("other.csv", format!("{header}\n{other}\n"));
        let import = import_of(&school.base_url).map(|part| match part {
            "r.csv" => "other.csv",
            part => part,
        });
        let more = ["--max-identity-changes", "100"];
        let output = school.folder.with_sandbox(&[&import[..], &more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let before = school.first_names();
        let form = format!(
            "run={}&shown-1=1&shown-2=1&shown-5=1&consent=all",
            hidden(&page, "run")
        );
        console.post(&cookie, "/plan/answer", &form);
        let page = console.once(&cookie, "/undo", changed);
        assert!(page.contains("Dana") && !page.contains("Bo Alm"), "{page}");
        assert_eq!(school.first_names(), before);
        // The history shows the unanswered undo, and its page leads back to it.
        let undo = hidden(&page, "run");
        let runs = console.get(&cookie, "/runs");
        assert!(runs.contains(undo) && runs.contains(state), "{runs}");
        let path = format!("/runs/{undo}");
        let page = console.get(&cookie, &path);
        for part in [state, title, "/undo\"", "value=\"no\""] {
            assert!(page.contains(part), "{part}: {page}");
        }
        let form = format!("run={undo}&consent=no");
        let answered = console.post(&cookie, "/plan/answer", &form);
        assert!(answered.contains(&format!("/runs/{run}\r\n")), "{answered}");
        console.once(&cookie, "/run", "data-end=\"\"");
        let runs = console.get(&cookie, "/runs");
        assert!(!runs.contains(state), "{runs}");
        assert_eq!(school.first_names(), before);
    }
}

#[test]
fn one_file_and_one_job_are_read_in_two_languages() {
    let school = School::new();
    school.import(&[], 0);
    let mut book = rust_xlsxwriter::Workbook::new();
    book.add_worksheet().set_name("Empty").unwrap();
    let folder = &school.folder;
    folder.write("empty.xlsx", book.save_to_buffer().unwrap());
    let text = std::fs::read_to_string(folder.path("r.csv")).unwrap();
    let next = text.replace("Dana", "Diana");
    let next = next.split_inclusive('\n').take(5).collect::<String>();
    folder.write("next.csv", &next);
    let console = school.console("en");
    let cookie = console.enter();
    let in_swedish = format!("{}; language=sv\r\n", cookie.trim());
    let reads = |path: &str, english: &str, swedish: &str| {
        for (cookie, own, other) in [(&cookie, english, swedish), (&in_swedish, swedish, english)] {
            let page = console.once(cookie, path, own);
            assert!(!page.contains(other), "{page}");
        }
    };
    let open = |file: &str| console.post(&cookie, "/open", &format!("path={file}"));
    let edition = || hidden(&console.get(&cookie, "/columns"), "edition").to_owned();
    open("empty.xlsx");
    reads(
        "/file",
        "The sheet “Empty” is empty",
        "Bladet ”Empty” är tomt",
    );
    open("next.csv");
    let twice = format!("edition={}&c2=first_name&c3=first_name", edition());
    console.post(&cookie, "/columns", &twice);
    reads(
        "/columns",
        "are both set to First name",
        "hör båda till Förnamn",
    );
    open("next.csv");
    let plan = format!("edition={}", edition());
    console.post(&cookie, "/plan", &plan);
    reads(
        "/plan",
        "0 new and 1 missing since",
        "0 nya och 1 som saknas sedan",
    );
    folder.write("next.csv", next.replace("Diana", "Disa"));
    console.post(&cookie, "/plan", &plan);
    reads(
        "/run",
        "changed since it was opened",
        "har ändrats sedan den granskades",
    );
}

#[test]
fn the_file_page_says_that_a_file_has_results() {
    let school = School::new();
    school.import(&[], 0);
    for (language, text) in [
        ("en", "The file has the results of an earlier run."),
        ("sv", "Filen har resultatet av"),
    ] {
        let console = school.console(language);
        let cookie = console.enter();
        for (file, is_of_results) in [("r.csv", false), ("r.results.csv", true)] {
            console.post(&cookie, "/open", &format!("path={file}"));
            let page = console.get(&cookie, "/file");
            assert_eq!(page.contains(text), is_of_results, "{page}");
        }
    }
}

#[test]
fn an_undo_names_the_columns_as_the_undone_run_did() {
    let school = School::new();
    let roster = std::fs::read_to_string(school.folder.path("r.csv")).unwrap();
    let roster = roster.replace("first_name", "Tilltal");
    school.folder.write("r.csv", roster);
    let run = school.import(&["--map", "Tilltal=first_name"], 0);
    let console = school.console("sv");
    let cookie = console.enter();
    console.post(&cookie, &format!("/runs/{run}/do"), "what=undo");
    let page = console.once(&cookie, "/undo", "name=\"consent\"");
    assert!(page.contains("<li>Tilltal: <del>"), "{page}");
}

#[test]
fn a_report_opens_in_the_browser_apart_from_the_console_and_names_file_system_and_day() {
    for (language, sum, undo, label, restored) in [
        ("en", "Sum", "Undo of 20", "First name", "Restored"),
        ("sv", "Summa", "Ångring 20", "Förnamn", "Återställda"),
    ] {
        let school = School::new();
        let run = school.import(&["--lang", language], 0);
        let console = school.console(language);
        let cookie = console.enter();
        let answer = console.get(&cookie, &format!("/runs/{run}/file/report"));
        let (headers, page) = answer.split_once("\r\n\r\n").unwrap();
        for header in [
            "content-type: text/html; charset=utf-8",
            "content-disposition: inline",
            "content-security-policy: sandbox allow-scripts; default-src 'none';",
            "cross-origin-opener-policy: unsafe-none",
            "x-frame-options: DENY",
        ] {
            assert!(headers.contains(header), "{header}: {headers}");
        }
        // The other files are downloaded.
        let answer = console.get(&cookie, &format!("/runs/{run}/file/results"));
        assert!(answer.contains("content-disposition: attachment"));
        let title = page.split_once("<h1>").unwrap().1;
        let title = title.split_once("</h1>").unwrap().0;
        assert!(title.starts_with("r.csv – Meitner – 20"), "{title}");
        assert!(page.contains(&format!("<title>{title}</title>")), "{title}");
        let sums =
            format!("<th scope=\"row\">{sum}</th><td class=\"n\">5</td><td class=\"n\">5</td>");
        assert!(page.contains(&sums), "{page}");
        // The report of an undo has the words of the roster.
        let undo_run = ["undo", &run, "--yes", "--lang", language];
        let output = school.folder.with_sandbox(&undo_run);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let runs = school.folder.runs();
        let name = runs.split_whitespace().next().unwrap();
        let page = console.get(&cookie, &format!("/runs/{name}/file/report"));
        let (plain, _) = page.split_once("class=\"technical\"").unwrap();
        let counts = format!("<b>5</b><span>{restored}</span>");
        assert!(plain.contains(undo) && plain.contains(&counts), "{plain}");
        assert!(
            plain.contains(label) && !plain.contains("first_name"),
            "{plain}"
        );
    }
}

#[test]
fn the_page_of_a_run_lists_who_was_changed_and_that_of_an_undo_who_was_restored() {
    let people: Vec<(&str, &str, &str)> = PEOPLE
        .into_iter()
        .cycle()
        .zip(0..43)
        .map(|((first, last, _), row)| (first, last, if row < 2 { "7A" } else { "7B" }))
        .collect();
    for (language, changed, restored, next, pages) in [
        (
            "en",
            "Who was changed",
            "Who got their earlier",
            ">Next</a>",
            ["Page 1 of 2", "Page 2 of 2"],
        ),
        (
            "sv",
            "Vilka som ändrades",
            "Vilka som fick tillbaka",
            ">Nästa</a>",
            ["Sida 1 av 2", "Sida 2 av 2"],
        ),
    ] {
        let school = School::of(&people);
        let run = school.import(&[], 0);
        let console = school.console(language);
        let cookie = console.enter();
        let shown = |path: &str| {
            let page = console.get(&cookie, path);
            let list = page.split_once("<h2 id=\"changed\">");
            let list = list.unwrap_or_else(|| panic!("{page}")).1;
            let rows = list.matches("<tr><th scope=\"row\">").count();
            (list.to_owned(), rows)
        };
        let path = format!("/runs/{run}");
        let (list, rows) = shown(&path);
        assert!(list.starts_with(changed), "{list}");
        assert_eq!(rows, 40, "{list}");
        assert!(
            list.contains("Anna Ek") && list.contains("<del>Åsa</del> → <ins>Anna</ins>"),
            "{list}"
        );
        assert!(list.contains(pages[0]), "{list}");
        // The next page has the rest, and a class its people.
        let link = list.split_once(next).unwrap_or_else(|| panic!("{list}")).0;
        let link = link.rsplit_once("href=\"?").unwrap().1;
        let query = link.replace("&#38;", "&");
        let query = query.split_once('#').unwrap().0;
        let (list, rows) = shown(&format!("{path}?{query}"));
        assert_eq!(rows, 3, "{list}");
        assert!(!list.contains(next) && list.contains(pages[1]), "{list}");
        let (list, rows) = shown(&format!("{path}?column=4&value=7A"));
        assert_eq!(rows, 2, "{list}");
        let undo = ["undo", &run, "--rows", "1-2", "--yes"];
        let output = school.folder.with_sandbox(&undo);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let runs = school.folder.runs();
        let undo = runs.split_whitespace().next().unwrap();
        let (list, rows) = shown(&format!("/runs/{undo}"));
        assert!(list.starts_with(restored), "{list}");
        assert_eq!(rows, 2, "{list}");
        assert!(
            list.contains("Bo Alm") && list.contains("<del>Bo</del> → <ins>Åsa</ins>"),
            "{list}"
        );
        // Values that are no longer stored are not listed.
        school
            .folder
            .write("rosterpatch.toml", "[retention]\nvalues = '0s'\n");
        assert!(school.folder.run("runs prune").status.success());
        let page = console.get(&cookie, &path);
        assert!(!page.contains(changed) && !page.contains("Anna"), "{page}");
    }
}

#[test]
fn rehearsals_are_marked_and_listed_only_where_they_are_requested() {
    for (language, word, link) in [
        ("en", "rehearsal", "Show rehearsals"),
        ("sv", "övning", "Visa övningar"),
    ] {
        let school = School::new();
        let run = school.import(&[], 0);
        let import = [
            "import",
            "r.csv",
            "--target",
            "meitner",
            "--sandbox",
            "--yes",
            "--all",
        ];
        let output = school.folder.with_sandbox(&import);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let listed = |arguments: &str| {
            let output = school.folder.run(&format!("{arguments} --lang {language}"));
            assert!(output.status.success(), "{}", stderr(&output));
            stdout(&output)
        };
        assert_eq!(listed("runs").lines().count(), 2);
        assert!(!listed("runs").contains(word));
        assert_eq!(listed("runs --rehearsals").matches(word).count(), 1);
        let json = listed("runs --rehearsals --format json");
        let json: Json = serde_json::from_str(&json).unwrap();
        assert_eq!(
            (&json[0]["rehearsal"], &json[1]["rehearsal"]),
            (&true.into(), &Json::Null)
        );
        let rehearsed = json[0]["run"].as_str().unwrap().to_owned();
        assert!(listed(&format!("show {rehearsed}")).contains(word));
        // The sandbox changes some people and not all.
        let keys = (1..=PEOPLE.len()).map(identity_number);
        let mut changed = keys.filter(|key| {
            assert!(!listed(&format!("history {key}")).contains(word));
            listed(&format!("history {key} --rehearsals")).contains(word)
        });
        let key = changed.next().unwrap();

        let console = school.console(language);
        let cookie = console.enter();
        let page = console.get(&cookie, "/runs");
        assert!(page.contains(&run) && !page.contains(&rehearsed), "{page}");
        assert!(page.contains(link), "{page}");
        let page = console.get(&cookie, "/runs?rehearsals=1");
        assert!(page.contains(&rehearsed) && page.contains(word), "{page}");
        let page = console.get(&cookie, &format!("/runs/{rehearsed}"));
        assert!(page.contains(word), "{page}");
        let page = console.get(&cookie, &format!("/person?q={key}"));
        assert!(!page.contains(&rehearsed) && page.contains(link), "{page}");
        let page = console.get(&cookie, &format!("/person?q={key}&rehearsals=1"));
        assert!(page.contains(&rehearsed) && page.contains(&run), "{page}");
    }
}

#[test]
fn a_rehearsal_that_is_started_in_the_console_changes_nothing_real() {
    for (language, why) in [
        ("en", "This is no rehearsal"),
        ("sv", "Det här är ingen övning"),
    ] {
        let school = school_with_faults("");
        let run = school.import(&["--max-invalid", "100%"], 3);
        let place = ["r.csv", "--target", "meitner", "--base-url"];
        let more = [&*school.base_url, "--max-invalid", "100%", "--all"];
        let arguments = [&place[..], &more, &["--lang", language]].concat();
        let console = Console::open(&school.folder, &arguments);
        let cookie = console.enter();
        let (path, act) = (format!("/runs/{run}"), format!("/runs/{run}/do"));
        assert!(console.get(&cookie, &path).contains("value=\"undo\""));
        // Rows of a real run that are open to be sent again are closed.
        console.post(&cookie, &act, "what=mend");
        assert_eq!(status(&console.get(&cookie, "/problems")), 200);
        let before = school.sandbox.students();
        console.post(&cookie, "/rehearse", "");
        assert_ne!(status(&console.get(&cookie, "/problems")), 200);
        // A real run can only be read.
        let page = console.get(&cookie, &path);
        assert!(page.contains(why), "{page}");
        assert!(!page.contains("name=\"what\""), "{page}");
        for what in ["undo", "mend", "resume", "approve", "decline"] {
            let answer = console.post(&cookie, &act, &format!("what={what}"));
            assert_eq!(status(&answer), 400, "{what}: {answer}");
            assert!(answer.contains(why), "{what}: {answer}");
        }
        // The roster is sent to the simulated API, though the real one was named.
        console.post(&cookie, "/open", "path=r.csv");
        let rows = console.get(&cookie, "/problems");
        let form = format!("edition={}", hidden(&rows, "edition"));
        console.post(&cookie, "/plan", &form);
        let review = console.once(&cookie, "/plan", "name=\"consent\"");
        assert!(review.contains("class=\"rehearsal\""), "{review}");
        let rehearsed = hidden(&review, "run").to_owned();
        let answer = format!("run={rehearsed}&consent=all");
        console.post(&cookie, "/plan/answer", &answer);
        console.once(&cookie, "/run", "#failed");
        assert_eq!(school.sandbox.students(), before);
        // Its own runs can be undone.
        let page = console.get(&cookie, &format!("/runs/{rehearsed}"));
        assert!(page.contains("value=\"undo\""), "{page}");
    }
}

#[test]
fn a_person_is_found_by_name_number_and_address_and_shown_without_identifiers() {
    let school = School::new();
    let run = school.import(&[], 0);
    let undone = school
        .folder
        .with_sandbox(&["undo", &run, "--rows", "2", "--yes"]);
    assert_eq!(undone.status.code(), Some(0), "{}", stderr(&undone));
    for (language, field, restored, changed, since, limits) in [
        (
            "en",
            "First name: ",
            "Restored by an undo",
            "Changed by row 3 of r.csv",
            "undone since",
            "the 10 latest files that are still in place and in the changes of the 100 latest runs",
        ),
        (
            "sv",
            "Förnamn: ",
            "Återställdes när",
            "Ändrades av rad 3 i r.csv",
            "ångrad efteråt",
            "de 10 senaste filerna som finns kvar och i ändringarna från de 100 senaste körningarna",
        ),
    ] {
        let console = school.console(language);
        let cookie = console.enter();
        // Two people have this name: they are listed with class and number.
        let page = console.get(&cookie, "/person?q=anna");
        for part in [
            "Anna Ek",
            "Anna-Karin Lind",
            "7A",
            "7B",
            &identity_number(3),
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(
            !page.contains("Bo Alm") && !page.contains("timeline"),
            "{page}"
        );
        let link = page.split_once("/person?q=anna&#38;key=");
        let link = link.unwrap_or_else(|| panic!("{page}")).1;
        let key = link.split_once('"').unwrap().0;
        let page = console.get(&cookie, &format!("/person?q=anna&key={key}"));
        assert!(page.contains("timeline") && page.contains("Anna"), "{page}");
        // One person: by name, number in each spelling, and id.
        let number = identity_number(2);
        let short = &number[2..];
        for query in [
            "bo+alm",
            &number,
            &number.replace('-', ""),
            short,
            &plain_id(2),
        ] {
            let page = console.get(&cookie, &format!("/person?q={query}"));
            for part in ["Bo Alm", "7A", &number, restored, changed, since, field] {
                assert!(page.contains(part), "{query}: {part}: {page}");
            }
            // Identifiers stand under the details alone.
            let (head, rest) = page.split_once("class=\"timeline\"").unwrap();
            assert!(
                query == plain_id(2) || !head.contains(&plain_id(2)),
                "{head}"
            );
            for card in rest
                .split("<details")
                .map(|part| part.split("</details>").last())
            {
                assert!(!card.unwrap().contains(&plain_id(2)), "{card:?}");
            }
        }
        let page = console.get(&cookie, "/person?q=Nobody+Else");
        assert!(!page.contains("timeline"), "{page}");
        // The page says what was searched for, and where.
        for part in ["Nobody Else", limits] {
            assert!(page.contains(part), "{part}: {page}");
        }
    }
    // The command line finds the same people.
    let history = |key: &str| {
        stdout(
            &school
                .folder
                .program()
                .args(["history", key])
                .output()
                .unwrap(),
        )
    };
    let several = history("anna");
    assert!(
        several.contains("Anna Ek · 7A") && several.contains("Anna-Karin Lind"),
        "{several}"
    );
    let one = history("bo alm");
    assert!(
        one.contains("first_name") && one.contains("undone since"),
        "{one}"
    );
    // The limits of a search are printed, as on the page.
    let output = school.folder.run("history Unknown");
    assert!(
        stderr(&output).contains("the 10 latest files"),
        "{}",
        stderr(&output)
    );
    // Nothing is found without the roster and the stored values, and nothing was stored for it.
    std::fs::remove_file(school.folder.path("r.csv")).unwrap();
    assert!(history("bo alm").contains("first_name"));
    school
        .folder
        .write("rosterpatch.toml", "[retention]\nvalues = '0s'\n");
    assert!(school.folder.run("runs prune").status.success());
    assert!(!history("bo alm").contains("first_name"));
}

#[test]
fn a_search_with_too_many_matches_says_so_and_names_nobody_who_may_be_marked_in_a_later_roster() {
    const MANY: usize = 510;
    let school = School::new();
    let roster = plain_roster(MANY);
    let (_sandbox, base_url, _stop) = sandbox_holding(&roster, std::time::Duration::ZERO);
    let import = |name: &str, text: &str| {
        school.folder.write(name, text);
        let import = ["import", name, "--target", "meitner", "--yes"];
        let place = ["--base-url", &base_url];
        let output = school.folder.with_sandbox(&[&import[..], &place].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    };
    import("all.csv", &roster);
    let console = school.console("en");
    let cookie = console.enter();
    let search = || console.get(&cookie, "/person?q=asa");
    let page = search();
    assert_eq!(page.matches("<tr><th scope=\"row\"").count(), 50, "{page}");
    assert!(page.contains("There are more."), "{page}");
    assert!(page.contains(">Åsa Ek<"), "{page}");
    // A later roster that is still in place marks them.
    let mut lines = roster.lines();
    let mut marked = format!("{},Skyddad\n", lines.next().unwrap());
    for line in lines {
        marked.push_str(&format!("{line},ja\n"));
    }
    import("marked.csv", &marked);
    let page = search();
    assert!(page.contains("There are more."), "{page}");
    assert!(!page.contains("Åsa Ek"), "{page}");
}

#[test]
fn people_with_protected_identity_are_not_found() {
    let school = School::new();
    let roster = std::fs::read_to_string(school.folder.path("r.csv")).unwrap();
    let marked = roster
        .lines()
        .zip(["Skyddad", "", "ja", "", "", ""])
        .map(|(line, mark)| format!("{line},{mark}\n"));
    school.folder.write("r.csv", marked.collect::<String>());
    school.import(&[], 0);
    let console = school.console("en");
    let cookie = console.enter();
    for query in ["alm", &identity_number(2)] {
        let page = console.get(&cookie, &format!("/person?q={query}"));
        assert!(
            !page.contains("Bo") && !page.contains("timeline"),
            "{query}: {page}"
        );
    }
    assert!(console.get(&cookie, "/person?q=holm").contains("Dana Holm"));
}

#[test]
fn a_mark_in_a_roster_that_is_gone_leaves_people_without_a_name_unless_they_are_known_to_be_others()
{
    let school = School::new();
    let run = school.import(&[], 0);
    // A later roster marks one of them, lacks another, and is gone after its run.
    let roster = std::fs::read_to_string(school.folder.path("r.csv")).unwrap();
    let marked = roster
        .lines()
        .zip(["Skyddad", "", "ja", "", "", ""])
        .map(|(line, mark)| format!("{line},{mark}\n"));
    let later = marked.take(5).collect::<String>().replace("Anna,", "Ann,");
    school.folder.write("later.csv", later);
    let import = ["import", "later.csv", "--target", "meitner", "--yes"];
    let own = [
        "--base-url",
        &school.base_url,
        "--max-identity-changes",
        "100",
    ];
    let output = school.folder.with_sandbox(&[&import[..], &own].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    std::fs::remove_file(school.folder.path("later.csv")).unwrap();
    let console = school.console("en");
    let cookie = console.enter();
    for (query, row, name, is_named) in [
        ("alm", 2, "Bo Alm", false),
        ("ström", 5, "Eli Ström", false),
        ("holm", 4, "Dana Holm", true),
        (&*identity_number(2), 2, "Bo Alm", false),
    ] {
        let query = query.replace('ö', "%C3%B6");
        let page = console.get(&cookie, &format!("/person?q={query}"));
        let heading = page.split_once("<h2 class=\"quoted\">");
        let heading = heading.unwrap_or_else(|| panic!("{query}: {page}")).1;
        let heading = heading.split_once('<').unwrap().0;
        assert!(
            heading.contains(&identity_number(row)),
            "{query}: {heading}"
        );
        assert_eq!(heading.contains(name), is_named, "{query}: {heading}");
    }
    // The page of the earlier run, and of its undo, names the same people.
    let page = console.get(&cookie, &format!("/runs/{run}"));
    console.post(&cookie, &format!("/runs/{run}/do"), "what=undo");
    let undo = console.once(&cookie, "/undo", "name=\"consent\"");
    for page in [page, undo] {
        assert!(page.contains("Dana Holm"), "{page}");
        assert!(page.contains("may have protected identity"), "{page}");
        for hidden in ["Bo Alm", ">Bo<", ">Alm<", "Eli", "Ström"] {
            assert!(!page.contains(hidden), "{hidden}: {page}");
        }
    }
}

/// A school in which one person of the roster is missing, one has an address that another one has, and one row has a
/// fault. `mark` marks the other one.
fn school_with_faults(mark: &str) -> School {
    let folder = Folder::new();
    let header = "id,identity_number,first_name,last_name,edu_person_principal_name";
    let mut records = format!("{header}\n");
    for row in 1..=60 {
        let (id, number) = (plain_id(row), identity_number(row));
        let own = if row == 4 { "dana@skola.se" } else { "" };
        records.push_str(&format!("{id},{number},Åsa,Ek,{own}\n"));
    }
    let mut roster = format!("{header},Klass,Skyddad\n");
    for (row, first, last, own, class, mark) in [
        (1, "Anna", "Ek", "dana@skola.se", "7A", ""),
        (2, "Bo", "Ek", "", "7A", ""),
        (99, "Eva", "Lind", "", "7B", ""),
        (4, "Dana", "Holm", "", "7B", mark),
        (3, "", "Ek", "9", "7B", ""),
    ] {
        let (id, number) = (plain_id(row), identity_number(row));
        roster.push_str(&format!(
            "{id},{number},{first},{last},{own},{class},{mark}\n"
        ));
    }
    // So many rows are compared with a list of all records.
    for row in 5..=60 {
        let (id, number) = (plain_id(row), identity_number(row));
        roster.push_str(&format!("{id},{number},Åsa,Ek,,7A,\n"));
    }
    folder.write("r.csv", roster);
    let (sandbox, base_url, stop) = sandbox_holding(&records, std::time::Duration::ZERO);
    School {
        folder,
        sandbox,
        base_url,
        rows: 60,
        _stop: stop,
    }
}

#[test]
fn people_who_are_missing_and_values_that_others_have_are_explained_in_the_review_and_at_the_end() {
    for (language, sum, counts, taken, taken_plain, missing, show, failed) in [
        (
            "en",
            "3 rows are not sent: 1 with faults in the file, and 2 found when the file was compared with Meitner.",
            [
                "<b>1</b> with a fault in the file",
                "<b>1</b> with faults found by comparing with Meitner",
                "<b>1</b> not in Meitner",
            ],
            "row 5 · Dana Holm · 7B already has dana@skola.se in Meitner",
            "Another person in Meitner already has dana@skola.se",
            "This person is not in Meitner. The row has no fault",
            "Show the row",
            "3 rows did not go through",
        ),
        (
            "sv",
            "3 rader skickas inte: 1 har fel i filen och 2 upptäcktes när filen jämfördes med Meitner.",
            [
                "<b>1</b> med fel i filen",
                "<b>1</b> med fel som upptäcktes vid jämförelsen med Meitner",
                "<b>1</b> finns inte i Meitner",
            ],
            "rad 5 · Dana Holm · 7B har redan dana@skola.se i Meitner",
            "En annan person i Meitner har redan dana@skola.se",
            "Personen finns inte i Meitner. Raden är det inget fel på",
            "Visa raden",
            "3 rader gick inte igenom",
        ),
    ] {
        for mark in ["", "ja"] {
            let school = school_with_faults(mark);
            let place = ["r.csv", "--target", "meitner", "--base-url"];
            let more = [
                &*school.base_url,
                "--max-invalid",
                "100%",
                "--lang",
                language,
            ];
            let guards = ["--max-identity-changes", "100"];
            let arguments = [&place[..], &more, &guards].concat();
            let console = Console::open(&school.folder, &arguments);
            let cookie = console.enter();
            let rows = console.get(&cookie, "/problems");
            let form = format!("edition={}", hidden(&rows, "edition"));
            console.post(&cookie, "/plan", &form);
            let review = console.once(&cookie, "/plan", "name=\"consent\"");
            for part in [&[sum][..], &counts].concat() {
                assert!(review.contains(part), "{part}: {review}");
            }
            // The row shows what the comparison found.
            let named = if mark.is_empty() { taken } else { taken_plain };
            let row = console.get(&cookie, "/problems?row=1");
            assert!(row.contains(named), "{row}");
            let run = hidden(&review, "run").to_owned();
            let answer = format!("run={run}&consent=all");
            console.post(&cookie, "/plan/answer", &answer);
            console.once(&cookie, "/run", "#failed");
            let path = format!("/runs/{run}");
            let end = console.get(&cookie, &path);
            // The steps count the same rows as the heading.
            assert_eq!(end.matches(failed).count(), 2, "{end}");
            for page in [&review, &end] {
                for part in [named, missing, show, "Eva Lind · 7B"] {
                    assert!(page.contains(part), "{part}: {page}");
                }
                assert_eq!(page.contains("Dana"), mark.is_empty(), "{page}");
                assert!(!page.contains("</b> invalid") && !page.contains("</b> ogiltig"));
            }
            // A row is opened to correct it.
            let act = format!("{path}/do");
            let answer = console.post(&cookie, &act, "what=mend&row=1");
            assert!(answer.contains("/problems?row=1\r\n"), "{answer}");
        }
    }
}

#[test]
fn the_page_of_a_run_lists_forty_rows_that_failed_at_a_time() {
    let people: Vec<(&str, &str, &str)> = PEOPLE.into_iter().cycle().take(45).collect();
    let school = School::of(&people);
    let (_sandbox, base_url, _stop) = sandbox_holding(&plain_roster(2), std::time::Duration::ZERO);
    let school = School { base_url, ..school };
    let run = school.import(&["--max-invalid", "100%"], 3);
    let console = school.console("en");
    let cookie = console.enter();
    for (page, rows, position) in [(1, 40, "Page 1 of 2"), (2, 3, "Page 2 of 2")] {
        let page = console.get(&cookie, &format!("/runs/{run}?failed={page}"));
        let list = page.split_once("<h2 id=\"failed\">").unwrap().1;
        let list = list.split_once("</section>").unwrap().0;
        assert_eq!(list.matches("<li>").count(), rows, "{list}");
        assert!(list.contains(position), "{list}");
    }
}

#[test]
fn fields_with_names_that_only_administrators_of_computers_know_are_explained() {
    for (language, question, text) in [
        (
            "en",
            "What are Student ID, External ID, Principal name?",
            "signs in with the school account",
        ),
        (
            "sv",
            "Vad är Meitner-ID, Externt id, EPPN?",
            "loggar in med på skolkontot",
        ),
    ] {
        let school = School::new();
        let place = [
            "r.csv",
            "--target",
            "meitner",
            "--base-url",
            &school.base_url,
        ];
        let arguments = [&place[..], &["--lang", language]].concat();
        let console = Console::open(&school.folder, &arguments);
        let cookie = console.enter();
        let page = console.get(&cookie, "/columns");
        assert!(page.contains(question) && page.contains(text), "{page}");
        assert!(!console.get(&cookie, "/file").contains(question));
    }
}

#[test]
fn the_console_is_open_in_one_browser_and_others_are_told_so() {
    for (language, text) in [
        ("en", "open in another browser"),
        ("sv", "öppen i en annan webbläsare"),
    ] {
        let school = School::new();
        let console = school.console(language);
        let host = format!("Host: {}\r\n", console.host());
        let answer = console.ask("GET", "/enter?token=0", &host, "");
        assert!(!answer.contains(text), "{answer}");
        console.enter();
        for path in [&*console.entrance_path(), "/", &console.at("/runs")] {
            let answer = console.ask("GET", path, &host, "");
            assert_eq!(status(&answer), 401, "{answer}");
            assert!(answer.contains(text), "{path}: {answer}");
        }
    }
}

#[test]
fn no_page_shows_where_a_dropped_file_is_stored() {
    let school = School::new();
    let console = school.console("en");
    let cookie = console.enter();
    let state = school.folder.path("state").display().to_string();
    for (name, content) in [
        ("a.csv", "first_name\nAnna\n"),
        ("b.pdf", "%PDF-1.7\n"),
        ("c.csv", ""),
    ] {
        let host = console.host();
        let boundary = "----b";
        let body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{content}\r\n--{boundary}--\r\n"
        );
        let headers = format!(
            "Host: {host}\r\nOrigin: http://{host}\r\n{cookie}Content-Type: multipart/form-data; boundary={boundary}\r\n"
        );
        let answer = console.ask("POST", &console.at("/drop"), &headers, &body);
        assert!(!answer.contains(&state), "{name}: {answer}");
        for path in ["/", "/file", "/columns", "/problems", "/plan", "/run"] {
            let page = console.get(&cookie, path);
            assert!(!page.contains(&state), "{name}: {path}: {page}");
        }
    }
}

#[test]
fn a_person_chooses_in_a_browser_whom_an_undo_is_about_and_declines_a_held_run() {
    for (language, send, chosen, title) in [
        (
            "en",
            ["Put back 1 change", "Tick at least one person."],
            "Chosen: 1",
            [": 1 person gets", ": 0 people get"],
        ),
        (
            "sv",
            ["Återställ 1 ändring", "Markera minst en person."],
            "Valda: 1",
            [": 1 person får", ": 0 personer får"],
        ),
    ] {
        let mut people = PEOPLE.to_vec();
        people.push(("Fia", "Dahl", "7B"));
        let school = School::of(&people);
        school.import(&[], 0);
        let text = std::fs::read_to_string(school.folder.path("r.csv")).unwrap();
        school.folder.write(
            "held.csv",
            text.replace("Bo,", "Benny,").replace("Eli,", "Elin,"),
        );
        let place = [
            "--target",
            "meitner",
            "--base-url",
            &school.base_url,
            "--yes",
        ];
        let more = ["import", "held.csv", "--max-changes", "1"];
        let held = school.folder.with_sandbox(&[&more[..], &place].concat());
        assert_eq!(held.status.code(), Some(4), "{}", stderr(&held));
        let console = school.console(language);
        let Some(found) = console.walk("runs", &[]) else {
            return;
        };
        assert_eq!(found["shown"], 2, "{found}");
        // The counts follow the ticks before anything is submitted.
        assert_eq!(found["ticked"][0], send[0], "{found}");
        assert_eq!(found["unticked"][0], send[1], "{found}");
        let ticked = found["ticked"][1].as_str().unwrap();
        assert!(ticked.starts_with(chosen), "{found}");
        for (step, title, count, is_none) in [
            ("ticked", title[0], "1", false),
            ("unticked", title[1], "0", true),
        ] {
            let step = &found[step];
            for heading in [&step[2], &step[4]] {
                assert!(heading.as_str().unwrap().contains(title), "{found}");
            }
            assert_eq!(step[3], count, "{found}");
            // An undo without people cannot be sent.
            assert_eq!(step[5], is_none, "{found}");
        }
        // Five are sent first only if there are more.
        assert_eq!(found["few"], serde_json::json!([false, true]), "{found}");
        assert_eq!(
            school.first_names(),
            ["Anna", "Bo", "Åsa", "Dana", "Eli", "Fia"]
        );
        // The report cannot reach the console.
        let report = found["report"].as_str().unwrap();
        assert!(report.starts_with("r.csv – Meitner – "), "{found}");
        assert_eq!(found["origin"], "null", "{found}");
        let restored = found["restored"].as_str().unwrap();
        assert!(restored.starts_with("1 "), "{found}");
        assert_eq!(found["people"], 2, "{found}");
        assert_eq!(found["declined"], 0, "{found}");
    }
}

#[test]
fn a_console_that_is_frozen_is_noticed_and_an_edit_before_a_reload_is_kept() {
    let school = School::new();
    let text = std::fs::read_to_string(school.folder.path("r.csv")).unwrap();
    school
        .folder
        .write("r.csv", text.replace(&plain_id(2), "7"));
    let place = [
        "r.csv",
        "--target",
        "meitner",
        "--base-url",
        &school.base_url,
    ];
    let console = Console::open(&school.folder, &place);
    let pid = console.id().to_string();
    let Some(found) = console.walk("frozen", &[("PID", &pid), ("VALUE", &plain_id(2))]) else {
        return;
    };
    signal(console.id(), "CONT");
    assert_eq!(found["kept"], plain_id(2), "{found}");
    assert_eq!(found["newer"], "newer", "{found}");
    assert_eq!(found["frozen"], true, "{found}");
    assert_eq!(found["thawed"], true, "{found}");
}
