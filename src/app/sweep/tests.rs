//! Unit tests of `app::sweep`.

mod refusals;

use std::cell::Cell;

use super::*;
use crate::app::tests::{Api, Scene, roster, wanted};
use crate::app::watch::watch;
use crate::journal::RosterLock;
use crate::model::RowState;
use crate::report::ResultPaths;
use crate::send::StopRequest;

/// A desk that imports each file to one address and records its reports.
struct Noting<'a> {
    scene: &'a Scene,
    base_url: RefCell<String>,
    told: RefCell<Vec<String>>,
    account: Cell<u64>,
    /// The fates of each reported pass.
    passes: RefCell<Vec<Vec<(Fate, u64)>>>,
    /// Whether to request a stop after a reported pass.
    stops: Cell<bool>,
}

impl<'a> Noting<'a> {
    fn of(scene: &'a Scene, api: &Api) -> Noting<'a> {
        Noting {
            scene,
            base_url: RefCell::new(api.base_url.clone()),
            told: RefCell::default(),
            account: Cell::new(1),
            passes: RefCell::default(),
            stops: Cell::new(false),
        }
    }

    /// Takes the reports since the last call: the name and the fate of each file.
    fn told(&self) -> Vec<String> {
        self.told.take()
    }
}

impl Desk for Noting<'_> {
    fn wanted(&self, file: &Path, _: &str) -> Result<(Wanted<'_>, Notifications), AppError> {
        let mut settings = self.scene.settings("r.csv");
        settings.delivery.client.base_url = self.base_url.borrow().clone();
        settings.delivery.blind = true;
        settings.roster.sparse = false;
        settings.delivery.paths = ResultPaths::beside(file);
        settings.roster.file = file.to_owned();
        Ok((wanted(settings), Notifications::default()))
    }

    fn may_take(&self, _: &str) -> Result<(), AppError> {
        Ok(())
    }

    fn account(&self, _: &str) -> u64 {
        self.account.get()
    }

    fn notifications(&self, _: &str) -> Notifications {
        Notifications::default()
    }

    fn told(&self, name: &str, what: Told<'_>) {
        let what = match what {
            Told::Ended(ended, _) => format!("{} updated", ended.summary.states.updated),
            Told::PutAway(summary) => format!("put away, {} updated", summary.states.updated),
            Told::Duplicate { run, .. } => format!("duplicate of {run}"),
            Told::NotImported(why) => format!("not imported: {}", why.code()),
            Told::Enqueued(_) | Told::Queued | Told::Held { .. } => unreachable!(),
        };
        self.told.borrow_mut().push(format!("{name}: {what}"));
    }

    fn passed(&self, swept: &Swept) {
        self.passes.borrow_mut().push(fates(swept));
        if self.stops.get() {
            self.scene.session.stop.ask(StopRequest::Finish);
        }
    }
}

fn options(scene: &Scene) -> SweepOptions {
    SweepOptions {
        folder: scene.path("in"),
        settle: Duration::ZERO,
        interval: Duration::from_secs(60),
        again: false,
        fresh: false,
    }
}

/// Lists the files below a folder of the inbox, without date folders and the archive index.
fn files(scene: &Scene, below: &str) -> Vec<String> {
    let mut found = Vec::new();
    let days = std::fs::read_dir(scene.path("in").join(below));
    for day in days.into_iter().flatten() {
        for file in std::fs::read_dir(day.unwrap().path()).unwrap() {
            found.push(file.unwrap().file_name().into_string().unwrap());
        }
    }
    found.retain(|name| name != ".rosterpatch");
    found.sort();
    found
}

/// Returns the fates of a sweep's files with their counts.
fn fates(swept: &Swept) -> Vec<(Fate, u64)> {
    let all = swept.tally.fates();
    all.filter(|(_, count)| *count > 0).collect()
}

fn newest(scene: &Scene) -> crate::journal::RunRecord {
    scene.journal().run(None).unwrap()
}

