### Meddelanden i konsolen i webbläsaren.

console-steps = Importens steg
console-step-file = Fil
console-step-columns = Kolumner
console-step-problems = Rader
console-step-plan = Granska
console-step-run = Skicka
console-skip = Hoppa till innehållet
console-start = Importera en lista
console-to-start = Tillbaka till startsidan
console-trouble = Det gick inte
console-busy = en annan körning skickas just nu; vänta tills den är klar eller stoppa den
console-open = Öppna konsolen

console-not-loopback = konsolen lyssnar bara på den egna datorn, till exempel 127.0.0.1:8788, inte på { $address }
console-wrong-host = Den här adressen hör inte till konsolen.
console-other-site = Den här begäran kom inte från konsolen.
console-not-let-in = Öppna konsolen med adressen som rosterpatch visade.
console-open-elsewhere = Konsolen är öppen i en annan webbläsare eller ett annat fönster. Fortsätt där, eller stoppa konsolen och starta den igen för att öppna den här.

console-waiting = Väntar på dig
console-files-of-day = Filer från det senaste dygnet
console-choose = Välj en fil
console-drop = Släpp en lista här, eller välj en: CSV, Excel eller LibreOffice
console-open-file = Öppna
console-target = System
console-by-path = Eller ange en fil på den här datorn
console-path = Sökväg
console-stays-here = Datorn utbyter uppgifter bara med det system som du importerar till.
console-no-file = ingen fil valdes

console-file-title = Så lästes filen
console-read-as = Läst som { $description }.
console-rows-in = Antal rader: { $rows }.
console-first-rows = De första raderna
console-encoding = Teckenkodning
console-delimiter = Avgränsare
console-sheet = Blad
console-which-sheet = Filen har flera blad. Rubrikraden stämmer på: { $sheets }. Välj det blad som ska läsas.
console-sheet-empty = Bladet ”{ $sheet }” är tomt.
console-sheet-no-rows = Bladet ”{ $sheet }” har en rubrikrad men inga rader under den.
console-file-no-rows = Filen har en rubrikrad men inga rader under den.
console-choose-sheet = Välj ett annat blad eller en annan fil.
console-choose-file = Kontrollera rubrikraden eller välj en annan fil.
console-choose-one = (välj)
console-header-row = Rubrikraden är rad
console-semicolon = semikolon
console-comma = komma
console-tab = tabb
console-pipe = lodstreck
console-read-again = Läs om filen med dessa val
console-next-columns = Vidare till kolumnerna
console-no-number = "{ $text }" är inte ett tal

