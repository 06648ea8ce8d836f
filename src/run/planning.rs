use tokio::sync::{mpsc, watch};

use super::error::RunError;
use super::items::ItemMaker;
use super::planned::Planned;
use super::work::{Halt, Planning, Work};
use crate::plan::{LookUp, Planner};
use crate::send::{SendError, Stop, StopRequest};

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
            looks_up: look_up.is_some(),
            names_only: self.undone.is_some(),
        };
        std::thread::scope(|scope| {
            let (items, receiver) = mpsc::channel(256);
            let reader = scope.spawn(move || maker.make(&prepared.input, &items));
            let planned = runtime.block_on(async {
                let mut work = Work {
                    planning: self,
                    planner: &planner,
                    look_up,
                    register: None,
                    conflicts: Vec::new(),
                    planned: Planned {
                        how: self.blindness(),
                        ..Planned::default()
                    },
                    done: 0,
                    told_at: self.clock.now(),
                };
                let ended = tokio::select! {
                    biased;
                    Ok(_) = asked.wait_for(|request| *request > StopRequest::None) => {
                        Err(Halt::Stop(Stop::Asked))
                    }
                    ended = work.all(receiver) => ended,
                };
                match ended {
                    Ok(()) => {}
                    Err(Halt::Stop(stop)) => work.planned.stop = Some(stop),
                    Err(Halt::Error(error)) => return Err(error),
                }
                self.writer.flush().await?;
                Ok(work.planned)
            });
            match reader.join() {
                Ok(read) => read?,
                Err(_) => return Err(RunError::Died),
            }
            planned
        })
    }
}

impl Planning<'_> {
    /// What is lost where records could be read and are not; nothing where they are, or never can be.
    fn blindness(&self) -> String {
        let checker = &self.prepared.checker;
        let spec = checker.spec();
        if !(self.delivery.blind && spec.is_readable()) {
            return String::new();
        }
        let mut lost =
            "nothing is read (--blind): rows that already match are sent too, unless the same was delivered before, and the run cannot be undone"
                .to_owned();
        let has_column = |field: usize| checker.map().column(field).is_some();
        let is_at_risk = |field: &usize| {
            let own = &spec.fields[*field];
            let parent = own
                .pointer
                .rsplit_once('/')
                .map_or("", |(parent, _)| parent);
            let is_kept = spec.update.keep.iter().any(|name| name == own.name());
            let has_sibling = || spec.fields_below(parent).any(has_column);
            !own.read_only
                && !has_column(*field)
                && (is_kept || (!parent.is_empty() && has_sibling()))
        };
        let at_risk: Vec<&str> = (0..spec.fields.len())
            .filter(is_at_risk)
            .map(|field| spec.fields[field].name())
            .collect();
        if !at_risk.is_empty() {
            lost.push_str("; the file has no column for these, and the API may reset them: ");
            lost.push_str(&at_risk.join(", "));
        }
        lost
    }
}
