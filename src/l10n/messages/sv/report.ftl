of-results = det här är en resultatfil från en tidigare körning: dess import_-kolumner utelämnas och skrivs på nytt; radnumren är de i filen som raderna först kom från
check-first = { $file }: { $dialect }, { $columns }, { $rows }
check-columns = kolumner
check-protected = (märker skyddade personuppgifter)
check-ignored = (hoppas över)
check-ignored-meant = (hoppas över; liknar { $field }: --map "{ $header }={ $field }")
check-no-header = (ingen rubrik)
check-hidden-read = { $rows } lästes; --skip-hidden utelämnar dem
check-hidden-skipped = { $rows } utelämnades (--skip-hidden)
repair-number-format = läst med arbetsbokens talformat
repair-before-midnight = ett datum 12 sekunder före midnatt, avrundat till midnatt
check-passed-over = { $rows } hoppades över
check-restored = återställt, eftersom ett program hade ändrat det
check-doubtful = tveksamt, och skickas som det står (--strict gör det ogiltigt)
check-all-valid = { $valid } av { $rows } är giltiga; inget är fel
check-some-valid = { $count ->
    [one] { $valid } av { $rows } är giltiga; { $problems } i den återstående
   *[other] { $valid } av { $rows } är giltiga; { $problems } i de övriga { $invalid }
}
check-problems-option = --problems FIL.csv skriver alla till en fil
place-row = rad { $row }
place-cell = rad { $row }, { $column }
repair-municipality = en förlorad nolla sattes tillbaka före tre siffror
repair-identity = en förlorad nolla sattes tillbaka före nio siffror
repair-phone-zero = en förlorad nolla sattes tillbaka före ett mobilnummer
repair-phone-plus = ett förlorat + sattes tillbaka före 46
repair-date = dag och månad ordnades om till ÅÅÅÅ-MM-DD
repair-trailing-cells = tomma celler som saknas i slutet av raden
repair-formula = texten togs ut ur =" "
repair-temporary = läst som ett tillfälligt nummer på grund av formen
repair-apostrophe = apostrofen som markerar en cell som text togs bort
repair-decimal-zero = decimaler som ett program har lagt till i ett heltal togs bort
repair-invisible-character = osynliga tecken togs bort
repair-lookalike-character = streck, mellanslag och breda tecken ersattes med vanliga
repair-other = återställt till vad det var

plan-token = Klienthemligheten skickas till { $address } för att hämta en inloggningsnyckel.
plan-first = { $target }: { $address }
plan-counts = { $rows }: { $count } att skicka
plan-left-out = { $count ->
    [one] utelämnad
   *[other] utelämnade
}
plan-restored = { $cells } som ett program har ändrat är återställda: { $what } ({ $code })
plan-doubts = { $values }, som API:et troligen godtar: { $code }
plan-conflicts-overwritten = { $conflicts }: ändrade sedan rosterpatch senast skrev dem; listan ersätter ändringarna
plan-conflicts-kept = { $conflicts }: ändrade sedan rosterpatch senast skrev dem; ändringarna behålls
plan-conflicts-asked = { $conflicts }: ändrade sedan rosterpatch senast skrev dem; du bestämmer innan något skickas
plan-conflicts = Ändrat sedan rosterpatch senast skrev det
plan-conflict-written = senast skrivet
plan-conflict-current = nu
plan-conflict-roster = listan
plan-lookups = { $how }: { $requests }
plan-fields = fält som ändras: { $fields }
rate-guessed = { $rate } (en gissning)
plan-time = { $requests } i takten { $rate }: { $time }
plan-time-at-once = { $requests } i takten { $rate }, varav { $count } på en gång: { $time }
plan-until = , klart ungefär { $finish }
plan-to-send = att skicka
plan-unread-value = senast levererat, inte läst
plan-last-delivered = värdena är de som senast levererades före körningen; posterna i målsystemet går inte att läsa
plan-fields-heading = Fält som ändras
plan-more = och { $more } till
plan-nothing = (tomt)
plan-persons = Rader som gör en person till en annan
plan-person = { $place }: { $from } → { $to }
plan-renumbers = Personer med nytt personnummer
plan-proposal = { $line } (bara namn och födelsedatum stämmer)
plan-renumbered = { $rows } med nytt personnummer för en person med tillfälligt nummer
plan-invalid-rows = Ogiltiga, och skickas inte
plan-noticed = Återställda och tveksamma värden, med exempel
plan-problem = { $place }: { $problems }
plan-no-row = det finns ingen rad { $row }: filen har { $rows }
plan-no-request = inget skickas för rad { $line } (import_row { $row })
plan-request-of = det som skickas för rad { $line } (import_row { $row }); hemligheter läses från miljön
saved-roster = listan är inte den som planerades; inget har skickats; planera den på nytt
saved-place = planen gällde { $then }, och det här går till { $now }; inget har skickats
saved-rows = det som skulle skickas nu är inte det som planerades, för { $amount } ({ $rows }); inget har skickats; planera på nytt, med samma val, och titta på planen
saved-unreadable = { $path } är ingen plan som den här versionen har sparat; gör en med plan --save
plan-held = en import skulle spärras: { $why }
plan-not-read = { $why }; inget har skickats
plan-try-blind = { $why }; inget har skickats; om inloggningsuppgifterna ger rätt att skriva men inte läsa, planerar --blind utan att läsa

