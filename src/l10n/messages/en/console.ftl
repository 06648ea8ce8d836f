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
console-busy = another run is under way; wait for it or stop it first
console-open = Open the console

console-not-loopback = the console listens on this machine alone, such as 127.0.0.1:8788, not on { $address }
console-wrong-host = This address does not belong to the console.
console-other-site = This request did not come from the console.
console-not-let-in = Open the console by the address that rosterpatch printed.
console-token-used = This address has been used, and opens the console once only. Start the console again.

console-waiting = Waiting for you
console-choose = Choose a file
console-drop = Drop a roster here, or choose it: CSV, Excel or LibreOffice
console-open-file = Open
console-target = API
console-by-path = Or name a file on this machine
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
console-header-row = Line of the header
console-semicolon = semicolon
console-comma = comma
console-tab = tab
console-pipe = pipe
console-read-again = Read it again so
console-next-columns = Go on to the columns
console-no-number = "{ $text }" is not a number

console-columns-title = What the columns are
console-columns-of = Each column of the roster beside the field of { $target } that it sets.
console-your-column = Your column
console-its-cells = Its cells
console-is-field = Sets the field
console-field-of = Field of { $column }
console-leave-out = (leave it out)
console-near = Did you mean { $field }?
console-keep = Keep this for next time
console-kept = Kept for next time in { $path }.
console-next-problems = Go on to the problems

console-problems-title = Rows that need you
console-left = { $count ->
    [one] { $number } row is left to mend
   *[other] { $number } rows are left to mend
}
console-none-left = No row is left to mend
console-valid = { $valid } of { $rows } rows are valid.
console-again-rows = These rows did not succeed before. Only they are sent again.
console-make-plan = Make the plan
console-alike = All like this
console-replace-with = Replace with
console-replace-all = { $count ->
    [one] Replace in { $count } row
   *[other] Replace in { $count } rows
}
console-search = Search in all cells
console-find = Search
console-only-faulty = Only rows that need you
console-nothing-wrong = Nothing is wrong with any row.
console-nothing-found = No row has that.
console-shown = { $from } to { $to } of { $all }
console-line = Row
console-take-back = Undo my changes
console-before = Previous
console-after = Next
console-not-written = The roster file itself is never changed. With your changes in it:
console-as-workbook = as a workbook
console-as-csv = as CSV

console-plan-title = What would change
console-send = Send { $records }
console-canary = Send { $rows } first and read them back
console-not-yet = Not yet
console-who-changes = Who changes
console-field = Field
console-all-fields = All fields
console-where-column = Where the column
console-is-value = is
console-filter = Filter
console-no-changes = No record changes so.
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
console-may-close = You may close this page: sending goes on, and opening it again leads here.
console-unfinished = A run of this file was interrupted.
console-fresh = Start anew instead

console-runs-title = Runs
console-run-of = Run { $run }
console-files = Files
console-file-gone = that file is not there any more
console-approve = Approve and send
console-resume = Go on with it
console-mend-rows = Mend the rows that failed
console-undo = Undo: show what would be put back

console-person-title = Who changed this?
console-person-key = Identity number, e-mail address or another key
console-address = The console is open at { $address }
console-no-browser = no browser could be started; open this address in one: { $address }
console-other-file = This page was made of another file, or of another way to read it. Open it again.
console-other-plan = This page shows a plan that is not the one that is asked about now. Open it again.
console-broke = the program broke off; what was sent is recorded, and the run can be gone on with
