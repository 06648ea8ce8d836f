//! Tests of `run/planning/lookup/further_keys`.

use serde_json::{Value as Json, json};

use crate::l10n::say;
use crate::run::tests::{Api, Desk, school_with};

const SEARCH: &str = "POST /search?limit=3&offset=0";

fn pupils(count: usize) -> Json {
    let pupil = |number: usize| {
        json!({
            "id": format!("p{number}"),
            "name": format!("N{number}"),
            "email": format!("p{number}@b.se"),
        })
    };
    (1..=count).map(pupil).collect()
}

/// Returns the outcomes of a roster whose records are found by address, then by name.
fn imported(records: Json, roster: &str) -> (Vec<String>, Api, Desk) {
    let target = school_with("keys = [\"email\"]", "keys = [\"email\", \"name\"]");
    let (api, mut desk) = (Api::holding(records), Desk::at(&target, roster));
    desk.settings.roster.key = Some("email, name".into());
    desk.import(&api).unwrap();
    (desk.states(), api, desk)
}

#[test]
fn a_further_key_is_looked_up_only_for_rows_not_found_before() {
    let roster = "email,name\np1@b.se,N1\nnew@b.se,N2\nx@b.se,X\n";
    let (states, api, desk) = imported(pupils(9), roster);
    assert_eq!(states, ["unchanged", "updated", "invalid lookup.not_found"]);
    assert_eq!(api.asked(), [SEARCH, SEARCH, "PATCH /pupil/p2"]);
    let facts = desk.journal().facts(desk.run().id, 1, 9).unwrap();
    let by: Vec<_> = facts
        .iter()
        .map(|(row, facts)| (*row, &*facts.found.as_ref().unwrap().by))
        .collect();
    assert_eq!(by, [(1, "email"), (2, "name")]);
}

#[test]
fn keys_of_a_row_that_match_different_listed_records_are_in_conflict() {
    let roster = "email,name\np1@b.se,N2\np3@b.se,N3\nnew@b.se,N4\np5@b.se,New\n";
    let (states, api, desk) = imported(pupils(6), roster);
    assert_eq!(
        states,
        [
            "invalid lookup.conflicting_keys",
            "unchanged",
            "updated",
            "updated"
        ]
    );
    // Both pages of the list, and no search.
    assert!(
        !api.asked().contains(&SEARCH.to_owned()),
        "{:?}",
        api.asked()
    );
    let error = desk.outcomes(desk.run().id)[0].error();
    assert_eq!(error, format!("email: {}", said()));
    for secret in ["p1", "p2", "N1", "N2"] {
        assert!(!said().contains(secret));
    }
}

fn said() -> String {
    let spec = crate::run::tests::spec_of(crate::run::tests::SCHOOL);
    say().row_conflicting_keys("email", "name", spec.records_name())
}

#[test]
fn keys_are_compared_with_the_records_that_one_search_returned() {
    let roster = "email,name\np1@b.se,N2\np2@b.se,N1\np3@b.se,N9\n";
    let (states, api, _) = imported(pupils(9), roster);
    // The search did not return the record called N9, and it costs a request to find it.
    assert_eq!(
        states,
        [
            "invalid lookup.conflicting_keys",
            "invalid lookup.conflicting_keys",
            "updated"
        ]
    );
    assert_eq!(api.asked(), [SEARCH, "PATCH /pupil/p3"]);
}

#[test]
fn no_two_rows_have_the_same_further_key() {
    let roster = "email,name\nx@b.se,N1\ny@b.se,N1\n";
    let (states, ..) = imported(pupils(9), roster);
    assert_eq!(states, ["updated", "invalid text.duplicate"]);
}

#[test]
fn a_key_without_a_lookup_is_refused_in_a_list() {
    let mut desk = Desk::new("email,name\np1@b.se,N1\n");
    desk.settings.roster.key = Some("email,name".into());
    assert!(desk.try_prepare().is_err());
    desk.settings.roster.key = Some("email".into());
    assert!(desk.try_prepare().is_ok());
}

#[test]
fn two_rows_about_one_record_are_refused_with_any_key() {
    // Records are searched for, and then listed.
    for count in [9, 3] {
        for (roster, expected) in [
            (
                "email,name\np1@b.se,New\nnew@b.se,N1\n",
                ["updated", "invalid text.duplicate"],
            ),
            // The earlier key takes precedence, independent of the row order.
            (
                "email,name\nnew@b.se,N1\np1@b.se,New\n",
                ["invalid text.duplicate", "updated"],
            ),
            (
                "email,name\nnew@b.se,N1\nother@b.se,N2\n",
                ["updated", "updated"],
            ),
        ] {
            let (states, api, desk) = imported(pupils(count), roster);
            assert_eq!(states, expected, "{count} {roster}");
            let updated = expected.iter().filter(|state| **state == "updated");
            assert_eq!(api.changes().len(), updated.count());
            let outcomes = desk.outcomes(desk.run().id);
            let refused = outcomes
                .iter()
                .find(|one| one.error_code.ends_with("duplicate"));
            if let Some(refused) = refused {
                // The message has the spreadsheet row of the other row, and the record.
                let other = if refused.row == 1 { 3 } else { 2 };
                assert!(
                    refused.error().contains(&format!("row {other} ")),
                    "{}",
                    refused.error()
                );
                let facts = desk
                    .journal()
                    .facts(desk.run().id, refused.row, refused.row)
                    .unwrap();
                assert_eq!(facts[0].1.found.as_ref().unwrap().id, "p1");
            }
        }
    }
}
