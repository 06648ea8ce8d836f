//! Tests of `run/planning/row_planner`.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::journal::RunState;
use crate::l10n::say;
use crate::model::{Code, Pending, RowFacts};
use crate::run::context::{Consent, Start};
use crate::run::sending::canary::RecordReader;
use crate::run::tests::{Api, Desk, SCHOOL, held, school_with, unreadable};
use crate::send::{Reread, Stop};

fn school() -> Json {
    json!([
        {"id": "p1", "name": "Åsa", "email": "a@b.se", "role": "x", "home": {"street": "S", "city": "Lund"}},
        {"id": "p2", "name": "Bo", "email": "b@b.se", "role": "x"},
        {"id": "p3", "name": "Cy", "email": "c@b.se", "role": "x"},
        {"id": "p9", "name": "Nils", "email": "n@b.se", "role": "x"},
    ])
}

fn states(roster: &str) -> Vec<String> {
    let (api, mut desk) = (Api::holding(school()), Desk::new(roster));
    desk.import(&api).unwrap();
    desk.states()
}

#[test]
fn a_row_is_sent_if_its_record_differs() {
    assert_eq!(
        states("id,name\np1,Åsa\np2,Beo\np7,Nils\n"),
        ["unchanged", "updated", "invalid lookup.not_found"]
    );
}

#[test]
fn a_record_must_agree_with_all_keys_of_its_row() {
    let mut desk = Desk::new("id,email,name\np1,b@b.se,Bo\nP2,b@b.se,Bo\n");
    desk.settings.roster.key = Some("email".into());
    desk.settings.target = school_with(
        "unique = true\nexample = \"asa@example.se\"",
        "example = \"a@b.se\"",
    );
    let api = Api::holding(school());
    desk.import(&api).unwrap();
    // Ids are compared ignoring case.
    let states = desk.states();
    assert_eq!(states[0], "invalid lookup.other_record", "{states:?}");
    let mut without_id = school();
    without_id[0]["id"].take();
    let mut desk = Desk::new("email,name\na@b.se,Åsa\n");
    desk.import(&Api::holding(without_id)).unwrap();
    assert_eq!(desk.states(), ["invalid lookup.incomplete"]);
}

#[test]
fn a_row_stores_its_record_and_the_matching_field() {
    let roster = "email,name\na@b.se,Åsa\nb@b.se,Beo\nx@b.se,Bo\n";
    let (api, mut desk) = (Api::holding(school()), Desk::new(roster));
    desk.settings.roster.key = Some("email".into());
    desk.import(&api).unwrap();
    assert_eq!(
        desk.states(),
        ["unchanged", "updated", "invalid lookup.not_found"]
    );
    let facts = desk.journal().facts(desk.run().id, 1, 9).unwrap();
    let found = |(row, facts): &(u64, RowFacts)| {
        let found = facts.found.as_ref().unwrap();
        (*row, found.id.clone(), found.by.clone())
    };
    let of = |row, id: &str| (row, id.to_owned(), "email".to_owned());
    let found: Vec<_> = facts.iter().map(found).collect();
    assert_eq!(found, [of(1, "p1"), of(2, "p2")]);
}

#[test]
fn ids_are_compared_ignoring_case() {
    let mut desk = Desk::new("id,email,name\nP2,b@b.se,Beo\n");
    desk.settings.roster.key = Some("email".into());
    let api = Api::holding(school());
    desk.import(&api).unwrap();
    assert_eq!(desk.states(), ["updated"]);
}