#[test]
fn an_imported_file_is_archived_with_results_and_copies_are_duplicates() {
    let (scene, api) = (Scene::new(), Api::of("Bo", 200));
    let noting = Noting::of(&scene, &api);
    let sweep = |options: SweepOptions| {
        Sweep::new(&scene.session, &noting, options)
            .unwrap()
            .run()
            .map(|swept| swept.exit)
    };
    scene.write("in/a.csv", &roster(2));
    scene.write("in/b.csv", &roster(3));
    assert_eq!(sweep(options(&scene)).unwrap(), Exit::Success);
    assert_eq!(noting.told(), ["a.csv: 2 updated", "b.csv: 3 updated"]);
    assert_eq!(api.updates(), 5);
    let done = files(&scene, "done");
    assert!(
        ["a.csv", "a.results.csv", "b.csv"]
            .iter()
            .all(|name| done.contains(&(*name).into()))
    );
    // The journal has the new paths.
    let run = newest(&scene);
    assert!(
        Path::new(&run.file).is_file() && run.file.contains("/done/"),
        "{}",
        run.file
    );
    let summary: Summary = serde_json::from_str(run.summary.as_deref().unwrap()).unwrap();
    assert!(summary.results.unwrap().is_file());
    assert_eq!(summary.file, run.file);
    let settings = Settings::of(&run).unwrap();
    assert!(
        settings
            .delivery
            .paths
            .failed
            .starts_with(Path::new(&run.file).parent().unwrap())
    );
    assert_eq!(
        (settings.moving_from, settings.dropped_as.as_deref()),
        (None, Some("b.csv"))
    );

    scene.write("in/b.csv", &roster(3));
    assert_eq!(sweep(options(&scene)).unwrap(), Exit::Success);
    assert_eq!(noting.told(), [format!("b.csv: duplicate of {}", run.name)]);
    assert_eq!(api.updates(), 5);
    assert!(files(&scene, "done").contains(&"b-2.csv".to_owned()));
    // A missing file is not reported.
    assert_eq!(sweep(options(&scene)).unwrap(), Exit::Success);
    assert_eq!(noting.told(), Vec::<String>::new());

    scene.write("in/b.csv", &roster(3));
    let again = SweepOptions {
        again: true,
        ..options(&scene)
    };
    assert_eq!(sweep(again).unwrap(), Exit::Success);
    assert_eq!(noting.told().len(), 1);
    assert_ne!(newest(&scene).name, run.name);
}

#[test]
fn failed_and_unreadable_files_move_to_failed_and_the_worst_code_wins() {
    let (scene, api) = (Scene::new(), Api::of("Bo", 404));
    let noting = Noting::of(&scene, &api);
    let sweep = Sweep::new(&scene.session, &noting, options(&scene)).unwrap();
    scene.write("in/a.csv", &roster(2));
    assert_eq!(sweep.run().unwrap().exit, Exit::RowsFailed);
    assert!(files(&scene, "failed").contains(&"a.csv".to_owned()));
    scene.write("in/a.csv", &roster(3));
    scene.write("in/b.csv", "");
    assert_eq!(sweep.run().unwrap().exit, Exit::CannotDo);
    assert_eq!(noting.told()[2], "b.csv: not imported: read.empty");
    let failed = files(&scene, "failed");
    assert!(failed.contains(&"b.csv".to_owned()) && failed.contains(&"b.error.txt".to_owned()));
    // An archived file is not tried again.
    assert_eq!(sweep.run().unwrap().exit, Exit::Success);
}

#[test]
fn a_watch_claims_no_files_after_a_stop_request() {
    let (scene, api) = (Scene::new(), Api::of("Åsa", 200));
    let noting = Noting::of(&scene, &api);
    scene.write("in/a.csv", &roster(1));
    let sweep = Sweep::new(&scene.session, &noting, options(&scene)).unwrap();
    scene.session.stop.ask(StopRequest::Finish);
    let complain = |error: &AppError| panic!("{error}");
    let exit = crate::app::watch::watch(&scene.session, &sweep, &complain).unwrap();
    assert_eq!(exit, Exit::Success);
    assert!(scene.path("in/a.csv").exists());
}

