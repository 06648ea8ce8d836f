//! Tests of `run/planning/earlier_runs`.

use serde_json::json;

use super::*;
use crate::run::active_run::Begun;
use crate::run::context::Start;
use crate::run::import::with_setup;
use crate::run::tests::{Api, Desk, new_run, unreadable};

#[test]
fn a_retry_detects_a_run_in_progress() {
    let api = Api::answering(|_| (200, json!({})));
    let mut desk = Desk::at(&unreadable(), "id,name\np1,Åsa\n");
    desk.import(&api).unwrap();
    let other = new_run("other", "import", &desk.settings);
    desk.journal().begin(&other).unwrap();
    let first = desk.journal().run(None).unwrap();
    assert_eq!(first.name, "other");
    let beside = |desk: &mut Desk, retries: bool| {
        let run = desk.journal().runs().unwrap().pop().unwrap().name;
        desk.delivery().retries = retries.then(|| Retries {
            run: Some(run),
            only: Vec::new(),
        });
        let past = desk.with(&api, |prepared, settings, context| {
            with_setup((prepared, settings, context), None, |setup| {
                let Begun::New(run) = setup.begin(Start::New("import"))? else {
                    panic!("it is a new one");
                };
                EarlierRuns::of(&run)
            })
        });
        past.unwrap().retries_beside
    };
    assert!(!beside(&mut desk, true), "its process died");
    let lock = RunLock::share(&desk.state(), "other").unwrap();
    assert!(beside(&mut desk, true));
    assert!(!beside(&mut desk, false), "nothing is known of rows");
    drop(lock);
}
