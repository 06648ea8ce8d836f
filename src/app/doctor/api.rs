//! Checks of the target and the credentials before an import.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use super::diagnosis::{Diagnosis, Health, PATIENCE, block_on};
use crate::clock::{Clock, UnixNanos};
use crate::journal::{JournalError, State};
use crate::l10n::{duration, number, say};
use crate::model::with_causes;
use crate::plan::{LookUp, Question};
use crate::run::shared_pacer;
use crate::send::{
    Answer, Client, ClientOptions, Credentials, Fault, Pace, Pacer, Route, SendError, Trouble,
};
use crate::targets::{Kind, Quota, TargetSpec};

/// The tolerated clock skew. Tokens and reset times of an API have a resolution of seconds.
const MOST_OFF: Duration = Duration::from_secs(60);

/// An API to check.
#[derive(Debug)]
pub struct Examined<'a> {
    pub spec: Arc<TargetSpec>,
    /// The options of the client, with the base address.
    pub client: &'a ClientOptions,
    /// What requests for records need, or `None` if a part of it is missing and only the network is checked.
    pub asking: Option<Asking<'a>>,
    pub clock: Arc<dyn Clock>,
}

/// What requests for records need.
#[derive(Debug)]
pub struct Asking<'a> {
    pub credentials: Credentials,
    /// The rate limit, which the check counts against.
    pub pace: Pace,
    /// The state folder, which stores the shared rate limit.
    pub state: &'a State,
}

/// Requests one page of records and checks the network, the sign-in, read access, the clock and the rate
/// limit. Without credentials or a list request, it only probes the base address. Changes nothing.
pub fn of_api(examined: &Examined<'_>) -> Vec<Diagnosis> {
    match block_on(ask(examined)) {
        Ok(found) => found,
        Err(error) => vec![wrong_network(error.to_string())],
    }
}

fn wrong_network(told: String) -> Diagnosis {
    Diagnosis::new(say().doctor_network(), Health::Refused, told)
}

async fn ask(examined: &Examined<'_>) -> Vec<Diagnosis> {
    let mut found = Vec::new();
    let route = Route::to_api(&examined.client.base_url);
    if let Some(route) = &route {
        let finding = of_route(route, examined.client.timeout.min(PATIENCE)).await;
        let is_well = finding.health == Health::Well;
        found.push(finding);
        if !is_well {
            return found;
        }
    }
    let route = route.as_ref();
    let question = question(&examined.spec);
    let (Some(asking), Some((look_up, question))) = (&examined.asking, &question) else {
        found.push(of_network(examined, route).await);
        found.push(match examined.asking {
            Some(_) => {
                let told = say().doctor_unreadable();
                Diagnosis::new(say().doctor_read(), Health::Unknown, told)
            }
            None => {
                let told = say().doctor_not_tried();
                Diagnosis::new(say().doctor_sign_in(), Health::Unknown, told)
            }
        });
        return found;
    };
    let client = match client(examined, &asking.credentials) {
        Ok(client) => client,
        Err(error) => {
            found.push(wrong_network(with_causes(&error)));
            return found;
        }
    };
    if let Err(error) = permit(examined, asking, &client).await {
        let told = with_causes(&error);
        found.push(Diagnosis::new(say().doctor_state(), Health::Wrong, told));
        return found;
    }
    let body = question.body.as_ref();
    let body = body.map(|body| body.to_string().into_bytes());
    match client.probe(&question.path, body.as_deref()).await {
        Ok((answer, json)) => {
            found.push(well_network(examined));
            match not_of_api(
                (&examined.client.base_url, &question.path),
                look_up,
                &answer,
                json,
            ) {
                Some(finding) => found.push(finding),
                None => found.extend(of_answer(examined, asking, &answer)),
            }
        }
        Err(Fault::TooLarge) => {
            found.push(well_network(examined));
            let told = say().stop_page_too_large();
            found.push(Diagnosis::new(say().doctor_read(), Health::Wrong, told));
        }
        Err(fault) => found.push(of_fault(examined, route, fault)),
    }
    found
}