console-columns-title = Vad kolumnerna innehåller
console-columns-of = Så här hör kolumnerna i listan till fälten i { $target }. Ändra det som inte stämmer.
console-your-column = Din kolumn
console-its-cells = Exempel på värden
console-is-field = Hör till fältet
console-what-fields = Vad är { $fields }?
console-field-id = Det ID som { $system } självt ger varje person. Listan behöver det inte om den har något annat som visar vem personen är, till exempel personnummer.
console-field-external = Personens nummer i det system som listan kommer från, till exempel ett elevnummer.
console-field-eppn = Namnet som personen loggar in med på skolkontot, till exempel anna@skola.se. Det ser ut som en e-postadress men behöver inte vara personens adress.
console-field-of = Fält för { $column }
console-marks-protected = skyddade personuppgifter
console-leave-out = (skickas inte)
console-class-here = Klassen ändras inte i { $system }. Den visas bara här, så att du ser vem raden gäller.
console-new-since = Nya sedan importen { $at }
console-missing-since = Fanns i importen { $at } och saknas nu
console-comparing = Jämför med systemet: { $done } av { $all }
console-left-seconds = { $count ->
    [one] Ungefär { $number } sekund kvar
   *[other] Ungefär { $number } sekunder kvar
}
console-left-minutes = { $count ->
    [one] Ungefär { $number } minut kvar
   *[other] Ungefär { $number } minuter kvar
}
console-near = Menade du { $field }?
console-either = { $one } eller { $other }
console-columns-asked = { $count ->
    [one] { $number } kolumn känns inte igen på rubriken. Svara på frågan om den, så skickas eller utelämnas den som du säger.
   *[other] { $number } kolumner känns inte igen på rubriken. Svara på frågan om var och en, så skickas eller utelämnas de som du säger.
}
console-columns-open = Dessa kolumner saknar svar: { $columns }. Svara på frågan bredvid var och en.
console-two-columns = Kolumnerna ”{ $first }” och ”{ $second }” hör båda till { $field }. Välj ett annat fält för en av dem, eller utelämna den.
console-read-only = Kolumnen ”{ $column }” hör till { $field }, som inte går att ändra i { $system }. Välj ett annat fält för den, eller utelämna den.
console-no-key = Ingen kolumn visar vem varje rad gäller. Välj ett av de här fälten för en av dina kolumner: { $fields }.
console-missing = Varje rad måste ha de här uppgifterna, och ingen kolumn hör till dem: { $fields }. Välj fält för rätt kolumner.
console-holds-email = e-postadresser
console-holds-identity = personnummer
console-holds-phone = telefonnummer
console-holds-postal = postnummer
console-holds-date = datum
console-holds-municipality = kommunkoder
console-holds-id = ID
console-send-as = Kolumnen innehåller { $held }. Ska den skickas som { $field }?
console-earlier-sent = Den { $at } skickade du kolumnen med den här rubriken som { $field }, från { $file }. Ska det bli likadant?
console-earlier-left = Den { $at } utelämnade du kolumnen med den här rubriken, i { $file }. Ska den utelämnas igen?
console-answer-send = Skicka som { $field }
console-answer-leave = Skicka inte
console-answer-repeat = Svara som förra gången
console-keep = Använd kolumnerna för liknande filer utan att fråga, också när filer läses in automatiskt
console-pattern = Filer som heter
console-keep-how = En asterisk står för vad som helst. Utan det här föreslås dina svar nästa gång en fil har samma rubriker.
console-kept = Filer som heter { $pattern } får de här kolumnerna från och med nu ({ $path }).
console-kept-in = Kolumnerna är sparade i profilen { $profile } ({ $path }).
console-pattern-unfit = ”{ $pattern }” stämmer inte med namnet { $file }
console-pattern-taken = ”{ $pattern }” stämmer också med filer i profilen { $profile }; välj ett snävare namn
console-next-problems = Vidare till raderna

console-problems-title = Kontrollera raderna
console-left = { $count ->
    [one] { $number } rad har fel
   *[other] { $number } rader har fel
}
console-none-left = Inga fel hittades i filen
console-valid = { $valid } av { $rows } rader kan skickas.
console-rows-protected = { $count ->
    [one] { $number } rad om en skyddad person skickas inte.
   *[other] { $number } rader om skyddade personer skickas inte.
}
console-rows-skipped = { $count ->
    [one] { $number } rad hoppas över.
   *[other] { $number } rader hoppas över.
}
console-again-rows = De här raderna gick inte igenom förra gången. Bara de skickas.
console-found-in-review = Vid granskningen: { $why }
console-back-to-review = Tillbaka till granskningen
console-make-plan = Granska ändringarna
console-alike = Samma fel på flera rader
console-replace-with = Ersätt med
console-replace-all = { $count ->
    [one] Ersätt i { $count } rad
   *[other] Ersätt i { $count } rader
}
console-search = Sök i alla celler
console-find = Sök
console-only-faulty = Bara rader att rätta
console-nothing-wrong = Inga fel hittades i filen. Gå vidare och granska ändringarna.
console-nothing-found = Ingen rad innehåller det du söker.
console-shown = { $from } till { $to } av { $all } rader
console-shown-changed = Rader som du har ändrat visas också.
console-shown-with = { $count ->
    [one] { $shown }. Här visas också { $number } rad som har samma värde som en av dem.
   *[other] { $shown }. Här visas också { $number } rader som har samma värde som en av dem.
}
console-line = Rad
console-take-back = Ångra
console-before = Föregående
console-after = Nästa
console-page-of = Sida { $page } av { $pages }
console-saved = Varje ändring sparas direkt. Filen med listan ändras aldrig.
console-not-written = Ladda ner listan med dina ändringar:
console-as-workbook = som arbetsbok
console-as-csv = som CSV-fil

