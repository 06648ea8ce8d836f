//! Converts cells to values of their fields, within the limits of the target.

use serde_json::Value as Json;

use super::cell::{Content, Form, content, no_value, undecodable};
use super::checker::Checker;
use super::column::{Column, Empty};
use super::fault::{Checked, Fault, Notes, refuse};
use super::kinds::Choices;
use super::leftovers::{self, NoValue};
use super::severity::is_doubt;
use crate::l10n::message;
use crate::model::{Problem, Value};
use crate::read::{Cell, RawRow};
use crate::targets::{FieldSpec, Kind, Place, Separator};

/// Checks of single cells.
impl Checker {
    /// Runs the full check of a cell and stores its value in `into`.
    pub(super) fn check_cell<'a>(
        &self,
        column: &Column,
        row: &RawRow<'a>,
        into: &mut Option<Value<'a>>,
        notes: &mut Notes,
    ) -> Result<(), Fault> {
        let field = &self.spec.fields[column.field];
        let text = match row.cell(column.column) {
            Some(Cell::Text(text)) => text,
            Some(Cell::Undecodable(bytes)) => return Err(undecodable(bytes)),
            None => "",
        };
        let content = match field.is_list() {
            false => content(text, column.form, notes)?,
            true => {
                // Each value is checked separately.
                let mut whole = Notes::default();
                let found = content(text, Form::Lines, &mut whole)?;
                notes.restored.extend(whole.restored);
                found
            }
        };
        *into = match content {
            Content::Text(text) => Some(self.value_of(column, row, text, notes)?),
            Content::Restored(text) => Some(self.value_of(column, row, &text, notes)?.into_owned()),
            Content::Empty => match column.empty {
                Empty::Default => {
                    let default = field.default.as_deref().unwrap_or_default();
                    Some(self.of_target(field, column.choices.as_ref(), default)?)
                }
                Empty::Nothing => None,
                Empty::Cleared => Some(Value::Null),
                Empty::Missing => {
                    return refuse("required.empty", message::cell_required());
                }
            },
            Content::Clear if field.nullable => Some(Value::Null),
            Content::Clear => {
                return refuse("null.not_allowed", message::cell_null_not_allowed());
            }
        };
        Ok(())
    }

    /// Converts a cell's text to a value.
    fn value_of<'a>(
        &self,
        column: &Column,
        row: &RawRow<'_>,
        text: &'a str,
        notes: &mut Notes,
    ) -> Checked<'a> {
        let field = &self.spec.fields[column.field];
        if !field.is_list() {
            return self.one_of(column, row, text, notes);
        }
        let items = field.values_in(text);
        let count = items.clone().count();
        if count == 0 {
            return Err(no_value(text));
        }
        let mut values = Vec::with_capacity(count);
        for (number, item) in (1_u64..).zip(items) {
            let value = match content(item, column.form, notes) {
                Ok(Content::Text(text)) => self.one_of(column, row, text, notes),
                Ok(Content::Restored(text)) => {
                    let value = self.one_of(column, row, &text, notes);
                    value.map(Value::into_owned)
                }
                Ok(Content::Empty) => continue,
                Ok(Content::Clear) => Err(no_value(item)),
                Err(fault) => Err(fault),
            };
            let value = value.map_err(|fault| match count {
                1 => self.perhaps_several(field, item).unwrap_or(fault),
                _ => {
                    let fault = fault.into_inner();
                    let message = message::cell_list_item(number, count as u64, fault.message);
                    Fault::new(fault.code, message)
                }
            })?;
            if !values.contains(&value) {
                values.push(value);
            }
        }
        if count == 1 {
            notes.doubts.extend(self.perhaps_several(field, text));
        }
        Ok(Value::List(values))
    }

    /// The problem of a list item that seems to contain a different separator than the field's.
    fn perhaps_several(&self, field: &FieldSpec, item: &str) -> Option<Fault> {
        let own = field.separator().character();
        let mut others = Separator::ALL.iter().map(|other| other.character());
        let found = others.find(|other| *other != own && item.contains(*other))?;
        let message = message::cell_list_separator(item, found.to_string(), own.to_string());
        Some(Fault::new("list.separator", message))
    }

    /// Checks a value of the target file: a default or a constant.
    pub(super) fn of_target(
        &self,
        field: &FieldSpec,
        choices: Option<&Choices>,
        text: &str,
    ) -> Checked<'static> {
        let one = |text: &str| {
            let value = self.of_kind(field, choices, text, &|_| None, &mut None);
            value.map(Value::into_owned)
        };
        match field.is_list() {
            true => {
                let values: Result<_, Fault> = field.values_in(text).map(one).collect();
                values.map(Value::List)
            }
            false => one(text),
        }
    }

    /// Converts a single value or list item.
    fn one_of<'a>(
        &self,
        column: &Column,
        row: &RawRow<'_>,
        text: &'a str,
        notes: &mut Notes,
    ) -> Checked<'a> {
        let field = &self.spec.fields[column.field];
        // Surrounding space from a formula is significant only in text.
        let kind = field.value_kind();
        let text = match kind {
            Kind::Text => text,
            _ => text.trim(),
        };
        if field.place == Place::Path && matches!(text, "." | "..") {
            return refuse("text.dots", message::cell_dots(text));
        }
        let other = |name: &str| self.other_cell(name, row);
        let mut repaired = None;
        let checked = self.of_kind(field, column.choices.as_ref(), text, &other, &mut repaired);
        let takes_any = kind == Kind::Phone && self.spec.region.is_none();
        if (checked.is_err() || takes_any)
            && kind != Kind::Text
            && leftovers::no_value(text).is_some_and(|word| word != NoValue::Phrase)
        {
            return Err(no_value(text));
        }
        let value = match checked {
            Err(fault) if is_doubt(fault.code, field.free_text) => {
                notes.doubts.push(fault);
                Value::Text(text)
            }
            checked => checked?,
        };
        notes.restored.extend(repaired);
        notes.doubts.extend(self.second_thought(field, &value));
        self.within_limits(column, field, &value)?;
        Ok(value)
    }

    /// Checks the limits that the target sets in addition to the kind.
    pub(super) fn within_limits(
        &self,
        column: &Column,
        field: &FieldSpec,
        value: &Value<'_>,
    ) -> Result<(), Fault> {
        let text = value.as_text();
        let length = text.chars().count();
        if let Some(most) = field.max_length.filter(|most| length > *most) {
            return refuse("length.too_long", message::length_too_long(length, most));
        }
        if let Some(least) = field.min_length.filter(|least| length < *least) {
            return refuse(
                "length.too_short",
                message::length_too_short(text, length, least),
            );
        }
        if column
            .pattern
            .as_ref()
            .is_some_and(|pattern| !pattern.is_match(&text))
        {
            let form = field.pattern.as_deref().unwrap_or_default();
            return refuse("pattern.mismatch", message::pattern_mismatch(text, form));
        }
        let name = field.name();
        let is_guarded = field.guarded.iter().any(|value| *value == text);
        if is_guarded && !self.is_allowed(name, &text) {
            return refuse("guarded.not_allowed", message::guarded_value(text, name));
        }
        Ok(())
    }

    /// Whether the user has allowed this value for a guarded field.
    fn is_allowed(&self, name: &str, value: &str) -> bool {
        let mut allowed = self.options.allowed.iter();
        allowed.any(|(field, allowed)| field == name && allowed == value)
    }

    /// The problem of a change that removes a guarded value without the user's permission.
    pub fn lowered(&self, field: usize, before: &Json, to: &Json) -> Option<Problem> {
        let spec = &self.spec.fields[field];
        let name = spec.name();
        let was = self.normalised(field, before);
        let problem = |value: &str, message| Problem {
            column: self.name_of(field).to_owned(),
            field: name.to_owned(),
            value: value.to_owned(),
            ..Problem::of_row("guarded.not_allowed", message)
        };
        if let Json::Array(items) = &was {
            let stays = |item: &str| match to {
                Json::Array(items) => items.iter().any(|one| one.as_str() == Some(item)),
                other => other.as_str() == Some(item),
            };
            let was = items.iter().filter_map(Json::as_str).find(|item| {
                let is_guarded = spec.guarded.iter().any(|one| one == item);
                is_guarded && !stays(item) && !self.is_allowed(name, item)
            })?;
            return Some(problem(was, message::guarded_removed(was, name)));
        }
        let was = was
            .as_str()
            .filter(|was| spec.guarded.iter().any(|one| one == was))?;
        let text = to.as_str().unwrap_or_default();
        if was == text || self.is_allowed(name, text) {
            return None;
        }
        let message = match text {
            "" => message::guarded_cleared(was),
            text => message::guarded_lowered(was, text, name),
        };
        Some(problem(text, message))
    }
}

