read-header-too-long = { $path }: den första raden slutar inte inom { $most } byte, så den kan inte vara en rubrikrad; leta efter ett citattecken som saknas
read-io = kan inte läsa { $path }
read-empty = { $path } är tom: en lista behöver en rubrikrad och minst en rad till
read-too-many-rows = { $path } har { $rows } rader, och högst { $most } kan hållas isär; dela upp den
read-no-rows = { $path } har en rubrikrad men inga rader under den
read-not-csv = { $path } är ingen CSV-fil utan { $what }; { $fix }
read-workbook = kan inte läsa arbetsboken { $path }: { $why }; öppna den i Excel och spara den som "CSV UTF-8"
read-no-sheet = arbetsboken { $path } har inget blad "{ $sheet }"; den har: { $found }
read-no-workbook = { $path } är ingen arbetsbok och har därför inga blad; ta bort --sheet
read-encoding-in-doubt = teckenkodningen i { $path } är osäker: { $likely }; välj en med --encoding, eller spara filen som "CSV UTF-8"
read-likely = { $name } ger "{ $word }" (--encoding { $label })
read-unknown-encoding = teckenkodningen i { $path } är okänd: filen är inte UTF-8, och bokstäverna bildar inga ord i någon teckenkodning som rosterpatch prövar; ange teckenkodningen med --encoding, eller spara filen som "CSV UTF-8"
read-ask-encoding = Teckenkodningen i { $path } är osäker. Hur ska filen läsas?
read-ask-which = Nummer (Enter för att avbryta):
read-no-such-encoding = teckenkodningen "{ $label }" finns inte; prova utf-8, windows-1252, utf-16le, macintosh eller cp850
read-duplicate-header = { $path }: kolumnerna { $first } och { $second } i rubrikraden heter båda "{ $name }"; byt namn på eller ta bort en av dem
read-undecodable-header = { $path }: kolumn { $column } i rubrikraden har byte som inte är { $encoding }; ange filens teckenkodning med --encoding
read-unclosed-quote = { $path }: ett citattecken som öppnas på rad { $line } stängs aldrig, så allt som följer skulle bli en enda cell; ta bort eller stäng det
read-stray-quote = { $path }: ett citattecken på rad { $line } gör raderna { $line } till { $last } till en enda rad och döljer raderna däremellan; ta bort eller stäng det
read-row-too-large = { $path }: raden som börjar på rad { $line } är större än { $limit } MiB; är det här en elevlista?
read-changed = { $path } ändrades medan den lästes; kör kommandot igen
read-no-header-row = { $path } har ingen rad { $line } (--header-row); filen har { $lines } rader

fix-save = öppna den i Excel och spara den som "CSV UTF-8"
fix-export = exportera listan på nytt, som CSV
fix-unpack-or-save = packa upp den, eller öppna den i Excel och spara den som "CSV UTF-8"
fix-unpack = packa upp den först
kind-pdf = ett PDF-dokument
kind-zip = ett ZIP-arkiv eller ett Office-dokument
kind-ole = ett äldre Office-dokument
kind-gzip = ett gzip-arkiv
kind-picture = en bild
kind-database = en databas
kind-rich-text = ett RTF-dokument
kind-web-page = en webbsida eller XML
kind-binary = binära data

workbook-texts-too-large = uppackade skulle dess texter bli större än 256 MiB
workbook-part-too-large = dess del { $part } är större än { $limit } MiB
workbook-construct-too-long = dess del { $part } innehåller mer än { $most } byte i ett stycke, från byte { $at }
workbook-too-many-tags = dess del { $part } innehåller fler än { $most } poster, eller färre och större
workbook-elsewhere = dess huvuddel är "{ $part }" och inte xl/workbook.xml
workbook-size-wrong = dess del { $part } är större än de { $said } byte som arkivet uppger
workbook-damaged = den är skadad
workbook-scattered = rad { $row } har en cell i kolumn { $column }, långt från de andra; ta bort det som står bredvid eller nedanför listan
workbook-too-many-repeated = fram till rad { $row } upprepas celler mer än { $most } gånger; ta bort det som står bredvid eller nedanför listan
workbook-too-large = uppackad skulle den bli större än 1 GiB
workbook-file-too-large = den är större än { $limit } MiB
workbook-too-many-columns = rad { $row } har en cell i kolumn { $column }, och högst { $most } kolumner läses; ta bort det som står bredvid listan
workbook-too-far-below = rad { $row } står långt under de andra, och högst { $most } tomma rader emellan läses; ta bort det som står under listan
workbook-cell-too-large = rad { $row } har en cell med { $length } byte text, och högst { $most } läses
workbook-too-much-text = till och med rad { $row } innehåller cellerna mer än 512 MiB text

dialect-mark = { $encoding } med BOM
dialect-semicolon = { $encoding }, semikolon
dialect-comma = { $encoding }, komma
dialect-tab = { $encoding }, tabb
dialect-pipe = { $encoding }, lodstreck
dialect-other = { $encoding }, avgränsare "{ $delimiter }"
dialect-header-on = { $format }, rubriker på rad { $line }
dialect-workbook = { $kind }, bladet "{ $sheet }"
dialect-xlsx = Excel-arbetsbok
dialect-xls = äldre Excel-arbetsbok
dialect-ods = OpenDocument-kalkylblad

map-result-column = kolumnen "{ $column }" har samma namn som en av kolumnerna som resultatfilen lägger till, och filen är ingen resultatfil; ge den ett annat namn
map-two-columns = kolumnerna "{ $first }" och "{ $second }" innehåller båda fältet { $field }; hoppa över en av dem med --map "{ $second }="
map-read-only = kolumnen "{ $column }" innehåller { $field }, som { $target } inte låter någon sätta; hoppa över den med --map "{ $column }="
map-no-column = --map nämner kolumnen "{ $column }", som inte finns i filen; den har: { $found }
map-no-field = fältet "{ $field }" finns inte i { $target }; där finns: { $known }
map-no-key = rubrikraden har inget som en post kan hittas med; en av dessa räcker
map-lacking = rubrikraden saknar det som varje rad behöver
map-found = hittade: { $headers }
map-or = { $name } (eller: { $others })
map-did-you-mean = "{ $found }": menade du "{ $meant }" ({ $field })?
map-what-to-do = byt namn på kolumnen, eller ange vilken det är med --map KOLUMN=FÄLT; --header-row N anger var rubrikraden står
