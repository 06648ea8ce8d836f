//! The work of a job, which ends with its result.

use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::door::Door;
use super::job::{Job, Task};
use super::live::{End, Phase};
use super::played::PlayedApis;
use crate::app::{
    Action, AppError, Decisions, GoOn, Job as AppJob, NamedPaths, Ready, Selection, Wanted, begin,
    decide, go_on, ready, refuse_undone, resumed, undone,
};
use crate::journal::Journal;
use crate::l10n::message;
use crate::model::{Exit, Summary};
use crate::run::{Consent, Proposal, Roster, RunError, Start};
use crate::safe_fs::Folder;

#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    pub(super) job: &'a Job,
    pub(super) door: &'a dyn Door,
    pub(super) played: &'a PlayedApis,
}

impl<'a> Work<'a> {
    /// Runs the job to its end.
    pub(super) fn run(self) {
        let end = match self.done() {
            Ok(end) => end,
            Err(AppError::Run(RunError::Declined)) => End::default(),
            Err(error) => End {
                error: Some(Arc::new(error)),
                ..End::default()
            },
        };
        let end = match &end.summary {
            // The job was stopped before the plan was complete.
            Some(summary) if self.job.was_discarded() => End {
                error: self.forget(summary).err().map(Arc::new),
                ..End::default()
            },
            _ => end,
        };
        self.job.live.change(|seen| {
            if let Some(summary) = &end.summary {
                seen.run = Some(summary.run.clone());
            }
            seen.phase = Phase::Ended(Box::new(end));
        });
    }

    fn done(self) -> Result<End, AppError> {
        match &self.job.task {
            Task::Import {
                roster,
                target,
                sha256,
                fresh,
            } => {
                let target = target.as_deref();
                let wanted = self.door.wanted(&self.job.session, &roster.file, target)?;
                let wanted = understood(wanted, roster);
                self.import(wanted, (sha256, *fresh))
            }
            Task::Retry { settings, sha256 } => {
                let wanted = self.door.again((**settings).clone())?;
                self.retry(wanted, sha256)
            }
            Task::Undo { run, rows, .. } => self.undo(run, rows.as_ref()),
            Task::Resume(name) => self.gone_on(name, (GoOn::Resume, None, None)),
            Task::Approve { run, ticked, first } => {
                self.gone_on(run, (GoOn::Approve, ticked.as_deref(), *first))
            }
        }
    }

    fn import(self, wanted: Wanted<'a>, (sha256, fresh): (&str, bool)) -> Result<End, AppError> {
        let mut unfinished = None;
        let end = self.send(wanted, |ready| {
            refuse_other(ready, sha256)?;
            let named = NamedPaths::default();
            // The user who confirms the plan decides about rows that were undone before.
            let start = match begin(&self.job.session, ready, fresh, "import", &named) {
                Err(AppError::Run(RunError::Undone { .. })) => Start::New("import"),
                start => start?,
            };
            if let Start::Resume(record) = &start {
                unfinished = Some(record.name.clone());
                return Err(RunError::Declined.into());
            }
            Ok(start)
        });
        match (end, unfinished) {
            (Err(AppError::Run(RunError::Declined)), Some(name)) => Ok(End {
                unfinished: Some(name),
                ..End::default()
            }),
            (end, _) => end,
        }
    }

    fn retry(self, wanted: Wanted<'a>, sha256: &str) -> Result<End, AppError> {
        self.send(wanted, |ready| {
            refuse_other(ready, sha256)?;
            let named = NamedPaths::default();
            refuse_undone(&self.job.session, ready)?;
            // With later corrections, it is a different run than an interrupted one.
            begin(&self.job.session, ready, true, "retry", &named)
        })
    }

    fn undo(self, name: &str, rows: Option<&Selection>) -> Result<End, AppError> {
        let undone = undone(&self.job.session, name, rows, &NamedPaths::default())?;
        let Some(settings) = undone.settings.clone() else {
            return Err(AppError::Front(message::cli_nothing_to_undo(name)));
        };
        let file = settings.roster.file.clone();
        let sent = self.door.again(settings);
        let sent = sent.and_then(|wanted| self.send(wanted, |_| Ok(Start::New("undo"))));
        let is_declined = match &sent {
            Ok(_) => self.job.was_discarded(),
            Err(AppError::Run(RunError::Declined)) => true,
            Err(error) => error.exit() == Exit::Usage,
        };
        if is_declined {
            // The file contains personal data, and nothing was restored. A file that cannot be
            // removed is harmless.
            let _ = remove(&file);
        }
        let mut end = sent?;
        end.damaged = undone.damaged.into();
        Ok(end)
    }

