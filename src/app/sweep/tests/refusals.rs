//! Unit tests for files that are not imported: reasons, retries and notifications.

use super::*;
use crate::send::SignInError;

/// The error that a desk returns for each file, or none.
type Answer = dyn Fn() -> Option<AppError>;

/// A desk that can fail for each file and can act before the folder is read.
struct Failing<'a> {
    noting: Noting<'a>,
    answer: RefCell<Box<Answer>>,
    before_a_look: RefCell<Option<Box<dyn FnOnce()>>>,
    metrics: PathBuf,
}

impl<'a> Failing<'a> {
    fn of(scene: &'a Scene, api: &Api) -> Failing<'a> {
        Failing {
            noting: Noting::of(scene, api),
            answer: RefCell::new(Box::new(|| None)),
            before_a_look: RefCell::default(),
            metrics: scene.path("metrics.prom"),
        }
    }

    fn fails(&self, error: impl Fn() -> AppError + 'static) {
        *self.answer.borrow_mut() = Box::new(move || Some(error()));
    }

    /// Returns whether a notification was sent since the last call.
    fn has_notified(&self) -> bool {
        std::fs::remove_file(&self.metrics).is_ok()
    }
}

impl Desk for Failing<'_> {
    fn refresh(&self) {
        if let Some(work) = self.before_a_look.take() {
            work();
        }
    }

    fn wanted(&self, file: &Path, name: &str) -> Result<(Wanted<'_>, Notifications), AppError> {
        match (self.answer.borrow())() {
            Some(error) => Err(error),
            None => self.noting.wanted(file, name),
        }
    }

    fn may_take(&self, _: &str) -> Result<(), AppError> {
        Ok(())
    }

    fn account(&self, name: &str) -> u64 {
        self.noting.account(name)
    }

    /// Returns metrics for files only, so that metrics of the folder are not mistaken for a notification.
    fn notifications(&self, name: &str) -> Notifications {
        Notifications {
            metrics: (!name.is_empty()).then(|| self.metrics.clone()),
            ..Notifications::default()
        }
    }

    fn told(&self, name: &str, what: Told<'_>) {
        Desk::told(&self.noting, name, what);
    }
}

fn no_key() -> AppError {
    let variable = "KEY".to_owned();
    SignInError::Empty { variable }.into()
}

#[test]
fn backoff_depends_on_the_number_and_kind_of_refusals() {
    let (scene, api) = (Scene::new(), Api::of("Bo", 200));
    let noting = Noting::of(&scene, &api);
    let sweep = Sweep::new(&scene.session, &noting, options(&scene)).unwrap();
    let refused = |why: Option<&Fact>, times: u32, seconds: u64| {
        let before = Instant::now();
        sweep.remember(1, Exit::Refused, why);
        let after = Instant::now();
        let refused = sweep.refused.borrow()[&1].clone();
        let pause = Duration::from_secs(seconds);
        assert_eq!(refused.times, times);
        assert!((before + pause..=after + pause).contains(&refused.until));
        refused.why
    };
    let away = Fact::new(Code::ApiUnreachable);
    for (times, seconds) in [(1, 30), (2, 60), (3, 120)] {
        assert_eq!(refused(Some(&away), times, seconds), away);
    }
    let no = Fact::new(Code::SignInMissing);
    assert_eq!(refused(Some(&no), 4, 3600), no);
    assert_eq!(refused(None, 5, 3600), Fact::new(Code::ApiRefused));
    sweep.remember(2, Exit::Refused, None);
    sweep.remember(1, Exit::RowsFailed, None);
    let known = sweep.refused.borrow();
    assert!(known.contains_key(&2) && !known.contains_key(&1));
}

