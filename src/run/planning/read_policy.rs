//! The read policy determines which records a run reads.

use super::row_tasks::TaskBuilder;
use crate::clock::Clock;
use crate::l10n::{Message, message};
use crate::plan::{LookUp, Planner};
use crate::run::prepare::Prepared;
use crate::run::settings::Delivery;
use crate::targets::{FieldSpec, Place};

/// Determines which records a run reads before it changes them.
pub struct ReadPolicy<'a> {
    prepared: &'a Prepared,
    delivery: &'a Delivery,
    /// The field that finds a record; `None` if no record is read.
    key: Option<usize>,
}

impl<'a> ReadPolicy<'a> {
    /// The policy of a run with these delivery settings.
    pub fn of(prepared: &'a Prepared, delivery: &'a Delivery) -> ReadPolicy<'a> {
        ReadPolicy {
            prepared,
            delivery,
            key: prepared.survey.key().filter(|_| !delivery.blind),
        }
    }

    /// The look-up of records; `None` if records cannot be read or must not be.
    pub fn look_up(&self) -> Option<LookUp> {
        LookUp::new(self.prepared.checker.spec(), self.key?)
    }

    /// Whether the API's keys are listed.
    pub(super) fn lists_keys(&self) -> bool {
        !self.delivery.blind && self.prepared.checker.spec().known.is_some()
    }

    /// The planner that builds calls from rows.
    pub fn planner(&self) -> Planner {
        let spec = self.prepared.checker.spec();
        Planner::new(spec.clone(), self.delivery.variables.clone())
    }

    /// The builder of each row's task.
    pub fn builder<'m>(&self, planner: &'m Planner, clock: &'m dyn Clock) -> TaskBuilder<'m>
    where
        'a: 'm,
    {
        TaskBuilder {
            checker: &self.prepared.checker,
            survey: &self.prepared.survey,
            planner,
            selection: &self.delivery.selection,
            clock,
            enough: self.enough(),
            looks_up: self.look_up().is_some(),
            names_only: self.delivery.undoes.is_some(),
        }
    }

    /// Whether no record of any row is read.
    pub(super) fn is_of_none(&self) -> bool {
        let survey = &self.prepared.survey;
        let valid = survey.rows - survey.invalid;
        let says_enough =
            |enough: Vec<usize>| enough.iter().all(|field| survey.filled[*field] == valid);
        if self.lists_keys() {
            return false;
        }
        self.look_up().is_none() || self.enough().is_some_and(says_enough)
    }

    /// The fields that a row must have for its record not to be read: all that the API may need besides a change.
    /// `None` if records are read in any case: the run sends only differences, keeps values for an undo, or finds
    /// records by a key that is not the API's own.
    fn enough(&self) -> Option<Vec<usize>> {
        let spec = self.prepared.checker.spec();
        let delivery = self.delivery;
        let is_asked = delivery.all && delivery.no_undo && delivery.undoes.is_none();
        let is_known = self.key.is_some() && self.key == spec.key_field();
        // An erasing update needs the record's other values, and only the record shows whether it is protected.
        let must_read = spec.erases() || spec.protected.is_some() || delivery.edits.need_records();
        if !is_asked || !is_known || must_read || self.in_list().next().is_some() {
            return None;
        }
        let is_needed = |field: &usize| {
            let own = &spec.fields[*field];
            own.place == Place::Body && !own.read_only && (own.required || self.is_at_risk(*field))
        };
        Some((0..spec.fields.len()).filter(is_needed).collect())
    }

    /// The fields of the rows whose lists must be read, since an update contains them as a whole.
    fn in_list(&self) -> impl Iterator<Item = usize> {
        let checker = &self.prepared.checker;
        let fields = checker.spec().fields.iter().enumerate();
        let is_written = |(index, field): &(usize, &FieldSpec)| {
            let has_value = field.constant.is_some() || field.default.is_some();
            field.needs_record() && (has_value || checker.map().column(*index).is_some())
        };
        fields.filter(is_written).map(|(index, _)| index)
    }

    /// The names of fields that cannot be written, since their lists are not read.
    pub fn unread_lists(&self) -> Vec<String> {
        let checker = &self.prepared.checker;
        let names = |field: usize| checker.name_of(field).to_owned();
        match self.look_up() {
            Some(_) => Vec::new(),
            None => self.in_list().map(names).collect(),
        }
    }

    /// Whether the API may reset a field that an update omits: the target says so, or the file has another field of
    /// its object.
    fn is_at_risk(&self, field: usize) -> bool {
        let checker = &self.prepared.checker;
        let spec = checker.spec();
        let own = &spec.fields[field];
        let object = own.pointer.object();
        let is_kept = spec.update.keep.iter().any(|name| name == own.name());
        let has_column = |field: usize| checker.map().column(field).is_some();
        let has_sibling = || {
            let fields = spec.fields.iter().enumerate();
            let mut beside =
                fields.filter(|(_, other)| !other.read_only && other.pointer.is_below(object));
            beside.any(|(index, _)| has_column(index))
        };
        let is_of_object = !spec.update.merges && !object.is_empty();
        !own.read_only && (is_kept || is_of_object && has_sibling())
    }

    /// Describes the risk of not reading records; empty if they are read or cannot be.
    pub(super) fn nothing_read(&self) -> Message {
        let checker = &self.prepared.checker;
        let spec = checker.spec();
        if self.enough().is_some() {
            return message::how_not_needed();
        }
        if !(self.delivery.blind && spec.is_readable()) {
            return Message::default();
        }
        let is_lost =
            |field: &usize| checker.map().column(*field).is_none() && self.is_at_risk(*field);
        let at_risk: Vec<&str> = (0..spec.fields.len())
            .filter(is_lost)
            .map(|field| spec.fields[field].name())
            .collect();
        match at_risk.is_empty() {
            true => message::how_blind(),
            false => message::how_at_risk(message::how_blind(), at_risk.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests;