#[test]
fn recent_deliveries_are_not_resent_to_unreadable_records() {
    let trust = Duration::from_secs(3600);
    let api = Api::answering(|_| (200, json!({})));
    let mut desk = Desk::at(&unreadable(), "id,name\np1,Åsa\np2,Bo\n");
    desk.delivery().trust_for = trust;
    desk.import(&api).unwrap();
    assert_eq!(desk.states(), ["updated", "updated"]);
    desk.later(trust);
    desk.rewrite("id,name\np1,Åsa\np2,Beo\n");
    desk.import(&api).unwrap();
    assert_eq!(
        desk.states(),
        ["unchanged", "updated"],
        "one says something else"
    );
    desk.delivery().all = true;
    desk.import(&api).unwrap();
    assert_eq!(desk.states(), ["updated", "updated"], "all are asked for");
    desk.delivery().all = false;
    desk.later(trust + Duration::from_nanos(1_000_000));
    desk.import(&api).unwrap();
    assert_eq!(desk.states(), ["updated", "updated"], "it is too long ago");
}

#[test]
fn previous_values_are_stored_for_an_undo_unless_disabled() {
    for no_undo in [false, true] {
        let (api, mut desk) = (Api::holding(school()), Desk::new("id,name\np1,Asa\n"));
        desk.delivery().no_undo = no_undo;
        desk.import(&api).unwrap();
        let calls = desk.calls(&desk.journal(), desk.run().id);
        assert_eq!(calls[0].changes.is_empty(), no_undo);
    }
}

#[test]
fn an_undo_restores_only_values_that_are_unchanged_since_the_run() {
    let records = std::sync::Mutex::new(Vec::new());
    let answer = held(school());
    let api = Api::answering(move |asked| {
        let mut meddled = records.lock().unwrap();
        if asked.method == "PATCH" {
            meddled.push(asked.path.clone());
        }
        let (status, mut answered) = answer(asked);
        // After all rows were sent, the second record is changed manually.
        if meddled.len() >= 4
            && let Some(found) = answered["data"].as_array_mut()
        {
            for record in found.iter_mut().filter(|record| record["id"] == "p2") {
                record["name"] = json!("Beata");
            }
        }
        (status, answered)
    });
    let roster = "id,name,city\np1,Asa,Lund\np2,Beo,\np3,Cyr,\np9,Nils,Umeå\n";
    let mut desk = Desk::new(roster);
    desk.import(&api).unwrap();
    assert_eq!(desk.states(), ["updated"; 4]);
    let import = desk.run();
    desk.delivery().undoes = Some(import.name.clone());
    desk.start(&api, Start::New("undo")).unwrap();
    let undo = desk.run();
    assert_eq!(
        desk.states(),
        [
            "updated",
            "invalid undo.changed_since",
            "updated",
            "invalid undo.cannot_be_cleared"
        ]
    );
    let outcomes = desk.outcomes(undo.id);
    assert_eq!(outcomes[1].error(), say().row_changed_since("name"));
    assert_eq!(outcomes[3].error(), say().row_cannot_be_cleared("city"));
    assert_eq!(
        desk.journal().run(Some(&import.name)).unwrap().state,
        RunState::Undone
    );
    let mut back: Vec<String> = api.changes()[4..]
        .iter()
        .map(|(path, _)| path.clone())
        .collect();
    // Two requests are in progress at the same time.
    back.sort();
    assert_eq!(back, ["/pupil/p1", "/pupil/p3"]);
}

/// Makes the next run the undo of `run`, with a roster that rosterpatch wrote.
fn as_an_undo(desk: &mut Desk, run: String) {
    desk.delivery().undoes = Some(run);
    desk.settings.roster.sparse = true;
    desk.settings.roster.key = Some("id".into());
}

