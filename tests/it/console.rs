//! The console: in a browser, from opening a file to undoing its run, and over plain TCP for requests that
//! must be refused.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rosterpatch::console::avoided_in;
use rosterpatch::l10n::Language;
use rust_xlsxwriter::Worksheet;
use serde_json::Value as Json;

use crate::cell_kinds::two_sheets;
use crate::harness::{
    CREDENTIALS, Folder, OF_SANDBOX, RECORD, Server, identity_number, import_of, plain_id,
    plain_roster, repository, respond, serve_sandbox, signal, stderr,
};
use crate::machine::{installed, skipped};

/// A running console and the address that opens it.
pub struct Console {
    process: Child,
    entrance: String,
    /// The path prefix of its pages, set when the token is exchanged for a cookie.
    base: std::cell::OnceCell<String>,
    /// Whether screenshots are taken, if they are requested.
    is_shown: bool,
}

impl Console {
    pub fn open(folder: &Folder, arguments: &[&str]) -> Console {
        // A run against the sandbox needs no credentials.
        let credentials = match arguments.contains(&"--sandbox") {
            true => &[][..],
            false => &OF_SANDBOX[..],
        };
        Console::open_with(folder, arguments, None, credentials)
    }

    /// Like [`Console::open`], with a folder of browser executables and these credentials.
    fn open_with(
        folder: &Folder,
        arguments: &[&str],
        browsers: Option<&Path>,
        credentials: &[(&str, &str)],
    ) -> Console {
        let mut command = folder.command();
        if let Some(browsers) = browsers {
            let known = std::env::var("PATH").unwrap();
            command.env("PATH", format!("{}:{known}", browsers.display()));
        }
        let mut process = command
            .envs(credentials.iter().copied())
            .args(
                ["open", "--no-browser"]
                    .iter()
                    .take(2 - usize::from(browsers.is_some())),
            )
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let at = line.find("http://").unwrap_or_else(|| panic!("{line}"));
        Console {
            process,
            entrance: line[at..].trim().to_owned(),
            base: std::cell::OnceCell::new(),
            is_shown: !arguments.contains(&"sv"),
        }
    }

    /// Returns the id of its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The path that opens it, with the token.
    pub fn entrance_path(&self) -> String {
        self.entrance.split_once(self.host()).unwrap().1.to_owned()
    }

    /// Returns the host and port of the console, `127.0.0.1:PORT`.
    pub fn host(&self) -> &str {
        let rest = self.entrance.strip_prefix("http://").unwrap();
        rest.split_once('/').unwrap().0
    }

