//! Shared test support: temporary folders, the program under test, a scripted server, and library runs on a
//! virtual clock.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::Response;
use rosterpatch::check::{CheckOptions, DuplicatePolicy};
use rosterpatch::clock::{Clock, SystemClock, VirtualClock};
use rosterpatch::events::{Observer, Unobserved};
use rosterpatch::journal::{Journal, State};
use rosterpatch::map::MapOptions;
use rosterpatch::plan::{Guards, Selection, Threshold};
use rosterpatch::read::ReadOptions;
use rosterpatch::report::ResultPaths;
use rosterpatch::run::{
    Context, Delivery, Ended, Roster, RunError, Settings, Start, import, prepare,
};
use rosterpatch::sandbox::{SECRET, Sandbox, SandboxOptions, SeedRow, serve};
use rosterpatch::send::{Backoff, Credentials, Pace, Rate, SenderOptions, StopRequest};
use rosterpatch::targets;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Returns the path of the program under test. A runner that moved the test binary sets it in the
/// environment.
pub fn program_path() -> PathBuf {
    let moved = std::env::var_os("CARGO_BIN_EXE_rosterpatch");
    moved.map_or_else(|| env!("CARGO_BIN_EXE_rosterpatch").into(), PathBuf::from)
}

/// Returns the root of the repository.
pub fn repository() -> PathBuf {
    let moved = std::env::var_os("CARGO_MANIFEST_DIR");
    moved.map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

/// Sends a signal to a process through the shell, because some machines have no `kill` executable.
pub fn signal(process: u32, signal: &str) {
    let command = match cfg!(windows) {
        true => format!("taskkill /F /PID {process}"),
        false => format!("kill -{signal} {process}"),
    };
    assert!(cfg!(unix) || signal == "KILL", "{signal} on Windows");
    let mut shell = match cfg!(windows) {
        true => Command::new("cmd"),
        false => Command::new("sh"),
    };
    let option = if cfg!(windows) { "/C" } else { "-c" };
    let sent = shell.args([option, &command]).output();
    assert!(sent.unwrap().status.success(), "{command}");
}

/// Waits until the condition holds; panics after two minutes.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = std::time::Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(120), "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A child process that is killed when the value is dropped.
pub struct Started(pub Child);

impl std::ops::Deref for Started {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl std::ops::DerefMut for Started {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Makes a file readable by its owner only, which the program requires of files that it trusts.
pub fn make_private(path: &Path) {
    #[cfg(unix)]
    {
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(path, private).unwrap();
    }
    assert!(path.is_file(), "{}", path.display());
}

/// A temporary folder with the settings, state and rosters of one test.
pub struct Folder {
    folder: tempfile::TempDir,
    /// The database URL of the journal, if the tests run on PostgreSQL.
    database: Option<String>,
}

/// Returns a new database if `ROSTERPATCH_TEST_STORE` is `postgres` and a cluster is available. Tests that
/// open the journal's file themselves do not use it.
#[cfg(all(unix, feature = "postgres"))]
fn database() -> Option<String> {
    let is_asked = std::env::var("ROSTERPATCH_TEST_STORE").is_ok_and(|store| store == "postgres");
    is_asked
        .then(crate::postgres::shared)
        .flatten()
        .map(|cluster| cluster.database())
}

#[cfg(not(all(unix, feature = "postgres")))]
fn database() -> Option<String> {
    None
}

impl Folder {
    pub fn new() -> Folder {
        let folder = Folder {
            folder: tempfile::tempdir().unwrap(),
            database: database(),
        };
        folder.plain_target(true);
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Returns the location of the journal.
    pub fn state(&self) -> State {
        match &self.database {
            Some(address) => State::in_database(address, None, &self.path("state")).unwrap(),
            None => State::in_folder(&self.path("state")),
        }
    }

    /// Returns the location of the journal as a value for `--state`.
    pub fn state_option(&self) -> std::ffi::OsString {
        match &self.database {
            Some(address) => address.into(),
            None => self.path("state").into(),
        }
    }

    /// Copies one of the repository's samples into the folder.
    pub fn sample(&self, name: &str) -> PathBuf {
        let from = repository().join("samples").join(name);
        self.write(name, std::fs::read(from).unwrap())
    }

    /// Writes `plain.toml`: the first built-in target without look-ups, so that an import makes exactly one
    /// request per row.
    pub fn plain_target(&self, idempotent: bool) -> PathBuf {
        let text = targets::text("meitner").unwrap();
        let (head, rest) = text.split_once("[lookup]").unwrap();
        let (_, fields) = rest.split_once("[[fields]]").unwrap();
        let mut text = format!("{head}[[fields]]{fields}");
        // Lines that need a look-up or check the response body are removed, because scripted servers answer
        // with any body.
        for line in [
            "keep = [\"identity_temporary\"]\n",
            "expects = \"record\"\n",
        ] {
            assert!(text.contains(line), "{line}");
            text = text.replace(line, "");
        }
        let said = format!("idempotent = {idempotent}");
        let path = self.write("plain.toml", text.replace("idempotent = true", &said));
        make_private(&path);
        path
    }

    /// Returns a command for the program: in English, with its state in this folder, and isolated from the
    /// user's environment.
    pub fn command(&self) -> Command {
        self.command_by(program_path())
    }

    /// Returns a command for another program that starts rosterpatch, with the same environment as
    /// [`Folder::command`].
    pub fn command_by(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        let kept = ["PATH", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "USERPROFILE"];
        command
            .env_clear()
            .envs(
                kept.iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            )
            .env("TZ", "UTC")
            .env("HOME", self.path("home"))
            .env("ROSTERPATCH_STATE", self.state_option())
            .current_dir(self.folder.path());
        if cfg!(windows) {
            // Windows ignores the language of the account here.
            command.env("LANG", "en");
        }
        command
    }

    /// Like [`Folder::command`], as an `assert_cmd` command that supports a timeout and standard input.
    pub fn program(&self) -> assert_cmd::Command {
        assert_cmd::Command::from_std(self.command())
    }

    /// Runs the program with the sandbox's credentials in its environment.
    pub fn with_sandbox(&self, arguments: &[&str]) -> Output {
        let mut program = self.program();
        program.args(arguments).envs(OF_SANDBOX).output().unwrap()
    }

    /// Returns the cells of a workbook as LibreOffice exports them.
    pub fn csv_of_workbook(&self, name: &str) -> Vec<Vec<String>> {
        self.rewritten_by_office(
            name,
            "csv:Text - txt - csv (StarCalc):59,34,76,1,,0,false,true",
        );
        let stem = name.strip_suffix(".xlsx").unwrap();
        self.csv(&format!("office-out/{stem}.csv"), b';')
    }

    /// Opens a workbook or a semicolon-separated file in LibreOffice and saves it to `office-out` with this
    /// export filter.
    pub fn rewritten_by_office(&self, from: &str, filter: &str) {
        let output = Command::new(office().unwrap())
            .args(["--headless", "--norestore"])
            .arg(format!(
                "-env:UserInstallation=file://{}",
                self.path("office").display()
            ))
            .args(
                from.ends_with(".csv")
                    .then_some("--infilter=CSV:59,34,UTF8,1"),
            )
            .args(["--convert-to", filter])
            .args(["--outdir", "office-out"])
            .arg(self.path(from))
            .current_dir(self.path(""))
            .env("HOME", self.path(""))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
    }

    /// Returns the output of `runs` without its header, newest run first.
    pub fn runs(&self) -> String {
        let listed = stdout(&self.run("runs --rehearsals"));
        let below = listed.split_once('\n').map_or("", |(_, below)| below);
        below.to_owned()
    }

    pub fn run(&self, arguments: &str) -> Output {
        self.program().args(arguments.split(' ')).output().unwrap()
    }

    /// Runs the program on these arguments with the sandbox's credentials. Servers that do not check
    /// credentials accept them too.
    pub fn send(&self, arguments: &[&str]) -> Output {
        self.program()
            .args(arguments)
            .env("MEITNER_CLIENT_CREDENTIALS", SECRET)
            .env("MEITNER_CLIENT_SECRET", SECRET)
            .output()
            .unwrap()
    }

    /// Imports a roster with the plain target, with these extra arguments and environment variables.
    pub fn import_to(
        &self,
        roster: &str,
        base_url: &str,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Output {
        self.program()
            .args(["import", roster, "--yes", "--max-invalid", "100%"])
            .args(["--base-url", base_url, "--target", "plain.toml"])
            .args(arguments)
            .envs(CREDENTIALS)
            .envs(variables.iter().copied())
            .output()
            .unwrap()
    }

    /// Returns the rows of a CSV file, header first.
    pub fn csv(&self, name: &str, delimiter: u8) -> Vec<Vec<String>> {
        read_csv(&self.path(name), delimiter)
    }
}

pub fn read_csv(path: &Path, delimiter: u8) -> Vec<Vec<String>> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_path(path)
        .unwrap()
        .records()
        .map(|record| record.unwrap().iter().map(String::from).collect())
        .collect()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Returns a virtual clock that starts on an August evening.
pub fn evening() -> Arc<VirtualClock> {
    let start = "2026-08-20T18:00:00Z".parse().unwrap();
    Arc::new(VirtualClock::starting_at(start))
}

/// Returns the path of LibreOffice, if it is installed.
pub fn office() -> Option<OsString> {
    crate::machine::installed("LIBREOFFICE")
}

/// Returns a comma-separated roster of `rows` valid students with the required columns, all with the same
/// name.
pub fn plain_roster(rows: usize) -> String {
    let mut text = "id,identity_number,first_name,last_name\n".to_owned();
    for row in 1..=rows {
        text.push_str(&format!(
            "{},{},Åsa,Ek\n",
            plain_id(row),
            identity_number(row)
        ));
    }
    text
}

/// Returns the id in row `row` of a [`plain_roster`].
pub fn plain_id(row: usize) -> String {
    format!("00000000-0000-4000-8000-{row:012}")
}

/// Returns the identity number in row `row` of a [`plain_roster`], with a valid check digit.
pub fn identity_number(row: usize) -> String {
    let (day, serial) = (1 + row / 1000 % 28, row % 1000);
    let (month, year) = (1 + row / 28_000 % 12, 2010 + row / 336_000);
    let nine = format!("{:02}{month:02}{day:02}{serial:03}", year % 100);
    let sum: u32 = nine
        .chars()
        .enumerate()
        .map(|(place, c)| {
            let product = c.to_digit(10).unwrap() * if place % 2 == 0 { 2 } else { 1 };
            product / 10 + product % 10
        })
        .sum();
    format!(
        "{year}{month:02}{day:02}-{serial:03}{}",
        (10 - sum % 10) % 10
    )
}

/// Converts a roster to rows that seed a sandbox.
pub fn seed_of(roster: &str) -> Vec<SeedRow> {
    let mut rows = csv::Reader::from_reader(roster.as_bytes());
    let header: Vec<String> = rows.headers().unwrap().iter().map(String::from).collect();
    rows.records()
        .map(|row| {
            let row = row.unwrap();
            let cells = header.iter().cloned().zip(row.iter().map(String::from));
            cells.filter(|(_, cell)| !cell.is_empty()).collect()
        })
        .collect()
}

/// A request that a [`Server`] received.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub body: String,
    pub headers: axum::http::HeaderMap,
    /// The number of earlier requests for this path; for a forgetful server, of all earlier requests.
    pub before: usize,
}

/// Credentials for servers that do not check them.
pub const CREDENTIALS: [(&str, &str); 2] = [
    ("MEITNER_CLIENT_CREDENTIALS", "a"),
    ("MEITNER_CLIENT_SECRET", "b"),
];

/// Credentials that the sandbox accepts.
pub const OF_SANDBOX: [(&str, &str); 2] = [
    ("MEITNER_CLIENT_CREDENTIALS", "sandbox"),
    ("MEITNER_CLIENT_SECRET", "sandbox"),
];

/// An HTTP server that answers with a test's closure and records the requests.
pub struct Server {
    pub base_url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    _stop: oneshot::Sender<()>,
}

impl Server {
    /// Starts a server that counts requests without storing them.
    pub fn start_forgetful(
        answer: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static,
    ) -> Server {
        Server::start_with(answer, false)
    }

    pub fn start(answer: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static) -> Server {
        Server::start_with(answer, true)
    }

    fn start_with(
        answer: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static,
        remembers: bool,
    ) -> Server {
        let counted = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let remembered = seen.clone();
        let answer = Arc::new(answer);
        let app = axum::Router::new().fallback(move |request: Request| {
            let (remembered, answer) = (remembered.clone(), answer.clone());
            let number = counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            async move {
                let (parts, body) = request.into_parts();
                let body: Bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
                let path = parts.uri.to_string();
                let seen = {
                    let mut all = remembered.lock().unwrap();
                    let seen = Seen {
                        method: parts.method.to_string(),
                        body: String::from_utf8(body.to_vec()).unwrap(),
                        headers: parts.headers,
                        before: if remembers {
                            all.iter().filter(|other| other.path == path).count()
                        } else {
                            number
                        },
                        path,
                    };
                    if remembers {
                        all.push(seen.clone());
                    }
                    seen
                };
                shown(answer(&seen), &seen).await
            }
        });
        let (address, stop) = spawn(move |listener, stopped| async move {
            axum::serve(listener, app)
                .with_graceful_shutdown(stopped)
                .await
        });
        Server {
            base_url: format!("http://{address}"),
            seen,
            _stop: stop,
        }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// Returns the arguments that import `r.csv` to the first built-in target at this base URL.
pub fn import_of(base_url: &str) -> [&str; 7] {
    [
        "import",
        "r.csv",
        "--target",
        "meitner",
        "--yes",
        "--base-url",
        base_url,
    ]
}

/// Serves a sandbox seeded with a roster, with this latency and without a quota.
pub fn sandbox_holding(
    roster: &str,
    latency: Duration,
) -> (Arc<Sandbox>, String, oneshot::Sender<()>) {
    sandbox_by(roster, latency, Arc::new(SystemClock))
}

/// Like [`sandbox_holding`], with this clock, which also times the latency.
pub fn sandbox_by(
    roster: &str,
    latency: Duration,
    clock: Arc<dyn Clock>,
) -> (Arc<Sandbox>, String, oneshot::Sender<()>) {
    let options = SandboxOptions {
        depth: 1e9,
        interval: Duration::from_nanos(1),
        latency,
        ..SandboxOptions::default()
    };
    let sandbox = Arc::new(Sandbox::holding(&options, &seed_of(roster), clock));
    let (base_url, stop) = serve_sandbox(sandbox.clone());
    (sandbox, base_url, stop)
}

/// Serves the sandbox on a free port. Returns the base URL of its students, and a sender that stops the
/// server when dropped.
pub fn serve_sandbox(sandbox: Arc<Sandbox>) -> (String, oneshot::Sender<()>) {
    serve_sandbox_at(sandbox, "/directory/v1")
}

/// Like [`serve_sandbox`], with the base URL of the API at `path`.
pub fn serve_sandbox_at(sandbox: Arc<Sandbox>, path: &str) -> (String, oneshot::Sender<()>) {
    let (address, stop) = spawn(move |listener, stopped| serve(sandbox, listener, stopped));
    (format!("http://{address}{path}"), stop)
}

fn spawn<F, R>(
    serve: impl FnOnce(TcpListener, std::pin::Pin<Box<dyn Future<Output = ()> + Send>>) -> F
    + Send
    + 'static,
) -> (std::net::SocketAddr, oneshot::Sender<()>)
where
    F: Future<Output = R>,
{
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            let ended = Box::pin(async {
                let _ = stopped.await;
            });
            serve(listener, ended).await;
        });
    });
    (address, stop)
}

/// The minimal response body that both built-in APIs' updates must have. The server adds the members that the
/// update sent, as both APIs do.
pub const RECORD: &str = r#"{"id":"1"}"#;

/// Adds the members of the request to a response that contains [`RECORD`].
async fn shown(answer: Response<Body>, seen: &Seen) -> Response<Body> {
    let (parts, body) = answer.into_parts();
    if !parts.status.is_success() {
        return Response::from_parts(parts, body);
    }
    let mut body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    if body == RECORD
        && let Ok(serde_json::Value::Object(sent)) = serde_json::from_str(&seen.body)
    {
        let mut record: serde_json::Value = serde_json::from_str(RECORD).unwrap();
        record.as_object_mut().unwrap().extend(sent);
        body = record.to_string().into();
    }
    Response::from_parts(parts, Body::from(body))
}

/// Builds a response from a status code, headers and a body.
pub fn respond(status: u16, headers: &[(&str, &str)], body: &str) -> Response<Body> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(Body::from(body.to_owned())).unwrap()
}

/// Settings of an import through the library, on a virtual clock.
pub struct LibraryRun {
    pub clock: Arc<dyn Clock>,
    pub rate: Rate,
    pub burst: u32,
    pub sender: SenderOptions,
    pub selection: Selection,
    pub duplicates: DuplicatePolicy,
    /// The target; `None` means the plain target, whose records cannot be read.
    pub target: Option<String>,
    /// The fields that identify records.
    pub key: Option<String>,
    pub variables: BTreeMap<String, String>,
    pub allowed: Vec<(String, String)>,
    /// The names of the credentials in the environment; `None` means all of them.
    pub credentials: Option<Vec<&'static str>>,
    pub stop: Option<tokio::sync::watch::Receiver<StopRequest>>,
    /// The rate limit that the user sets.
    pub ceiling: Option<Rate>,
    pub observer: Box<dyn Observer>,
    /// The run to resume.
    pub resume: Option<String>,
    pub all: bool,
    pub blind: bool,
    /// The guards. By default, no guard holds the run.
    pub guards: Guards,
    pub canary: Option<u64>,
    pub trust_for: Duration,
    /// The age at which all records are listed again; `None` disables the snapshot.
    pub relist: Option<Duration>,
    /// Whether the run asks for confirmation, which the test always gives.
    pub asks: bool,
}

impl LibraryRun {
    pub fn new() -> LibraryRun {
        LibraryRun {
            clock: evening(),
            rate: "1000/s".parse().unwrap(),
            burst: 1000,
            sender: SenderOptions {
                concurrency: 8,
                max_attempts: 5,
                backoff: Backoff::default(),
                grace: Duration::from_secs(10),
            },
            selection: Selection::default(),
            duplicates: DuplicatePolicy::Error,
            target: None,
            key: None,
            variables: BTreeMap::new(),
            allowed: Vec::new(),
            credentials: None,
            stop: None,
            ceiling: None,
            observer: Box::new(Unobserved),
            resume: None,
            all: false,
            blind: false,
            guards: Guards {
                max_invalid: Threshold::Percent(100.0),
                max_changes: None,
                max_shrink: Threshold::Percent(100.0),
                max_identity_changes: 0,
                renumber: Default::default(),
            },
            canary: None,
            trust_for: Duration::ZERO,
            relist: None,
            asks: false,
        }
    }

    /// Imports the folder's file `name` to this base URL.
    pub fn import(&self, folder: &Folder, name: &str, base_url: &str) -> Result<Ended, RunError> {
        let target = match &self.target {
            Some(target) => target.clone(),
            None => folder.path("plain.toml").display().to_string(),
        };
        let spec = Arc::new(targets::load(&target).unwrap());
        let roster = Roster {
            file: folder.path(name),
            read: ReadOptions {
                copy: true,
                ..ReadOptions::default()
            },
            map: MapOptions::default(),
            key: self.key.clone(),
            check: CheckOptions {
                allowed: self.allowed.clone(),
                ..CheckOptions::new(
                    self.clock
                        .timestamp()
                        .to_zoned(jiff::tz::TimeZone::UTC)
                        .date(),
                )
            },
            duplicates: self.duplicates,
            sparse: !self.blind,
            release: None,
        };
        let variable = |name: &str| {
            let known = self
                .credentials
                .as_ref()
                .is_none_or(|known| known.contains(&name));
            known.then(|| "sandbox".into())
        };
        let credentials = Credentials::find(&spec, variable).unwrap();
        let prepared = prepare(&roster, spec.clone(), 7, &Unobserved)?;
        let mut settings = settings_of(&target, base_url, roster);
        settings.delivery = Delivery {
            pace: Pace {
                ceiling: self.ceiling,
                ..Pace::of(self.rate, self.burst)
            },
            sender: self.sender,
            variables: spec.variable_values(&self.variables).unwrap(),
            selection: self.selection.clone(),
            all: self.all,
            blind: self.blind,
            guards: self.guards,
            canary: self.canary,
            trust_for: self.trust_for,
            relist: self.relist,
            ..settings.delivery
        };
        let (_never, never) = tokio::sync::watch::channel(StopRequest::None);
        let stop = self.stop.clone().unwrap_or(never);
        let context = Context {
            clock: self.clock.clone(),
            seed: 7,
            credentials,
            state: folder.state(),
            journal_flag: String::new(),
            observer: self.observer.as_ref(),
            agree: self
                .asks
                .then_some(&|_| rosterpatch::run::Consent::from(true)),
            chooses: false,
            author: Default::default(),
            stop,
        };
        let start = match &self.resume {
            None => Start::New("import"),
            Some(name) => {
                let journal = Journal::open(&context.state).unwrap();
                Start::Resume(Box::new(journal.run(Some(name)).unwrap()))
            }
        };
        import(&prepared, &settings, start, &context)
    }
}

/// Returns the settings of an import to this base URL, without a quota and with the default guards.
pub fn settings_of(target: &str, base_url: &str, roster: Roster) -> Settings {
    let pace = Pace::of("unlimited".parse().unwrap(), 1000);
    let paths = ResultPaths::beside(&roster.file);
    let mut delivery = Delivery::new(base_url.to_owned(), pace, paths);
    delivery.sender.concurrency = 4;
    delivery.sender.grace = Duration::from_secs(5);
    delivery.guards.max_invalid = Threshold::Percent(10.0);
    delivery.guards.max_shrink = Threshold::Percent(100.0);
    Settings::new(targets::text(target).unwrap(), roster, delivery)
}
