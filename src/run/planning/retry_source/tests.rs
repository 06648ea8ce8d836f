//! Tests of `run/planning/retry_source`.

use serde_json::json;

use super::*;
use crate::run::context::Start;
use crate::run::tests::{Api, Desk};

const ROSTER: &str = "id,name\np1,Åsa\np2,Bo\np3,Cy\n";

fn school() -> Api {
    Api::holding(json!([
        {"id": "p1", "name": "A"}, {"id": "p2", "name": "B"}, {"id": "p3", "name": "C"},
    ]))
}

fn found(desk: &Desk, file: &Path, place: Option<(&str, &str)>) -> Vec<i64> {
    let map = MapOptions::default();
    let found = find_runs(&desk.journal(), file, &ReadOptions::default(), &map, place);
    found.unwrap().iter().map(|run| run.id).collect()
}

/// Imports the roster of a desk, and returns the number of the run.
fn imported(desk: &mut Desk, api: &Api) -> i64 {
    desk.import(api).unwrap();
    desk.run().id
}

#[test]
fn a_file_is_recognized_by_its_rows_at_any_path() {
    let (mut desk, api) = (Desk::new(ROSTER), school());
    let first = imported(&mut desk, &api);
    let copy = desk.folder.path().join("copy.csv");
    std::fs::write(&copy, "id,name\np2,Beo\n").unwrap();
    assert_eq!(found(&desk, &copy, None), [first]);
    // The newer of two runs at the same place.
    let second = imported(&mut desk, &api);
    assert_eq!(found(&desk, &copy, None), [second]);
    // The run that contains more of the rows.
    desk.rewrite("id,name\np3,Cy\np4,Di\n");
    let third = imported(&mut desk, &api);
    assert_eq!(found(&desk, &copy, None), [second]);
    std::fs::write(&copy, "id,name\np3,Cyr\n").unwrap();
    assert_eq!(found(&desk, &copy, None), [third]);
    std::fs::write(&copy, "id,name\np9,Nils\n").unwrap();
    assert!(found(&desk, &copy, None).is_empty(), "nobody knows the row");
}

#[test]
fn a_file_is_read_with_the_users_options() {
    let (mut desk, api) = (Desk::new(ROSTER), school());
    let first = imported(&mut desk, &api);
    let copy = desk.folder.path().join("copy.csv");
    std::fs::write(&copy, "nummer;name;x\np2;Beo;1\n").unwrap();
    let look = |read: &ReadOptions, map: &MapOptions| {
        let found = find_runs(&desk.journal(), &copy, read, map, None).unwrap();
        found.iter().map(|run| run.id).collect::<Vec<_>>()
    };
    let map = MapOptions {
        overrides: vec![("nummer".into(), "id".into())],
        ..MapOptions::default()
    };
    assert_eq!(look(&ReadOptions::default(), &map), [first]);
    assert!(look(&ReadOptions::default(), &MapOptions::default()).is_empty());
    let comma = ReadOptions {
        delimiter: Some(b','),
        ..ReadOptions::default()
    };
    assert!(
        look(&comma, &map).is_empty(),
        "there is but one column then"
    );
}

#[test]
fn only_the_named_place_is_searched() {
    let (mut desk, here, there) = (Desk::new(ROSTER), school(), school());
    let first = imported(&mut desk, &here);
    let copy = desk.folder.path().join("copy.csv");
    std::fs::write(&copy, ROSTER).unwrap();
    let second = imported(&mut desk, &there);
    assert_eq!(
        found(&desk, &copy, None),
        [second, first],
        "it may be of both"
    );
    assert_eq!(
        found(&desk, &copy, Some(("school", &here.base_url))),
        [first]
    );
    assert_eq!(
        found(&desk, &copy, Some(("school", &there.base_url))),
        [second]
    );
    assert!(found(&desk, &copy, Some(("other", &there.base_url))).is_empty());
}

