//! Columns of a header are mapped to the fields of a target.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::error::MapError;
use super::names::{PROTECTED, headers_for, is_protected, known_names, name_key, nearest, within};
use super::result_column::{RESULT_COLUMNS, ResultColumn};
use crate::l10n::{Language, say};
use crate::read::{column_letters, fold_header};
use crate::targets::{FieldSpec, TargetSpec};

/// The user's options for the columns.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct MapOptions {
    /// Column to field, by their names; an empty field ignores the column.
    pub overrides: Vec<(String, String)>,
    /// The columns that a config file names, each with where it stands there.
    #[serde(skip)]
    pub configured: BTreeMap<String, String>,
    /// Whether what a row lacks is taken from its record, so that the file needs no column but a
    /// key's.
    #[serde(default)]
    pub sparse: bool,
    /// Whether the file is known to hold results, so that a single column of theirs is no column of
    /// the user's own.
    #[serde(default)]
    pub of_results: bool,
    /// Whether rows about protected persons are sent, so that their marking may be ignored.
    #[serde(skip)]
    pub is_released: bool,
}

/// Which column holds which field.
#[derive(Debug, Clone)]
pub struct ColumnMap {
    header: Vec<String>,
    /// By field: the column that holds it.
    columns: Vec<Option<usize>>,
    unknown: Vec<usize>,
    /// Columns without a header that were not mapped by the user.
    nameless: Vec<usize>,
    of_results: bool,
    /// The column that holds the code of what was wrong with each row, in a results file.
    error_code: Option<usize>,
    /// The column of a results file that holds the number which the row had in its first file.
    line: Option<usize>,
    /// The column of a results file that holds each row's state.
    state: Option<usize>,
    /// The columns that mark persons as protected.
    protected: Vec<usize>,
    /// Columns that a row is to have: in a results file, those that a spreadsheet added for a row
    /// with too many cells are none.
    width: usize,
    /// Columns that a row must have: as many as there are up to the last that has a name.
    least: usize,
}

impl ColumnMap {
    /// Finds each field's column in `header`.
    ///
    /// # Errors
    /// When a required field has no column, two columns hold one field, or an override names a
    /// column or a field that does not exist.
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
            error_code: None,
            line: None,
            state: None,
            protected: Vec::new(),
            width: header.len(),
            least: 0,
        };
        let names_of_columns = column_names(header);
        let overrides = resolve_overrides(&names_of_columns, spec, options)?;
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
                None => names.get(&name_key(name)).copied(),
            };
            match field {
                Some(field) => {
                    map.header[column].clone_from(&names_of_columns[column]);
                    map.claim(field, column, spec)?;
                }
                None if is_protected => map.protected.push(column),
                None if RESULT_COLUMNS.contains(&folded.as_str()) => {
                    map.of_results = true;
                    let is = |ours: ResultColumn| folded == ours.name();
                    if is(ResultColumn::ErrorCode) {
                        map.error_code = Some(column);
                    } else if is(ResultColumn::Line) {
                        map.line = Some(column);
                    } else if is(ResultColumn::Status) {
                        map.state = Some(column);
                    }
                }
                None if overrides.contains_key(&column) => {}
                None if folded.is_empty() => map.nameless.push(column),
                None => map.unknown.push(column),
            }
        }
        let ours = |name: &String| RESULT_COLUMNS.contains(&fold_header(name).as_str());
        let mut ours = (1..).zip(header).filter(|(_, name)| ours(name));
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
            // What is not there at all is taken from the record; what is misspelt is a mistake.
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

    /// The column that holds `field`, both by position.
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

    /// What the user calls a field: the header of its column, or its own name where it has none.
    pub fn name_of<'a>(&'a self, spec: &'a TargetSpec, field: usize) -> &'a str {
        let header = self.column(field).map(|column| self.header(column));
        header.unwrap_or_else(|| spec.fields[field].name())
    }

    /// The code of the language that the header of a field's column is written in; none where it is the
    /// field's own name, or the API's.
    pub fn language_of<'a>(&self, field: &'a FieldSpec, column: usize) -> Option<&'a str> {
        language_of(field, self.header(column))
    }

    /// The kind of key that the header of the key's column names, if a field without a column says which kind
    /// the keys are of: the header, the field and its choice. `NameID` names a choice of which it is a synonym.
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

    /// How many columns a row may have.
    pub fn width(&self) -> usize {
        self.width
    }

    /// How many columns a row must have: a spreadsheet leaves out empty cells below no header.
    pub fn least(&self) -> usize {
        self.least
    }

    /// Whether the file has the columns of an earlier run's results.
    pub fn is_of_results(&self) -> bool {
        self.of_results
    }

    /// The column of a results file that holds each row's error code.
    pub fn error_code_column(&self) -> Option<usize> {
        self.error_code
    }

    /// The column of a results file that holds the number which the row had in its first file.
    pub fn line_column(&self) -> Option<usize> {
        self.line
    }

    /// The columns that mark persons as protected.
    pub fn protected(&self) -> &[usize] {
        &self.protected
    }

    /// The column of a results file that holds each row's state.
    pub fn state_column(&self) -> Option<usize> {
        self.state
    }

    /// The columns that a results file adds to those of a roster.
    pub fn result_columns(&self) -> Vec<usize> {
        let is_ours = |column: &usize| {
            let name = fold_header(&self.header[*column]);
            RESULT_COLUMNS.contains(&name.as_str())
        };
        (0..self.header.len()).filter(is_ours).collect()
    }

    /// The headers that are not fields, without surrounding space.
    pub fn unknown(&self) -> impl Iterator<Item = &str> {
        self.unknown.iter().map(|&column| self.header(column))
    }

    /// The positions of the columns that are not fields, from 1.
    pub fn unknown_at(&self) -> impl Iterator<Item = usize> {
        self.unknown.iter().map(|column| column + 1)
    }

    /// The columns that are not fields, by position, those without a header included.
    pub fn free_columns(&self) -> impl Iterator<Item = usize> + '_ {
        self.unknown.iter().chain(&self.nameless).copied()
    }
}

