//! Maps the columns of a header to the fields of a target.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::error::MapError;
use super::guess::{language_of, named_fields};
use super::names::{PROTECTED, headers_for, is_protected, known_names, name_key, nearest};
use super::result_column::{ResultColumn, is_ours};
use crate::l10n::{Language, say};
use crate::read::{column_letters, fold_header};
use crate::targets::{FieldSpec, TargetSpec};

/// The user's options for the columns.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct MapOptions {
    /// The fields of columns, both by name. An empty field name ignores the column.
    pub overrides: Vec<(String, String)>,
    /// The columns that a config file names, with their locations in that file.
    #[serde(skip)]
    pub configured: BTreeMap<String, String>,
    /// Whether missing values are taken from the record, so that the file requires only a key column.
    #[serde(default)]
    pub sparse: bool,
    /// Whether the file is known to be a results file. A single column with a result name is then not treated
    /// as the user's.
    #[serde(default)]
    pub of_results: bool,
    /// Whether rows about protected persons are sent, so that a protection column may be ignored.
    #[serde(skip)]
    pub is_released: bool,
}

/// The mapping from a file's columns to a target's fields.
#[derive(Debug, Clone)]
pub struct ColumnMap {
    header: Vec<String>,
    /// The column of each field, by field position.
    columns: Vec<Option<usize>>,
    unknown: Vec<usize>,
    /// Columns without a header that were not mapped by the user.
    nameless: Vec<usize>,
    of_results: bool,
    /// The positions of the columns that a results file adds, by [`ResultColumn`].
    results: [Option<usize>; ResultColumn::ALL.len()],
    /// The columns that mark protected persons.
    protected: Vec<usize>,
    /// The number of columns that a row should have. In a results file it excludes columns that a spreadsheet
    /// added for rows with too many cells.
    width: usize,
    /// The minimum number of columns in a row: up to the last column that has a header.
    least: usize,
}

impl ColumnMap {
    /// Maps the columns of `header` to fields. Fails if a required field has no column, two columns hold one
    /// field, or an override names an unknown column or field.
    pub fn new(
        header: &[String],
        spec: &TargetSpec,
        options: &MapOptions,
    ) -> Result<ColumnMap, MapError> {
        let names = known_names(spec);
        let mut map = ColumnMap {
            header: header.iter().map(|name| tidy(name)).collect(),
            columns: vec![None; spec.fields.len()],
            unknown: Vec::new(),
            nameless: Vec::new(),
            of_results: false,
            results: [None; ResultColumn::ALL.len()],
            protected: Vec::new(),
            width: header.len(),
            least: 0,
        };
        let names_of_columns = column_names(header);
        let overrides = resolve_overrides(&names_of_columns, spec, options)?;
        let guesses = named_fields(header, &names);
        // A header in another form gives way to the user's decision about another column.
        let is_decided = |field: usize| {
            let mut decided = overrides.values();
            decided.any(|decided| matches!(decided, Decided::Field(own) if *own == field))
        };
        for (column, name) in header.iter().enumerate() {
            let folded = fold_header(name);
            let is_marking = is_protected(&name_key(name)) && !names.contains_key(&name_key(name));
            let is_protected = match overrides.get(&column) {
                Some(Decided::Protected) => true,
                Some(_) if is_marking && !options.is_released => {
                    return Err(MapError::Protected {
                        column: map.header[column].clone(),
                        at: column + 1,
                    });
                }
                Some(_) => false,
                None => is_marking,
            };
            let field = match overrides.get(&column) {
                Some(Decided::Field(field)) => Some(*field),
                Some(Decided::Ignored | Decided::Protected) => None,
                None => guesses[column]
                    .field
                    .filter(|field| !guesses[column].is_other_form || !is_decided(*field)),
            };
            match (field, ResultColumn::of(&folded)) {
                (Some(field), _) => {
                    map.header[column].clone_from(&names_of_columns[column]);
                    map.claim(field, column, spec)?;
                }
                (None, _) if is_protected => map.protected.push(column),
                (None, Some(ours)) => {
                    map.of_results = true;
                    map.results[ours as usize] = Some(column);
                }
                (None, None) if overrides.contains_key(&column) => {}
                (None, None) if folded.is_empty() => map.nameless.push(column),
                (None, None) => map.unknown.push(column),
            }
        }
        let mut ours = (1..).zip(header).filter(|(_, name)| is_ours(name));
        if let (Some((at, lone)), None, false) = (ours.next(), ours.next(), options.of_results) {
            let column = tidy(lone);
            return Err(MapError::ResultColumn { column, at });
        }
        let named = map.header.iter().rposition(|name| !name.is_empty());
        map.least = named.map_or(0, |last| last + 1);
        if map.of_results {
            map.width = map.least;
            map.nameless.retain(|column| *column < map.least);
        }
        map.require(spec, &names, options.sparse)?;
        Ok(map)
    }