#[test]
fn an_undo_of_unreadable_records_restores_earlier_deliveries() {
    let api = Api::answering(|_| (200, json!({})));
    let mut desk = Desk::at(
        &unreadable(),
        "id,name,email\np1,Åsa,a@b.se\np2,Bo,b@b.se\n",
    );
    let import = |desk: &mut Desk, roster: &str| {
        desk.rewrite(roster);
        desk.later(Duration::from_secs(1));
        desk.import(&api).unwrap();
        desk.run().name
    };
    import(
        &mut desk,
        "id,name,email\np1,Åsa,a@b.se\np2,Bo,b@b.se\np3,Cy,c@b.se\np4,Di,d@b.se\n",
    );
    // Changes: one field; two fields, one of them new; none; two, one of them changed again.
    let second = "id,name,email,role\np1,Asa,a@b.se,\np2,Beo,b@b.se,x\np3,Cy,c@b.se,\np4,Dia,e@b.se,\np5,Eva,f@b.se,\n";
    let wrong = import(&mut desk, second);
    import(&mut desk, "id,name,email\np4,Dina,e@b.se\n");
    let sent = api.changes().len();
    desk.rewrite("id,name\np1,\np2,\np3,\np4,\np5,\n");
    desk.later(Duration::from_secs(1));
    as_an_undo(&mut desk, wrong);
    desk.start(&api, Start::New("undo")).unwrap();
    let states = [
        "updated",
        "updated",
        "unchanged",
        "updated",
        "invalid undo.unknown",
    ];
    assert_eq!(desk.states(), states);
    let mut back = api.changes()[sent..].to_vec();
    back.sort_by_key(|(path, _)| path.clone());
    let body = |number: usize| back[number].1.clone();
    assert_eq!(body(0), json!({"name": "Åsa"}));
    assert_eq!(body(1), json!({"name": "Bo"}));
    assert_eq!(body(2)["email"], "d@b.se");
    assert_eq!(back.len(), 3);
    let outcomes = desk.outcomes(desk.run().id);
    let restored = say().row_last_delivered("name");
    assert_eq!(outcomes[0].error(), restored);
    assert_eq!(
        outcomes[1].error(),
        format!("{restored}; {}", say().row_never_delivered("role"))
    );
    assert!(
        outcomes[3]
            .error()
            .ends_with(&say().row_changed_since("name"))
    );
    let plan = desk.journal().plan(desk.run().id).unwrap().0.unwrap();
    let plan: crate::events::Plan = serde_json::from_str(&plan).unwrap();
    assert!(plan.are_last_delivered);
    let example = &plan.examples[0];
    assert_eq!(
        (example.from.as_deref(), &*example.to),
        (Some("Asa"), "Åsa")
    );
    // Delivered values are not stored as values that were read.
    let calls = desk.calls(&desk.journal(), desk.run().id);
    assert!(calls.iter().all(|call| call.changes.is_empty()));
}

#[test]
fn an_undo_skips_values_that_were_not_stored_or_may_not_have_arrived() {
    let undo = |first: &dyn Fn(&mut Desk), answer: u16| {
        let api = Api::answering(move |asked| match asked.before {
            0 => (answer, json!({})),
            _ => (200, json!({})),
        });
        let mut desk = Desk::at(&unreadable(), "id,name\np1,Åsa\n");
        first(&mut desk);
        desk.import(&api).unwrap();
        let run = desk.run();
        desk.delivery().no_undo = false;
        desk.later(Duration::from_secs(1));
        desk.rewrite("id,name\np1,Asa\n");
        desk.import(&api).unwrap();
        let wrong = desk.run().name;
        (api, desk, run, wrong)
    };
    let undone = |(api, mut desk, _, wrong): (Api, Desk, _, String)| {
        as_an_undo(&mut desk, wrong);
        desk.rewrite("id,name\np1,\n");
        desk.start(&api, Start::New("undo")).unwrap();
        desk.states()
    };
    let kept = undo(&|_| (), 200);
    assert_eq!(undone(kept), ["updated"]);
    let not_kept = undo(&|desk| desk.delivery().no_undo = true, 200);
    assert_eq!(undone(not_kept), ["invalid undo.unknown"]);
    let forgotten = undo(&|_| (), 200);
    let path = forgotten.1.calls(&forgotten.1.journal(), forgotten.2.id)[0]
        .path
        .clone();
    let rows = forgotten
        .1
        .journal()
        .forget_values(&[forgotten.2.id], &path);
    assert_eq!(rows.unwrap(), 1);
    assert_eq!(undone(forgotten), ["invalid undo.unknown"]);
    // The API may have applied it before it failed.
    let failed = undo(
        &|desk| desk.delivery().sender.max_attempts = 1.try_into().unwrap(),
        503,
    );
    assert_eq!(undone(failed), ["invalid undo.unknown"]);
}

