//! A fleet on one machine: worker processes, a PostgreSQL from Debian's packages, and a minimal server.
//!
//! ```text
//! cargo bench --features postgres --bench fleet -- --rows 32000
//! ```
//!
//! Prints the rows per second of 1, 2, 4 and 8 workers with 16 credentials and no quota, compared with one
//! import with an SQLite journal in the same run; the database cost per row; and the effect of 10,000 files
//! that wait for their quota.

#[path = "../tests/it/machine.rs"]
#[allow(dead_code, reason = "the tests ask for more of it")]
mod machine;
#[path = "../tests/it/postgres.rs"]
#[allow(dead_code, unreachable_pub)]
mod postgres;
#[path = "compare/roster.rs"]
#[allow(dead_code)]
mod roster;
#[path = "compare/server.rs"]
mod server;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use postgres::Cluster;

const CREDENTIALS: usize = 16;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "serve") {
        return server::serve();
    }
    let mut after = arguments
        .iter()
        .skip_while(|argument| *argument != "--rows");
    let rows = after.nth(1).and_then(|n| n.parse().ok()).unwrap_or(32_000);
    let counts = ["-c", "shared_preload_libraries=pg_stat_statements"];
    let Some(cluster) = Cluster::start_with(&counts) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let bench = Bench {
        folder: folder.path(),
        cluster: &cluster,
        rows,
    };
    bench.files();
    let alone = bench.alone();
    println!("{rows} rows, one import, journal in a file: {alone:.0} rows/s");
    for workers in [1, 2, 4, 8] {
        bench.workers(workers, alone);
    }
    bench.waiting();
}

struct Bench<'a> {
    folder: &'a Path,
    cluster: &'a Cluster,
    rows: usize,
}

