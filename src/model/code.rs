//! Stable codes of events and errors.

use serde::{Deserialize, Serialize};

use crate::l10n::{Message, message};

/// Declares the codes and their messages. The messages take no arguments, so that they cannot quote data.
macro_rules! codes {
    ($($name:ident $code:literal $message:ident;)*) => {
        /// A stable code of an event or error; scripts may depend on it. Each code has one message per
        /// language, which takes no arguments.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code {
            $(#[doc = concat!("`", $code, "`")] #[serde(rename = $code)] $name,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Code] = &[$(Code::$name),*];

            /// The code as it appears in logs and JSON.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Code::$name => $code,)*
                }
            }

            /// The code's message.
            pub fn message(self) -> Message {
                match self {
                    $(Code::$name => message::$message(),)*
                }
            }

            /// The message in the interface language.
            pub fn sentence(self) -> String {
                self.message().to_string()
            }
        }
    };
}

codes! {
    ReadHeaderTooLong "read.header_too_long" fact_header_too_long;
    ReadIo "read.io" fact_read_io;
    ReadEmpty "read.empty" fact_empty;
    ReadNoRows "read.no_rows" held_no_rows;
    ReadTooManyRows "read.too_many_rows" fact_too_many_rows;
    ReadNotCsv "read.not_csv" fact_not_csv;
    ReadWorkbook "read.workbook" fact_workbook;
    ReadNoSheet "read.no_sheet" fact_no_sheet;
    ReadSeveralSheets "read.several_sheets" fact_several_sheets;
    ReadNoWorkbook "read.no_workbook" fact_no_workbook;
    ReadUnknownEncoding "read.unknown_encoding" fact_unknown_encoding;
    ReadNoSuchEncoding "read.no_such_encoding" fact_no_such_encoding;
    ReadDuplicateHeader "read.duplicate_header" fact_duplicate_header;
    ReadUndecodableHeader "read.undecodable_header" fact_undecodable_header;
    ReadUnclosedQuote "read.unclosed_quote" fact_unclosed_quote;
    ReadStrayQuote "read.stray_quote" fact_stray_quote;
    ReadRowTooLarge "read.row_too_large" fact_row_too_large;
    ReadNoHeaderRow "read.no_header_row" fact_no_header_row;
    ReadChanged "read.changed" fact_read_changed;

    KindPdf "kind.pdf" kind_pdf;
    KindZip "kind.zip" kind_zip;
    KindOle "kind.ole" kind_ole;
    KindGzip "kind.gzip" kind_gzip;
    KindPicture "kind.picture" kind_picture;
    KindDatabase "kind.database" kind_database;
    KindRichText "kind.rich_text" kind_rich_text;
    KindWebPage "kind.web_page" kind_web_page;
    KindXml "kind.xml" kind_xml;
    KindXmlSpreadsheet "kind.xml_spreadsheet" kind_xml_spreadsheet;
    KindJson "kind.json" kind_json;
    KindArchive "kind.archive" kind_archive;
    KindWord "kind.word" kind_word;
    KindPresentation "kind.presentation" kind_presentation;
    KindXlsb "kind.xlsb" kind_xlsb;
    KindNumbers "kind.numbers" kind_numbers;
    KindOpenDocument "kind.open_document" kind_open_document;
    KindPassword "kind.password" kind_password;
    KindBinary "kind.binary" kind_binary;

    MapResultColumn "map.result_column" fact_result_column;
    MapMissing "map.missing" fact_missing;
    MapNoKey "map.no_key" fact_no_key;
    MapTwoColumns "map.two_columns" fact_two_columns;
    MapProtected "map.protected" fact_map_protected;
    MapReadOnly "map.read_only" fact_read_only;
    MapMisspelt "map.misspelt" fact_misspelt;
    MapNoColumn "map.no_column" fact_no_column;
    MapNoField "map.no_field" fact_no_field;

    RunOtherPlan "run.other_plan" fact_other_plan;
    RunNothingToClear "run.nothing_to_clear" fact_nothing_to_clear;
    RunBlindCanary "run.blind_canary" run_blind_canary;
    RunBlindLists "run.blind_lists" fact_blind_lists;
    RunBlindRules "run.blind_rules" fact_blind_rules;
    RunUnreadableCanary "run.unreadable_canary" fact_unreadable_canary;
    RunNotRetriable "run.not_retriable" fact_not_retriable;
    RunNotUndoable "run.not_undoable" fact_not_undoable;
    RunNotHeld "run.not_held" fact_not_held;
    RunOfAnUndo "run.of_an_undo" fact_of_an_undo;
    RunSandboxGone "run.sandbox_gone" why_sandbox_gone_import;
    RunKey "run.key" fact_key;
    RunSettings "run.settings" fact_settings;
    RunChanged "run.changed" fact_run_changed;
    RunUndone "run.undone" fact_run_undone;
    RunNotResumable "run.not_resumable" fact_not_resumable;
    RunAmbiguous "run.ambiguous" fact_ambiguous;
    RunBroken "run.broken" fact_broken;
    RunNotReported "run.not_reported" fact_not_reported;
    RunBusy "run.busy" fact_busy;
    RunDeclined "run.declined" run_declined;
    RunUnaccounted "run.unaccounted" fact_unaccounted;
    RunNotText "run.not_text" fact_run_not_text;
    RunUnwritable "run.unwritable" run_unwritable;
    RunDied "run.died" run_died;
    RunHeld "run.held" fact_held;
    RunRosterRemoved "run.roster_removed" fact_roster_removed;
    RunGoesOn "run.goes_on" log_goes_on;
    RunTakesItsPlace "run.takes_its_place" log_takes_its_place;
    RunOfEarlier "run.of_earlier" cli_of_earlier_run;
    RunOfNone "run.of_none" cli_of_no_run;
    RunNotIndexed "run.not_indexed" log_not_indexed;
    RunNotTidied "run.not_tidied" log_not_tidied;
    RunNoSnapshot "run.no_snapshot" log_no_snapshot;
    RunRelists "run.relists" log_relists;
    RunResultsLater "run.results_later" log_results_later;
    RunNothingToUndo "run.nothing_to_undo" fact_nothing_to_undo;

    WhyNotEnded "why.not_ended" why_not_ended;
    WhyUndone "why.undone" why_undone;
    WhyDeclined "why.declined" why_declined;
    WhySandboxGone "why.sandbox_gone" why_sandbox_gone;
    WhySandboxGoneImport "why.sandbox_gone_import" why_sandbox_gone_import;
    WhyNoSuchRows "why.no_such_rows" why_no_such_rows;
    WhyCallsUnknown "why.calls_unknown" why_calls_unknown;
    WhyStandardInput "why.standard_input" why_standard_input;
    WhyEnded "why.ended" why_ended;
    WhyReplaced "why.replaced" why_replaced;
    WhyHeld "why.held" why_held;
    WhyBlind "why.blind" why_blind;
    WhyNoUndo "why.no_undo" why_no_undo;
    WhyUnreadable "why.unreadable" why_unreadable;
    WhyIsRunning "why.is_running" why_is_running;
    WhyIsHeld "why.is_held" why_is_held;
    WhyRestored "why.restored" why_restored;
    WhyNotChanged "why.not_changed" why_not_changed;

    GuardNoRows "guard.no_rows" held_no_rows;
    GuardMaxInvalid "guard.max_invalid" fact_max_invalid;
    GuardMaxShrink "guard.max_shrink" fact_max_shrink;
    GuardMaxChanges "guard.max_changes" fact_max_changes;
    GuardRenumber "guard.renumber" fact_renumber;
    GuardMaxIdentityChanges "guard.max_identity_changes" fact_max_identity_changes;
    GuardConflicts "guard.conflicts" fact_conflicts;

    ApiRefused "api.refused" fact_refused;
    ApiUnreachable "api.unreachable" fact_unreachable;
    ApiFailing "api.failing" fact_failing;
    ApiLookup "api.lookup" fact_lookup;
    ApiAnswered "api.answered" fact_answered;
    ApiSamePage "api.same_page" fact_same_page;
    ApiIncomplete "api.incomplete" fact_incomplete;
    ApiNextPage "api.next_page" fact_next_page;
    ApiUnasked "api.unasked" fact_unasked;
    ApiNoList "api.no_list" fact_no_list;
    ApiNoRecord "api.no_record" fact_no_record;
    ApiForeign "api.foreign" fact_foreign;
    AnswerHtml "answer.html" came_html;
    AnswerEmpty "answer.empty" came_empty;
    AnswerNoJson "answer.no_json" came_no_json;
    AnswerNoRecord "answer.no_record" came_no_record;
    AnswerNotApplied "answer.not_applied" what_answer_not_applied;
    AnswerFieldRefused "answer.field_refused" what_answer_field_refused;
    AnswerContent "answer.content" came_content;
    RecordChanged "record.changed" fact_record_changed;
    RecordVersion "record.no_version" fact_record_version;
    ApiRateHeader "api.rate_header" fact_rate_header;
    ApiPageTooLarge "api.page_too_large" stop_page_too_large;
    CanaryNotUpdated "canary.not_updated" fact_canary_not_updated;
    CanaryNotHeld "canary.not_held" fact_canary_not_held;
    StopAsked "stop.asked" stop_asked;
    StopDue "stop.due" stop_due;

    NetworkRefused "network.refused" trouble_refused;
    NetworkNoHost "network.no_host" trouble_no_host;
    NetworkCertificate "network.certificate" trouble_certificate;
    NetworkIssuer "network.issuer" trouble_issuer;
    NetworkProxy "network.proxy" trouble_proxy;
    NetworkTimeOut "network.timeout" trouble_time_out;
    NetworkTls "network.tls" trouble_tls;
    NetworkConnect "network.connect" trouble_other;
    NetworkLost "network.lost" fact_lost;
    NetworkTooLarge "network.too_large" answer_too_large;

    SignInMissing "sign_in.missing" fact_sign_in_missing;
    SignInExposed "sign_in.exposed" log_exposed_secret;
    SignInFile "sign_in.file" fact_sign_in_file;
    SignInEmpty "sign_in.empty" fact_sign_in_empty;
    SignInCharacter "sign_in.character" fact_sign_in_character;
    SendAddress "send.address" fact_address;
    SendClient "send.client" fact_client;
    SendRuntime "send.runtime" network_failed;

    JournalFolder "journal.folder" fact_journal_folder;
    JournalNetwork "journal.network_folder" fact_journal_network;
    JournalSqlite "journal.sqlite" fact_journal_sqlite;
    JournalDatabase "journal.database" fact_journal_database;
    JournalAddress "journal.address" fact_journal_address;
    JournalNotMigrated "journal.not_migrated" fact_journal_not_migrated;
    JournalNoBackup "journal.no_backup" journal_no_backup;
    JournalNotBuilt "journal.not_built" journal_not_built;
    JournalTakenOver "journal.taken_over" journal_taken_over;
    JournalNewer "journal.newer" fact_journal_newer;
    JournalForeign "journal.foreign" fact_journal_foreign;
    JournalNoRun "journal.no_run" fact_journal_no_run;
    JournalNothingUnfinished "journal.nothing_unfinished" journal_nothing_unfinished;
    JournalDamagedRun "journal.damaged_run" fact_journal_damaged_run;
    JournalDamagedRow "journal.damaged_row" fact_journal_damaged_row;
    JournalNoChanges "journal.no_changes" fact_journal_no_changes;
    JournalClosed "journal.closed" journal_closed;
    JournalBroken "journal.broken" fact_journal_broken;
    JournalDamaged "journal.damaged" fact_journal_damaged;

    ReportNoFolder "report.no_folder" fact_report_no_folder;
    ReportWrite "report.write" fact_report_write;
    ReportHeldOpen "report.held_open" fact_report_held_open;
    ReportTemplate "report.template" fact_report_template;

    TargetUnknown "target.unknown" fact_target_unknown;
    TargetRead "target.read" fact_target_read;
    TargetMistakes "target.mistakes" fact_target_mistakes;

    ConfigNoProfile "config.no_profile" fact_no_profile;
    ConfigSeveralProfiles "config.several_profiles" fact_several_profiles;
    ConfigNoTarget "config.no_target" fact_no_target;
    ConfigVariable "config.variable" fact_variable;
    ConfigField "config.field" fact_config_field;
    ConfigNoEnvironment "config.no_environment" fact_no_environment;
    ConfigMistakes "config.mistakes" fact_config_mistakes;
    FileIo "file.io" fact_file_io;
    TooFewFiles "process.too_few_files" file_too_few;
    TooFewThreads "process.too_few_threads" file_too_few_threads;
    NoWatchdog "process.no_watchdog" log_no_watchdog;
    NotDone "command.not_done" fact_not_done;
    Stdout "command.stdout" fact_stdout;

    UsageWrong "usage.wrong" fact_usage_wrong;
    UsageLanguage "usage.language" fact_usage_language;
    UsageNotText "usage.not_text" fact_usage_not_text;
    UsageUnknownArgument "usage.unknown_argument" fact_usage_unknown_argument;
    UsageUnknownCommand "usage.unknown_command" fact_usage_unknown_command;
    UsageNoCommand "usage.no_command" usage_no_command;
    UsageMissing "usage.missing" fact_usage_missing;
    UsageConflict "usage.conflict" fact_usage_conflict;
    UsageValue "usage.value" fact_usage_value;

    NotifyWebhook "notify.webhook" log_webhook;
    NotifyCommand "notify.command" log_command;
    NotifyNobody "notify.nobody" log_nobody_told;
    NotifyMetrics "notify.metrics" log_no_metrics;
    NotifyEmpty "notify.empty" notify_empty;
    NotifyAnswered "notify.answered" fact_answered;
    NotifyStatus "notify.status" fact_notify_status;
    NotifyTooLong "notify.too_long" fact_notify_too_long;

    InboxNotWatched "inbox.not_watched" log_no_changes_told;
    InboxNotProcessed "inbox.not_processed" fact_not_processed;
    InboxSetAside "inbox.set_aside" fact_set_aside;
    InboxNoProfile "inbox.no_profile" fact_fits_no_profile;
    InboxOlder "inbox.older" fact_older;
    InboxForeign "inbox.foreign" fact_inbox_foreign;
    InboxWaits "inbox.waits" fact_inbox_waits;
    QueueSliceLost "queue.slice_lost" log_slice_lost;
    QueueAway "queue.away" log_queue_away;
    QueueMended "queue.mended" log_queue_mended;
    QueueOtherContent "queue.other_content" fact_queue_other_content;
    QueueRemoved "queue.removed" fact_queue_removed;
    QueueUnknown "queue.unknown" fact_queue_unknown;
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_unique_dotted_words() {
        let form = regex::Regex::new(r"^[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*$").unwrap();
        let all: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(all.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(form.is_match(code.as_str()), "{code}");
            assert!(!code.sentence().is_empty(), "{code}");
        }
    }
}
