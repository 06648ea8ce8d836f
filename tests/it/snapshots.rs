//! A run that reads only the changes since the last listing gives the same result as a run that lists
//! everything.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rosterpatch::clock::{Clock, VirtualClock};
use rosterpatch::events::{Observer, Plan, RunEvent};
use rosterpatch::model::Exit;
use rosterpatch::plan::RenumberMode;
use rosterpatch::run::Ended;
use rosterpatch::sandbox::{Sandbox, SandboxOptions, Variation};
use rosterpatch::send::StopRequest;
use serde_json::json;
use tokio::sync::oneshot;

use crate::harness::{
    Folder, LibraryRun, OF_SANDBOX, Started, evening, identity_number, plain_id, plain_roster,
    seed_of, serve_sandbox, stderr, stdout, wait_until,
};

const DAY: Duration = Duration::from_secs(86_400);
const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// The number of rows from which a snapshot takes fewer requests: 21 searches of 50.
const ROWS: usize = 1050;

/// A student in the roster.
#[derive(Clone)]
struct Pupil {
    row: usize,
    number: String,
    first_name: String,
    last_name: String,
    phone: String,
    email: String,
}

impl Pupil {
    fn new(row: usize) -> Pupil {
        Pupil {
            row,
            number: identity_number(row),
            first_name: "Åsa".to_owned(),
            last_name: "Ek".to_owned(),
            phone: String::new(),
            email: String::new(),
        }
    }
}

fn roster_of(pupils: &[Pupil]) -> String {
    let mut text = "identity_number,first_name,last_name,phone_number1,email_address1\n".to_owned();
    for pupil in pupils {
        text.push_str(&format!(
            "{},{},{},{},{}\n",
            pupil.number, pupil.first_name, pupil.last_name, pupil.phone, pupil.email
        ));
    }
    text
}

/// A school's register and import folder, on a virtual clock.
struct World {
    folder: Folder,
    clock: Arc<VirtualClock>,
    sandbox: Arc<Sandbox>,
    base_url: String,
    relist: Option<Duration>,
    _stop: oneshot::Sender<()>,
}

impl World {
    fn new(rows: usize, relist: Option<Duration>, vary: Vec<Variation>) -> World {
        let clock = evening();
        let options = SandboxOptions {
            depth: 1e9,
            interval: Duration::from_nanos(1),
            vary,
            ..SandboxOptions::default()
        };
        let seed = seed_of(&plain_roster(rows));
        let sandbox = Arc::new(Sandbox::holding(&options, &seed, clock.clone()));
        let (base_url, stop) = serve_sandbox(sandbox.clone());
        let world = World {
            folder: Folder::new(),
            clock,
            sandbox,
            base_url,
            relist,
            _stop: stop,
        };
        world.pass(DAY);
        world
    }

    fn pass(&self, time: Duration) {
        self.pass_until(self.clock.now() + u64::try_from(time.as_nanos()).unwrap());
    }

    fn pass_until(&self, moment: u64) {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(self.clock.sleep_until(moment));
    }

    fn import(&self) -> LibraryRun {
        LibraryRun {
            clock: self.clock.clone(),
            rate: "unlimited".parse().unwrap(),
            target: Some("meitner".to_owned()),
            relist: self.relist,
            ..LibraryRun::new()
        }
    }

    /// Imports a roster. Returns its outcome, its results, and the number of requests.
    fn night(&self, name: &str, roster: &str) -> Night {
        self.night_of(name, roster, self.import())
    }

    fn night_of(&self, name: &str, roster: &str, mut run: LibraryRun) -> Night {
        self.folder.write(name, roster);
        let plans = Plans::default();
        run.observer = Box::new(plans.clone());
        let before = self.requests();
        let ended = run.import(&self.folder, name, &self.base_url).unwrap();
        let results = ended.summary.results.as_ref().unwrap();
        Night {
            results: String::from_utf8(std::fs::read(results).unwrap()).unwrap(),
            requests: self.requests() - before,
            plan: plans.0.lock().unwrap().take(),
            ended,
        }
    }

