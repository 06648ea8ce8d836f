use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, UnixNanos};
use crate::journal::{Journal, JournalError, State};
use crate::l10n::{duration, number, say};
use crate::model::with_causes;
use crate::plan::LookUp;
use crate::run::shared_pacer;
use crate::send::{Answer, Client, ClientOptions, Credentials, Pace};
use crate::targets::TargetSpec;

/// One thing that was looked at before an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub what: String,
    /// How it is.
    pub health: Health,
    /// What was found and, where something is wrong, what to do.
    pub told: String,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// As it must be.
    Well,
    /// It cannot be known before something is sent.
    Unknown,
    /// It would stop an import.
    Wrong,
    /// The API refuses or cannot be reached, which would stop an import.
    Refused,
}

impl Finding {
    /// What was found of something.
    pub fn new(what: String, health: Health, told: impl Into<String>) -> Finding {
        Finding {
            what,
            health,
            told: told.into(),
        }
    }
}

/// How far a clock may be off: tokens and moments that an API names are of seconds.
const MOST_OFF: Duration = Duration::from_secs(60);

/// Whether the journal's folder can be used.
pub fn of_state(state: &State) -> Finding {
    let what = say().doctor_state();
    match Journal::open(state) {
        Ok(_) => Finding::new(what, Health::Well, state.shown()),
        Err(error) => Finding::new(what, Health::Wrong, with_causes(&error)),
    }
}

/// What is asked of the API, and with what.
#[derive(Debug)]
pub struct Examined<'a> {
    /// The API.
    pub spec: Arc<TargetSpec>,
    /// The credentials, if there are any.
    pub credentials: Credentials,
    /// The address.
    pub client: &'a ClientOptions,
    /// The quota, which this draws on too.
    pub pace: Pace,
    /// The folder of the journal.
    pub state: &'a State,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

/// Asks the API for one page of records, which changes nothing, and says what that shows: the network,
/// the sign-in, reading, the clock and the quota.
pub fn of_api(examined: &Examined<'_>) -> Vec<Finding> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(ask(examined)),
        Err(error) => vec![wrong_network(error.to_string())],
    }
}

fn wrong_network(told: String) -> Finding {
    Finding::new(say().doctor_network(), Health::Refused, told)
}

async fn ask(examined: &Examined<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let address = &examined.client.base_url;
    match addresses(address).await {
        Ok(addresses) => found.push(Finding::new(
            say().doctor_name(),
            Health::Well,
            addresses.join(", "),
        )),
        // A proxy finds the name by itself; what cannot be reached is told below.
        Err(why) => found.push(Finding::new(say().doctor_name(), Health::Unknown, why)),
    }
    let client = Client::new(
        examined.spec.clone(),
        examined.credentials.clone(),
        examined.client,
        examined.clock.clone(),
    );
    let client = match client {
        Ok(client) => client,
        Err(error) => {
            found.push(wrong_network(with_causes(&error)));
            return found;
        }
    };
    let keys = examined.spec.keys();
    let look_up = keys
        .first()
        .and_then(|key| LookUp::new(&examined.spec, *key));
    let Some(question) = look_up.and_then(|look_up| look_up.list(None)) else {
        found.push(Finding::new(
            say().doctor_read(),
            Health::Unknown,
            say().doctor_unreadable(),
        ));
        return found;
    };
    if let Err(error) = permit(examined, &client).await {
        let told = with_causes(&error);
        found.push(Finding::new(say().doctor_state(), Health::Wrong, told));
        return found;
    }
    let body = question.body.map(|body| body.to_string().into_bytes());
    match client.probe(&question.path, body.as_deref()).await {
        Err(fault) => found.push(wrong_network(format!("{address}: {}", fault.in_words()))),
        Ok(answer) => found.extend(of_answer(examined, &answer)),
    }
    found
}

