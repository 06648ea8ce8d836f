### Konsolen i webbläsaren.

console-steps = Steg
console-step-file = Fil
console-step-columns = Kolumner
console-step-problems = Fel
console-step-plan = Plan
console-step-run = Sändning
console-step-runs = Körningar
console-step-person = Sök person
console-skip = Hoppa till innehållet
console-start = Välj en lista
console-to-start = Tillbaka till startsidan
console-trouble = Det gick inte
console-busy = en annan körning pågår eller väntar på svar; vänta tills den är klar, besvara den eller stoppa den
console-open = Öppna konsolen

console-not-loopback = konsolen lyssnar bara på den egna datorn, till exempel 127.0.0.1:8788, inte på { $address }
console-wrong-host = Den här adressen hör inte till konsolen.
console-other-site = Det här anropet kom inte från konsolen.
console-not-let-in = Öppna konsolen med adressen som rosterpatch visade.
console-token-used = Adressen gäller bara en gång och har redan använts. Starta konsolen igen.

console-waiting = Väntar på dig
console-files-of-day = Filer från det senaste dygnet
console-choose = Välj en fil
console-drop = Släpp en lista här, eller välj en: CSV, Excel eller LibreOffice
console-open-file = Öppna
console-target = API
console-by-path = Eller ange en fil på den här datorn
console-path = Sökväg
console-stays-here = Inget lämnar den här datorn utom anropen till API:et.
console-no-file = ingen fil valdes

console-file-title = Så lästes filen
console-read-as = Läst som { $description }.
console-rows-in = Antal rader: { $rows }.
console-first-rows = De första raderna
console-encoding = Teckenkodning
console-delimiter = Avgränsare
console-sheet = Blad
console-which-sheet = Filen har flera blad, och de här har en rubrikrad som stämmer: { $sheets }. Välj det blad som ska läsas.
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
console-columns-of = Vid varje kolumn i listan står det fält i { $target } som den fyller.
console-your-column = Din kolumn
console-its-cells = Exempel på värden
console-is-field = Fyller fältet
console-field-of = Fält för { $column }
console-marks-protected = märker skyddade personuppgifter
console-leave-out = (hoppa över)
console-near = Menade du { $field }?
console-keep = Kom ihåg till nästa gång
console-kept = Sparat till nästa gång i { $path }.
console-next-problems = Vidare till felen

console-problems-title = Rader att rätta
console-left = { $count ->
    [one] { $number } rad är kvar att rätta
   *[other] { $number } rader är kvar att rätta
}
console-none-left = Inga rader är kvar att rätta
console-valid = Giltiga rader: { $valid } av { $rows }.
console-again-rows = De här raderna gick inte igenom förra gången. Bara de skickas.
console-make-plan = Gör en plan
console-alike = Samma fel på flera rader
console-replace-with = Ersätt med
console-replace-all = { $count ->
    [one] Ersätt i { $count } rad
   *[other] Ersätt i { $count } rader
}
console-search = Sök i alla celler
console-find = Sök
console-only-faulty = Bara rader att rätta
console-nothing-wrong = Det är inget fel på någon rad.
console-nothing-found = Ingen rad innehåller det du söker.
console-shown = { $from } till { $to } av { $all }
console-line = Rad
console-take-back = Ångra ändringarna på raden
console-before = Föregående
console-after = Nästa
console-not-written = Filen med listan ändras aldrig. Ladda ner listan med dina ändringar:
console-as-workbook = som arbetsbok
console-as-csv = som CSV-fil

console-plan-title = Vad som skulle ändras
console-send = Skicka { $records }
console-close-run = Stäng körningen: det finns inget kvar att ångra
console-canary = Skicka { $rows } först, läs tillbaka dem och skicka sedan resten
console-not-yet = Skicka inte
console-note = Anteckning (sparas med körningen)
console-conflicts-theirs = Behåll ändringarna på alla de här raderna
console-conflicts-roster = Använd listans värden på alla de här raderna
console-conflicts-rows = Bestäm rad för rad
console-conflicts-choice = Val
console-conflicts-keep = Behåll ändringen
console-conflicts-take = Använd listans värde
console-conflicts-choose = Välj vad du vill göra med värdena som har ändrats, och skicka igen. Inget har skickats.
console-who-changes = Poster som ändras
console-field = Fält
console-all-fields = Alla fält
console-where-column = Där kolumnen
console-is-value = är
console-filter = Filtrera
console-no-changes = Det finns inga ändringar att visa.
console-record = Post
console-change = Ändring
console-file-changed = filen har ändrats sedan den granskades; öppna den igen
console-cancel = Avbryt

console-run-title = Sändning
console-reading = Listan läses och kontrolleras
console-plan-ready = Planen är klar
console-sending = Skickar
console-ended = Avslutad
console-see-plan = Visa planen
console-see-run = Visa körningen
console-done-of = { $done } av { $rows } klara
console-is-paused = Pausad: inget skickas.
console-pause = Pausa
console-go-on = Fortsätt
console-stop = Stoppa
console-may-close = Du kan stänga sidan; sändningen fortsätter ändå. Öppna samma sida igen för att följa den.
console-unfinished = En tidigare körning av den här filen avbröts.
console-fresh = Börja om i stället

console-runs-title = Körningar
console-run-of = Körning { $run }
console-files = Filer
console-file-gone = den filen finns inte längre
console-approve = Godkänn och skicka
console-approve-rows = Markera varje rad där den nya personen stämmer och godkänn sedan körningen. Rader som du inte markerar skickas inte.
console-resume = Återuppta körningen
console-mend-rows = Rätta raderna som inte gick igenom
console-undo = Ångra: visa vad som skulle återställas

console-person-title = Vad har ändrats för en person?
console-person-key = { $keys } eller en annan uppgift om personen
console-person-any-key = Nyckel, e-postadress eller en annan uppgift om personen
console-address = Konsolen är öppen på { $address }
console-no-browser = ingen webbläsare kunde startas; öppna den här adressen själv: { $address }
console-other-file = sidan hör till en annan fil, eller till filen läst på ett annat sätt; öppna sidan igen
console-other-plan = sidan visar en annan plan än den som nu väntar på svar; öppna sidan igen
console-broke = ett fel i programmet avbröt körningen; det som skickades finns i journalen, och körningen kan återupptas
console-person-file = Ladda ner som CSV-fil
console-lost = Konsolen svarar inte. Det du skriver nu tas inte emot, och om den har avslutats är en körning som pågick avbruten. Starta den igen med samma fil: det som har kontrollerats är sparat, och körningen kan återupptas.
console-surplus = Utan kolumn
console-take-all-back = Ångra alla ändringar
console-mended-before = { $count ->
    [one] { $number } rad står som du ändrade den förra gången.
   *[other] { $number } rader står som du ändrade dem förra gången.
}
console-rehearsal = Övning: API:et spelas upp på den här datorn, och inget ändras på riktigt.
console-other-choice = Välj en annan fil
console-yes-take-back = Ja, ångra alla
