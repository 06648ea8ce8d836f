//! Compares sending with other programs: whole processes on the same roster, alternating, against the same
//! server, each pinned to a different processor if there are two.
//!
//! ```text
//! cargo bench --bench compare -- --rows 100000
//! ```
//!
//! Three floors read the roster with the csv crate and send it from 64 tasks on one thread, without checks or
//! a journal: with reqwest without compression and HTTP/2, with reqwest's defaults, and with hyper. Ratios
//! are relative to the first. `curl`, Python's aiohttp and the vendor's SDK (`pip install aiohttp meitner`)
//! take part if they are installed; the SDK sends a hundredth of the rows, with differently formatted
//! requests. `COMPARE_PYTHON` selects another Python.

mod floor;
mod peers;
mod roster;
mod server;

use std::path::Path;

use peers::{Figures, Work};

const ROUNDS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("serve") => return server::serve(),
        Some("reqwest") => return floor::reqwest(&arguments[1], &arguments[2], false),
        Some("reqwest-plain") => return floor::reqwest(&arguments[1], &arguments[2], true),
        Some("hyper") => return floor::hyper(&arguments[1], &arguments[2]),
        Some("curl") => return peers::write_for_curl(&arguments[1], &arguments[2], &arguments[3]),
        Some("roster") => return roster::write(&arguments[1], &arguments[2]),
        _ => {}
    }
    let number = |name: &str, usual: usize| {
        let mut after = arguments.iter().skip_while(|argument| *argument != name);
        after.nth(1).and_then(|n| n.parse().ok()).unwrap_or(usual)
    };
    let rows = number("--rows", 100_000);
    let rounds = number("--rounds", ROUNDS);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let only = arguments.iter().position(|argument| argument == "--only");
    let only = only.and_then(|at| arguments.get(at + 1));
    for work in Work::all(rows) {
        if only.is_none_or(|only| work.name.contains(only.as_str())) {
            compare(&work, rounds, folder.path());
        }
    }
}

/// Runs every peer alternately, and prints the figures of each beside the floor.
fn compare(work: &Work, rounds: usize, folder: &Path) {
    let roster = peers::roster(folder, work.rows);
    let peers = work.peers(folder, &roster);
    println!("\n{}, {rounds} rounds in turn", work.name);
    let mut figures: Vec<Vec<Figures>> = vec![Vec::new(); peers.len()];
    for round in 0..rounds {
        for (peer, figures) in peers.iter().zip(&mut figures) {
            figures.push(work.measure(
                peer,
                &roster.display().to_string(),
                &folder.join(format!("round-{round}")),
            ));
        }
    }
    peers::print(work, &peers, &figures);
}
