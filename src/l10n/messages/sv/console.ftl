### Konsolen i webbläsaren.

console-steps = Steg
console-step-file = Fil
console-step-columns = Kolumner
console-step-problems = Problem
console-step-plan = Plan
console-step-run = Sändning
console-step-runs = Körningar
console-step-person = En person
console-skip = Hoppa till innehållet
console-start = Välj en lista
console-to-start = Tillbaka till början
console-trouble = Det gick inte
console-busy = en annan körning pågår; vänta på den eller stoppa den först
console-open = Öppna konsolen

console-not-loopback = konsolen lyssnar bara på den egna datorn, till exempel 127.0.0.1:8788, inte på { $address }
console-wrong-host = Den här adressen hör inte till konsolen.
console-other-site = Den här begäran kom inte från konsolen.
console-not-let-in = Öppna konsolen med adressen som rosterpatch skrev ut.
console-token-used = Adressen har redan använts, och öppnar konsolen bara en gång. Starta konsolen igen.

console-waiting = Väntar på dig
console-choose = Välj en fil
console-drop = Släpp en lista här, eller välj den: CSV, Excel eller LibreOffice
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
console-header-row = Rubrikernas rad
console-semicolon = semikolon
console-comma = komma
console-tab = tabb
console-pipe = lodstreck
console-read-again = Läs om så här
console-next-columns = Vidare till kolumnerna
console-no-number = "{ $text }" är inte ett tal

console-columns-title = Vad kolumnerna är
console-columns-of = Varje kolumn i listan bredvid det fält i { $target } som den sätter.
console-your-column = Din kolumn
console-its-cells = Dess celler
console-is-field = Sätter fältet
console-field-of = Fält för { $column }
console-leave-out = (utelämna)
console-near = Menade du { $field }?
console-keep = Kom ihåg till nästa gång
console-kept = Sparat till nästa gång i { $path }.
console-next-problems = Vidare till problemen

console-problems-title = Rader att rätta
console-left = { $count ->
    [one] { $number } rad är kvar att rätta
   *[other] { $number } rader är kvar att rätta
}
console-none-left = Ingen rad är kvar att rätta
console-valid = { $valid } av { $rows } rader är giltiga.
console-again-rows = De här raderna lyckades inte förut. Bara de skickas på nytt.
console-make-plan = Gör en plan
console-alike = Alla likadana
console-replace-with = Ersätt med
console-replace-all = { $count ->
    [one] Ersätt i { $count } rad
   *[other] Ersätt i { $count } rader
}
console-search = Sök i alla celler
console-find = Sök
console-only-faulty = Bara rader att rätta
console-nothing-wrong = Inget är fel med någon rad.
console-nothing-found = Ingen rad har det.
console-shown = { $from } till { $to } av { $all }
console-line = Rad
console-take-back = Ångra mina ändringar
console-before = Föregående
console-after = Nästa
console-not-written = Själva listan ändras aldrig. Med dina ändringar:
console-as-workbook = som arbetsbok
console-as-csv = som CSV

console-plan-title = Vad som skulle ändras
console-send = Skicka { $records }
console-canary = Skicka { $rows } först och läs tillbaka dem
console-not-yet = Inte än
console-who-changes = Vilka som ändras
console-field = Fält
console-all-fields = Alla fält
console-where-column = Där kolumnen
console-is-value = är
console-filter = Filtrera
console-no-changes = Ingen post ändras så.
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
console-may-close = Du kan stänga sidan: sändningen fortsätter, och öppnar du den igen kommer du hit.
console-unfinished = En körning av den här filen avbröts.
console-fresh = Börja om i stället

console-runs-title = Körningar
console-run-of = Körning { $run }
console-files = Filer
console-file-gone = den filen finns inte längre
console-approve = Godkänn och skicka
console-resume = Fortsätt med den
console-mend-rows = Rätta raderna som misslyckades
console-undo = Ångra: visa vad som skulle läggas tillbaka

console-person-title = Vem ändrade detta?
console-person-key = Personnummer, e-postadress eller annan nyckel
console-address = Konsolen är öppen på { $address }
console-no-browser = ingen webbläsare kunde startas; öppna adressen i en: { $address }
console-other-file = Sidan gjordes för en annan fil, eller för ett annat sätt att läsa den. Öppna den igen.
console-other-plan = Sidan visar en annan plan än den som frågan gäller nu. Öppna den igen.
console-broke = programmet avbröts; det som skickades är antecknat, och körningen kan fortsättas
