//! This module tests `run/import` by subject.

mod approval;
mod batches;
mod dry_run;
mod locks;
mod pipelining;
mod resuming;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::events::{PersonChange, Plan, RunEvent, Turn};
use crate::journal::{RunLock, RunState};
use crate::model::{Code, Exit, Held, Summary, seconds_between};
use crate::plan::{Selection, Threshold};
use crate::run::context::{Batch, BatchEnd, BatchUsage, Consent, Start};
use crate::run::error::RunError;
use crate::run::import::late_enough;
use crate::run::planning::saved_plan::saved_plan;
use crate::run::settings::{Pauses, Retries, Settings};
use crate::run::tests::{Api, Asked, Desk, SCHOOL, held, school_with, unreadable};
use crate::send::{Rate, Stop, StopRequest};

/// A roster of so many rows, and the records that differ from it.
fn roster(rows: usize) -> String {
    let rows = (1..=rows).map(|row| format!("p{row},Åsa\n"));
    "id,name\n".to_owned() + &rows.collect::<String>()
}

fn school(rows: usize) -> Json {
    let pupil = |row| json!({"id": format!("p{row}"), "name": "Asa"});
    (1..=rows).map(pupil).collect()
}

fn willing() -> Api {
    Api::answering(|_| (200, json!({})))
}

fn resume(desk: &mut Desk) -> Start {
    let run = desk.run();
    // It continues with the state of an earlier process.
    desk.settings = Settings::of(&run).unwrap();
    Start::Resume(Box::new(run))
}

fn says(consent: Consent) -> Option<Box<crate::run::tests::Agree>> {
    Some(Box::new(move |_| consent.clone()))
}

/// An API that accepts `most` changes and then refuses the credentials while its switch is on.
fn moody(
    most: usize,
    answer: impl Fn(&Asked) -> (u16, Json) + Send + Sync + 'static,
) -> (Api, Arc<AtomicBool>) {
    let refuses = Arc::new(AtomicBool::new(true));
    let own = refuses.clone();
    let taken = Mutex::new(0);
    let api = Api::answering(move |asked| {
        let mut taken = taken.lock().unwrap();
        *taken += usize::from(asked.method == "PATCH");
        match *taken > most && own.load(Ordering::SeqCst) {
            true => (401, json!({})),
            false => answer(asked),
        }
    });
    (api, refuses)
}

/// A batch of so many rows that does not wait for the quota.
fn batch(rows: usize) -> Batch {
    Batch {
        rows,
        patience: Duration::ZERO,
        retries_before: 3,
        throttled_before: 4,
        late: Duration::ZERO,
    }
}
