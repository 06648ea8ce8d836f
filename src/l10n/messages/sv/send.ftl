threshold-unclear = ”{ $text }” är varken ett antal rader, till exempel 50, eller en andel, till exempel 20%
selection-unclear = ”{ $text }” är inte ett urval av rader; skriv till exempel 10-20,35
rate-unclear = ”{ $text }” är inte en takt; skriv till exempel 1500/h, eller unlimited. Enheten är s, m, h eller d, och talet måste vara större än 0
held-no-rows = filen har en rubrikrad men inga rader
held-invalid = { $invalid } av { $rows } rader har fel, fler än gränsen på { $most } (--max-invalid)
held-shrunk = filen har { $rows } rader och hade { $last } förra gången, en större minskning än gränsen på { $most } (--max-shrink)
held-identity = { $rows } skulle byta ut en person mot en annan, fler än gränsen på { $most } (--max-identity-changes)
held-renumbering = { $rows } skulle ge en person ett annat personnummer, vilket du måste godkänna
held-rows = { $count ->
    [one] {":"} rad { $lines } i kalkylarket
   *[other] {":"} raderna { $lines } i kalkylarket
}
held-rows-more = {":"} raderna { $lines } i kalkylarket, och { $more } till
held-changes = { $changes } av { $rows } rader skulle ändra en person, fler än gränsen på { $most } (--max-changes)
held-conflicts = { $conflicts }: värden har ändrats sedan rosterpatch senast skrev dem, och du måste välja vilka som ska gälla (--conflicts ask)
lookup-nobody-has-it = målsystemet kräver { $field } i varje ändring, men både raden och personens uppgifter ({ $record }) saknar det
lookup-several-elements = { $pointer } pekar ut { $count } värden i personens uppgifter ({ $record }), så det går inte att avgöra vilket som avses
lookup-not-a-list = { $pointer } pekar ut ett element i en lista, men personens uppgifter ({ $record }) har ingen lista där
lookup-record-lacks = målsystemet kräver { $field }, men personens uppgifter ({ $record }) saknar det
lookup-same-page = sida { $page } har inga nya poster eller leder tillbaka till en tidigare sida, så listan skulle aldrig ta slut; rätta { $setting } i målfilen, eller ange lookup.trust_total = true om den första sidan har alla poster
lookup-fewer = { $listed } av { $total } poster listades och det finns ingen sida till, så listan är inte fullständig; rätta { $setting } eller lookup.total i målfilen, eller kör igen om poster togs bort under tiden
lookup-fewer-repeated = { $listed } av { $total } poster listades och { $repeated } av dem flera gånger, så listan är inte fullständig; rätta { $setting } i målfilen, eller kör igen om poster lades till eller togs bort under tiden
lookup-no-next = den första sidan är full ({ $records } poster) och anger ingen nästa sida, så listan kan vara ofullständig; rätta { $setting } i målfilen, eller ange lookup.total (med lookup.trust_total = true om det räknar posterna på alla sidor)
lookup-elsewhere = nästa sida finns på { $address }, som inte ligger under API:ets adress, och inloggningsuppgifter skickas bara till API:et; rätta adressen eller lookup.paging i målfilen
lookup-no-address = svarets värde för nästa sida är varken en adress, en markör eller null; rätta { $setting } i målfilen
lookup-exists = listan eller sökningen är inte fullständig: { $record } på rad { $row } saknas där men kan hämtas enskilt. Ingen rad rapporteras som saknad; rätta { $setting } i målfilen
lookup-linked = svarets Link-huvud anger en nästa sida, som målfilen inte följer; ange paging = {"{"} kind = "link" {"}"} i [lookup]
lookup-no-list = svaret har ingen lista med poster på { $pointer }
lookup-no-record = svaret på { $path } har ingen post med id på { $pointer }; rätta answers.record eller lookup.id i målfilen, eller ange parameter i [[lookup.query]] om svaret är en lista

answer-not-applied = ändrades inte: { $fields } (målsystemet tog emot ändringen, men svaret visar inte det som skickades)