#[test]
fn a_file_locked_by_another_process_is_skipped() {
    let (scene, api) = (Scene::new(), Api::of("Bo", 200));
    let noting = Noting::of(&scene, &api);
    let sweep = Sweep::new(&scene.session, &noting, options(&scene)).unwrap();
    let file = scene.write("in/a.csv", &roster(2));
    let inbox = Inbox::at(&scene.path("in"));
    let lying = inbox.entries().unwrap().files.remove("a.csv").unwrap();
    let taken = inbox.claim("a.csv", &lying).unwrap().unwrap();
    assert!(!file.exists());
    let lock = RosterLock::take(&scene.session.state, &taken).unwrap();
    assert_eq!(sweep.run().unwrap().exit, Exit::Success);
    assert_eq!(noting.told(), Vec::<String>::new());
    assert!(taken.is_file());
    // Once the other process has ended, the next sweep resumes the file.
    drop(lock);
    assert_eq!(sweep.run().unwrap().exit, Exit::Success);
    assert_eq!(noting.told(), ["a.csv: 2 updated"]);
    // A file that was archived in the meantime is not an error.
    assert_eq!(sweep.file(&taken, "").unwrap(), None);
    assert_eq!(noting.told(), Vec::<String>::new());
}

#[test]
fn an_unusable_file_is_reported_once() {
    let (scene, api) = (Scene::new(), Api::of("Bo", 200));
    let noting = Noting::of(&scene, &api);
    let sweep = Sweep::new(&scene.session, &noting, options(&scene)).unwrap();
    std::fs::create_dir_all(scene.path("in/a.csv")).unwrap();
    scene.write("in/b.csv", &roster(1));
    let mut seen = HashMap::new();
    for told in [1, 0] {
        assert_eq!(sweep.once(&mut seen).unwrap().worst, Some(Exit::RowsFailed));
        let failed = noting.told();
        let failed = failed
            .iter()
            .filter(|told| told.starts_with("a.csv: not imported"));
        assert_eq!(failed.count(), told);
    }
    // An entry that was removed and created again is reported again.
    std::fs::remove_dir(scene.path("in/a.csv")).unwrap();
    assert_eq!(sweep.once(&mut seen).unwrap().worst, None);
    std::fs::create_dir(scene.path("in/a.csv")).unwrap();
    assert_eq!(sweep.once(&mut seen).unwrap().worst, Some(Exit::RowsFailed));
    assert_eq!(noting.told(), ["a.csv: not imported: inbox.not_processed"]);
}

#[test]
fn only_complete_files_are_claimed_and_none_after_a_stop() {
    let settle = Duration::from_secs(60);
    let lain = |seconds| Some(Duration::from_secs(seconds));
    for (is_ready, lain, taken) in [
        (false, None, false),
        (false, lain(59), false),
        (false, lain(60), true),
        (false, lain(61), true),
        (true, None, true),
        (true, lain(0), true),
    ] {
        assert_eq!(may_be_taken(is_ready, lain, settle), taken);
    }
    let (scene, api) = (Scene::new(), Api::of("Bo", 200));
    let noting = Noting::of(&scene, &api);
    let slow = SweepOptions {
        settle,
        ..options(&scene)
    };
    let sweep = Sweep::new(&scene.session, &noting, slow).unwrap();
    scene.write("in/a.csv", &roster(1));
    let mut seen = HashMap::new();
    assert_eq!(sweep.once(&mut seen).unwrap().worst, None);
    let since = seen["a.csv"].1;
    // An unchanged file keeps its time; a change restarts it.
    sweep.look(&mut seen).unwrap();
    assert_eq!(seen["a.csv"].1, since);
    scene.write("in/a.csv", &roster(2));
    sweep.look(&mut seen).unwrap();
    assert_ne!(seen["a.csv"].1, since);
    scene.write("in/a.csv.ready", "");
    scene.session.stop.ask(StopRequest::Finish);
    assert_eq!(sweep.once(&mut seen).unwrap().worst, None);
    assert!(scene.path("in/a.csv").is_file());
    scene.session.stop.leave_signals();
}