console-plan-title = Granska ändringarna
console-send = { $count ->
    [one] Skicka { $number } ändring
   *[other] Skicka { $number } ändringar
}
console-close-run = Stäng körningen: det finns inget kvar att ångra
console-canary = Skicka { $rows } först, och resten direkt efter om de blev rätt
console-not-yet = Skicka inte
console-note = Anteckning (sparas med körningen)
console-note-of = Anteckning: { $note }
console-conflicts-theirs = Behåll ändringarna på alla de här raderna
console-conflicts-roster = Använd listans värden på alla de här raderna
console-conflicts-rows = Bestäm rad för rad
console-conflicts-choice = Val
console-conflicts-keep = Behåll ändringen
console-conflicts-take = Använd listans värde
console-conflicts-choose = Välj vad du vill göra med värdena som har ändrats, och skicka igen. Inget har skickats.
console-who-changes = Vilka som ändras
console-who-was-changed = Vilka som ändrades
console-who-was-restored = Vilka som fick tillbaka sina tidigare uppgifter
console-who-failed = { $count ->
    [one] { $number } rad gick inte igenom
   *[other] { $number } rader gick inte igenom
}
console-field = Fält
console-all-fields = Alla fält
console-where-column = Där kolumnen
console-is-value = är
console-filter = Filtrera
console-no-changes = Det finns inga ändringar att visa.
console-record = Person
console-change = Ändring
console-file-changed = filen har ändrats sedan den granskades; öppna den igen
console-cancel = Avbryt

console-run-title = Sändning
console-reading = Listan läses och kontrolleras
console-plan-ready = Planen är klar
console-sending = Skickar
console-ended = Avslutad
console-see-plan = Visa planen
console-see-run = Visa resultatet
console-done-of = { $done } av { $rows } klara
console-is-paused = Pausad: inga fler rader påbörjas. Rader som redan hade påbörjats skickas klart.
console-pause = Pausa
console-go-on = Fortsätt
console-stop = Stoppa
console-may-close = Du kan stänga sidan; sändningen fortsätter ändå. Öppna samma sida igen för att följa den.
console-unfinished = En tidigare körning av den här filen avbröts.
console-fresh = Börja om i stället

console-runs-title = Historik
console-run-of = { $file }, { $at }
console-files = Filer
console-file-results = Resultatet för varje rad
console-file-failed = Raderna som inte gick igenom
console-file-new = Personer som saknas i systemet
console-file-before = Uppgifterna som de var före körningen
console-files-folder = Filerna finns också i mappen { $folder }.
console-file-report = Rapport att läsa och skriva ut
console-runs-file = Fil
console-runs-started = Började
console-runs-state = Status
console-file-gone = den filen finns inte längre
console-approve = Godkänn alla …
console-approve-ticked = Godkänn …
console-approve-ticked-question = De rader som du har markerat skickas, och de som inte behöver markeras. Du kan pausa eller stoppa, och ångra efteråt.
console-approve-rows = Markera varje rad där den nya personen stämmer och godkänn sedan körningen. Rader som du inte markerar skickas inte.
console-resume = Återuppta körningen
console-mend-rows = Rätta raderna som inte gick igenom
console-undo = Ångra: se först vad som återställs

