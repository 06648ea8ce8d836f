//! The `targets test` command, which tests a target file against its API.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value as Json;

use crate::app::{
    AppError, Asking, Examined, FieldState, FoundField, Health, ListedPage, MOST_REQUESTS,
    ShownHeader, Step, TargetTest, TestKey, test_target,
};
use crate::cli::args::TestArgs;
use crate::cli::config::Config;
use crate::cli::front::print_json;
use crate::cli::options::GeneralOptions;
use crate::cli::values::Format;
use crate::cli::{logging, settings, terminal};
use crate::clock::SystemClock;
use crate::l10n::say;
use crate::model::Exit;
use crate::report::{Look, Tone};

/// Runs `rosterpatch targets test`, which shows how a target file parses the responses of the API.
///
/// Values of records are printed and never logged.
pub(in crate::cli) fn run(common: &GeneralOptions, args: &TestArgs) -> Result<Exit, AppError> {
    logging::start(common, None);
    let config = Config::load(common)?;
    let state = settings::state(&config, common)?;
    let spec = settings::target(Some(&args.name))?;
    let connection = args.reach.connection(&config);
    let variables = settings::variables(&config, &connection, &spec)?;
    let place = args.reach.place(&config);
    let client = connection.client(settings::base_url(&place, &spec, &variables)?)?;
    let own = settings::own_quota(&spec);
    let spec = Arc::new(Arc::unwrap_or_clone(spec).with_variables(&variables));
    let asking = Asking {
        credentials: settings::credentials(&config, &spec)?,
        pace: settings::pace(&config.fill(&Default::default()), own)?,
        state: &state,
    };
    let examined = Examined {
        spec: spec.clone(),
        client: &client,
        asking: Some(asking),
        clock: Arc::new(SystemClock),
    };
    let key = TestKey {
        value: &args.key,
        field: args.by.as_deref(),
    };
    let test = test_target(&examined, &key)?;
    let exit = exit_of(&test);
    match args.format {
        Format::Json => {
            let told = Told {
                target: &spec.name,
                base_url: &client.base_url,
                test: &test,
                problems: test.findings.iter().map(|one| &*one.told).collect(),
                exit_code: exit.code(),
            };
            print_json(&told, true);
        }
        Format::Text => terminal::out(&in_words(&test, terminal::look(common))),
    }
    Ok(exit)
}

#[derive(Serialize)]
struct Told<'a> {
    target: &'a str,
    base_url: &'a str,
    #[serde(flatten)]
    test: &'a TargetTest,
    problems: Vec<&'a str>,
    exit_code: u8,
}

fn exit_of(test: &TargetTest) -> Exit {
    let any = |health| test.findings.iter().any(|one| one.health == health);
    if any(Health::Refused) || any(Health::Unknown) {
        Exit::Refused
    } else if any(Health::Wrong) {
        Exit::CannotDo
    } else if test.has_unreadable() {
        Exit::RowsFailed
    } else {
        Exit::Success
    }
}

fn in_words(test: &TargetTest, look: Look) -> String {
    let mut text = Text {
        look,
        lines: Vec::new(),
    };
    let key = say().test_key(test.key.as_str(), test.key_pointer.as_str());
    text.lines.push(look.paint(Tone::Heading, &key));
    for step in &test.steps {
        text.step(step);
    }
    for finding in &test.findings {
        let mut errors = test.steps.iter().filter_map(|step| step.error.as_ref());
        if errors.all(|error| *error != finding.told) {
            text.line(Some(Tone::Old), "✗ ", &finding.told);
        }
    }
    if let Some(list) = &test.list {
        text.heading(&say().test_list());
        text.list(list);
    }
    if let Some(record) = &test.record {
        text.heading(&say().test_record(record.from));
        let widest = |text: fn(&FoundField) -> &str| {
            let widths = record.fields.iter().map(|one| text(one).chars().count());
            widths.max().unwrap_or(0)
        };
        let widths = [
            widest(|one| &one.field),
            widest(|one| one.kind),
            widest(|one| &one.pointer),
        ];
        for field in &record.fields {
            text.field(field, widths);
        }
        text.heading(&say().test_unnamed());
        for (pointer, value) in &record.unnamed {
            text.line(None, "  ", &format!("{pointer}: {value}"));
        }
        if record.unnamed.is_empty() {
            text.line(None, "  ", &say().test_none());
        }
    }
    if !test.quota.is_empty() {
        text.heading(&say().test_quota());
        for header in &test.quota {
            text.header(header);
        }
    }
    text.lines.push(String::new());
    text.line(None, "", &say().test_requests(test.requests, MOST_REQUESTS));
    text.lines.join("\n") + "\n"
}