    fn requests(&self) -> u64 {
        let kinds = ["list", "search", "read", "update", "deletions"];
        kinds.iter().map(|kind| self.sandbox.requests(kind)).sum()
    }
}

struct Night {
    ended: Ended,
    results: String,
    requests: u64,
    plan: Option<Box<Plan>>,
}

impl Night {
    /// Returns whether the run read only the changes.
    fn is_from_snapshot(&self) -> bool {
        self.plan.as_ref().unwrap().known.is_some()
    }

    fn why_listed(&self) -> String {
        let why = &self.plan.as_ref().unwrap().relisted;
        why.as_ref().map_or(String::new(), |it| it.why.to_string())
    }
}

/// Stores the last plan.
#[derive(Clone, Default)]
struct Plans(Arc<std::sync::Mutex<Option<Box<Plan>>>>);

impl Observer for Plans {
    fn on_event(&self, event: &RunEvent) {
        if let RunEvent::Planned(plan) = event {
            *self.0.lock().unwrap() = Some(plan.clone());
        }
    }
}

/// Two equal schools, one of which lists everything each night.
struct Twins([World; 2]);

impl Twins {
    fn new(rows: usize, vary: &[Variation]) -> Twins {
        Twins([Some(WEEK), None].map(|relist| World::new(rows, relist, vary.to_vec())))
    }

    fn each(&self, does: impl Fn(&World)) {
        self.0.iter().for_each(does);
    }

    /// Moves both clocks to the next evening. A stopped run may have taken different times.
    fn next_day(&self) {
        let now = self.0.iter().map(|world| world.clock.now()).max().unwrap();
        let day = u64::try_from(DAY.as_nanos()).unwrap();
        self.each(|world| world.pass_until(now + day));
    }

    fn edit(&self, row: usize, change: serde_json::Value) {
        self.each(|world| {
            assert!(world.sandbox.edit_student(&plain_id(row), &change), "{row}");
        });
    }

    fn delete(&self, row: usize) {
        self.each(|world| assert!(world.sandbox.delete_student(&plain_id(row)), "{row}"));
    }

    fn add(&self, row: usize) {
        let student = json!({
            "identityNumber": identity_number(row), "firstName": "Åsa", "lastName": "Ek",
            "identityTemporary": false,
        });
        self.each(|world| assert!(world.sandbox.add_student(&plain_id(row), &student), "{row}"));
    }

    /// Imports a roster in both schools, and asserts that the results and the registers are equal.
    fn night(&self, name: &str, pupils: &[Pupil]) -> Night {
        let roster = roster_of(pupils);
        let [one, other] = &self.0;
        let (one, other) = (one.night(name, &roster), other.night(name, &roster));
        self.compare(name, &one, &other);
        self.next_day();
        one
    }

    fn compare(&self, name: &str, one: &Night, other: &Night) {
        let how = other.plan.as_ref().unwrap().how.to_string();
        assert!(how.starts_with("all "), "{name}: {how}");
        assert!(
            one.results == other.results,
            "{name}: {}",
            differences(&one.results, &other.results)
        );
        assert_eq!(
            one.ended.summary.states, other.ended.summary.states,
            "{name}"
        );
        self.compare_registers(name);
    }

    fn compare_registers(&self, name: &str) {
        let [one, other] = [0, 1].map(|world| without_meta(self.0[world].sandbox.students()));
        assert!(one == other, "{name}: the registers differ");
    }
}

fn without_meta(mut students: serde_json::Value) -> serde_json::Value {
    for student in students.as_object_mut().unwrap().values_mut() {
        student.as_object_mut().unwrap().remove("meta");
    }
    students
}

fn differences(one: &str, other: &str) -> String {
    let pairs = one.lines().zip(other.lines());
    let differ = pairs.filter(|(one, other)| one != other).take(5);
    differ
        .map(|(one, other)| format!("\n  {one}\n  {other}"))
        .collect()
}

