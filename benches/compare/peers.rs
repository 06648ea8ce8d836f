//! The compared programs, and how each is measured.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::{Value as Json, json};
use wait4::Wait4;

use super::roster::Requests;

/// The server's records differ from the rows in every field, including names and numbers.
const OTHER_PERSONS: &[&str] = &["--max-identity-changes", "1000000", "--renumber", "off"];

/// A workload.
pub struct Work {
    pub name: String,
    pub rows: usize,
    /// The latency of each response, in milliseconds.
    latency: u64,
    /// The options of this program that disable or configure look-ups.
    options: &'static [&'static str],
    /// Whether other programs take part.
    others: bool,
    /// Whether the vendor's SDK takes part, which takes long.
    sdk: bool,
    /// Whether the API holds exactly the roster's records, so that all are listed.
    is_listed: bool,
}

/// A program that sends the workload.
pub struct Peer {
    name: &'static str,
    program: PathBuf,
    arguments: Vec<String>,
    /// Whether the program keeps a journal, and gets a new state folder each time.
    has_state: bool,
}

/// The measurements of one process.
#[derive(Clone, Copy)]
pub struct Figures {
    wall: f64,
    cpu: f64,
    mebibytes: f64,
    /// The journal's size in bytes per row.
    journal: f64,
    updates: u64,
    sum: u64,
}

impl Work {
    pub fn all(rows: usize) -> Vec<Work> {
        let of = |name: &str, rows: usize| Work {
            name: format!("{rows} rows, {name}"),
            rows,
            latency: 0,
            options: &["--blind", "--no-undo"],
            others: false,
            sdk: false,
            is_listed: false,
        };
        vec![
            Work {
                others: true,
                ..of("nothing looked up", rows)
            },
            Work {
                sdk: true,
                ..of("beside the vendor's SDK", rows / 100)
            },
            Work {
                options: OTHER_PERSONS,
                ..of("looked up, all of them differing", rows)
            },
            Work {
                latency: 20,
                ..of("answers take 20 ms", rows / 5)
            },
            Work {
                latency: 20,
                options: OTHER_PERSONS,
                is_listed: true,
                ..of("listed, answers take 20 ms", 10_000)
            },
        ]
    }

    pub fn peers(&self, folder: &Path, roster: &Path) -> Vec<Peer> {
        let own = std::env::current_exe().expect("this program");
        let roster_text = roster.display().to_string();
        let mut import: Vec<String> = ["import", &roster_text, "--base-url", "{base_url}"]
            .map(str::to_owned)
            .to_vec();
        let options = "--target meitner --all --yes --rate unlimited --concurrency 64 --progress none --key id";
        import.extend(options.split(' ').map(str::to_owned));
        import.extend(self.options.iter().map(ToString::to_string));
        let floor = |name, way: &str| Peer {
            name,
            program: own.clone(),
            arguments: vec![way.to_owned(), "{base_url}".to_owned(), roster_text.clone()],
            has_state: false,
        };
        let mut peers = vec![
            floor("floor: reqwest, plain", "reqwest-plain"),
            floor("floor: reqwest", "reqwest"),
            floor("floor: hyper", "hyper"),
            Peer {
                name: "rosterpatch",
                program: env!("CARGO_BIN_EXE_rosterpatch").into(),
                arguments: import,
                has_state: true,
            },
        ];
        if self.others {
            peers.extend(curl(roster));
            let script = include_str!("aiohttp_peer.py");
            peers.extend(python("aiohttp", "aiohttp", script, folder, roster));
        }
        if self.sdk {
            let script = include_str!("sdk_peer.py");
            peers.extend(python(
                "the vendor's SDK",
                "meitner",
                script,
                folder,
                roster,
            ));
        }
        peers
    }

    /// Measures a peer against a new server.
    pub fn measure(&self, peer: &Peer, roster: &str, folder: &Path) -> Figures {
        let server = Server::start();
        server.ask(
            "POST",
            "/reset",
            &json!({"latency": self.latency, "roster": if self.is_listed { roster } else { "" }})
                .to_string(),
        );
        let _ = std::fs::remove_dir_all(folder);
        std::fs::create_dir_all(folder).expect("a folder");
        let base_url = format!("http://{}", server.address);
        let mut command = pinned(&peer.program, "0");
        for argument in &peer.arguments {
            // curl reads its requests from a file.
            if let Some(roster) = argument.strip_prefix("@requests:") {
                let made = folder.join("curl.conf");
                by_another(&["curl", &base_url, roster, &made.display().to_string()]);
                command.arg("--config").arg(made);
            } else {
                command.arg(argument.replace("{base_url}", &base_url));
            }
        }
        let state = folder.join("state");
        command
            .env("ROSTERPATCH_STATE", &state)
            .env("MEITNER_CLIENT_CREDENTIALS", "sandbox")
            .env("MEITNER_CLIENT_SECRET", "sandbox")
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let began = Instant::now();
        let mut child = command.spawn().expect("the program starts");
        let mut errors = String::new();
        if let Some(mut pipe) = child.stderr.take() {
            let _ = pipe.read_to_string(&mut errors);
        }
        let used = child.wait4().expect("the program ends");
        let wall = began.elapsed().as_secs_f64();
        assert!(used.status.success(), "{}: {errors}", peer.name);
        let cpu = used.rusage.utime + used.rusage.stime;
        let seen = server.ask("GET", "/seen", "");
        let seen: Json = serde_json::from_str(&seen).expect("what the server saw");
        let journal = if peer.has_state { bytes_in(&state) } else { 0 };
        let _ = std::fs::remove_dir_all(folder);
        Figures {
            wall,
            cpu: cpu.as_secs_f64(),
            mebibytes: used.rusage.maxrss as f64 / 1024.0 / 1024.0,
            journal: journal as f64 / self.rows as f64,
            updates: seen["updates"].as_u64().unwrap_or(0),
            sum: seen["sum"].as_u64().unwrap_or(0),
        }
    }
}