struct Text {
    look: Look,
    lines: Vec<String>,
}

impl Text {
    fn heading(&mut self, text: &str) {
        self.lines.push(String::new());
        self.lines.push(self.look.paint(Tone::Heading, text));
    }

    fn line(&mut self, tone: Option<Tone>, indent: &str, text: &str) {
        self.lines.extend(self.look.lines(tone, indent, text));
    }

    fn step(&mut self, step: &Step) {
        let status = step.status.map(|status| say().test_answered(status));
        let records = step.records.map(|count| say().test_records(count as u64));
        let parts: Vec<String> = status.into_iter().chain(records).collect();
        let mark = if step.error.is_some() { "✗" } else { "✓" };
        let asked = format!("{} {}  {}", step.method, step.path, parts.join(", "));
        self.line(None, &format!("{mark} {:<6}  ", step.name), &asked);
        if let Some(why) = &step.error {
            self.line(Some(Tone::Old), "          ", why);
        }
    }

    fn list(&mut self, list: &ListedPage) {
        let page = say().test_page(list.records as u64, list.page_size);
        let total = match (&list.total_pointer, list.total) {
            (None, _) => say().test_total_unset(),
            (Some(pointer), None) => say().test_total_missing(pointer.as_str()),
            (Some(pointer), Some(total)) if list.total_is_doubtful => {
                say().test_total_doubtful(total, pointer.as_str())
            }
            (Some(pointer), Some(total)) => say().test_total(total, pointer.as_str()),
        };
        let next = match &list.next {
            Some(path) => say().test_next(path.as_str()),
            None => say().test_no_next(),
        };
        for text in [page, total, next] {
            self.line(None, "  ", &text);
        }
    }

    fn field(&mut self, field: &FoundField, [name, kind, pointer]: [usize; 3]) {
        let (mark, tone) = match field.state {
            FieldState::Read => ("✓", None),
            FieldState::Empty | FieldState::Absent => ("-", Some(Tone::Aside)),
            FieldState::Unreadable => ("✗", Some(Tone::Old)),
        };
        let value = field.value.as_ref().map(Json::to_string);
        let value = value.unwrap_or_default();
        let understood = match (field.state, &field.compared, &field.error) {
            (FieldState::Absent, ..) => say().test_absent(),
            (FieldState::Empty, ..) => say().test_empty(),
            (_, _, Some(why)) => say().test_cannot_compare(why.as_str()),
            (_, Some(compared), _) if Some(compared) != field.value.as_ref() => {
                say().test_compared(compared.to_string())
            }
            _ => say().test_same(),
        };
        let told = match value.is_empty() {
            true => understood,
            false => format!("{value}  {understood}"),
        };
        let indent = format!(
            "{mark} {:<name$}  {:<kind$}  {:<pointer$}  ",
            field.field, field.kind, field.pointer
        );
        self.line(tone, &indent, &told);
    }

    fn header(&mut self, header: &ShownHeader) {
        let told = match &header.value {
            None => say().test_header_absent(),
            Some(value) => format!("{value}  {}", header.means.join(", ")),
        };
        self.line(None, &format!("  {}: ", header.name), &told);
    }
}