/// Waits for the quota, which others may be drawing on.
async fn permit(examined: &Examined<'_>, client: &Client) -> Result<(), JournalError> {
    let clock = examined.clock.clone();
    let pacer = shared_pacer(
        client,
        &examined.credentials,
        examined.pace,
        examined.state,
        clock,
    )?;
    pacer.permit().await.map(|_| ())
}

/// The addresses behind the name in a base address.
async fn addresses(address: &str) -> Result<Vec<String>, String> {
    let url = reqwest::Url::parse(address).map_err(|error| error.to_string())?;
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(say().trouble_no_host());
    };
    let bare = host.trim_matches(['[', ']']);
    let found = tokio::net::lookup_host((bare, port)).await;
    let found = found.map_err(|_| format!("{host}: {}", say().trouble_no_host()))?;
    let mut addresses: Vec<String> = found.map(|one| one.ip().to_string()).collect();
    addresses.dedup();
    Ok(addresses)
}

/// What an answer shows.
fn of_answer(examined: &Examined<'_>, answer: &Answer) -> Vec<Finding> {
    let mut found = vec![Finding::new(
        say().doctor_network(),
        Health::Well,
        match &examined.client.base_url {
            address if address.starts_with("https") => say().doctor_tls(address.as_str()),
            address => address.clone(),
        },
    )];
    let status = format!("HTTP {}", answer.status);
    let is_well = (200..300).contains(&answer.status);
    if answer.of_sign_in {
        let health = match answer.sign_in_refused {
            true => Health::Refused,
            false => Health::Unknown,
        };
        found.push(Finding::new(
            say().doctor_sign_in(),
            health,
            say().doctor_refused(status),
        ));
        return found;
    }
    if answer.status == 401 {
        let told = say().doctor_refused(status);
        found.push(Finding::new(say().doctor_sign_in(), Health::Refused, told));
        return found;
    }
    let signed_in = match is_well {
        true => Health::Well,
        false => Health::Unknown,
    };
    found.push(Finding::new(
        say().doctor_sign_in(),
        signed_in,
        status.clone(),
    ));
    found.push(match answer.status {
        _ if is_well => Finding::new(
            say().doctor_read(),
            Health::Well,
            examined.spec.records_name(),
        ),
        403 => Finding::new(
            say().doctor_read(),
            Health::Refused,
            say().doctor_blind(status),
        ),
        _ => Finding::new(say().doctor_read(), Health::Refused, status),
    });
    found.extend(of_clock(examined.clock.now(), answer.date));
    found.push(of_quota(examined, answer));
    found
}

/// Whether this machine's clock is the API's, as far as that tells its own.
fn of_clock(now: UnixNanos, of_api: Option<UnixNanos>) -> Option<Finding> {
    let off = Duration::from_nanos(of_api?.abs_diff(now));
    // The API tells whole seconds.
    let time = duration(off.as_secs_f64().round());
    let (health, told) = if off > MOST_OFF {
        (Health::Wrong, say().doctor_clock_wrong(time))
    } else {
        (Health::Well, say().doctor_clock_off(time))
    };
    Some(Finding::new(say().doctor_clock(), health, told))
}

