//! What must hold for any input whatever. The fuzzers call these with bytes of their own making,
//! and the ordinary tests with the bytes that were kept.

use std::io::Write;
use std::sync::{Arc, LazyLock};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use rosterpatch::check::{CheckOptions, Checker, DuplicatePolicy, survey};
use rosterpatch::map::{ColumnMap, MapOptions};
use rosterpatch::plan::{LookUp, Planner};
use rosterpatch::read::{Input, ReadError, ReadOptions};
use rosterpatch::send::{Answer, TokenAnswer, Verdict, verdict};
use rosterpatch::targets::{self, TargetSpec};

/// Reads, maps, checks and plans a file of these bytes: it may be refused, but nothing panics,
/// rows are numbered without a gap, and what the checks accept they accept again unchanged.
pub fn roster(bytes: &[u8]) {
    checked(bytes, false);
}

/// Reads the rows of a results file, as a retry does: what holds for a roster holds for it.
pub fn results(bytes: &[u8]) {
    let header = "id,identity_number,first_name,last_name,import_row,import_status,\
                  import_http_status,import_error_code,import_error,import_changed,import_attempts,\
                  import_request_id,import_finished_at,import_line,import_warning,\
                  import_record_id,import_matched_by\n";
    checked(&[header.as_bytes(), bytes].concat(), true);
}

/// Reads a workbook whose sheet, shared texts and styles are these bytes, with a zero byte between
/// one and the next: it may be refused, and what is read of it is a roster like any other.
pub fn workbook(bytes: &[u8]) {
    let mut parts = bytes.splitn(3, |byte| *byte == 0);
    let mut part = || parts.next().unwrap_or_default();
    let files: [(&str, &[u8]); 6] = [
        ("xl/worksheets/sheet1.xml", part()),
        ("xl/sharedStrings.xml", part()),
        ("xl/styles.xml", part()),
        (
            "[Content_Types].xml",
            br#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#,
        ),
        (
            "xl/workbook.xml",
            br#"<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Elever" sheetId="1" r:id="rId1"/></sheets></workbook>"#,
        ),
        (
            "xl/_rels/workbook.xml.rels",
            br#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#,
        ),
    ];
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, content) in files {
        // Where there are no shared texts and no styles, a workbook has no file for them.
        if !content.is_empty() {
            archive.start_file(name, stored).expect("in memory");
            archive.write_all(content).expect("in memory");
        }
    }
    let file = archive.finish().expect("in memory").into_inner();
    checked(&file, false);
}

/// Reads an answer: its status in two bytes, a header a line up to an empty line, then its body. It
/// is understood or not, but nothing panics, a wait ends within a day, text is short and on one line,
/// and no page leads to another host.
pub fn answer(bytes: &[u8]) {
    const NOW: u64 = 1_785_585_600_000_000_000;
    const DAY: u64 = 86_400_000_000_000;
    const BASE: &str = "https://api.example.test";
    let Some((status, rest)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let status = 100 + u16::from_be_bytes(*status) % 500;
    let mut headers = HeaderMap::new();
    let mut rest = rest;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            break;
        };
        let name = HeaderName::from_bytes(&line[..colon]);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(&line[colon + 1..])) {
            headers.append(name, value);
        }
    }
    let body: Option<serde_json::Value> = serde_json::from_slice(rest).ok();
    for (spec, look_up) in SPECS.iter() {
        let mut quota = spec.quota.clone();
        for draft in [false, true] {
            if let Some(headers) = &mut quota.headers {
                headers.draft = draft;
            }
            let answer = Answer::read(status, &headers, rest, &spec.answers, &quota, NOW);
            assert!(
                answer
                    .not_before
                    .is_none_or(|moment| moment > NOW && moment - NOW <= DAY)
            );
            assert!(
                answer
                    .announced
                    .limit
                    .is_none_or(|limit| limit.requests > 0.0 && limit.requests.is_finite())
            );
            for text in [&answer.message, &answer.code, &answer.request_id] {
                assert!(
                    !text.contains('\n') && text.chars().count() <= 600,
                    "{text}"
                );
            }
            let known = verdict(spec, Ok(&answer), true, false);
            assert_eq!(known == Verdict::Accept, (200..300).contains(&status));
        }
        if let (Some(look_up), Some(body)) = (look_up, &body)
            && let Ok(page) = look_up.page(
                body.clone(),
                headers.get("link").and_then(|link| link.to_str().ok()),
                (BASE, "/student"),
            )
        {
            let mut walk = look_up.list();
            let goes_on = walk.add(&page).is_ok();
            if let Ok(Some(question)) = walk.next()
                && goes_on
            {
                let address = format!("{BASE}{}", question.path);
                let address = reqwest::Url::parse(&address);
                assert!(
                    address.is_ok_and(|address| address.host_str() == Some("api.example.test"))
                );
            }
            for record in &page.records {
                let _ = (look_up.key_of(record), look_up.id_of(record));
            }
        }
    }
    let _ = TokenAnswer::read(rest);
}