    /// Sends a request with exactly these headers and returns the response.
    pub fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.host()).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Exchanges the token for a cookie and returns its header.
    pub fn enter(&self) -> String {
        let path = self.entrance.split_once(self.host()).unwrap().1;
        let host = format!("Host: {}\r\n", self.host());
        let answer = self.ask("GET", path, &host, "");
        let cookie = answer.lines().find(|line| line.starts_with("set-cookie: "));
        let cookie = cookie.unwrap_or_else(|| panic!("{answer}"));
        let (pair, rest) = cookie["set-cookie: ".len()..].split_once(';').unwrap();
        let base = rest.strip_prefix(" Path=").unwrap();
        let base = base.strip_suffix("; HttpOnly; SameSite=Strict").unwrap();
        // The path prefix is random, so other pages cannot guess where the cookie is sent.
        assert_eq!(base.len(), 33, "{base}");
        self.base.set(base.to_owned()).unwrap();
        format!("Cookie: {pair}\r\n")
    }

    /// Returns the path of a page.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base.get().unwrap())
    }

    /// Submits a form as a page of the console does.
    pub fn post(&self, cookie: &str, path: &str, form: &str) -> String {
        let host = self.host();
        let headers = format!(
            "Host: {host}\r\nOrigin: http://{host}\r\n{cookie}\
             Content-Type: application/x-www-form-urlencoded\r\n"
        );
        self.ask("POST", &self.at(path), &headers, form)
    }

    pub fn get(&self, cookie: &str, path: &str) -> String {
        let headers = format!("Host: {}\r\n{cookie}", self.host());
        self.ask("GET", &self.at(path), &headers, "")
    }

    /// Requests a page until it contains the text.
    pub fn once(&self, cookie: &str, path: &str, text: &str) -> String {
        for _ in 0..1200 {
            let page = self.get(cookie, path);
            if page.contains(text) {
                return page;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        let page = self.get(cookie, path);
        panic!(
            "{path} never says {text}: {page}{}",
            self.get(cookie, "/run")
        );
    }

    /// Kills the process, as a power failure would.
    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Runs a browser scenario and returns its findings, or `None` with a printed reason if no browser is
    /// installed.
    pub fn walk(&self, what: &str, environment: &[(&str, &str)]) -> Option<Json> {
        installed("CHROMIUM")?;
        let script = repository().join("tests/browser/console.js");
        let output = Command::new("node")
            .arg(script)
            .args([&self.entrance, what])
            .args(std::env::var_os("CONSOLE_PICTURES").filter(|_| self.is_shown))
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let found: Json = serde_json::from_slice(&output.stdout).unwrap();
        if let Some(why) = found["failed"].as_str() {
            panic!("{what}: {why}");
        }
        for nothing in ["errors", "strangers", "barriers", "overflow", "large"] {
            let found = found[nothing].as_array().unwrap();
            assert!(found.is_empty(), "{what}: {nothing}: {found:#?}");
        }
        let language = match self.is_shown {
            true => Language::English,
            false => Language::Swedish,
        };
        for page in found["words"].as_array().unwrap() {
            let avoided = avoided_in(page[1].as_str().unwrap(), language);
            assert!(avoided.is_empty(), "{what}: {page}: {avoided:?}");
        }
        Some(found["steps"].clone())
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

/// The corrections of the sample's faults: spreadsheet row, column and value.
const MENDS: &str = r#"[
    [43, "Personnummer", "20180110-9917"], [85, "E-post", "amina.bjork84@elev.example.se"],
    [126, "Efternamn", "Dahlgren"], [168, "Mobil", "070-174 06 99"], [210, "Postnummer", "169 56"],
    [251, "Land", "Sverige"], [293, "Elev-ID", "7b3d1c52-9d44-4c06-8a53-2f5f0c1f0293"],
    [335, "Kommunkod", "0184"], [376, "Kön", "Annat"], [418, "Födelsedatum", "2012-02-28"],
    [460, "Elev-ID", "7b3d1c52-9d44-4c06-8a53-2f5f0c1f0460"], [501, "Klass", "7A"]
]"#;

fn has(step: &Json, text: &str) -> bool {
    step.as_str().unwrap().contains(text)
}

#[test]
fn irregular_files_are_refused_and_a_signal_stops_the_console() {
    let folder = Folder::new();
    let pipe = folder.path("pipe.csv");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let console = Console::open(&folder, &["--target", "meitner"]);
    let cookie = console.enter();
    for path in [pipe.to_str().unwrap(), "/dev/zero", "."] {
        let answer = console.post(&cookie, "/open", &format!("path={path}"));
        assert!(answer.starts_with("HTTP/1.1 409"), "{path}: {answer}");
        assert!(answer.contains("not a regular file"), "{path}: {answer}");
    }
    signal(console.process.id(), "TERM");
    let mut console = console;
    assert_eq!(console.process.wait().unwrap().code(), Some(0));
}

#[test]
fn a_roster_is_corrected_sent_stopped_resumed_and_undone_in_english() {
    walk_whole(
        "en",
        "12 rows have faults",
        "No fault was found in the file",
    );
}

#[test]
fn a_roster_is_corrected_sent_stopped_resumed_and_undone_in_swedish() {
    walk_whole("sv", "12 rader har fel", "Inga fel hittades i filen");
}

/// Walks from the sample with 12 faulty rows to the undone run, in a browser.
fn walk_whole(language: &str, left: &str, none_left: &str) {
    let folder = Folder::new();
    folder.sample("elever-2026-ht.csv");
    let before = std::fs::read(folder.path("elever-2026-ht.csv")).unwrap();
    let mut arguments = vec!["elever-2026-ht.csv", "--target", "meitner", "--sandbox"];
    arguments.extend(["--rate", "20/s", "--burst", "5", "--lang", language]);
    let console = Console::open(&folder, &arguments);
    let out = folder.path("").display().to_string();
    let Some(found) = console.walk("whole", &[("MENDS", MENDS), ("OUT", &out)]) else {
        return;
    };
    assert!(has(&found["read"], "500"), "{found}");
    assert_eq!(found["commas"], 1, "{found}");
    assert_eq!(found["columns"], 17, "{found}");
    assert!(has(&found["kept"], "rosterpatch.toml"), "{found}");
    assert!(has(&found["toMend"], left), "{found}");
    // A row whose id is duplicated is shown together with the other row.
    assert_eq!(found["faulty"], 13, "{found}");
    assert!(has(&found["stillWrong"], left), "{found}");
    assert!(has(&found["mended"], none_left), "{found}");
    assert_eq!(found["mended"], found["afterReload"], "{found}");
    assert_eq!(found["stillInvalid"], 0, "{found}");
    assert_eq!(found["lost"], true, "{found}");
    assert!(found["classes"].as_u64().unwrap() > 3, "{found}");
    assert_eq!(found["typed"], "Term start", "{found}");
    let [of_class, of_all] = ["ofClass", "ofAll"].map(|step| found[step].as_u64());
    assert!(of_all > of_class, "{found}");
    // The first people to be sent, with names and changes.
    let first = found["first"].as_array().unwrap();
    assert_eq!(first.len(), 5, "{found}");
    assert!(has(&first[0], found["person"].as_str().unwrap()), "{found}");
    let updated = |step: &Json| -> u64 {
        let text: String = step
            .as_str()
            .unwrap()
            .split_whitespace()
            .next()
            .unwrap()
            .into();
        text.parse().unwrap()
    };
    let (to_send, stopped) = (updated(&found["plan"]), updated(&found["stopped"]));
    assert!(stopped < to_send, "{found}");
    assert_eq!(updated(&found["resumed"]), to_send, "{found}");
    assert_eq!(updated(&found["run"]), to_send, "{found}");
    assert_eq!(updated(&found["undoPlan"]), to_send, "{found}");
    assert_eq!(updated(&found["undone"]), to_send, "{found}");
    assert_eq!(found["runs"], 2, "{found}");
    assert_eq!(found["changes"], 2, "{found}");
    let results = folder.csv("results.csv", b';');
    assert_eq!(results.len(), 501);
    // Corrections are in the results and the written files, but the roster is unchanged.
    assert_eq!(
        std::fs::read(folder.path("elever-2026-ht.csv")).unwrap(),
        before
    );
    let mended = folder.csv("mended.csv", b';');
    assert_eq!(mended[42][1], "20180110-9917");
    assert_eq!(results[42][1], "20180110-9917");
    if crate::harness::office().is_some() {
        assert_eq!(
            folder.csv_of_workbook("mended.xlsx")[42][1],
            "20180110-9917"
        );
    }
}

/// Returns a roster with the same fault in several rows, and with HTML in names.
fn hostile() -> String {
    let mut text = String::from("id;identity_number;first_name;last_name;gender\r\n");
    for row in 1..=5 {
        let (id, number) = (plain_id(row), identity_number(row));
        let gender = if row < 4 { "<b><i>Flickan" } else { "Man" };
        text.push_str(&format!(
            "{id};{number};<img src=x onerror=alert(1)>;\"\"\"><script>alert(2)</script>\";{gender}\r\n"
        ));
    }
    text
}

#[test]
fn a_dropped_file_is_corrected_by_keyboard_and_its_html_is_escaped() {
    let folder = Folder::new();
    let roster = folder.write("dropped.csv", hostile());
    let console = Console::open(&folder, &["--target", "meitner", "--sandbox"]);
    let roster = roster.display().to_string();
    let Some(found) = console.walk("dropped", &[("ROSTER", &roster)]) else {
        return;
    };
    assert!(has(&found["toMend"], "3 rows"), "{found}");
    assert!(has(&found["alike"], "(3)"), "{found}");
    assert!(
        has(&found["mended"], "No fault was found in the file"),
        "{found}"
    );
    // A replacement in several rows is confirmed and can be undone.
    assert!(has(&found["receipt"], "in 3 rows"), "{found}");
    assert!(has(&found["undone"], "3 rows"), "{found}");
    assert_eq!(
        (&found["images"], &found["rows"]),
        (&Json::from(0), &Json::from(5))
    );
    assert!(has(&found["lost"], "does not answer"), "{found}");
    assert!(has(&found["refused"], "another file"), "{found}");
    assert_eq!(found["twoWindows"], "Zoë Öberg", "{found}");
    assert_eq!(found["takenBack"], 0, "{found}");
    assert_eq!(
        (&found["staysAt"], &found["typed"]),
        (&true.into(), &true.into())
    );
}

#[test]
fn an_unanswered_plan_is_replaced_when_rows_change() {
    for (language, woman, names, refused, stale) in [
        (
            "en",
            "Female",
            ["File", "Columns", "Rows", "Review", "Send", "Done"],
            "nothing was sent",
            "is discarded",
        ),
        (
            "sv",
            "Kvinna",
            ["Fil", "Kolumner", "Rader", "Granska", "Skicka", "Klart"],
            "inget skickades",
            "gäller inte längre",
        ),
    ] {
        let folder = Folder::new();
        folder.write("r.csv", hostile().replace("<b><i>Flickan", "Okänt"));
        let (base_url, _stop) = other_records();
        let console = Console::open(
            &folder,
            &[
                "r.csv",
                "--target",
                "meitner",
                "--base-url",
                &base_url,
                "--max-invalid",
                "100%",
                "--lang",
                language,
            ],
        );
        let cell = ("CELL", "#i1-4");
        let Some(found) = console.walk("flow", &[cell, ("VALUE", woman)]) else {
            return;
        };
        let shown = found["names"].as_array().unwrap();
        for (shown, name) in shown.iter().zip(names) {
            assert!(has(shown, name), "{found}");
        }
        let states = |step: &str| -> Vec<String> {
            let states = found[step].as_array().unwrap().iter();
            states
                .map(|state| state.as_str().unwrap().to_owned())
                .collect()
        };
        let (done, attention, waiting) = ("done", "attention", "waiting");
        let before = [done, done, attention, waiting, waiting, waiting];
        assert_eq!(states("atRows"), before, "{found}");
        let asked = [done, done, attention, attention, waiting, waiting];
        assert_eq!(states("atReview"), asked, "{found}");
        assert!(has(&found["refused"], refused), "{found}");
        assert!(has(&found["stale"], stale), "{found}");
        assert_eq!(states("atStale")[4..], [waiting, waiting], "{found}");
        // The new plan contains the edit.
        assert!(found["plan"].as_str().unwrap().starts_with('3'), "{found}");
        assert_eq!(states("declined"), before, "{found}");
        let ended = [done, done, attention, done, done, attention];
        assert_eq!(states("atEnd"), ended, "{found}");
        assert!(has(&found["done"], names[5]), "{found}");
    }
}

#[test]
fn faults_are_listed_by_line_and_can_be_corrected_by_keyboard() {
    for (language, skipped, corrected, partner, note, headings, sent, code) in [
        (
            "en",
            "This row is skipped. It is not sent.",
            "corrected",
            "1 other row",
            "saved as you make it",
            ["Fault", "Remark"],
            "These values may be wrong",
            "Code for the IT department",
        ),
        (
            "sv",
            "Raden hoppas över och skickas inte.",
            "rättad",
            "Här visas också 1 rad",
            "sparas direkt",
            ["Fel", "Anmärkning"],
            "De här värdena kan vara fel",
            "Kod till IT-avdelningen",
        ),
    ] {
        let (email, gender) = ("E-post", "Kön");
        let folder = Folder::new();
        let mut roster = String::from(
            "Elev-ID;Personnummer;Förnamn;Efternamn;E-post;Kön;Klass;Födelsedatum\r\n",
        );
        let long = "anna.konstantinopolitana.konstantinopolitana@utbildningsforvaltningen";
        for (row, number, mail, gender) in [
            (1, 1, &*format!("{long},se"), "Kvinna"),
            (2, 2, "bo@skola.se", "Okänt"),
            (3, 3, "ceasar@skola.se", "Man"),
            (4, 3, "dana@skola.se", "Kvinna"),
            (5, 5, "\"=\"\"eli@skola.se\"\"\"", "Man"),
        ] {
            let (id, number) = (plain_id(row), identity_number(number));
            // A spreadsheet's serial number of a date.
            let born = if row == 2 { "39215" } else { "" };
            roster.push_str(&format!(
                "{id};{number};Namn{row};Konstantinopolitana;{mail};{gender};7A;{born}\r\n"
            ));
        }
        folder.write("r.csv", roster);
        let arguments = [
            "r.csv",
            "--target",
            "meitner",
            "--sandbox",
            "--lang",
            language,
        ];
        let console = Console::open(&folder, &arguments);
        // A number of a woman, in the row of a man.
        let number = identity_number(8);
        let Some(found) = console.walk("faults", &[("NUMBER", &number)]) else {
            return;
        };
        let line = |line: usize, column: &str| {
            format!("{line}|Namn{} Konstantinopolitana|7A|{column}", line - 1)
        };
        let lines = [
            line(2, email),
            line(3, gender),
            line(3, "Födelsedatum"),
            line(4, "Personnummer"),
            line(5, "Personnummer"),
        ];
        assert_eq!(found["lines"], serde_json::json!(lines), "{found}");
        // Enter moves through the faulty cells in order.
        let order = [
            format!("{email}, 2"),
            format!("{gender}, 3"),
            "Födelsedatum, 3".into(),
            "Personnummer, 5".into(),
        ];
        let visited = found["order"].as_array().unwrap();
        assert_eq!(visited[..4], order.map(Json::from), "{found}");
        assert_eq!(found["hidden"], serde_json::json!([]), "{found}");
        assert_eq!(found["suggestion"], format!("{long}.se"), "{found}");
        assert_eq!(found["broken"], serde_json::json!([]), "{found}");
        // The row that has the same value as a faulty one is counted separately.
        assert!(has(&found["shown"], partner), "{found}");
        assert!(has(&found["note"], note), "{found}");
        // A date is suggested and not changed.
        assert_eq!(found["date"], serde_json::json!(["2007-05-13", "39215"]));
        // The counts on the tabs follow the edits.
        let counts = serde_json::json!([
            ["(3)", "(0)", "(1)", "(2)"],
            ["(1)", "(2)", "(1)", "(3)"],
            ["(1)", "(2)", "(1)", "(3)"],
        ]);
        assert_eq!(found["counted"], counts, "{found}");
        let skipped = serde_json::json!([skipped, 1, 0]);
        assert_eq!(found["skipped"], skipped, "{found}");
        let ok = format!("✓ {corrected}");
        for step in ["corrected", "correctedLater"] {
            assert_eq!(found[step], serde_json::json!([ok, ok]), "{found}");
        }
        assert_eq!(found["changed"], 2, "{found}");
        assert_eq!(found["restored"], 1, "{found}");
        assert_eq!(found["doubtful"], 3, "{found}");
        assert_eq!(found["changedHeading"], headings[0], "{found}");
        for step in ["restoredHeading", "doubtfulHeading"] {
            assert_eq!(found[step], headings[1], "{found}");
        }
        assert!(has(&found["doubtfulPage"], sent), "{found}");
        assert!(!has(&found["restoredPage"], sent), "{found}");
        assert_eq!(found["summary"], code, "{found}");
        assert_eq!(found["settled"], 0, "{found}");
        let narrow = found["narrow"].as_array().unwrap().iter();
        let narrow: Vec<f64> = narrow.map(|height| height.as_f64().unwrap()).collect();
        assert_eq!(found["apart"], true, "{found}");
        assert!(narrow[0] < 60.0 && narrow[2] < 2.0 * narrow[1], "{found}");
    }
}

#[test]
fn missing_credentials_are_reported_on_the_first_page() {
    for (language, asked) in [("en", "your IT department"), ("sv", "IT-avdelningen")] {
        let folder = Folder::new();
        folder.write("r.csv", hostile());
        let arguments = ["--target", "meitner", "--lang", language];
        let console = Console::open_with(&folder, &arguments, None, &[]);
        let cookie = console.enter();
        for path in ["/", "/file"] {
            if path == "/file" {
                console.post(&cookie, "/open", "path=r.csv");
            }
            let page = console.get(&cookie, path);
            assert!(page.contains(asked), "{path}: {page}");
            // The text to forward names the variables to set.
            let text = page.split_once("id=\"sign-in-text\">").unwrap().1;
            let text = text.split_once("</textarea>").unwrap().0;
            assert!(text.contains("MEITNER_CLIENT_SECRET"), "{text}");
        }
        // Without credentials, the file can be rehearsed.
        console.post(&cookie, "/rehearse", "");
        let page = console.get(&cookie, "/file");
        assert!(!page.contains(asked), "{page}");
        assert!(page.contains("class=\"rehearsal\""), "{page}");
        let console = Console::open_with(&folder, &arguments, None, &[]);
        if let Some(found) = console.walk("credentials", &[]) {
            assert!(has(&found["text"], "MEITNER_CLIENT_SECRET"), "{found}");
        }
        let console = Console::open(&folder, &arguments);
        let cookie = console.enter();
        assert!(!console.get(&cookie, "/").contains(asked));

        // The profile is known once the file is chosen.
        let config = "[profile.own]\nfiles = [\"r.csv\"]\n\
                      [profile.own.credentials]\nMEITNER_CLIENT_SECRET = \"OWN_SECRET\"\n";
        folder.write("rosterpatch.toml", config);
        let console = Console::open_with(&folder, &arguments, None, &[]);
        let cookie = console.enter();
        assert!(!console.get(&cookie, "/").contains(asked));
        console.post(&cookie, "/open", "path=r.csv");
        assert!(console.get(&cookie, "/file").contains("OWN_SECRET"));
    }
}

/// Returns the text of a page without its tags and without what its details hold.
fn visible_text(page: &str) -> String {
    let details = regex::Regex::new(r"(?s)<details.*?</details>|<script.*?</script>").unwrap();
    let tags = regex::Regex::new(r"(?s)<[^>]*>").unwrap();
    let page = page.split_once("<main").unwrap().1;
    let page = page.split_once('>').unwrap().1;
    let page = details.replace_all(page, " ");
    tags.replace_all(&page, " ").into_owned()
}

#[test]
fn a_run_that_cannot_sign_in_or_read_says_so_in_words_and_has_details() {
    for (language, spoken, sign_in, refused, unreadable) in [
        (
            "en",
            Language::English,
            "rosterpatch cannot sign in on this computer",
            "Meitner did not accept the sign-in",
            "The information in Meitner could not be read",
        ),
        (
            "sv",
            Language::Swedish,
            "rosterpatch kan inte logga in på den här datorn",
            "Meitner godtog inte inloggningen",
            "Uppgifterna i Meitner gick inte att läsa",
        ),
    ] {
        for (credentials, status, text, detail) in [
            (&[][..], 200, sign_in, "MEITNER_CLIENT_SECRET"),
            (&OF_SANDBOX[..], 401, refused, "HTTP 401"),
            (&OF_SANDBOX[..], 400, unreadable, "HTTP 400"),
        ] {
            let folder = Folder::new();
            folder.write("r.csv", plain_roster(3));
            let server = Server::start(move |_| respond(status, &[], "{}"));
            let place = ["r.csv", "--target", "meitner", "--base-url"];
            let more = [&*server.base_url, "--lang", language];
            let arguments = [&place[..], &more].concat();
            let console = Console::open_with(&folder, &arguments, None, credentials);
            let cookie = console.enter();
            let page = console.get(&cookie, "/problems");
            let form = format!("edition={}", hidden(&page, "edition"));
            console.post(&cookie, "/plan", &form);
            let page = console.once(&cookie, "/run", "class=\"wrong\" role=\"alert\"");
            let mut pages = vec![page];
            let run = folder.runs();
            if let Some(run) = run.split_whitespace().next() {
                pages.push(console.get(&cookie, &format!("/runs/{run}")));
            }
            assert!(credentials.is_empty() || pages.len() == 2, "{run}");
            for page in pages {
                assert!(page.contains(detail), "{detail}: {page}");
                let visible = visible_text(&page);
                assert!(
                    visible.contains(text) && !visible.contains(detail),
                    "{visible}"
                );
                let avoided = avoided_in(&visible, spoken);
                assert!(avoided.is_empty(), "{visible}: {avoided:?}");
            }
        }
    }
}

#[test]
fn a_held_nightly_run_is_approved_in_a_browser() {
    for (language, reason, updated) in [
        (
            "en",
            "5 of 5 rows would change, more than the limit of 1",
            "5 updated",
        ),
        (
            "sv",
            "5 av 5 rader skulle ändras, fler än gränsen på 1",
            "5 uppdaterade",
        ),
    ] {
        let folder = Folder::new();
        std::fs::create_dir(folder.path("inbox")).unwrap();
        let roster = hostile().replace("<b><i>Flickan", "Kvinna");
        folder.write("inbox/night.csv", roster);
        let (base_url, _stop) = other_records();
        let place = ["--target", "meitner", "--base-url", &base_url];
        let limits = ["--settle", "0s", "--max-changes", "1", "--yes"];
        let sweep = [&["sweep", "inbox"], &limits[..], &place].concat();
        let output = folder.with_sandbox(&sweep);
        assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
        let console = Console::open(&folder, &[&place[..], &["--lang", language]].concat());
        let Some(found) = console.walk("held", &[]) else {
            return;
        };
        assert!(has(&found["waiting"], "night.csv"), "{found}");
        let counts = (&found["changes"], &found["images"]);
        assert_eq!(counts, (&Json::from(5), &Json::from(0)));
        assert!(has(&found["why"], reason), "{found}");
        assert!(has(&found["ended"], updated), "{found}");
    }
}

#[test]
fn identity_changes_are_approved_row_by_row_in_a_browser() {
    let folder = Folder::new();
    let (sandbox, base_url, _stop) = crate::identity::school(&folder);
    let mut import = import_of(&base_url).to_vec();
    import.extend(["--format", "json"]);
    let held = folder.with_sandbox(&import);
    let summary: Json = serde_json::from_slice(&held.stdout).unwrap();
    let run = summary["run"].as_str().unwrap();
    let console = Console::open(&folder, &["--target", "meitner", "--base-url", &base_url]);
    let cookie = console.enter();
    let page = console.get(&cookie, &format!("/runs/{run}"));
    for (row, persons) in [(2, "Kim Ström"), (5, "Olle Lind")] {
        let box_of = format!("name=\"row\" value=\"{row}\" form=\"do\"");
        let line = page.lines().find(|line| line.contains(&box_of));
        let line = line.unwrap_or_else(|| panic!("{page}"));
        assert!(line.contains(persons) && line.contains("Åsa Ek"), "{line}");
    }
    // No approval is required for a changed last name alone.
    assert!(!page.contains("value=\"3\" form"), "{page}");
    // Only ticked rows are sent.
    assert!(page.contains("rows that you ticked") && !page.contains("Approve all"));
    // Rows can be corrected only in a console with the address of the run.
    let path = format!("/runs/{run}/do");
    let elsewhere = ["--target", "meitner", "--base-url", "http://127.0.0.1:9"];
    let other = Console::open(&folder, &elsewhere);
    let refused = other.post(&other.enter(), &path, "what=correct");
    assert!(refused.contains("http://127.0.0.1:9 now"), "{refused}");
    let answer = console.post(&cookie, &path, "what=correct");
    assert_eq!(status(&answer), 303, "{answer}");
    assert!(answer.contains("/problems\r\n"), "{answer}");
    console.post(
        &cookie,
        &format!("/runs/{run}/do"),
        "what=approve&row=5&note=enligt+rektor",
    );
    // The results files exist only after the run has ended.
    let page = console.once(&cookie, "/run", ">Ended<");
    assert!(page.contains("2 updated"), "{page}");
    assert_eq!(sandbox.requests("update"), 2);
    let page = console.get(&cookie, &format!("/runs/{run}"));
    assert!(page.contains("enligt rektor"), "{page}");
    let rows = folder.csv("r.results.csv", b',');
    let states: Vec<&str> = rows[1..].iter().map(|row| &*row[5]).collect();
    let unchanged = "unchanged";
    assert_eq!(
        states,
        [unchanged, "not_sent", "updated", unchanged, "updated"]
    );
}

#[test]
fn the_start_page_lists_the_files_of_the_last_day_and_links_to_rows() {
    for (language, title, fates, mend) in [
        (
            "en",
            "Files of the last day",
            ["not processed", "partial", "held", "done"],
            "Correct the rows that failed",
        ),
        (
            "sv",
            "Filer från det senaste dygnet",
            [
                "inte hanterad",
                "delvis klar",
                "väntar på ditt godkännande",
                "klar",
            ],
            "Rätta raderna som inte gick igenom",
        ),
    ] {
        let folder = Folder::new();
        std::fs::create_dir(folder.path("inbox")).unwrap();
        let server = Server::start(|_| respond(200, &[], RECORD));
        let place = ["--target", "plain.toml", "--base-url", &server.base_url];
        let open = || {
            let mut arguments = vec!["--lang", language];
            arguments.extend(place);
            let console = Console::open(&folder, &arguments);
            let cookie = console.enter();
            (console, cookie)
        };
        let (console, cookie) = open();
        assert!(!console.get(&cookie, "/").contains(title));
        drop(console);
        let sweep = |more: &str| {
            let arguments = ["sweep", "inbox", "--settle", "0s", "--yes"];
            folder
                .program()
                .args(arguments)
                .args(place)
                .args(more.split(' '))
                .envs(CREDENTIALS)
                .output()
                .unwrap()
        };
        folder.write("inbox/good.csv", plain_roster(2));
        folder.write("inbox/photo.jpg", "x");
        folder.write("inbox/part.csv", plain_roster(5) + "x,,,\n");
        let output = sweep("--max-invalid 100%");
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        folder.write("inbox/held.csv", plain_roster(7));
        let output = sweep("--max-changes 1 --all");
        assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));

        let (console, cookie) = open();
        let page = console.get(&cookie, "/");
        let section = page.split_once("id=\"files\"").unwrap().1;
        let section = section.split_once("</section>").unwrap().0;
        assert!(section.starts_with(&format!(">{title}<")), "{section}");
        let cards: Vec<&str> = section.split("<li>").skip(1).collect();
        assert_eq!(cards.len(), 4, "{section}");
        let card = |name: &str| cards.iter().find(|card| card.contains(name)).unwrap();
        for (name, fate) in ["photo.jpg", "part.csv", "held.csv", "good.csv"]
            .iter()
            .zip(fates)
        {
            let tag = format!("<span class=\"tag\">{fate}</span>");
            assert!(card(name).contains(&tag), "{fate}: {section}");
        }
        // Files that need no action come last.
        assert!(
            cards[3].contains("good.csv") && !cards[3].contains("<form"),
            "{section}"
        );
        // Folder paths and error codes are not shown on this page.
        let folder_path = folder.path("inbox").display().to_string();
        assert!(
            !section.contains(&folder_path) && !section.contains('['),
            "{section}"
        );
        // Each card has the file name, the reason for the wait, and the time of arrival.
        for name in ["photo.jpg", "part.csv", "held.csv"] {
            assert_eq!(card(name).matches("<br>").count(), 2, "{section}");
        }
        assert!(!card("photo.jpg").contains("<a "), "{section}");
        let part = card("part.csv");
        assert!(part.contains(mend), "{section}");
        let link = part.split_once("/runs/").unwrap().1;
        let run = link.split_once('"').unwrap().0;
        let shown = console.get(&cookie, &format!("/runs/{run}"));
        assert_eq!(status(&shown), 200);
        let answer = console.post(&cookie, &format!("/runs/{run}/do"), "what=mend");
        assert!(answer.contains("/problems"), "{answer}");
        assert_eq!(status(&console.get(&cookie, "/problems")), 200);
    }
}