    fn claim(&mut self, field: usize, column: usize, spec: &TargetSpec) -> Result<(), MapError> {
        let declared = &spec.fields[field];
        if declared.read_only || declared.constant.is_some() {
            return Err(MapError::ReadOnly {
                column: self.header[column].clone(),
                field: declared.declared(),
                at: column + 1,
                target: spec.name.clone(),
            });
        }
        if let Some(first) = self.columns[field] {
            return Err(MapError::TwoColumns {
                field: spec.fields[field].declared(),
                at: (first + 1, column + 1),
                first: self.header[first].clone(),
                second: self.header[column].clone(),
            });
        }
        self.columns[field] = Some(column);
        Ok(())
    }

    fn require(
        &self,
        spec: &TargetSpec,
        names: &HashMap<String, usize>,
        sparse: bool,
    ) -> Result<(), MapError> {
        let keys = spec.keys();
        let has_key = keys.iter().any(|key| self.columns[*key].is_some());
        let fields = spec.fields.iter().zip(&self.columns);
        let mut lacking: Vec<&FieldSpec> = fields
            .filter(|(field, column)| field.required && field.default.is_none() && column.is_none())
            .map(|(field, _)| field)
            .collect();
        let any_key = sparse && !has_key;
        if any_key {
            lacking = keys.iter().map(|key| &spec.fields[*key]).collect();
        } else if sparse {
            // Missing columns are filled from the record; misspelt ones are errors.
            let meant = |field: &FieldSpec| {
                let near = |column: &usize| nearest(&self.header[*column], names);
                let mut near = self.unknown.iter().filter_map(near);
                near.any(|(_, other)| spec.fields[other].name() == field.name())
            };
            lacking.retain(|field| meant(field));
        }
        if lacking.is_empty() {
            return Ok(());
        }
        let needed = lacking
            .iter()
            .map(|field| {
                let (first, others) = headers_for(field, Language::spoken());
                say().map_or(first, others.join(", "))
            })
            .collect();
        let suggestions = self
            .unknown
            .iter()
            .filter_map(|&column| {
                let (name, field) = nearest(&self.header[column], names)?;
                Some(say().map_did_you_mean(
                    self.header[column].as_str(),
                    name,
                    spec.fields[field].name(),
                ))
            })
            .collect();
        Err(MapError::Missing {
            one_is_enough: any_key,
            needed,
            fields: lacking.iter().map(|field| field.declared()).collect(),
            found: self.header.clone(),
            suggestions,
        })
    }

    /// The column of `field`, both by position.
    pub fn column(&self, field: usize) -> Option<usize> {
        self.columns.get(field).copied().flatten()
    }

    /// The header of `column`, without surrounding space.
    pub fn header(&self, column: usize) -> &str {
        self.header.get(column).map_or("", String::as_str)
    }

    /// The headers of all columns, without surrounding space.
    pub(super) fn headers(&self) -> &[String] {
        &self.header
    }

    /// A field's name in the file: the header of its column, or the field's own name without a column.
    pub fn name_of<'a>(&'a self, spec: &'a TargetSpec, field: usize) -> &'a str {
        let header = self.column(field).map(|column| self.header(column));
        header.unwrap_or_else(|| spec.fields[field].name())
    }