/// What the user calls each column: its header without surrounding space, or its letters where it has none. Letters
/// that are another column's header stand in brackets.
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

/// What a column is taken for, without being told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guess {
    /// The field, by position, whose name or alias the header is.
    pub field: Option<usize>,
    /// Where it is none's, the field whose name it may be a misspelling of.
    pub near: Option<usize>,
    /// Whether it marks persons as protected.
    pub is_protected: bool,
}

/// The columns whose headers say that they mark persons as protected.
pub fn protected_columns(header: &[String]) -> Vec<usize> {
    let columns = header.iter().enumerate();
    let marks = columns.filter(|(_, name)| is_protected(&name_key(name)));
    marks.map(|(column, _)| column).collect()
}

/// What each column is taken for by its header.
pub fn guesses(header: &[String], spec: &TargetSpec) -> Vec<Guess> {
    let names = known_names(spec);
    let of_ours = |name: &str| RESULT_COLUMNS.contains(&name);
    let found: Vec<Option<usize>> = header
        .iter()
        .map(|name| names.get(&name_key(name)).copied())
        .collect();
    let is_free = |field: usize| !found.contains(&Some(field));
    header
        .iter()
        .map(|name| {
            let folded = fold_header(name);
            let field = names.get(&name_key(name)).copied();
            let is_protected = field.is_none() && is_protected(&name_key(name));
            let may_be =
                field.is_none() && !is_protected && !folded.is_empty() && !of_ours(&folded);
            Guess {
                field,
                is_protected,
                near: may_be
                    .then(|| nearest(name, &names).or_else(|| within(name, &names, is_free)))
                    .flatten()
                    .map(|(_, near)| near),
            }
        })
        .collect()
}

/// The code of the language in which `header` names a field; none where it is the field's own name, or
/// the API's.
pub fn language_of<'a>(field: &'a FieldSpec, header: &str) -> Option<&'a str> {
    let header = name_key(header);
    let is_it = |name: &String| name_key(name) == header;
    let mut languages = field.aliases.iter();
    let found = languages.find(|(_, names)| names.iter().any(is_it));
    found.map(|(language, _)| language.as_str())
}

/// What the user makes of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decided {
    /// It holds this field, by position.
    Field(usize),
    /// It marks persons as protected.
    Protected,
    /// It is not imported.
    Ignored,
}