#[test]
fn the_console_first_asks_which_of_several_sheets_to_read() {
    let hide_second = |_: &mut Worksheet, second: &mut Worksheet| {
        second.set_hidden(true);
    };
    for (language, question) in [
        ("en", "Choose the sheet to import."),
        ("sv", "Välj det blad som ska läsas."),
    ] {
        let folder = Folder::new();
        folder.write("two.xlsx", two_sheets(|_, _| {}));
        folder.write("one.xlsx", two_sheets(hide_second));
        let open = |file: &str| {
            let arguments = [file, "--target", "meitner", "--sandbox", "--lang", language];
            let console = Console::open(&folder, &arguments);
            let cookie = console.enter();
            (console, cookie)
        };
        let (console, cookie) = open("two.xlsx");
        let page = console.get(&cookie, "/file");
        assert!(page.contains(question), "{page}");
        assert!(page.contains("2025, 2026"), "{page}");
        assert!(
            page.contains("<select name=\"sheet\" required><option value=\"\">"),
            "{page}"
        );
        assert!(!page.contains(" selected"), "{page}");
        // The page offers no way around the question, and an empty answer is rejected.
        assert!(!page.contains("<a class=\"button\""), "{page}");
        for next in ["/columns", "/problems"] {
            let answer = console.get(&cookie, next);
            assert_eq!(status(&answer), 303, "{answer}");
        }
        console.post(&cookie, "/file", "sheet=");
        assert!(console.get(&cookie, "/file").contains(question));
        for (chosen, cell) in [("2025", "2025-1"), ("2026", "2026-1")] {
            console.post(&cookie, "/file", &format!("sheet={chosen}"));
            let page = console.get(&cookie, "/file");
            assert!(!page.contains(question), "{page}");
            assert!(
                page.contains(cell) && page.contains("<a class=\"button\""),
                "{page}"
            );
            assert!(
                page.contains(&format!("<option selected>{chosen}")),
                "{page}"
            );
            assert_eq!(status(&console.get(&cookie, "/columns")), 200);
            assert_eq!(status(&console.get(&cookie, "/problems")), 200);
        }
        let (console, cookie) = open("one.xlsx");
        let page = console.get(&cookie, "/file");
        assert!(
            !page.contains(question) && page.contains("2025-1"),
            "{page}"
        );
    }
}