/// Returns a request for a page of records: of all records, or of those with a key that does not exist.
fn question(spec: &Arc<TargetSpec>) -> Option<(LookUp, Question)> {
    let keys = spec.keys().into_iter();
    let mut look_ups = keys.filter_map(|key| Some((key, LookUp::new(spec, key)?)));
    let found = look_ups.find_map(|(key, look_up)| {
        let nothing = match spec.fields[key].kind {
            Kind::Email | Kind::Eppn => "rosterpatch@example.invalid",
            Kind::Uuid => "00000000-0000-0000-0000-000000000000",
            _ => "0",
        };
        let all = look_up.list().first();
        let filtered = || look_up.search(&[nothing]).first();
        let question = all.or_else(|| filtered().filter(|asked| asked.body.is_none()))?;
        Some((look_up, question))
    });
    found.or_else(|| {
        let known = LookUp::of_known(spec)?;
        let question = known.list().first()?;
        Some((known, question))
    })
}

pub(in crate::app) fn client(
    examined: &Examined<'_>,
    credentials: &Credentials,
) -> Result<Client, SendError> {
    Client::new(
        examined.spec.clone(),
        credentials.clone(),
        examined.client,
        examined.clock.clone(),
    )
}

/// Checks that the API's host resolves or, behind a proxy, that the proxy accepts connections. The proxy
/// resolves the API's host itself.
async fn of_route(route: &Route, patience: Duration) -> Diagnosis {
    let Some(proxy) = route.proxy() else {
        let what = say().doctor_name();
        return match route.resolve(patience).await {
            Ok(found) => {
                let mut found: Vec<String> = found.iter().map(|one| one.ip().to_string()).collect();
                found.dedup();
                Diagnosis::new(what, Health::Well, found.join(", "))
            }
            Err(trouble) => {
                let told = format!("{}: {}", route.host(), trouble.in_words());
                Diagnosis::new(what, Health::Refused, told)
            }
        };
    };
    let what = say().doctor_proxy();
    match route.connect(patience).await {
        Ok(()) => Diagnosis::new(what, Health::Well, say().doctor_proxy_used(proxy)),
        Err(trouble) => {
            let told = say().doctor_proxy_away(proxy, trouble.in_words());
            Diagnosis::new(what, Health::Refused, told)
        }
    }
}

/// Checks that the API's host can be reached. Any response counts.
async fn of_network(examined: &Examined<'_>, route: Option<&Route>) -> Diagnosis {
    let client = match client(examined, &Credentials::none()) {
        Ok(client) => client,
        Err(error) => return wrong_network(with_causes(&error)),
    };
    // Without credentials there is no shared rate limit to count the request against.
    if let Some(asking) = &examined.asking
        && let Err(error) = permit(examined, asking, &client).await
    {
        return Diagnosis::new(say().doctor_state(), Health::Wrong, with_causes(&error));
    }
    match client.probe("", None).await {
        Ok(_) | Err(Fault::TooLarge) => well_network(examined),
        Err(fault) => of_fault(examined, route, fault),
    }
}

fn well_network(examined: &Examined<'_>) -> Diagnosis {
    let told = match &examined.client.base_url {
        address if address.starts_with("https") => say().doctor_tls(address.as_str()),
        address => address.clone(),
    };
    Diagnosis::new(say().doctor_network(), Health::Well, told)
}

/// Explains why a request got no response, and what to do.
pub(in crate::app) fn of_fault(
    examined: &Examined<'_>,
    route: Option<&Route>,
    fault: Fault,
) -> Diagnosis {
    let address = &*examined.client.base_url;
    match (fault, route.and_then(Route::proxy)) {
        (Fault::Connect(Trouble::Proxy), Some(proxy)) => Diagnosis::new(
            say().doctor_proxy(),
            Health::Refused,
            say().doctor_proxy_refuses(proxy, address),
        ),
        (Fault::Connect(Trouble::Issuer), _) => wrong_network(say().doctor_issuer(address)),
        _ => wrong_network(format!("{address}: {}", fault.in_words())),
    }
}

/// Returns the pacer of the rate limit, which is shared with other processes.
pub(in crate::app) fn pacer(
    examined: &Examined<'_>,
    asking: &Asking<'_>,
    client: &Client,
) -> Result<Pacer, JournalError> {
    let (credentials, clock) = (&asking.credentials, examined.clock.clone());
    shared_pacer(client, credentials, asking.pace, asking.state, clock)
}

/// Waits for the rate limit.
async fn permit(
    examined: &Examined<'_>,
    asking: &Asking<'_>,
    client: &Client,
) -> Result<(), JournalError> {
    let pacer = pacer(examined, asking, client)?;
    pacer.permit().await.map(|_| ())
}