#[test]
fn a_failure_is_reported_again_only_with_another_reason() {
    let (scene, api) = (Scene::new(), Api::of("Bo", 200));
    let desk = Failing::of(&scene, &api);
    let sweep = Sweep::new(&scene.session, &desk, options(&scene)).unwrap();
    scene.write("in/a.csv", &roster(1));
    let mut seen = HashMap::new();
    let mut once = || sweep.once(&mut seen).unwrap().worst;
    desk.fails(no_key);
    assert_eq!(once(), Some(Exit::Refused));
    let refused = "a.csv: not imported: sign_in.empty";
    assert_eq!(desk.noting.told(), [refused]);
    assert!(desk.has_notified());
    // The pause ends, and the account is refused again.
    let is_over = || {
        let mut refused = sweep.refused.borrow_mut();
        refused.get_mut(&1).unwrap().until = Instant::now();
    };
    is_over();
    assert_eq!(once(), Some(Exit::Refused));
    assert_eq!(desk.noting.told(), Vec::<String>::new());
    assert!(!desk.has_notified());
    assert_eq!(sweep.refused.borrow()[&1].times, 2);
    is_over();
    desk.fails(|| AppError::Front(crate::l10n::Message::verbatim("no")));
    assert_eq!(once(), Some(Exit::CannotDo));
    assert_eq!(
        desk.noting.told(),
        ["a.csv: not imported: command.not_done"]
    );
    assert!(desk.has_notified());
    assert!(sweep.refused.borrow().is_empty());
    let file = scene.path("in/processing/a.csv/a.csv");
    assert!(file.is_file(), "it waits");
}

#[test]
fn a_second_refusal_by_the_api_is_not_reported() {
    let (scene, api) = (Scene::new(), Api::of("Bo", 401));
    let noting = Noting::of(&scene, &api);
    let sweep = Sweep::new(&scene.session, &noting, options(&scene)).unwrap();
    scene.write("in/a.csv", &roster(1));
    let mut seen = HashMap::new();
    for told in [1, 0] {
        assert_eq!(sweep.once(&mut seen).unwrap().worst, Some(Exit::Refused));
        assert_eq!(noting.told().len(), told);
        sweep.refused.borrow_mut().get_mut(&1).unwrap().until = Instant::now();
    }
    assert_eq!(api.updates(), 2);
}

#[test]
fn a_refusal_is_reported_after_an_api_could_not_be_reached() {
    let (scene, api) = (Scene::new(), Api::of("Bo", 401));
    let noting = Noting::of(&scene, &api);
    let of_api = noting.base_url.replace("http://127.0.0.1:1".to_owned());
    let sweep = Sweep::new(&scene.session, &noting, options(&scene)).unwrap();
    scene.write("in/a.csv", &roster(1));
    let once = || {
        let worst = sweep.once(&mut HashMap::new()).unwrap().worst;
        assert_eq!(worst, Some(Exit::Refused));
        sweep.refused.borrow_mut().get_mut(&1).unwrap().until = Instant::now();
        noting.told().len()
    };
    assert_eq!((once(), once()), (1, 0));
    noting.base_url.replace(of_api);
    assert_eq!((once(), once()), (1, 0));
}

#[test]
fn usage_errors_are_reported_without_a_notification() {
    for (error, is_notified, is_put_aside) in [
        (
            (|| AppError::Usage("no".into())) as fn() -> AppError,
            false,
            false,
        ),
        (no_key, true, false),
        (|| AppError::Older, true, true),
        (
            || {
                let (field, known) = ("x".to_owned(), vec![]);
                crate::run::RunError::Key { field, known }.into()
            },
            true,
            true,
        ),
    ] {
        let (scene, api) = (Scene::new(), Api::of("Bo", 200));
        let desk = Failing::of(&scene, &api);
        let sweep = Sweep::new(&scene.session, &desk, options(&scene)).unwrap();
        scene.write("in/a.csv", &roster(1));
        desk.fails(error);
        let worst = sweep.once(&mut HashMap::new()).unwrap().worst;
        assert_eq!(worst, worse(None, Some(error().exit())));
        assert_eq!(desk.noting.told().len(), 1, "{}", error());
        // The error of an unchanged file is not reported again.
        sweep.once(&mut HashMap::new()).unwrap();
        assert_eq!(desk.noting.told(), Vec::<String>::new(), "{}", error());
        assert_eq!(desk.has_notified(), is_notified, "{}", error());
        let aside = files(&scene, "failed").contains(&"a.csv".to_owned());
        assert_eq!(aside, is_put_aside, "{}", error());
    }
}

