//! Reads the structure of Office Open XML packages.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};

use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;
use zip::result::ZipError;

use super::constructs::{Constructs, attribute};
use super::sheet_limits::{MAX_METADATA, MAX_TAGS, Trouble};
use super::source::temporary;
use crate::l10n::say;
use crate::model::Code;

type Archive<'a> = ZipArchive<BufReader<&'a File>>;

/// The content of an Office Open XML package (ECMA-376, part 2).
pub(super) enum Office {
    Workbook(Package),
    /// Another kind of document.
    Other(Code),
}

/// The parts of a workbook. Names have no leading slash, use `/` between folders, and are lower-case.
#[derive(Debug)]
pub(super) struct Package {
    /// The main part, which references the others.
    pub(super) main: String,
    /// The sheets' parts in the workbook's order; empty for a sheet without a part.
    pub(super) sheets: Vec<String>,
    /// Whether all formulas are recalculated on opening. Results of 0 then count as missing.
    pub(super) recalculates: bool,
    /// Parts that calamine expects under other names: the index in the archive, and the expected name.
    renamed: Vec<(usize, String)>,
}

/// A relationship of a part.
struct Relationship {
    kind: String,
    target: String,
}

/// Reads a package's main part. Returns `None` if the archive is not a package.
pub(super) fn look_at(archive: &mut Archive<'_>) -> Result<Option<Office>, Trouble> {
    let names = names_of(archive);
    let Some(root) = relationships(archive, &names, "_rels/.rels")? else {
        if names.contains_key("xl/workbook.xml") {
            return Err(Trouble::Workbook(
                say().workbook_part_missing("_rels/.rels"),
            ));
        }
        return Ok(None);
    };
    let is_main = |of: &&Relationship| of.kind.ends_with("/relationships/officeDocument");
    let Some(target) = root.values().find(is_main).map(|of| of.target.clone()) else {
        return Ok(None);
    };
    let main = tidy(&target);
    if main.ends_with(".bin") {
        return Ok(Some(Office::Other(Code::KindXlsb)));
    }
    let (folder, name) = match target.trim_start_matches('/').rsplit_once('/') {
        Some((folder, name)) => (format!("{folder}/"), name.to_owned()),
        None => (String::new(), target.clone()),
    };
    let mut sheets = Vec::new();
    let mut recalculates = false;
    let mut root_element = None;
    let found = each_tag(archive, &names, &main, |tag| {
        let local = tag.local_name();
        match local.as_ref() {
            "sheet" => sheets.push(relation_of(tag)),
            "calcPr" => {
                let said = attribute(tag, "fullCalcOnLoad");
                recalculates = said.is_some_and(|said| said == "1" || said == "true");
            }
            _ => {}
        }
        root_element.get_or_insert_with(|| local.as_ref().to_owned());
    })?;
    if !found {
        return Err(Trouble::Workbook(say().workbook_part_missing(main)));
    }
    match root_element.as_deref() {
        Some("workbook") => {}
        Some("document") => return Ok(Some(Office::Other(Code::KindWord))),
        Some("presentation") => return Ok(Some(Office::Other(Code::KindPresentation))),
        _ => return Ok(None),
    }
    let own = relationships(archive, &names, &format!("{folder}_rels/{name}.rels"))?;
    let own = own.unwrap_or_default();
    let mut renamed = Vec::new();
    // calamine expects these names, and finds the other parts by relationship.
    let mut find = |of: &Relationship, asked: String| {
        let part = part_of(&folder, &of.target);
        if let Some(&index) = names.get(&part)
            && tidy(&asked) != part
        {
            renamed.push((index, asked.clone()));
            return tidy(&asked);
        }
        part
    };
    for of in own.values() {
        match of.kind.rsplit('/').next() {
            Some("styles") => drop(find(of, format!("{folder}styles.xml"))),
            Some("sharedStrings") => drop(find(of, format!("{folder}sharedStrings.xml"))),
            _ => {}
        }
    }
    let mut part = |id: &String| {
        let of = own.get(id)?;
        let asked = match of.target.strip_prefix('/') {
            Some(whole) => whole.to_owned(),
            None => format!("{folder}{}", of.target),
        };
        Some(find(of, asked))
    };
    let sheets = sheets.iter().map(|id| part(id).unwrap_or_default());
    Ok(Some(Office::Workbook(Package {
        sheets: sheets.collect(),
        main,
        recalculates,
        renamed,
    })))
}

