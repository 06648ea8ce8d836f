//! The cost of the journal: the CPU time per row at full speed against a local server, with and without the
//! journal in the same run.
//!
//! `cargo bench --bench delivery -- --rows 20000`

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use cpu_time::ProcessTime;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rosterpatch::clock::{Clock, SystemClock};
use rosterpatch::events::Unobserved;
use rosterpatch::journal::{Journal, JournalError, NewRun, Record, Stage, State, Writer};
use rosterpatch::model::{Outcome, Pending, RowState};
use rosterpatch::send::{
    Backoff, Client, ClientOptions, Credentials, Pace, Pacer, Rate, Sender, SenderOptions, Stats,
    StopRequest, Transport,
};
use rosterpatch::targets::{self, RateUnit};
use tokio::sync::{mpsc, watch};

const ROUNDS: usize = 5;

/// The sandbox in a separate process, so that its CPU time is not counted.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(seed: &std::path::Path) -> (Server, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rosterpatch"))
        .args(["sandbox", "--listen", "127.0.0.1:0", "--quota", "1000000/s"])
        .args(["--latency", "0ms", "--seed"])
        .arg(seed)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the sandbox starts");
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let address = lines
        .map_while(Result::ok)
        .find_map(|line| {
            let (_, rest) = line.split_once("--base-url ")?;
            Some(rest.split(' ').next()?.to_owned())
        })
        .expect("it says its address");
    (Server(child), address)
}

struct NoRecord;

impl Record for NoRecord {
    async fn intent(&self, _: u64, _: u32) -> Result<(), JournalError> {
        Ok(())
    }

    async fn outcome(&self, _: Outcome) -> Result<(), JournalError> {
        Ok(())
    }

    async fn durable(&self) -> Result<Vec<(u64, RowState)>, JournalError> {
        std::future::pending().await
    }

    async fn flush(&self) -> Result<(), JournalError> {
        Ok(())
    }
}

fn id(row: u64) -> String {
    format!("00000000-0000-4000-8000-{row:012}")
}

/// Sends all rows once. Returns the CPU time and the wall time per row, in seconds.
fn send(rows: u64, base_url: &str, record: &impl Record) -> (f64, f64) {
    let clock = Arc::new(SystemClock);
    let spec = Arc::new(targets::load("meitner").expect("a built-in target"));
    let credentials = Credentials::find(&spec, |_| Some("sandbox".into())).expect("credentials");
    let options = ClientOptions {
        base_url: base_url.to_owned(),
        timeout: Duration::from_secs(45),
        ca_certificates: None,
    };
    let client = Client::new(spec.clone(), credentials, &options, clock.clone()).expect("a client");
    let pace = Pace {
        own: Rate {
            requests: 1e6,
            per: RateUnit::Second,
        },
        own_burst: 1_000_000,
        ceiling: None,
        burst: None,
        share: 1.0,
    };
    let pacer = Pacer::new(pace, clock.clone(), None).expect("a pacer");
    let stats = Stats::default();
    let options = SenderOptions {
        concurrency: 64,
        max_attempts: 5,
        backoff: Backoff::default(),
        grace: Duration::from_secs(10),
    };
    let random = SmallRng::seed_from_u64(1);
    let transport = Transport::new(
        &client,
        &spec,
        &pacer,
        clock.as_ref(),
        &Unobserved,
        options,
        &stats,
        random,
    );
    let sender = Sender {
        transport: &transport,
        record,
        reread: None,
        explain: &|_, _| Vec::new(),
        refused_column: &|_| None,
        not_applied: &|_, _| None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let (calls, receiver) = mpsc::channel(1);
    let (_never, never) = watch::channel(StopRequest::None);
    let feeder = std::thread::spawn(move || {
        for first in (1..=rows).step_by(256) {
            let batch = (first..=rows).take(256).map(|row| Pending {
                row,
                // The same student each time, so that every request succeeds at the same cost.
                path: format!("/student/{}", id(1)),
                body: br#"{"identityNumber":"20100402-2388","firstName":"Anna","lastName":"Ek","address":{"postalAddress":"Skolgatan 3 B","postalCode":"169 56","postalCity":"Solna"}}"#.to_vec(),
                changed: String::new(),
                note: Vec::new(),
                attempts: 0,
                doubtful: false,
            });
            if calls.blocking_send(batch.collect()).is_err() {
                return;
            }
        }
    });
    let (cpu, wall) = (ProcessTime::now(), std::time::Instant::now());
    let stop = runtime
        .block_on(sender.deliver(receiver, never, true))
        .expect("sending works");
    let spent = (cpu.elapsed().as_secs_f64(), wall.elapsed().as_secs_f64());

    assert_eq!(stop, None);
    feeder.join().expect("the feeder ends");
    (spent.0 / rows as f64, spent.1 / rows as f64)
}

fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--rows");
    let rows: u64 = arguments
        .nth(1)
        .and_then(|rows| rows.parse().ok())
        .unwrap_or(20_000);
    let folder = tempfile::tempdir().expect("a folder");
    let seed = folder.path().join("seed.csv");
    let mut text = "id,identity_number,first_name,last_name\n".to_owned();
    text.push_str(&format!("{},20100402-2388,Åsa,Ek\n", id(1)));
    std::fs::write(&seed, text).expect("a seed");
    let (_server, base_url) = serve(&seed);
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        without.push(send(rows, &base_url, &NoRecord));
        let mut journal = Journal::open(&State::in_folder(
            &folder.path().join(format!("state-{round}")),
        ))
        .expect("a journal");
        let (run, _) = journal
            .begin(&NewRun {
                name: "bench".into(),
                command: "import",
                target: "meitner".into(),
                base_url: base_url.clone(),
                file: "-".into(),
                sha256: String::new(),
                settings: "{}".into(),
                started_at: SystemClock.timestamp(),
                queued: None,
            })
            .expect("a run");
        journal
            .begin_sending(run, "account", SystemClock.timestamp())
            .expect("a run that sends");
        let writer = Writer::start(journal, run, Stage::Sending).expect("a writer");
        // A run also declares one page of rows at a time.
        writer.reach_blocking(rows).expect("a window");
        with.push(send(rows, &base_url, &writer));
        writer.close().expect("the writer ends");
    }
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let cpu = |all: &[(f64, f64)]| median(all.iter().map(|(cpu, _)| *cpu).collect());
    let wall = |all: &[(f64, f64)]| median(all.iter().map(|(_, wall)| *wall).collect());
    println!("{rows} rows, 64 under way, median of {ROUNDS} rounds each, in turn");
    println!("                          cpu     wall");
    println!("without the journal     1.00x    1.00x");
    println!(
        "with the journal        {:.2}x    {:.2}x",
        cpu(&with) / cpu(&without),
        wall(&with) / wall(&without)
    );
}
