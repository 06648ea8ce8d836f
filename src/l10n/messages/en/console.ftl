### Messages of the console in the browser.

console-steps = Steps of this import
console-step-file = File
console-step-columns = Columns
console-step-problems = Rows
console-step-plan = Review
console-step-run = Send
console-skip = Skip to the content
console-start = Import a roster
console-to-start = Back to the start
console-trouble = That could not be done
console-busy = another run is being sent; wait until it has ended, or stop it
console-open = Open the console

console-not-loopback = the console listens on this machine alone, such as 127.0.0.1:8788, not on { $address }
console-wrong-host = This address does not belong to the console.
console-other-site = This request did not come from the console.
console-not-let-in = Open the console by the address that rosterpatch printed.
console-open-elsewhere = The console is open in another browser or another window. Go on there, or stop the console and start it again to open it here.

console-waiting = Waiting for you
console-files-of-day = Files of the last day
console-choose = Choose a file
console-drop = Drop a roster here, or choose one: CSV, Excel or LibreOffice
console-open-file = Open
console-target = System
console-by-path = Or give the path of a file on this machine
console-path = Path
console-stays-here = This computer exchanges data only with the system that you import into.
console-no-file = no file was chosen

console-file-title = What the file was read as
console-read-as = Read as { $description }.
console-rows-in = Rows: { $rows }.
console-first-rows = First rows
console-encoding = Encoding
console-delimiter = Delimiter
console-sheet = Sheet
console-which-sheet = The file has several sheets. With a matching header: { $sheets }. Choose the sheet to import.
console-sheet-empty = The sheet “{ $sheet }” is empty.
console-sheet-no-rows = The sheet “{ $sheet }” has a header and no rows below it.
console-file-no-rows = The file has a header and no rows below it.
console-choose-sheet = Choose another sheet, or another file.
console-choose-file = Check the header row, or choose another file.
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
console-columns-of = This is how the columns of the roster belong to the fields of { $target }. Change what is wrong.
console-your-column = Your column
console-its-cells = Sample values
console-is-field = Sets the field
console-what-fields = What are { $fields }?
console-field-id = The ID that { $system } itself gives each person. The roster does not need it if it has another value that identifies the person, such as an identity number.
console-field-external = The person's number in the system from which the roster comes, such as a student number.
console-field-eppn = The name with which the person signs in with the school account, such as anna@school.se. It looks like an e-mail address, but need not be the person's address.
console-field-of = Field of { $column }
console-marks-protected = marks protected persons
console-leave-out = (do not send)
console-class-here = The class is not changed in { $system }. It only shows here who a row is about.
console-new-since = New since the import of { $at }
console-missing-since = In the import of { $at } and missing now
console-comparing = Comparing with the system: { $done } of { $all }
console-left-seconds = { $count ->
    [one] About { $number } second left
   *[other] About { $number } seconds left
}
console-left-minutes = { $count ->
    [one] About { $number } minute left
   *[other] About { $number } minutes left
}
console-near = Did you mean { $field }?
console-either = { $one } or { $other }
console-columns-asked = { $count ->
    [one] { $number } column is not recognised by its header. Answer the question about it: it is sent or left out as you say.
   *[other] { $number } columns are not recognised by their headers. Answer the question about each: it is sent or left out as you say.
}
console-columns-open = These columns have unanswered questions: { $columns }. Answer the question beside each.
console-two-columns = The columns “{ $first }” and “{ $second }” are both set to { $field }. Choose another field for one of them, or leave it out.
console-read-only = The column “{ $column }” is set to { $field }, which cannot be changed in { $system }. Choose another field for it, or leave it out.
console-no-key = No column says who each row is about. Set one of your columns to one of these fields: { $fields }.
console-missing = Each row must have these fields, and no column is set to them: { $fields }. Choose the column for each.
console-holds-email = e-mail addresses
console-holds-identity = identity numbers
console-holds-phone = phone numbers
console-holds-postal = postal codes
console-holds-date = dates
console-holds-municipality = municipality codes
console-holds-id = IDs
console-send-as = This column holds { $held }. Send as { $field }?
console-earlier-sent = On { $at } you sent the column with this header as { $field }, from { $file }. Do the same?
console-earlier-left = On { $at } you left out the column with this header, in { $file }. Leave it out again?
console-answer-send = Send as { $field }
console-answer-leave = Do not send
console-answer-repeat = Answer as last time
console-keep = Use these columns for similar files without asking, also when files are imported automatically
console-pattern = Files named
console-keep-how = An asterisk stands for anything. Without this, your answers are suggested the next time that a file has these headers.
console-kept = Files named { $pattern } get these columns from now on ({ $path }).
console-kept-in = The columns are stored in the profile { $profile } ({ $path }).
console-pattern-unfit = “{ $pattern }” does not match the name { $file }
console-pattern-taken = “{ $pattern }” also matches files of the profile { $profile }; use a narrower name
console-next-problems = Go on to the rows