fn resolve_overrides(
    header: &[String],
    spec: &TargetSpec,
    options: &MapOptions,
) -> Result<HashMap<usize, Decided>, MapError> {
    let mut decided = HashMap::new();
    for (column, field) in &options.overrides {
        // Two headers may differ by a separator alone.
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
            // A target may have a field of this name.
            PROTECTED if spec.field(PROTECTED).is_none() => Decided::Protected,
            name => Decided::Field(field_named(spec, name)?),
        };
        decided.insert(position, field);
    }
    Ok(decided)
}

/// The position of the field that the user calls `name`: its own name or the API's.
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
    fn a_column_is_found_by_name_alias_or_the_apis_own_name() {
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
    fn a_header_of_the_key_may_say_of_which_kind_the_keys_are() {
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
        // The rows say it themselves.
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
    fn a_column_that_cannot_be_set_is_refused_by_its_position() {
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
    fn a_file_whose_records_are_read_needs_a_key_and_no_misspelt_column() {
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
    fn a_results_file_is_known_by_two_of_its_columns() {
        let mut header = vec![" Import_Row ", "Import_Line", "import_error_code"];
        header.extend(NEEDED);
        header.extend(["Klass", "", ""]);
        let of_results = map(&header, &[]).unwrap();
        assert!(of_results.is_of_results());
        assert_eq!(of_results.line_column(), Some(1));
        assert_eq!(of_results.error_code_column(), Some(2));
        // Columns without a name were added for a row with too many cells.
        assert_eq!((of_results.width(), of_results.least()), (8, 8));
        assert_eq!(of_results.unknown_at().collect::<Vec<_>>(), [8]);

        let of_user = map(&header[3..], &[]).unwrap();
        assert!(!of_user.is_of_results());
        assert_eq!((of_user.width(), of_user.least()), (7, 5));
        assert_eq!(
            (of_user.line_column(), of_user.error_code_column()),
            (None, None)
        );

        // A single one may be a column of the user's own.
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
        assert_eq!(known.error_code_column(), Some(0));
    }

    #[test]
    fn a_column_without_a_header_is_called_by_its_letters() {
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
    fn a_field_is_called_as_in_the_file_in_the_language_of_its_header() {
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
    fn a_column_is_guessed_by_its_name_or_by_one_that_is_nearly_it() {
        let header = ["Postnummer", "Personnumer", "", "import_row", "Klass"];
        let mut spec = targets::load("meitner").unwrap();
        // A column of the results is nobody's misspelling.
        let aliases = vec!["Import rows".to_owned()];
        field_mut(&mut spec, "gender")
            .aliases
            .insert("en".to_owned(), aliases);
        let header: Vec<String> = header.iter().map(|&name| name.into()).collect();
        let guess = |field, near| Guess {
            field,
            near,
            is_protected: false,
        };
        assert_eq!(
            guesses(&header, &spec),
            [
                guess(spec.field("postal_code"), None),
                guess(None, spec.field("identity_number")),
                guess(None, None),
                guess(None, None),
                guess(None, None),
            ]
        );
        let options = MapOptions {
            sparse: true,
            ..MapOptions::default()
        };
        let header = ["id", "Köön", "Klass", "E-postt"];
        let map = map_with(&header, |_| (), &options).unwrap();
        let header = header.map(String::from);
        let near = guesses(&header, &spec).into_iter().map(|guess| guess.near);
        assert_eq!(
            near.collect::<Vec<_>>(),
            [
                None,
                spec.field("gender"),
                None,
                spec.field("email_address1")
            ]
        );
        assert_eq!(map.unknown_at().collect::<Vec<_>>(), [2, 3, 4]);
        // A header with the words of a field is offered for it, unless another column has the field.
        let near = |header: &[&str]| {
            let header: Vec<String> = header.iter().map(|&name| name.into()).collect();
            guesses(&header, &spec).last().unwrap().near
        };
        assert_eq!(near(&["id", "Efternamn elev"]), spec.field("last_name"));
        assert_eq!(near(&["Efternamn", "Efternamn elev"]), None);
    }

    #[test]
    fn a_missing_column_is_named_with_what_was_found_and_what_was_likely_meant() {
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
    fn two_columns_for_one_field_are_an_error_and_can_be_told_apart() {
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
        // Of two headers that differ only by a separator, a third spelling matches neither.
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
