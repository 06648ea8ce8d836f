//! Key lists are read from the API page by page.

use super::known_keys::{Keys, KnownKeys};
use super::records::refused_with;
use crate::l10n::{Argument, Message, message};
use crate::model::{Call, Problem};
use crate::plan::LookUp;
use crate::report::NOT_FOUND;
use crate::run::planning::row_planner::{Halt, RowPlanner};
use crate::run::planning::row_tasks::problem_in;
use crate::targets::{Known, TargetSpec};

/// How the keys that the API knows are listed.
impl RowPlanner<'_> {
    /// Lists the keys that the API knows, once, before the first row is sent. Without the list the run continues,
    /// and reports why.
    pub async fn list_keys_once(&mut self) -> Result<(), Halt> {
        if matches!(self.known, KnownKeys::Unasked) {
            self.known = KnownKeys::Unlisted;
            let spec = self.context.prepared.checker.spec().clone();
            let look_up = LookUp::of_known(&spec).filter(|_| !self.context.delivery.blind);
            if let Some(look_up) = look_up {
                self.known = self.list_keys(&look_up, &spec).await?;
            }
        }
        Ok(())
    }

    async fn list_keys(&mut self, look_up: &LookUp, spec: &TargetSpec) -> Result<KnownKeys, Halt> {
        let survey = &self.context.prepared.survey;
        let rows = survey.rows - survey.invalid - survey.skipped - survey.superseded;
        let rows = self.context.delivery.selection.most(survey.rows, rows);
        let page_size = look_up.page_size();
        let mut keys = Keys::default();
        let mut walk = look_up.list();
        let mut next = walk.first();
        while let Some(question) = next {
            let page = match self.ask(look_up, &question).await {
                Ok(page) => page,
                Err(halt) => {
                    return match refused_with(&halt) {
                        Some(why) => Ok(self.unlisted(why)),
                        None => Err(halt),
                    };
                }
            };
            for entry in &page.records {
                if let Some(path) = self.planner.path_known(entry) {
                    keys.add(spec, &path);
                }
            }
            if let Err(error) = walk.add(&page) {
                return Ok(self.unlisted(message::how_keys_unreadable(error.message())));
            }
            let pages = walk.total().map(|total| total.div_ceil(page_size));
            if let Some(pages) = pages.filter(|pages| *pages > rows.max(1)) {
                return Ok(self.unlisted(message::how_keys_many(
                    Argument::grouped(pages),
                    Argument::grouped(rows),
                )));
            }
            next = match walk.next() {
                Ok(next) => next,
                Err(error) => {
                    return Ok(self.unlisted(message::how_keys_unreadable(error.message())));
                }
            };
        }
        self.totals.how = message::how_keys_listed(Argument::grouped(walk.listed()));
        Ok(KnownKeys::Listed(keys))
    }

    fn unlisted(&mut self, how: Message) -> KnownKeys {
        self.totals.how = how;
        KnownKeys::Unlisted
    }

    /// The problem of a row whose key the API does not list; `None` if the record may exist.
    pub fn unknown_key(&self, call: &Call) -> Option<Problem> {
        let checker = &self.context.prepared.checker;
        let spec = checker.spec();
        let KnownKeys::Listed(keys) = &self.known else {
            return None;
        };
        if !keys.lacks(spec, &call.path) {
            return None;
        }
        let key = spec.key_field()?;
        let unknown = message::row_unknown_key(spec.record_name(), call.key.as_str());
        let remedy = spec.known.as_ref().and_then(Known::remedy);
        let text = match remedy {
            Some(remedy) => Message::clauses(vec![unknown, Message::verbatim(remedy)]),
            None => unknown,
        };
        Some(problem_in(checker, Some(key), NOT_FOUND, text))
    }
}
