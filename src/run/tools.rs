use rand::SeedableRng;
use rand::rngs::SmallRng;

use super::context::Context;
use super::error::RunError;
use super::prepare::Prepared;
use super::settings::Settings;
use crate::events::Observer;
use crate::journal::{QuotaStore, account_of};
use crate::send::{Client, Pacer, Stats, Transport};

/// What a run is made with.
pub(super) struct Tools {
    pub(super) client: Client,
    pub(super) pacer: Pacer,
    pub(super) account: String,
}

impl Tools {
    pub(super) fn new(
        prepared: &Prepared,
        settings: &Settings,
        context: &Context<'_>,
    ) -> Result<Tools, RunError> {
        let delivery = &settings.delivery;
        let client = Client::new(
            prepared.checker.spec().clone(),
            context.credentials.clone(),
            &delivery.client,
            context.clock.clone(),
        )?;
        let identity = context.credentials.identity();
        // One quota for all that is asked of a machine, however its address is written.
        let origin = account_of(client.origin(), &identity);
        let account = account_of(client.address(), &identity);
        let store = QuotaStore::open(&context.state, &origin)?;
        let pacer = Pacer::new(delivery.pace, context.clock.clone(), Some(store))?;
        Ok(Tools {
            client,
            pacer,
            account,
        })
    }

    /// How requests are made with them.
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