#[test]
fn a_copy_is_a_duplicate_only_of_a_completed_run() {
    let scene = Scene::new();
    scene.write("r.csv", &roster(2));
    let run = scene.finished("first", 2, &scene.settings("r.csv"));
    let summary: Summary = serde_json::from_str(run.summary.as_deref().unwrap()).unwrap();
    let with = |failed, not_sent, exit_code| {
        let mut summary = summary.clone();
        (summary.states.failed, summary.states.not_sent) = (failed, not_sent);
        is_whole(&Summary {
            exit_code,
            ..summary
        })
    };
    assert!(with(0, 0, Exit::Success));
    // An invalid row would be invalid again, so the run counts as completed.
    assert!(with(0, 0, Exit::RowsFailed));
    assert!(!with(0, 0, Exit::Held));
    for (failed, not_sent) in [(1, 0), (0, 1), (1, 1)] {
        assert!(!with(failed, not_sent, Exit::RowsFailed));
    }
}

#[test]
fn an_imported_but_unarchived_file_is_archived_by_the_next_sweep() {
    for is_moved in [false, true] {
        let (scene, api) = (Scene::new(), Api::of("Bo", 200));
        let noting = Noting::of(&scene, &api);
        let sweep = Sweep::new(&scene.session, &noting, options(&scene)).unwrap();
        scene.write("in/a.csv", &roster(2));
        let inbox = Inbox::at(&scene.path("in"));
        let lying = inbox.entries().unwrap().files.remove("a.csv").unwrap();
        let taken = inbox.claim("a.csv", &lying).unwrap().unwrap();
        // The process was killed after the last row, before or after the journal recorded the new path.
        let mut settings = noting.wanted(&taken, "a.csv").unwrap().0.settings;
        settings.inbox = Some(scene.path("in"));
        if is_moved {
            settings.moving_from = Some(taken.clone());
            settings.roster.file = scene.write("in/done/2026-08-20/a.csv", &roster(2));
        }
        scene.finished("first", 2, &settings);
        assert_eq!(sweep.run().unwrap().exit, Exit::Success);
        assert_eq!(noting.told(), ["a.csv: put away, 2 updated"]);
        assert!(!taken.exists());
        assert_eq!(api.updates(), 0);
        let done = files(&scene, "done");
        assert_eq!(
            done.iter().filter(|name| name.starts_with('a')).count(),
            1 + usize::from(is_moved)
        );
    }
}

#[test]
fn a_file_with_open_rows_or_an_undone_run_is_not_a_duplicate() {
    for (state, rest, told) in [
        (RunState::Finished, RowState::Failed, "b.csv: 2 updated"),
        (
            RunState::Undone,
            RowState::Updated,
            "b.csv: not imported: run.undone",
        ),
    ] {
        let (scene, api) = (Scene::new(), Api::of("Bo", 200));
        let noting = Noting::of(&scene, &api);
        let file = scene.write("a.csv", &roster(2));
        let settings = noting.wanted(&file, "a.csv").unwrap().0.settings;
        let run = scene.run("first", RunState::Running, &settings);
        scene.rows(&run, &[Some(RowState::Updated), Some(rest)]);
        scene.end(&run, state, Exit::Success);
        scene.write("in/b.csv", &roster(2));
        let sweep = Sweep::new(&scene.session, &noting, options(&scene)).unwrap();
        sweep.run().unwrap();
        assert_eq!(noting.told(), [told]);
    }
}

#[test]
fn a_wait_lasts_its_full_duration_unless_a_stop_is_requested() {
    let stop = StopSignal::new();
    let short = Duration::from_millis(20);
    let began = Instant::now();
    wait(short, &stop);
    assert!(began.elapsed() >= short);
    stop.ask(StopRequest::Finish);
    let long = Duration::from_secs(60);
    let began = Instant::now();
    wait(long, &stop);
    assert!(began.elapsed() < long / 2);
}