progress-reading = läser { $file }: { $dialect }, { $columns }
rows-withheld = { $rows } med skyddade personuppgifter undantas (varken jämförs eller skickas): { $lines }
progress-ignored = kolumner som hoppas över, inga fält i målet: { $columns }
column-unmapped = kolumnen "{ $header }" importeras inte och liknar { $field }; --map "{ $header }={ $field }" importerar den, --map "{ $header }=" hoppar över den
column-unmapped-at = kolumn { $at } importeras inte och liknar { $field }; --map "RUBRIK={ $field }" importerar den, --map "RUBRIK=" hoppar över den
column-kind-of-key = kolumnen "{ $column }" innehåller nycklar av slaget { $kind }, men de skickas som { $sent }; lägg till --var { $name }={ $kind }
column-misspelt = kolumnen "{ $header }" importeras inte, men rubriken liknar { $field }; lägg till --map "{ $header }={ $field }" för att importera den eller --map "{ $header }=" för att hoppa över den
column-ask = Kolumnen "{ $header }" liknar { $field }. Importera den som { $field }?
progress-read = av filen läst
progress-looked-up = { $done } av { $all } uppslagna
progress-run = körning { $run }
progress-goes-on = körning { $run }: { $done } av { $rows } klara sedan tidigare, { $left } att skicka
progress-goes-on-until = { $line }; { $time }
progress-lookup = uppslagning
progress-retrying = { $what }: { $why } vid försök { $attempt }; nytt försök om { $wait }
progress-waiting = inget skickas före { $time } ({ $wait }): { $why }
progress-stopping = avslutar: { $why }; anrop som pågår får bli klara
progress-rows = { $done } av { $rows }: { $counts }
progress-bar = { $done } av { $all } skickade
progress-done-about = klart ungefär { $finish } ({ $left })
progress-for-quota = väntar på kvot: { $rate }; { $time }
progress-for-api = väntar på API:ets begäran; { $time }

summary-first = { $rows } från { $file } till { $target } ({ $address }) på { $time }
summary-first-unread = { $file } till { $target } ({ $address }) på { $time }
summary-read-as = läst som { $dialect }, { $columns }, { $rows }
summary-requests = { $requests }, varav { $retries } nya försök; API:et bad om lägre takt { $times }
summary-requests-known = { $requests } är kända, varav { $retries } nya försök
summary-warnings = { $values }: se kolumnen import_warning
summary-conflicts = { $conflicts }: { $overwritten } ersatta, { $kept } behållna; se kolumnerna import_warning och import_error
summary-field-refused = { $rows } avvisades för ett fält som bara går att ändra för vissa konton. { $advice }
summary-held = spärrad: { $why }
summary-was-held = väntade dessutom på godkännande i { $time }
summary-was-idle = var dessutom avbruten i { $time }
summary-release = godkänn den med: rosterpatch approve { $run }
summary-undoes = ångrar { $run }
summary-run = körning
summary-state = status
summary-stopped = orsak
summary-queue = kö
summary-progress = kom till
summary-came-to = { $done } av { $rows } klara { $time }
summary-planning = inget har skickats; planeringen avbröts { $time }
summary-ready = beräknas klar
summary-results = resultat
summary-failed = att rätta
summary-report = rapport
summary-before = innan
summary-new = saknas i API:et

report-no-folder = kan inte skriva { $path }: mappen { $folder } finns inte
report-write = kan inte skriva { $path }
report-too-large = en arbetsbok rymmer högst { $rows } rader; ange en CSV-fil
report-template = kan inte göra rapporten { $path }: { $why }
report-not-a-file = det är varken en fil eller ett rör som någon läser; - är standard ut
report-no-reader = ingen läser ur röret
report-no-file = det är ingen fil; - är standard ut

html-line = { $rows } till { $target }, { $address } · körning { $run } · { $time } · { $duration }
html-by-state = Rader efter läge
html-state = Status
html-rows = Rader
html-requests = { $requests }, varav { $retries } nya försök; API:et bad om lägre takt { $times }.
html-look = Rader att titta på
html-row = Rad
html-match = Träff
html-proposal = bara på namn och födelsedatum
html-code = Kod
html-wrong = Vad som är fel
html-request = Anrop
html-more = Och { $more } till: alla finns i filen med rader att rätta.
html-next = Vad du gör nu
html-copy = Kopiera
html-copied = Kopierat
html-when = Vad som hände när
html-first-try = uppdaterade vid första försöket
html-again = uppdaterade vid ett senare försök
html-without-success = misslyckade
html-slot = { $time }: { $rows }, varav { $again } vid ett senare försök och { $failed } misslyckade
html-kinds = Fel efter slag
html-advice = Vad du kan göra
html-advice-rejected = API:et avvisade raden: { $said }
html-advice-failed = Det är inget fel på raden; försök igen när API:et fungerar: { $said }
html-find = Sök
html-all = Alla
html-shown = # av # visas
html-column = Kolumn
html-files = Filer
html-next-held = Inget skickades. Se orsaken ovan och godkänn körningen om listan är riktig.
html-next-persons = Inget skickades. Jämför de två personerna på varje rad nedan i planen (rosterpatch plan eller rosterpatch open) och ange de rader där ändringen stämmer; --rows none skickar bara de övriga raderna.
html-next-conflicts = Granska värdena som har ändrats och bestäm sedan: theirs behåller dem, roster ersätter dem
html-next-resume = Körningen slutade före sista raden. Den kan fortsätta där den slutade; inget skickas två gånger för det.
html-next-retry = Rätta raderna i filen med misslyckade rader, spara den och importera den igen. Bara det som misslyckades skickas.
html-held = Spärrad innan något skickades: { $why }

word-updated = uppdaterad
word-unchanged = oförändrad
word-invalid = ogiltig
word-rejected = avvisad
word-failed = misslyckad
word-not-sent = ej skickad
word-withheld = undantagen
word-unknown = okänd
summary-undone-by = ångrad av { $run }
report-undone = Den här körningen har ångrats av { $run }. I resultatfilen står vilka rader som har återställts.