impl Package {
    /// Copies the archive with the names that calamine expects. Returns `None` if no part must be renamed.
    pub(super) fn renamed(&self, archive: &mut Archive<'_>) -> Result<Option<File>, Trouble> {
        if self.renamed.is_empty() {
            return Ok(None);
        }
        let file = temporary()?;
        let mut copy = zip::ZipWriter::new(file);
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index).map_err(Trouble::of)?;
            let name = entry.name().map_err(Trouble::of)?.into_owned();
            let new = self.renamed.iter().find(|(at, _)| *at == index);
            let is_taken = |(_, new): &&(usize, String)| tidy(new) == tidy(&name);
            if new.is_none() && self.renamed.iter().any(|entry| is_taken(&entry)) {
                return Err(Trouble::Workbook(say().workbook_two_parts(name)));
            }
            let name = new.map_or(name, |(_, name)| name.clone());
            copy.raw_copy_file_rename(entry, name).map_err(of_copy)?;
        }
        copy.finish().map(Some).map_err(of_copy)
    }

    /// The index of the sheet that this part belongs to.
    pub(super) fn place_of(&self, name: &str) -> Option<usize> {
        let name = tidy(name);
        self.sheets.iter().position(|sheet| *sheet == name)
    }

    /// Whether calamine holds a part of this name in memory as a whole.
    pub(super) fn is_metadata(&self, name: &str) -> bool {
        let folder = self.main.rfind('/').map_or(0, |at| at + 1);
        let (folder, main) = self.main.split_at(folder);
        name == self.main
            || name == "_rels/.rels"
            || name.strip_prefix(folder).is_some_and(|name| {
                ["styles.xml", "theme/theme1.xml"].contains(&name)
                    || name.strip_prefix("_rels/") == Some(&format!("{main}.rels"))
            })
    }

    /// Whether a part of this name holds the shared strings.
    pub(super) fn is_texts(&self, name: &str) -> bool {
        let folder = self.main.rfind('/').map_or(0, |at| at + 1);
        name.strip_prefix(&self.main[..folder]) == Some("sharedstrings.xml")
    }
}

/// Converts an error of copying an archive. A full disk is not a fault of the workbook.
fn of_copy(error: ZipError) -> Trouble {
    use ErrorKind::{QuotaExceeded, StorageFull};
    match error {
        ZipError::Io(error) if matches!(error.kind(), StorageFull | QuotaExceeded) => error.into(),
        error => Trouble::of(error),
    }
}

/// Normalizes a part's name for comparison.
pub(super) fn tidy(name: &str) -> String {
    let name = name.replace('\\', "/").to_ascii_lowercase();
    name.trim_start_matches('/').to_owned()
}

/// The name of the part that a relationship in this folder references.
fn part_of(folder: &str, target: &str) -> String {
    let whole = match target.starts_with('/') {
        true => target.to_owned(),
        false => format!("{folder}{target}"),
    };
    let mut path: Vec<&str> = Vec::new();
    let whole = tidy(&whole);
    for step in whole.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(path.pop()),
            step => path.push(step),
        }
    }
    path.join("/")
}

/// The indexes of an archive's parts by name.
fn names_of(archive: &Archive<'_>) -> HashMap<String, usize> {
    let names = archive.file_names().enumerate();
    names
        .filter_map(|(index, name)| Some((tidy(&name.ok()?), index)))
        .collect()
}

fn relation_of(tag: &BytesStart<'_>) -> String {
    let mut attributes = tag.attributes().flatten();
    let found =
        attributes.find(|said| said.key.local_name().as_ref() == "id" && said.key.as_ref() != "id");
    found.map_or(String::new(), |said| said.value.to_string())
}

/// The relationships of a part by id. Returns `None` if it has no relationships part.
fn relationships(
    archive: &mut Archive<'_>,
    names: &HashMap<String, usize>,
    part: &str,
) -> Result<Option<HashMap<String, Relationship>>, Trouble> {
    let mut all = HashMap::new();
    let found = each_tag(archive, names, part, |tag| {
        if tag.local_name().as_ref() != "Relationship" {
            return;
        }
        let said = |name: &str| attribute(tag, name).unwrap_or_default();
        let (kind, target) = (said("Type"), said("Target"));
        all.insert(said("Id"), Relationship { kind, target });
    })?;
    Ok(found.then_some(all))
}

/// Passes each opening tag of a part to `each`. Returns whether the part exists.
fn each_tag(
    archive: &mut Archive<'_>,
    names: &HashMap<String, usize>,
    part: &str,
    mut each: impl FnMut(&BytesStart<'_>),
) -> Result<bool, Trouble> {
    let Some(index) = names.get(&tidy(part)) else {
        return Ok(false);
    };
    let entry = archive.by_index(*index).map_err(Trouble::of)?;
    let mut constructs = Constructs::of(entry.take(MAX_METADATA), part);
    constructs.forgive_ends();
    let mut tags = 0;
    loop {
        match constructs.next()? {
            Event::Start(tag) | Event::Empty(tag) => each(&tag),
            Event::Eof => return Ok(true),
            _ => continue,
        }
        tags += 1;
        if tags > MAX_TAGS {
            let most = crate::l10n::number(MAX_TAGS);
            return Err(Trouble::Workbook(say().workbook_too_many_tags(part, most)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_not_reported_as_a_damaged_archive() {
        let full = ErrorKind::StorageFull.into();
        assert!(matches!(of_copy(ZipError::Io(full)), Trouble::Io(_)));
        let cut = ErrorKind::UnexpectedEof.into();
        assert!(matches!(of_copy(ZipError::Io(cut)), Trouble::Workbook(_)));
    }
}