#[test]
fn a_sheet_or_a_file_without_rows_is_reported_before_any_other_step() {
    let header = ["Elev-ID", "Personnummer", "Förnamn", "Efternamn"];
    let row = [&plain_id(1), &identity_number(1), "Anna", "Ek"];
    for (language, empty, no_rows, other) in [
        (
            "en",
            "The sheet “Empty” is empty.",
            "has a header and no rows below it.",
            "Choose another sheet",
        ),
        (
            "sv",
            "Bladet ”Empty” är tomt.",
            "har en rubrikrad men inga rader under den.",
            "Välj ett annat blad",
        ),
    ] {
        let folder = Folder::new();
        let mut book = rust_xlsxwriter::Workbook::new();
        for (name, rows) in [
            ("Header", &[header][..]),
            ("Empty", &[]),
            ("Roster", &[header, row]),
        ] {
            let sheet = book.add_worksheet().set_name(name).unwrap();
            for (at, row) in (0..).zip(rows) {
                sheet.write_row(at, 0, *row).unwrap();
            }
        }
        folder.write("sheets.xlsx", book.save_to_buffer().unwrap());
        folder.write("header.csv", format!("{}\n", header.join(";")));
        let open = |file: &str| {
            let arguments = [file, "--target", "meitner", "--sandbox", "--lang", language];
            let console = Console::open(&folder, &arguments);
            let cookie = console.enter();
            (console, cookie)
        };
        let (console, cookie) = open("sheets.xlsx");
        for (sheet, warnings) in [("Header", [no_rows, other]), ("Empty", [empty, other])] {
            console.post(&cookie, "/file", &format!("sheet={sheet}&header_row=1"));
            let page = console.get(&cookie, "/file");
            for warning in warnings {
                assert!(page.contains(warning), "{warning}: {page}");
            }
            assert!(!page.contains("<a class=\"button\""), "{page}");
            assert!(page.contains("<option>Roster"), "{page}");
            for next in ["/problems", "/plan"] {
                let answer = console.get(&cookie, next);
                assert_eq!(status(&answer), 303, "{next}: {answer}");
            }
        }
        console.post(&cookie, "/file", "sheet=Roster&header_row=1");
        let page = console.get(&cookie, "/file");
        assert!(page.contains("<a class=\"button\""), "{page}");
        assert!(!page.contains(no_rows) && !page.contains(empty), "{page}");
        assert_eq!(status(&console.get(&cookie, "/problems")), 200);

        let (console, cookie) = open("header.csv");
        let page = console.get(&cookie, "/file");
        assert!(page.contains(no_rows), "{page}");
        assert!(!page.contains("<a class=\"button\""), "{page}");
        assert_eq!(status(&console.get(&cookie, "/problems")), 303);
    }
}

#[test]
fn a_hundred_thousand_rows_are_shown_in_small_pages() {
    let folder = Folder::new();
    let mut text = String::from("id;identity_number;first_name;last_name;gender\r\n");
    for row in 1..=100_000 {
        let gender = if row % 50 == 0 { "Okänt" } else { "Man" };
        let (id, number) = (plain_id(row), identity_number(row));
        text.push_str(&format!("{id};{number};Bo;Ek;{gender}\r\n"));
    }
    folder.write("large.csv", text);
    let console = Console::open(&folder, &["large.csv", "--target", "meitner", "--sandbox"]);
    let Some(found) = console.walk("large", &[]) else {
        return;
    };
    eprintln!("a console with 100,000 rows: {found}");
    assert!(has(&found["toMend"], "2,000 rows"), "{found}");
}

