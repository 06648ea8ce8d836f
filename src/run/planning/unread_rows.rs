//! Rows whose records cannot be read are compared with earlier deliveries.

use std::time::Duration;

use serde_json::Value as Json;

use super::row_planner::{Halt, RowPlanner, kept_as_is};
use crate::journal::{PlannedWhat, RowMark};
use crate::l10n::message;
use crate::model::{Call, Change, FieldPrint, Problem};
use crate::plan::{Difference, field_print};

/// The size of a field's fingerprint in bytes.
const PRINT: usize = size_of::<FieldPrint>();

impl RowPlanner<'_> {
    /// Plans the undo of a record that cannot be read: the values delivered before the undone run, unless a later
    /// run may have delivered other values.
    pub(super) async fn unread_back(&mut self, mark: RowMark, named: Call) -> Result<(), Halt> {
        let context = self.context;
        let checker = &context.prepared.checker;
        let delivered = match &context.earlier.deliveries {
            Some(deliveries) => {
                deliveries.to(&context.earlier.journal, checker.spec(), &named.path)?
            }
            None => None,
        };
        let mut delivered = delivered.unwrap_or_default();
        let spec = checker.spec();
        let since = delivered.changed_since.iter().map(|change| &change.field);
        let kept = since.chain(&delivered.unknown);
        let kept: Vec<usize> = kept.filter_map(|name| spec.field(name)).collect();
        let mut bound = spec.bound_to(&kept);
        let name_of = |field: &usize| spec.fields[*field].name();
        bound.retain(|field| {
            let mut changes = delivered.changes.iter();
            changes.any(|change| change.field == name_of(field))
        });
        let is_bound = |change: &Change| bound.iter().any(|field| change.field == name_of(field));
        delivered.changes.retain(|change| !is_bound(change));
        let found = ("", &delivered.record);
        let (difference, mut left) = match (self.planner).reversal(
            checker,
            mark.at,
            &named.key,
            &delivered.changes,
            found,
        ) {
            Ok(back) => back,
            Err(problem) => return self.invalid(mark, problem).await,
        };
        let since = delivered.changed_since.into_iter();
        left.changed_since.extend(since.map(|change| change.field));
        left.unknown = delivered.unknown;
        let names = bound.iter().map(|field| name_of(field).to_owned());
        left.bound.extend(names);
        let Difference::Call(call) = difference else {
            if left.is_empty() {
                let outcome = self.unchanged(mark.at.row, Vec::new());
                return self.settled(mark, outcome).await;
            }
            return self.all_invalid(mark, &kept_as_is(&left)).await;
        };
        self.list_keys_once().await?;
        if let Some(problem) = self.unknown_key(&named) {
            return self.invalid(mark, problem).await;
        }
        let prints = call.changes.iter();
        let prints = prints.map(|change| field_print(&named.path, &change.field, &change.to));
        let prints = prints.flatten().collect();
        let names: Vec<&str> = call.changed.split(' ').collect();
        let note = message::row_last_delivered(names.join(", "));
        let mut notes = vec![Problem::of_row("undo.last_delivered", note)];
        notes.append(&mut kept_as_is(&left));
        let mut call = Call {
            path: named.path,
            fingerprint: Some(prints),
            note: notes,
            ..*call
        };
        self.totals.are_last_delivered = true;
        self.totals.note_call(checker, &call);
        // The delivered values were not read from the record.
        call.changes.clear();
        self.put(mark, PlannedWhat::Call(Box::new(call))).await
    }

    /// Plans a call to a record that cannot be read: none if the same values were delivered recently, and otherwise
    /// the fields whose values differ from the delivered ones.
    pub(super) async fn unread(&mut self, mark: RowMark, mut call: Call) -> Result<(), Halt> {
        let is_resent = match self.since_delivery(&mut call)? {
            Since::Delivered => {
                let outcome = self.unchanged(call.at.row, Vec::new());
                return self.settled(mark, outcome).await;
            }
            Since::Lowered(problem) => return self.invalid(mark, problem).await,
            Since::Resent => true,
            Since::Changed => false,
        };
        self.list_keys_once().await?;
        match self.unknown_key(&call) {
            Some(problem) => self.invalid(mark, problem).await,
            None => {
                self.totals.resent += u64::from(is_resent);
                self.call(mark, call).await
            }
        }
    }

    /// Compares a call with the last delivery, and keeps only the fields that differ.
    fn since_delivery(&self, call: &mut Call) -> Result<Since, Halt> {
        let context = self.context;
        let all = context.delivery.all;
        let Some(own) = &call.fingerprint else {
            return Ok(Since::Changed);
        };
        let Some((delivered, at)) = context
            .earlier
            .journal
            .delivered(context.place, &call.path)?
        else {
            return Ok(if all { Since::Changed } else { Since::Resent });
        };
        let (own, _) = own.as_chunks::<PRINT>();
        let (delivered, _) = delivered.as_chunks::<PRINT>();
        let names = call.changed.split(' ').zip(own);
        let differs = names.filter(|(_, print)| !delivered.contains(print));
        let differing: Vec<&str> = differs.map(|(name, _)| name).collect();
        let checker = &context.prepared.checker;
        let spec = checker.spec();
        let was = |field: usize, value: &str| {
            let print = field_print(&call.path, spec.fields[field].name(), &Json::from(value));
            delivered.contains(&print)
        };
        for change in spec.changes_of(call).iter() {
            let field = spec.field(&change.field);
            let field = field.filter(|_| differing.contains(&&*change.field));
            if let Some(problem) = field.and_then(|field| {
                let guarded = spec.fields[field].guarded.iter();
                let before = guarded
                    .map(String::as_str)
                    .find(|value| was(field, value))?;
                checker.lowered(field, &Json::from(before), &change.to)
            }) {
                return Ok(Since::Lowered(problem));
            }
        }
        if all {
            return Ok(Since::Changed);
        }
        let age = context.clock.timestamp().duration_since(at);
        // If the clock was set back since, the age is unknown.
        let is_new = Duration::try_from(age).is_ok_and(|age| age <= context.delivery.trust_for);
        let is_trusted = context.earlier.has_delivered && is_new;
        Ok(match (differing.is_empty(), is_trusted) {
            (true, true) => Since::Delivered,
            (true, false) => Since::Resent,
            (false, true) => {
                call.changed = differing.join(" ");
                Since::Changed
            }
            (false, false) => Since::Changed,
        })
    }
}

/// How a call to a record that cannot be read relates to the last delivery.
enum Since {
    /// The same values were delivered recently.
    Delivered,
    /// It removes a guarded value.
    Lowered(Problem),
    /// It changes no known value, and is resent because the delivery is unknown or too old.
    Resent,
    /// It changes a delivered value.
    Changed,
}