console-problems-title = Check the rows
console-left = { $count ->
    [one] { $number } row has a fault
   *[other] { $number } rows have faults
}
console-none-left = No fault was found in the file
console-valid = { $valid } of { $rows } rows can be sent.
console-rows-protected = { $count ->
    [one] { $number } row about a protected person is not sent.
   *[other] { $number } rows about protected persons are not sent.
}
console-rows-skipped = { $count ->
    [one] { $number } row is skipped.
   *[other] { $number } rows are skipped.
}
console-again-rows = These rows did not succeed last time. Only they are sent.
console-found-in-review = In the review: { $why }
console-back-to-review = Back to the review
console-make-plan = Review the changes
console-alike = Same value wrong in several rows
console-replace-with = Replace with
console-replace-all = { $count ->
    [one] Replace in { $count } row
   *[other] Replace in { $count } rows
}
console-search = Search in all cells
console-find = Search
console-only-faulty = Only rows to mend
console-nothing-wrong = No fault was found in the file. Go on to review the changes.
console-nothing-found = No matching rows.
console-shown = { $from } to { $to } of { $all } rows
console-shown-changed = Rows that you have changed are shown too.
console-shown-with = { $count ->
    [one] { $shown }, and { $number } other row with the same value as one of them
   *[other] { $shown }, and { $number } other rows with the same value as one of them
}
console-line = Row
console-take-back = Undo
console-before = Previous
console-after = Next
console-page-of = Page { $page } of { $pages }
console-saved = Each change is saved as you make it. The roster file itself is never changed.
console-not-written = Download the roster with your changes:
console-as-workbook = as a workbook
console-as-csv = as a CSV file

console-plan-title = Review the changes
console-send = { $count ->
    [one] Send { $number } change
   *[other] Send { $number } changes
}
console-close-run = Close the run: nothing is left to undo
console-canary = Send { $rows } first, and the rest right after if they are right
console-not-yet = Do not send
console-note = Note (stored with the run)
console-note-of = Note: { $note }
console-conflicts-theirs = Keep the changes in all these rows
console-conflicts-roster = Use the roster's values in all these rows
console-conflicts-rows = Decide for each row
console-conflicts-choice = Choice
console-conflicts-keep = Keep the change
console-conflicts-take = Use the roster's value
console-conflicts-choose = Choose what to do with the values that were changed, and send again. Nothing has been sent.
console-who-changes = Who changes
console-who-was-changed = Who was changed
console-who-was-restored = Who got their earlier values back
console-who-failed = { $count ->
    [one] { $number } row did not go through
   *[other] { $number } rows did not go through
}
console-field = Field
console-all-fields = All fields
console-where-column = Where the column
console-is-value = is
console-filter = Filter
console-no-changes = No changes to show.
console-record = Person
console-change = Change
console-file-changed = the file has changed since it was opened; open it again
console-cancel = Cancel

console-run-title = Sending
console-reading = Reading and checking the roster
console-plan-ready = The plan is ready
console-sending = Sending
console-ended = Ended
console-see-plan = Show the plan
console-see-run = Show the result
console-done-of = { $done } of { $rows } done
console-is-paused = Paused: no more rows are started. Rows that had already started are still sent.
console-pause = Pause
console-go-on = Go on
console-stop = Stop
console-may-close = You may close this page: sending goes on. Open the same page again to follow it.
console-unfinished = An earlier run of this file was interrupted.
console-fresh = Start anew instead

console-runs-title = History
console-run-of = { $file }, { $at }
console-files = Files
console-file-results = The result of each row
console-file-failed = Rows that did not go through
console-file-new = People who are not in the system
console-file-before = Values from before the run
console-files-folder = The files are also in the folder { $folder }.
console-file-report = Report to read and print
console-runs-file = File
console-runs-started = Started
console-runs-state = Status
console-file-gone = that file is not there any more
console-approve = Approve all…
console-approve-ticked = Approve…
console-approve-ticked-question = rosterpatch sends the rows that you ticked and the rows that need no tick. You can pause or stop, and undo afterwards.
console-approve-rows = Tick each row whose new person is right, then approve the run. Rows that you do not tick are not sent.
console-resume = Resume this run
console-mend-rows = Correct the rows that failed
console-undo = Undo: show what would be put back

