### Errors in logs, notifications and files in shared folders. Arguments are numbers, field names and similar;
### none can contain a cell, a header or text from an API.

fact-run = run { $run }
fact-at-row = row number { $row }
fact-at-line = row { $line }
fact-at-lines = rows { $first } to { $last }
fact-at-column = column { $column }
fact-at-columns = columns { $first } and { $second }
fact-found = found { $count }
fact-found-of = { $count } of { $of }
fact-most = limit { $most }
fact-names = names: { $names }

fact-header-too-long = the first row is too long to be a header; look for a missing quote
fact-read-io = the file cannot be read
fact-empty = the file is empty; a roster needs a header and at least one row
fact-too-many-rows = the file has too many rows; split it
fact-not-csv = the file is not CSV; export the list again as CSV or as an Excel workbook
fact-workbook = the workbook cannot be read; `rosterpatch check` shows why
fact-several-sheets = the workbook has several sheets that may be the roster; choose one with --sheet
fact-no-sheet = the workbook does not have the sheet that --sheet names
fact-no-workbook = --sheet is given, but the file is not a workbook
fact-unknown-encoding = the file's encoding is unknown or ambiguous; save it as "CSV UTF-8", or specify it with --encoding
fact-no-such-encoding = the encoding in --encoding does not exist
fact-duplicate-header = two columns have the same header; rename or remove one
fact-undecodable-header = a header has bytes that are not text in the file's encoding; specify the encoding with --encoding
fact-unclosed-quote = a quote is opened and never closed; remove or close it
fact-stray-quote = a stray quote joins several rows into one; remove or close it
fact-row-too-large = a row is larger than the limit (in MiB)
fact-no-header-row = the file does not have the row that --header-row names
fact-read-changed = the file was changed while it was being read; run the command again
fact-result-column = a column has the name of a result column, and the file is not a results file; rename the column
fact-missing = the header lacks required columns; rename the columns, or map them with --map COLUMN=FIELD. `rosterpatch check` shows what was found
fact-no-key = the header has no key column, and one of these is enough; rename a column, or map it with --map COLUMN=FIELD. `rosterpatch check` shows what was found
fact-two-columns = two columns contain the same field; ignore one with --map COLUMN=
fact-map-protected = a column that marks protected persons may only be ignored with --release-protected
fact-misspelt = a header resembles a field that has no column; add "HEADER" = "FIELD" to [map] in the configuration to import the column, or "HEADER" = "" to ignore it
fact-read-only = a column contains a read-only field; ignore it with --map COLUMN=
fact-no-column = --map, or [map] in the config file, names a column that the file does not have; put columns that only some files have into a profile
fact-no-field = --map or --key names a field that the target does not have

fact-other-plan = the changes differ from the saved plan, and nothing was sent; make a new plan
fact-nothing-to-clear = --empty clear has no effect: none of the file's columns can be cleared in the target
fact-blind-lists = --blind reads nothing, and the file has values in lists that an update replaces as a whole
fact-blind-rules = protect, fill and --conflicts theirs or ask need the current values, and the run reads no records
fact-unreadable-canary = --canary reads back what was sent, and the target's records cannot be read
fact-not-retriable = the run cannot be retried
fact-not-undoable = the run cannot be undone
fact-not-held = the run is not held, so there is nothing to approve
fact-of-an-undo = the run is an undo and had no roster
fact-key = --key names a field that cannot find records here
fact-settings = another version of the program began the run; import its file again
fact-run-changed = the file has changed since the run began; restore the old file, or import the new one with --fresh
fact-not-resumable = the run cannot be resumed
fact-ambiguous = several runs match the results file; specify the run with --of RUN
fact-broken = sending was interrupted; the results contain the outcomes recorded before that
fact-not-reported = the results could not be written, but they are in the journal; `rosterpatch resume` writes them
fact-busy = another process is working on the file
fact-unaccounted = not every row is accounted for; this is a bug, please report it
fact-held = the run is held and nothing was sent; `rosterpatch approve` releases it
fact-roster-removed = the stored copy of the roster has rows about protected persons and was removed after its run; the results have all other rows
fact-nothing-to-undo = the run changed nothing, so there is nothing to undo

fact-max-invalid = more rows are invalid than --max-invalid allows
fact-max-shrink = the file has shrunk by more than --max-shrink allows
fact-max-identity-changes = more rows would turn one person into another than --max-identity-changes allows
fact-renumber = rows would give a person another identity number and are not approved
fact-max-changes = more records would be changed than --max-changes allows
fact-conflicts = values were changed since the last run wrote them, and --conflicts is ask
fact-config-field = a setting names a field that the target does not have or that is read-only