credentials-missing = inloggningsuppgifter saknas för { $target }: ange { $ways } som miljövariabler, eller samma namn följda av _FILE för filer som innehåller värdena
credentials-or = , eller{" "}
credentials-file = kan inte läsa filen { $path } som { $variable } pekar på
credentials-empty = värdet av { $variable } är bara blanktecken
credentials-character = värdet av { $variable } innehåller blanktecken eller styrtecken, som inte får ingå i en inloggningsuppgift; kopiera det en gång till
log-exposed-secret = filen med inloggningsuppgifter kan läsas av andra konton; stäng den med: chmod 600
address-unusable = adressen { $url } kan inte användas: { $why }
address-no-url = det är inte en URL
address-scheme = den är varken https eller http
address-secret = den innehåller ett användarnamn eller lösenord; inloggningsuppgifter hör hemma i miljön
address-query = den innehåller ? eller #, och sökvägar läggs till efter den
address-no-host = den saknar värdnamn
address-variable = ange dess variabel med --var { $name }=VÄRDE
address-plain = http utan kryptering är bara tillåtet till den egna datorn, annars kan inloggning och personuppgifter avlyssnas; använd https
client-failed = kan inte starta HTTP-klienten: { $why }
client-no-certificate = filen för --ca-cert innehåller inget certifikat i PEM-format
client-header = HTTP-huvudet { $name } i målfilen är inte giltigt
network-failed = kan inte starta nätverket
token-unusable = svaret med token kan inte användas: { $why }
token-no-object = innehållet är inte ett JSON-objekt
token-missing = access_token saknas
token-no-bearer = token_type är inte Bearer
token-lifetime = expires_in är inte ett tal
token-lifetime-zero = expires_in är inte större än 0
token-no-header = access_token innehåller tecken som inte får stå i ett HTTP-huvud

answer-empty = HTTP { $status }, utan innehåll
answer-too-large = svaret var för stort för att läsas
answer-none-in-time = { $count ->
    [one] inget svar kom i tid på { $number } försök
   *[other] inget svar kom i tid på { $number } försök
}
answer-lost = { $count ->
    [one] anslutningen bröts före svaret, { $number } försök
   *[other] anslutningen bröts före svaret, { $number } försök
}
answer-no-connection = { $count ->
    [one] det gick inte att ansluta på { $number } försök ({ $why })
   *[other] det gick inte att ansluta på { $number } försök ({ $why })
}
answer-doubtful = inget svar kom, och målsystemet kan ha gjort ändringen; den skickades inte igen eftersom målfilen inte anger att det är ofarligt
answer-unseen = ändringen skickades, men körningen slutade innan svaret kom; målsystemet kan ha gjort ändringen

trouble-refused = anslutningen nekades
trouble-no-host = värdnamnet finns inte
trouble-certificate = certifikatet är inte betrott
trouble-issuer = certifikatet är inte betrott: utfärdaren är okänd
trouble-proxy = proxyn nekar anslutningen
trouble-time-out = inget svar i tid
trouble-tls = ingen TLS-anslutning kunde upprättas
trouble-other = ingen anslutning
named-time = målsystemet svarade { $status } och angav den här tiden

stop-refused = målsystemet godtog inte inloggningsuppgifterna ({ $what })
record-other = en uppgift som inte är ett fält i målfilen
record-changed = någon ändrade { $field } efter att uppgifterna lästes, så ingenting skickades; importera raden igen för att jämföra på nytt
stop-foreign = svaret kommer inte från målsystemet: HTTP { $status } med { $what }. Något annat svarade, till exempel en inloggningssida eller en proxy
came-html = en HTML-sida
came-empty = ett tomt svar
came-no-json = ett svar som inte är JSON
came-no-record = JSON utan personens uppgifter
came-content = ett svar med innehåll, när svaret ska vara 204 utan innehåll
stop-unreachable = målsystemet på { $address } gick inte att nå: { $why }
stop-failing = nästan alla rader får samma fel ({ $error })
stop-held = väntar på ditt godkännande, och inget har skickats: { $why }
stop-canary = de första raderna lästes tillbaka, och { $why }
stop-lookup = uppgifterna i målsystemet gick inte att läsa ({ $why })
stop-lookup-at = { $what } på { $path }
stop-due = nästa del av körningen väntar på sin tur
stop-asked = körningen avbröts
stop-page-too-large = en sida med poster är större än 64 KiB per post; sänk page_size i målfilen

word-record = post
word-records = poster
