use rand::SeedableRng;
use rand::rngs::SmallRng;

use super::context::{Context, Ended, Looked, Start};
use super::error::RunError;
use super::name::run_name;
use super::prepare::Prepared;
use super::settings::{Settings, absolute};
use super::under_way::{Run, Tools};
use crate::events::RunEvent;
use crate::journal::{Journal, NewRun, RunLock, RunState};
use crate::model::StateCounts;
use crate::send::{Stats, Stop, Transport};

/// Plans what is to be sent, shows it, sends it, records what becomes of each row, and writes the
/// results. A run that was interrupted goes on where it ended.
///
/// # Errors
/// When the journal, the results or the connection's set-up fail. What was sent until then is in
/// the journal.
pub fn import(
    prepared: &Prepared,
    settings: &Settings,
    start: Start,
    context: &Context<'_>,
) -> Result<Ended, RunError> {
    refuse_blind_canary(prepared, settings)?;
    let mut settings = settings.clone();
    // Names are taken before anything is done, so that two runs never share one.
    let _claim = match start {
        Start::New(_) => {
            let (paths, claim) = settings.delivery.paths.claim()?;
            settings.delivery.paths = paths;
            Some(claim)
        }
        Start::Resume(_) | Start::Approve(_) => None,
    };
    let settings = &settings;
    settings.delivery.paths.probe()?;
    let tools = Tools::new(prepared, settings, context)?;
    let stats = Stats::default();
    let transport = transport(prepared, settings, context, &tools, &stats);
    let mut journal = Journal::open(&context.state)?;
    let mut run = Run {
        prepared,
        settings,
        context,
        tools: &tools,
        transport: &transport,
        stats: &stats,
        id: 0,
        record: new_run(prepared, settings, context)?,
        before: 0,
        lookups_before: 0,
    };
    let is_approved = matches!(start, Start::Approve(_));
    // What this run goes by must not be forgotten while it does.
    let retried = settings.delivery.retries.as_ref();
    let past = retried.and_then(|retries| retries.run.as_ref());
    let past = past.into_iter().chain(&settings.delivery.undoes);
    let _past: Vec<RunLock> = past
        .map(|name| RunLock::share(&context.state, name))
        .collect::<Result<_, _>>()?;
    let _own;
    let known = match start {
        Start::New(command) => {
            run.record.command = command;
            // Before anyone can see it; it gets another name only where this one is taken.
            let first = RunLock::share(&context.state, &run.record.name)?;
            let asked = run.record.name.clone();
            (run.id, run.record.name) = journal.begin(&run.record)?;
            _own = if run.record.name == asked {
                first
            } else {
                RunLock::share(&context.state, &run.record.name)?
            };
            None
        }
        Start::Resume(record) => {
            _own = RunLock::share(&context.state, &record.name)?;
            journal.run(Some(&record.name))?;
            run.take_over(&mut journal, *record)?
        }
        Start::Approve(mut record) => {
            _own = RunLock::share(&context.state, &record.name)?;
            journal.run(Some(&record.name))?;
            record.state = RunState::Planning;
            run.take_over(&mut journal, *record)?
        }
    };
    let plan = match known {
        Some(plan) => plan,
        None => {
            let (plan, stop) = run.plan(&mut journal)?;
            if let Some(stop) = stop {
                return run.finish(&mut journal, Some(stop), RunState::Planning);
            }
            context
                .observer
                .on_event(&RunEvent::Planned(Box::new(plan.clone())));
            let held = run.held(&journal, &plan)?.filter(|_| !is_approved);
            if let Some(why) = held {
                journal.hold(run.id, &why)?;
                return run.finish(&mut journal, Some(Stop::Held { why }), RunState::Held);
            }
            if plan.to_send > 0 && !(context.agree)(&plan) {
                journal.forget(run.id)?;
                return Err(RunError::Declined);
            }
            journal.set_state(run.id, RunState::Running)?;
            if let Some(name) = &settings.replaces {
                let old = journal.run(Some(name))?;
                journal.set_state(old.id, RunState::Replaced)?;
            }
            plan
        }
    };
    context.observer.on_event(&RunEvent::Started {
        run: run.record.name.clone(),
        rows: prepared.survey.rows,
        to_send: plan.to_send,
        settled: plan.settled,
    });
    let (mut journal, stop) = run.send(journal)?;
    match stop {
        Ok(stop) => {
            let state = match stop {
                None => RunState::Finished,
                Some(_) => RunState::Interrupted,
            };
            let ended = run.finish(&mut journal, stop, state);
            ended.map_err(|error| match error {
                RunError::Report(_) => RunError::NotReported {
                    run: run.record.name.clone(),
                    source: Box::new(error),
                },
                other => other,
            })
        }
        // Sending is over, but what became of the rows until then can still be told.
        Err(error) => match run.finish(&mut journal, Some(Stop::Asked), RunState::Interrupted) {
            Ok(ended) => Err(RunError::Broken {
                source: Box::new(error),
                results: ended.summary.results.unwrap_or_default(),
            }),
            Err(_) => Err(error),
        },
    }
}

