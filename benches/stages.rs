//! The time of each stage on a generated roster, as a ratio to the bare csv reader on the same file in the
//! same run, because ratios vary less between machines than times.
//!
//! ```text
//! cargo bench --bench stages -- --rows 1000000
//! ```

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use cpu_time::ProcessTime;
use rosterpatch::check::{CheckOptions, CheckedRow, Checker, DuplicatePolicy, survey};
use rosterpatch::map::{ColumnMap, MapOptions};
use rosterpatch::plan::Planner;
use rosterpatch::read::{Input, ReadError, ReadOptions};
use rosterpatch::targets::{self, Kind};

#[path = "../samples/make_roster.rs"]
mod make_roster;

use make_roster::{Options, Style};

const RUNS: usize = 7;

fn main() {
    let rows = argument("--rows").unwrap_or(200_000);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plain = folder.path().join("roster.csv");
    let swedish = folder.path().join("elever.csv");
    generate(&plain, rows, Style::English);
    generate(&swedish, rows, Style::Swedish);

    // Measured first, before other stages raise the peak.
    whole(&plain);
    if let Some(peak) = peak_memory_mib() {
        println!("peak memory of a whole check of {rows} rows: {peak} MiB\n");
    }
    println!(
        "{rows} rows, median of {RUNS} runs; ratios to the bare csv reader, each in turn with it"
    );
    println!(
        "{:<34} {:>9} {:>9} {:>7} {:>7}",
        "", "wall s", "cpu s", "wall", "cpu"
    );
    let bare = || bare_reader(&plain);
    compare("open: encoding and delimiter", bare, || drop(open(&plain)));
    let input = open(&plain);
    compare("read: blocks, parsed in parallel", bare, || read(&input));
    let map_only = || drop(std::hint::black_box(checker(&input)));
    compare("map: find the columns", bare, map_only);
    let (checker, key) = checker(&input);
    let check_only = || check(&input, &checker);
    compare("read and check every cell", bare, check_only);
    let bodies = || build(&input, &checker);
    compare("read, check and build every body", bare, bodies);
    let policy = DuplicatePolicy::Error;
    let seek = || drop(survey(&input, &checker, key, policy, 7, &|_| {}));
    compare("read, check and find duplicates", bare, seek);
    compare("whole check, plain", bare, || whole(&plain));
    let bare = || bare_reader(&swedish);
    compare("whole check, Swedish file", bare, || whole(&swedish));
    cells(&folder.path().join("cells.csv"), rows);
}

/// Compares checking one column of each kind with reading the same file, for values in the API's form and for
/// values that are normalized to it.
fn cells(path: &Path, rows: usize) {
    println!("\n{rows} cells of each kind; ratios to reading the same file");
    let more = r#"
[[fields]]
name = "number"
pointer = "/number"
kind = "integer"

[[fields]]
name = "list"
pointer = "/list"
kind = "list"
items = "text"
"#;
    let text = targets::text("meitner").expect("the target") + more;
    let spec = Arc::new(targets::parse("meitner.toml", &text).expect("the target"));
    for kind in Kind::ALL {
        let mut fields = spec.fields.iter();
        let field = fields.find(|field| field.kind == *kind).expect("a field");
        let name = field.name();
        for (form, of) in [("", 0), (", normalized", 1)] {
            let mut out = BufWriter::new(File::create(path).expect("a file"));
            writeln!(out, "external_source_id,{name}").expect("a file");
            for row in 0..rows {
                writeln!(out, "{row},{}", cell(*kind, row)[of]).expect("a file");
            }
            drop(out);
            // Lists contain semicolons, which would be taken for the delimiter.
            let comma = ReadOptions {
                delimiter: Some(b','),
                ..ReadOptions::default()
            };
            let input = Input::open(path, &comma).expect("a roster");
            let sparse = MapOptions {
                sparse: true,
                ..MapOptions::default()
            };
            let map = ColumnMap::new(input.header(), &spec, &sparse).expect("a map");
            let options = CheckOptions::new(jiff::civil::date(2026, 8, 1));
            let checker = Checker::new(spec.clone(), Arc::new(map), options);
            let name = format!("{}{form}", kind.as_str());
            compare(&name, || read(&input), || check(&input, &checker));
        }
    }
}