#[cfg(test)]
mod tests {
    use crate::check::tests::{Roster, target};

    #[test]
    fn the_kind_and_the_limits_determine_the_check() {
        let spec = target(&[
            ("name", "kind = \"text\"\nnullable = true"),
            ("bio", "kind = \"text\"\nlines = true"),
            (
                "code",
                "kind = \"text\"\nmin_length = 2\nmax_length = 3\npattern = \"[a-zå]+\"",
            ),
            ("day", "kind = \"date\""),
            ("role", "kind = \"text\"\nguarded = [\"admin\", \"owner\"]"),
            ("mail", "kind = \"email\""),
            ("other_mail", "kind = \"email\"\nfree_text = true"),
            ("mobile", "kind = \"phone\""),
            ("town", "kind = \"municipality_code\""),
            ("points", "kind = \"integer\"\ndefault = \"3\""),
        ]);
        for (field, cell, expected, value) in [
            ("name", "Anna", "", "\"Anna\""),
            ("name", "=\"\"&\" x\"", "~text.formula", "\" x\""),
            ("name", "<null>", "", "null"),
            ("name", "..", "?text.no_value", "\"..\""),
            ("name", "NULL", "?text.no_value", "\"NULL\""),
            ("name", "OKÄND", "?text.no_value", "\"OKÄND\""),
            ("name", "DBNull DBNull", "text.no_value", "-"),
            ("bio", "<null>", "null.not_allowed", "-"),
            ("bio", "a\nb", "", "\"a\\nb\""),
            ("name", "a\nb", "?text.line_break", "\"a\\nb\""),
            ("code", "abc", "", "\"abc\""),
            ("code", "åäö", "pattern.mismatch", "-"),
            ("code", "ååå", "", "\"ååå\""),
            ("code", "ab", "", "\"ab\""),
            ("code", "a", "length.too_short", "-"),
            ("code", "abcd", "length.too_long", "-"),
            ("code", "abC", "pattern.mismatch", "-"),
            ("day", "NULL", "text.no_value", "-"),
            (
                "day",
                "=\"\"&\" 2010-04-02\"",
                "~text.formula",
                "\"2010-04-02\"",
            ),
            ("day", "x", "date.format", "-"),
            ("role", "admin", "guarded.not_allowed", "-"),
            ("role", "owner", "", "\"owner\""),
            ("role", "user", "", "\"user\""),
            ("mail", "anna@", "email.no_domain", "-"),
            ("other_mail", "anna@", "?email.no_domain", "\"anna@\""),
            ("other_mail", "N/A", "text.no_value", "-"),
            ("mobile", "846500400", "?phone.no_prefix", "\"846500400\""),
            (
                "mobile",
                "701740605",
                "~phone.leading_zero",
                "\"+46701740605\"",
            ),
            ("mobile", "-", "text.no_value", "-"),
            ("town", "0199", "?municipality_code.unknown", "\"0199\""),
            ("town", "0184", "", "\"0184\""),
            ("points", "", "", "3"),
            ("points", "7", "", "7"),
        ] {
            let cell = format!("\"{}\"", cell.replace('"', "\"\""));
            let roster = Roster::with(&spec, &format!("id;{field}\n1;{cell}\n"), |options| {
                let allowed = [("role", "owner"), ("name", "admin"), ("role", "x")];
                options.allowed = allowed.map(|(a, b)| (a.into(), b.into())).into();
            });
            let at = spec.field(field).unwrap();
            let says = roster.each(|_, row| {
                let value = row.values[at].as_ref();
                value.map_or("-".to_owned(), |value| value.to_json().to_string())
            });
            assert_eq!(roster.found(), [expected], "{field} {cell}");
            assert_eq!(says, [value], "{field} {cell}");
        }
    }