/// The server, in a separate process.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start() -> Server {
        let own = std::env::current_exe().expect("this program");
        let mut process = Command::new(own)
            .arg("serve")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server");
        let mut address = String::new();
        let output = process.stdout.take().expect("its output");
        BufReader::new(output)
            .read_line(&mut address)
            .expect("its address");
        Server {
            process,
            address: address.trim().to_owned(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Bench<'_> {
    /// Writes the rosters: one for each of the credentials, and one with all rows.
    fn files(&self) {
        let each = (self.rows / CREDENTIALS).to_string();
        for number in 0..CREDENTIALS {
            let path = self.folder.join(format!("s{number}.csv"));
            roster::write(&each, &path.display().to_string());
        }
        let path = self.folder.join("all.csv");
        roster::write(&self.rows.to_string(), &path.display().to_string());
    }

    fn command(&self, state: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rosterpatch"));
        command
            .current_dir(self.folder)
            .env("ROSTERPATCH_STATE", state)
            .env("HOME", self.folder.join("home"))
            .env_remove("XDG_STATE_HOME")
            .env("LC_ALL", "C");
        for number in 0..CREDENTIALS {
            command.env(format!("C{number}"), format!("user-{number}"));
        }
        command
            .env("MEITNER_CLIENT_CREDENTIALS", "a")
            .env("MEITNER_CLIENT_SECRET", "b");
        command
    }

    fn profiles(&self, address: &str) {
        let mut config = String::new();
        for number in 0..CREDENTIALS {
            config.push_str(&format!(
                "[profile.s{number}]\ntarget = \"meitner\"\nbase_url = \"http://{address}\"\nkey = \"id\"\n\
                 rate = \"unlimited\"\nconcurrency = 64\n\
                 [profile.s{number}.credentials]\nMEITNER_CLIENT_CREDENTIALS = \"C{number}\"\n"
            ));
        }
        std::fs::write(self.folder.join("rosterpatch.toml"), config).expect("the config");
    }

    fn done(&self, mut command: Command) {
        let output = command.output().expect("the program");
        assert!(output.status.success(), "{output:?}");
    }

    /// Returns the rows per second of one import with an SQLite journal.
    fn alone(&self) -> f64 {
        let server = Server::start();
        self.profiles(&server.address);
        let state = self.folder.join("state").display().to_string();
        let began = Instant::now();
        let mut command = self.command(&state);
        command.args([
            "import",
            "all.csv",
            "--profile",
            "s0",
            "--yes",
            "--progress",
            "none",
        ]);
        self.done(command);
        self.rows as f64 / began.elapsed().as_secs_f64()
    }

    fn enqueue(&self, state: &str) {
        for number in 0..CREDENTIALS {
            let mut command = self.command(state);
            command.args([
                "enqueue",
                &format!("s{number}.csv"),
                "--profile",
                &format!("s{number}"),
            ]);
            self.done(command);
        }
    }

    /// Measures the rows per second of this many workers, and the database cost per row.
    fn workers(&self, workers: usize, alone: f64) {
        let server = Server::start();
        self.profiles(&server.address);
        let address = self.cluster.database();
        let name = address.rsplit('/').next().unwrap_or_default();
        let name = name.split('?').next().unwrap_or_default();
        self.enqueue(&address);
        let size = "SELECT pg_database_size(current_database())";
        let commits = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()";
        let number = |sql: &str| -> f64 { self.cluster.psql(name, sql).parse().unwrap_or(0.0) };
        self.cluster
            .psql(name, "CREATE EXTENSION pg_stat_statements");
        // The statements include the queue's polling.
        let statements = "SELECT sum(calls) FROM pg_stat_statements
            WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())";
        let (size_before, commits_before) = (number(size), number(commits));
        let statements_before = number(statements);
        let began = Instant::now();
        let mut all: Vec<Child> = (0..workers)
            .map(|_| {
                let mut command = self.command(&address);
                command.args([
                    "work",
                    "--concurrency",
                    &(CREDENTIALS / workers).to_string(),
                ]);
                command.stdout(Stdio::null()).stderr(Stdio::null());
                command.spawn().expect("a worker")
            })
            .collect();
        let open = "SELECT count(*) FROM rosterpatch.queued WHERE state IN ('waiting', 'running')";
        while number(open) > 0.0 {
            std::thread::sleep(Duration::from_millis(100));
        }
        let speed = self.rows as f64 / began.elapsed().as_secs_f64();
        for worker in &mut all {
            let _ = Command::new("kill")
                .args(["-TERM", &worker.id().to_string()])
                .status();
        }
        for worker in &mut all {
            let _ = worker.wait();
        }
        // PostgreSQL updates its transaction counters with a delay.
        std::thread::sleep(Duration::from_secs(2));
        let rows = self.rows as f64;
        println!(
            "{workers} workers: {speed:.0} rows/s, {:.2} of one import; \
             {:.0} B, {:.3} transactions and {:.3} statements a row",
            speed / alone,
            (number(size) - size_before) / rows,
            (number(commits) - commits_before) / rows,
            (number(statements) - statements_before) / rows,
        );
    }

    /// Measures the cost of files that wait for their quota.
    fn waiting(&self) {
        let server = Server::start();
        self.profiles(&server.address);
        let mut took = Vec::new();
        for waiting in [0, 10_000] {
            let address = self.cluster.database();
            let name = address.rsplit('/').next().unwrap_or_default();
            let name = name.split('?').next().unwrap_or_default();
            self.cluster.psql(
                name,
                &format!(
                    "INSERT INTO rosterpatch.queued (file, sha256, profile, state, due)
                     SELECT 'f' || n, 'x', 's' || n, 'waiting', now() + interval '1 hour'
                     FROM generate_series(1, {waiting}) AS n;
                     SELECT count(rosterpatch_queue.add_job('slice',
                         json_build_object('id', id, 'queue', 'quota ' || id), 'quota ' || id,
                         due, job_key => 'file ' || id)) FROM rosterpatch.queued"
                ),
            );
            self.cluster.psql(name, "ANALYZE");
            let mut command = self.command(&address);
            let mut worker = command
                .args(["work", "--concurrency", "2"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("a worker");
            std::thread::sleep(Duration::from_secs(2));
            let before = cpu_of(worker.id());
            std::thread::sleep(Duration::from_secs(10));
            let idle = (cpu_of(worker.id()) - before) / 10.0;
            self.enqueue(&address);
            let began = Instant::now();
            let open = "SELECT count(*) FROM rosterpatch.queued
                        WHERE state IN ('waiting', 'running') AND due < now() + interval '1 minute'";
            while self.cluster.psql(name, open) != "0" {
                std::thread::sleep(Duration::from_millis(50));
            }
            took.push(began.elapsed().as_secs_f64());
            let _ = Command::new("kill")
                .args(["-TERM", &worker.id().to_string()])
                .status();
            let _ = worker.wait();
            println!(
                "{waiting} files wait: an idle worker takes {:.2} % of a processor",
                idle * 100.0
            );
        }
        println!(
            "the 16 files beside 10,000 that wait: {:.2} of the time without",
            took[1] / took[0]
        );
    }
}

/// Returns the CPU time of a process in seconds (proc(5)), without its children.
fn cpu_of(process: u32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after = text.rsplit(')').next().unwrap_or_default();
    let fields: Vec<f64> = after
        .split_whitespace()
        .map(|field| field.parse().unwrap_or(0.0))
        .collect();
    fields
        .get(11..13)
        .map_or(0.0, |times| (times[0] + times[1]) / 100.0)
}
