//! Progress events as text.

use jiff::Timestamp;

use crate::events::{Progress, RunEvent, UnmappedColumn, WaitingFor};
use crate::l10n::{clock_time, columns, duration, number, rows, say};
use crate::report::{for_terminal, plan_lines, withheld_rows};

/// Returns the lines for an event at the time `now`. Events that only change counters have none.
pub fn lines(event: &RunEvent, now: Timestamp) -> Vec<String> {
    match event {
        RunEvent::Reading {
            file,
            dialect,
            columns: width,
            unknown,
            of_results,
            ..
        } => {
            let width = columns(*width as u64);
            let mut lines = vec![say().progress_reading(file.as_str(), dialect.as_str(), width)];
            if !unknown.is_empty() {
                lines.push(for_terminal(&say().progress_ignored(unknown.join(", "))));
            }
            if *of_results {
                lines.push(say().of_results());
            }
            lines
        }
        RunEvent::Unmapped(columns) => columns.iter().map(unmapped).collect(),
        RunEvent::Withheld(lines) => vec![withheld_rows(lines)],
        RunEvent::Planned(plan) => plan_lines(plan, now),
        RunEvent::LookedUp { done, of } => {
            vec![say().progress_looked_up(number(*done), number(*of))]
        }
        RunEvent::Started { run, progress } => vec![started(run, progress, now)],
        RunEvent::Read { .. }
        | RunEvent::DryRunEnded
        | RunEvent::Paused { .. }
        | RunEvent::RowDone { .. }
        | RunEvent::Progress(_)
        | RunEvent::Finished(_)
        | RunEvent::BrokeOff => Vec::new(),
        RunEvent::Retrying {
            line,
            attempt,
            wait,
            why,
            ..
        } => {
            let what = line.map_or_else(|| say().progress_lookup(), |line| say().place_row(line));
            let wait = duration(wait.as_secs_f64());
            vec![say().progress_retrying(what, why.to_string(), *attempt, wait)]
        }
        RunEvent::Waiting {
            until,
            wait,
            status,
        } => {
            let wait = duration(wait.as_secs_f64());
            let why = say().named_time(*status);
            vec![say().progress_waiting(clock_time(*until, now), wait, why)]
        }
        RunEvent::Stopping { why, .. } => vec![say().progress_stopping(why.to_string())],
    }
}

/// Returns the warning for an unmapped column that resembles a field.
fn unmapped(column: &UnmappedColumn) -> String {
    let field = column.field.as_str();
    match &column.header {
        Some(header) => for_terminal(&say().column_unmapped(header.as_str(), field)),
        None => say().column_unmapped_at(column.at, field),
    }
}

/// Returns the first line of a run. For a resumed run, it has the progress and the remaining time.
fn started(run: &str, progress: &Progress, now: Timestamp) -> String {
    if progress.sent == 0 {
        return say().progress_run(run);
    }
    let left = number(progress.to_send - progress.sent);
    let (done, all) = (number(progress.done), number(progress.rows));
    let line = say().progress_goes_on(run, done, all, left);
    match time_left(progress, now) {
        None => line,
        Some(time) => say().progress_goes_on_until(line, time),
    }
}

/// Returns the progress by rows and the estimated finish.
pub(super) fn rows_line(progress: &Progress, now: Timestamp) -> String {
    let (done, all) = (number(progress.done), rows(progress.rows));
    let mut line = say().progress_rows(done, all, progress.states.in_words(progress.is_undo));
    if let Some(time) = time_left(progress, now) {
        line.push_str("; ");
        line.push_str(&time);
    }
    line
}

/// Returns the estimated finish and what the run waits for, or `None` if nothing is left or no estimate
/// exists.
pub fn time_left(progress: &Progress, now: Timestamp) -> Option<String> {
    let time = time_done(progress, now)?;
    Some(match progress.waiting_for {
        None => time,
        Some(WaitingFor::Quota) => {
            let rate = match progress.rate_is_guess {
                true => say().rate_guessed(progress.rate.as_str()),
                false => progress.rate.clone(),
            };
            say().progress_for_quota(rate, time)
        }
        Some(WaitingFor::RetryAfter) => say().progress_for_api(time),
    })
}

/// Returns the estimated finish only.
pub(super) fn time_done(progress: &Progress, now: Timestamp) -> Option<String> {
    let finish = progress
        .finish
        .filter(|_| progress.sent < progress.to_send)?;
    // The remaining time is computed from now, because the estimate is updated only by events.
    let left = finish.as_millisecond() - now.as_millisecond();
    let left = duration(left.max(0) as f64 / 1000.0);
    Some(say().progress_done_about(clock_time(finish, now), left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_finish_is_a_time_of_day_and_a_duration_that_grows_shorter() {
        let now: Timestamp = "2026-08-17T16:32:00Z".parse().unwrap();
        let finish = now
            .checked_add(std::time::Duration::from_secs(3720))
            .unwrap();
        let progress = Progress {
            sent: 1,
            to_send: 2,
            finish: Some(finish),
            rate: "1500/h".into(),
            waiting_for: Some(WaitingFor::Quota),
            ..Progress::default()
        };
        let text = time_left(&progress, now).unwrap();
        assert!(
            text.starts_with("waiting for quota: 1500/h; done about "),
            "{text}"
        );
        assert!(text.ends_with("(1 h 2 min)"), "{text}");
        let guessed = Progress {
            rate_is_guess: true,
            ..progress.clone()
        };
        let text = time_left(&guessed, now).unwrap();
        assert!(text.contains("1500/h (estimated)"), "{text}");
        let later = now.checked_add(std::time::Duration::from_secs(60)).unwrap();
        assert!(
            time_left(&progress, later)
                .unwrap()
                .ends_with("(1 h 1 min)")
        );
        let done = Progress {
            sent: 2,
            ..progress
        };
        assert_eq!(time_left(&done, now), None);
    }
}
