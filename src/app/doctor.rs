use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
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
    found.extend(of_clock(examined, answer));
    found.push(of_quota(examined, answer));
    found
}

/// Whether this machine's clock is the API's, as far as that tells its own.
fn of_clock(examined: &Examined<'_>, answer: &Answer) -> Option<Finding> {
    let off = Duration::from_nanos(answer.date?.abs_diff(examined.clock.now()));
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
