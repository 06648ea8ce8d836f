//! API field names are translated to the user's column names.

use std::collections::HashMap;

use crate::check::Checker;
use crate::l10n::Message;
use crate::model::Problem;

/// The user's names of the fields that an API names in its errors.
pub struct Vocabulary {
    /// The API's names of a field to the field's own name and the header of its column.
    headers: HashMap<String, (String, String)>,
}

impl Vocabulary {
    pub fn new(checker: &Checker) -> Vocabulary {
        let mut headers = HashMap::new();
        for (index, field) in checker.spec().fields.iter().enumerate() {
            if checker.map().column(index).is_none() {
                continue;
            }
            let header = checker.name_of(index);
            let names = std::iter::once(field.name().to_owned()).chain(field.pointer.names());
            // A header with the field's own name matches as well as the API's name.
            for name in names.filter(|name| header != field.name() || name == header) {
                let ours = || (field.name().to_owned(), header.to_owned());
                headers.entry(name).or_insert_with(ours);
            }
        }
        Vocabulary { headers }
    }

    /// Splits an API's message into problems with their columns: an error response with several members is flattened
    /// to `name: text; name: text`.
    pub fn problems(&self, code: &str, message: &str) -> Vec<Problem> {
        let names = |clause: &str| {
            let (name, _) = clause.split_once(": ")?;
            self.headers.get(name)
        };
        let ends = message.match_indices("; ").map(|(end, _)| end);
        let ends = ends.filter(|end| names(&message[end + 2..]).is_some());
        let mut clauses = Vec::new();
        let mut start = 0;
        for end in ends {
            clauses.push(&message[start..end]);
            start = end + 2;
        }
        clauses.push(&message[start..]);
        let problem = |clause: &str| {
            let named = names(clause).zip(clause.split_once(": "));
            match named {
                None => Problem::of_row(code.to_owned(), Message::verbatim(self.explain(clause))),
                Some(((field, header), (name, text))) => Problem {
                    column: header.clone(),
                    field: field.clone(),
                    api_name: (name != header).then(|| name.into()),
                    ..Problem::of_row(code.to_owned(), Message::verbatim(self.explain(text)))
                },
            }
        };
        clauses.into_iter().map(problem).collect()
    }

    /// Adds the user's name before the first mention of each field: `Kön (gender): …`. A name that is also an English
    /// word counts only before a colon.
    fn explain(&self, message: &str) -> String {
        let mut text = String::with_capacity(message.len());
        let mut told: Vec<&str> = Vec::new();
        let mut rest = message;
        while !rest.is_empty() {
            let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
            let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            let name = word.trim_end_matches('.');
            let is_name = name.contains(|c: char| c.is_ascii_uppercase() || "_.".contains(c))
                && name.starts_with(|c: char| c.is_ascii_lowercase());
            let header = self.headers.get(name).filter(|(_, header)| header != name);
            match header.filter(|_| (is_name || after.starts_with(':')) && !told.contains(&name)) {
                Some((_, header)) => {
                    told.push(name);
                    text.push_str(&format!("{header} ({name}){}", &word[name.len()..]));
                }
                None => text.push_str(word),
            }
            let next = after.find(is_part).unwrap_or(after.len());
            text.push_str(&after[..next]);
            rest = &after[next..];
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::tests::{Desk, SCHOOL};

    #[test]
    fn a_message_names_the_column_and_once_the_field() {
        let headers = [
            ("email", "email"),
            ("gender", "Kön"),
            ("first_name", "Förnamn"),
            ("firstName", "Förnamn"),
        ];
        let of =
            |(name, header): (&str, &str)| (name.to_owned(), (name.to_owned(), header.to_owned()));
        let headers = headers.map(of);
        let vocabulary = Vocabulary {
            headers: HashMap::from(headers),
        };
        for (message, explained) in [
            (
                "first_name: This field may not be blank.; gender: no",
                "Förnamn (first_name): This field may not be blank.; Kön (gender): no",
            ),
            (
                "firstName is wrong, firstName again",
                "Förnamn (firstName) is wrong, firstName again",
            ),
            ("no gender given", "no gender given"),
            ("ogiltig längd å ä ö", "ogiltig längd å ä ö"),
            ("", ""),
        ] {
            let problems = vocabulary.problems("http.400", message);
            assert_eq!(Problem::join(&problems), explained);
        }
    }

    #[test]
    fn a_problem_has_the_column_of_the_field_that_the_api_names() {
        let target = SCHOOL.replace("\"/name\"", "\"/fullName\"");
        for header in ["name", "fullName"] {
            let desk = Desk::at(&target, &format!("id,{header},email\np1,Bo,b@x.se\n"));
            let prepared = desk.prepared();
            let vocabulary = Vocabulary::new(&prepared.checker);
            let message = "fullName: bad; email: taken";
            let problems = vocabulary.problems("http.400", message);
            assert_eq!(Problem::join(&problems), message);
            let columns = problems.iter().map(|one| one.column.as_str());
            let is_own = header == "name";
            let first = if is_own { "" } else { header };
            assert_eq!(columns.collect::<Vec<_>>(), [first, "email"]);
        }
    }
}