/// Describes a rejected request with the API's own words, for the user and not for logs. `sent` is the body
/// of the request.
pub(in crate::app) fn of_refusal(answer: &Answer, sent: &[u8]) -> Option<Diagnosis> {
    let status = format!("HTTP {}", answer.status);
    let is_sign_in = answer.of_sign_in || answer.status == 401;
    let (what, health, told) = match answer.status {
        200..300 if !answer.of_sign_in => return None,
        _ if is_sign_in => {
            let health = match answer.of_sign_in && !answer.sign_in_refused {
                true => Health::Unknown,
                false => Health::Refused,
            };
            (say().doctor_sign_in(), health, say().doctor_refused(status))
        }
        403 if !answer.is_throttled() => (
            say().doctor_read(),
            Health::Refused,
            say().doctor_blind(status),
        ),
        _ => (say().doctor_read(), Health::Refused, status),
    };
    Some(Diagnosis::new(
        what,
        health,
        with_said(told, answer.said(sent)),
    ))
}

/// Appends the API's own words, if any, to a message.
fn with_said(told: String, said: String) -> String {
    match said.is_empty() {
        true => told,
        false => say().doctor_said(told, said),
    }
}

/// Describes a redirect or a success whose content planning cannot read, such as a login page of a proxy. The
/// client does not follow redirects.
pub(in crate::app) fn not_of_api(
    at: (&str, &str),
    look_up: &LookUp,
    answer: &Answer,
    json: Option<Json>,
) -> Option<Diagnosis> {
    let why = match (answer.status, json) {
        (300..400, _) => say().doctor_redirect(),
        (200..300, _) if answer.of_sign_in => answer.message.clone(),
        (200..300, None) => say().doctor_no_json(),
        (200..300, Some(json)) => look_up
            .page(json, answer.link.as_deref(), at)
            .err()?
            .to_string(),
        _ => return None,
    };
    let what = match answer.of_sign_in {
        true => say().doctor_sign_in(),
        false => say().doctor_read(),
    };
    let status = format!("HTTP {}", answer.status);
    let told = say().doctor_other(why, status, at.0);
    let said = match answer.of_sign_in {
        true => String::new(),
        false => answer.said(&[]),
    };
    Some(Diagnosis::new(what, Health::Wrong, with_said(told, said)))
}

/// Derives the findings from a response of the API.
fn of_answer(examined: &Examined<'_>, asking: &Asking<'_>, answer: &Answer) -> Vec<Diagnosis> {
    let status = format!("HTTP {}", answer.status);
    let refusal = of_refusal(answer, &[]);
    let mut found = Vec::new();
    if answer.of_sign_in || answer.status == 401 {
        found.extend(refusal);
        return found;
    }
    let signed_in = match refusal {
        None => Health::Well,
        Some(_) => Health::Unknown,
    };
    found.push(Diagnosis::new(say().doctor_sign_in(), signed_in, status));
    let well = || {
        Diagnosis::new(
            say().doctor_read(),
            Health::Well,
            match examined.spec.is_readable() {
                true => examined.spec.records_name(),
                false => say().doctor_keys(),
            },
        )
    };
    found.push(refusal.unwrap_or_else(well));
    found.extend(of_clock(examined.clock.now(), answer.date));
    found.push(of_quota(&examined.spec.quota, asking, answer));
    found
}

/// Compares the local clock with the `Date` header of the API, if present.
fn of_clock(now: UnixNanos, of_api: Option<UnixNanos>) -> Option<Diagnosis> {
    let off = Duration::from_nanos(of_api?.abs_diff(now));
    // The header has a resolution of one second.
    let time = duration(off.as_secs_f64().round());
    let (health, told) = if off > MOST_OFF {
        (Health::Wrong, say().doctor_clock_wrong(time))
    } else {
        (Health::Well, say().doctor_clock_off(time))
    };
    Some(Diagnosis::new(say().doctor_clock(), health, told))
}

fn of_quota(quota: &Quota, asking: &Asking<'_>, answer: &Answer) -> Diagnosis {
    let pace = &asking.pace;
    let (rate, burst) = pace.in_force(answer.announced.limit);
    let is_own = pace.ceiling.is_none() && answer.announced.limit.is_none();
    let rate = match quota.guess && is_own {
        true => say().rate_guessed(rate.to_string()),
        false => rate.to_string(),
    };
    let told = match answer.announced.remaining {
        Some(left) => say().doctor_quota_left(rate.as_str(), number(left.max(0.0) as u64)),
        None => say().doctor_quota(rate.as_str(), number(u64::from(burst.get()))),
    };
    Diagnosis::new(say().doctor_quota_name(), Health::Well, told)
}