#[test]
fn thirty_runs_with_a_snapshot_equal_thirty_full_listings() {
    let twins = Twins::new(ROWS, &[]);
    let mut pupils: Vec<Pupil> = (1..=ROWS).map(Pupil::new).collect();
    let (mut listed, mut last_run) = (Vec::new(), [String::new(), String::new()]);
    for night in 1..=30usize {
        let name = format!("night-{night:02}.csv");
        // The roster changes names and telephone numbers, one of them to the value of the record.
        for step in 0..12 {
            let pupil = &mut pupils[(night * 31 + step * 7) % ROWS];
            match step % 3 {
                0 => pupil.first_name = format!("Åsa {night}"),
                1 => pupil.phone = format!("070-174 {night:02} {step:02}"),
                _ => pupil.last_name = format!("Ek-{night}"),
            }
        }
        // Another client edits a mapped field, an unmapped field, and a key.
        twins.edit(night * 17, json!({"firstName": format!("By hand {night}")}));
        twins.edit(
            night * 17 + 1,
            json!({"emailAddress2": format!("n{night}@example.se")}),
        );
        twins.edit(night * 17 + 2, json!({"phoneNumber1": "0701740605"}));
        if night % 4 == 0 {
            // A renumbered pupil: the old row is not found on the first night, and the new row is found on
            // the next.
            let row = 600 + night;
            let number = identity_number(20_000 + night);
            twins.edit(row, json!({ "identityNumber": number }));
            if let Some(pupil) = pupils.iter_mut().find(|pupil| pupil.row == row)
                && night % 8 == 0
            {
                pupil.number = number;
            }
        }
        if night % 3 == 0 {
            twins.delete(700 + night);
        }
        if night % 5 == 0 {
            // The roster contains the new pupil from now on.
            twins.add(30_000 + night);
            pupils.push(Pupil::new(30_000 + night));
        }
        if night % 6 == 0 {
            // Two pupils swap numbers in two steps, because each number is unique.
            let (one, other) = (800 + night, 900 + night);
            twins.edit(
                one,
                json!({"identityNumber": identity_number(40_000 + night)}),
            );
            twins.edit(other, json!({"identityNumber": identity_number(one)}));
            twins.edit(one, json!({"identityNumber": identity_number(other)}));
        }
        if night % 7 == 3 {
            // A pupil's new value belongs to another record.
            let taken = format!("taken{night}@example.se");
            twins.edit(950 + night, json!({ "emailAddress1": taken }));
            pupils[500 + night].email = taken;
        }
        match night {
            9 => {
                // The run is interrupted and resumed.
                let roster = roster_of(&pupils);
                let ended = [0, 1].map(|world| {
                    let world = &twins.0[world];
                    let (stop, stopped) = tokio::sync::watch::channel(StopRequest::None);
                    let mut run = world.import();
                    run.stop = Some(stopped);
                    run.sender.concurrency = 1;
                    let halts = Halts(stop, Plans::default());
                    world.folder.write(&name, &roster);
                    run.observer = Box::new(halts);
                    let first = run.import(&world.folder, &name, &world.base_url).unwrap();
                    assert_eq!(first.summary.exit_code, Exit::Interrupted, "{name}");
                    let mut run = world.import();
                    run.resume = Some(first.summary.run.clone());
                    let ended = run.import(&world.folder, &name, &world.base_url).unwrap();
                    ended.summary.states
                });
                assert_eq!(ended[0], ended[1], "{name}");
                twins.compare_registers(&name);
                twins.next_day();
            }
            _ => {
                let one = twins.night(&name, &pupils);
                assert!(one.ended.summary.states.updated > 0, "{name}");
                if !one.is_from_snapshot() {
                    listed.push((night, one.why_listed()));
                }
                last_run = [0, 1].map(|world| newest_run(&twins.0[world]));
            }
        }
        if night == 11 {
            let name = twins.0[0].folder.path("night-11.results.csv");
            let results = std::fs::read_to_string(name).unwrap();
            assert!(results.contains("lookup.taken"), "no value is taken");
        }
        if night == 13 || night == 22 {
            // The run is undone the next morning.
            for (world, run) in twins.0.iter().zip(&last_run) {
                let undone = world.folder.with_sandbox(&["undo", run, "--yes"]);
                let code = undone.status.code();
                assert!(matches!(code, Some(0 | 3)), "{name}: {}", stderr(&undone));
            }
            twins.compare_registers(&name);
        }
        if night == 17 {
            // All runs are pruned.
            twins.each(|world| {
                world.pass(Duration::from_secs(60));
                let pruned = world.folder.run("runs prune --older-than 0s");
                assert!(pruned.status.success(), "{}", stderr(&pruned));
            });
        }
    }
    let nights: Vec<usize> = listed.iter().map(|(night, _)| *night).collect();
    assert!(nights.len() <= 6, "{listed:?}");
    assert_eq!(nights[0], 1);
}