    #[test]
    fn each_list_item_is_checked_separately() {
        let list = |keys: &str| format!("kind = \"list\"\nmode = \"replace\"\n{keys}");
        let ids = list("items = \"uuid\"\nnullable = true");
        let tags = list(
            "items = \"text\"\nseparator = \",\"\nmax_length = 4\nguarded = [\"vip\"]\ndefault = \"a,b\"",
        );
        let spec = target(&[
            ("ids", &ids),
            ("tags", &tags),
            ("mails", &list("items = \"email\"\nseparator = \"|\"")),
            ("words", &list("items = \"text\"")),
            ("codes", &list("items = \"municipality_code\"")),
            (
                "kinds",
                &list("items = \"choice\"\nchoices = [\"A\", \"B\"]"),
            ),
            ("days", &list("items = \"date\"\npast = true")),
        ]);
        let (one, two) = (
            "0be85103-97b1-435f-af10-712babf0d299",
            "1be85103-97b1-435f-af10-712babf0d299",
        );
        let both = format!("[\"{one}\",\"{two}\"]");
        for (field, cell, expected, value) in [
            ("ids", one, "", &*format!("[\"{one}\"]")),
            ("ids", &format!("{one};{two}"), "", &both),
            ("ids", &format!(" {one} ;; {two}; "), "", &both),
            ("ids", &format!("{one}\n{two}\r\n{one}"), "", &both),
            (
                "ids",
                &format!("{{{}}};{two}", one.to_uppercase()),
                "",
                &both,
            ),
            ("ids", &format!("{one};x"), "uuid.format", "-"),
            ("ids", &format!("{one},{two}"), "list.separator", "-"),
            ("ids", "", "", "-"),
            ("ids", "<null>", "", "null"),
            ("ids", &format!("{one};<null>"), "text.no_value", "-"),
            ("ids", ";", "text.no_value", "-"),
            ("tags", "a, b ,c", "", "[\"a\",\"b\",\"c\"]"),
            ("tags", "=\"a,b\"", "~text.formula", "[\"a\",\"b\"]"),
            ("tags", "a;b", "?list.separator", "[\"a;b\"]"),
            ("tags", "a,b;c", "", "[\"a\",\"b;c\"]"),
            ("tags", "a,vip", "guarded.not_allowed", "-"),
            ("tags", "a,abcde", "length.too_long", "-"),
            ("tags", "", "", "[\"a\",\"b\"]"),
            ("tags", "<null>", "null.not_allowed", "-"),
            ("mails", "a@x.se|b@x.se", "", "[\"a@x.se\",\"b@x.se\"]"),
            ("mails", "a@x.se|b@", "email.no_domain", "-"),
            ("mails", "a@x.se;b@x.se", "list.separator", "-"),
            ("words", "NULL;b", "?text.no_value", "[\"NULL\",\"b\"]"),
            (
                "codes",
                "184;0380",
                "~municipality_code.leading_zero",
                "[\"0184\",\"0380\"]",
            ),
            ("kinds", "a;B", "", "[\"A\",\"B\"]"),
            ("kinds", "a;C", "choice.unknown", "-"),
            (
                "days",
                "2010-04-02;20110402",
                "",
                "[\"2010-04-02\",\"2011-04-02\"]",
            ),
            ("days", "2010-04-02;2099-01-01", "date.future", "-"),
        ] {
            let cell = format!("\"{}\"", cell.replace('"', "\"\""));
            let roster = Roster::of(&spec, &format!("id;{field}\n1;{cell}\n"));
            let at = spec.field(field).unwrap();
            let says = roster.each(|_, row| {
                let value = row.values[at].as_ref();
                value.map_or("-".to_owned(), |value| value.to_json().to_string())
            });
            assert_eq!(roster.found(), [expected], "{field} {cell}");
            assert_eq!(says, [value], "{field} {cell}");
        }
        let roster = Roster::of(&spec, &format!("id;ids\n1;\"{one};x\"\n"));
        let told = roster.each(|_, row| row.problems[0].message.to_string());
        assert!(told[0].starts_with("value 2 of 2: "), "{told:?}");
        let constant = target(&[(
            "tags",
            "kind = \"list\"\nmode = \"replace\"\nitems = \"integer\"\nconstant = \"1;2\"",
        )]);
        let roster = Roster::of(&constant, "id\n1\n");
        let says = roster.each(|_, row| {
            row.values[1]
                .as_ref()
                .map(|value| value.to_json().to_string())
        });
        assert_eq!(says, [Some("[1,2]".to_owned())]);
    }