#[test]
fn an_older_file_of_the_same_name_is_imported_only_with_again_or_fresh() {
    for (again, fresh, told) in [
        (false, false, "a.csv: not imported: inbox.older"),
        (true, false, "a.csv: 2 updated"),
        (false, true, "a.csv: 2 updated"),
        (true, true, "a.csv: 2 updated"),
    ] {
        let (scene, api) = (Scene::new(), Api::of("Bo", 200));
        let noting = Noting::of(&scene, &api);
        let options = SweepOptions {
            again,
            fresh,
            ..options(&scene)
        };
        let sweep = Sweep::new(&scene.session, &noting, options).unwrap();
        scene.write("in/a.csv", &roster(1));
        sweep.run().unwrap();
        noting.told();
        let older = std::fs::File::create(scene.write("in/a.csv", "")).unwrap();
        std::io::Write::write_all(&mut &older, roster(2).as_bytes()).unwrap();
        older.set_modified(std::time::UNIX_EPOCH).unwrap();
        sweep.run().unwrap();
        assert_eq!(noting.told(), [told]);
    }
}

#[test]
fn an_entry_of_processing_that_is_no_file_is_set_aside_and_reported() {
    let (scene, api) = (Scene::new(), Api::of("Bo", 200));
    let desk = Failing::of(&scene, &api);
    let sweep = Sweep::new(&scene.session, &desk, options(&scene)).unwrap();
    // Only this account can create entries in `processing`.
    scene.write("in/a.csv", &roster(1));
    let lying = sweep.inbox.entries().unwrap().files.remove("a.csv");
    let taken = sweep
        .inbox
        .claim("a.csv", &lying.unwrap())
        .unwrap()
        .unwrap();
    std::fs::remove_file(&taken).unwrap();
    std::fs::create_dir(&taken).unwrap();
    assert_eq!(sweep.run().unwrap().exit, Exit::RowsFailed);
    assert_eq!(desk.noting.told(), ["a.csv: not imported: inbox.set_aside"]);
    assert!(desk.has_notified());
    assert!(scene.path("in/failed/a.csv").is_dir());
}

#[test]
fn a_sweep_waits_again_for_a_file_that_grows_meanwhile() {
    let (scene, api) = (Scene::new(), Api::of("Bo", 200));
    let desk = Failing::of(&scene, &api);
    let options = SweepOptions {
        settle: Duration::from_millis(200),
        ..options(&scene)
    };
    let sweep = Sweep::new(&scene.session, &desk, options).unwrap();
    let file = scene.write("in/a.csv", &roster(1));
    let grows = move || std::fs::write(file, roster(2)).unwrap();
    *desk.before_a_look.borrow_mut() = Some(Box::new(grows));
    assert_eq!(sweep.run().unwrap().exit, Exit::Success);
    assert_eq!(desk.noting.told(), ["a.csv: 2 updated"]);
}

#[test]
fn a_file_with_a_misspelt_header_is_not_imported() {
    let (scene, api) = (Scene::new(), Api::of("Bo", 200));
    let desk = Failing::of(&scene, &api);
    let sweep = Sweep::new(&scene.session, &desk, options(&scene)).unwrap();
    scene.write("in/a.csv", "id,name,nicknme\n1,Bo,B\n");
    sweep.once(&mut HashMap::new()).unwrap();
    assert!(files(&scene, "failed").contains(&"a.csv".to_owned()));
    assert_eq!(desk.noting.told(), ["a.csv: not imported: map.misspelt"]);
}
