use tokio::sync::{mpsc, watch};

use super::error::RunError;
use super::items::ItemMaker;
use super::planned::Planned;
use super::work::{Halt, Planning, Work};
use crate::journal::Record;
use crate::l10n::say;
use crate::plan::{LookUp, Planner};
use crate::send::{SendError, Stop, StopRequest};
use crate::targets::Place;

impl Planning<'_> {
    /// Reads the rows once more, in a thread of its own, looks their records up, and records of
    /// each row what is to be done: its outcome where it needs no request, and its call where it
    /// does.
    pub(super) fn run(&self, mut asked: watch::Receiver<StopRequest>) -> Result<Planned, RunError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(SendError::Runtime)?;
        let prepared = self.prepared;
        let spec = prepared.checker.spec();
        let planner = Planner::new(spec.clone(), self.delivery.variables.clone());
        let key = prepared.survey.key().filter(|_| !self.delivery.blind);
        let look_up = key.and_then(|key| LookUp::new(spec, key));
        let maker = ItemMaker {
            checker: &prepared.checker,
            survey: &prepared.survey,
            planner: &planner,
            selection: &self.delivery.selection,
            clock: self.clock,
            enough: self.enough(key),
            looks_up: look_up.is_some(),
            names_only: self.undone.is_some(),
        };
        let mut work = Work {
            planning: self,
            planner: &planner,
            look_up,
            register: None,
            has_chosen: false,
            conflicts: Vec::new(),
            batch: Vec::new(),
            planned: Planned::of(self.nothing_read(key)),
            done: 0,
            told_at: self.clock.now(),
        };
        let learns = self.answers.is_some() && work.look_up.is_some();
        let passes: &[Pass] = match learns {
            true => &[Pass::Learn, Pass::Plan],
            false => &[Pass::Plan],
        };
        for pass in passes {
            work.planned.stop = pass.over(&maker, &mut work, &runtime, &mut asked)?;
            if work.planned.stop.is_some() {
                break;
            }
        }
        runtime.block_on(async {
            work.hand_over().await?;
            self.writer.flush().await
        })?;
        Ok(work.planned)
    }
}

/// A way through all rows.
#[derive(Debug, Clone, Copy)]
enum Pass {
    /// Everything is asked of the API that planning will ask.
    Learn,
    /// Each row is planned.
    Plan,
}

impl Pass {
    /// Goes through all rows, and returns why it stopped before the last one, if it did.
    fn over(
        self,
        maker: &ItemMaker<'_>,
        work: &mut Work<'_>,
        runtime: &tokio::runtime::Runtime,
        asked: &mut watch::Receiver<StopRequest>,
    ) -> Result<Option<Stop>, RunError> {
        let input = &work.planning.prepared.input;
        std::thread::scope(|scope| {
            // Each lot is a block of the file.
            let (items, receiver) = mpsc::channel(2);
            let reader = scope.spawn(move || maker.make(input, &items));
            let ended = runtime.block_on(async {
                tokio::select! {
                    biased;
                    Ok(_) = asked.wait_for(|request| *request > StopRequest::Pause) => {
                        Err(Halt::Stop(Stop::Asked))
                    }
                    ended = async {
                        match self {
                            Pass::Learn => work.learn(receiver).await,
                            Pass::Plan => work.all(receiver).await,
                        }
                    } => ended,
                }
            });
            let ended = match ended {
                Err(Halt::Error(error)) => Err(error),
                Err(Halt::Stop(stop)) => Ok(Some(stop)),
                Ok(()) => Ok(None),
            };
            match reader.join() {
                Ok(read) => read?,
                Err(_) => return Err(RunError::Died),
            }
            ended
        })
    }
}

impl Planning<'_> {
    /// What a row has to say for its record not to be read: everything that the API might need beside
    /// a change, where all that the row says is sent, by the API's own key, and nothing is kept for an
    /// undo. Nothing where records are read anyway.
    fn enough(&self, key: Option<usize>) -> Option<Vec<usize>> {
        let spec = self.prepared.checker.spec();
        let is_asked = self.delivery.all && self.delivery.no_undo && self.undone.is_none();
        if !is_asked || key.is_none() || key != spec.key_field() {
            return None;
        }
        let is_needed = |field: &usize| {
            let own = &spec.fields[*field];
            own.place == Place::Body && !own.read_only && (own.required || self.is_at_risk(*field))
        };
        Some((0..spec.fields.len()).filter(is_needed).collect())
    }

    /// Whether the API may reset a field that an update leaves out: the target says so, or it stands in
    /// an object in which the file has another field.
    fn is_at_risk(&self, field: usize) -> bool {
        let checker = &self.prepared.checker;
        let spec = checker.spec();
        let own = &spec.fields[field];
        let parent = own.pointer.rsplit_once('/');
        let parent = parent.map_or("", |(parent, _)| parent);
        let is_kept = spec.update.keep.iter().any(|name| name == own.name());
        let has_column = |field: usize| checker.map().column(field).is_some();
        let has_sibling = || spec.fields_below(parent).any(has_column);
        !own.read_only && (is_kept || (!parent.is_empty() && has_sibling()))
    }

    /// What is lost where records could be read and are not; nothing where they are, or never can be.
    fn nothing_read(&self, key: Option<usize>) -> String {
        let checker = &self.prepared.checker;
        let spec = checker.spec();
        if self.enough(key).is_some() {
            return say().how_not_needed();
        }
        if !(self.delivery.blind && spec.is_readable()) {
            return String::new();
        }
        let mut lost = say().how_blind();
        let is_lost =
            |field: &usize| checker.map().column(*field).is_none() && self.is_at_risk(*field);
        let at_risk: Vec<&str> = (0..spec.fields.len())
            .filter(is_lost)
            .map(|field| spec.fields[field].name())
            .collect();
        if !at_risk.is_empty() {
            lost.push_str(&say().how_at_risk(at_risk.join(", ")));
        }
        lost
    }
}