fn of_quota(examined: &Examined<'_>, answer: &Answer) -> Finding {
    let (rate, burst) = examined.pace.in_force(answer.announced.limit);
    let told = match answer.announced.remaining {
        Some(left) => say().doctor_quota_left(rate.to_string(), number(left.max(0.0) as u64)),
        None => say().doctor_quota(rate.to_string(), number(u64::from(burst.get()))),
    };
    Finding::new(say().doctor_quota_name(), Health::Well, told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::scene::{Api, Scene, wanted};
    use crate::clock::nanos;

    /// What is found of an API at this address, each as what was looked at and how it is.
    fn found(base_url: &str) -> Vec<(String, Health, String)> {
        let scene = Scene::new();
        let mut settings = scene.settings("r.csv");
        settings.delivery.client.base_url = base_url.to_owned();
        let wanted = wanted(settings);
        let delivery = &wanted.settings.delivery;
        let findings = of_api(&Examined {
            spec: wanted.spec,
            credentials: wanted.credentials,
            client: &delivery.client,
            pace: delivery.pace,
            state: &scene.session.state,
            clock: scene.session.clock.clone(),
        });
        let told = |finding: Finding| (finding.what, finding.health, finding.told);
        findings.into_iter().map(told).collect()
    }

    fn health(found: &[(String, Health, String)], what: &str) -> Option<Health> {
        let finding = found.iter().find(|(found, ..)| found == what);
        finding.map(|(_, health, _)| *health)
    }

    #[test]
    fn an_api_that_answers_is_well_from_its_name_to_its_quota() {
        let api = Api::of("Bo", 200);
        let found = found(&api.base_url);
        let whats: Vec<&str> = found.iter().map(|(what, ..)| &**what).collect();
        let say = say();
        let expected = [
            say.doctor_name(),
            say.doctor_network(),
            say.doctor_sign_in(),
            say.doctor_read(),
            say.doctor_clock(),
            say.doctor_quota_name(),
        ];
        assert_eq!(whats, expected);
        assert!(
            found.iter().all(|(_, health, _)| *health == Health::Well),
            "{found:?}"
        );
        assert_eq!(found[0].2, "127.0.0.1");
        assert_eq!(found[1].2, api.base_url);
        assert!(found[5].2.contains("1000/s"), "{found:?}");
        // It was asked for one page, and for nothing that changes anything.
        assert_eq!(api.asked(), ["GET /student"]);
        let scene = Scene::new();
        // The quota is drawn on as by an import.
        assert_eq!(of_state(&scene.session.state).health, Health::Well);
        let no_folder = State::in_folder(&scene.write("file", ""));
        let state = of_state(&no_folder);
        assert_eq!(state.health, Health::Wrong);
        assert_eq!(state.what, say.doctor_state());
    }

    #[test]
    fn a_refusal_is_told_where_it_stops_an_import() {
        let api = Api::of("Bo", 200);
        let at = |status: u16| found(&format!("{}/status/{status}", api.base_url));
        let (sign_in, read) = (say().doctor_sign_in(), say().doctor_read());
        let unauthorized = at(401);
        assert_eq!(health(&unauthorized, &sign_in), Some(Health::Refused));
        assert_eq!(health(&unauthorized, &read), None);
        // Whoever may not read may write: what is wrong is the reading.
        let forbidden = at(403);
        assert_eq!(health(&forbidden, &sign_in), Some(Health::Unknown));
        assert_eq!(health(&forbidden, &read), Some(Health::Refused));
        let hint = say().doctor_blind("HTTP 403");
        assert!(
            forbidden
                .iter()
                .any(|(what, _, told)| *what == read && *told == hint)
        );
        let missing = at(404);
        assert_eq!(health(&missing, &read), Some(Health::Refused));
        assert!(
            missing
                .iter()
                .any(|(what, _, told)| *what == read && told == "HTTP 404")
        );
    }

    #[test]
    fn an_address_where_nobody_answers_or_that_is_none_is_told() {
        let away = found("http://127.0.0.1:1");
        assert_eq!(
            health(&away, &say().doctor_network()),
            Some(Health::Refused)
        );
        let (what, health, told) = &found("http://no.such.host.invalid:1")[0];
        assert_eq!((what, *health), (&say().doctor_name(), Health::Unknown));
        assert!(told.contains("no.such.host.invalid"), "{told}");
    }

    #[test]
    fn a_clock_may_be_a_minute_off_and_no_more() {
        let now = nanos(Duration::from_secs(1_000));
        let at = |seconds| Some(nanos(Duration::from_secs(seconds)));
        let health = |of_api| of_clock(now, of_api).map(|finding| finding.health);
        assert_eq!(health(None), None);
        for (of_api, expected) in [
            (1_000, Health::Well),
            (1_060, Health::Well),
            (940, Health::Well),
            (1_061, Health::Wrong),
            (939, Health::Wrong),
        ] {
            assert_eq!(health(at(of_api)), Some(expected), "{of_api}");
        }
    }
}