#[test]
fn requests_without_the_token_or_from_other_origins_are_refused() {
    let folder = Folder::new();
    folder.sample("elever-2026-ht.csv");
    let console = Console::open(
        &folder,
        &["elever-2026-ht.csv", "--target", "meitner", "--sandbox"],
    );
    let host = format!("Host: {}\r\n", console.host());
    let origin = format!("Origin: http://{}\r\n", console.host());
    let ask =
        |method: &str, path: &str, headers: &str| status(&console.ask(method, path, headers, ""));

    for path in [
        "/",
        "/file",
        "/problems",
        "/style.css",
        "/run/events",
        "/nothing",
    ] {
        assert_eq!(ask("GET", path, &host), 401, "{path}");
    }
    assert_eq!(ask("GET", "/enter?token=0", &host), 401, "a wrong token");
    let cookie = console.enter();
    let replayed = console.entrance.split_once(console.host()).unwrap().1;
    assert_eq!(ask("GET", replayed, &host), 401, "a token that was used");
    assert_eq!(ask("GET", replayed, &format!("{host}{cookie}")), 401);

    let known = format!("{host}{cookie}");
    let file = console.at("/file");
    assert_eq!(ask("GET", &file, &known), 200);
    assert_eq!(
        ask("GET", &file, &host),
        401,
        "the path alone opens nothing"
    );
    assert_eq!(ask("GET", "/file", &known), 404);
    let port = console.host().rsplit_once(':').unwrap().1;
    for (name, code) in [
        (format!("rebound.example:{port}"), 403),
        (format!("127.0.0.1.rebound.example:{port}"), 403),
        ("127.0.0.1".to_owned(), 403),
        (format!("localhost:{port}"), 200),
    ] {
        assert_eq!(
            ask("GET", &file, &format!("Host: {name}\r\n{cookie}")),
            code,
            "{name}"
        );
        // With DNS rebinding, the page's origin equals the host.
        let rebound = format!("Host: {name}\r\nOrigin: http://{name}\r\n{cookie}");
        let answer = ask("POST", &console.at("/plan"), &rebound);
        assert_eq!(answer == 403, code == 403, "{name}");
    }

    for (headers, is_own) in [
        (String::new(), false),
        (format!("Origin: http://evil.example\r\n{cookie}"), false),
        (format!("Origin: null\r\n{cookie}"), false),
        (
            format!("{origin}Sec-Fetch-Site: cross-site\r\n{cookie}"),
            false,
        ),
        (
            format!("{origin}Sec-Fetch-Site: same-site\r\n{cookie}"),
            false,
        ),
        (format!("Sec-Fetch-Site: none\r\n{cookie}"), false),
        (cookie.clone(), false),
        (
            format!("{origin}Sec-Fetch-Site: same-origin\r\n{cookie}"),
            true,
        ),
    ] {
        let answer = ask("POST", &console.at("/run/ask"), &format!("{host}{headers}"));
        assert_eq!(
            answer != 403 && answer != 401,
            is_own,
            "{headers}: {answer}"
        );
    }

    let answer = console.get(&cookie, "/problems").to_lowercase();
    for header in [
        "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self';",
        "frame-ancestors 'none'",
        "cache-control: no-store",
        "x-content-type-options: nosniff",
        "x-frame-options: deny",
    ] {
        assert!(answer.contains(header), "{header}");
    }
    assert!(!answer.contains("<script>") && !answer.contains(" onclick="));
    for path in ["/", "/file", "/columns", "/problems", "/runs", "/person"] {
        let page = console.get(&cookie, path);
        let body = page.split_once("\r\n\r\n").unwrap().1;
        assert!(!body.contains("type=\"password\""), "{path}");
    }
}

#[test]
fn a_form_of_a_previously_opened_file_changes_nothing() {
    let folder = Folder::new();
    folder.sample("elever-2026-ht.csv");
    let console = Console::open(
        &folder,
        &["elever-2026-ht.csv", "--target", "meitner", "--sandbox"],
    );
    let cookie = console.enter();
    for (path, body) in [
        ("/problems/row", "edition=0&row=1&r1c2=Bo"),
        ("/problems/back", "edition=0&row=1"),
        ("/problems/alike", "edition=0&column=5&value=Man&to=Kvinna"),
        ("/columns", "edition=0&c0="),
        ("/plan", "edition=0"),
    ] {
        let answer = console.post(&cookie, path, body);
        assert!(matches!(status(&answer), 400 | 409), "{path}: {answer}");
        assert!(answer.contains("another file"), "{path}: {answer}");
    }
}

/// Returns the value of a hidden form field on a page.
pub fn hidden<'a>(page: &'a str, name: &str) -> &'a str {
    let before = format!("name=\"{name}\" value=\"");
    let (_, rest) = page.split_once(&before).unwrap_or_else(|| panic!("{page}"));
    rest.split_once('"').unwrap().0
}

#[test]
fn edits_survive_a_restart_of_the_console_until_they_are_pruned() {
    let folder = Folder::new();
    let (id, number) = (plain_id(1), identity_number(1));
    // A name with a line break, an unknown gender, and a surplus cell.
    let roster = format!(
        "id;identity_number;first_name;last_name;gender\r\n{id};{number};\"Bo\r\nEk\";Ek;Okänt;x\r\n"
    );
    folder.write("r.csv", &roster);
    let arguments = ["r.csv", "--target", "meitner", "--sandbox"];
    let console = Console::open(&folder, &arguments);
    let cookie = console.enter();
    let page = console.get(&cookie, "/problems");
    let edition = hidden(&page, "edition");
    let mended = format!(
        "edition={edition}&row=1&r1c0={id}&r1c1={number}&r1c2=BoEk&r1c3=Ek&r1c4=Kvinna&r1c5="
    );
    let answer = console.post(&cookie, "/problems/row", &mended);
    assert!(
        answer.contains("No fault was found in the file"),
        "{answer}"
    );
    console.kill();

    let console = Console::open(&folder, &arguments);
    let cookie = console.enter();
    let page = console.get(&cookie, "/problems");
    assert!(page.contains("1 row stands as you changed it"), "{page}");
    assert!(page.contains("value=\"Kvinna\""), "{page}");
    let file = console.get(&cookie, "/problems/file?as=csv");
    assert!(file.contains("\"Bo\r\nEk\""), "{file}");
    assert_eq!(
        std::fs::read_to_string(folder.path("r.csv")).unwrap(),
        roster
    );
    // The edits apply only to the settings with which the file was read.
    console.post(&cookie, "/file", "delimiter=comma");
    console.post(&cookie, "/file", "delimiter=semicolon");
    let page = console.get(&cookie, "/problems");
    assert!(page.contains("value=\"Kvinna\""), "{page}");
    let edition = hidden(&page, "edition");
    let back = format!("edition={edition}&row=all");
    console.post(&cookie, "/problems/back", &back);
    let page = console.get(&cookie, "/problems");
    assert!(page.contains("1 row has a fault"), "{page}");
    console.kill();

    let kept = || {
        std::fs::read_dir(folder.path("state/mends"))
            .unwrap()
            .count()
    };
    assert_eq!(kept(), 1);
    assert!(folder.run("runs prune --older-than 1d").status.success());
    assert_eq!(kept(), 1);
    assert!(folder.run("runs prune --older-than 0s").status.success());
    assert_eq!(kept(), 0);
}

#[test]
fn a_skipped_or_emptied_row_is_not_sent_until_that_is_undone() {
    let folder = Folder::new();
    let rows = [(1, "Man"), (2, "Okänt"), (3, "Man")];
    let mut roster = String::from("id;identity_number;first_name;last_name;gender\r\n");
    for (row, gender) in rows {
        let (id, number) = (plain_id(row), identity_number(row));
        roster.push_str(&format!("{id};{number};Namn{row};Ek;{gender}\r\n"));
    }
    roster.push_str("Antal elever: 3;;;;\r\n");
    folder.write("r.csv", &roster);
    let (base_url, _stop) = earlier_names(3);
    let arguments = ["r.csv", "--target", "meitner", "--base-url", &base_url];
    let console = Console::open(&folder, &arguments);
    let cookie = console.enter();
    let page = console.get(&cookie, "/problems");
    // The total is named, and the pupil above it has no fault.
    assert!(page.contains("looks like a total or a note"), "{page}");
    assert!(page.contains("2 rows have faults"), "{page}");
    assert!(!page.contains("id=\"r3\""), "{page}");
    let edition = hidden(&page, "edition").to_owned();
    let post = |console: &Console, cookie: &str, path: &str, form: &str| {
        let edition = hidden(&console.get(cookie, "/problems"), "edition").to_owned();
        console.post(cookie, path, &format!("edition={edition}&{form}"))
    };
    post(&console, &cookie, "/problems/skip", "row=2");
    post(&console, &cookie, "/problems/skip", "row=4");
    let skipped = "This row is skipped. It is not sent.";
    let page = console.get(&cookie, "/problems");
    assert_eq!(page.matches(skipped).count(), 2, "{page}");
    assert!(page.contains("No fault was found in the file"), "{page}");
    assert!(page.contains("2 rows are skipped."), "{page}");
    assert!(!page.contains("✓ corrected"), "{page}");
    // A page that was opened before the row was skipped does not change it.
    let stale = format!("edition={edition}&row=2&r2c4=Kvinna");
    assert!(
        console
            .post(&cookie, "/problems/row", &stale)
            .contains(skipped)
    );
    // The row is as in the file again, and skipped again.
    post(&console, &cookie, "/problems/back", "row=2");
    let page = console.get(&cookie, "/problems");
    assert!(page.contains("1 row has a fault"), "{page}");
    let answer = post(&console, &cookie, "/problems/skip", "row=2");
    assert_eq!(status(&answer), 303, "{answer}");
    let emptied = "row=3&r3c0=&r3c1=&r3c2=&r3c3=&r3c4=";
    let answer = post(&console, &cookie, "/problems/row", emptied);
    assert!(answer.contains("All cells are empty"), "{answer}");
    console.kill();

    let console = Console::open(&folder, &arguments);
    let cookie = console.enter();
    let page = console.get(&cookie, "/problems");
    assert_eq!(page.matches(skipped).count(), 2, "{page}");
    let file = console.get(&cookie, "/problems/file?as=csv");
    let (_, file) = file.split_once("\r\n\r\n").unwrap();
    assert_eq!(file.lines().count(), 2, "{file}");
    post(&console, &cookie, "/plan", "");
    let page = console.once(&cookie, "/plan", "name=\"consent\"");
    let run = hidden(&page, "run").to_owned();
    console.post(&cookie, "/plan/answer", &format!("run={run}&consent=all"));
    console.once(&cookie, "/run", ">Ended<");
    let results = console.get(&cookie, &format!("/runs/{run}/file/results"));
    let left_out = "not_sent;;row.left_out;";
    assert_eq!(results.matches(left_out).count(), 3, "{results}");
    assert!(
        results.contains("the user skipped or emptied the row"),
        "{results}"
    );
}

