### Termer: request heter ”anrop” och run ”körning”. Ett hårt blanksteg skiljer tusental.

thousands-mark = { "\u00A0" }
time-unknown = okänd tid
time-tenths = { $whole },{ $tenths } s
time-seconds = { $s } s
time-minutes = { $min } min { $s } s
time-hours = { $h } tim { $min } min
time-days = { $d } dygn { $h } tim
time-of-day = { $time } den { $date }
amount-rows = { $count ->
    [one] { $number } rad
   *[other] { $number } rader
}
amount-empty-rows = { $count ->
    [one] { $number } tom rad
   *[other] { $number } tomma rader
}
amount-hidden-rows = { $count ->
    [one] { $number } dold rad
   *[other] { $number } dolda rader
}
amount-columns = { $count ->
    [one] { $number } kolumn
   *[other] { $number } kolumner
}
amount-cells = { $count ->
    [one] { $number } cell
   *[other] { $number } celler
}
amount-problems = { $count ->
    [one] { $number } fel
   *[other] { $number } fel
}
amount-doubtful-values = { $count ->
    [one] { $number } tveksamt värde
   *[other] { $number } tveksamma värden
}
amount-conflicts = { $count ->
    [one] { $number } konflikt
   *[other] { $number } konflikter
}
amount-requests = { $count ->
   *[other] { $number } anrop
}
amount-records = { $count ->
    [one] { $number } person
   *[other] { $number } personer
}
amount-runs = { $count ->
    [one] { $number } körning
   *[other] { $number } körningar
}
amount-times = { $count ->
    [one] { $number } gång
   *[other] { $number } gånger
}
word-updated = uppdaterad
word-unchanged = oförändrad
word-invalid = ogiltig
word-rejected = avvisad
word-failed = misslyckad
word-not-sent = ej skickad
word-withheld = undantagen
word-unknown = okänd
state-updated = { $count ->
    [one] uppdaterad
   *[other] uppdaterade
}
state-restored = { $count ->
    [one] återställd
   *[other] återställda
}
state-unchanged = { $count ->
    [one] oförändrad
   *[other] oförändrade
}
state-invalid = { $count ->
    [one] ogiltig
   *[other] ogiltiga
}
state-rejected = { $count ->
    [one] avvisad
   *[other] avvisade
}
state-failed = { $count ->
    [one] misslyckad
   *[other] misslyckade
}
state-not-sent = { $count ->
    [one] ej skickad
   *[other] ej skickade
}
state-withheld = { $count ->
    [one] undantagen
   *[other] undantagna
}
noun-rows = { $count ->
    [one] rad
   *[other] rader
}
amount-files = { $count ->
    [one] { $number } fil
   *[other] { $number } filer
}