console-person-title = Vad har ändrats för en person?
console-person-by = Namn, personnummer eller e-postadress
console-address = Konsolen är öppen på { $address }
console-played = Övning: det simulerade API:et fylls på nytt varje gång konsolen startas, och glömmer det som har skickats när den avslutas.
console-no-browser = ingen webbläsare kunde startas; öppna den här adressen själv: { $address }
console-other-file = sidan hör till en annan fil, eller till filen läst på ett annat sätt; öppna sidan igen
console-other-plan = raderna eller filen har ändrats sedan sidan öppnades, så inget skickades; granska ändringarna igen
console-broke = ett fel i programmet avbröt körningen; det som skickades finns i historiken, och körningen kan återupptas
console-person-file = Ladda ner som CSV-fil
console-lost = Programmet svarar inte. Det du skriver nu sparas inte. Om programmet har avslutats har också en körning som pågick avbrutits. Starta programmet igen med samma fil: det du redan har rättat är sparat, och körningen kan återupptas.
console-surplus = Utan kolumn
console-take-all-back = Ångra alla ändringar
console-mended-before = { $count ->
    [one] { $number } rad står som du ändrade den förra gången.
   *[other] { $number } rader står som du ändrade dem förra gången.
}
console-rehearsal = Övning: inget ändras på riktigt. Det som skiljer systemet från listan är påhittat, också vilka som saknas där. Det du skickar finns kvar tills rosterpatch avslutas, och nästa övning börjar om från början.
console-other-choice = Välj en annan fil
console-yes-take-back = Ja, ångra alla
console-step-done = Klart
console-places = Sidor
console-place-start = Start
console-place-runs = Historik
console-place-person = Sök person
console-state-done = klart
console-state-attention = kräver åtgärd
console-state-under-way = pågår
console-state-waiting = inte påbörjat
console-state-not-through = { $count ->
    [one] { $number } rad gick inte igenom
   *[other] { $number } rader gick inte igenom
}
console-state-left = { $count ->
    [one] { $number } rad att rätta
   *[other] { $number } rader att rätta
}
console-plan-stale = Du har ändrat rader eller kolumner sedan ändringarna granskades. Den granskningen gäller inte längre, och inget har skickats.
console-plan-none = Listan jämförs med det som står i systemet nu, och varje ändring visas. Inget skickas förrän du bekräftar.
console-plan-left = { $count ->
    [one] { $number } rad har fel och skickas inte.
   *[other] { $number } rader har fel och skickas inte.
}
console-to-rows = Visa raderna
console-plan-discarded = Granskningen av { $file } bekräftades inte och gäller inte längre. Inget har skickats.
console-edits-of-other-reading = { $count ->
    [one] Dina ändringar på { $number } rad hör till det tidigare sättet att läsa filen. De kommer tillbaka om du väljer den läsningen igen.
   *[other] Dina ändringar på { $number } rader hör till det tidigare sättet att läsa filen. De kommer tillbaka om du väljer den läsningen igen.
}
console-undo-title = Ångra körningen från { $at }
console-tab-faulty = Att rätta
console-tab-changed = Rader du ändrat
console-tab-restored = Återställda och tolkade värden
console-tab-doubtful = Tveksamma värden
console-name = Namn
console-class = Klass
console-column = Kolumn
console-value = Värde
console-fault = Fel
console-remark = Anmärkning
console-corrected = rättad
console-suggestion = Förslag
console-whole-row = Hela raden
console-skip-row = Hoppa över raden
console-row-skipped = Raden hoppas över och skickas inte.
console-row-emptied = Alla celler är tomma, så raden skickas inte.
console-emptied = Tom cell: { $system } behåller värdet som står där
console-details = Kod till IT-avdelningen
console-yes = Ja
console-no = Nej
console-last-time = Förra gången: { $state }. { $why }
console-fault-not-found = Personen finns inte i { $system }
console-fault-mojibake = Bokstäverna skadades när filen sparades
console-fault-number = Ett kalkylprogram har ändrat talet; skriv det som det ska vara
console-fault-serial = Ett kalkylprogram har gjort om datumet till detta tal; skriv det som 2010-04-02
console-fault-date-order = Datumet kan läsas på två sätt; skriv det som 2010-04-02
console-fault-municipality = En kommunkod har fyra siffror, till exempel 0184
console-fault-formula = Cellen innehåller en formel; skriv värdet
console-fault-damaged = Värdet skadades i filen; skriv det igen
console-doubt-question-mark = Ett frågetecken kan stå i stället för en bokstav; kontrollera värdet
console-doubt-date = Ett kalkylprogram kan ha gjort om värdet till ett datum; kontrollera det
console-doubt-number = Ett kalkylprogram kan ha ändrat talet; kontrollera det
console-fault-id = Detta är inget fullständigt ID
console-fault-empty = { $system } tillåter inget tomt värde här
console-fault-few-cells = Raden har { $found } värden och listan har { $expected } kolumner. Kontrollera att varje värde står i sin kolumn, och skriv det som saknas.
console-fault-many-cells = Raden har { $found } värden och listan har { $expected } kolumner. Kontrollera att varje värde står i sin kolumn.
console-fault-check-digit = Sista siffran stämmer inte med de andra; leta efter en felskriven siffra
console-fault-duplicate = Rad { $row } har samma värde; bara en person kan ha det
console-fault-taken = En annan person i { $system } har redan { $value }
console-fault-taken-by = { $person } har redan { $value } i { $system }; rätta den rad som är fel
console-fault-taken-outside = En person i { $system } som inte finns i filen har redan { $value }; rätta värdet, eller ändra den personen först
console-fault-other-record = Den person i { $system } som har { $key } har ett annat ID än det som står på raden
console-fault-refused = { $system } godtog inte { $key } vid sökningen; rätta värdet
console-fault-other-key = Sökningen efter { $key } i { $system } gav en annan person; skriv värdet så som det står i { $system }
console-fault-unwritable = Det går inte att söka efter ett värde med { $part } i { $system }; rätta värdet
console-fault-guarded = ”{ $text }” ger behörigheter; den som sköter rosterpatch måste tillåta värdet
console-fault-guarded-removed = ”{ $from }” ger behörigheter; den som sköter rosterpatch måste tillåta att det tas bort
console-held-no-rows = Filen har inga rader.
console-held-invalid = { $count } av { $rows } rader har fel, fler än gränsen på { $most }.
console-held-shrink = Filen har { $rows } rader och hade { $last } förra gången. Den får minska med högst { $most }.
console-held-changes = { $count } av { $rows } rader skulle ändras, fler än gränsen på { $most }.
console-held-identity = { $count ->
    [one] { $number } rad skulle göra en person till en annan; gränsen är { $most }.
   *[other] { $number } rader skulle göra en person till en annan; gränsen är { $most }.
}
console-held-renumbering = { $count ->
    [one] { $number } person skulle få ett nytt personnummer.
   *[other] { $number } personer skulle få nya personnummer.
}
console-held-conflicts = { $count ->
    [one] { $number } värde har ändrats i systemet sedan det senast skickades. Bestäm vilket som ska gälla.
   *[other] { $number } värden har ändrats i systemet sedan de senast skickades. Bestäm vilka som ska gälla.
}
console-time-short = Det tar mindre än en minut att skicka.
console-time-minutes = { $count ->
    [one] Det tar ungefär { $number } minut att skicka.
   *[other] Det tar ungefär { $number } minuter att skicka.
}
console-time-hours = { $count ->
    [one] Det tar ungefär { $number } timme att skicka.
   *[other] Det tar ungefär { $number } timmar att skicka.
}
console-time-until = { $time } Om du börjar nu är det klart omkring { $finish }.
console-nothing-changed = Du har inte ändrat någon rad.
console-nothing-restored = Inget värde har återställts eller tolkats.
console-nothing-doubtful = Inget värde är tveksamt.
console-doubtful-sent = De här värdena kan vara fel. De skickas som de står om du inte ändrar dem. Det som redan står i systemet skickas inte.
console-sent-without = Det du ändrar nu ingår inte i det som skickats. Granska ändringarna igen för att skicka det.
console-bulk-done = { $count ->
    [one] { $column }: ”{ $from }” ersattes med ”{ $to }” på { $number } rad.
   *[other] { $column }: ”{ $from }” ersattes med ”{ $to }” på { $number } rader.
}
console-bulk-undone = { $count ->
    [one] Ångrat på { $number } rad.
   *[other] Ångrat på { $number } rader.
}
console-undo-bulk = Ångra
console-restored = { $count ->
    [one] { $number } värde har återställts efter att ett program ändrat det
   *[other] { $number } värden har återställts efter att ett program ändrat dem
}
console-temporary = { $count ->
    [one] { $number } nummer lästes som ett tillfälligt nummer
   *[other] { $number } nummer lästes som tillfälliga nummer
}
console-doubtful = { $count ->
    [one] { $number } tveksamt värde i filen
   *[other] { $number } tveksamma värden i filen
}
console-not-sent = Kräver åtgärd: de här raderna skickas inte
console-not-sent-found = { $count ->
    [one] { $number } rad skickas inte: { $file } har fel i filen och { $compared } upptäcktes när filen jämfördes med { $system }.
   *[other] { $number } rader skickas inte: { $file } har fel i filen och { $compared } upptäcktes när filen jämfördes med { $system }.
}
console-faults-in-file = { $count ->
   *[other] med fel i filen
}
console-faults-compared = med fel som upptäcktes vid jämförelsen med { $system }
console-skipped = hoppas över
console-protected = { $count ->
    [one] skyddad person
   *[other] skyddade personer
}
console-with-faults = { $count ->
   *[other] med fel
}
console-not-in = finns inte i { $system }
console-plan-not-found = Personen finns inte i { $system }. Raden är det inget fel på: lägg först till personen i { $system }, eller kontrollera numret.
console-show-row = Visa raden
console-to-restore = att återställa
console-to-correct = { $count ->
   *[other] { $number } behöver åtgärdas
}
console-correct = Rätta
console-the-system = systemet
console-technical = Tekniska detaljer
console-undo-of = Ångra körningen från { $undone } (startade { $at })
console-run-undo = Ångring
console-run-retry = Nytt försök
console-outcome = Resultat
console-show-rehearsals = Visa övningar
console-is-rehearsal = övning
console-approve-question = { $count ->
    [one] { $number } ändring skickas. Du kan pausa eller stoppa, och ångra efteråt.
   *[other] { $number } ändringar skickas. Du kan pausa eller stoppa, och ångra efteråt.
}
console-approve-yes = Ja, godkänn och skicka
console-decline = Avböj …
console-decline-question = Inget skickas, och körningen kan inte godkännas efteråt. Raderna står som inte skickade i resultatet.
console-decline-yes = Ja, avböj
console-declined = Körningen är avböjd. Inget har skickats.
console-declined-because = Körningen är avböjd. Inget har skickats. Den väntade på godkännande av det här skälet: { $why }
console-correct-declined = Rätta raderna och gör en ny plan
console-undo-rest = { $count ->
    [one] Ångra för den person som är kvar
   *[other] Ångra för de { $number } personer som är kvar
}
console-undo-choose = Alla som är markerade får tillbaka de uppgifter de hade före körningen. Du kan ångra för de andra senare.
console-undo-of-chosen = { $count ->
    [one] Det gäller den person som du valde. Du kan ångra för de andra senare.
   *[other] Det gäller de { $number } personer som du valde. Du kan ångra för de andra senare.
}
console-undo-chosen = Valda: { $chosen } av { $all }
console-undo-none = Markera minst en person.
console-undo-include = Ångra
console-undo-include-who = Ångra för { $who }
console-undo-tick-all = Markera alla
console-undo-untick-all = Avmarkera alla
console-undo-tick-class = Markera alla i { $class }
console-undo-untick-class = Avmarkera alla i { $class }
console-all-classes = Alla klasser
console-only-class = Visa bara en klass:
console-correct-first = Rätta raderna först
console-other-address = Körningen går till { $run }, men rosterpatch skickar nu till { $own }. Starta rosterpatch med samma inställningar som körningen för att rätta raderna.
console-sign-in = rosterpatch kan inte logga in än
console-sign-in-ask = Du kan kontrollera och rätta filen, men ändringar kan inte skickas. Kopiera texten till IT-avdelningen:
console-sign-in-for = Text till IT-avdelningen
console-sign-in-text = rosterpatch kan inte logga in på den här datorn. { $why }. Handboken beskriver inloggningen under ”Credentials”, och rosterpatch doctor kontrollerar resultatet.
console-copy = Kopiera texten
console-stop-sign-in = rosterpatch kan inte logga in på den här datorn, så inget kan skickas. Ge de tekniska detaljerna till IT-avdelningen.
console-stop-refused = { $system } godtog inte inloggningen. Ge de tekniska detaljerna till IT-avdelningen.
console-stop-unreachable = { $system } svarade inte som väntat. Försök igen senare. Ge de tekniska detaljerna till IT-avdelningen om det händer igen.
console-stop-unreadable = Uppgifterna i { $system } gick inte att läsa, så de kunde inte jämföras med listan. Försök igen senare. Ge de tekniska detaljerna till IT-avdelningen om det händer igen.
console-stop-failing = { $system } gav samma fel för nästan alla rader, så sändningen stoppades. Ge de tekniska detaljerna till IT-avdelningen.
console-stop-other = rosterpatch kunde inte fortsätta. Det som har skickats finns i historiken. Ge de tekniska detaljerna till IT-avdelningen.
console-done-about = klart omkring { $finish }
console-notify = Meddela mig när det är klart
console-percent = { $percent } %
console-told = { $file }: { $outcome }
console-first-checked = { $count ->
    [one] Den första är kontrollerad i systemet och blev rätt
   *[other] De första { $number } är kontrollerade i systemet och blev rätt
}
console-first-reading = { $count ->
    [one] Den första är skickad och kontrolleras nu i systemet
   *[other] De första { $number } är skickade och kontrolleras nu i systemet
}
console-first-sending = { $count ->
    [one] Den första skickas före de andra
   *[other] De första { $number } skickas före de andra
}
console-undo-counted = { $count ->
    [one] Ångra körningen från { $at }: { $number } person får tillbaka sina tidigare uppgifter
   *[other] Ångra körningen från { $at }: { $number } personer får tillbaka sina tidigare uppgifter
}
console-undo-send = { $count ->
    [one] Återställ { $number } ändring
   *[other] Återställ { $number } ändringar
}
console-recent = Senaste filerna
console-undo-changed = Värdena har ändrats sedan du gjorde ditt val, så inget har skickats. Granska listan och bekräfta den igen.
console-run-asks = Inget har skickats än, och inget skickas förrän du bekräftar.
console-state-asking = väntar på ditt svar
console-state-held = väntar på ditt godkännande
console-person-none = Ingen person med namnet, numret eller adressen ”{ $query }” hittades.
console-person-unchanged = Inga ändringar av personen finns i historiken.
console-person-too-many = För många personer stämmer. Skriv mer av namnet, eller ett nummer.
console-person-several = Välj en person
console-person-number = Nummer
console-person-unnamed = Inget känt namn
console-person-hidden = Visas inte: personen kan ha skyddade personuppgifter
console-person-more = Det finns fler. Skriv mer av namnet, eller ett nummer.
console-person-changed = Ändrades av rad { $line } i { $file }
console-person-restored = Återställdes när en körning ångrades
console-person-undone = ångrad efteråt
console-person-where = Namn söks i de { $files } senaste filerna som finns kvar och i ändringarna från de { $runs } senaste körningarna. Nummer och adresser söks i hela historiken. Personer med skyddade personuppgifter visas inte.
console-rehearse = Öva
console-rehearse-meanwhile = Under tiden kan du öva: inget skickas, och ett påhittat system svarar.
console-rehearse-what = Inget skickas: ett påhittat system svarar tills rosterpatch avslutas.
console-rehearsal-over = Övningen är avslutad, så raderna kan inte längre rättas eller återställas. Öppna filen igen om du vill öva på nytt.
console-not-rehearsed = Det här är ingen övning, så här går körningen bara att läsa. Starta rosterpatch på nytt om du vill fortsätta eller ångra den.
console-sheet-title = Välj blad
console-of-results = Filen har resultatet av en tidigare körning. Raderna jämförs med systemet igen, och bara det som skiljer sig skickas.