    #[test]
    fn dots_are_refused_in_a_path() {
        let roster = Roster::of(&target(&[]), "id\n..\n.\n...\n1\n");
        assert_eq!(
            roster.found(),
            ["text.dots", "text.dots", "?text.no_value", ""]
        );
    }

    #[test]
    fn a_phone_without_a_region_refuses_placeholders() {
        let fields = [
            ("mobile", "kind = \"phone\""),
            ("group", "kind = \"choice\"\nchoices = [\"None\"]"),
        ];
        let mut spec = (*target(&fields)).clone();
        spec.region = None;
        let text = "id;mobile;group\n1;nil;\n2;x;\n3;;None\n4;; None\n";
        let roster = Roster::of(&spec.into(), text);
        assert_eq!(roster.found(), ["text.no_value", "", "", ""]);
    }

    #[test]
    fn a_test_number_is_doubtful_in_production() {
        let spec = target(&[("number", "kind = \"identity_number\"")]);
        for (production, expected) in [(false, ""), (true, "?identity_number.test")] {
            let text = "id;number\n1;20170101-2393\n2;201701012393\n";
            let roster = Roster::with(&spec, text, |options| options.production = production);
            assert_eq!(roster.found(), [expected; 2]);
        }
    }

    #[test]
    fn the_rows_country_determines_the_postal_code_format() {
        let spec = target(&[
            ("zip", "kind = \"postal_code\"\ncountry_from = \"country\""),
            ("country", "kind = \"country\""),
        ]);
        for (header, cells, expected) in [
            ("zip;country", "1234;DK", ""),
            ("zip;country", "1234;Danmark", ""),
            ("zip;country", "1234;SE", "postal_code.format"),
            ("zip;country", "1234;", "postal_code.format"),
            ("zip;country", "169 56;DK", ""),
            ("zip", "1234", "?postal_code.unusual"),
        ] {
            let roster = Roster::of(&spec, &format!("id;{header}\n1;{cells}\n"));
            assert_eq!(roster.found(), [expected], "{cells}");
        }
    }
}
