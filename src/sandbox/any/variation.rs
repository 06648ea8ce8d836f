//! API behaviours that no target file describes.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use super::description::{Description, Paging};
use super::lists::list_of;

/// A behaviour of a simulated API that its target file does not describe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variation {
    /// Pages contain fewer records than requested.
    CappedPages,
    /// The first page or record has number 0 instead of 1, or 1 instead of 0.
    OtherFirst,
    /// Members without a value are absent.
    AbsentMembers,
    /// Members without a value are null.
    NullMembers,
    /// Records have members that no field names.
    UnnamedMembers,
    /// Each response has the records in a different order.
    ShuffledRecords,
    /// The total counts the records of the page.
    PageTotals,
    /// Pathwright responds with 400 to a member that clients cannot set, which the framework ignores.
    StrictMembers,
    /// Changing a Meitner student does not update `updatedAt`.
    FrozenTimes,
    /// A new Meitner student has no `updatedAt` before its first change.
    UnsetTimes,
    /// Searches of the Meitner API ignore comparisons of times.
    IgnoredTimes,
    /// The Meitner API lists no deletions.
    SilentDeletions,
}

/// The number of records on a capped page.
const CAP: usize = 7;

/// The member that no field names.
pub(super) const UNNAMED: &str = "sandboxUnnamed";

impl Variation {
    /// All variations, each with its value for `--vary`.
    pub const ALL: [(Variation, &str); 12] = [
        (Variation::CappedPages, "capped-pages"),
        (Variation::OtherFirst, "other-first"),
        (Variation::AbsentMembers, "absent-members"),
        (Variation::NullMembers, "null-members"),
        (Variation::UnnamedMembers, "unnamed-members"),
        (Variation::ShuffledRecords, "shuffled-records"),
        (Variation::PageTotals, "page-totals"),
        (Variation::StrictMembers, "strict-members"),
        (Variation::FrozenTimes, "frozen-times"),
        (Variation::UnsetTimes, "unset-times"),
        (Variation::IgnoredTimes, "ignored-times"),
        (Variation::SilentDeletions, "silent-deletions"),
    ];

    /// Returns whether the variation applies to a built-in API and not to described ones.
    pub fn is_of_built_in(self) -> bool {
        matches!(
            self,
            Variation::StrictMembers
                | Variation::FrozenTimes
                | Variation::UnsetTimes
                | Variation::IgnoredTimes
                | Variation::SilentDeletions
        )
    }

    /// Changes the description of the API before the first request.
    pub(super) fn describe(self, api: &mut Description) {
        if let (Variation::OtherFirst, Some(lookup)) = (self, &mut api.lookup)
            && let Paging::Offset { first, .. } | Paging::Page { first, .. } = &mut lookup.paging
        {
            *first = usize::from(*first == 0);
        }
    }

    /// Returns additional members of a record before the first request, by JSON pointer.
    pub(super) fn more(
        self,
        api: &Description,
        record: &Value,
        number: usize,
    ) -> Vec<(String, Value)> {
        match self {
            Variation::UnnamedMembers => vec![
                (format!("/{UNNAMED}/number"), number.into()),
                (format!("/{UNNAMED}/a~1b"), Value::Array(vec![])),
            ],
            Variation::NullMembers => {
                let places = api.fields.iter().map(|field| api.place(field));
                // Elements of lists are not added.
                let is_member = |place: &String| !place.is_empty() && list_of(place).is_none();
                places
                    .filter(|place| is_member(place) && record.pointer(place).is_none())
                    .map(|place| (place, Value::Null))
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// Reorders the records of a look-up.
    pub(super) fn order<T>(self, found: &mut [T], asked: u64) {
        if self == Variation::ShuffledRecords && !found.is_empty() {
            let length = found.len();
            // The order depends only on the number of the request, so runs are reproducible.
            let by = usize::try_from(asked).unwrap_or(0).wrapping_mul(17) % length;
            found.rotate_left(by);
            if asked % 2 == 1 {
                found.reverse();
            }
        }
    }

    /// Returns the size of a page for which `size` records are requested.
    pub(super) fn page_size(self, size: usize) -> usize {
        match self {
            Variation::CappedPages => size.min(CAP),
            _ => size,
        }
    }

    /// Returns the total that a page reports, given its own number of records.
    pub(super) fn total(self, total: usize, page: usize) -> usize {
        match self {
            Variation::PageTotals => page,
            _ => total,
        }
    }

    /// Changes a record before it is returned.
    pub(super) fn shown(self, record: &mut Value) {
        if self == Variation::AbsentMembers {
            drop_nulls(record);
        }
    }
}

fn drop_nulls(value: &mut Value) {
    if let Value::Object(members) = value {
        members.values_mut().for_each(drop_nulls);
        members.retain(|_, value| !value.is_null() && *value != Value::Object(Map::new()));
    }
}

impl fmt::Display for Variation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Variation::ALL.iter().find(|(own, _)| own == self);
        f.write_str(named.map_or("", |(_, name)| name))
    }
}

impl FromStr for Variation {
    type Err = String;

    fn from_str(text: &str) -> Result<Variation, String> {
        let named = Variation::ALL.iter().find(|(_, name)| *name == text);
        named.map(|(variation, _)| *variation).ok_or_else(|| {
            let names = Variation::ALL.map(|(_, name)| name);
            format!("it is one of {}", names.join(", "))
        })
    }
}
