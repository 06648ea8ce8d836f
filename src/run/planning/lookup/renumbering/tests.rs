//! Tests of `run/planning/lookup/renumbering`.

use serde_json::{Value as Json, json};

use crate::events::Turn;
use crate::model::{Held, RowFacts};
use crate::plan::RenumberMode;
use crate::run::context::Start;
use crate::run::tests::{Api, Desk, SCHOOL};
use crate::send::Stop;

const SEARCH: &str = "POST /search?limit=3&offset=0";

/// The school, whose pupils have a number, possibly temporary, and an id in another system.
fn target() -> String {
    let fields = r#"
[[fields]]
name = "number"
pointer = "/number"
kind = "identity_number"
temporary_if = "temporary"
unique = true
example = "20100402-2388"

[[fields]]
name = "temporary"
pointer = "/temporary"
kind = "boolean"
example = "false"

[[fields]]
name = "outer"
pointer = "/outer"
kind = "text"
example = "E-1"
"#;
    let tables = r#"
[person]
first_name = "name"
last_name = "role"
number = "number"

[renumbering]
number = "number"
temporary = "temporary"
coordination = true
by = ["outer"]

[[fields]]
name = "id""#;
    let text = SCHOOL.replace("keep = [\"role\"]", "keep = [\"role\", \"temporary\"]");
    let text = text.replace("keys = [\"email\"]", "keys = [\"number\", \"outer\"]");
    text.replacen("[[fields]]\nname = \"id\"", tables, 1) + fields
}

fn pupil(id: &str, number: &str, temporary: bool, outer: &str, name: (&str, &str)) -> Json {
    json!({
        "id": id, "number": number, "temporary": temporary, "outer": outer,
        "name": name.0, "role": name.1,
    })
}

const NEW: [&str; 4] = [
    "20150101-2387",
    "20150102-2386",
    "20150103-2385",
    "20150104-2384",
];

fn desk(roster: &str) -> Desk {
    let mut desk = Desk::at(&target(), roster);
    desk.settings.roster.key = Some("number".into());
    desk
}

/// A school too large to be listed for a few rows.
fn school(pupils: &[Json]) -> Api {
    let other = |at: usize| {
        let number = match at {
            0 => "20010101-2383".to_owned(),
            at => format!("20010101-{at:04}"),
        };
        pupil(&format!("x{at}"), &number, false, "X", ("X", "Y"))
    };
    let others = (0..30).map(other);
    Api::holding(pupils.iter().cloned().chain(others).collect())
}

fn temporary() -> Json {
    pupil("p1", "20150101-TF01", true, "E-1", ("Åsa", "Ek"))
}

fn held(rows: &[u64]) -> Option<Stop> {
    let why = Held::Renumbering {
        count: rows.len() as u64,
        changed: 0,
        rows: rows.to_vec(),
        lines: rows.iter().map(|row| row + 1).collect(),
    };
    Some(Stop::Held { why })
}

#[test]
fn a_pupil_under_a_new_number_is_held_and_sent_once_approved() {
    let api = school(&[temporary()]);
    let mut desk = desk(&format!(
        "number,outer,name,role\n{},E-1,Aasa,Ek\n20010101-2383,X,X,Y\n{},E-9,Kim,Bo\n",
        NEW[0], NEW[1]
    ));
    let ended = desk.import(&api).unwrap();
    assert_eq!(ended.stop, held(&[1]));
    assert_eq!(
        (ended.summary.renumbered, ended.summary.identity_changes),
        (1, 0)
    );
    assert!(api.changes().is_empty());
    let plan = desk.plan(desk.run().id);
    assert_eq!((&plan.renumber_rows[..], plan.renumbered), (&[1][..], 1));
    assert_eq!(plan.persons[0].turn, Turn::Number);
    assert_eq!(plan.persons[0].from, "Åsa Ek 20150101-TF01");
    // The number is looked up first, then the other id of the two that were not found. The forecast has both
    // requests.
    assert_eq!(api.asked(), [SEARCH, SEARCH]);
    assert_eq!(plan.lookups, 2);
    let facts = desk.journal().facts(desk.run().id, 1, 9).unwrap();
    let found = |facts: &RowFacts| facts.found.as_ref().map(|found| found.by.clone());
    assert_eq!(found(&facts[0].1), Some("outer".to_owned()));
    let digest = facts[0].1.identity.clone().unwrap();
    let approve = |desk: &mut Desk| {
        let run = Box::new(desk.run());
        desk.start(&api, Start::Approve(run)).unwrap()
    };
    assert_eq!(approve(&mut desk).stop, held(&[1]), "not as a whole");
    desk.delivery().approved = Some([(1, digest)].into());
    let ended = approve(&mut desk);
    assert_eq!((ended.stop, ended.summary.renumbered), (None, 1));
    let states = desk.states();
    assert_eq!(states[0], "updated");
    assert_eq!(states[2], "invalid lookup.not_found");
    let body = json!({
        "name": "Aasa", "role": "Ek", "number": NEW[0], "temporary": false
    });
    assert_eq!(api.changes(), [("/pupil/p1".to_owned(), body)]);
}