#[test]
fn a_sweep_exits_with_the_worst_code() {
    let order = [
        Exit::CannotDo,
        Exit::Refused,
        Exit::Held,
        Exit::RowsFailed,
        Exit::Interrupted,
        Exit::Success,
    ];
    for (index, worst) in order.iter().enumerate() {
        for other in &order[index..] {
            assert_eq!(worse(Some(*other), Some(*worst)), Some(*worst));
            assert_eq!(worse(Some(*worst), Some(*other)), Some(*worst));
        }
    }
    assert_eq!(worse(None, None), None);
}

#[test]
fn refused_credentials_are_reported_once_and_retried_when_changed() {
    let (scene, api) = (Scene::new(), Api::of("Bo", 401));
    let noting = Noting::of(&scene, &api);
    let sweep = Sweep::new(&scene.session, &noting, options(&scene)).unwrap();
    scene.write("in/a.csv", &roster(1));
    scene.write("in/b.csv", &roster(1));
    let mut seen = HashMap::new();
    let once = |seen: &mut Seen| sweep.once(seen).unwrap().worst;
    assert_eq!(once(&mut seen), Some(Exit::Refused));
    assert_eq!(api.updates(), 1, "the second file has the same credentials");
    let told = noting.told();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[1], "b.csv: not imported: inbox.waits");
    for _ in 0..3 {
        assert_eq!(once(&mut seen), Some(Exit::Refused));
    }
    assert_eq!(noting.told(), Vec::<String>::new());
    assert_eq!(api.updates(), 1);
    // New credentials are tried at once.
    noting.account.set(2);
    assert_eq!(once(&mut seen), Some(Exit::Refused));
    assert_eq!(api.updates(), 2);
    let arrived =
        crate::app::arrivals::arrived(&scene.journal(), &scene.session.state, jiff::Timestamp::MIN);
    let arrived = arrived.unwrap();
    let waits = arrived.iter().find(|file| file.name == "b.csv").unwrap();
    let why = waits.why.as_ref().unwrap();
    assert_eq!(why.code(), Code::InboxWaits);
    assert_eq!(why.cause(), Some(Code::ApiRefused), "the reason is kept");
    let fates: Vec<Fate> = arrived.iter().map(|file| file.fate).collect();
    assert_eq!(fates, [Fate::Waiting, Fate::Waiting]);
}

#[test]
fn backoff_is_an_hour_if_refused_and_at_most_ten_minutes_if_unreachable() {
    for (times, is_reachable, seconds) in [
        (1, true, 3600),
        (9, true, 3600),
        (1, false, 30),
        (2, false, 60),
        (5, false, 480),
        (6, false, 600),
        (u32::MAX, false, 600),
    ] {
        assert_eq!(
            pause_after(times, is_reachable),
            Duration::from_secs(seconds)
        );
    }
    for (code, is_away) in [
        (Code::ApiUnreachable, true),
        (Code::ApiFailing, true),
        (Code::NetworkTimeOut, true),
        (Code::ApiRefused, false),
        (Code::SignInMissing, false),
    ] {
        assert_eq!(is_unreachable(&Fact::new(code)), is_away, "{code}");
    }
    let caused = Fact::new(Code::ApiLookup).because(Code::NetworkRefused);
    assert!(is_unreachable(&caused));
}

#[test]
fn a_sweep_waits_once_for_a_file_and_ten_times_for_a_growing_one() {
    let scene = Scene::new();
    let inbox = Inbox::at(&scene.path("in"));
    let mut awaited = Awaited::default();
    scene.write("in/a.csv", "1");
    let entries = || inbox.entries().unwrap();
    assert!(awaited.add(&entries()));
    assert!(!awaited.add(&entries()), "it has not changed");
    let grown = (2..=12).map(|size| {
        scene.write("in/a.csv", &"1".repeat(size));
        awaited.add(&entries())
    });
    let waits = grown.filter(|wait| *wait).count();
    assert_eq!(waits, 9);
}

