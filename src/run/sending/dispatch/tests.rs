//! Tests of `run/sending/dispatch`.

use super::*;
use crate::run::import::with_setup;
use crate::run::tests::{Api, Desk, school_with};

#[test]
fn intents_cover_a_quarter_of_a_second_of_requests() {
    for (rate, requests) in [
        ("1500/h", 1),
        ("7/s", 1),
        ("100/s", 25),
        ("1000/s", 250),
        ("10000/s", PAGE),
    ] {
        assert_eq!(window(rate.parse().unwrap()), requests, "{rate}");
    }
}

#[test]
fn the_journal_may_lag_only_for_idempotent_concurrent_requests() {
    let once = school_with("idempotent = true", "idempotent = false");
    for (target, concurrency, may_be) in [
        (crate::run::tests::SCHOOL, 2, true),
        (crate::run::tests::SCHOOL, 1, false),
        (&once, 2, false),
        (&once, 1, false),
    ] {
        let api = Api::answering(|_| panic!("nothing is asked"));
        let mut desk = Desk::at(target, "id,name\n");
        desk.delivery().sender.concurrency = concurrency;
        let is_so = desk.with(&api, |prepared, settings, context| {
            let of = (prepared, settings, context);
            with_setup(of, None, |setup| Ok(may_acknowledge_early(&setup)))
        });
        assert_eq!(is_so.unwrap(), may_be);
    }
}