#[test]
fn a_row_that_is_not_approved_is_not_sent() {
    let api = school(&[temporary()]);
    let mut desk = desk(&format!("number,outer,name,role\n{},E-1,Åsa,Ek\n", NEW[0]));
    desk.delivery().approved = Some(Default::default());
    assert_eq!(desk.import(&api).unwrap().stop, None);
    assert_eq!(desk.states(), ["not_sent renumber.unapproved"]);
    assert!(api.changes().is_empty());
}

#[test]
fn renumberings_are_sent_or_reported_as_not_found_by_option() {
    let roster = format!("number,outer,name,role\n{},E-1,Åsa,Ek\n", NEW[0]);
    for (mode, state, requests) in [
        (RenumberMode::Approve, "updated", 3),
        (RenumberMode::Off, "invalid lookup.not_found", 1),
    ] {
        let api = school(&[temporary()]);
        let mut desk = desk(&roster);
        desk.delivery().guards.renumber = mode;
        assert_eq!(desk.import(&api).unwrap().stop, None);
        assert_eq!(desk.states(), [state]);
        assert_eq!(api.asked().len(), requests, "{mode:?}");
    }
}

#[test]
fn a_row_that_disagrees_with_the_record_is_never_sent() {
    let twin = pupil("p2", "20150101-TF02", true, "E-1", ("Åsa", "Ek"));
    let elder = pupil("p3", "20100101-2382", false, "E-1", ("Åsa", "Ek"));
    let one = temporary();
    let disagrees = "invalid renumber.disagrees";
    for (pupils, row, state) in [
        (vec![one.clone()], "20150101-2387,E-1,Kim,Ek", disagrees),
        (vec![one.clone()], "20150102-2386,E-1,Åsa,Ek", disagrees),
        (
            vec![one.clone(), twin],
            "20150101-2387,E-1,Åsa,Ek",
            disagrees,
        ),
        (
            vec![one.clone(), elder.clone()],
            "20150101-2387,E-1,Åsa,Ek",
            disagrees,
        ),
        // A record with a final number belongs to another person.
        (
            vec![elder],
            "20150101-2387,E-1,Åsa,Ek",
            "invalid lookup.not_found",
        ),
        (
            vec![one],
            "20150101-2387,E-2,Åsa,Ek",
            "invalid lookup.not_found",
        ),
    ] {
        let api = school(&pupils);
        let mut desk = desk(&format!("number,outer,name,role\n{row}\n"));
        desk.delivery().guards.renumber = RenumberMode::Approve;
        assert_eq!(desk.import(&api).unwrap().stop, None);
        assert_eq!(desk.states(), [state], "{row} {pupils:?}");
        assert!(api.changes().is_empty());
        let error = desk.outcomes(desk.run().id)[0].error();
        // The message contains no data of the other pupil.
        assert!(!error.contains("TF01") && !error.contains("p1"), "{error}");
    }
}

#[test]
fn two_rows_about_one_record_are_both_refused() {
    let roster = "number,outer,name,role\n20150101-2387,E-1,Åsa,Ek\n20150101-3385,E-1,Åsa,Ek\n";
    let api = school(&[temporary()]);
    let mut first = desk(roster);
    first.delivery().guards.renumber = RenumberMode::Approve;
    first.import(&api).unwrap();
    assert_eq!(first.states(), ["invalid renumber.disagrees"; 2]);
    // One row has the current number of the record.
    let roster = "number,outer,name,role,temporary\n\
                  20150101-2387,E-1,Åsa,Ek,\n20150101-TF01,E-1,Åsa,Ekman,true\n";
    let mut second = desk(roster);
    second.delivery().guards.renumber = RenumberMode::Approve;
    second.import(&api).unwrap();
    assert_eq!(second.states(), ["invalid renumber.disagrees", "updated"]);
}