#[test]
fn a_cell_with_its_old_value_is_not_edited() {
    let folder = Folder::new();
    let (id, number) = (plain_id(1), identity_number(1));
    folder.write(
        "r.csv",
        format!("id;identity_number;first_name;last_name;gender\r\n{id};{number};Bo;Ek;Okänt\r\n"),
    );
    let console = Console::open(&folder, &["r.csv", "--target", "meitner", "--sandbox"]);
    let cookie = console.enter();
    let edition = hidden(&console.get(&cookie, "/problems"), "edition").to_owned();
    let type_in = |cells: &str| {
        let form = format!("edition={edition}&row=1&{cells}");
        console.post(&cookie, "/problems/row", &form)
    };
    let changed = "id=\"count-changed\" hx-swap-oob=\"true\">(1)";
    let undo = "action=\"/problems/back";
    let undo = undo.replace("\"/", &format!("\"{}", console.at("/")));
    for (cells, is_changed, is_corrected) in [
        ("r1c4=Ok%C3%A4nt&r1c2=Bo", false, false),
        ("r1c4=Man", true, true),
        ("r1c4=Ok%C3%A4nt", false, false),
        ("r1c2=Bob", true, false),
        ("r1c2=Bo", false, false),
    ] {
        let answer = type_in(cells);
        assert_eq!(answer.contains(changed), is_changed, "{cells}: {answer}");
        assert_eq!(answer.contains(&undo), is_changed, "{cells}: {answer}");
        assert_eq!(
            answer.contains("✓ corrected"),
            is_corrected,
            "{cells}: {answer}"
        );
    }
    let emptied = type_in("r1c4=");
    assert!(
        emptied.contains("Empty cell: Meitner keeps its value"),
        "{emptied}"
    );
}

#[test]
fn rows_without_their_last_empty_cells_are_no_restored_values() {
    let folder = Folder::new();
    let row = |row: usize, rest: &str| {
        format!(
            "{};{};'Namn{row};Ek{rest}\r\n",
            plain_id(row),
            identity_number(row)
        )
    };
    let mut roster = String::from("id;identity_number;first_name;last_name;postal_city;gender\r\n");
    roster.push_str(&row(1, ";Solna;Man"));
    (2..=5).for_each(|number| roster.push_str(&row(number, "").replace('\'', "")));
    folder.write("r.csv", &roster);
    let (base_url, _stop) = earlier_names(5);
    let arguments = ["r.csv", "--target", "meitner", "--base-url", &base_url];
    let console = Console::open(&folder, &arguments);
    let cookie = console.enter();
    let page = console.get(&cookie, "/problems?tab=restored");
    assert!(page.contains("id=\"count-restored\">(1)"), "{page}");
    assert_eq!(page.matches("<tbody").count(), 1, "{page}");
    let edition = hidden(&page, "edition").to_owned();
    console.post(&cookie, "/plan", &format!("edition={edition}"));
    let page = console.once(&cookie, "/plan", "name=\"consent\"");
    let (_, link) = page
        .split_once("tab=restored\">")
        .unwrap_or_else(|| panic!("{page}"));
    assert!(link.starts_with('1'), "{link}");
}

#[test]
fn columns_are_asked_about_once_and_answered_as_for_the_last_file() {
    let folder = Folder::new();
    let headers =
        "Elev-ID;Pers.nr;Tilltalsnamn/Förnamn;Efternamn;Elevnr / Id;Elevens e-post;Klass\r\n";
    for (file, row) in [("first.csv", 1), ("second.csv", 2)] {
        let (id, number) = (plain_id(row), identity_number(row));
        folder.write(
            file,
            format!("{headers}{id};{number};Bo;Ek;E{row};bo@skola.se;7A\r\n"),
        );
    }
    let questions = |page: &str| page.matches("class=\"question\"").count();
    let chosen = "value=\"external_source_id\" selected";
    let open = |file: &str| {
        let console = Console::open(&folder, &[file, "--target", "meitner", "--sandbox"]);
        let cookie = console.enter();
        let page = console.get(&cookie, "/columns");
        (console, cookie, page)
    };
    let (console, cookie, page) = open("first.csv");
    assert_eq!(questions(&page), 1, "{page}");
    let near = "Did you mean External ID?";
    assert!(
        page.contains(near) && !page.contains("name=\"repeat\""),
        "{page}"
    );
    for field in ["identity_number", "first_name", "email_address1"] {
        assert!(
            page.contains(&format!("value=\"{field}\" selected")),
            "{page}"
        );
    }
    assert!(
        page.contains("The class is not changed in Meitner."),
        "{page}"
    );
    // The columns stay in the order of the file.
    let places = (0..7).map(|column| page.find(&format!("id=\"c{column}\"")).unwrap());
    assert!(places.is_sorted(), "{page}");
    // The page follows the answer, which is stored without another step.
    let edition = hidden(&page, "edition").to_owned();
    let answer = format!("edition={edition}&c4=external_source_id");
    let page = console.post(&cookie, "/columns?stays=true", &answer);
    assert_eq!((status(&page), questions(&page)), (200, 0), "{page}");
    assert!(
        page.contains(chosen) && !page.contains("class=\"wrong\""),
        "{page}"
    );
    console.kill();

    let (console, cookie, page) = open("second.csv");
    assert_eq!(questions(&page), 1, "{page}");
    assert!(
        page.contains("name=\"repeat\"") && !page.contains(chosen),
        "{page}"
    );
    let repeat = format!("edition={}&c4=&repeat=yes", hidden(&page, "edition"));
    let page = console.post(&cookie, "/columns", &repeat);
    assert_eq!((status(&page), questions(&page)), (200, 0), "{page}");
    assert!(page.contains(chosen), "{page}");
}

#[test]
fn the_file_page_counts_rows_before_their_columns_are_known() {
    let folder = Folder::new();
    folder.write("r.csv", "Namn;Stad\r\nBo;Solna\r\nCia;Solna\r\n");
    let console = Console::open(&folder, &["r.csv", "--target", "meitner", "--sandbox"]);
    let page = console.get(&console.enter(), "/file");
    assert!(page.contains("Rows: 2."), "{page}");
}

#[test]
fn a_dropped_file_is_kept_while_a_console_shows_it() {
    let folder = Folder::new();
    let console = Console::open(&folder, &["--target", "meitner", "--sandbox"]);
    let cookie = console.enter();
    let host = console.host();
    let headers = format!(
        "Host: {host}\r\nOrigin: http://{host}\r\n{cookie}\
         Content-Type: multipart/form-data; boundary=x\r\n"
    );
    let body = format!(
        "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../r.csv\"\r\n\r\n{}\r\n--x--\r\n",
        hostile()
    );
    let answer = console.ask("POST", &console.at("/drop"), &headers, &body);
    assert_eq!(status(&answer), 303, "{answer}");
    let dropped = || {
        std::fs::read_dir(folder.path("state/dropped"))
            .unwrap()
            .count()
    };
    assert_eq!(dropped(), 1);
    assert!(folder.run("runs prune --older-than 0s").status.success());
    assert_eq!(dropped(), 1);
    console.kill();
    assert!(folder.run("runs prune --older-than 0s").status.success());
    assert_eq!(dropped(), 0);
}

/// Returns a sandbox with the records of [`hostile`]: the same persons with other last names.
fn other_records() -> (String, tokio::sync::oneshot::Sender<()>) {
    sandbox_of(
        5,
        |_| "<img src=x onerror=alert(1)>".to_owned(),
        "<img src=y>",
    )
}

/// A sandbox with the records of [`roster_with_accounts`], each of the same person with another last name.
fn earlier_names(rows: usize) -> (String, tokio::sync::oneshot::Sender<()>) {
    sandbox_of(rows, |row| format!("Namn{row}"), "Gammal")
}

/// A sandbox with so many records, with these first names and this last name.
fn sandbox_of(
    rows: usize,
    first: impl Fn(usize) -> String,
    last: &str,
) -> (String, tokio::sync::oneshot::Sender<()>) {
    let rows: Vec<_> = (1..=rows)
        .map(|row| {
            [
                ("id", plain_id(row)),
                ("identity_number", identity_number(row)),
                ("first_name", first(row)),
                ("last_name", last.to_owned()),
            ]
            .map(|(name, text)| (name.to_owned(), text))
            .into()
        })
        .collect();
    let sandbox = rosterpatch::sandbox::Sandbox::new(
        &rosterpatch::sandbox::SandboxOptions::default(),
        &rows,
        std::sync::Arc::new(rosterpatch::clock::SystemClock),
    );
    serve_sandbox(std::sync::Arc::new(sandbox))
}