/// The snapshot has the keys of all records, and the dates of birth of those with temporary numbers.
#[test]
fn keys_and_renumberings_resolve_as_with_a_full_listing() {
    let born = |row: usize| identity_number(row)[..8].to_owned();
    let temporary = |number: String| json!({"identityNumber": number, "identityTemporary": true});
    for (key, by_outer) in [(None, 0), (Some("identity_number,external_source_id"), 1)] {
        let twins = Twins::new(ROWS, &[]);
        for row in [10, 12, 13, 14, 15] {
            twins.edit(row, json!({"external": {"sourceID": format!("E-{row}")}}));
        }
        twins.edit(10, temporary(format!("{}-TF01", born(70_010))));
        twins.edit(11, temporary(format!("{}-TF02", born(60_011))));
        twins.edit(16, temporary(format!("{}-TF03", born(50_016))));
        twins.each(|world| world.pass(DAY));
        let roster_of = |rows: &[(String, &str)]| {
            let mut text = "identity_number,external_source_id,first_name,last_name\n".to_owned();
            for row in 17..=ROWS {
                text += &format!("{},,Åsa,Ek\n", identity_number(row));
            }
            for (number, outer) in rows {
                text += &format!("{number},{outer},Åsa,Ek\n");
            }
            text
        };
        let rows = [
            // A new number, found by the id in another system.
            (identity_number(70_010), "E-10"),
            // A new number, found by name and date of birth.
            (identity_number(60_011), ""),
            // The keys of two different records.
            (identity_number(12), "E-13"),
            // An unknown number, and the external id of a record with a personal number.
            (identity_number(80_014), "E-14"),
            // Both keys of one record.
            (identity_number(15), "E-15"),
            // A temporary number, and a number that would replace it.
            (format!("{}-TF03", born(50_016)), ""),
            (identity_number(50_016), ""),
        ];
        let night = |name: &str, rows: &[(String, &str)]| {
            let [one, other] = [0, 1].map(|world| {
                let world = &twins.0[world];
                let mut run = world.import();
                run.key = key.map(str::to_owned);
                run.guards.renumber = RenumberMode::Approve;
                run.asks = true;
                world.night_of(name, &roster_of(rows), run)
            });
            twins.compare(name, &one, &other);
            twins.next_day();
            one
        };
        night("one.csv", &[]);
        let second = night("two.csv", &rows);
        assert!(second.is_from_snapshot(), "{}", second.why_listed());
        let results: Vec<&str> = second.results.lines().rev().take(rows.len()).collect();
        let with = |code: &str| results.iter().filter(|row| row.contains(code)).count();
        let at = |number: String| results.iter().find(|row| row.contains(&number)).unwrap();
        for (row, by) in [
            (70_010, "external_source_id"),
            (60_011, "first_name last_name date_of_birth"),
        ] {
            assert!(at(identity_number(row)).ends_with(by), "{results:?}");
        }
        assert_eq!(second.plan.as_ref().unwrap().renumbered, 2, "{results:?}");
        assert_eq!(with("lookup.conflicting_keys"), by_outer, "{results:?}");
        assert_eq!(with(&plain_id(15)), 1, "{results:?}");
        assert!(
            at(identity_number(50_016)).contains(",invalid,"),
            "{results:?}"
        );
        assert_eq!(with(&plain_id(16)), 1, "{results:?}");
    }
}