#[test]
fn a_name_and_a_date_of_birth_are_a_proposal_in_a_listed_register() {
    let others = [
        pupil("p2", "20150102-TF02", true, "E-2", ("Kim", "Bo")),
        pupil("p3", "20150163-2382", false, "", ("Olle", "Lind")),
        pupil("p4", "20150104-TF04", true, "", ("Sara", "Holm")),
        pupil("p5", "20150104-TF05", true, "", ("Sara", "Holm")),
        pupil("p6", "20150104-4380", false, "", ("Moa", "Ek")),
    ];
    let api = Api::holding(std::iter::once(temporary()).chain(others).collect());
    let mut desk = desk(&format!(
        "number,outer,name,role\n{},E-1,Åsa,Ek\n{},E-7,Kim,Bo\n{},E-3,Olle,Lind\n{},E-4,Sara,Holm\n\
         20150105-2383,E-5,Nils,By\n20150105-4389,E-6,Nils,By\n20150105-6384,E-8,Nils,By\n",
        NEW[0], NEW[1], NEW[2], NEW[3]
    ));
    desk.delivery().guards.renumber = RenumberMode::Approve;
    // The row that the other id confirms needs no approval, and the proposal does.
    assert_eq!(desk.import(&api).unwrap().stop, held(&[3]));
    let plan = desk.plan(desk.run().id);
    assert!(plan.how.to_string().contains("listed"), "{}", plan.how);
    assert_eq!(plan.renumbered, 2);
    let turns: Vec<Turn> = plan.persons.iter().map(|person| person.turn).collect();
    assert_eq!(turns, [Turn::Number, Turn::Proposal]);
    let facts = desk.journal().facts(desk.run().id, 3, 3).unwrap();
    let RowFacts {
        found, identity, ..
    } = facts[0].1.clone();
    assert_eq!(found.unwrap().by, "name role");
    desk.delivery().approved = Some([(3, identity.unwrap())].into());
    let run = Box::new(desk.run());
    assert_eq!(desk.start(&api, Start::Approve(run)).unwrap().stop, None);
    let states = desk.states();
    assert_eq!(
        states[..4],
        // Kim has another id in the other system, and two pupils are named Sara.
        [
            "updated",
            "invalid lookup.not_found",
            "updated",
            "invalid renumber.disagrees"
        ]
    );
    assert_eq!(api.changes().len(), 2);
}

#[test]
fn no_update_leaves_a_final_number_marked_as_temporary() {
    let mut desk = desk("number,name,role\n20150101-2387,Åsa,Berg\n20150102-2386,Kim,Bo\n");
    let api = school(&[
        pupil("p1", "20150101-2387", true, "", ("Åsa", "Ek")),
        pupil("p2", "20150102-2386", true, "", ("Kim", "Bo")),
    ]);
    assert_eq!(desk.import(&api).unwrap().stop, None);
    // A row is not sent only for the mark.
    assert_eq!(desk.states(), ["updated", "unchanged"]);
    let (_, body) = api.changes().remove(0);
    assert_eq!(body["temporary"], false, "{body}");
    assert_eq!(desk.outcomes(desk.run().id)[0].changed, "role temporary");
}

#[test]
fn a_further_key_of_the_roster_needs_the_same_approval() {
    let roster = "number,outer,name,role\n20150101-2387,E-1,Åsa,Ek\n20150103-2385,E-3,Kim,Bo\n";
    let disagreeing = pupil("p3", "20150103-TF03", true, "E-3", ("Olle", "Lind"));
    let api = school(&[temporary(), disagreeing]);
    let mut desk = desk(roster);
    desk.settings.roster.key = Some("number,outer".into());
    assert_eq!(desk.import(&api).unwrap().stop, held(&[1]));
    assert!(api.changes().is_empty());
    let states = desk.states();
    assert_eq!(states.last().unwrap(), "invalid renumber.disagrees");
    desk.delivery().guards.renumber = RenumberMode::Approve;
    let run = Box::new(desk.run());
    assert_eq!(desk.start(&api, Start::Approve(run)).unwrap().stop, None);
    assert_eq!(desk.states(), ["updated", "invalid renumber.disagrees"]);
}