    fn gone_on(
        self,
        name: &str,
        (how, ticked, first): (GoOn, Option<&[RangeInclusive<u64>]>, Option<u64>),
    ) -> Result<End, AppError> {
        let paths = NamedPaths::default();
        let (record, settings) = resumed(&self.job.session, Some(name), how, &paths)?;
        let wanted = self.door.again(settings)?;
        self.send(wanted, |ready| {
            let start = go_on(&self.job.session, &record, how, ready)?;
            if first.is_some() {
                ready.settings.delivery.canary = first;
            }
            if how == GoOn::Approve {
                let decisions = Decisions {
                    rows: ticked,
                    conflicts: None,
                    asks_later: true,
                };
                decide(&self.job.session, &record, &mut ready.settings, decisions)?;
            }
            Ok(start)
        })
    }

    /// Sends the run, after asking where confirmation is required.
    fn send(
        self,
        mut wanted: Wanted<'a>,
        start: impl FnOnce(&mut Ready) -> Result<Start, AppError>,
    ) -> Result<End, AppError> {
        if let Some(play) = wanted.play.take() {
            let file = wanted.settings.roster.file.clone();
            wanted.play = Some(Box::new(move |prepared| {
                self.played.of(&file, || play(prepared))
            }));
        }
        let mut ready = ready(&self.job.session, wanted)?;
        // Only this job sets it.
        let _ = self.job.prepared.set(ready.prepared.clone());
        let start = start(&mut ready)?;
        let undoes = &ready.settings.delivery.undoes;
        self.job.is_undo.store(undoes.is_some(), Ordering::Relaxed);
        let notifications = self.door.notifications();
        // A run that was stopped during planning is planned again, and asks.
        let is_approved = matches!(start, Start::Approve(_));
        let agreed = is_approved && !ready.settings.delivery.edits.asks();
        // The plan of an approved run was shown before, so only its conflicts are decided.
        let ask = |proposal: &Proposal<'_>| match is_approved && proposal.conflicts.is_empty() {
            true => Consent::from(true),
            false => self.job.ask(proposal),
        };
        let job = AppJob {
            chooses: true,
            session: &self.job.session,
            notifications: &notifications,
            credentials: ready.credentials.clone(),
            agree: (!agreed).then_some(&ask),
        };
        let ended = job.send(&ready.prepared, &ready.settings, start)?;
        Ok(End {
            stop: ended.stop,
            summary: Some(ended.summary),
            ..End::default()
        })
    }

    /// Deletes the run of a plan that was discarded before it was complete. Nothing was sent.
    fn forget(&self, summary: &Summary) -> Result<(), AppError> {
        let mut journal = Journal::open(&self.job.session.state)?;
        let run = journal.run(Some(&summary.run))?;
        journal.forget(run.id)?;
        let written = [
            &summary.results,
            &summary.failed_rows,
            &summary.new_rows,
            &summary.before,
            &summary.report,
        ];
        for path in written.into_iter().flatten() {
            remove(path).map_err(Action::Write.failed(path))?;
        }
        Ok(())
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => Folder::open(folder)?.remove_file(name),
        _ => Ok(()),
    }
}

/// Refuses a file that has changed since it was opened.
fn refuse_other(ready: &Ready, sha256: &str) -> Result<(), AppError> {
    let found = ready.prepared.input.sha256()?;
    match found == sha256 {
        true => Ok(()),
        false => Err(AppError::Front(message::console_file_changed())),
    }
}

/// Applies the console's interpretation of a roster to the settings.
fn understood<'a>(wanted: Wanted<'a>, roster: &Roster) -> Wanted<'a> {
    let mut wanted = wanted;
    let settings = &mut wanted.settings;
    let copy = settings.roster.read.copy;
    settings.roster = Roster {
        sparse: settings.roster.sparse,
        ..roster.clone()
    };
    settings.roster.read.copy = copy;
    wanted
}
