### Reports of a check, a plan, a run in progress and an ended run.

of-results = this is a results file of an earlier run: its import_ columns are replaced, and row numbers are those of the original file
check-first = { $file }: { $dialect }, { $columns }, { $rows }
check-columns = columns
check-protected = (marks protected persons)
check-ignored = (ignored)
check-ignored-meant = (ignored; looks like { $field }: --map "{ $header }={ $field }")
check-no-header = (no header)
check-hidden-read = { $rows } read; --skip-hidden leaves them out
check-hidden-skipped = { $rows } left out (--skip-hidden)
repair-number-format = read with the workbook's number format
repair-before-midnight = a date 12 seconds before midnight, rounded up to midnight
check-passed-over = { $rows } skipped
check-restored = restored after a program changed it
check-doubtful = doubtful, and sent unchanged (--strict makes it invalid)
check-all-valid = { $valid } of { $rows } valid; no problems
check-some-valid = { $count ->
    [one] { $valid } of { $rows } valid; { $problems } in the other one
   *[other] { $valid } of { $rows } valid; { $problems } in the other { $invalid }
}
check-problems-option = --problems FILE.csv writes all problems
place-row = row { $row }
place-cell = row { $row }, { $column }
repair-municipality = restored a lost 0 before three digits
repair-identity = restored a lost 0 before nine digits
repair-phone-zero = restored a lost 0 before a mobile number
repair-phone-plus = restored a lost + before 46
repair-date = converted the date to YYYY-MM-DD
repair-trailing-cells = empty cells missing at the end of the row
repair-formula = extracted the text from =" "
repair-temporary = read as a temporary number because of its format
repair-apostrophe = removed the apostrophe that marks a cell as text
repair-decimal-zero = removed the decimals that a program added to a whole number
repair-invisible-character = removed invisible characters
repair-lookalike-character = replaced dashes, spaces and fullwidth characters with ordinary ones
repair-other = restored

plan-token = The client secret is sent to the token endpoint { $address }.
plan-first = { $target }: { $address }
plan-counts = { $rows }: { $count } to send
plan-left-out = { $count ->
   *[other] left out
}
plan-restored = { $cells } changed by a program and restored: { $what } ({ $code })
plan-doubts = { $values }, which the API probably accepts: { $code }
plan-conflicts-overwritten = { $conflicts }: changed since rosterpatch last wrote them; the roster overwrites the changes
plan-conflicts-kept = { $conflicts }: changed since rosterpatch last wrote them; the changes are kept
plan-conflicts-asked = { $conflicts }: changed since rosterpatch last wrote them; you decide before anything is sent
plan-conflicts = Changed since rosterpatch last wrote them
plan-conflict-written = last written
plan-conflict-current = now
plan-conflict-roster = roster
plan-lookups = { $how }: { $requests }
plan-known = { $records } known from a full list that is { $age } old, with the changes up to { $moment }: { $changed } changed, { $deleted } deleted, { $read } read for comparison with their rows, { $compared } others compared
plan-fields = fields to change: { $fields }
rate-guessed = { $rate } (estimated)
plan-time = { $requests } at { $rate }: { $time }
plan-time-at-once = { $requests } at { $rate }, { $count } of them at once: { $time }
plan-until = , done about { $finish }
plan-to-send = to send
plan-unread-value = last delivered, not read
plan-last-delivered = the values are those last delivered before the run; the API's records cannot be read
plan-fields-heading = Fields that change
plan-more = and { $more } more
plan-nothing = (empty)
plan-persons = Rows that turn one person into another
plan-person = { $place }: { $from } → { $to }
plan-renumbers = Persons with a new identity number
plan-proposal = { $line } (matched by name and date of birth only)
plan-renumbered = { $rows } with a new identity number for a person with a temporary one
plan-invalid-rows = Invalid, and not sent
plan-noticed = Restored and doubtful values, with examples
plan-problem = { $place }: { $problems }
plan-no-row = there is no row { $row }: the file has { $rows }
plan-no-request = nothing would be sent for row { $line } (import_row { $row })
plan-request-of = the request for row { $line } (import_row { $row }); secrets are read from the environment
saved-roster = the roster is not the one that was planned; nothing was sent; make a new plan
saved-place = the plan is for { $then }, and the import goes to { $now }; nothing was sent
saved-rows = the changes differ from the plan for { $amount } ({ $rows }); nothing was sent; make a new plan with the same options and review it
saved-unreadable = { $path } is not a plan saved by this version; make one with plan --save
plan-held = an import would be held: { $why }
plan-not-read = { $why }; nothing was sent
plan-try-blind = { $why }; nothing was sent; if these credentials have write access only, --blind plans without reading