#[test]
fn an_unanswered_run_asks_again_and_its_event_stream_ends() {
    let folder = Folder::new();
    folder.write("r.csv", hostile().replace("<b><i>Flickan", "Kvinna"));
    let (base_url, _stop) = other_records();
    let mut arguments = vec!["r.csv", "--target", "meitner", "--base-url", &base_url];
    arguments.extend(["--key", "identity_number"]);
    let console = Console::open(&folder, &arguments);
    let cookie = console.enter();
    let edition = hidden(&console.get(&cookie, "/problems"), "edition").to_owned();
    console.post(&cookie, "/plan", &format!("edition={edition}"));
    let page = console.once(&cookie, "/plan", "name=\"consent\"");
    let run = hidden(&page, "run").to_owned();
    console.kill();

    let console = Console::open(&folder, &arguments);
    let cookie = console.enter();
    let form = "what=resume";
    let answer = console.post(&cookie, &format!("/runs/{run}/do"), form);
    assert_eq!(status(&answer), 303, "{answer}");
    let page = console.once(&cookie, "/plan", "name=\"consent\"");
    // The stream sends a final event before it ends, because a browser would reconnect otherwise.
    let events = console.get(&cookie, "/run/events");
    assert!(events.contains("event: over"), "{events}");
    let run = hidden(&page, "run");
    let answer = format!("run={run}&consent=all&note=+nya+adresser+");
    console.post(&cookie, "/plan/answer", &answer);
    let page = console.once(&cookie, "/run", ">Ended<");
    assert!(page.contains("5 updated"), "{page}");
    let page = console.get(&cookie, &format!("/runs/{run}"));
    assert!(page.contains("nya adresser"), "{page}");
    let events = console.get(&cookie, "/run/events");
    assert!(events.contains("5 updated") && events.contains("event: over"));

    // An undo shows the names of the roster, and a declined undo leaves no file.
    console.post(&cookie, &format!("/runs/{run}/do"), "what=undo");
    let page = console.once(&cookie, "/undo", "name=\"consent\"");
    assert!(page.contains("onerror=alert(1)"), "{page}");
    assert!(folder.path("r.undo.csv").is_file());
    let run = hidden(&page, "run");
    console.post(&cookie, "/plan/answer", &format!("run={run}&consent=no"));
    console.once(&cookie, "/undo", "HTTP/1.1 303");
    assert!(!folder.path("r.undo.csv").exists());
}

#[test]
fn a_row_can_be_expanded_with_the_cells_that_the_page_hides() {
    let folder = Folder::new();
    folder.write("r.csv", hostile());
    let arguments = ["r.csv", "--target", "meitner", "--sandbox"];
    let console = Console::open(&folder, &arguments);
    let cookie = console.enter();
    let whole = |shown| console.get(&cookie, &format!("/problems/whole?row=1&tab=faulty{shown}"));
    for (shown, expected) in [("", true), ("&s3=1", false), ("&s4=1", true)] {
        let page = whole(shown);
        assert_eq!(page.contains("name=\"r1c3\""), expected, "{page}");
    }
    // A faulty cell in a column that is not shown is included.
    assert!(whole("").contains("name=\"r1c4\""));
}

#[test]
fn a_file_that_changed_after_its_plan_is_not_sent() {
    let folder = Folder::new();
    let roster = hostile().replace("<b><i>Flickan", "Okänt");
    folder.write("r.csv", &roster);
    let (base_url, _stop) = other_records();
    let mut arguments = vec!["r.csv", "--target", "meitner", "--base-url", &base_url];
    arguments.extend(["--max-invalid", "100%"]);
    let console = Console::open(&folder, &arguments);
    let cookie = console.enter();
    let edition = || hidden(&console.get(&cookie, "/problems"), "edition").to_owned();
    let plan = || console.post(&cookie, "/plan", &format!("edition={}", edition()));
    folder.write("r.csv", roster.replace("Okänt", "Man"));
    plan();
    console.once(&cookie, "/run", "changed since it was opened");
    folder.write("r.csv", &roster);
    plan();
    let page = console.once(&cookie, "/plan", "name=\"consent\"");
    let run = hidden(&page, "run").to_owned();
    console.post(&cookie, "/plan/answer", &format!("run={run}&consent=all"));
    let page = console.once(&cookie, "/run", ">Ended<");
    assert!(page.contains("2 updated"), "{page}");

    console.post(&cookie, &format!("/runs/{run}/do"), "what=mend");
    let page = console.get(&cookie, "/problems");
    assert!(page.contains("3 rows have faults"), "{page}");
    folder.write("r.csv", roster.replace("Okänt", "Man"));
    plan();
    console.once(&cookie, "/run", "changed since it was opened");
}

#[test]
fn a_rejected_row_stays_listed_until_it_is_corrected() {
    let folder = Folder::new();
    folder.write("r.csv", plain_roster(3));
    let refused = plain_id(2);
    let server = Server::start(move |seen| match seen.path.ends_with(&refused) {
        true => respond(
            400,
            &[],
            r#"{"error":{"code":"BadName","message":"no such name"}}"#,
        ),
        false => respond(200, &[], RECORD),
    });
    let arguments = [
        "r.csv",
        "--target",
        "plain.toml",
        "--base-url",
        &server.base_url,
    ];
    let console = Console::open(&folder, &arguments);
    let cookie = console.enter();
    let edition = || hidden(&console.get(&cookie, "/problems"), "edition").to_owned();
    console.post(&cookie, "/plan", &format!("edition={}", edition()));
    let page = console.once(&cookie, "/plan", "name=\"consent\"");
    let run = hidden(&page, "run").to_owned();
    console.post(&cookie, "/plan/answer", &format!("run={run}&consent=all"));
    console.once(&cookie, "/run", ">Ended<");

    console.post(&cookie, &format!("/runs/{run}/do"), "what=mend");
    let page = console.get(&cookie, "/problems");
    assert!(
        page.contains("1 row has a fault") && page.contains("No such name"),
        "{page}"
    );
    let mended = format!("edition={}&row=2&r2c2=Bo", hidden(&page, "edition"));
    let page = console.post(&cookie, "/problems/row", &mended);
    assert!(
        page.contains("No fault was found in the file") && !page.contains("No such name"),
        "{page}"
    );
}

#[test]
fn another_local_account_cannot_read_or_use_the_console() {
    let folder = Folder::new();
    folder.sample("elever-2026-ht.csv");
    let console = Console::open(
        &folder,
        &["elever-2026-ht.csv", "--target", "meitner", "--sandbox"],
    );
    let as_another = |script: &str| {
        folder
            .command_by("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .args(["bash", "-c", script])
            .current_dir("/")
            .output()
    };
    match as_another("id -u") {
        Ok(output) if output.stdout == b"65534\n" => {}
        _ => return skipped("only root can be another account: run it as root"),
    }
    console.enter();
    let pid = console.process.id();
    let (host, port) = console.host().split_once(':').unwrap();
    let token = console.entrance.rsplit_once('=').unwrap().1;
    let state = folder.path("state").display().to_string();
    let script = format!(
        "tr '\\0' ' ' </proc/{pid}/cmdline; cat /proc/{pid}/environ '{state}'/* 2>/dev/null; ls '{state}' 2>/dev/null; \
         exec 3<>/dev/tcp/{host}/{port}; \
         printf 'GET /file HTTP/1.1\\r\\nHost: {host}:{port}\\r\\nConnection: close\\r\\n\\r\\n' >&3; \
         read -r _ code _ <&3; echo \"$code\""
    );
    let output = as_another(&script).unwrap();
    let seen = String::from_utf8_lossy(&output.stdout);
    assert!(
        seen.contains("open"),
        "the command line is there to see: {seen}"
    );
    assert!(
        !seen.contains(token) && !seen.contains("sandbox;"),
        "{seen}"
    );
    assert!(seen.trim_end().ends_with("401"), "{seen}");
    assert!(!seen.contains("journal"), "{seen}");
}

#[test]
fn a_console_listens_only_on_loopback_and_exits_when_idle() {
    let folder = Folder::new();
    let output = folder.run("open --no-browser --listen 0.0.0.0:0");
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("this machine alone"),
        "{}",
        stderr(&output)
    );
    let output = folder.run("open nothing.csv --no-browser");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("nothing.csv"),
        "{}",
        stderr(&output)
    );
    let mut console = Console::open(&folder, &["--target", "meitner", "--idle", "10ms"]);
    assert_eq!(console.process.wait().unwrap().code(), Some(0));
}

#[test]
fn a_rehearsal_says_on_the_terminal_and_on_its_pages_that_it_starts_anew() {
    for (language, terminal, page) in [
        (
            "en",
            "filled anew each time that the console starts",
            "the next rehearsal starts from the beginning",
        ),
        (
            "sv",
            "fylls på nytt varje gång konsolen startas",
            "nästa övning börjar om från början",
        ),
    ] {
        let folder = Folder::new();
        let open = format!("open --no-browser --target meitner --lang {language} --idle 10ms");
        for (place, is_said) in [(" --sandbox", true), ("", false)] {
            let output = folder.run(&format!("{open}{place}"));
            assert!(output.status.success(), "{}", stderr(&output));
            let said = stderr(&output).contains(terminal);
            assert_eq!(said, is_said, "{}", stderr(&output));
        }
        let arguments = ["--sandbox", "--target", "meitner", "--lang", language];
        let console = Console::open(&folder, &arguments);
        let cookie = console.enter();
        assert!(console.get(&cookie, "/").contains(page));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_page_that_opens_the_console_is_readable_by_its_user_only() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new();
    let browsers = folder.path("bin");
    std::fs::create_dir(&browsers).unwrap();
    let seen = folder.path("seen");
    let script = format!(
        "#!/bin/sh\n{{ stat -c %a \"$1\"; echo \"$@\"; cat \"$1\"; }} >'{0}.new' && mv '{0}.new' '{0}'\n",
        seen.display()
    );
    let browser = folder.write("bin/xdg-open", script);
    std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o755)).unwrap();
    let console = Console::open_with(
        &folder,
        &["--target", "meitner"],
        Some(&browsers),
        &OF_SANDBOX,
    );
    let mut tries = 0..1200;
    while !seen.exists() && tries.next().is_some() {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let seen = std::fs::read_to_string(&seen).unwrap();
    let (mode, rest) = seen.split_once('\n').unwrap();
    let (arguments, page) = rest.split_once('\n').unwrap();
    assert_eq!(mode, "600");
    assert!(!arguments.contains("token"), "{arguments}");
    assert!(
        page.contains(&format!("url={}", console.entrance)),
        "{page}"
    );
    console.enter();
}

