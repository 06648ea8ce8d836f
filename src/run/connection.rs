//! A run's HTTP client, pacer and quota account are built from its settings.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use tokio::runtime::Runtime;

use super::context::Context;
use super::error::RunError;
use super::prepare::Prepared;
use super::settings::Settings;
use crate::clock::Clock;
use crate::events::Observer;
use crate::journal::{JournalError, QuotaStore, State, account_of};
use crate::send::{Client, Credentials, Pace, Pacer, SendError, Stats, Transport};
use crate::targets::TargetSpec;

/// Returns a pacer on the quota that all runs on this machine share for an API and credentials.
pub fn shared_pacer(
    client: &Client,
    credentials: &Credentials,
    pace: Pace,
    state: &State,
    clock: Arc<dyn Clock>,
) -> Result<Pacer, JournalError> {
    let store = QuotaStore::open(state, &quota_of(client, credentials))?;
    Pacer::new(pace, clock, Some(store))
}

/// The quota account depends on the origin, not on the path of the address.
fn quota_of(client: &Client, credentials: &Credentials) -> String {
    account_of(client.origin(), &credentials.identity())
}

/// The name of a run's quota: a hash of the API's origin and the credentials.
pub fn quota_account(
    settings: &Settings,
    spec: &Arc<TargetSpec>,
    credentials: &Credentials,
    clock: Arc<dyn Clock>,
) -> Result<String, RunError> {
    let options = &settings.delivery.client;
    let client = Client::new(spec.clone(), credentials.clone(), options, clock)?;
    Ok(quota_of(&client, credentials))
}

/// The name under which deliveries are stored.
fn place_of(spec: &TargetSpec, client: &Client, variables: &BTreeMap<String, String>) -> String {
    let mut whose = vec![spec.name.as_str()];
    for (name, value) in variables {
        whose.extend([name.as_str(), value.as_str()]);
    }
    account_of(client.address(), whose.join("\0").as_bytes())
}

/// The client, pacer and quota account of a run.
pub(super) struct Connection {
    pub(super) client: Client,
    pub(super) pacer: Pacer,
    pub(super) account: String,
    /// The name under which deliveries are stored: the target, its address and its variables, for all credentials.
    pub(super) place: String,
}

impl Connection {
    /// The name of the API's address, for all credentials.
    pub(super) fn address(&self) -> String {
        account_of(self.client.address(), b"")
    }

    pub(super) fn new(
        prepared: &Prepared,
        settings: &Settings,
        context: &Context<'_>,
    ) -> Result<Connection, RunError> {
        let delivery = &settings.delivery;
        let client = Client::new(
            prepared.checker.spec().clone(),
            context.credentials.clone(),
            &delivery.client,
            context.clock.clone(),
        )?;
        let account = account_of(client.address(), &context.credentials.identity());
        let place = place_of(prepared.checker.spec(), &client, &delivery.variables);
        let pacer = shared_pacer(
            &client,
            &context.credentials,
            delivery.pace,
            &context.state,
            context.clock.clone(),
        )?;
        Ok(Connection {
            client,
            pacer,
            account,
            place,
        })
    }

    /// The transport of the run's requests.
    pub(super) fn transport<'a>(
        &'a self,
        prepared: &'a Prepared,
        settings: &Settings,
        context: &'a Context<'a>,
        (stats, observer): (&'a Stats, &'a dyn Observer),
    ) -> Transport<'a> {
        Transport::new(
            &self.client,
            prepared.checker.spec(),
            &self.pacer,
            context.clock.as_ref(),
            observer,
            settings.delivery.sender,
            stats,
            SmallRng::seed_from_u64(context.seed),
        )
    }
}

/// Builds the runtime of a thread that makes requests.
pub(super) fn runtime() -> Result<Runtime, SendError> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().map_err(SendError::Runtime)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::tests::{Desk, spec_of};

    #[test]
    fn all_requests_of_an_account_to_a_host_share_a_quota() {
        let mut desk = Desk::new("id,name\n");
        let spec = Arc::new(spec_of(&desk.settings.target));
        let mut quota = |address: &str, secret: &str| {
            desk.delivery().client.base_url = address.to_owned();
            let credentials = Credentials::find(&spec, |_| Some(secret.into())).unwrap();
            let clock = desk.clock.clone();
            quota_account(&desk.settings, &spec, &credentials, clock).unwrap()
        };
        let one = quota("http://127.0.0.1:1/v1", "secret");
        assert_eq!(one, quota("http://127.0.0.1:1/v2/", "secret"));
        assert_ne!(one, quota("http://127.0.0.1:2/v1", "secret"));
        assert_ne!(one, quota("http://127.0.0.1:1/v1", "other"));
    }
}