/// Prints one line per peer with medians, and with ratios to the first.
pub fn print(work: &Work, peers: &[Peer], figures: &[Vec<Figures>]) {
    let median = |all: &[Figures], of: fn(&Figures) -> f64| {
        let mut values: Vec<f64> = all.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    println!(
        "{:<24} {:>8} {:>7} {:>12} {:>7} {:>9} {:>10}",
        "", "rows/s", "of it", "cpu s/10,000", "of it", "peak MiB", "journal B"
    );
    let rows = work.rows as f64;
    let (wall, cpu) = (
        median(&figures[0], |f| f.wall),
        median(&figures[0], |f| f.cpu),
    );
    for (peer, all) in peers.iter().zip(figures) {
        let own = (median(all, |f| f.wall), median(all, |f| f.cpu));
        let mut line = format!(
            "{:<24} {:>8.0} {:>6.2}x {:>12.3} {:>6.2}x {:>9.0} {:>10.0}",
            peer.name,
            rows / own.0,
            wall / own.0,
            own.1 / rows * 10_000.0,
            own.1 / cpu,
            median(all, |f| f.mebibytes),
            median(all, |f| f.journal),
        );
        let first = figures[0][0];
        for seen in all {
            if seen.updates != work.rows as u64 {
                let _ = write!(line, "  {} requests!", seen.updates);
            } else if seen.sum != first.sum {
                line.push_str("  other requests!");
            }
        }
        println!("{line}");
    }
}

/// Does the work in a separate process, because its memory would count towards the children of this one.
fn by_another(arguments: &[&str]) {
    let own = std::env::current_exe().expect("this program");
    let status = Command::new(own).args(arguments).status();
    assert!(status.expect("this program starts").success());
}

/// Writes a roster of `rows` rows, unless it exists, and returns its path.
pub fn roster(folder: &Path, rows: usize) -> PathBuf {
    let path = folder.join(format!("roster-{rows}.csv"));
    if !path.exists() {
        by_another(&["roster", &rows.to_string(), &path.display().to_string()]);
    }
    path
}

/// Writes all requests of a roster as a curl config file.
pub fn write_for_curl(base_url: &str, roster: &str, path: &str) {
    let mut out = BufWriter::new(File::create(path).expect("curl's file"));
    let mut next = "";
    for (at, body) in Requests::of(Path::new(roster)) {
        let body = String::from_utf8_lossy(&body).replace('\\', "\\\\");
        let body = body.replace('"', "\\\"");
        let written = write!(
            out,
            "{next}url = \"{base_url}{at}\"\nrequest = PATCH\ndata-binary = \"{body}\"\n\
             header = \"Content-Type: application/json\"\nheader = \"Client-ID: sandbox\"\n\
             header = \"Client-Secret: sandbox\"\noutput = /dev/null\nfail\n"
        );
        written.expect("curl's file");
        next = "next\n";
    }
}

/// Returns `curl` with all requests in one file, 64 in progress.
fn curl(roster: &Path) -> Option<Peer> {
    Command::new("curl").arg("--version").output().ok()?;
    Some(Peer {
        name: "curl -Z",
        program: "curl".into(),
        arguments: ["-Z", "--parallel-max", "64", "-s", "--noproxy", "*"]
            .map(str::to_owned)
            .into_iter()
            .chain([format!("@requests:{}", roster.display())])
            .collect(),
        has_state: false,
    })
}

/// Returns a Python script, if the `module` that it needs is installed.
fn python(
    name: &'static str,
    module: &str,
    script: &str,
    folder: &Path,
    roster: &Path,
) -> Option<Peer> {
    let python = std::env::var("COMPARE_PYTHON").unwrap_or_else(|_| "python3".into());
    let there = Command::new(&python)
        .args(["-c", &format!("import {module}")])
        .stderr(Stdio::null())
        .status();
    if !there.is_ok_and(|status| status.success()) {
        return None;
    }
    let path = folder.join(format!("{module}_peer.py"));
    std::fs::write(&path, script).ok()?;
    Some(Peer {
        name,
        program: python.into(),
        arguments: vec![
            path.display().to_string(),
            "{base_url}".into(),
            roster.display().to_string(),
        ],
        has_state: false,
    })
}

/// Returns a command that is pinned to one processor, if possible.
fn pinned(program: &Path, processor: &str) -> Command {
    let several = std::thread::available_parallelism().is_ok_and(|count| count.get() > 1);
    let taskset = Command::new("taskset").arg("--version").output().is_ok();
    if !several || !taskset {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", processor]).arg(program);
    command
}

fn bytes_in(folder: &Path) -> u64 {
    std::fs::read_dir(folder).map_or(0, |entries| {
        entries
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with("journal"))
            .filter_map(|entry| entry.metadata().ok())
            .map(|metadata| metadata.len())
            .sum()
    })
}

struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start() -> Server {
        let own = std::env::current_exe().expect("this program");
        let mut process = pinned(&own, "1")
            .arg("serve")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
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

    fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("the server");
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("a request");
        let mut lines = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            lines.read_line(&mut line).expect("an answer");
            if let Some(text) = line.strip_prefix("Content-Length: ") {
                length = text.trim().parse().expect("a length");
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        lines.read_exact(&mut body).expect("a body");
        String::from_utf8(body).expect("text")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
