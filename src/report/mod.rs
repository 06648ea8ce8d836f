//! Reports: results files, HTML reports, plans and metrics. They can be rebuilt from the journal and the
//! input.

mod before;
mod check;
mod classes;
mod csv_file;
mod error;
mod explain;
mod faults;
mod history;
mod html;
mod look;
mod metrics;
mod plain;
mod plan;
mod plan_view;
mod result_paths;
mod results;
mod roster;
mod row_end;
mod safe_cell;
mod sheet_file;
mod shell;
mod target;
#[cfg(test)]
mod tests;
mod text;
mod timeline;
mod unnamed;
mod whole_file;

pub use before::{Like, write_before, write_delivered, write_rest, write_updated};
pub use check::{check_text, withheld_rows, write_problems};
pub use csv_file::roster_text;
pub use error::ReportError;
pub use explain::{Explanation, explain, explain_all, explanations, nearest_code};
pub use history::{HistoryLine, write_history};
pub use html::{Reported, write_html};
pub use look::{Look, Tone, for_terminal};
#[cfg(feature = "postgres")]
pub(crate) use metrics::metrics;
pub use metrics::{
    InboxCount, RUN_METRICS, Sample, metric_label, put_metric, write_inbox_metrics, write_metrics,
};
pub use plain::{fault_in_words, first_upper, held_in_words, notice_in_words, problem_argument};
pub use plan::{
    fields as plan_fields, not_sent as plan_not_sent, notes as plan_notes, plan_lines,
    time_line as plan_time, write_changes,
};
pub use plan_view::{
    change_lines, person_groups, person_line, plan_examples, plan_noticed, plan_overview,
    plan_persons, plan_problems, plan_since,
};
pub use result_paths::{ResultPaths, Written};
pub use results::{NOT_FOUND, ResultsOf, UnplacedResults, Unsent, write_results};
pub use roster::write_roster;
pub use shell::curl_text;
pub use target::target_text;
pub use text::summary_text;
pub use timeline::Timeline;
pub use whole_file::{Mark, Placing, WholeFile};