/// Stops a run after its third row.
struct Halts(tokio::sync::watch::Sender<StopRequest>, Plans);

impl Observer for Halts {
    fn on_event(&self, event: &RunEvent) {
        self.1.on_event(event);
        if let RunEvent::RowDone { sent: true, .. } = event {
            self.0.send_replace(StopRequest::Finish);
        }
    }
}

/// Returns the name of the newest run.
fn newest_run(world: &World) -> String {
    let journal = rosterpatch::journal::Journal::open(&world.folder.state()).unwrap();
    journal.run(None).unwrap().name
}

#[test]
fn a_snapshot_run_of_20_000_rows_takes_at_most_330_requests() {
    const MANY: usize = 20_000;
    let twins = Twins::new(MANY, &[]);
    let mut pupils: Vec<Pupil> = (1..=MANY).map(Pupil::new).collect();
    let mut change = |night: usize| {
        for step in 0..300 {
            pupils[(night * 5_000 + step * 13) % MANY].first_name = format!("Åsa {night}");
        }
        pupils.clone()
    };
    let first = twins.night("first.csv", &change(1));
    assert!(first.requests >= 700, "{}", first.requests);
    for row in 0..50 {
        twins.edit(
            10_001 + row,
            json!({"emailAddress2": format!("n{row}@example.se")}),
        );
    }
    for row in 0..5 {
        twins.delete(19_000 + row);
    }
    let roster = roster_of(&change(2));
    let [one, other] = [0, 1].map(|world| twins.0[world].night("second.csv", &roster));
    twins.compare("second.csv", &one, &other);
    assert_eq!(one.ended.summary.states.updated, 300);
    assert_eq!(one.ended.summary.states.invalid, 5);
    assert!(one.is_from_snapshot(), "{}", one.why_listed());
    println!(
        "{} requests, and {} where all are listed",
        one.requests, other.requests
    );
    assert!(one.requests <= 330, "{}", one.requests);
    assert!(other.requests >= 700, "{}", other.requests);
    assert_eq!(one.requests, one.ended.summary.requests);
    let known = one.plan.unwrap().known.unwrap();
    // Four of the differing rows are among the changed records.
    assert_eq!((known.changed, known.deleted, known.read), (350, 5, 296));
    assert_eq!(known.records, MANY as u64 - 5);
}

/// Runs a first night that completes the snapshot, and a second one after `change`.
fn after(vary: &[Variation], change: impl Fn(&Twins)) -> (Twins, Night) {
    let twins = Twins::new(ROWS, vary);
    let mut pupils: Vec<Pupil> = (1..=ROWS).map(Pupil::new).collect();
    pupils[4].first_name = "Eva".to_owned();
    twins.night("one.csv", &pupils);
    change(&twins);
    pupils[7].first_name = "Eva".to_owned();
    let night = twins.night("two.csv", &pupils);
    (twins, night)
}

#[test]
fn an_api_that_does_not_report_changes_is_detected_and_listed() {
    let frozen = [Variation::FrozenTimes];
    // The API does not report the run's own change of the night before.
    let (_, night) = after(&frozen, |_| ());
    assert!(!night.is_from_snapshot());
    assert!(
        night.why_listed().contains("does not report it"),
        "{}",
        night.why_listed()
    );
    // Each run compares another page of the list, so manual edits are found within some days.
    let twins = Twins::new(ROWS, &frozen);
    let pupils: Vec<Pupil> = (1..=ROWS).map(Pupil::new).collect();
    twins.0.iter().for_each(|world| {
        world.night("one.csv", &roster_of(&pupils));
        world.pass(DAY);
    });
    twins.edit(75, json!({"firstName": "By hand"}));
    let nights = (2..=4).map(|night| {
        let [one, _] = &twins.0;
        let night = one.night(&format!("{night}.csv"), &roster_of(&pupils));
        (night.is_from_snapshot(), night.ended.summary.states.updated)
    });
    // Row 75 is on the second page.
    assert_eq!(
        nights.collect::<Vec<_>>(),
        [(true, 0), (false, 1), (false, 0)]
    );
}

