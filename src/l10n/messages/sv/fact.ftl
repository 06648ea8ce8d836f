### Fel i loggar, aviseringar och filer i delade mappar. Inget argument kan innehålla en cell, en rubrik eller
### text från API:et.

fact-run = körning { $run }
fact-at-row = radnummer { $row }
fact-at-line = rad { $line }
fact-at-lines = rad { $first } till { $last }
fact-at-column = kolumn { $column }
fact-at-columns = kolumn { $first } och { $second }
fact-found = { $count } hittades
fact-found-of = { $count } av { $of }
fact-most = högst { $most }
fact-names = namn: { $names }

fact-header-too-long = den första raden är för lång för att vara en rubrikrad; leta efter ett citattecken som saknas
fact-read-io = filen går inte att läsa
fact-empty = filen är tom; en lista behöver en rubrikrad och minst en rad till
fact-too-many-rows = filen har för många rader; dela upp den
fact-not-csv = filen är inte en CSV-fil; exportera listan på nytt som CSV eller som Excel-arbetsbok
fact-workbook = arbetsboken går inte att läsa; `rosterpatch check` visar varför
fact-several-sheets = arbetsboken har flera blad som kan vara listan; välj ett med --sheet
fact-no-sheet = arbetsboken har inte det blad som --sheet anger
fact-no-workbook = --sheet är angivet, men filen är inte en arbetsbok
fact-unknown-encoding = det går inte att avgöra filens teckenkodning; spara den som ”CSV UTF-8”, eller ange teckenkodningen med --encoding
fact-no-such-encoding = teckenkodningen i --encoding finns inte
fact-duplicate-header = två kolumner har samma rubrik; byt namn på eller ta bort en av dem
fact-undecodable-header = en rubrik har byte som inte är text i filens teckenkodning; ange teckenkodningen med --encoding
fact-unclosed-quote = ett citattecken öppnas men stängs aldrig; ta bort eller stäng det
fact-stray-quote = ett citattecken gör flera rader till en; ta bort eller stäng det
fact-row-too-large = en rad är större än gränsen (i MiB)
fact-no-header-row = filen har inte den rad som --header-row anger
fact-read-changed = filen ändrades medan den lästes; kör kommandot igen
fact-result-column = en kolumn har samma namn som en av resultatets, men filen är ingen resultatfil; byt namn på kolumnen
fact-missing = rubrikraden saknar kolumner som varje rad måste ha; byt namn på kolumnerna, eller ange dem med --map KOLUMN=FÄLT. `rosterpatch check` visar vad som hittades
fact-no-key = rubrikraden saknar en kolumn som visar vem raden gäller, och en av de här räcker; byt namn på en kolumn, eller ange den med --map KOLUMN=FÄLT. `rosterpatch check` visar vad som hittades
fact-two-columns = två kolumner innehåller samma fält; hoppa över en av dem med --map KOLUMN=
fact-map-protected = en kolumn som märker personer med skyddade uppgifter får bara hoppas över med --release-protected
fact-misspelt = en rubrik liknar ett fält som saknar kolumn; lägg till "RUBRIK" = "FÄLT" under [map] i konfigurationen för att importera kolumnen, eller "RUBRIK" = "" för att hoppa över den
fact-read-only = en kolumn innehåller ett fält som inte går att ändra; hoppa över den med --map KOLUMN=
fact-no-column = --map, eller [map] i konfigurationen, anger en kolumn som filen inte har; lägg kolumner som bara vissa filer har i en profil
fact-no-field = --map eller --key anger ett fält som målet inte har