    /// The language code of a column's header. Returns `None` if the header is the field's own or API name.
    pub fn language_of<'a>(&self, field: &'a FieldSpec, column: usize) -> Option<&'a str> {
        language_of(field, self.header(column))
    }

    /// The kind of key that the key column's header names, if a field without a column distinguishes kinds of
    /// keys: the header, the field and its choice. `NameID` matches a choice of which it is a synonym.
    pub fn kind_of_key<'a>(&'a self, spec: &'a TargetSpec) -> Option<(&'a str, &'a str, &'a str)> {
        let key = spec.key_field()?;
        let header = self.header(self.column(key)?);
        let joined = |text: &str| name_key(text).replace(' ', "");
        let named = joined(header);
        let others = spec.path_fields().filter_map(|name| spec.field(name));
        let mut others = others.filter(|field| *field != key && self.column(*field).is_none());
        others.find_map(|field| {
            let field = &spec.fields[field];
            let mut kinds = field.synonyms.iter();
            let (choice, _) = kinds.find(|(choice, words)| {
                joined(choice) == named || words.iter().any(|word| joined(word) == named)
            })?;
            Some((header, field.name(), choice.as_str()))
        })
    }

    /// The maximum number of columns in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The minimum number of columns in a row. Spreadsheets omit trailing empty cells without a header.
    pub fn least(&self) -> usize {
        self.least
    }

    /// Whether the file has the columns of an earlier run's results.
    pub fn is_of_results(&self) -> bool {
        self.of_results
    }

    /// The position of a column that a results file adds.
    pub fn result_column(&self, column: ResultColumn) -> Option<usize> {
        self.results[column as usize]
    }

    /// The columns that mark protected persons.
    pub fn protected(&self) -> &[usize] {
        &self.protected
    }

    /// The columns that a results file adds to those of a roster.
    pub fn result_columns(&self) -> Vec<usize> {
        let is_ours = |column: &usize| is_ours(&self.header[*column]);
        (0..self.header.len()).filter(is_ours).collect()
    }

    /// The headers that match no field, without surrounding space.
    pub fn unknown(&self) -> impl Iterator<Item = &str> {
        self.unknown.iter().map(|&column| self.header(column))
    }

    /// The positions, from 1, of the columns that match no field.
    pub fn unknown_at(&self) -> impl Iterator<Item = usize> {
        self.unknown.iter().map(|column| column + 1)
    }

    /// The columns that match no field, by position, including those without a header.
    pub fn free_columns(&self) -> impl Iterator<Item = usize> + '_ {
        self.unknown.iter().chain(&self.nameless).copied()
    }
}

/// The names of columns: the header without surrounding space, or the column letters without a header.
/// Letters that are also another column's header are put in parentheses.
pub fn column_names(header: &[String]) -> Vec<String> {
    let headers: HashSet<String> = header.iter().map(|name| fold_header(name)).collect();
    let name = |(column, header): (usize, &String)| {
        if !fold_header(header).is_empty() {
            return tidy(header);
        }
        let mut letters = column_letters(column);
        while headers.contains(&fold_header(&letters)) {
            letters = format!("({letters})");
        }
        letters
    };
    header.iter().enumerate().map(name).collect()
}

/// The user's decision about a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decided {
    /// The column holds this field, by position.
    Field(usize),
    /// The column marks protected persons.
    Protected,
    /// The column is not imported.
    Ignored,
}

fn resolve_overrides(
    header: &[String],
    spec: &TargetSpec,
    options: &MapOptions,
) -> Result<HashMap<usize, Decided>, MapError> {
    let mut decided = HashMap::new();
    for (column, field) in &options.overrides {
        // Exact matches take precedence, because two headers may differ only by a separator.
        let exactly = header
            .iter()
            .position(|name| fold_header(name) == fold_header(column));
        // Two similar headers are ambiguous.
        let alike = || {
            let is_alike = |at: &usize| name_key(&header[*at]) == name_key(column);
            let mut alike = (0..header.len()).filter(is_alike);
            alike.next().filter(|_| alike.next().is_none())
        };
        let position = exactly.or_else(alike).ok_or_else(|| MapError::NoColumn {
            column: column.clone(),
            config: options.configured.get(column).cloned(),
            found: header.join(", "),
        })?;
        let field = match field.trim() {
            "" => Decided::Ignored,
            // A target may have a field named `protected`.
            PROTECTED if spec.field(PROTECTED).is_none() => Decided::Protected,
            name => Decided::Field(field_named(spec, name)?),
        };
        decided.insert(position, field);
    }
    Ok(decided)
}

/// The position of the field with this name, which may be the API's name.
pub(crate) fn field_named(spec: &TargetSpec, name: &str) -> Result<usize, MapError> {
    known_names(spec)
        .get(&name_key(name))
        .copied()
        .ok_or_else(|| MapError::NoField {
            field: name.to_owned(),
            target: spec.name.clone(),
            known: spec.fields.iter().map(FieldSpec::declared).collect(),
        })
}

fn tidy(name: &str) -> String {
    name.trim_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}' || c == '\u{200B}')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets;

    fn map(header: &[&str], overrides: &[(&str, &str)]) -> Result<ColumnMap, MapError> {
        let header: Vec<String> = header.iter().map(|&name| name.into()).collect();
        let options = MapOptions {
            overrides: overrides
                .iter()
                .map(|&(column, field)| (column.into(), field.into()))
                .collect(),
            ..MapOptions::default()
        };
        ColumnMap::new(&header, &targets::load("meitner").unwrap(), &options)
    }

    const NEEDED: [&str; 4] = ["id", " PERSONNUMMER ", "firstName", "Efternamn"];

    #[test]
    fn a_column_matches_a_field_name_alias_or_api_name() {
        let mut header = NEEDED.to_vec();
        header.extend([
            "address.postalCode",
            "E-post",
            "Klass",
            "import_row",
            "import_status",
        ]);
        let map = map(&header, &[]).unwrap();
        let spec = targets::load("meitner").unwrap();
        let column = |name| map.column(spec.field(name).unwrap());
        assert_eq!(column("identity_number"), Some(1));
        assert_eq!(column("first_name"), Some(2));
        assert_eq!(column("postal_code"), Some(4));
        assert_eq!(column("email_address1"), Some(5));
        assert_eq!(column("gender"), None);
        assert_eq!(map.unknown().collect::<Vec<_>>(), ["Klass"]);
    }

    #[test]
    fn the_key_columns_header_may_name_the_kind_of_key() {
        let spec = targets::load("pathwright").unwrap();
        let of = |header: &[&str]| {
            let header: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
            let map = ColumnMap::new(&header, &spec, &MapOptions::default()).unwrap();
            let found = map.kind_of_key(&spec);
            found.map(|(header, field, choice)| format!("{header}: {field}={choice}"))
        };
        for header in ["NameID", "Name ID", "SAML NameID"] {
            let expected = format!("{header}: integration=saml2");
            assert_eq!(of(&[header, "First"]), Some(expected));
        }
        assert_eq!(of(&["Student ID", "First"]), None);
        // The rows have a column that states the kind.
        assert_eq!(of(&["NameID", "integration"]), None);
    }

    fn map_with(
        header: &[&str],
        change: impl Fn(&mut TargetSpec),
        options: &MapOptions,
    ) -> Result<ColumnMap, MapError> {
        let header: Vec<String> = header.iter().map(|&name| name.into()).collect();
        let mut spec = targets::load("meitner").unwrap();
        change(&mut spec);
        ColumnMap::new(&header, &spec, options)
    }

    fn field_mut<'a>(spec: &'a mut TargetSpec, name: &str) -> &'a mut FieldSpec {
        let index = spec.field(name).unwrap();
        &mut spec.fields[index]
    }

    #[test]
    fn a_column_for_a_read_only_field_is_an_error_with_its_position() {
        let mut header = NEEDED.to_vec();
        header.extend(["Klass", " Kön "]);
        let gender = |change: fn(&mut FieldSpec)| {
            let options = MapOptions::default();
            map_with(&header, |spec| change(field_mut(spec, "gender")), &options)
        };
        assert!(gender(|_| ()).is_ok());
        let changes: [fn(&mut FieldSpec); 2] = [
            |field| field.read_only = true,
            |field| field.constant = Some("Other".to_owned()),
        ];
        for change in changes {
            let error = gender(change).unwrap_err();
            assert_eq!(error.fact().numbers().column, Some(6));
            assert_eq!(
                error.to_string(),
                "the column \"Kön\" contains gender, which is read-only in meitner; ignore it with --map \"Kön=\""
            );
        }
    }

    #[test]
    fn a_required_field_needs_no_column_if_it_has_a_default() {
        let header = ["id", "Personnummer", "Efternamn"];
        let options = MapOptions::default();
        let error = map_with(&header, |_| (), &options).unwrap_err();
        assert_eq!(error.fact().names().as_deref(), Some("first_name"));
        let with_default = |spec: &mut TargetSpec| {
            field_mut(spec, "first_name").default = Some("-".to_owned());
        };
        assert!(map_with(&header, with_default, &options).is_ok());
    }

    #[test]
    fn a_sparse_file_requires_a_key_column_and_no_misspelt_headers() {
        let options = MapOptions {
            sparse: true,
            ..MapOptions::default()
        };
        let map = |header: &[&str]| map_with(header, |_| (), &options);
        for header in [
            &["id"][..],
            &["E-post", "Klass"],
            &["Elevnummer", "Förnamn"],
        ] {
            assert!(map(header).is_ok(), "{header:?}");
        }
        let error = map(&["Förnamn", "Klass"]).unwrap_err();
        assert_eq!(error.fact().code().as_str(), "map.no_key");
        let keys =
            "id, identity_number, external_source_id, email_address1, edu_person_principal_name";
        assert_eq!(error.fact().names().as_deref(), Some(keys));
        let error = map(&["id", "Förnamm", "Klass"]).unwrap_err();
        assert_eq!(error.fact().code().as_str(), "map.missing");
        assert_eq!(error.fact().names().as_deref(), Some("first_name"));
        let text = error.to_string();
        assert!(
            text.contains("\"Förnamm\": did you mean \"Förnamn\" (first_name)?"),
            "{text}"
        );
    }

    #[test]
    fn two_result_columns_identify_a_results_file() {
        let mut header = vec![" Import_Row ", "Import_Line", "import_error_code"];
        header.extend(NEEDED);
        header.extend(["Klass", "", ""]);
        let of_results = map(&header, &[]).unwrap();
        assert!(of_results.is_of_results());
        assert_eq!(of_results.result_column(ResultColumn::Line), Some(1));
        assert_eq!(of_results.result_column(ResultColumn::ErrorCode), Some(2));
        // Columns without a header were added for a row with too many cells.
        assert_eq!((of_results.width(), of_results.least()), (8, 8));
        assert_eq!(of_results.unknown_at().collect::<Vec<_>>(), [8]);

        let of_user = map(&header[3..], &[]).unwrap();
        assert!(!of_user.is_of_results());
        assert_eq!((of_user.width(), of_user.least()), (7, 5));
        assert_eq!(
            (
                of_user.result_column(ResultColumn::Line),
                of_user.result_column(ResultColumn::ErrorCode)
            ),
            (None, None)
        );

        // A single result column may be the user's own.
        let lone = &header[2..];
        let error = map(lone, &[]).unwrap_err();
        assert_eq!(error.fact().numbers().column, Some(1));
        assert!(
            error.to_string().contains("\"import_error_code\""),
            "{error}"
        );
        let options = MapOptions {
            of_results: true,
            ..MapOptions::default()
        };
        let known = map_with(lone, |_| (), &options).unwrap();
        assert_eq!(known.result_column(ResultColumn::ErrorCode), Some(0));
    }

    #[test]
    fn a_column_without_a_header_is_named_by_its_letters() {
        let header = ["id", "", "B", " ", "(d)", "d", "\u{200B}"].map(str::to_owned);
        let names = ["id", "(B)", "B", "((D))", "(d)", "d", "G"];
        assert_eq!(column_names(&header), names);

        let mut header = NEEDED.to_vec();
        header.extend(["", "B", ""]);
        let map = |said: &[_]| map(&header, said).unwrap();
        let spec = targets::load("meitner").unwrap();
        let email = spec.field("email_address1").unwrap();
        let free = |map: &ColumnMap| map.free_columns().collect::<Vec<_>>();
        assert_eq!(free(&map(&[])), [5, 4, 6]);
        assert_eq!(free(&map(&[("e", "")])), [5, 6]);
        let mapped = map(&[("E", "email_address1")]);
        assert_eq!((mapped.column(email), free(&mapped)), (Some(4), vec![5, 6]));
        assert_eq!(mapped.name_of(&spec, email), "E");
    }

    #[test]
    fn fields_are_named_by_their_headers_with_the_headers_language() {
        let header = [
            "id",
            "Personal identity number",
            "firstName",
            "\u{FEFF}Efternamn\u{200B} ",
        ];
        let map = map(&header, &[]).unwrap();
        let spec = targets::load("meitner").unwrap();
        for (name, called, language) in [
            ("id", "id", None),
            ("identity_number", "Personal identity number", Some("en")),
            ("first_name", "firstName", None),
            ("last_name", "Efternamn", Some("sv")),
        ] {
            let index = spec.field(name).unwrap();
            assert_eq!(map.name_of(&spec, index), called);
            let column = map.column(index).unwrap();
            assert_eq!(
                map.language_of(&spec.fields[index], column),
                language,
                "{name}"
            );
        }
        let gender = spec.field("gender").unwrap();
        assert_eq!(map.name_of(&spec, gender), "gender");
    }

    #[test]
    fn a_missing_column_error_lists_found_headers_and_a_suggestion() {
        let text = map(&["id", "Personnumer", "Förnamn", "Efternamn"], &[])
            .unwrap_err()
            .to_string();
        for part in [
            "identity_number",
            "Personnummer",
            "found: id, Personnumer",
            "did you mean",
        ] {
            assert!(text.contains(part), "{part} not in {text}");
        }
    }

    #[test]
    fn two_columns_for_one_field_are_an_error_unless_one_is_remapped() {
        let mut header = NEEDED.to_vec();
        header.extend(["Mobil", "Mobiltelefon"]);
        let text = map(&header, &[]).unwrap_err().to_string();
        assert!(
            text.contains("\"Mobil\"") && text.contains("\"Mobiltelefon\""),
            "{text}"
        );
        let positions = map(&header, &[]).unwrap_err().fact().numbers();
        assert_eq!(
            (positions.column, positions.other_column),
            (Some(5), Some(6))
        );
        assert!(map(&header, &[("Mobiltelefon", "")]).is_ok());
        assert!(map(&header, &[("mobil", "phone_number2")]).is_ok());
        // If two headers differ only by a separator, a third spelling matches neither.
        let mut alike = NEEDED.to_vec();
        alike.extend(["Tel-nr", "Tel_nr"]);
        let fit = |column| map(&alike, &[(column, "phone_number1")]);
        assert!(fit("Tel nr").is_err());
        assert!(fit("Tel_nr").is_ok());
        alike.pop();
        assert!(map(&alike, &[("Tel nr", "phone_number1")]).is_ok());
        assert!(
            map(&NEEDED, &[("Mobil", "gender")])
                .unwrap_err()
                .to_string()
                .contains("\"Mobil\", which the file does not have; its columns: id, PERSONNUMMER")
        );
        assert!(
            map(&NEEDED, &[("id", "shoe")])
                .unwrap_err()
                .to_string()
                .contains("\"shoe\" does not exist in the target meitner; its fields: id, identity_number, first")
        );
    }
}