#[test]
fn the_run_that_wrote_the_file_takes_precedence() {
    let (mut desk, here, there) = (Desk::new(ROSTER), school(), school());
    let first = imported(&mut desk, &here);
    let written = desk.settings.delivery.paths.results.clone();
    assert!(written.exists());
    // Another name, so that the results of the first run stay unchanged.
    let other = desk.folder.path().join("s.csv");
    desk.settings.delivery.paths = crate::report::ResultPaths::beside(&other);
    let second = imported(&mut desk, &there);
    assert_ne!(first, second);
    assert_eq!(found(&desk, &written, None), [first]);
    // The run is also found by the path of a file with unknown rows, if it wrote that path.
    std::fs::write(&written, "id,name\nq7,Åsa\n").unwrap();
    assert_eq!(found(&desk, &written, None), [first]);
    assert_eq!(
        found(&desk, &written, Some(("school", &here.base_url))),
        [first]
    );
    assert!(found(&desk, &written, Some(("school", &there.base_url))).is_empty());
}

#[test]
fn rows_do_not_originate_from_an_undo() {
    let (mut desk, api) = (Desk::new(ROSTER), school());
    let first = imported(&mut desk, &api);
    let copy = desk.folder.path().join("copy.csv");
    std::fs::write(&copy, ROSTER).unwrap();
    desk.delivery().undoes = Some(desk.run().name);
    let other_header = ROSTER.replace("id", "nummer");
    desk.rewrite(&other_header);
    desk.settings.roster.map.overrides = vec![("nummer".into(), "id".into())];
    desk.start(&api, Start::New("undo")).unwrap();
    let undo = desk.run();
    assert_eq!(undo.command, "undo");
    assert_ne!(undo.id, first);
    assert_eq!(found(&desk, &copy, None), [first]);
    // Reading options of the run's own file do not apply to others.
    std::fs::write(&copy, other_header).unwrap();
    assert!(found(&desk, &copy, None).is_empty());
}

#[test]
fn the_best_match_is_newest_and_no_sandbox_run() {
    let (mut desk, api) = (Desk::new(ROSTER), school());
    imported(&mut desk, &api);
    let record = |id: i64, address: &str| RunRecord {
        id,
        base_url: address.to_owned(),
        ..desk.run()
    };
    let runs = [
        record(1, "a"),
        record(2, "a"),
        record(3, "b"),
        record(4, "c"),
    ];
    let fit = |wrote, known, was_played, run| Fit {
        wrote,
        known,
        was_played,
        run,
    };
    let ids = |fitting| -> Vec<i64> { likeliest(fitting).iter().map(|run| run.id).collect() };
    let [one, two, three, four] = &runs;
    assert_eq!(
        ids(vec![fit(false, 3, false, one), fit(false, 4, false, two)]),
        [2]
    );
    assert_eq!(
        ids(vec![fit(true, 0, false, one), fit(false, 4, false, two)]),
        [1]
    );
    assert_eq!(
        ids(vec![fit(false, 4, false, one), fit(false, 4, false, two)]),
        [2]
    );
    assert_eq!(
        ids(vec![fit(false, 4, false, two), fit(false, 4, false, three)]),
        [3, 2]
    );
    assert_eq!(
        ids(vec![
            fit(false, 4, false, two),
            fit(false, 4, true, three),
            fit(false, 4, true, four)
        ]),
        [2]
    );
    // A sandbox has a different address each time.
    assert_eq!(
        ids(vec![fit(false, 4, true, three), fit(false, 4, true, four)]),
        [4]
    );
    assert_eq!(
        ids(vec![fit(false, 3, false, two), fit(false, 4, true, three)]),
        [3]
    );
    assert!(ids(Vec::new()).is_empty());
}

#[test]
fn a_file_is_recognized_by_later_rows_if_the_first_have_no_key() {
    let (mut desk, api) = (Desk::new(ROSTER), school());
    let first = imported(&mut desk, &api);
    let copy = desk.folder.path().join("copy.csv");
    let mut text = "id,name\n".to_owned();
    // More than one read buffer.
    text.push_str(&",Nobody in particular\n".repeat(8 * 1024));
    text.push_str("p2,Beo\n");
    std::fs::write(&copy, text).unwrap();
    assert_eq!(found(&desk, &copy, None), [first]);
}
