//! PostgreSQL servers for the tests, if Debian's packages are installed.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use rosterpatch::journal::State;

use crate::machine::{is_root, skipped};

/// A server process, and a watcher process that stops it when this process ends.
struct Server {
    process: Child,
    /// The watcher reads until end of input, which it reaches when this is dropped or this process dies.
    watch: Child,
}

/// A server with a temporary folder and a free port, stopped on drop.
pub struct Cluster {
    bin: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    options: Vec<&'static str>,
    server: Mutex<Option<Server>>,
    databases: AtomicUsize,
}

/// Returns the newest PostgreSQL of Debian's packages. Without one, reports the calling test as skipped.
fn newest() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let bins = versions.flatten().map(|entry| entry.path().join("bin"));
    let newest = bins.filter(|bin| bin.join("initdb").is_file()).max();
    if newest.is_none() {
        let why = std::env::var("POSTGRESQL_MISSING");
        skipped(&why.unwrap_or_else(|_| "no PostgreSQL: apt-get install postgresql".to_owned()));
    }
    newest
}

impl Cluster {
    /// Starts a server. Returns `None` if PostgreSQL is not installed.
    pub fn start() -> Option<Cluster> {
        Cluster::start_with(&[])
    }

    /// Like [`Self::start`], with extra server options.
    pub fn start_with(options: &[&'static str]) -> Option<Cluster> {
        Cluster::start_in(tempfile::tempdir().unwrap(), options)
    }

    /// Starts a server on a separate tmpfs of `size` MiB. Returns `None` if it cannot be mounted.
    pub fn start_on_a_disk(size: u32) -> Option<Cluster> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}m"), "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        if !mounted.is_ok_and(|status| status.success()) {
            skipped("no disk can be mounted: run it as root of a machine that lets it mount");
            return None;
        }
        Cluster::start_in(folder, &[])
    }

    /// Returns the server's folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn start_in(folder: tempfile::TempDir, options: &[&'static str]) -> Option<Cluster> {
        let bin = newest()?;
        // PostgreSQL cannot pick a free port itself.
        let port = {
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap().port()
        };
        let cluster = Cluster {
            bin,
            folder,
            port,
            options: options.to_vec(),
            server: Mutex::default(),
            databases: AtomicUsize::default(),
        };
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = cluster.folder.path().join("key.pem");
        std::fs::write(cluster.certificate(), made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        let made = cluster
            .tool("initdb")
            .args(["--auth", "trust", "--username", "tester", "--no-sync"])
            .args(["--encoding", "UTF8", "--locale", "C.UTF-8", "--pgdata"])
            .arg(cluster.data())
            .stdout(Stdio::null())
            .status();
        assert!(made.unwrap().success());
        cluster.start_server();
        Some(cluster)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the server's self-signed certificate for `localhost`.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn tool(&self, name: &str) -> Command {
        let program = self.bin.join(name);
        let mut command = if is_root() {
            // PostgreSQL refuses to run as root. The capability lets it reach a folder that only root can
            // enter.
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
            command.args(["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]);
            command.arg("--").arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(self.folder.path());
        command
    }

    pub fn start_server(&self) {
        let mut command = self.tool("postgres");
        command
            .arg("-D")
            .arg(self.data())
            .args(["-p", &self.port.to_string(), "-h", "127.0.0.1"])
            // No Unix socket, because its path has a short maximum length.
            .args(["-k", ""])
            .args(["-c", "max_connections=300", "-c", "shared_buffers=128MB"])
            .args(["-c", "ssl=on", "-c", "ssl_cert_file=../root.pem"])
            .args(["-c", "ssl_key_file=../key.pem"])
            .args(&self.options)
            .stdout(Stdio::null())
            .stderr(Stdio::from(
                std::fs::File::create(self.folder.path().join("log")).unwrap(),
            ))
            .process_group(0);
        let process = command.spawn().unwrap();
        let watch = Command::new("sh")
            .args(["-c", WATCH])
            .arg(self.folder.path())
            .arg(process.id().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        *self.server.lock().unwrap() = Some(Server { process, watch });
        for _ in 0..600 {
            let ready = Command::new(self.bin.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
                .status();
            if ready.unwrap().success() {
                return;
            }
            let mut server = self.server.lock().unwrap();
            let process = server.as_mut().map(|server| &mut server.process);
            let ended = process.and_then(|process| process.try_wait().unwrap());
            drop(server);
            if let Some(ended) = ended {
                let log = std::fs::read_to_string(self.folder.path().join("log"));
                panic!("PostgreSQL ended ({ended}): {}", log.unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let log = std::fs::read_to_string(self.folder.path().join("log"));
        panic!("PostgreSQL did not start: {}", log.unwrap_or_default());
    }

    /// Stops the server as a reboot would: sessions end, and committed data is kept.
    pub fn stop_server(&self) {
        let Some(mut server) = self.server.lock().unwrap().take() else {
            return;
        };
        let stopped = self
            .tool("pg_ctl")
            .args(["stop", "-m", "fast", "-D"])
            .arg(self.data())
            .stdout(Stdio::null())
            .status();
        assert!(stopped.unwrap().success());
        let _ = server.process.wait();
        // Stop the watcher first, or it would remove the folder of the stopped server.
        let _ = server.watch.kill();
        let _ = server.watch.wait();
    }

    /// Runs SQL on a database and returns the output.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        let output = Command::new(self.bin.join("psql"))
            .args([
                "--no-psqlrc",
                "-h",
                "127.0.0.1",
                "-U",
                "tester",
                "-Atq",
                "-v",
                "ON_ERROR_STOP=1",
            ])
            .args(["-p", &self.port.to_string(), "-d", database, "-c", sql])
            .output()
            .unwrap();
        assert!(output.status.success(), "{sql}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Creates an empty database and returns its name.
    pub fn empty_database(&self) -> String {
        let number = self.databases.fetch_add(1, Ordering::SeqCst);
        let name = format!("test_{number}");
        self.psql("postgres", &format!("CREATE DATABASE {name}"));
        name
    }

    /// Returns the URL of a database.
    pub fn address(&self, database: &str) -> String {
        format!(
            "postgres://tester@127.0.0.1:{}/{database}?sslmode=disable",
            self.port
        )
    }

    /// Creates a database with a journal and returns its URL.
    pub fn database(&self) -> String {
        let address = self.address(&self.empty_database());
        let state = State::in_database(&address, None, &self.folder.path().join("local")).unwrap();
        rosterpatch::fleet::migrate(&state).unwrap();
        address
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.lock().unwrap().take() {
            drop(server.watch.stdin.take());
            let _ = server.process.wait();
            let _ = server.watch.wait();
        }
    }
}

/// Waits for the end of its input, then stops the server and removes its folder.
const WATCH: &str = r#"
    read -r never
    kill -QUIT "$1"
    while [ -e "$0/data/postmaster.pid" ] && kill -0 "$1"; do sleep 0.05; done
    umount "$0"
    rm -rf "$0"
"#;

/// Returns the server that tests share if they need only a database. It ends with this process.
pub fn shared() -> Option<&'static Cluster> {
    static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
    SHARED.get_or_init(Cluster::start).as_ref()
}