/// Plans what an import would send, and sends nothing.
///
/// # Errors
/// When the connection's set-up or the shared quota fail.
pub fn look(
    prepared: &Prepared,
    settings: &Settings,
    context: &Context<'_>,
) -> Result<Looked, RunError> {
    refuse_blind_canary(prepared, settings)?;
    let tools = Tools::new(prepared, settings, context)?;
    let stats = Stats::default();
    let transport = transport(prepared, settings, context, &tools, &stats);
    let mut journal = Journal::temporary()?;
    let record = new_run(prepared, settings, context)?;
    let (id, _) = journal.begin(&record)?;
    let run = Run {
        prepared,
        settings,
        context,
        tools: &tools,
        transport: &transport,
        stats: &stats,
        id,
        record,
        before: 0,
        lookups_before: 0,
    };
    let (plan, stop) = run.plan(&mut journal)?;
    let held = run.held(&Journal::open(&context.state)?, &plan)?;
    let states = StateCounts {
        invalid: plan.invalid,
        not_sent: plan.rows - plan.invalid,
        ..StateCounts::default()
    };
    let mut summary = run.summary(states, stop.as_ref());
    summary.run = String::new();
    summary.to_send = Some(plan.to_send);
    summary.estimated_s = Some(plan.estimate_s);
    summary.estimated_finish = plan.estimated_finish;
    Ok(Looked {
        plan,
        held,
        journal,
        run: id,
        summary,
        stop,
    })
}

/// A canary needs records that can be read back.
fn refuse_blind_canary(prepared: &Prepared, settings: &Settings) -> Result<(), RunError> {
    let spec = prepared.checker.spec();
    let reads_one = spec.lookup.as_ref().is_some_and(|how| how.read.is_some());
    if settings.delivery.canary.is_some() && settings.delivery.blind {
        return Err(RunError::Plan(
            "--canary reads back what was sent, and --blind reads nothing".into(),
        ));
    }
    if settings.delivery.canary.is_some() && !(reads_one && spec.is_readable()) {
        return Err(RunError::Plan(format!(
            "--canary reads back what was sent, and the records of {} cannot be read",
            spec.name
        )));
    }
    Ok(())
}

fn transport<'a>(
    prepared: &'a Prepared,
    settings: &Settings,
    context: &'a Context<'a>,
    tools: &'a Tools,
    stats: &'a Stats,
) -> Transport<'a> {
    Transport::new(
        &tools.client,
        prepared.checker.spec(),
        &tools.pacer,
        context.clock.as_ref(),
        context.observer,
        settings.delivery.sender,
        stats,
        SmallRng::seed_from_u64(context.seed),
    )
}

fn new_run(
    prepared: &Prepared,
    settings: &Settings,
    context: &Context<'_>,
) -> Result<NewRun, RunError> {
    let started_at = context.clock.timestamp();
    let mut random = SmallRng::seed_from_u64(context.seed);
    Ok(NewRun {
        name: run_name(started_at, &mut random),
        command: "import",
        target: prepared.checker.spec().name.clone(),
        base_url: settings.delivery.client.base_url.clone(),
        file: absolute(prepared.input.path()).display().to_string(),
        sha256: prepared.input.sha256()?.to_owned(),
        settings: settings.to_json()?,
        started_at,
    })
}