#[test]
fn an_undo_stops_at_a_delivery_in_doubt() {
    // The second request fails, and the API may have applied it.
    let api = Api::answering(|asked| match asked.before {
        1 => (503, json!({})),
        _ => (200, json!({})),
    });
    let mut desk = Desk::at(&unreadable(), "id,name\np1,Åsa\n");
    desk.delivery().sender.max_attempts = 1.try_into().unwrap();
    for name in ["Åsa", "Asa", "Osa"] {
        desk.rewrite(&format!("id,name\np1,{name}\n"));
        desk.later(Duration::from_secs(1));
        desk.import(&api).unwrap();
    }
    let wrong = desk.run().name;
    assert_eq!(api.changes().len(), 3);
    desk.rewrite("id,name\np1,\n");
    as_an_undo(&mut desk, wrong);
    desk.start(&api, Start::New("undo")).unwrap();
    assert_eq!(desk.states(), ["invalid undo.unknown"]);
}

/// Returns four rows of four records, so that all records are listed.
fn four(emails: [&str; 4]) -> String {
    let mut text = "id,name,email\n".to_owned();
    for (id, email) in ["p1", "p2", "p3", "p4"].iter().zip(emails) {
        text.push_str(&format!("{id},Åsa,{email}@b.se\n"));
    }
    text
}

fn listed() -> Json {
    let pupil = |(id, email): (&str, &str)| json!({"id": id, "name": "Åsa", "email": format!("{email}@b.se")});
    let of = [
        ("p1", "a"),
        ("p2", "b"),
        ("p3", "c"),
        ("p4", "d"),
        ("p9", "n"),
    ];
    of.into_iter().map(pupil).collect()
}

#[test]
fn a_value_that_another_record_keeps_is_not_sent() {
    let (api, mut desk) = (
        Api::holding(listed()),
        Desk::new(&four(["n", "c", "x", "d"])),
    );
    desk.import(&api).unwrap();
    assert!(api.asked().iter().all(|asked| !asked.contains("search")));
    assert_eq!(
        desk.states(),
        ["invalid lookup.taken", "updated", "updated", "unchanged"],
        "p3 gives its address up, and p9 does not"
    );
    let error = &desk.outcomes(desk.run().id)[0].error();
    let pupil = crate::run::tests::spec_of(SCHOOL).record_name();
    assert_eq!(
        *error,
        format!("email: {}", say().row_taken(pupil, "p9", "n@b.se"))
    );
    // An address that differs in case is the same.
    let (api, mut desk) = (
        Api::holding(listed()),
        Desk::new(&four(["N", "b", "c", "d"])),
    );
    desk.import(&api).unwrap();
    assert_eq!(desk.states()[0], "invalid lookup.taken");
}

#[test]
fn a_unique_value_that_the_record_already_has_is_sent() {
    let mut records = listed();
    records[4]["email"] = json!("a@b.se");
    let (api, mut desk) = (
        Api::holding(records),
        Desk::new(&four(["a", "b", "c", "d"])),
    );
    desk.delivery().all = true;
    desk.import(&api).unwrap();
    assert!(api.asked().iter().all(|asked| !asked.contains("search")));
    assert_eq!(desk.states(), ["updated"; 4]);
}

#[test]
fn values_that_need_not_be_unique_may_repeat() {
    let target = school_with("kind = \"email\"\nunique = true", "kind = \"email\"");
    let (api, mut desk) = (
        Api::holding(listed()),
        Desk::at(&target, &four(["n", "b", "c", "d"])),
    );
    desk.import(&api).unwrap();
    assert_eq!(desk.states()[0], "updated");
}

