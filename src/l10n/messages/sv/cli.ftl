front-needs-yes = inget har skickats: utan en terminal att fråga i behöver en import --yes
front-undo-needs-yes = utan en terminal att fråga i behöver undo --yes
front-no-figures = siffrorna kan inte skrivas: { $why }
front-ask = Ändra { $records } i { $address }, { $target }?
front-ask-ending = [j/N]
front-stdout = kan inte skriva till standard ut: { $why }

cli-dry-run = `rosterpatch plan { $file }` säger vad en import skulle skicka, och skickar inget
cli-retry-what = gör om vilken fil, eller vilken --run?
cli-only = --only tar invalid, rejected, failed och not_sent, inte "{ $word }"
cli-of-earlier-run = det här är rader från en tidigare körning
cli-of-no-run = ingen körning mot den här adressen känner till raderna, så alla tas med
cli-nothing-to-undo = körningen { $run } ändrade inget, så det finns inget att ångra
cli-duplicate = { $name }: samma innehåll som körningen { $run } importerade, så inget har skickats: { $path }
cli-file-line = { $name }: { $counts }, { $requests } på { $time }: { $path }
cli-no-headers = { $target } har inga rubriker på "{ $language }"; den har { $known }
cli-listen-here = testmiljön lyssnar bara på den egna datorn, till exempel 127.0.0.1:8787, inte på { $address }
cli-cannot-listen = kan inte lyssna på { $address }
cli-not-played = testmiljön kan inte efterlikna API:et för { $target }: { $why }
cli-no-port = kan inte öppna en port för testmiljön: { $why }
cli-which-api = vilket API? Ange det med --target, ROSTERPATCH_TARGET i miljön, eller target i rosterpatch.toml; kända: { $known }
cli-variable = variabeln { $name } är en av { $choices }, inte "{ $value }"
cli-idle-allow = --allow { $field }={ $value } tillåter inget: { $target } skyddar inte det värdet
cli-no-environment = { $target } har ingen miljö "{ $name }"; den har { $known }
cli-quota-too-slow = en kvot på { $rate } med { $burst } på en gång skulle ta mer än hundra år att fylla
cli-no-home = användaren har ingen hemmapp att ha journalen i; ange en med --state
cli-not-text = argumentet { $argument } är inte UTF-8, och namn sparas som text; byt namn på filen eller mappen (mv, convmv)
cli-run-with-target = argumentet '--run <RUN>' kan inte användas tillsammans med '--target <NAME|FILE.toml>'

config-no-file = { $name } finns varken här eller i användarens konfigurationsmapp, och därför inte profilen "{ $profile }"
target-example = { $key } för "{ $field }" går inte att använda: { $why }
config-mistakes = konfigurationsfilen { $path } kan inte användas som den är
config-nested = { $path }: profilen "{ $name }" innehåller profiler
config-pattern = { $path }: profilen "{ $profile }" har mönstret "{ $pattern }", som inte är ett mönster: { $why }
config-no-profile = { $path } har ingen profil "{ $name }"; den har: { $known }
config-several-fit = filen { $file } passar mönstren i flera profiler: { $profiles }
config-origin = { $path }, profilen { $profile }
config-command-line = kommandoraden
config-environment = miljön, { $name }
config-file-named = filen som { $name } pekar på
config-not-set = (saknas)

runs-run = KÖRNING
runs-started = BÖRJADE
runs-state = STATUS
runs-rows = RADER
runs-to-mend = ATT RÄTTA
runs-file = FIL
runs-none = inga körningar än
runs-forgotten = { $runs } har tagits bort
runs-left = { $count ->
    [one] { $runs } är kvar, eftersom en annan process arbetar med den
   *[other] { $runs } är kvar, eftersom en annan process arbetar med dem
}
runs-damaged = { $runs } är kvar: ur skadade uppgifter framgår inte hur gammal en körning är; `rosterpatch runs` säger vad som är skadat
runs-stdin-gone = körningen { $run } läste standard in, som inte finns kvar; resultatet skrevs när den slutade
runs-file-changed = { $file } har ändrats sedan körningen { $run }, så resultatet kan inte sättas bredvid; återställ den gamla filen
runs-no-figures = körningen { $run } kom inte till sitt slut, så det finns inga siffror
runs-unreadable = journalens siffror om körningen { $run } kan inte läsas
run-state-planning = planeras
run-state-running = pågår
run-state-interrupted = avbruten
run-state-held = spärrad
run-state-replaced = ersatt
run-state-finished = klar

value-time = "{ $text }" är ingen tid som 45s, 20ms eller 2m
value-above-zero = den måste vara större än 0
value-share-percent = en andel skrivs "{ $text }%"
value-share = "{ $text }" är ingen andel som 80%
value-delimiter = "{ $text }" är ingen avgränsare: ett tecken som ; eller ordet tab
value-encoding = "{ $text }" är ingen teckenkodning som utf-8, windows-1252 eller utf-16le
value-none-of = "{ $text }" är inget av { $known }
value-no-equals = det finns inget = i det
value-language = "{ $text }" är varken sv eller en

usage-unknown-argument = { $argument } är inget känt val här
usage-unknown-command = kommandot "{ $command }" finns inte
usage-no-command = ett kommando saknas
usage-missing = det här saknas: { $arguments }
usage-conflict = { $argument } kan inte användas tillsammans med { $other }
usage-value = "{ $value }" kan inte vara värdet av { $argument }
usage-value-of = "{ $value }" kan inte vara värdet av { $argument }; det är ett av { $known }
usage-value-because = "{ $value }" kan inte vara värdet av { $argument }: { $why }
usage-meant = ; menade du { $meant }?
usage-help = --help visar vad som finns

doctor-config = konfiguration
doctor-no-config = ingen konfigurationsfil, vilket inte är något fel
doctor-state = journal
doctor-target = mål
doctor-credentials = inloggningsuppgifter
doctor-present = angivna; de visas inte
doctor-name = namn
doctor-network = nätverk
doctor-sign-in = inloggning
doctor-refused = API:et avvisar inloggningsuppgifterna ({ $status }); kontrollera dem i miljön
doctor-read = läsning
doctor-unreadable = det går inte att fråga det här API:et efter poster, så den första raden som skickas visar om du släpps in
doctor-blind = de här inloggningsuppgifterna får inte läsa ({ $status }); får de skriva, så skickar --blind utan att läsa
doctor-clock = klocka
doctor-clock-off = { $time } från API:ets
doctor-clock-wrong = { $time } från API:ets, vilket är mer än en minut: ställ datorns klocka efter en tidsserver
doctor-tls = { $address }; TLS fungerar och certifikatet är betrott
doctor-quota-name = kvot
doctor-quota = { $rate }, { $burst } på en gång; API:et meddelar inget
doctor-quota-left = { $rate }, { $left } kvar nu
man-no-command = kommandot { $asked } finns inte; dessa finns: { $known }

history-none = ingen körning i den här journalen har ändrat någon post med { $key }
history-under-way = körningen { $run } pågår; försök igen när den är klar
history-forgotten = värdena i { $rows } är bortglömda
history-not-kept = vad som ändrades finns inte kvar
history-line = rad { $line } i { $file }
cli-state-unknown = journalens plats (--state, ROSTERPATCH_STATE) kan inte vara { $what }: den är en mapp, eller en databas som postgres://ANVÄNDARE@VÄRD/DATABAS med lösenordet i PGPASSWORD; skriv ./ före ett mappnamn som ser ut som en adress
run-state-undone = ångrad
front-which-sheet = vilket blad ska läsas? Skriv bladets nummer:
