### Numbers, times and amounts. $number is $count, formatted.

thousands-mark = ,
time-unknown = an unknown time
time-tenths = { $whole }.{ $tenths } s
time-seconds = { $s } s
time-minutes = { $min } min { $s } s
time-hours = { $h } h { $min } min
time-days = { $d } d { $h } h
time-of-day = { $time } on { $date }
amount-rows = { $count ->
    [one] { $number } row
   *[other] { $number } rows
}
amount-empty-rows = { $count ->
    [one] { $number } empty row
   *[other] { $number } empty rows
}
amount-hidden-rows = { $count ->
    [one] { $number } hidden row
   *[other] { $number } hidden rows
}
amount-columns = { $count ->
    [one] { $number } column
   *[other] { $number } columns
}
amount-cells = { $count ->
    [one] { $number } cell
   *[other] { $number } cells
}
amount-problems = { $count ->
    [one] { $number } problem
   *[other] { $number } problems
}
amount-doubtful-values = { $count ->
    [one] { $number } doubtful value
   *[other] { $number } doubtful values
}
amount-conflicts = { $count ->
    [one] { $number } conflict
   *[other] { $number } conflicts
}
amount-requests = { $count ->
    [one] { $number } request
   *[other] { $number } requests
}
amount-records = { $count ->
    [one] { $number } record
   *[other] { $number } records
}
amount-runs = { $count ->
    [one] { $number } run
   *[other] { $number } runs
}
amount-times = { $count ->
    [one] { $number } time
   *[other] { $number } times
}
word-updated = updated
word-unchanged = unchanged
word-invalid = invalid
word-rejected = rejected
word-failed = failed
word-not-sent = not sent
word-withheld = withheld
word-unknown = unknown
state-updated = { $count ->
   *[other] updated
}
state-restored = { $count ->
   *[other] restored
}
state-unchanged = { $count ->
   *[other] unchanged
}
state-invalid = { $count ->
   *[other] invalid
}
state-rejected = { $count ->
   *[other] rejected
}
state-failed = { $count ->
   *[other] failed
}
state-not-sent = { $count ->
   *[other] not sent
}
state-withheld = { $count ->
   *[other] withheld
}
noun-rows = { $count ->
    [one] row
   *[other] rows
}
amount-files = { $count ->
    [one] { $number } file
   *[other] { $number } files
}