fact-refused = the API refused the credentials; check them and their permissions
fact-unreachable = the API cannot be reached
fact-failing = nearly every row failed with the same error, so the run was stopped
fact-lookup = the API's records could not be read
fact-answered = the API responded with an error
fact-unasked = the API ignores the search filter; correct [lookup] in the target file, or use --key with another field
fact-same-page = the API returns the same page of records again; correct paging in the target file
fact-incomplete = the API's list of records is incomplete; correct paging in the target file
fact-next-page = the next page of the API's records cannot be requested; correct paging in the target file
fact-no-list = the API's response has no list of records; correct [lookup] in the target file
fact-no-record = the API's response has no record at the pointer in the target file; correct [lookup] or answers.record in the target file
fact-canary-not-updated = the first rows were read back, and one was not updated
fact-canary-not-held = the first rows were read back, and one does not have the values that were sent
fact-lost = the connection was closed before a response arrived

fact-foreign = a success response was not in the API's format, so something else responded, such as a login page or a proxy
fact-record-changed = someone changed the record after it was read, and nothing was sent
fact-record-version = the record has no version to send in If-Match, so nothing was sent
fact-rate-header = a Retry-After or rate-limit header of the API cannot be used: it is not a time, or is more than a day away. rosterpatch uses its own backoff
fact-sign-in-missing = the credentials are missing; set these environment variables, or the same names with _FILE
fact-sign-in-file = a credential file cannot be read
fact-sign-in-empty = a credential is empty
fact-sign-in-character = a credential contains white space or an invalid character
fact-run-not-text = the path of a file is not UTF-8
fact-address = the API's address cannot be used
fact-client = the HTTP client cannot be set up

fact-journal-folder = the state folder cannot be used; set another with --state
fact-journal-network = the state folder is on a network file system, where SQLite cannot keep a journal safely
fact-journal-sqlite = the journal cannot be used
fact-journal-database = the journal's database refused the connection, or cannot be reached
fact-journal-address = the database's address cannot be used
fact-journal-not-migrated = the database lacks the tables of this version; create them with: rosterpatch database migrate
fact-journal-newer = a newer version of the program wrote the journal
fact-journal-foreign = the journal's file is from another program, or from before the first release
fact-journal-no-run = there is no such run; `rosterpatch runs` lists them
fact-journal-damaged-run = the journal's record of a run is damaged
fact-journal-damaged-row = the journal's record of a row is damaged
fact-journal-damaged = some of the journal's records are damaged
fact-journal-no-changes = the changes of the run are no longer in the journal
fact-journal-broken = the journal could not be written, so nothing more is sent

fact-report-no-folder = the output folder does not exist
fact-report-write = a file cannot be written
fact-report-held-open = another program has the file without this number open, so the output has a number in its name
fact-report-template = the report cannot be created

fact-target-unknown = there is no such target; `rosterpatch targets` lists the built-in ones, and others are given by their file
fact-target-read = the target file cannot be read
fact-target-mistakes = the target file has errors; `rosterpatch check` in a terminal shows them

fact-no-profile = the config file does not have the requested profile
fact-several-profiles = the file name matches the patterns of several profiles; name one with --profile, or narrow the patterns
fact-no-target = no target is given; set one with --target, ROSTERPATCH_TARGET, or target in the config file
fact-variable = a variable of the target's addresses is missing or invalid; set it with --var or [var]
fact-no-environment = the target does not have the environment that --env names
fact-config-mistakes = the config file has errors; `rosterpatch config` shows them
fact-file-io = a file or folder cannot be read, moved or written
fact-not-done = it failed; run `rosterpatch check` on the file, or the same command, in a terminal to see why
fact-stdout = cannot write to standard output

fact-usage-wrong = the command line or the config is wrong; run `rosterpatch check` on the file, or the same command, in a terminal to see why
fact-usage-language = the language in --lang or ROSTERPATCH_LANG does not exist; use en or sv
fact-usage-unknown-argument = the command line has an unknown option; --help lists them
fact-usage-unknown-command = there is no such command; --help lists them
fact-usage-missing = the command line lacks an argument
fact-usage-conflict = two options on the command line exclude each other
fact-usage-value = an option has an invalid value

fact-notify-status = the command ended with an error
fact-notify-too-long = the command took too long
fact-queue-other-content = the copy of the file on this machine differs from the queued file; it is fetched again
fact-queue-removed = the file was removed from the queue
fact-queue-unknown = the reason is unknown: another version of the program recorded it
fact-usage-not-text = an argument on the command line is not UTF-8
fact-not-processed = not imported
fact-set-aside = not imported, and moved to failed
fact-fits-no-profile = not imported; the file stays in the inbox: its name does not match the files pattern of any profile; rename it, or add a pattern to a profile
fact-older = not imported: it is older than the last imported file with this name; check that it is the right file, then update its modification time (touch) or use --again
fact-inbox-foreign = rosterpatch did not put this file into the archive, so [retention] does not remove it
fact-inbox-waits = not imported yet: its profile's credentials cannot send anything; the next sweep tries again