console-person-title = What has changed for one person?
console-person-by = Name, identity number or e-mail address
console-address = The console is open at { $address }
console-played = Rehearsal: the simulated API is filled anew each time that the console starts, and forgets what was sent when it ends.
console-no-browser = no browser could be started; open this address yourself: { $address }
console-other-file = this page was made for another file, or for another way to read it; open the page again
console-other-plan = the rows or the file have changed since this page was opened, so nothing was sent; review the changes again
console-broke = an error in the program stopped the run; what was sent is in the history, and the run can be resumed
console-person-file = Download as a CSV file
console-lost = The console does not answer. What you type now is not received, and if it has ended, so has a run that was under way. Start it again with the same file: what has been checked is kept, and the run can be resumed.
console-surplus = Without a column
console-take-all-back = Undo all changes
console-mended-before = { $count ->
    [one] { $number } row stands as you changed it last time.
   *[other] { $number } rows stand as you changed them last time.
}
console-rehearsal = Rehearsal: nothing real is changed. What differs between the system and the roster is made up, also who is missing there. What you send is kept until rosterpatch ends, and the next rehearsal starts from the beginning.
console-other-choice = Choose another file
console-yes-take-back = Yes, undo them all
console-step-done = Done
console-places = Pages
console-place-start = Start
console-place-runs = History
console-place-person = Find a person
console-state-done = done
console-state-attention = needs attention
console-state-under-way = in progress
console-state-waiting = not started
console-state-not-through = { $count ->
    [one] { $number } row did not go through
   *[other] { $number } rows did not go through
}
console-state-left = { $count ->
    [one] { $number } row to fix
   *[other] { $number } rows to fix
}
console-plan-stale = You have changed rows or columns since the changes were reviewed. That review is discarded, and nothing has been sent.
console-plan-none = rosterpatch compares the roster with what the system holds now and shows each change. Nothing is sent until you confirm.
console-plan-left = { $count ->
    [one] { $number } row has a fault and will not be sent.
   *[other] { $number } rows have faults and will not be sent.
}
console-to-rows = Go to the rows
console-plan-discarded = The review of { $file } was not confirmed and is discarded. Nothing of it has been sent.
console-edits-of-other-reading = { $count ->
    [one] Your changes to { $number } row belong to the earlier way to read the file. They return if you read it that way again.
   *[other] Your changes to { $number } rows belong to the earlier way to read the file. They return if you read it that way again.
}
console-undo-title = Undo the run from { $at }
console-tab-faulty = To fix
console-tab-changed = Rows you changed
console-tab-restored = Restored and interpreted values
console-tab-doubtful = Doubtful values
console-name = Name
console-class = Class
console-column = Column
console-value = Value
console-fault = Fault
console-remark = Remark
console-corrected = corrected
console-suggestion = Suggestion
console-whole-row = Whole row
console-skip-row = Skip this row
console-row-skipped = This row is skipped. It is not sent.
console-row-emptied = All cells are empty, so the row is not sent.
console-emptied = Empty cell: { $system } keeps its value
console-details = Code for the IT department
console-yes = Yes
console-no = No
console-last-time = Last time: { $state }. { $why }
console-fault-not-found = This person is not in { $system }
console-fault-mojibake = The letters were damaged when the file was saved
console-fault-number = A spreadsheet has changed this number; type it as it should be
console-fault-serial = A spreadsheet has turned the date into this number; write it as 2010-04-02
console-fault-date-order = The date can be read in two ways; write it as 2010-04-02
console-fault-municipality = A municipality code has four digits, such as 0184
console-fault-formula = The cell holds a formula; type its value
console-fault-damaged = The value was damaged in the file; type it again
console-doubt-question-mark = A question mark may stand for a letter that was lost; check the value
console-doubt-date = A spreadsheet may have turned the value into a date; check it
console-doubt-number = A spreadsheet may have changed the number; check it
console-fault-id = This is not a complete ID
console-fault-empty = { $system } does not allow an empty value here
console-fault-few-cells = The row has { $found } values and the list has { $expected } columns. Check that each value is in its column, and type what is missing.
console-fault-many-cells = The row has { $found } values and the list has { $expected } columns. Check that each value is in its column.
console-fault-check-digit = The last digit does not match the others; look for a mistyped digit
console-fault-duplicate = Row { $row } has the same value; only one person can have it
console-fault-taken = Another person in { $system } already has { $value }
console-fault-taken-by = { $person } already has { $value } in { $system }; correct the row that is wrong
console-fault-taken-outside = A person in { $system } who is not in this file already has { $value }; correct the value, or change that person first
console-fault-other-record = The person with { $key } in { $system } has another ID than the row
console-fault-refused = { $system } did not accept { $key } in the search; correct the value
console-fault-other-key = The search for { $key } in { $system } found another person; write the value as it is in { $system }
console-fault-unwritable = rosterpatch cannot search { $system } for a value that contains { $part }; correct the value
console-fault-guarded = "{ $text }" grants permissions; the person who administers rosterpatch must allow this value
console-fault-guarded-removed = "{ $from }" grants permissions; the person who administers rosterpatch must allow its removal
console-held-no-rows = The file has no rows.
console-held-invalid = { $count } of { $rows } rows have faults, more than the limit of { $most }.
console-held-shrink = The file has { $rows } rows and had { $last } last time. It may shrink by at most { $most }.
console-held-changes = { $count } of { $rows } rows would change, more than the limit of { $most }.
console-held-identity = { $count ->
    [one] { $number } row would turn one person into another; the limit is { $most }.
   *[other] { $number } rows would turn one person into another; the limit is { $most }.
}
console-held-renumbering = { $count ->
    [one] { $number } person would get a new identity number.
   *[other] { $number } people would get new identity numbers.
}
console-held-conflicts = { $count ->
    [one] { $number } value was changed in the system since it was last sent. Decide which one stays.
   *[other] { $number } values were changed in the system since they were last sent. Decide which ones stay.
}
console-time-short = Sending takes less than a minute.
console-time-minutes = { $count ->
    [one] Sending takes about { $number } minute.
   *[other] Sending takes about { $number } minutes.
}
console-time-hours = { $count ->
    [one] Sending takes about { $number } hour.
   *[other] Sending takes about { $number } hours.
}
console-time-until = { $time } If you start now, it is done about { $finish }.
console-nothing-changed = You have changed no row.
console-nothing-restored = No value was restored or interpreted.
console-nothing-doubtful = No value is doubtful.
console-doubtful-sent = These values may be wrong. They are sent as they are, unless you change them or the system already holds them.
console-sent-without = What you change now is not part of what was sent. Review the changes again to send it.
console-bulk-done = { $count ->
    [one] { $column }: “{ $from }” was replaced with “{ $to }” in { $number } row.
   *[other] { $column }: “{ $from }” was replaced with “{ $to }” in { $number } rows.
}
console-bulk-undone = { $count ->
    [one] Undone in { $number } row.
   *[other] Undone in { $number } rows.
}
console-undo-bulk = Undo
console-restored = { $count ->
    [one] { $number } value was restored after a program had changed it
   *[other] { $number } values were restored after a program had changed them
}
console-temporary = { $count ->
    [one] { $number } number was read as a temporary number
   *[other] { $number } numbers were read as temporary numbers
}
console-doubtful = { $count ->
    [one] { $number } doubtful value in the file
   *[other] { $number } doubtful values in the file
}
console-not-sent = Needs attention: these rows are not sent
console-not-sent-found = { $count ->
    [one] { $number } row is not sent: { $file } with a fault in the file, and { $compared } found when the file was compared with { $system }.
   *[other] { $number } rows are not sent: { $file } with faults in the file, and { $compared } found when the file was compared with { $system }.
}
console-faults-in-file = { $count ->
    [one] with a fault in the file
   *[other] with faults in the file
}
console-faults-compared = with faults found by comparing with { $system }
console-skipped = skipped
console-protected = { $count ->
    [one] protected person
   *[other] protected persons
}
console-with-faults = { $count ->
    [one] with a fault
   *[other] with faults
}
console-not-in = not in { $system }
console-plan-not-found = This person is not in { $system }. The row has no fault: add the person in { $system } first, or check the number.
console-show-row = Show the row
console-to-restore = to restore
console-to-correct = { $count ->
    [one] { $number } needs attention
   *[other] { $number } need attention
}
console-correct = Correct
console-the-system = the system
console-technical = Technical details
console-undo-of = Undo of the run from { $undone }, { $at }
console-run-undo = Undo
console-run-retry = Tried again
console-outcome = Outcome
console-show-rehearsals = Show rehearsals
console-is-rehearsal = rehearsal
console-approve-question = { $count ->
    [one] { $number } change will be sent. You can pause or stop, and undo afterwards.
   *[other] { $number } changes will be sent. You can pause or stop, and undo afterwards.
}
console-approve-yes = Yes, approve and send
console-decline = Decline…
console-decline-question = Nothing is sent, and the run cannot be approved afterwards. Its rows are listed as not sent in the results.
console-decline-yes = Yes, decline
console-declined = The run is declined. Nothing was sent.
console-declined-because = The run is declined. Nothing was sent. It waited for approval because: { $why }
console-correct-declined = Correct the rows and make a new plan
console-undo-rest = { $count ->
    [one] Undo the one person that is left
   *[other] Undo the { $number } people that are left
}
console-undo-choose = Everyone whose box is ticked gets the values from before the run. You can undo the others later.
console-undo-of-chosen = { $count ->
    [one] The undo covers the one person that you chose. You can undo the others later.
   *[other] The undo covers the { $number } people that you chose. You can undo the others later.
}
console-undo-chosen = Chosen: { $chosen } of { $all }
console-undo-none = Tick at least one person.
console-undo-include = Undo
console-undo-include-who = Undo { $who }
console-undo-tick-all = Tick everyone
console-undo-untick-all = Untick everyone
console-undo-tick-class = Tick everyone in { $class }
console-undo-untick-class = Untick everyone in { $class }
console-all-classes = All classes
console-only-class = Show one class:
console-correct-first = Correct the rows first
console-other-address = The run goes to { $run }, but rosterpatch sends to { $own } now. Start rosterpatch with the settings of the run to correct its rows.
console-sign-in = rosterpatch cannot sign in yet
console-sign-in-ask = You can check and correct the file, but changes cannot be sent. Copy this text to your IT department:
console-sign-in-for = Text for the IT department
console-sign-in-text = rosterpatch cannot sign in on this computer. { $why }. The guide describes signing in under “Credentials”, and rosterpatch doctor checks the result.
console-copy = Copy the text
console-stop-sign-in = rosterpatch cannot sign in on this computer, so nothing can be sent. Give the technical details to your IT department.
console-stop-refused = { $system } did not accept the sign-in. Give the technical details to your IT department.
console-stop-unreachable = { $system } did not answer as expected. Try again later. If it happens again, give the technical details to your IT department.
console-stop-unreadable = The information in { $system } could not be read, so it could not be compared with the roster. Try again later. If it happens again, give the technical details to your IT department.
console-stop-failing = { $system } gave the same error for nearly every row, so sending was stopped. Give the technical details to your IT department.
console-stop-other = rosterpatch could not go on. What was sent is in the history. Give the technical details to your IT department.
console-done-about = done about { $finish }
console-notify = Notify me when it is done
console-percent = { $percent }%
console-told = { $file }: { $outcome }
console-first-checked = { $count ->
    [one] The first { $number } was read back and has the values that were sent
   *[other] The first { $number } were read back and have the values that were sent
}
console-first-reading = { $count ->
    [one] The first { $number } is sent and is being read back
   *[other] The first { $number } are sent and are being read back
}
console-first-sending = { $count ->
    [one] The first { $number } is sent before the others
   *[other] The first { $number } are sent before the others
}
console-undo-counted = { $count ->
    [one] Undo the run from { $at }: { $number } person gets the earlier values back
   *[other] Undo the run from { $at }: { $number } people get their earlier values back
}
console-undo-send = { $count ->
    [one] Put back { $number } change
   *[other] Put back { $number } changes
}
console-recent = Recent files
console-undo-changed = The values have changed since you made your choice, so nothing has been sent. Review the list and confirm it again.
console-run-asks = Nothing has been sent yet, and nothing is sent before you confirm it.
console-state-asking = waits for your answer
console-state-held = waits for your approval
console-person-none = No person with the name, number or address “{ $query }” was found.
console-person-unchanged = No changes are recorded for this person.
console-person-too-many = Too many people match. Type more of the name, or a number.
console-person-several = Choose a person
console-person-number = Number
console-person-unnamed = No name is known
console-person-hidden = Not shown: this person may have protected identity
console-person-more = There are more. Type more of the name, or a number.
console-person-changed = Changed by row { $line } of { $file }
console-person-restored = Restored by an undo
console-person-undone = undone since
console-person-where = Names are searched in the { $files } latest files that are still in place and in the changes of the { $runs } latest runs. Numbers and addresses are searched in the whole history. People with protected identity are not found.
console-rehearse = Rehearse
console-rehearse-meanwhile = Until then you can rehearse: nothing is sent, and a simulated system answers.
console-rehearse-what = Nothing is sent: a simulated system answers until rosterpatch ends.
console-rehearsal-over = This rehearsal is over, so its rows can no longer be corrected or restored. To rehearse again, open the file again.
console-not-rehearsed = This is no rehearsal, so the run can only be looked at here. To continue or undo it, start rosterpatch again.
console-sheet-title = Choose a sheet
console-of-results = The file has the results of an earlier run. The rows are compared with the system again, and only what differs is sent.