#[test]
fn a_marked_record_is_withheld_also_if_its_person_disagrees() {
    let marked = "[protected]\npointer = \"/mark\"\nvalues = [\"yes\"]\n\n[renumbering]";
    let mut one = temporary();
    one["mark"] = "yes".into();
    for key in ["number", "number,outer"] {
        let api = school(&[one.clone()]);
        let text = target().replace("[renumbering]", marked);
        let roster = format!("number,outer,name,role\n{},E-1,Kim,Bo\n", NEW[0]);
        let mut desk = Desk::at(&text, &roster);
        desk.settings.roster.key = Some(key.into());
        assert_eq!(desk.import(&api).unwrap().stop, None);
        assert_eq!(desk.states(), ["withheld record.protected"], "{key}");
        assert!(api.changes().is_empty());
    }
}

#[test]
fn a_number_that_is_kept_keeps_its_mark() {
    let api = school(&[temporary()]);
    let mut desk = desk(&format!("number,outer,name,role\n{},E-1,Aasa,Ek\n", NEW[0]));
    desk.delivery().edits.protect = ["number".to_owned()].into();
    assert_eq!(desk.import(&api).unwrap().stop, None, "no number changes");
    assert_eq!(desk.outcomes(desk.run().id)[0].changed, "name");
    let (_, body) = api.changes().remove(0);
    assert_eq!(body["temporary"], true, "{body}");
    assert!(notes(&desk).contains(&"temporary field.bound".to_owned()));
}

/// Returns the fields and codes of the messages of the first row.
fn notes(desk: &Desk) -> Vec<String> {
    let outcome = desk.outcomes(desk.run().id).remove(0);
    let problems = outcome.problems.iter();
    problems
        .map(|one| format!("{} {}", one.field, one.code))
        .collect()
}

#[test]
fn a_mark_that_is_kept_keeps_its_number() {
    let api = school(&[temporary()]);
    let mut desk = desk(&format!("number,outer,name,role\n{},E-1,Aasa,Ek\n", NEW[0]));
    desk.delivery().edits.protect = ["temporary".to_owned()].into();
    assert_eq!(desk.import(&api).unwrap().stop, None, "no number changes");
    assert_eq!(desk.outcomes(desk.run().id)[0].changed, "name");
    let (_, body) = api.changes().remove(0);
    let number = body["number"].as_str().unwrap_or("20150101-TF01");
    assert_eq!(number, "20150101-TF01", "{body}");
    let expected = ["temporary field.protected", "number field.bound"];
    assert!(
        expected
            .iter()
            .all(|note| notes(&desk).contains(&(*note).to_owned()))
    );
}

#[test]
fn a_number_and_its_mark_are_kept_together_by_a_policy_of_one_of_them() {
    for field in ["number", "temporary"] {
        let api = school(&[temporary()]);
        // A run wrote another temporary number and the mark; both were changed afterwards.
        let by_id = |number: &str, temporary: bool| {
            format!("id,number,temporary,name,role\np1,{number},{temporary},Åsa,Ek\n")
        };
        let mut desk = Desk::at(&target(), &by_id("20150101-2387", false));
        desk.import(&api).unwrap();
        assert_eq!(desk.states(), ["updated"], "{field}");
        let hand = by_id("20150101-TF02", true);
        Desk::at(&target(), &hand).import(&api).unwrap();
        let before = api.changes().len();
        let policy = (field.to_owned(), crate::plan::ConflictPolicy::Theirs);
        desk.delivery().edits.by_field = [policy].into();
        desk.rewrite("id,number,temporary,name,role\np1,20150101-2387,false,Eva,Ek\n");
        desk.delivery().guards.max_identity_changes = 9;
        desk.import(&api).unwrap();
        assert_eq!(api.changes().len(), before + 1, "{field}");
        assert_eq!(desk.outcomes(desk.run().id)[0].changed, "name", "{field}");
        let notes = notes(&desk);
        let other = if field == "number" {
            "temporary"
        } else {
            "number"
        };
        assert!(
            notes.contains(&format!("{field} conflict.kept")),
            "{notes:?}"
        );
        assert!(notes.contains(&format!("{other} field.bound")), "{notes:?}");
    }
}