/// A school whose API responds with this status and stores nothing.
fn forgetful(status: u16) -> Api {
    let answer = held(school());
    Api::answering(move |asked| match &*asked.method {
        "PATCH" => (status, json!({})),
        _ => answer(asked),
    })
}

const ROSTER: &str = "id,name\np1,Asa\np2,Beo\np3,Cyr\n";

#[test]
fn the_first_rows_are_read_back_before_the_others_are_sent() {
    let (api, mut desk) = (Api::holding(school()), Desk::new(ROSTER));
    desk.delivery().canary = Some(2);
    let ended = desk.import(&api).unwrap();
    assert_eq!(ended.stop, None);
    let mut asked = api.asked();
    // Both are in progress at the same time.
    asked[1..3].sort();
    assert_eq!(
        asked[1..],
        [
            "PATCH /pupil/p1",
            "PATCH /pupil/p2",
            "GET /pupil/p1",
            "GET /pupil/p2",
            "PATCH /pupil/p3"
        ]
    );
}

#[test]
fn a_canary_with_other_values_stops_the_run() {
    let canary = |desk: &mut Desk, api: &Api| {
        let stop = desk.import(api).unwrap().stop.unwrap();
        assert_eq!(api.changes().len(), 1);
        assert_eq!(desk.run().state, RunState::Interrupted);
        let Stop::Canary { fact, .. } = stop else {
            panic!("{stop:?}")
        };
        (fact.code(), fact.names())
    };
    let mut desk = Desk::new(ROSTER);
    desk.delivery().canary = Some(1);
    let (code, names) = canary(&mut desk, &forgetful(200));
    assert_eq!(
        (code, names.as_deref()),
        (Code::CanaryNotHeld, Some("name"))
    );
    let mut desk = Desk::new(ROSTER);
    desk.delivery().canary = Some(1);
    assert_eq!(canary(&mut desk, &forgetful(404)).0, Code::CanaryNotUpdated);
    // The user who confirms the plan may allow it.
    let mut desk = Desk::new(ROSTER);
    desk.agree = Some(Box::new(|_| Consent::Yes {
        note: None,
        first: Some(1),
        kept: Default::default(),
    }));
    assert_eq!(canary(&mut desk, &forgetful(200)).0, Code::CanaryNotHeld);
}

#[test]
fn sent_values_are_compared_by_their_kind() {
    let prepared = Desk::new("id,name,street\np1,Åsa,S\n").prepared();
    let reader = RecordReader::new(&prepared).unwrap();
    let call = |body: Json| Pending {
        row: 1,
        path: "/pupil/p%201".into(),
        body: body.to_string().into_bytes(),
        ..Pending::default()
    };
    let sent = call(json!({"name": "Åsa", "home": {"street": "S"}}));
    assert_eq!(reader.path(&sent).as_deref(), Some("/pupil/p%201"));
    let record = json!({"id": "p 1", "name": "Åsa", "home": {"street": "S", "city": "Lund"}});
    assert!(reader.holds(&sent, &record));
    assert!(!reader.holds(&sent, &json!({"name": "Åsa", "home": {"street": "T"}})));
    assert!(!reader.holds(&sent, &json!({"name": "Åsa"})));
    assert!(reader.holds(
        &call(json!({"email": "a@b.se"})),
        &json!({"email": " a@b.se"})
    ));
    assert!(
        reader.holds(&call(json!({"home": {"street": null}})), &json!({})),
        "it has none"
    );
    let unread = Desk::at(&unreadable(), "id,name\np1,Åsa\n").prepared();
    assert!(RecordReader::new(&unread).is_none());
}

#[test]
fn a_canary_needs_records_that_can_be_read() {
    let refused = |desk: &mut Desk| {
        desk.delivery().canary = Some(1);
        let api = Api::holding(school());
        let error = desk.import(&api).unwrap_err();
        assert!(api.asked().is_empty());
        error.fact().code()
    };
    let mut desk = Desk::new(ROSTER);
    desk.delivery().blind = true;
    assert_eq!(refused(&mut desk), Code::RunBlindCanary);
    assert_eq!(
        refused(&mut Desk::at(&unreadable(), ROSTER)),
        Code::RunUnreadableCanary
    );
}