#[test]
fn a_file_that_cannot_be_archived_does_not_stop_others() {
    let (scene, api) = (Scene::new(), Api::of("Bo", 200));
    let noting = Noting::of(&scene, &api);
    let sweep = Sweep::new(&scene.session, &noting, options(&scene)).unwrap();
    scene.write("in/a.csv", "");
    scene.write("in/b.csv", &roster(1));
    // A file blocks the path of the folder to which the first file would move.
    scene.write("in/failed", "");
    let swept = sweep.run().unwrap();
    assert_eq!(swept.exit, Exit::CannotDo);
    assert_eq!(api.updates(), 1);
    assert_eq!(fates(&swept), [(Fate::Done, 1), (Fate::Waiting, 1)]);
    let told = noting.told();
    assert!(told.contains(&"b.csv: 1 updated".to_owned()), "{told:?}");
    sweep.once(&mut HashMap::new()).unwrap();
    assert_eq!(noting.told(), Vec::<String>::new(), "once");
}

#[test]
fn two_files_with_the_same_name_are_counted_separately() {
    let (scene, api) = (Scene::new(), Api::of("Bo", 200));
    let noting = Noting::of(&scene, &api);
    let sweep = Sweep::new(&scene.session, &noting, options(&scene)).unwrap();
    scene.write("in/a.csv", &roster(1));
    sweep.once(&mut HashMap::new()).unwrap();
    scene.write("in/a.csv", &roster(2));
    let swept = sweep.run().unwrap();
    assert_eq!(
        (swept.tally.files(), fates(&swept)),
        (2, vec![(Fate::Done, 2)])
    );
}

#[test]
fn a_watch_pass_with_news_is_reported_including_waiting_files() {
    let (scene, api) = (Scene::new(), Api::of("Bo", 200));
    let noting = Noting::of(&scene, &api);
    let sweep = Sweep::new(&scene.session, &noting, options(&scene)).unwrap();
    let mut seen = HashMap::new();
    let mut passes = || {
        assert!(!sweep.pass(&mut seen).unwrap(), "no account is refused");
        noting.passes.take()
    };
    std::fs::create_dir(scene.path("in")).unwrap();
    assert!(passes().is_empty());
    scene.write("in/a.csv", &roster(1));
    scene.write("in/notes.doc", "");
    let both = vec![(Fate::Done, 1), (Fate::NotProcessed, 1)];
    assert_eq!(passes(), [both]);
    // A file that stays is counted only in a pass that records something else.
    assert!(passes().is_empty());
    scene.write("in/b.csv", "");
    let next = vec![(Fate::Failed, 1), (Fate::NotProcessed, 1)];
    assert_eq!(passes(), [next]);

    let (scene, api) = (Scene::new(), Api::of("Bo", 401));
    let noting = Noting::of(&scene, &api);
    let sweep = Sweep::new(&scene.session, &noting, options(&scene)).unwrap();
    scene.write("in/a.csv", &roster(1));
    for reported in [vec![vec![(Fate::Waiting, 1)]], vec![]] {
        assert!(
            sweep.pass(&mut HashMap::new()).unwrap(),
            "the account is refused"
        );
        assert_eq!(noting.passes.take(), reported);
    }
    scene.write("in/notes.doc", "");
    sweep.pass(&mut HashMap::new()).unwrap();
    let both = vec![(Fate::Waiting, 1), (Fate::NotProcessed, 1)];
    assert_eq!(noting.passes.take(), [both]);
}

#[test]
fn a_watch_imports_existing_files_and_ends_on_a_stop_request() {
    let (scene, api) = (Scene::new(), Api::of("Bo", 200));
    let noting = Noting::of(&scene, &api);
    noting.stops.set(true);
    let sweep = Sweep::new(&scene.session, &noting, options(&scene)).unwrap();
    let watch = || watch(&scene.session, &sweep, &|error| panic!("{error}"));
    assert!(watch().is_err(), "there is no folder");
    scene.write("in/a.csv", &roster(1));
    assert_eq!(watch().unwrap(), Exit::Success);
    assert_eq!(noting.told(), ["a.csv: 1 updated"]);
}