#[test]
fn a_further_key_of_the_roster_never_matches_the_record_of_another_row() {
    // One row has the temporary number, and the other one the final number and the id in another system.
    let roster = format!(
        "number,outer,name,role\n20150101-TF01,,Åsa,Ek\n{},E-1,Åsa,Ek\n",
        NEW[0]
    );
    let api = school(&[temporary()]);
    let mut desk = desk(&roster);
    desk.settings.roster.key = Some("number,outer".into());
    desk.delivery().guards.renumber = RenumberMode::Approve;
    assert_eq!(desk.import(&api).unwrap().stop, None);
    assert_eq!(desk.states(), ["unchanged", "invalid text.duplicate"]);
    assert!(api.changes().is_empty());
}

#[test]
fn an_undo_restores_the_number_with_its_mark_or_neither() {
    // The manual changes after the run, and the codes of the undo.
    for (since, expected) in [
        (json!({}), None),
        (json!({"number": "20150101-2395"}), Some("number")),
        (json!({"temporary": true}), None),
    ] {
        let api = school(&[temporary()]);
        let mut desk = desk(&format!("number,outer,name,role\n{},E-1,Åsa,Ek\n", NEW[0]));
        desk.delivery().guards.renumber = RenumberMode::Approve;
        desk.import(&api).unwrap();
        assert_eq!(desk.states(), ["updated"]);
        let mut hand = json!({"id": "p1", "number": NEW[0], "temporary": false});
        hand.as_object_mut()
            .unwrap()
            .extend(since.as_object().unwrap().clone());
        let text = |name: &str| hand[name].to_string().replace('"', "");
        let edit = format!(
            "id,number,temporary\np1,{},{}\n",
            text("number"),
            text("temporary")
        );
        Desk::at(&target(), &edit).import(&api).unwrap();
        let before = api.changes().len();
        desk.delivery().undoes = Some(desk.run().name);
        desk.rewrite("id,number,temporary\np1,,\n");
        desk.settings.roster.key = Some("id".into());
        desk.settings.roster.sparse = true;
        desk.start(&api, Start::New("undo")).unwrap();
        let changes = api.changes();
        match expected {
            None => {
                assert_eq!(desk.states(), ["updated"], "{since}");
                let (_, body) = changes.last().unwrap();
                assert_eq!(body["number"], "20150101-TF01", "{since}: {body}");
                assert_ne!(body["temporary"], false, "{since}: {body}");
            }
            Some(_) => {
                assert_eq!(desk.states(), ["invalid undo.changed_since"], "{since}");
                assert_eq!(changes.len(), before, "{since}");
                assert!(
                    notes(&desk).contains(&" field.bound".to_owned()),
                    "{:?}",
                    notes(&desk)
                );
            }
        }
    }
}

#[test]
fn a_run_without_an_undo_sends_the_same_renumbering() {
    let bodies = [false, true].map(|no_undo| {
        let api = school(&[temporary()]);
        let mut desk = desk(&format!("number,outer,name,role\n{},E-1,Aasa,Ek\n", NEW[0]));
        desk.delivery().no_undo = no_undo;
        desk.import(&api).unwrap();
        let facts = desk.journal().facts(desk.run().id, 1, 1).unwrap();
        let digest = facts[0].1.identity.clone().unwrap();
        desk.delivery().approved = Some([(1, digest)].into());
        let run = Box::new(desk.run());
        assert_eq!(desk.start(&api, Start::Approve(run)).unwrap().stop, None);
        assert_eq!(desk.states(), ["updated"]);
        assert_eq!(
            desk.outcomes(desk.run().id)[0].changed,
            "name number temporary"
        );
        // No values are stored that could be restored.
        let calls = desk.calls(&desk.journal(), desk.run().id);
        assert_eq!(calls[0].changes.is_empty(), no_undo);
        api.changes()
    });
    let body = json!({"name": "Aasa", "role": "Ek", "number": NEW[0], "temporary": false});
    assert_eq!(bodies[0], [("/pupil/p1".to_owned(), body)]);
    assert_eq!(bodies[0], bodies[1]);
}
