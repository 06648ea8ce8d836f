//! The estimated duration of a plan follows from the quota and the latency so far.

use crate::events::Plan;
use crate::run::active_run::Setup;
use crate::send::Rate;

/// Adds the estimated duration to the plan, by the current quota and bucket, and no faster than the latency allows.
pub(super) fn add_estimate(setup: &Setup<'_>, plan: &mut Plan) {
    let (rate, burst) = setup.connection.pacer.quota();
    let concurrency = setup.settings.delivery.sender.concurrency;
    let pace = pace_of(setup.transport.latency(), concurrency);
    let road = setup.tracker.road(pace);
    plan.rate = rate.to_string();
    let pace = &setup.settings.delivery.pace;
    let quota = &setup.prepared.checker.spec().quota;
    let own = Rate {
        requests: quota.requests,
        per: quota.per,
    };
    let is_own = pace.ceiling.is_none() && pace.own == own;
    plan.rate_is_guess = quota.guess && is_own && pace.in_force(None).0 == rate;
    plan.at_once = (road.level as u64).min(u64::from(burst));
    let requests = plan.requests_for(plan.to_send) as f64;
    let time = road.time_for(requests).unwrap_or_default();
    let seconds = time.as_secs_f64();
    plan.estimate_s = seconds;
    let time = jiff::SignedDuration::try_from_secs_f64(seconds).unwrap_or_default();
    plan.estimated_finish = setup.context.clock.timestamp().checked_add(time).ok();
}

/// The seconds per request with a `latency` and concurrent requests; `None` without an answer so far.
fn pace_of(latency: f64, concurrency: usize) -> Option<f64> {
    let pace = latency / concurrency.max(1) as f64;
    (pace > 0.0).then_some(pace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn concurrent_requests_share_the_latency() {
        assert_eq!(pace_of(1.0, 4), Some(0.25));
        assert_eq!(pace_of(1.0, 0), Some(1.0));
        assert_eq!(pace_of(0.0, 4), None, "no response has arrived");
    }
}
