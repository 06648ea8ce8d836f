//! The `template` command, which writes a roster header and an example row.

use anyhow::Result;
use serde_json::Value as Json;

use crate::app::AppError;
use crate::cli::args::TemplateArgs;
use crate::cli::config::Config;
use crate::cli::options::GeneralOptions;
use crate::cli::{settings, terminal};
use crate::l10n::{Language, say};
use crate::model::Exit;
use crate::report::roster_text;
use crate::targets::{FieldSpec, Kind, TargetSpec};

/// Runs `rosterpatch template`, which prints a header and, with `--example`, a row.
pub(in crate::cli) fn run(common: &GeneralOptions, args: &TemplateArgs) -> Result<Exit> {
    let named = args.target.clone();
    let named = named.or(Config::load(common)?.first(|layer| &layer.target));
    let spec = settings::target(named.as_deref())?;
    let language = args.headers.as_deref();
    if let Some(language) = language {
        refuse_unknown(&spec, language)?;
    }
    // Translated headers are for spreadsheets: a Swedish one expects semicolons, an English one commas, and both
    // need a BOM to detect UTF-8.
    let is_swedish = language == Some(Language::Swedish.code());
    let delimiter = if is_swedish { b';' } else { b',' };
    // A roster has no columns for read-only fields.
    let fields: Vec<&FieldSpec> = spec
        .fields
        .iter()
        .filter(|field| !field.read_only && field.constant.is_none())
        .collect();
    let header = fields
        .iter()
        .map(|field| header(field, language).to_owned());
    let example = fields.iter().map(|field| example(field, language));
    let example = args.example.then(|| example.collect());
    let rows = std::iter::once(header.collect()).chain(example);
    let text = roster_text(delimiter, rows)?;
    let mark = if language.is_some() { "\u{FEFF}" } else { "" };
    terminal::out(&format!("{mark}{text}"));
    Ok(Exit::Success)
}

fn header<'a>(field: &'a FieldSpec, language: Option<&str>) -> &'a str {
    language
        .and_then(|language| field.aliases.get(language)?.first())
        .map_or(field.name(), String::as_str)
}

/// Returns the example of a field, in a local format if the headers are translated.
fn example(field: &FieldSpec, language: Option<&str>) -> String {
    let text = field.example.as_str();
    match (field.kind, text, language) {
        (Kind::Boolean, ..) => field.in_words(&Json::Bool(text == "true"), language),
        (Kind::Country, "SWE", Some("sv")) => "Sverige".to_owned(),
        _ => field.in_words(&Json::from(text), language),
    }
}

fn refuse_unknown(spec: &TargetSpec, language: &str) -> Result<(), AppError> {
    let mut known: Vec<&str> = spec
        .fields
        .iter()
        .flat_map(|field| field.aliases.keys())
        .map(String::as_str)
        .collect();
    known.sort_unstable();
    known.dedup();
    if known.contains(&language) {
        return Ok(());
    }
    Err(AppError::Usage(say().cli_no_headers(
        spec.name.as_str(),
        language,
        known.join(", "),
    )))
}
