//! Tests of the validation of fields and of the tables that name them.

use super::*;

#[test]
fn fields_with_ambiguous_names_are_refused() {
    are_taken(&[("title = \"Members\"", "title = \"Members\"")]);
    are_refused(&[
        (
            "name = \"note\"",
            "name = \"country\"",
            "name = \"country\"",
            "the field \"country\" is declared twice",
        ),
        (
            "pointer = \"/addressee\"",
            "pointer = \"/note\"\naliases.sv = [\"Anteckning\", \" MEMBER id \"]",
            "\"note\"",
            "\"member id\" is a header of \"note\" and of \"id\", so a column of that name could be either",
        ),
        (
            "pointer = \"/addressee\"",
            "pointer = \"/note\"\naliases.sv = [\"Title\"]",
            "\"note\"",
            "\"title\" is a header of \"note\" and of \"title\", so a column of that name could be either",
        ),
        (
            "[\"Member ID\"]",
            "[\"Note\"]",
            "\"note\"",
            "\"note\" is a header of \"note\" and of \"id\", so a column of that name could be either",
        ),
        (
            "pointer = \"/addressee\"",
            "pointer = \"/address\"",
            "pointer = \"/address\"",
            "the pointer \"/address\" of \"note\" and \"/address/zip\" of \"zip\" cannot both be filled",
        ),
    ]);
    let title = "pointer = \"/title\"";
    let both = "cannot both be filled";
    assert_eq!(
        mistakes("pointer = \"/addressee\"", title),
        [
            (
                title.to_owned(),
                format!("the pointer \"/title\" of \"title\" and \"/title\" of \"note\" {both}")
            ),
            (
                title.to_owned(),
                format!("the pointer \"/title\" of \"note\" and \"/title\" of \"title\" {both}")
            ),
        ]
    );
}

#[test]
fn field_settings_must_fit_the_kind_and_position() {
    are_taken(&[
        ("constant = \"x\"", "default = \"x\""),
        ("guarded = [\"high\"]", "guarded = [\"high\", \"low\"]"),
    ]);
    let constant =
        "\"title\" is constant, so it is neither required nor read-only and has no default";
    let choices = |name: &str| {
        format!("the field \"{name}\" needs choices exactly when its kind is \"choice\"")
    };
    let words = "the field \"level\" has words for \"mid\", which is not among its choices";
    let country = "country_from of \"zip\" must name a country field, and \"zip\" be a postal_code";
    let temporary =
        "temporary_if of \"pin\" must name a boolean field, and \"pin\" be an identity_number";
    are_refused(&[
        (
            "guarded = [\"high\"]",
            "guarded = [\"low\", \"mid\"]",
            "guarded = [\"low\", \"mid\"]",
            "\"level\" guards \"mid\", which is not among its choices",
        ),
        (
            "constant = \"x\"",
            "constant = \"x\"\nrequired = true",
            "constant = \"x\"",
            constant,
        ),
        (
            "constant = \"x\"",
            "constant = \"x\"\ndefault = \"y\"",
            "constant = \"x\"",
            constant,
        ),
        (
            "constant = \"x\"",
            "constant = \"x\"\nread_only = true",
            "constant = \"x\"",
            constant,
        ),
        (
            "constant = \"x\"",
            "choices = [\"x\"]",
            "choices = [\"x\"]",
            &choices("title"),
        ),
        (
            "name = \"note\"\nkind = \"text\"",
            "name = \"note\"\nkind = \"choice\"",
            "\"note\"",
            &choices("note"),
        ),
        (
            "low = [\"l\"]",
            "mid = [\"l\"]",
            "synonyms = { mid = [\"l\"] }",
            words,
        ),
        (
            "{ low = \"låg\" }",
            "{ mid = \"mellan\" }",
            "words = { sv = { mid = \"mellan\" } }",
            words,
        ),
        (
            "pointer = \"/addressee\"",
            "pointer = \"note\"",
            "pointer = \"note\"",
            "the field \"note\" goes into the body, so it needs a pointer such as \"/note\"",
        ),
        (
            "pointer = \"/addressee\"",
            "example = \"\"",
            "\"note\"",
            "the field \"note\" goes into the body, so it needs a pointer such as \"/note\"",
        ),
        (
            "pointer = \"/addressee\"",
            "in = \"path\"",
            "in = \"path\"",
            "the field \"note\" has in = \"path\", but update.path has no {note}",
        ),
        (
            "country_from = \"country\"",
            "country_from = \"land\"",
            "country_from = \"land\"",
            country,
        ),
        (
            "country_from = \"country\"",
            "country_from = \"title\"",
            "country_from = \"title\"",
            country,
        ),
        (
            "kind = \"postal_code\"",
            "kind = \"text\"",
            "country_from = \"country\"",
            country,
        ),
        (
            "temporary_if = \"temporary\"",
            "temporary_if = \"title\"",
            "temporary_if = \"title\"",
            temporary,
        ),
        (
            "kind = \"identity_number\"",
            "kind = \"text\"",
            "temporary_if = \"temporary\"",
            temporary,
        ),
    ]);
    let pattern = mistakes("[0-9 ]+", "[0-9");
    let [(place, reason)] = &*pattern else {
        panic!("{pattern:?}");
    };
    assert_eq!(place, "pattern = \"[0-9\"");
    assert!(
        reason.starts_with("the pattern of \"zip\" is no regular expression: "),
        "{reason}"
    );
}

#[test]
fn references_of_an_identity_number_must_have_the_right_kind() {
    let with = |kind: &str, setting: &str| {
        let field = "kind = \"identity_number\"\npointer = \"/pin\"\ntemporary_if = \"temporary\"";
        let other = format!("kind = \"{kind}\"\npointer = \"/pin\"\n{setting}");
        assert_eq!(MEMBERS.matches(field).count(), 1);
        let born = "\n[[fields]]\nname = \"born\"\nkind = \"date\"\npointer = \"/born\"\n";
        let mistakes = mistakes_in(&(MEMBERS.replace(field, &other) + born));
        let settings = mistakes.into_iter().map(|(_, reason)| reason);
        settings.collect::<Vec<_>>()
    };
    let born = "born_from of \"pin\" must name a date field, and \"pin\" be an identity_number";
    let gender = "gender_from of \"pin\" must name a choice field and two of its choices, and \"pin\" be an identity_number";
    let levels = |field: &str, women: &str, men: &str| {
        format!("gender_from = {{ field = \"{field}\", women = \"{women}\", men = \"{men}\" }}")
    };
    for (kind, setting, refused) in [
        ("identity_number", "born_from = \"born\"".to_owned(), None),
        (
            "identity_number",
            "born_from = \"title\"".to_owned(),
            Some(born),
        ),
        (
            "identity_number",
            "born_from = \"birth\"".to_owned(),
            Some(born),
        ),
        ("text", "born_from = \"born\"".to_owned(), Some(born)),
        ("identity_number", levels("level", "high", "low"), None),
        (
            "identity_number",
            levels("level", "high", "mid"),
            Some(gender),
        ),
        (
            "identity_number",
            levels("level", "mid", "low"),
            Some(gender),
        ),
        (
            "identity_number",
            levels("title", "high", "low"),
            Some(gender),
        ),
        ("text", levels("level", "high", "low"), Some(gender)),
    ] {
        let expected: Vec<String> = refused.into_iter().map(str::to_owned).collect();
        assert_eq!(with(kind, &setting), expected, "{kind}, {setting}");
    }
}
