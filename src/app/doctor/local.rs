//! Checks of the state folder and the recipients of notifications.

use std::path::Path;

use super::diagnosis::{Diagnosis, Health, PATIENCE, block_on};
use crate::app::notify::Notify;
use crate::journal::{Journal, State};
use crate::l10n::say;
use crate::model::{Code, with_causes};
use crate::report::{Placing, WholeFile};
use crate::send::{Route, is_unencrypted};

/// Names of settings in the config file.
const METRICS: &str = "metrics";
const WEBHOOK: &str = "notify.url";
const COMMAND: &str = "notify.command";

/// Checks that the state folder can be used.
pub fn of_state(state: &State) -> Diagnosis {
    let what = say().doctor_state();
    match Journal::open(state) {
        Ok(_) => Diagnosis::new(what, Health::Well, state.shown()),
        Err(error) => Diagnosis::new(what, Health::Wrong, with_causes(&error)),
    }
}

/// Checks that the metrics file can be written.
pub fn of_metrics(path: &Path) -> Diagnosis {
    match WholeFile::probe(path, Placing::Replace) {
        Ok(()) => Diagnosis::new(METRICS, Health::Well, path.display().to_string()),
        Err(error) => Diagnosis::new(METRICS, Health::Wrong, with_causes(&error)),
    }
}

/// Checks that the webhook is reachable and the command is executable. Nothing is posted or executed. The
/// webhook's address is not printed because it may contain a secret.
pub fn of_notify(notify: &Notify) -> Vec<Diagnosis> {
    let url = notify.url.as_deref().map(of_webhook);
    let command = notify.command.as_deref().map(of_command);
    url.into_iter().chain(command).collect()
}

fn of_webhook(url: &str) -> Diagnosis {
    let wrong = |told: String| Diagnosis::new(WEBHOOK, Health::Wrong, told);
    let Some(route) = Route::to_webhook(url) else {
        return wrong(say().doctor_webhook_address());
    };
    let host = route.host();
    match (block_on(route.connect(PATIENCE)), route.proxy()) {
        (Err(error), _) => wrong(error.to_string()),
        (Ok(Ok(())), proxy) => of_reached(url, host, proxy),
        (Ok(Err(trouble)), None) => wrong(format!("{host}: {}", trouble.in_words())),
        (Ok(Err(trouble)), Some(proxy)) => {
            wrong(say().doctor_proxy_away(proxy, trouble.in_words()))
        }
    }
}

/// Returns the finding for a reachable webhook. Without TLS, others on the network can read the summary and
/// the address.
fn of_reached(url: &str, host: &str, proxy: Option<&str>) -> Diagnosis {
    let shown = match proxy {
        None => host.to_owned(),
        Some(proxy) => say().doctor_by_proxy(host, proxy),
    };
    match is_unencrypted(url) {
        true => Diagnosis::new(WEBHOOK, Health::Unknown, say().doctor_webhook_plain(shown)),
        false => Diagnosis::new(WEBHOOK, Health::Well, shown),
    }
}

fn of_command(command: &[String]) -> Diagnosis {
    let wrong = |told: String| Diagnosis::new(COMMAND, Health::Wrong, told);
    let Some(program) = command.first() else {
        return wrong(Code::NotifyEmpty.sentence());
    };
    match which::which(program) {
        Ok(path) => Diagnosis::new(COMMAND, Health::Well, path.display().to_string()),
        Err(_) => wrong(say().doctor_no_command(program.as_str())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::{Api, Scene};

    #[test]
    fn the_metrics_file_needs_a_writable_folder() {
        let scene = Scene::new();
        let path = scene.path("rosterpatch.prom");
        assert_eq!(of_metrics(&path).health, Health::Well);
        assert!(!path.exists(), "nothing is written");
        let none = of_metrics(&scene.path("none/rosterpatch.prom"));
        assert_eq!(none.health, Health::Wrong);
        assert!(none.told.contains("none"), "{none:?}");
    }

    #[test]
    fn a_notification_command_is_located_but_not_executed() {
        let scene = Scene::new();
        let ran = scene.path("ran");
        let script = format!("#!/bin/sh\ntouch '{}'\n", ran.display());
        let script = scene.write("told.sh", &script).display().to_string();
        let of = |program: &str| {
            let command = Some(vec![program.to_owned(), "hunter2".to_owned()]);
            let [found] = &of_notify(&Notify { url: None, command })[..] else {
                panic!("{program}");
            };
            assert!(!found.told.contains("hunter2"), "{found:?}");
            found.clone()
        };
        assert_eq!(of("sh").health, Health::Well);
        let missing = of("no-such-command");
        assert_eq!(missing.health, Health::Wrong);
        assert!(missing.told.contains("no-such-command"), "{missing:?}");
        assert_eq!(of_command(&[]).health, Health::Wrong);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(of(&script).health, Health::Wrong, "it is not executable");
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(&script, mode).unwrap();
            assert_eq!(of(&script).health, Health::Well);
        }
        assert!(!ran.exists());
    }

    #[test]
    fn a_webhook_is_contacted_without_a_post_and_its_url_is_not_printed() {
        let api = Api::of("Bo", 200);
        let at = |url: &str| {
            let url = Some(url.to_owned());
            let [found] = &of_notify(&Notify { url, command: None })[..] else {
                panic!("one");
            };
            assert!(!found.told.contains("secret"), "{found:?}");
            (found.health, found.told.clone())
        };
        let there = at(&format!("{}/secret", api.base_url));
        assert_eq!(there, (Health::Well, "127.0.0.1".to_owned()));
        assert_eq!(api.asked().len(), 0, "nothing is posted");
        let (health, told) = at("http://secret:secret@127.0.0.1:1/secret?secret");
        assert_eq!(health, Health::Wrong);
        assert!(told.starts_with("127.0.0.1: "), "{told}");
        for none in ["secret", "mailto:secret", "file:///secret"] {
            assert_eq!(at(none).0, Health::Wrong, "{none}");
        }
    }

    #[test]
    fn a_remote_webhook_without_tls_is_doubtful() {
        for (url, health) in [
            ("http://192.0.2.2:8899/secret", Health::Unknown),
            ("HTTP://hooks.example.se/secret", Health::Unknown),
            ("https://hooks.example.se/secret", Health::Well),
            ("http://127.0.0.1:8899/secret", Health::Well),
            ("http://[::1]/secret", Health::Well),
        ] {
            for proxy in [None, Some("http://proxy:3128")] {
                let found = of_reached(url, "host", proxy);
                assert_eq!(found.health, health, "{url}");
                assert!(!found.told.contains("secret"), "{found:?}");
            }
        }
    }
}