/// Reads the headers that say how many requests may be made and when: a line is the value of each, in
/// this order, and what is missing is not sent. A wait ends within a day, a limit is a number of requests,
/// and what remains is a number.
pub fn headers(bytes: &[u8]) {
    const NAMES: [&str; 9] = [
        "retry-after",
        "ratelimit-limit",
        "ratelimit-remaining",
        "ratelimit-reset",
        "ratelimit-policy",
        "ratelimit",
        "date",
        "ratelimit",
        "retry-after",
    ];
    const NOW: u64 = 1_785_585_600_000_000_000;
    const DAY: u64 = 86_400_000_000_000;
    let mut headers = HeaderMap::new();
    for (name, value) in NAMES.iter().zip(bytes.split(|byte| *byte == b'\n')) {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(HeaderName::from_static(name), value);
        }
    }
    for (spec, _) in SPECS.iter() {
        let mut quota = spec.quota.clone();
        for draft in [false, true] {
            if let Some(headers) = &mut quota.headers {
                headers.draft = draft;
            }
            for status in [200, 429, 503] {
                let answer = Answer::read(status, &headers, b"{}", &spec.answers, &quota, NOW);
                let wait = answer.not_before;
                assert!(wait.is_none_or(|moment| moment > NOW && moment - NOW <= DAY));
                let (limit, remaining) = (answer.announced.limit, answer.announced.remaining);
                assert!(limit.is_none_or(|rate| rate.requests > 0.0 && rate.requests.is_finite()));
                assert!(remaining.is_none_or(f64::is_finite));
            }
        }
    }
}

/// The built-in targets, and one whose pages lead on by their addresses, with their look-ups.
static SPECS: LazyLock<Vec<(Arc<TargetSpec>, Option<LookUp>)>> = LazyLock::new(|| {
    let text = targets::text("meitner").expect("a built-in target");
    let (head, changes) = text.split_once("[lookup.changes]").expect("its table");
    let fields = changes.find("[[fields]]").expect("its fields");
    let by_address = [head, &changes[fields..]].concat().replace(
        r#"paging = { kind = "offset", limit = "limit", offset = "offset" }"#,
        r#"paging = { kind = "next", pointer = "/next" }"#,
    );
    let specs = [
        targets::load("meitner"),
        targets::load("pathwright"),
        targets::parse("by-address.toml", &by_address),
    ];
    let known = specs.into_iter().map(|spec| {
        let spec = Arc::new(spec.expect("a target"));
        let key = spec.key_field().expect("a key");
        let look_up = LookUp::new(&spec, key);
        (spec, look_up)
    });
    known.collect()
});

fn checked(bytes: &[u8], of_results: bool) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("a temporary file");
    let Ok(input) = Input::open(file.path(), &ReadOptions::default()) else {
        return;
    };
    let mut next = 1;
    let mut offset = 0;
    let numbered = input.scan(
        |table| table.rows().map(|row| row.at).collect::<Vec<_>>(),
        |rows| {
            for at in rows {
                assert_eq!(at.row, next);
                assert!(at.offset >= offset && at.line >= at.row);
                (next, offset) = (next + 1, at.offset);
            }
            Ok::<bool, ReadError>(true)
        },
    );
    let spec = SPECS[0].0.clone();
    // Whatever the header says, the first columns are taken for fields.
    let overrides = input
        .header()
        .iter()
        .zip(&spec.fields)
        .filter(|(name, _)| !name.trim().is_empty())
        .map(|(name, field)| (name.clone(), field.name().to_owned()))
        .collect();
    let Ok(map) = ColumnMap::new(
        input.header(),
        &spec,
        &MapOptions {
            overrides,
            sparse: false,
            of_results,
            is_released: false,
        },
    ) else {
        return;
    };
    let options = CheckOptions::new(jiff::civil::date(2026, 8, 1));
    let checker = Checker::new(spec.clone(), Arc::new(map), options);
    let found = survey(
        &input,
        &checker,
        spec.key_field(),
        DuplicatePolicy::Error,
        7,
        &|_| {},
    );
    assert_eq!(found.is_ok(), numbered.is_ok());
    let planner = Planner::new(spec.clone(), Default::default());
    let again = |table: &rosterpatch::read::Table| {
        for row in table.rows() {
            let checked = checker.check(&row);
            for (field, value) in spec.fields.iter().zip(&checked.values) {
                let Some(value) = value else {
                    continue;
                };
                let json = value.to_json();
                assert!(
                    json.is_null() || !value.as_text().is_empty(),
                    "{}",
                    field.name()
                );
            }
            if checked.is_valid() {
                let call = planner.call(&checked, "");
                assert!(!call.path.contains(['?', '#', ' ']));
                assert!(!call.body.is_empty());
            }
        }
    };
    let _ = input.scan(again, |()| Ok::<bool, ReadError>(true));
}

/// Reads a target file of this text: it may be refused, but nothing panics, and what is accepted
/// can be shown.
pub fn target(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match targets::parse("fuzz.toml", text) {
        Ok(spec) => {
            assert!(spec.key_field().is_some());
            assert!(rosterpatch::report::target_text(&spec).contains(&spec.name));
        }
        Err(error) => assert!(error.to_string().contains("fuzz.toml")),
    }
}