fact-other-plan = ändringarna är inte de i den sparade planen, och inget har skickats; gör en ny plan
fact-nothing-to-clear = --empty clear har ingen verkan: ingen av filens kolumner går att tömma i målet
fact-blind-lists = --blind läser inga uppgifter, och filen har värden i listor som varje ändring ersätter helt
fact-blind-rules = protect, fill och --conflicts theirs eller ask kräver de nuvarande värdena, och körningen läser inga uppgifter
fact-unreadable-canary = --canary läser tillbaka det som skickats, och uppgifterna i målet går inte att läsa
fact-not-retriable = raderna i körningen kan inte skickas igen
fact-not-undoable = körningen kan inte ångras
fact-not-held = körningen väntar inte på godkännande, så det finns inget att godkänna
fact-of-an-undo = körningen är en ångring och har ingen lista
fact-key = --key anger ett fält som personer inte kan hittas med här
fact-settings = en annan version av programmet började körningen; importera filen igen
fact-run-changed = filen har ändrats sedan körningen började; återställ den gamla filen, eller importera den nya med --fresh
fact-not-resumable = körningen kan inte återupptas
fact-ambiguous = resultatfilen kan höra till flera körningar; ange vilken med --of KÖRNING
fact-broken = sändningen avbröts; resultatet visar vad som hände med varje rad fram till dess
fact-not-reported = resultatet kunde inte skrivas; det finns i historiken, och `rosterpatch resume` skriver det
fact-busy = en annan process arbetar med filen
fact-unaccounted = alla rader är inte redovisade; det är ett fel i programmet, rapportera det gärna
fact-held = körningen väntar på ditt godkännande och inget har skickats; godkänn den med `rosterpatch approve`
fact-roster-removed = den sparade kopian av listan har rader med skyddade personuppgifter och togs bort efter körningen; resultaten har alla andra rader
fact-nothing-to-undo = körningen ändrade inget, så det finns inget att ångra

fact-max-invalid = fler rader har fel än --max-invalid tillåter
fact-max-shrink = filen har krympt mer än --max-shrink tillåter
fact-max-identity-changes = fler rader skulle byta ut en person mot en annan än --max-identity-changes tillåter
fact-renumber = rader skulle ge en person ett annat personnummer och är inte godkända
fact-max-changes = fler personer skulle ändras än --max-changes tillåter
fact-conflicts = värden har ändrats sedan de senast skrevs, och --conflicts är ask
fact-config-field = en inställning anger ett fält som målet inte har eller som inte går att ändra

fact-refused = målsystemet godtog inte inloggningsuppgifterna; kontrollera dem och vad de ger rätt till
fact-unreachable = målsystemet går inte att nå
fact-failing = nästan alla rader får samma fel, så körningen stoppades
fact-lookup = uppgifterna i målsystemet gick inte att läsa
fact-answered = målsystemet svarade med ett fel
fact-unasked = API:et ignorerar sökningens filter; rätta [lookup] i målfilen, eller ange ett annat fält med --key
fact-same-page = API:et svarar med samma sida igen; rätta paging i målfilen
fact-incomplete = API:ets lista med poster är inte fullständig; rätta paging i målfilen
fact-next-page = nästa sida med poster går inte att hämta; rätta paging i målfilen
fact-no-list = API:ets svar har ingen lista med poster; rätta [lookup] i målfilen
fact-no-record = API:ets svar har ingen post där målfilen anger; rätta [lookup] eller answers.record i målfilen
fact-canary-not-updated = de första raderna lästes tillbaka, och en var inte uppdaterad
fact-canary-not-held = de första raderna lästes tillbaka, och en innehöll inte det som skickats
fact-lost = anslutningen bröts innan något svar kom

fact-foreign = ett svar med lyckad status innehöll något annat än målsystemets svar, så något annat svarade, till exempel en inloggningssida eller en proxy
fact-record-changed = någon ändrade uppgifterna efter att de lästes, och ingenting skickades
fact-record-version = uppgifterna saknar den version som If-Match behöver, så ingenting skickades
fact-rate-header = en tid i målsystemets svar (Retry-After eller liknande) går inte att använda: den är inte en tid eller ligger mer än ett dygn bort. rosterpatch väntar enligt sina egna regler
fact-sign-in-missing = inloggningsuppgifter saknas; ange dessa miljövariabler, eller samma namn följda av _FILE
fact-sign-in-file = filen med en inloggningsuppgift går inte att läsa
fact-sign-in-empty = en inloggningsuppgift är tom
fact-sign-in-character = en inloggningsuppgift innehåller ett blanktecken eller ett otillåtet tecken
fact-run-not-text = en fils sökväg är inte UTF-8
fact-address = målsystemets adress går inte att använda
fact-client = HTTP-klienten kan inte startas

