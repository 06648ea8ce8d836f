//! The startup time of commands that do almost nothing, measured as whole processes, alternating with a
//! program that does nothing.
//!
//! ```text
//! cargo bench --bench startup
//! ```

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4;

const RUNS: usize = 30;

fn main() {
    if std::env::args().nth(1).as_deref() == Some("nothing") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let roster = "id,first_name\n00000000-0000-4000-8000-000000000001,Anna\n";
    std::fs::write(folder.path().join("roster.csv"), roster).expect("a roster");
    let own = std::env::current_exe().expect("this program");
    let program = Path::new(env!("CARGO_BIN_EXE_rosterpatch"));
    let check = "check roster.csv --target meitner";
    let open = "open roster.csv --target meitner --sandbox --no-browser";
    let commands: [(&str, &Path, &str); 4] = [
        ("a process that does nothing", &own, "nothing"),
        ("--version", program, "--version"),
        ("check of one row", program, check),
        ("open, until the page answers", program, open),
    ];
    let mut runs = vec![Vec::new(); commands.len()];
    for _ in 0..RUNS {
        for ((_, program, arguments), runs) in commands.iter().zip(&mut runs) {
            runs.push(run(program, arguments, folder.path()));
        }
    }
    let median = |runs: &[(Duration, Duration)], of: fn(&(Duration, Duration)) -> Duration| {
        let mut all: Vec<f64> = runs.iter().map(|run| of(run).as_secs_f64() * 1e3).collect();
        all.sort_by(f64::total_cmp);
        all[RUNS / 2]
    };
    println!("median of {RUNS} runs in turn");
    println!(
        "{:<30} {:>8} {:>7} {:>8} {:>7}",
        "", "wall ms", "", "cpu ms", ""
    );
    let least = (median(&runs[0], |run| run.0), median(&runs[0], |run| run.1));
    for ((name, ..), runs) in commands.iter().zip(&runs) {
        let (wall, cpu) = (median(runs, |run| run.0), median(runs, |run| run.1));
        println!(
            "{name:<30} {wall:>8.1} {:>6.1}x {cpu:>8.1} {:>6.1}x",
            wall / least.0,
            cpu / least.1
        );
    }
}

/// Returns the wall time and CPU time of a process. `open` is stopped once its page responds.
fn run(program: &Path, arguments: &str, folder: &Path) -> (Duration, Duration) {
    let began = Instant::now();
    let mut child = Command::new(program)
        .args(arguments.split(' '))
        .current_dir(folder)
        .env("ROSTERPATCH_STATE", folder.join("state"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut output = BufReader::new(child.stdout.take().expect("its output"));
    let is_open = arguments.starts_with("open");
    let mut wall = Duration::ZERO;
    if is_open {
        let mut line = String::new();
        output.read_line(&mut line).expect("its address");
        let (_, address) = line.split_once("http://").expect("its address");
        let (host, path) = address.trim().split_once('/').expect("a path");
        let answer = get(host, &format!("/{path}"), "");
        let cookie = answer
            .lines()
            .find_map(|line| line.strip_prefix("set-cookie: "));
        let (pair, rest) = cookie
            .and_then(|cookie| cookie.split_once("; Path="))
            .expect("a cookie");
        let base = rest.split(';').next().unwrap_or_default();
        let page = get(
            host,
            &format!("{base}/problems"),
            &format!("Cookie: {pair}\r\n"),
        );
        assert!(page.starts_with("HTTP/1.1 200"), "{page}");
        wall = began.elapsed();
        child.kill().expect("it ends");
    }
    let used = child.wait4().expect("it ends").rusage;
    if !is_open {
        wall = began.elapsed();
    }
    (wall, used.utime + used.stime)
}

/// Returns the console's response.
fn get(host: &str, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(host).expect("the console");
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}