#[test]
fn unreliable_change_listings_are_detected() {
    for (vary, is_from_snapshot, why) in [
        (vec![], true, ""),
        (vec![Variation::UnsetTimes], true, ""),
        (vec![Variation::SilentDeletions], false, "were expected"),
        (vec![Variation::IgnoredTimes], false, "ignores the filter"),
    ] {
        let (_, night) = after(&vary, |twins| {
            twins.edit(20, json!({"firstName": "By hand"}));
            twins.delete(30);
            twins.add(30_000);
        });
        assert_eq!(
            night.is_from_snapshot(),
            is_from_snapshot,
            "{vary:?}: {}",
            night.why_listed()
        );
        assert!(
            night.why_listed().contains(why),
            "{vary:?}: {}",
            night.why_listed()
        );
        assert_eq!(night.ended.summary.states.updated, 2, "{vary:?}");
        assert_eq!(night.ended.summary.states.invalid, 1, "{vary:?}");
    }
}

#[test]
fn all_records_are_listed_again_after_a_week() {
    let world = World::new(ROWS, Some(WEEK), Vec::new());
    let pupils: Vec<Pupil> = (1..=ROWS).map(Pupil::new).collect();
    let roster = roster_of(&pupils);
    let night = |name: &str| {
        let night = world.night(name, &roster);
        (night.is_from_snapshot(), night.why_listed())
    };
    assert_eq!(night("1.csv"), (false, String::new()));
    world.pass(WEEK - Duration::from_secs(60));
    assert!(night("2.csv").0);
    world.pass(Duration::from_secs(60));
    let (is_from_snapshot, why) = night("3.csv");
    assert!(
        !is_from_snapshot && why.contains("older than --relist"),
        "{why}"
    );
    assert!(night("4.csv").0);
}