fact-journal-folder = mappen för programmets data går inte att använda; ange en annan med --state
fact-journal-network = mappen för programmets data ligger på ett nätverksfilsystem, där SQLite inte kan spara historiken säkert
fact-journal-sqlite = historiken går inte att använda
fact-journal-database = historikens databas nekade anslutningen, eller går inte att nå
fact-journal-address = databasens adress går inte att använda
fact-journal-not-migrated = databasen saknar den här versionens tabeller; skapa dem med: rosterpatch database migrate
fact-journal-newer = en nyare version av programmet har skrivit historiken
fact-journal-foreign = filen på historikens plats kommer från ett annat program, eller är äldre än den första versionen
fact-journal-no-run = körningen finns inte; `rosterpatch runs` visar alla
fact-journal-damaged-run = uppgifterna om en körning är skadade i historiken
fact-journal-damaged-row = uppgifterna om en rad är skadade i historiken
fact-journal-damaged = en del av historiken är skadad
fact-journal-no-changes = det som körningen ändrade finns inte kvar i historiken
fact-journal-broken = historiken kunde inte skrivas, så inget mer skickas

fact-report-no-folder = mappen som en fil ska skrivas till finns inte
fact-report-write = en fil går inte att skriva
fact-report-held-open = filen utan det här numret är öppen i ett annat program, så resultatet har fått ett nummer i namnet
fact-report-template = rapporten kan inte skapas

fact-target-unknown = målet finns inte; `rosterpatch targets` visar de inbyggda, och andra anges med sin fil
fact-target-read = målfilen går inte att läsa
fact-target-mistakes = målfilen innehåller fel; `rosterpatch check` i en terminal visar dem

fact-no-profile = konfigurationsfilen har inte den angivna profilen
fact-several-profiles = filens namn passar mönstren i flera profiler; ange en med --profile, eller gör mönstren snävare
fact-no-target = inget mål är angivet; ange ett med --target, ROSTERPATCH_TARGET eller target i konfigurationsfilen
fact-variable = en variabel i målets adresser saknas eller har ett ogiltigt värde; ange den med --var eller [var]
fact-no-environment = målet har inte den miljö som --env anger
fact-config-mistakes = konfigurationsfilen innehåller fel; `rosterpatch config` visar dem
fact-file-io = en fil eller mapp går inte att läsa, flytta eller skriva
fact-not-done = det gick inte; kör `rosterpatch check` på filen, eller samma kommando, i en terminal för att se varför
fact-stdout = det går inte att skriva till standard out

fact-usage-wrong = kommandoraden eller konfigurationen är felaktig; kör `rosterpatch check` på filen, eller samma kommando, i en terminal för att se varför
fact-usage-language = språket i --lang eller ROSTERPATCH_LANG finns inte; välj en eller sv
fact-usage-unknown-argument = kommandoraden har en flagga som inte finns; --help visar alla
fact-usage-unknown-command = kommandot finns inte; --help visar alla
fact-usage-missing = kommandoraden saknar ett argument
fact-usage-conflict = två flaggor på kommandoraden utesluter varandra
fact-usage-value = en flagga har ett ogiltigt värde

fact-notify-status = kommandot slutade med ett fel
fact-notify-too-long = kommandot tog för lång tid
fact-queue-other-content = kopian av filen på den här datorn är inte den som lades i kön; den hämtas på nytt
fact-queue-removed = filen togs bort ur kön
fact-queue-unknown = orsaken är okänd: en annan version av programmet har sparat den
fact-usage-not-text = ett argument på kommandoraden är inte UTF-8
fact-not-processed = filen har inte importerats
fact-set-aside = filen har inte importerats och har flyttats till failed
fact-fits-no-profile = filen har inte importerats och ligger kvar i inkorgen: namnet passar inte mönstret files i någon profil; byt namn på filen, eller lägg till ett mönster i en profil
fact-older = filen har inte importerats: den är äldre än den fil med samma namn som importerades senast; kontrollera att det är rätt fil och ändra sedan dess ändringstid (touch) eller använd --again
fact-inbox-foreign = filen har lagts i arkivet av något annat än rosterpatch, så [retention] tar inte bort den
fact-inbox-waits = filen har inte importerats än: inget kan skickas med inloggningsuppgifterna i filens profil; nästa körning försöker igen
