//! The reading policy states which records a run reads.

use super::row_tasks::TaskBuilder;
use crate::clock::Clock;
use crate::l10n::{Message, message};
use crate::plan::{LookUp, Planner};
use crate::run::prepare::Prepared;
use crate::run::settings::Delivery;
use crate::targets::{FieldSpec, Place};

/// Which rows' records a run reads before it changes them, and why it does not read the others.
pub struct ReadPolicy<'a> {
    prepared: &'a Prepared,
    delivery: &'a Delivery,
    /// The field that finds a record, where any is read.
    key: Option<usize>,
}

impl<'a> ReadPolicy<'a> {
    /// What a run with these delivery settings reads.
    pub fn of(prepared: &'a Prepared, delivery: &'a Delivery) -> ReadPolicy<'a> {
        ReadPolicy {
            prepared,
            delivery,
            key: prepared.survey.key().filter(|_| !delivery.blind),
        }
    }

    /// How records are found; none where they cannot be read, or are not to be.
    pub fn look_up(&self) -> Option<LookUp> {
        LookUp::new(self.prepared.checker.spec(), self.key?)
    }

    /// Whether the keys that the API knows are listed.
    pub(super) fn lists_keys(&self) -> bool {
        !self.delivery.blind && self.prepared.checker.spec().known.is_some()
    }

    /// What makes calls of rows.
    pub fn planner(&self) -> Planner {
        let spec = self.prepared.checker.spec();
        Planner::new(spec.clone(), self.delivery.variables.clone())
    }

    /// What tells of each row whether its record is to be read.
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

    /// Whether no record is read, whichever rows the file has.
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

    /// What a row has to say for its record not to be read: everything that the API might need beside
    /// a change, where all that the row says is sent, by the API's own key, and nothing is kept for an
    /// undo. Nothing where records are read anyway.
    fn enough(&self) -> Option<Vec<usize>> {
        let spec = self.prepared.checker.spec();
        let delivery = self.delivery;
        let is_asked = delivery.all && delivery.no_undo && delivery.undoes.is_none();
        let is_known = self.key.is_some() && self.key == spec.key_field();
        // What the roster does not name is erased unless the record was read. A record must be read to know whether it
        // is protected.
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

    /// Whether the API may reset a field that an update leaves out: the target says so, or it stands in
    /// an object in which the file has another field.
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

    /// What is lost where records could be read and are not; nothing where they are, or never can be.
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
