### The console in the browser.

console-steps = Steps
console-step-file = File
console-step-columns = Columns
console-step-problems = Problems
console-step-plan = Plan
console-step-run = Sending
console-step-runs = Runs
console-step-person = One person
console-skip = Skip to the content
console-start = Choose a roster
console-to-start = Back to the start
console-trouble = That could not be done
console-busy = another run is under way or waits for an answer; wait until it has ended, answer it or stop it
console-open = Open the console

console-not-loopback = the console listens on this machine alone, such as 127.0.0.1:8788, not on { $address }
console-wrong-host = This address does not belong to the console.
console-other-site = This request did not come from the console.
console-not-let-in = Open the console by the address that rosterpatch printed.
console-token-used = This address works only once, and has been used. Start the console again.

console-waiting = Waiting for you
console-files-of-day = Files of the last day
console-choose = Choose a file
console-drop = Drop a roster here, or choose one: CSV, Excel or LibreOffice
console-open-file = Open
console-target = API
console-by-path = Or give the path of a file on this machine
console-path = Path
console-stays-here = Nothing leaves this machine but the requests to the API.
console-no-file = no file was chosen

console-file-title = What the file was read as
console-read-as = Read as { $description }.
console-rows-in = Rows: { $rows }.
console-first-rows = First rows
console-encoding = Encoding
console-delimiter = Delimiter
console-sheet = Sheet
console-which-sheet = The file has several sheets, and these have a matching header: { $sheets }. Choose the one to import.
console-choose-one = (choose)
console-header-row = Header row
console-semicolon = semicolon
console-comma = comma
console-tab = tab
console-pipe = pipe
console-read-again = Read the file again
console-next-columns = Go on to the columns
console-no-number = "{ $text }" is not a number

console-columns-title = What the columns are
console-columns-of = Each column of the roster beside the field of { $target } that it sets.
console-your-column = Your column
console-its-cells = Sample values
console-is-field = Sets the field
console-field-of = Field of { $column }
console-marks-protected = marks protected persons
console-leave-out = (leave it out)
console-near = Did you mean { $field }?
console-keep = Keep this for next time
console-kept = Kept for next time in { $path }.
console-next-problems = Go on to the problems

console-problems-title = Rows to mend
console-left = { $count ->
    [one] { $number } row is left to mend
   *[other] { $number } rows are left to mend
}
console-none-left = No row is left to mend
console-valid = Valid rows: { $valid } of { $rows }.
console-again-rows = These rows did not succeed last time. Only they are sent.
console-make-plan = Make the plan
console-alike = Same value wrong in several rows
console-replace-with = Replace with
console-replace-all = { $count ->
    [one] Replace in { $count } row
   *[other] Replace in { $count } rows
}
console-search = Search in all cells
console-find = Search
console-only-faulty = Only rows to mend
console-nothing-wrong = Nothing is wrong with any row.
console-nothing-found = No matching rows.
console-shown = { $from } to { $to } of { $all }
console-line = Row
console-take-back = Undo the changes to this row
console-before = Previous
console-after = Next
console-not-written = The roster file is never changed. Download it with your changes:
console-as-workbook = as a workbook
console-as-csv = as a CSV file

console-plan-title = What would change
console-send = Send { $records }
console-close-run = Close the run: nothing is left to undo
console-canary = Send { $rows } first, read them back, then send the rest
console-not-yet = Do not send
console-note = Note (stored with the run)
console-conflicts-theirs = Keep the changes in all these rows
console-conflicts-roster = Use the roster's values in all these rows
console-conflicts-rows = Decide for each row
console-conflicts-choice = Choice
console-conflicts-keep = Keep the change
console-conflicts-take = Use the roster's value
console-conflicts-choose = Choose what to do with the values that were changed, and send again. Nothing has been sent.
console-who-changes = Records that change
console-field = Field
console-all-fields = All fields
console-where-column = Where the column
console-is-value = is
console-filter = Filter
console-no-changes = No changes to show.
console-record = Record
console-change = Change
console-file-changed = the file was changed since it was looked at; open it again
console-cancel = Cancel

console-run-title = Sending
console-reading = Reading and checking the roster
console-plan-ready = The plan is ready
console-sending = Sending
console-ended = Ended
console-see-plan = Show the plan
console-see-run = Show the run
console-done-of = { $done } of { $rows } done
console-is-paused = Paused: nothing is sent.
console-pause = Pause
console-go-on = Go on
console-stop = Stop
console-may-close = You may close this page: sending goes on. Open the same page again to follow it.
console-unfinished = An earlier run of this file was interrupted.
console-fresh = Start anew instead

console-runs-title = Runs
console-run-of = Run { $run }
console-files = Files
console-file-gone = that file is not there any more
console-approve = Approve and send
console-approve-rows = Tick each row whose new person is right, then approve the run. Rows that you do not tick are not sent.
console-resume = Resume this run
console-mend-rows = Mend the rows that failed
console-undo = Undo: show what would be put back

console-person-title = What has changed for one person?
console-person-key = { $keys } or another value of the person
console-person-any-key = A key, an e-mail address or another value of the person
console-address = The console is open at { $address }
console-no-browser = no browser could be started; open this address yourself: { $address }
console-other-file = this page was made for another file, or for another way to read it; open the page again
console-other-plan = this page shows another plan than the one now waiting for an answer; open the page again
console-broke = a mistake in the program cut the run short; what was sent is recorded, and the run can be resumed
console-person-file = Download as a CSV file
console-lost = The console does not answer. What you type now is not received, and if it has ended, so has a run that was under way. Start it again with the same file: what has been checked is kept, and the run can be resumed.
console-surplus = Without a column
console-take-all-back = Undo all changes
console-mended-before = { $count ->
    [one] { $number } row stands as you changed it last time.
   *[other] { $number } rows stand as you changed them last time.
}
console-rehearsal = Rehearsal: the API is played on this machine, and nothing real is changed.
console-other-choice = Choose another file
console-yes-take-back = Yes, undo them all