#[test]
#[cfg(unix)]
fn an_interrupt_stops_the_console() {
    let folder = Folder::new();
    let mut console = Console::open(&folder, &["--target", "meitner"]);
    // The console serves only after its signal handlers are installed.
    console.enter();
    signal(console.process.id(), "INT");
    assert_eq!(console.process.wait().unwrap().code(), Some(0));
}

#[test]
fn a_messy_workbook_is_read_asked_about_corrected_and_sent_in_a_browser() {
    let Some(python) = installed("JUDGES_PYTHON") else {
        return;
    };
    for (language, question, done) in [
        ("en", "This column holds e-mail addresses.", "Done"),
        ("sv", "Kolumnen innehåller e-postadresser.", "Klart"),
    ] {
        let folder = Folder::new();
        folder.sample("elever-2026-ht.csv");
        let made = Command::new(&python)
            .arg(repository().join("tests/judges/messy.py"))
            .arg(folder.path("elever-2026-ht.csv"))
            .args([folder.path("lista ht26.xlsx").to_str().unwrap(), "40"])
            .status();
        assert!(made.unwrap().success());
        let arguments = ["lista ht26.xlsx", "--target", "meitner", "--sandbox"];
        let arguments = [&arguments[..], &["--rate", "400/s", "--lang", language]].concat();
        let console = Console::open(&folder, &arguments);
        let Some(found) = console.walk("messy", &[]) else {
            return;
        };
        assert_eq!(found["header"][1], "Personnummer", "{found}");
        assert!(has(&found["question"], question), "{found}");
        assert_eq!(found["staysAt"], true, "{found}");
        assert_eq!(found["answered"], "email_address1", "{found}");
        // The question, its notice and the step follow the answer.
        assert_eq!(
            found["open"],
            serde_json::json!([2, "attention"]),
            "{found}"
        );
        assert_eq!(found["closed"], serde_json::json!([0, "done"]), "{found}");
        assert!(has(&found["focused"], "c"), "{found}");
        assert!(has(&found["edge"], "gradient"), "{found}");
        assert!(has(&found["toMend"], "1 r"), "{found}");
        assert!(has(&found["done"], done), "{found}");
    }
}

#[test]
fn columns_that_cannot_be_used_are_described_without_paths_options_and_field_names() {
    for (language, two, lacking) in [
        (
            "en",
            "“first_name” and “Tilltal” are both set to First name",
            "Personal identity number",
        ),
        (
            "sv",
            "”first_name” och ”Tilltal” hör båda till Förnamn",
            "Personnummer",
        ),
    ] {
        let folder = Folder::new();
        let (id, number) = (plain_id(1), identity_number(1));
        let roster = format!("id;identity_number;first_name;Tilltal\r\n{id};{number};Bo;Bo\r\n");
        folder.write("r.csv", &roster);
        let arguments = [
            "r.csv",
            "--target",
            "meitner",
            "--sandbox",
            "--lang",
            language,
        ];
        let console = Console::open(&folder, &arguments);
        let cookie = console.enter();
        let alert = |page: &str| {
            let alert = page
                .split_once("role=\"alert\">")
                .unwrap_or_else(|| panic!("{page}"));
            alert.1.split_once('<').unwrap().0.to_owned()
        };
        let page = console.get(&cookie, "/columns");
        let edition = hidden(&page, "edition").to_owned();
        let choose = |columns: &str| {
            let form = format!("edition={edition}&{columns}");
            alert(&console.post(&cookie, "/columns", &form))
        };
        let folder_path = folder.path("").display().to_string();
        for (columns, expected) in [
            ("c2=first_name&c3=first_name", two),
            ("c0=-&c1=-&c2=first_name&c3=-", lacking),
        ] {
            let text = choose(columns);
            assert!(text.contains(expected), "{text}");
            for part in ["--", "identity_number", &folder_path] {
                assert!(!text.contains(part), "{part}: {text}");
            }
        }
    }
}

/// A roster of these rows, with an e-mail column that no header names.
fn roster_with_accounts(rows: impl Iterator<Item = usize>) -> String {
    let mut text = String::from("id;identity_number;first_name;last_name;Konto;Klass\r\n");
    for row in rows {
        let (id, number) = (plain_id(row), identity_number(row));
        text.push_str(&format!(
            "{id};{number};Namn{row};Ek;namn{row}@skola.se;7A\r\n"
        ));
    }
    text
}

#[test]
fn the_next_roster_shows_who_is_new_or_missing_and_what_was_decided_about_its_columns() {
    for (language, asked, since, left) in [
        (
            "en",
            "from first.csv",
            "2 new and 1 missing since",
            "you left out",
        ),
        (
            "sv",
            "från first.csv",
            "2 nya och 1 som saknas sedan",
            "utelämnade du",
        ),
    ] {
        let folder = Folder::new();
        folder.write("first.csv", roster_with_accounts(1..=9));
        folder.write("second.csv", roster_with_accounts(2..=11));
        let (base_url, _stop) = earlier_names(11);
        let open = |file: &str| {
            let place = [file, "--target", "meitner", "--base-url", &base_url];
            Console::open(&folder, &[&place[..], &["--lang", language]].concat())
        };
        let console = open("first.csv");
        let cookie = console.enter();
        let page = console.get(&cookie, "/columns");
        assert!(
            page.contains("name@") || page.contains("namn1@skola.se"),
            "{page}"
        );
        let edition = hidden(&page, "edition").to_owned();
        // A question without an answer is asked again, and nothing is planned.
        let page = console.post(&cookie, "/columns", &format!("edition={edition}&c5=-"));
        assert!(
            page.contains("role=\"alert\"") && page.contains("Konto"),
            "{page}"
        );
        let plan = format!("edition={edition}");
        let answer = console.post(&cookie, "/plan", &plan);
        assert!(answer.contains("/columns\r\n"), "{answer}");
        let answered = format!("edition={edition}&c4=email_address1&c5=-");
        let answer = console.post(&cookie, "/columns", &answered);
        assert!(answer.contains("/problems\r\n"), "{answer}");
        console.post(&cookie, "/plan", &plan);
        let page = console.once(&cookie, "/plan", "name=\"consent\"");
        assert!(!page.contains("class=\"since\""), "{page}");
        let run = hidden(&page, "run");
        console.post(&cookie, "/plan/answer", &format!("run={run}&consent=all"));
        console.once(&cookie, "/runs", &format!("/runs/{run}"));
        let path = format!("/runs/{run}");
        console.once(&cookie, &path, "/file/results");
        console.kill();

        // The decision is offered for the next file, and never applied unasked.
        let console = open("second.csv");
        let Some(found) = console.walk("next", &[]) else {
            return;
        };
        assert!(has(&found["question"], asked), "{found}");
        assert!(has(&found["since"], since), "{found}");
        let names = ["Namn10 Ek · 7A", "Namn11 Ek · 7A", "Namn1 Ek · 7A"];
        assert_eq!(found["names"], serde_json::json!(names), "{found}");
        console.kill();

        // A column that was left out is asked about with that.
        let console = open("first.csv");
        let cookie = console.enter();
        let edition = hidden(&console.get(&cookie, "/columns"), "edition").to_owned();
        let answered = format!("edition={edition}&c4=-&c5=-");
        console.post(&cookie, "/columns", &answered);
        console.kill();
        let console = open("second.csv");
        let page = console.get(&console.enter(), "/columns");
        assert!(page.contains(left), "{page}");
    }
}

#[test]
fn columns_are_kept_for_file_names_that_fit_a_pattern_only_if_that_is_chosen() {
    let folder = Folder::new();
    for term in ["2026-ht", "2027-vt"] {
        folder.write(&format!("elever-{term}.csv"), roster_with_accounts(1..=9));
    }
    folder.write("andra.csv", roster_with_accounts(1..=9));
    folder.write(
        "rosterpatch.toml",
        "[profile.other]\nfiles = [\"andra.csv\"]\n",
    );
    let open = |file: &str| {
        let console = Console::open(&folder, &[file, "--target", "meitner", "--sandbox"]);
        let cookie = console.enter();
        let page = console.get(&cookie, "/columns");
        (console, cookie, page)
    };
    let (console, cookie, page) = open("elever-2026-ht.csv");
    assert!(
        page.contains("name=\"pattern\" value=\"elever-*.csv\""),
        "{page}"
    );
    let edition = hidden(&page, "edition").to_owned();
    let keep = |pattern: &str| {
        let form = format!("edition={edition}&c4=email_address1&c5=-&keep=on&pattern={pattern}");
        console.post(&cookie, "/columns", &form)
    };
    // Neither a name that does not fit nor the files of another profile.
    for (pattern, why) in [
        ("lista-*.csv", "does not match"),
        ("*.csv", "profile other"),
    ] {
        let refused = keep(pattern);
        assert!(refused.contains(why), "{refused}");
    }
    assert!(keep("elever-*.csv").contains("/problems\r\n"));
    let page = console.get(&cookie, "/problems");
    assert!(
        page.contains("elever-*.csv") && page.contains("rosterpatch.toml"),
        "{page}"
    );
    let folder_path = folder.path("").display().to_string();
    assert!(!page.contains(&folder_path), "{page}");
    drop(console);
    let (_console, _, page) = open("elever-2027-vt.csv");
    assert!(
        !page.contains("class=\"question\"") && !page.contains("name=\"pattern\""),
        "{page}"
    );
    // A profile for other files has no part in it.
    let (_console, _, page) = open("andra.csv");
    assert!(page.contains("class=\"question\""), "{page}");
}