/// Members of a school whose records cannot be read.
fn members(text: &str) -> Desk {
    let mut desk = Desk::at(&crate::targets::text("pathwright").unwrap(), text);
    let variables = [("integration", "external"), ("school", "oakwood")];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    desk.delivery().variables = variables.into();
    desk.delivery().trust_for = Duration::from_secs(3600);
    desk
}

/// Returns a member with only the values that were sent.
fn echo(asked: &crate::run::tests::Asked) -> (u16, Json) {
    (200, asked.body.clone())
}

#[test]
fn a_variable_is_the_default_of_the_field_in_the_path() {
    let text = "external_id,integration,first_name\nE1,external,Bo\nE1,,Bo\nE1,saml2,Bo\n";
    let api = Api::answering(echo);
    let mut desk = members(text);
    desk.import(&api).unwrap();
    assert_eq!(
        desk.states(),
        ["updated", "invalid text.duplicate", "updated"]
    );
    // The record is the same with the default in the roster and without it.
    desk.rewrite("external_id,first_name\nE1,Bo\n");
    desk.import(&api).unwrap();
    assert_eq!(desk.states(), ["unchanged"]);
}

#[test]
fn resent_values_are_no_changes() {
    let most = Some(crate::model::Threshold::Rows(0));
    let api = Api::answering(echo);
    let mut desk = members("external_id,first_name\nE1,Bo\nE2,Åsa\n");
    desk.delivery().guards.max_changes = most;
    let resent = |desk: &mut Desk, expected: [&str; 2]| {
        let ended = desk.import(&api).unwrap();
        assert_eq!(ended.summary.held, None);
        assert_eq!(desk.states(), expected);
    };
    resent(&mut desk, ["updated", "updated"]);
    desk.later(Duration::from_secs(3601));
    resent(&mut desk, ["updated", "updated"]);
    resent(&mut desk, ["unchanged", "unchanged"]);
    desk.rewrite("external_id,first_name\nE1,Bo\nE2,Eva\n");
    let held = |desk: &mut Desk| desk.import(&api).unwrap().summary.held_by.is_some();
    assert!(held(&mut desk));
    desk.later(Duration::from_secs(3601));
    assert!(held(&mut desk), "a change is one, however long ago");
}

#[test]
fn only_the_fields_that_differ_from_the_last_delivery_are_named() {
    let api = Api::answering(echo);
    let mut desk = members("external_id,first_name,last_name,location\nE1,Bo,Ek,Lund\n");
    desk.import(&api).unwrap();
    let changed = |desk: &Desk| desk.outcomes(desk.run().id)[0].changed.clone();
    assert_eq!(changed(&desk), "first_name last_name location");
    desk.rewrite("external_id,first_name,last_name,location\nE1,Bo,Ek,Solna\n");
    desk.import(&api).unwrap();
    assert_eq!(changed(&desk), "location");
    // A file with fewer columns changes nothing.
    desk.rewrite("external_id,location\nE1,Solna\n");
    desk.import(&api).unwrap();
    assert_eq!(desk.states(), ["unchanged"]);
}

#[test]
fn a_row_missing_from_the_response_is_rejected_and_not_stored() {
    let api = Api::answering(|_| (200, json!({"id": 1, "first_name": "Old", "profile": {}})));
    let mut desk = members("external_id,first_name\nE1,Bo\n");
    for _ in 0..2 {
        desk.import(&api).unwrap();
        assert_eq!(desk.states(), ["rejected answer.not_applied"]);
    }
    let api = Api::answering(|_| (200, json!({"id": 1, "first_name": "Bo", "profile": {}})));
    desk.rewrite("external_id,first_name,location\nE1,Bo,Lund\n");
    let ended = desk.import(&api).unwrap();
    assert_eq!(desk.states(), ["updated answer.not_applied"]);
    let results = std::fs::read_to_string(ended.paths.results).unwrap();
    assert!(results.contains("not applied: location ("), "{results}");
}

