//! Accepts plain cells with a fast check before the full check.

use super::checker::Checker;
use super::column::{Column, Empty, Glance};
use crate::model::Value;

impl Checker {
    /// Whether the fast check accepts a cell; if so, its value is stored in `into`. The value always equals
    /// that of the full check.
    #[inline(always)]
    pub(super) fn at_a_glance<'a>(
        &self,
        column: &Column,
        text: &'a str,
        into: &mut Option<Value<'a>>,
    ) -> bool {
        if text.is_empty() {
            let says_nothing = column.empty == Empty::Nothing;
            if says_nothing {
                *into = None;
            }
            return says_nothing;
        }
        let Glance {
            kind: Some(kind),
            longest,
            ..
        } = column.glance
        else {
            return false;
        };
        if text.len() > longest {
            return false;
        }
        self.plain_of_kind(kind, column, text, into)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, LazyLock};

    use super::*;
    use crate::check::CheckOptions;
    use crate::check::cell::{Content, content};
    use crate::check::fault::Notes;
    use crate::check::tests::{Roster, target};
    use crate::map::{ColumnMap, MapOptions};
    use crate::read::{Input, ReadError, ReadOptions};
    use crate::targets::{FieldSpec, Kind, Place};

    #[test]
    fn test_numbers_get_the_full_check_in_production() {
        let (real, played) = (checker("meitner", true), checker("meitner", false));
        let is_seen = |checker: &Checker, number: &'static str| {
            let is_number =
                |column: &&Column| checker.spec.fields[column.field].kind == Kind::IdentityNumber;
            let column = checker.columns.iter().find(is_number).unwrap();
            checker.at_a_glance(column, number, &mut None)
        };
        // A number from Skatteverket's list of test numbers, and another number.
        assert!(!is_seen(&real, "20170101-2393") && is_seen(&played, "20170101-2393"));
        assert!(!is_seen(&real, "201701012393") && is_seen(&played, "201701012393"));
        assert!(is_seen(&real, "19811218-9876") && is_seen(&real, "198112189876"));
    }

    #[test]
    fn a_choice_in_a_path_gets_the_full_check() {
        let spec = crate::targets::load("meitner").unwrap();
        let mut field = spec.fields[spec.field("gender").unwrap()].clone();
        assert!(Glance::of(&field).kind.is_some());
        field.place = Place::Path;
        assert!(Glance::of(&field).kind.is_none(), "it may be two dots");
    }

    /// A checker for a file with a column for each field of a built-in target.
    fn checker(target: &str, production: bool) -> Checker {
        let spec = Arc::new(crate::targets::load(target).unwrap());
        let fields = spec.fields.iter().filter(|field| !field.read_only);
        let names: Vec<&str> = fields.map(FieldSpec::name).collect();
        let names = names.join(";");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("roster.csv");
        std::fs::write(
            &path,
            format!("{names}\n{}\n", names.replace(|c| c != ';', "x")),
        )
        .unwrap();
        let input = Input::open(&path, &ReadOptions::default()).unwrap();
        input
            .scan(|_| (), |()| Ok::<bool, ReadError>(true))
            .unwrap();
        let map = ColumnMap::new(input.header(), &spec, &MapOptions::default()).unwrap();
        let mut options = CheckOptions::new(jiff::civil::date(2026, 8, 1));
        options.production = production;
        Checker::new(spec, Arc::new(map), options)
    }

    /// Texts that are valid, or almost valid, in some kind of column.
    const TEXTS: &str = "[ =#<]?[A-Za-zåäöÅÄÖéüÂÃ¥ .+-]{0,12}[ ]?\
        |[0-9]{4}-?[01][0-9]-?[0-9]{2}(-?(23[0-9][0-9]|98[89][0-9]|999[0-9]|T[0-9]{3}))?\
        |[+]?(46|0)7[0-9]( ?-?[0-9]{2,3}){3,4}[ -]{0,2}\
        |[a-z]{0,3}[._+-]?[a-z]{1,3}@[a-z]{1,4}[.-]{0,2}[a-z]{1,3}\
        |[0-9]{2,3} ?[0-9]{2}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\
        |[a-z]{0,3}[?&%=@$(\\\\+*][A-Za-z0-9;]{0,5}|'[0-9A-Za-z]{1,4}'?|[+]?[0-9]{1,5}[.,]0\
        |NULL|Null|nan|None|N/A|nil|undefined( undefined)?|System[.]Object|Err:502|-|--|S&ouml;ren\
        |[A-Za-z0-9]{1,4}(\u{200B}|\u{A0}|\u{2013}|\u{202F}|\u{FF0D}|\u{AD})[A-Za-z0-9]{0,4}\
        |[0-9]{1,3}[ ,.][0-9]{3}|[0-9]{1,3} ?%\
        |Sverige|SWE|SE|Kvinna|man|Male|Other|SANT|falskt|J|0|<null>|0184|0199|1480|1,2E[+]11";

    proptest::proptest! {
        /// The fast check agrees with the full check, which has no findings.
        #[test]
        fn the_fast_check_agrees_with_the_full_check(text in TEXTS) {
            static CHECKERS: LazyLock<[Checker; 2]> =
                LazyLock::new(|| [checker("meitner", true), checker("pathwright", false)]);
            for checker in CHECKERS.iter() {
                for column in &checker.columns {
                    let mut seen = None;
                    if text.is_empty() || !checker.at_a_glance(column, &text, &mut seen) {
                        continue;
                    }
                    let field = &checker.spec.fields[column.field];
                    let mut notes = Notes::default();
                    let found = content(&text, column.form, &mut notes).unwrap();
                    proptest::prop_assert_eq!(found, Content::Text(&text), "{}", field.name());
                    let mut repaired = None;
                    for temporary in [None, Some("ja")] {
                        let choices = column.choices.as_ref();
                        let other = |_: &str| temporary.map(str::to_owned);
                        let value = checker.of_kind(field, choices, &text, &other, &mut repaired);
                        let value = value.unwrap();
                        proptest::prop_assert_eq!(seen.as_ref(), Some(&value), "{}", field.name());
                        proptest::prop_assert!(checker.second_thought(field, &value).is_none());
                        proptest::prop_assert!(checker.within_limits(column, field, &value).is_ok());
                    }
                    proptest::prop_assert!(repaired.is_none() && notes.is_empty(), "{}", field.name());
                }
            }
        }
    }

    #[test]
    fn the_fast_check_accepts_plain_cells_of_each_kind() {
        let value = |text: &str| Some(Value::Rewritten(text.into()));
        for (target, field, text, expected) in [
            ("meitner", "country_code", "SWE", value("SWE")),
            ("meitner", "country_code", "Sverige", value("SWE")),
            ("meitner", "country_code", "NOR", None),
            ("meitner", "country_code", "Norge", None),
            (
                "meitner",
                "phone_number1",
                "070-174 06 05",
                value("+46701740605"),
            ),
            ("meitner", "phone_number1", "08-465 004 00", None),
            ("pathwright", "phone_number", "070-174 06 05", None),
            (
                "meitner",
                "date_of_birth",
                "2026-08-01",
                value("2026-08-01"),
            ),
            ("meitner", "date_of_birth", "2026-08-02", None),
            ("meitner", "gender", "Kvinna", value("Female")),
            ("meitner", "gender", "Vet ej", None),
            (
                "meitner",
                "identity_temporary",
                "nej",
                Some(Value::Bool(false)),
            ),
            ("meitner", "identity_temporary", "x", None),
            ("meitner", "first_name", "Anna", value("Anna")),
            ("meitner", "first_name", "", None),
            ("meitner", "first_name", "NULL", None),
        ] {
            let checker = checker(target, false);
            let field = checker.spec.field(field).unwrap();
            let column = checker.columns.iter().find(|column| column.field == field);
            let mut seen = None;
            let is_seen = checker.at_a_glance(column.unwrap(), text, &mut seen);
            let seen = seen.map(Value::into_owned);
            assert_eq!((is_seen, &seen), (expected.is_some(), &expected), "{text}");
        }
    }

    #[test]
    fn the_fast_check_enforces_length_and_date_limits() {
        let spec = target(&[
            ("short", "kind = \"text\"\nmax_length = 3"),
            ("day", "kind = \"date\""),
        ]);
        let roster = Roster::of(&spec, "id;short;day\n1;a;2026-08-01\n");
        let sees = |column: usize, text: &str| {
            let column = &roster.checker.columns[column];
            let mut seen = Some(Value::Null);
            let is_seen = roster.checker.at_a_glance(column, text, &mut seen);
            (is_seen, seen.map(Value::into_owned))
        };
        let text = |text: &str| (true, Some(Value::Rewritten(text.into())));
        assert_eq!(sees(1, "abc"), text("abc"));
        assert_eq!(sees(1, "abcd"), (false, Some(Value::Null)));
        assert_eq!(sees(1, ""), (true, None), "it says nothing");
        assert_eq!(sees(2, "2099-01-01"), text("2099-01-01"));
    }
}
