//! Rebuilding of the results and the report of a past run.

use std::sync::Arc;

use super::error::AppError;
use super::runs::{figures_of, figures_so_far, undos_in_force};
use crate::journal::{Journal, RunRecord, RunState};
use crate::l10n::{message, say};
use crate::model::Summary;
use crate::report::{Reported, ResultPaths, ResultsOf, Unsent, write_html, write_results};
use crate::run::{Release, Settings, open};

/// Rebuilds the results and the report of a run from the journal and the roster named in `settings`. Returns
/// the summary with the current paths.
///
/// # Errors
/// Fails if the roster is gone or has changed, or the files cannot be written.
pub fn report_again(
    journal: &Journal,
    run: &RunRecord,
    settings: &Settings,
    paths: &ResultPaths,
    journal_flag: &str,
) -> Result<Summary, AppError> {
    let spec = Arc::new(settings.spec()?);
    let input = open(&settings.roster, spec.clone())?;
    if input.sha256()? != run.sha256 {
        let why = message::runs_file_changed(run.file.as_str(), run.name.as_str());
        return Err(AppError::Front(why));
    }
    let mut summary = match run.state {
        RunState::Undone => figures_so_far(journal, run)?,
        _ => figures_of(run)?,
    };
    let undos = match run.state {
        RunState::Undone => undos_in_force(journal, run)?,
        _ => Vec::new(),
    };
    let rows = undos.iter().flat_map(|(_, rows)| rows.iter().copied());
    let mut restored: Vec<u64> = rows.collect();
    restored.sort_unstable();
    let names: Vec<&str> = undos.iter().map(|(undo, _)| undo.name.as_str()).collect();
    let note = say().row_put_back(names.join(", "));
    let of = ResultsOf {
        journal,
        run: run.id,
        unsent: match run.state {
            RunState::Declined => Some(Unsent::Declined),
            _ => summary.held.as_deref().map(Unsent::Held),
        },
        recorded: None,
        restored: (&restored, &note),
    };
    let written = write_results(&input, of, paths)?.place()?;
    summary.states = written.states;
    summary.results = Some(written.results);
    summary.failed_rows = written.failed;
    summary.new_rows = written.new;
    let report = write_html(
        journal,
        run.id,
        &Reported {
            summary: &summary,
            lines: &written.lines,
            timeline: &written.timeline,
            classes: &written.classes,
            header: input.header(),
            why: match names.is_empty() {
                true => summary.stop.as_ref().map(|stop| stop.message.to_string()),
                false => Some(say().report_undone(names.join(", "))),
            },
            release: settings.roster.release.as_ref().map(Release::in_words),
            is_played: settings.sandbox,
            is_undo: settings.delivery.undoes.is_some(),
            spec: &spec,
            journal_flag,
        },
        &paths.report,
        paths.placing(&paths.report),
    );
    summary.report = Some(report?);
    Ok(summary)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::{Scene, roster};
    use crate::model::RowState;

    #[test]
    fn results_are_rewritten_from_the_journal_and_the_original_roster() {
        let scene = Scene::new();
        scene.write("r.csv", &roster(2));
        let settings = scene.settings("r.csv");
        let paths = ResultPaths::beside(&scene.path("again.csv"));
        let again = |scene: &Scene, name: &str| {
            let run = scene.record(name);
            report_again(&scene.journal(), &run, &settings, &paths, "")
        };
        scene.finished("first", 2, &settings);
        let summary = again(&scene, "first").unwrap();
        assert_eq!(summary.states.updated, 2);
        let results = std::fs::read_to_string(summary.results.unwrap()).unwrap();
        assert_eq!(results.matches("updated").count(), 2, "{results}");
        let report = || std::fs::read_to_string(scene.path("again.report.html")).unwrap();
        assert!(!report().contains("undone by"));

        // A run without a summary can be reported only if an undo closed it.
        let run = scene.run("dead", RunState::Interrupted, &settings);
        scene.rows(&run, &[Some(RowState::Updated), None]);
        assert!(again(&scene, "dead").is_err());
        scene.journal().set_state(run.id, RunState::Undone).unwrap();
        let mut undo = scene.settings("r.csv");
        undo.delivery.undoes = Some("dead".into());
        scene.finished("undo", 1, &undo);
        assert_eq!(again(&scene, "dead").unwrap().states.updated, 1);
        let report = std::fs::read_to_string(scene.path("again.report-2.html")).unwrap();
        assert!(report.contains("undone by undo"));

        scene.write("r.csv", &roster(3));
        assert!(again(&scene, "first").is_err());
    }
}