#[cfg(test)]
mod tests {
    use super::super::of_state;
    use super::*;
    use crate::app::tests::{Api, Scene, TARGET, wanted};
    use crate::clock::nanos;
    use crate::targets;

    /// Returns the subject, the result and the details of each finding for an API at this address.
    fn found(base_url: &str) -> Vec<(String, Health, String)> {
        found_with(base_url, true)
    }

    /// Like `found`, with or without credentials.
    fn found_with(base_url: &str, is_signed: bool) -> Vec<(String, Health, String)> {
        let findings = examined(base_url, is_signed, of_api);
        let told = |finding: Diagnosis| (finding.what, finding.health, finding.told);
        findings.into_iter().map(told).collect()
    }

    fn examined<T>(base_url: &str, is_signed: bool, look: impl Fn(&Examined<'_>) -> T) -> T {
        let scene = Scene::new();
        let mut settings = scene.settings("r.csv");
        settings.delivery.client.base_url = base_url.to_owned();
        let wanted = wanted(settings);
        let delivery = &wanted.settings.delivery;
        look(&Examined {
            spec: wanted.spec,
            client: &delivery.client,
            asking: is_signed.then_some(Asking {
                credentials: wanted.credentials,
                pace: delivery.pace,
                state: &scene.session.state,
            }),
            clock: scene.session.clock.clone(),
        })
    }

    #[test]
    fn findings_say_whether_the_connection_uses_tls() {
        for (address, told) in [
            ("https://a.example", say().doctor_tls("https://a.example")),
            ("http://127.0.0.1:1", "http://127.0.0.1:1".to_owned()),
        ] {
            let finding = examined(address, false, well_network);
            assert_eq!((finding.health, finding.told), (Health::Well, told));
        }
    }

    #[test]
    fn a_throttled_403_is_not_reported_as_missing_permission() {
        let read = |asks_to_wait| {
            examined("http://127.0.0.1:1", true, |examined| {
                let mut answer = Answer::default();
                (answer.status, answer.asks_to_wait) = (403, asks_to_wait);
                let found = of_answer(examined, examined.asking.as_ref().unwrap(), &answer);
                found.into_iter().nth(1).unwrap().told
            })
        };
        assert_eq!(read(false), say().doctor_blind("HTTP 403"));
        assert_eq!(read(true), "HTTP 403");
    }

    fn health(found: &[(String, Health, String)], what: &str) -> Option<Health> {
        let finding = found.iter().find(|(found, ..)| found == what);
        finding.map(|(_, health, _)| *health)
    }

    #[test]
    fn a_working_api_passes_every_check_from_dns_to_rate_limit() {
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
        // The API received one read request.
        assert_eq!(api.asked(), ["GET /student"]);
        let scene = Scene::new();
        // The check stores the rate limit in the state folder, as an import does.
        assert_eq!(of_state(&scene.session.state).health, Health::Well);
        let no_folder = State::in_folder(&scene.write("file", ""));
        let state = of_state(&no_folder);
        assert_eq!(state.health, Health::Wrong);
        assert_eq!(state.what, say.doctor_state());
    }

    #[test]
    fn a_refusal_is_reported_at_the_step_that_failed() {
        let api = Api::of("Bo", 200);
        let at = |status: u16| found(&format!("{}/status/{status}", api.base_url));
        let (sign_in, read) = (say().doctor_sign_in(), say().doctor_read());
        let unauthorized = at(401);
        assert_eq!(health(&unauthorized, &sign_in), Some(Health::Refused));
        assert_eq!(health(&unauthorized, &read), None);
        // Credentials without read access may still have write access, so only reading is reported.
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
    fn an_unreachable_or_unknown_host_is_reported() {
        let away = found("http://127.0.0.1:1");
        assert_eq!(
            health(&away, &say().doctor_network()),
            Some(Health::Refused)
        );
        let none = found("https://no.such.host.invalid:1");
        let [(what, health, told)] = &none[..] else {
            panic!("{none:?}");
        };
        assert_eq!((what, *health), (&say().doctor_name(), Health::Refused));
        assert!(told.contains("no.such.host.invalid"), "{told}");
    }

    #[test]
    fn the_network_is_checked_without_credentials() {
        let api = Api::of("Bo", 200);
        let found = found_with(&format!("{}/status/403", api.base_url), false);
        let each: Vec<_> = found
            .iter()
            .map(|(what, health, _)| (&**what, *health))
            .collect();
        let say = say();
        assert_eq!(
            each,
            [
                (&*say.doctor_name(), Health::Well),
                (&*say.doctor_network(), Health::Well),
                (&*say.doctor_sign_in(), Health::Unknown),
            ]
        );
        assert_eq!(api.asked(), ["GET /status/403"]);
        let away = found_with("http://127.0.0.1:1", false);
        assert_eq!(health(&away, &say.doctor_network()), Some(Health::Refused));
    }

    #[test]
    fn an_unreadable_success_or_a_redirect_is_reported() {
        let spec = wanted(Scene::new().settings("r.csv")).spec;
        let look_up = LookUp::new(&spec, 0).unwrap();
        let of = |status, of_sign_in, json| {
            let mut answer = Answer::default();
            (answer.status, answer.of_sign_in) = (status, of_sign_in);
            answer.message = "why".into();
            let found = not_of_api(
                ("https://api.example.se", "/pupils"),
                &look_up,
                &answer,
                json,
            )?;
            assert_eq!(found.health, Health::Wrong);
            assert!(found.told.contains(&format!("HTTP {status}")), "{found:?}");
            Some((found.what, found.told))
        };
        let page = || Some(serde_json::json!({"data": []}));
        assert_eq!(of(200, false, page()), None);
        let read = say().doctor_read();
        for (status, json, part) in [
            (200, None, say().doctor_no_json()),
            (204, None, say().doctor_no_json()),
            (200, Some(serde_json::json!({"items": []})), "/data".into()),
            (302, None, say().doctor_redirect()),
            (307, page(), say().doctor_redirect()),
        ] {
            let (what, told) = of(status, false, json).unwrap();
            assert!(told.contains(&part), "{part} not in {told}");
            assert_eq!(what, read);
        }
        let (what, told) = of(200, true, None).unwrap();
        assert_eq!(what, say().doctor_sign_in());
        assert!(told.contains("why"), "{told}");
        for status in [401, 403, 404, 429, 500] {
            assert_eq!(of(status, false, None), None, "{status}");
            assert_eq!(of(status, true, None), None, "{status}");
        }
    }

    #[test]
    fn a_probe_of_an_api_without_a_list_counts_against_the_rate_limit() {
        let (scene, api) = (Scene::new(), Api::of("Bo", 200));
        let mut settings = scene.settings("r.csv");
        settings.delivery.client.base_url = api.base_url.clone();
        settings.delivery.pace.own = "1/h".parse().unwrap();
        settings.delivery.pace.own_burst = 10;
        settings.delivery.pace.burst = None;
        let wanted = wanted(settings);
        let (before, rest) = TARGET.split_once("[lookup]").unwrap();
        let fields = rest.split_once("[[fields]]").unwrap().1;
        let text = format!("{before}[[fields]]{fields}");
        let spec = Arc::new(targets::parse("school", &text).unwrap());
        let delivery = &wanted.settings.delivery;
        let examined = Examined {
            spec: spec.clone(),
            client: &delivery.client,
            asking: Some(Asking {
                credentials: wanted.credentials.clone(),
                pace: delivery.pace,
                state: &scene.session.state,
            }),
            clock: scene.session.clock.clone(),
        };
        of_api(&examined);
        assert_eq!(api.asked().len(), 1);
        let client = client(&examined, &wanted.credentials).unwrap();
        let left = shared_pacer(
            &client,
            &wanted.credentials,
            delivery.pace,
            &scene.session.state,
            scene.session.clock.clone(),
        );
        assert_eq!(left.unwrap().level().0.floor(), 9.0);
    }

    #[test]
    fn an_unknown_issuer_is_explained_with_the_ca_option() {
        let scene = Scene::new();
        let wanted = wanted(scene.settings("r.csv"));
        let client = ClientOptions {
            base_url: "https://api.example.se".into(),
            ..wanted.settings.delivery.client.clone()
        };
        let examined = Examined {
            spec: wanted.spec,
            client: &client,
            asking: None,
            clock: scene.session.clock.clone(),
        };
        let of = |trouble| of_fault(&examined, None, Fault::Connect(trouble));
        let unknown = of(Trouble::Issuer);
        assert!(unknown.told.contains("--ca-cert"), "{unknown:?}");
        // An additional root certificate does not help with an expired certificate or a wrong host name.
        let other = of(Trouble::Certificate);
        assert!(!other.told.contains("--ca-cert"), "{other:?}");
        for found in [unknown, other] {
            assert_eq!(found.health, Health::Refused);
            assert!(found.told.contains("https://api.example.se"), "{found:?}");
        }
    }

    #[test]
    fn a_clock_skew_over_one_minute_is_reported() {
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