/// Returns a valid cell in the API's form, and one in another form.
fn cell(kind: Kind, row: usize) -> [String; 2] {
    let texts = |one: &str, other: &str| [one.to_owned(), other.to_owned()];
    match kind {
        Kind::Text => [format!("Åsa-Li {row}"), format!(" Åsa-Li  {row} ")],
        Kind::Uuid => {
            let id = format!("0b8c2f1e-5d1c-4b55-9c0a-{row:012x}");
            let upper = id.to_uppercase();
            [id, upper]
        }
        Kind::IdentityNumber => {
            let digits = format!("11{:02}{:02}{:03}", row % 12 + 1, row % 28 + 1, row % 1000);
            let sums = digits.bytes().enumerate().map(|(place, digit)| {
                let weighed = usize::from(digit - b'0') * (2 - place % 2);
                weighed / 10 + weighed % 10
            });
            let check = (10 - sums.sum::<usize>() % 10) % 10;
            let (birth, number) = digits.split_at(6);
            [
                format!("20{birth}-{number}{check}"),
                format!("{birth}{number}{check}"),
            ]
        }
        Kind::Date => {
            let (month, day) = (row % 12 + 1, row % 28 + 1);
            [
                format!("2011-{month:02}-{day:02}"),
                format!("2011{month:02}{day:02}"),
            ]
        }
        Kind::Choice => texts("Female", "kvinna"),
        Kind::Boolean => texts("true", "Ja"),
        Kind::Email | Kind::Eppn => [
            format!("anna.{row}@example.se"),
            format!(" anna.{row}@example.se "),
        ],
        Kind::Phone => [
            format!("+4670174{:04}", row % 10_000),
            format!("070-174 {:02} {:02}", row / 100 % 100, row % 100),
        ],
        Kind::PostalCode => [
            format!("169 {:02}", row % 90 + 10),
            format!("169{:02}", row % 90 + 10),
        ],
        Kind::Country => texts("SWE", "Sverige"),
        Kind::MunicipalityCode => texts("0184", " 0184"),
        Kind::Integer => [row.to_string(), format!(" {row}")],
        Kind::List => [format!("{row};b"), format!("{row}; b ;")],
    }
}

fn argument(name: &str) -> Option<usize> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1)?.parse().ok()
}

fn generate(path: &Path, rows: usize, style: Style) {
    let options = Options {
        rows,
        bad: "1%".into(),
        seed: 3,
        style,
    };
    let mut out = BufWriter::new(File::create(path).expect("a file"));
    make_roster::write(&options, &mut out).expect("a roster");
}

/// Wall time and CPU time, in seconds.
type Times = [f64; 2];

fn times(work: impl Fn()) -> Times {
    let (start, used) = (Instant::now(), ProcessTime::now());
    work();
    [start.elapsed(), used.elapsed()].map(|time| time.as_secs_f64())
}

/// Runs the bare reader and the work alternately, and prints the median times and ratios of the work.
fn compare(name: &str, bare: impl Fn(), work: impl Fn()) {
    work();
    let runs = (0..RUNS).map(|_| (times(&bare), times(&work)));
    let runs: Vec<_> = runs.collect();
    let median = |of: &dyn Fn(&(Times, Times)) -> f64| {
        let mut all: Vec<f64> = runs.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[RUNS / 2]
    };
    println!(
        "{name:<34} {:>9.3} {:>9.3} {:>6.2}x {:>6.2}x",
        median(&|(_, work)| work[0]),
        median(&|(_, work)| work[1]),
        median(&|(bare, work)| work[0] / bare[0]),
        median(&|(bare, work)| work[1] / bare[1]),
    );
}

fn bare_reader(path: &Path) {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(if path.ends_with("elever.csv") {
            b';'
        } else {
            b','
        })
        .flexible(true)
        .from_path(path)
        .expect("a file");
    let mut record = csv::ByteRecord::new();
    let mut cells = 0;
    while reader.read_byte_record(&mut record).expect("a record") {
        cells += record.len();
    }
    std::hint::black_box(cells);
}

fn open(path: &Path) -> Input {
    Input::open(path, &ReadOptions::default()).expect("a roster")
}

fn checker(input: &Input) -> (Checker, Option<usize>) {
    let spec = Arc::new(targets::load("meitner").expect("the target"));
    let map = ColumnMap::new(input.header(), &spec, &MapOptions::default()).expect("a map");
    let options = CheckOptions::new(jiff::civil::date(2026, 8, 1));
    let key = spec.key_field();
    (Checker::new(spec, Arc::new(map), options), key)
}

fn read(input: &Input) {
    let mut rows = 0;
    let count = |count: usize| {
        rows += count;
        Ok::<bool, ReadError>(true)
    };
    input.scan(|table| table.len(), count).expect("rows");
    std::hint::black_box(rows);
}

fn check(input: &Input, checker: &Checker) {
    let mut valid = 0;
    let count = |count: usize| {
        valid += count;
        Ok::<bool, ReadError>(true)
    };
    input
        .scan(
            |table| {
                let mut checked = CheckedRow::default();
                let mut valid = 0;
                for row in table.rows() {
                    checker.check_into(&row, &mut checked);
                    valid += usize::from(checked.is_valid());
                }
                valid
            },
            count,
        )
        .expect("rows");
    std::hint::black_box(valid);
}

fn build(input: &Input, checker: &Checker) {
    let planner = Planner::new(checker.spec().clone(), Default::default());
    let mut bytes = 0;
    let count = |count: usize| {
        bytes += count;
        Ok::<bool, ReadError>(true)
    };
    input
        .scan(
            |table| {
                table
                    .rows()
                    .map(|row| checker.check(&row))
                    .filter(|row| row.is_valid())
                    .map(|row| planner.call(&row, "").body.len())
                    .sum::<usize>()
            },
            count,
        )
        .expect("rows");
    std::hint::black_box(bytes);
}

fn whole(path: &Path) {
    let input = open(path);
    let (checker, key) = checker(&input);
    let survey = survey(&input, &checker, key, DuplicatePolicy::Error, 7, &|_| {}).expect("rows");
    assert!(survey.invalid > 0);
    std::hint::black_box(survey);
}

/// Returns the peak memory of this process, if the system reports it.
fn peak_memory_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024)
}
