//! Tests of `run/planning/read_policy`.

use super::*;
use crate::l10n::say;
use crate::run::tests::{Desk, school_with, unreadable};

/// Returns the names of the fields that a self-sufficient row needs.
fn enough(desk: &Desk) -> Option<Vec<String>> {
    let prepared = desk.prepared();
    let fields = ReadPolicy::of(&prepared, &desk.settings.delivery).enough()?;
    let spec = prepared.checker.spec();
    Some(
        fields
            .iter()
            .map(|field| spec.fields[*field].name().to_owned())
            .collect(),
    )
}

/// A desk that sends all rows and stores nothing for an undo.
fn all_of(roster: &str) -> Desk {
    let mut desk = Desk::new(roster);
    (desk.delivery().all, desk.delivery().no_undo) = (true, true);
    desk
}

#[test]
fn a_row_is_self_sufficient_with_all_required_and_kept_fields() {
    // Required fields, and those in `keep`.
    let desk = all_of("id,name,email\np1,Åsa,a@example.se\n");
    assert_eq!(enough(&desk).unwrap(), ["name", "role"]);
    // All writable members of an object of which the file has a part.
    let desk = all_of("id,name,street\np1,Åsa,Storgatan\n");
    assert_eq!(enough(&desk).unwrap(), ["name", "role", "street", "city"]);
}

#[test]
fn records_are_read_unless_all_rows_are_sent_by_id_without_undo() {
    let roster = "id,name,email\np1,Åsa,a@example.se\n";
    assert!(enough(&all_of(roster)).is_some());
    type Change<'a> = &'a dyn Fn(&mut Delivery);
    let changes: [(&str, Change<'_>); 4] = [
        ("what differs alone", &|delivery| delivery.all = false),
        ("what was is kept", &|delivery| delivery.no_undo = false),
        ("an undo compares", &|delivery| {
            delivery.undoes = Some("r".into())
        }),
        ("nothing is read at all", &|delivery| delivery.blind = true),
    ];
    for (why, change) in changes {
        let mut desk = all_of(roster);
        change(desk.delivery());
        assert_eq!(enough(&desk), None, "{why}");
    }
    let by_email = all_of("email,name,role\na@example.se,Åsa,x\n");
    assert_eq!(enough(&by_email), None, "the id is in the record");
}

#[test]
fn no_record_is_read_if_each_valid_row_is_self_sufficient() {
    let none = |desk: &Desk| {
        let prepared = desk.prepared();
        ReadPolicy::of(&prepared, &desk.settings.delivery).is_of_none()
    };
    assert!(none(&all_of("id,name,role\np1,Åsa,x\np2,Bo,y\n")));
    assert!(
        !none(&all_of("id,name,role\np1,Åsa,x\np2,Bo,\n")),
        "one lacks its role"
    );
    assert!(!none(&Desk::new("id,name,role\np1,Åsa,x\n")));
    let mut blind = Desk::new("id,name\np1,Åsa\n");
    blind.delivery().blind = true;
    assert!(none(&blind));
    assert!(none(&Desk::at(&unreadable(), "id,name\np1,Åsa\n")));
}

#[test]
fn invalid_rows_need_not_be_self_sufficient() {
    let text = "kind = \"text\"\nexample = \"pupil\"";
    let mut desk = all_of("id,name,role\np1,Åsa,x\np2,Bo,too long\n");
    desk.settings.target = school_with(text, &format!("max_length = 3\n{text}"));
    let prepared = desk.prepared();
    assert_eq!(prepared.survey.invalid, 1);
    assert!(ReadPolicy::of(&prepared, &desk.settings.delivery).is_of_none());
}

#[test]
fn records_are_looked_up_by_the_key_of_the_file() {
    let look_up = |desk: &Desk| {
        let prepared = desk.prepared();
        let look_up = ReadPolicy::of(&prepared, &desk.settings.delivery).look_up();
        look_up.map(|how| how.search(&["x"]).first().unwrap().body.unwrap())
    };
    let by = |name: &str| Some(serde_json::json!({"filter": {name: ["x"]}}));
    assert_eq!(look_up(&Desk::new("id,name\np1,Åsa\n")), by("id"));
    assert_eq!(
        look_up(&Desk::new("email,name\na@example.se,Åsa\n")),
        by("email")
    );
    assert_eq!(look_up(&Desk::at(&unreadable(), "id,name\np1,Åsa\n")), None);
    let mut blind = Desk::new("id,name\np1,Åsa\n");
    blind.delivery().blind = true;
    assert_eq!(look_up(&blind), None);
}

#[test]
fn a_notice_names_what_is_lost_if_readable_records_are_not_read() {
    let told = |desk: &Desk| {
        let prepared = desk.prepared();
        let policy = ReadPolicy::of(&prepared, &desk.settings.delivery);
        policy.nothing_read().to_string()
    };
    let roster = "id,name,street\np1,Åsa,Storgatan\n";
    assert_eq!(told(&all_of(roster)), say().how_not_needed());
    assert_eq!(told(&Desk::new(roster)), "", "they are read");
    let mut blind = Desk::new(roster);
    blind.delivery().blind = true;
    let lost = say().how_at_risk(say().how_blind(), "role, city");
    assert_eq!(told(&blind), lost);
    blind.rewrite("id,name,role\np1,Åsa,x\n");
    assert_eq!(
        told(&blind),
        say().how_blind(),
        "nothing is left out that is at risk"
    );
    let mut never = Desk::at(&unreadable(), roster);
    never.delivery().blind = true;
    assert_eq!(told(&never), "", "nobody could have read them");
}
