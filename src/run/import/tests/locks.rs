//! Locks and closed states keep runs apart.

use super::*;

#[test]
fn a_closed_run_stays_closed() {
    for (state, why) in [
        (RunState::Undone, Code::WhyUndone),
        (RunState::Replaced, Code::WhyReplaced),
        (RunState::Finished, Code::WhyEnded),
    ] {
        let (api, mut desk) = (willing(), Desk::at(&unreadable(), &roster(1)));
        desk.import(&api).unwrap();
        let known = desk.run();
        desk.journal().set_state(known.id, state).unwrap();
        // Another process may have closed it since it was looked up.
        let mut before = known.clone();
        before.state = RunState::Interrupted;
        let error = desk
            .start(&api, Start::Resume(Box::new(before)))
            .unwrap_err();
        let RunError::NotResumable { why: found, .. } = error else {
            panic!("{error}")
        };
        assert_eq!(found, why);
    }
}

#[test]
fn a_run_marks_the_run_that_it_replaces() {
    for (before, after) in [
        (RunState::Interrupted, RunState::Replaced),
        (RunState::Undone, RunState::Undone),
    ] {
        let (api, mut desk) = (willing(), Desk::at(&unreadable(), &roster(1)));
        desk.import(&api).unwrap();
        let old = desk.run();
        desk.journal().set_state(old.id, before).unwrap();
        desk.settings.replaces = Some(old.name.clone());
        desk.import(&api).unwrap();
        assert_eq!(desk.journal().run(Some(&old.name)).unwrap().state, after);
    }
}

#[test]
fn a_run_locks_the_runs_that_it_depends_on() {
    let (api, mut desk) = (Api::holding(school(1)), Desk::new(&roster(1)));
    let is_held = |desk: &Desk, name: &str| RunLock::is_held(&desk.state(), name).unwrap();
    desk.import(&api).unwrap();
    let old = desk.run().name;
    assert!(!is_held(&desk, &old));
    desk.rewrite("id,name\np1,Bo\n");
    for undoes in [false, true] {
        let retries = Retries {
            run: Some(old.clone()),
            only: Vec::new(),
        };
        desk.delivery().retries = (!undoes).then_some(retries);
        desk.delivery().undoes = undoes.then(|| old.clone());
        let (state, other) = (desk.state(), old.clone());
        desk.agree = Some(Box::new(move |proposal| {
            for name in [&other, proposal.run] {
                assert!(RunLock::is_held(&state, name).unwrap(), "{name}");
            }
            assert_ne!(other, proposal.run);
            Consent::No
        }));
        let error = desk.import(&api).unwrap_err();
        assert!(matches!(error, RunError::Declined), "{error}");
        assert!(!is_held(&desk, &old));
    }
}

#[test]
fn no_run_takes_the_file_names_of_another() {
    let (api, mut desk) = (willing(), Desk::at(&unreadable(), &roster(2)));
    let first = desk.import(&api).unwrap();
    let second = desk.import(&api).unwrap();
    assert_ne!(
        first.summary.run, second.summary.run,
        "they began at the same moment"
    );
    assert_eq!(desk.run().name, second.summary.run);
    let (first, second) = (
        first.summary.results.unwrap(),
        second.summary.results.unwrap(),
    );
    assert_ne!(first, second);
    assert!(first.exists() && second.exists());
}

#[test]
fn file_names_are_claimed_while_a_run_is_in_progress() {
    for in_batches in [false, true] {
        let (api, mut desk) = (willing(), Desk::at(&unreadable(), &roster(1)));
        let (state, paths) = (desk.state(), desk.settings.delivery.paths.clone());
        desk.agree = Some(Box::new(move |_| {
            let (free, _claim) = paths.claim(&state).unwrap();
            assert_eq!(free.results == paths.results, in_batches);
            Consent::from(true)
        }));
        if in_batches {
            desk.batch(&api, Start::New("import"), batch(5)).unwrap();
        } else {
            desk.import(&api).unwrap();
        }
        assert_eq!(desk.states(), ["updated"]);
    }
}