#[test]
fn a_permission_is_lowered_only_if_that_is_allowed() {
    let api = Api::answering(echo);
    let row = |kind: &str| format!("external_id,first_name,membership_type\nE1,Bo,{kind}\n");
    let mut desk = members(&row("admin"));
    let allow = |value: &str| vec![("membership_type".to_owned(), value.to_owned())];
    desk.settings.roster.check.allowed = allow("admin");
    desk.import(&api).unwrap();
    assert_eq!(desk.states(), ["updated"]);
    desk.rewrite(&row("student"));
    for all in [false, true] {
        desk.delivery().all = all;
        desk.import(&api).unwrap();
        assert_eq!(desk.states(), ["invalid guarded.not_allowed"], "{all}");
    }
    desk.settings.roster.check.allowed = allow("student");
    desk.import(&api).unwrap();
    assert_eq!(desk.states(), ["updated"]);
}

#[test]
fn a_permission_that_was_read_is_lowered_only_if_that_is_allowed() {
    let target = school_with(
        "pointer = \"/role\"",
        "pointer = \"/role\"\nguarded = [\"head\"]",
    );
    let records = json!([{"id": "p1", "name": "Bo", "email": "b@x.se", "role": "head"}]);
    let api = Api::holding(records);
    let mut desk = Desk::at(&target, "id,name,role\np1,Bo,pupil\n");
    desk.import(&api).unwrap();
    assert_eq!(desk.states(), ["invalid guarded.not_allowed"]);
    desk.settings.roster.check.allowed = vec![("role".into(), "pupil".into())];
    desk.import(&api).unwrap();
    assert_eq!(desk.states(), ["updated"]);
}

#[test]
fn an_option_that_could_clear_nothing_is_refused() {
    use crate::check::EmptyCell;
    let mut desk = members("external_id,first_name\nE1,\n");
    desk.settings.roster.check.empty = EmptyCell::Clear;
    let code = desk.try_prepare().unwrap_err().fact().code();
    assert_eq!(code, Code::RunNothingToClear);
    let mut desk = Desk::new("id,name,street\np1,Bo,\n");
    desk.settings.roster.check.empty = EmptyCell::Clear;
    desk.try_prepare().unwrap();
    desk.rewrite("id,name\np1,Bo\n");
    assert!(desk.try_prepare().is_err());
}

#[test]
fn a_guarded_value_is_removed_from_a_list_only_if_that_is_allowed() {
    let target = |mode: &str| {
        let list = format!(
            "kind = \"list\"\nitems = \"text\"\nmode = \"{mode}\"\nguarded = [\"head\"]\nnullable = true"
        );
        school_with(
            "pointer = \"/role\"\nkind = \"text\"",
            &format!("pointer = \"/role\"\n{list}"),
        )
    };
    let imported = |mode: &str, cell: &str, allowed: Option<&str>| {
        let records =
            json!([{"id": "p1", "name": "Bo", "email": "b@x.se", "role": ["head", "cook"]}]);
        let mut desk = Desk::at(&target(mode), &format!("id,name,role\np1,Bo,{cell}\n"));
        let allowed = allowed.map(|value| ("role".to_owned(), value.to_owned()));
        desk.settings.roster.check.allowed = allowed.into_iter().collect();
        desk.import(&Api::holding(records)).unwrap();
        desk.states()
    };
    assert_eq!(
        imported("replace", "cook", None),
        ["invalid guarded.not_allowed"]
    );
    assert_eq!(imported("replace", "cook", Some("head")), ["updated"]);
    assert_eq!(imported("replace", "head", Some("head")), ["updated"]);
    assert_eq!(imported("add", "guard", None), ["updated"]);
    assert_eq!(imported("remove", "cook", None), ["updated"]);
}