#[test]
fn a_snapshot_contains_no_readable_values() {
    let world = World::new(ROWS, Some(WEEK), Vec::new());
    let secret = json!({
        "firstName": "Hemlig", "lastName": "Skyddad", "emailAddress1": "skyddad@example.se",
        "phoneNumber1": "+46701740605", "address": {"postalAddress": "Gömda gatan 3"},
    });
    assert!(world.sandbox.edit_student(&plain_id(9), &secret));
    let pupils: Vec<Pupil> = (1..=ROWS).map(Pupil::new).collect();
    let mut run = world.import();
    run.guards.max_changes = "0".parse().ok();
    let night = world.night_of("r.csv", &roster_of(&pupils), run);
    assert_eq!(night.ended.summary.exit_code, Exit::Held);
    let path = world.folder.path("state").join("snapshots.sqlite3");
    let bytes = std::fs::read(&path).unwrap();
    let holds = |text: &str| memchr_of(&bytes, text.as_bytes());
    assert!(holds(&plain_id(9)), "the ids are there");
    for text in [
        "Hemlig",
        "Skyddad",
        "skyddad@",
        "701740605",
        "Gömda",
        &identity_number(9),
        "Åsa",
    ] {
        assert!(!holds(text), "{text}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

fn memchr_of(bytes: &[u8], sought: &[u8]) -> bool {
    bytes.windows(sought.len()).any(|window| window == sought)
}

/// Returns the changes of a plan by line, and the output of the command.
fn plan_of(world: &World, more: &[&str]) -> (String, String) {
    let out = world.folder.path("changes.csv");
    let out = out.to_str().unwrap();
    let mut arguments = vec!["plan", "r.csv", "--target", "meitner", "--out", out];
    arguments.extend(["--base-url", &world.base_url, "--relist", "9999d"]);
    arguments.extend(more);
    let planned = world.folder.with_sandbox(&arguments);
    let code = planned.status.code();
    assert!(matches!(code, Some(0 | 3)), "{}", stderr(&planned));
    let said = [stdout(&planned), stderr(&planned)].concat();
    (std::fs::read_to_string(out).unwrap(), said)
}

#[test]
fn records_that_a_killed_run_may_have_changed_are_read_again() {
    for vary in [vec![], vec![Variation::FrozenTimes]] {
        let world = World::new(ROWS, Some(WEEK), vary.clone());
        let mut pupils: Vec<Pupil> = (1..=ROWS).map(Pupil::new).collect();
        let before = roster_of(&pupils);
        world.night("r.csv", &before);
        world.pass(DAY);
        for pupil in &mut pupils[200..300] {
            pupil.first_name = "Bo".to_owned();
        }
        world.folder.write("killed.csv", roster_of(&pupils));
        let mut command = world.folder.command();
        command
            .args(["import", "killed.csv", "--target", "meitner", "--yes"])
            .args(["--base-url", &world.base_url, "--relist", "9999d"])
            .args(["--rate", "50/s", "--burst", "1", "--concurrency", "1"])
            .envs(OF_SANDBOX)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut started = Started(command.spawn().unwrap());
        wait_until("five are sent", || world.sandbox.requests("update") >= 5);
        started.0.kill().unwrap();
        started.0.wait().unwrap();
        assert!(
            world.sandbox.requests("update") < 100,
            "it was not killed in time"
        );
        // The roster is reverted, and the killed run's rows must be restored.
        let (changes, said) = plan_of(&world, &[]);
        let (expected, _) = plan_of(&world, &["--no-snapshot"]);
        assert!(changes.lines().count() > 5, "{vary:?}: {changes}");
        assert_eq!(changes, expected, "{vary:?}");
        let is_listed = said.contains("does not report it");
        assert_eq!(is_listed, !vary.is_empty(), "{vary:?}: {said}");
    }
}

#[test]
fn a_plan_reports_the_age_of_its_data() {
    let world = World::new(ROWS, Some(WEEK), Vec::new());
    let mut pupils: Vec<Pupil> = (1..=ROWS).map(Pupil::new).collect();
    world.folder.write("r.csv", roster_of(&pupils));
    let (_, said) = plan_of(&world, &[]);
    assert!(
        said.contains("all 1,050 students listed, 50 per request"),
        "{said}"
    );
    world.pass(DAY);
    assert!(
        world
            .sandbox
            .edit_student(&plain_id(3), &json!({"emailAddress2": "a@example.se"}))
    );
    pupils[9].first_name = "Eva".to_owned();
    world.folder.write("r.csv", roster_of(&pupils));
    let (_, said) = plan_of(&world, &[]);
    for part in [
        "1,050 records known from a full list that is 1 d 0 h old",
        "1 changed",
        "1 read",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let (_, said) = plan_of(&world, &["--format", "json"]);
    let (start, end) = (said.find('{').unwrap(), said.rfind('}').unwrap());
    let summary: serde_json::Value = serde_json::from_str(&said[start..=end]).unwrap();
    assert_eq!(summary["snapshot"]["listed_at"], "2026-08-21T18:00:00Z");
    assert_eq!(summary["snapshot"]["read_at"], "2026-08-22T18:00:00Z");
    assert_eq!(summary["snapshot"]["compared"], 50);
    let (_, said) = plan_of(&world, &["--no-snapshot", "--format", "json"]);
    assert!(!said.contains("\"snapshot\""), "{said}");
    // Another account may see other records, and a profile may belong to another school.
    let other = world
        .folder
        .program()
        .args(["plan", "r.csv", "--target", "meitner"])
        .args(["--base-url", &world.base_url])
        .envs([
            ("MEITNER_CLIENT_CREDENTIALS", "sandbox-readonly"),
            OF_SANDBOX[1],
        ])
        .output()
        .unwrap();
    let said = [stdout(&other), stderr(&other)].concat();
    assert!(said.contains("all 1,050 students listed"), "{said}");
}