progress-reading = reading { $file }: { $dialect }, { $columns }
rows-withheld = { $rows } about protected persons withheld (not looked up, not sent): { $lines }
progress-ignored = columns ignored, not fields of the target: { $columns }
column-unmapped = column "{ $header }" is not imported and resembles { $field }; --map "{ $header }={ $field }" imports it, --map "{ $header }=" ignores it
column-unmapped-at = column { $at } is not imported and resembles { $field }; --map "HEADER={ $field }" imports it, --map "HEADER=" ignores it
column-kind-of-key = the column "{ $column }" contains keys of the kind { $kind }, but they are sent as { $sent }; add --var { $name }={ $kind }
column-misspelt = column "{ $header }" is not imported, and its header resembles { $field }; add --map "{ $header }={ $field }" to import it or --map "{ $header }=" to ignore it
column-ask = Column "{ $header }" resembles { $field }. Import it as { $field }?
progress-read = of the file read
progress-looked-up = { $done } of { $all } looked up
progress-run = run { $run }
progress-goes-on = run { $run }: { $done } of { $rows } already done, { $left } to send
progress-goes-on-until = { $line }; { $time }
progress-lookup = look-up
progress-retrying = { $what }: { $why } on attempt { $attempt }; retrying in { $wait }
progress-waiting = nothing is sent until { $time } ({ $wait }): { $why }
progress-stopping = stopping: { $why }; requests in progress will finish
progress-rows = { $done } of { $rows }: { $counts }
progress-bar = { $done } of { $all } sent
progress-done-about = done about { $finish } ({ $left })
progress-for-quota = waiting for quota: { $rate }; { $time }
progress-for-api = waiting as the API requested; { $time }

summary-first = { $rows } of { $file } to { $target } ({ $address }) in { $time }
summary-first-unread = { $file } to { $target } ({ $address }) in { $time }
summary-read-as = read as { $dialect }, { $columns }, { $rows }
summary-requests = { $requests }, { $retries } of them retries; throttled { $times }
summary-requests-known = { $requests } known, { $retries } of them retries
summary-warnings = { $values }: see the column import_warning
summary-conflicts = { $conflicts }: { $overwritten } overwritten, { $kept } kept; see the columns import_warning and import_error
summary-field-refused = { $rows } rejected for a field that only some accounts may change. { $advice }
summary-held = held: { $why }
summary-was-held = also held for { $time }
summary-was-idle = also interrupted for { $time }
summary-release = release it with: rosterpatch approve { $run }
summary-undoes = undo of { $run }
summary-run = run
summary-state = state
summary-stopped = stopped
summary-queue = queue
summary-progress = progress
summary-came-to = { $done } of { $rows } done by { $time }
summary-planning = nothing was sent; planning was interrupted at { $time }
summary-ready = done by
summary-results = results
summary-failed = failed
summary-report = report
summary-before = before
summary-new = new

report-no-folder = cannot write { $path }: the folder { $folder } does not exist
report-write = cannot write { $path }
report-too-large = a workbook holds at most { $rows } rows; use a CSV file
report-template = cannot create the report { $path }: { $why }
report-not-a-file = it is neither a file nor a pipe with a reader; use - for standard output
report-no-reader = no process reads from this pipe
report-no-file = it is not a file; use - for standard output

html-line = { $rows } to { $target }, { $address } · run { $run } · { $time } · { $duration }
html-by-state = Rows by state
html-state = State
html-rows = Rows
html-requests = { $requests }, { $retries } of them retries; throttled { $times }.
html-look = Rows to review
html-row = Row
html-match = Match
html-proposal = by name and date of birth only
html-code = Code
html-wrong = What is wrong
html-request = Request
html-more = And { $more } more in the file of failed rows.
html-next = What to do next
html-copy = Copy
html-copied = Copied
html-when = Timeline
html-first-try = updated at the first attempt
html-again = updated at a later attempt
html-without-success = without success
html-slot = { $time }: { $rows }, { $again } of them at a later attempt, { $failed } without success
html-kinds = Problems by kind
html-advice = What to do
html-advice-rejected = The API rejected the row: { $said }
html-advice-failed = The row has no errors; retry it when the API works: { $said }
html-find = Find
html-all = All
html-shown = # of # shown
html-column = Column
html-files = Files
html-next-held = Nothing was sent. Review the reason above and, if the roster is right, approve the run.
html-next-persons = Nothing was sent. Compare the two persons of each row below in the plan (rosterpatch plan, or the console), and name the rows whose change is right; --rows none sends only the other rows.
html-next-conflicts = Compare the changed values, then decide: theirs keeps them, roster overwrites them
html-next-resume = The run ended before its last row. Resume it to send the remaining rows; completed rows are not sent again.
html-next-retry = Correct the rows in the file of failed rows, save it, and import it again. Only those rows are sent.
html-held = Held before anything was sent: { $why }

word-updated = updated
word-unchanged = unchanged
word-invalid = invalid
word-rejected = rejected
word-failed = failed
word-not-sent = not sent
word-withheld = withheld
word-unknown = unknown
summary-undone-by = undone by { $run }
report-undone = This run was undone by { $run }. Its results list the restored rows.
