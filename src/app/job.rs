//! Execution of one run, from its settings to its archive.

use super::archive::archive;
use super::dropped::forget_protected;
use super::error::AppError;
use super::mends::KeptMends;
use super::notify::Notifications;
use super::session::Session;
use super::spool::forget_copies;
use crate::journal::Journal;
use crate::log;
use crate::model::{Code, Fact, RowState};
use crate::run::{Consent, Context, Ended, Prepared, Proposal, Settings, Start};
use crate::send::{Credentials, Stop};

/// One run, from its settings to its archive.
pub struct Job<'a> {
    pub session: &'a Session,
    /// The recipients of the run's summary.
    pub notifications: &'a Notifications,
    pub credentials: Credentials,
    /// Receives the plan and returns whether to send it; `None` if no confirmation is needed.
    pub agree: Option<&'a dyn Fn(&Proposal<'_>) -> Consent>,
    /// Whether the approver also decides about each conflict.
    pub chooses: bool,
}

impl Job<'_> {
    /// Executes the run, archives an inbox file and sends notifications.
    ///
    /// # Errors
    /// Fails if the run cannot be completed or its file cannot be moved.
    pub fn send(
        &self,
        prepared: &Prepared,
        settings: &Settings,
        start: Start,
    ) -> Result<Ended, AppError> {
        let session = self.session;
        let span = tracing::info_span!("run", file = %prepared.input.path().display(), run = tracing::field::Empty);
        let _in_span = span.enter();
        // While the confirmation prompt is open, signals terminate the process as usual.
        if self.agree.is_none() || !matches!(start, Start::New(_)) {
            session.stop.listen();
        }
        let agree = |proposal: &Proposal<'_>| {
            let consent = self
                .agree
                .map_or(Consent::from(true), |agree| agree(proposal));
            session.stop.listen();
            consent
        };
        let context = Context {
            agree: self.agree.is_some().then_some(&agree),
            chooses: self.chooses,
            ..session.context(&self.credentials)
        };
        super::spool::keep(&session.state, prepared)?;
        let mut ended = crate::run::import(prepared, settings, start, &context)?;
        let mut settings = settings.clone();
        settings.delivery.paths = ended.paths.clone();
        archive(session, &settings, &mut ended.summary)?;
        let inbox = settings.inbox.as_deref();
        let why = ended.stop.as_ref().map(Stop::fact);
        self.notifications
            .send(session, inbox, &ended.summary, why.as_ref());
        if ended.stop.is_none() && ended.summary.states.withheld > 0 {
            let forgotten = self.forget_protected(prepared, &settings, &ended.summary.run);
            if let Err(error) = forgotten {
                log::warn(&Fact::new(Code::RunNotTidied).because_of(error.fact()));
            }
        }
        Ok(ended)
    }

    /// Removes copies of the roster and edits of an ended run that contain rows about protected persons.
    fn forget_protected(
        &self,
        prepared: &Prepared,
        settings: &Settings,
        run: &str,
    ) -> Result<(), AppError> {
        let state = &self.session.state;
        let journal = Journal::open(state)?;
        let record = journal.run(Some(run))?;
        let (read, retries) = (&settings.roster.read, &settings.delivery.retries);
        if !read.mends.is_empty() {
            let of = retries.as_ref().and_then(|retries| retries.run.as_deref());
            let kept = KeptMends::of(state.folder(), &prepared.input, read.sheet.as_deref(), of)?;
            if let Some(mut mends) = kept.read()? {
                let rows = journal.rows_in(record.id, &[RowState::Withheld])?;
                prepared.forget_edits(&mut mends, &rows);
                kept.keep(&mends)?;
            }
        }
        forget_copies(state, &record.sha256, &record.file)?;
        forget_protected(state, &settings.roster.file)
    }
}
