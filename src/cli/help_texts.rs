//! The Swedish translations of the help texts, in one table.

/// English to Swedish: of each command, option and heading.
pub(super) const SWEDISH: &[(&str, &str)] = &[
    (
        "Add files to the shared queue",
        "Lägg filer i den gemensamma kön",
    ),
    (
        "Run a worker that processes the shared queue",
        "Bearbeta den gemensamma kön tills programmet stoppas",
    ),
    ("List the shared queue", "Visa den gemensamma kön"),
    (
        "Manage the shared database",
        "Hantera den gemensamma databasen",
    ),
    (
        "Values changed since the last run wrote them: roster, theirs, ask",
        "Värden som har ändrats sedan de senast skrevs: roster, theirs, ask",
    ),
    (
        "Values changed since the last run wrote them: overwrite them (roster) or keep them (theirs)",
        "Värden som har ändrats sedan de senast skrevs: ersätt dem (roster) eller behåll dem (theirs)",
    ),
    (
        "Close a run that a guard holds; nothing is sent",
        "Stäng en körning som väntar på godkännande; inget skickas",
    ),
    (
        "Do not ask before closing the run",
        "Fråga inte innan körningen stängs",
    ),
    (
        "Restore only these rows, by import_row; the others can be undone later",
        "Återställ bara de här raderna, enligt import_row; de andra kan ångras senare",
    ),
    (
        "Reason for the run, stored with it",
        "Anledning till körningen, som sparas med den",
    ),
    (
        "Reason for the command, stored with the run",
        "Anledning till kommandot, som sparas med körningen",
    ),
    ("The rosters", "Listorna"),
    (
        "Maximum concurrent batches",
        "Högsta antal delar som bearbetas samtidigt",
    ),
    (
        "Write a Prometheus textfile about the queue while running",
        "Skriv en Prometheus-textfil om kön under arbetet",
    ),
    (
        "Remove a file from the queue, by its number; sent changes remain",
        "Ta bort en fil ur kön, efter nummer; ändringar som har skickats finns kvar",
    ),
    (
        "Include files whose runs have ended",
        "Visa även filer vars körningar är klara",
    ),
    (
        "Write a Prometheus textfile about the queue, and print nothing",
        "Skriv en Prometheus-textfil om kön, och skriv inte ut något",
    ),
    (
        "Create the tables of the journal and the queue, or update them to this version",
        "Skapa tabellerna för historiken och kön, eller uppdatera dem till den här versionen",
    ),
    (
        "Add the files to the shared queue, and archive those whose runs have ended",
        "Lägg filerna i den gemensamma kön, och arkivera filer vars körningar är klara",
    ),
    (
        "Read one record and one page from the API, and show how each field is understood",
        "Läs en post och en sida från API:et, och visa hur varje fält tolkas",
    ),
    (
        "The key of an existing record, such as an identity number",
        "Nyckeln till en person som finns, till exempel ett personnummer",
    ),
    (
        "The field that the key belongs to",
        "Fältet som nyckeln hör till",
    ),
    (
        "Deviate from the target file: capped-pages, other-first, absent-members, null-members, unnamed-members, shuffled-records, page-totals, strict-members of Pathwright, or frozen-times, unset-times, ignored-times, silent-deletions of Meitner (repeatable)",
        "Avvik från målfilen: capped-pages, other-first, absent-members, null-members, unnamed-members, shuffled-records, page-totals, strict-members för Pathwright, eller frozen-times, unset-times, ignored-times, silent-deletions för Meitner (kan upprepas)",
    ),
    (
        "List all records again after this time",
        "Hämta alla uppgifter på nytt efter den här tiden",
    ),
    (
        "List all records again after this time (until then a run reads only what changed since the last list, if the target defines how)",
        "Hämta alla uppgifter på nytt efter den här tiden (till dess läser en körning bara det som har ändrats, om målet anger hur)",
    ),
    (
        "Read all records again, without a snapshot",
        "Läs alla uppgifter på nytt, och spara ingen ögonblicksbild av dem",
    ),
    ("Explain a problem code", "Förklara en felkod"),
    (
        "A code from import_error_code; without it, list all codes",
        "En kod från import_error_code; utan den listas alla koder",
    ),
    (
        "Open the console in the browser",
        "Öppna konsolen i webbläsaren",
    ),
    (
        "The roster; you can also choose it in the browser",
        "Listan; den kan också väljas i webbläsaren",
    ),
    (
        "Print the address of the console and start no browser",
        "Skriv ut konsolens adress utan att starta en webbläsare",
    ),
    (
        "Exit when the console has been unused for this long and no run is in progress",
        "Avsluta när konsolen inte har använts på så här länge och ingen körning pågår",
    ),
    (
        "A built-in target, or a file that describes one",
        "Ett inbyggt mål, eller en fil som beskriver ett",
    ),
    (
        "Additional root certificates, in PEM",
        "Fler rotcertifikat, i PEM",
    ),
    (
        "A profile of the config file",
        "En profil i konfigurationsfilen",
    ),
    (
        "A roster to load into the sandbox (repeatable)",
        "En lista att fylla testmiljön med (kan upprepas)",
    ),
    (
        "Add a row with an example of each field",
        "Lägg till en rad med exempel på varje fält",
    ),
    (
        "Resend the rows of a run that failed because of the API or the network; needs no file",
        "Skicka igen de rader i en körning som misslyckades på grund av målsystemet eller nätverket; ingen fil behövs",
    ),
    (
        "A variable of the target's addresses (repeatable)",
        "En variabel i målets adresser (kan upprepas)",
    ),
    (
        "Leave a column out of the remaining rows (repeatable)",
        "Utelämna en kolumn i raderna som ännu inte skickats (kan upprepas)",
    ),
    ("All rows", "Alla rader"),
    (
        "Base address, which overrides that of --env",
        "Basadress, i stället för den i --env",
    ),
    (
        "Base address, which overrides that of --env (plain http to this machine only)",
        "Basadress, i stället för den i --env (http utan kryptering bara till den egna datorn)",
    ),
    (
        "Maximum attempts for one row",
        "Högsta antal försök för en rad",
    ),
    (
        "Update the API from a roster",
        "Skicka ändringarna i en lista",
    ),
    (
        "Updates a school's directory API from a CSV or Excel roster, within the API's rate limit, and records the outcome of every row",
        "Uppdaterar Meitner eller ett annat elevregister från en lista i CSV eller Excel, i den takt som systemet tillåter, och sparar resultatet för varje rad",
    ),
    (
        "Do not ask before sending",
        "Fråga inte innan något skickas",
    ),
    (
        "Do not ask before sending if the run has sent nothing yet",
        "Fråga inte innan något skickas, om körningen inte har skickat något än",
    ),
    (
        "Hold a run in which more rows turn one person into another",
        "Vänta på godkännande om fler rader byter ut en person mot en annan",
    ),
    (
        "Rows with a new identity number: ask, approve, off",
        "Rader med nytt personnummer: ask, approve, off",
    ),
    (
        "Rows with a new identity number: ask, approve, off (hold the run, send the rows that another id confirms, or report all of them as not found)",
        "Rader med nytt personnummer: ask, approve, off (vänta på godkännande, skicka de rader som ett annat id bekräftar, eller behandla alla som ej funna)",
    ),
    (
        "Of the rows that need separate approval, only these, by import_row, or \"none\"",
        "Bara dessa av de rader som godkänns var för sig, enligt import_row, eller \"none\"",
    ),
    (
        "Field that finds the record",
        "Fältet som personen hittas med",
    ),
    (
        "Field that finds the record (or several in order, separated by commas)",
        "Fältet som personen hittas med (eller flera i ordning, med komma emellan)",
    ),
    (
        "Folder of the journal, or its postgres:// address",
        "Mapp för historiken, eller en adress som börjar med postgres://",
    ),
    (
        "Delete old runs and the personal data stored for undo",
        "Ta bort gamla körningar och de personuppgifter som sparats för undo",
    ),
    (
        "Copy the journal and its files to a new folder, also while runs are in progress",
        "Kopiera historiken och dess filer till en ny mapp, även medan körningar pågår",
    ),
    (
        "The new folder; it can be used as the state folder",
        "Den nya mappen; den kan användas som mapp för historiken",
    ),
    ("Resume an interrupted run", "Fortsätt en avbruten körning"),
    (
        "Use headers in this language, such as sv",
        "Rubriker på det här språket, till exempel sv",
    ),
    (
        "Hold a run whose file shrank more",
        "Vänta på godkännande om filen har krympt mer",
    ),
    (
        "Hold a run whose file shrank more than this since the last file of the same name",
        "Vänta på godkännande om filen har krympt mer än så sedan den förra med samma namn",
    ),
    (
        "Hold a run with more changes",
        "Vänta på godkännande vid fler ändringar",
    ),
    (
        "Hold a run with more changes than this",
        "Vänta på godkännande vid fler ändringar än så",
    ),
    (
        "Hold a run with more invalid rows",
        "Vänta på godkännande vid fler ogiltiga rader",
    ),
    (
        "Hold a run with more invalid rows than this",
        "Vänta på godkännande vid fler ogiltiga rader än så",
    ),
    ("Start without records", "Starta utan uppgifter"),
    ("Output format", "Format"),
    ("Log format", "Format för loggen"),
    (
        "How long a file must be unchanged",
        "Hur länge en fil måste ligga orörd",
    ),
    (
        "How long a file must be unchanged (unless a file with its full name followed by .ready is beside it)",
        "Hur länge en fil måste ligga orörd (om inte en fil med samma namn följt av .ready ligger bredvid)",
    ),
    (
        "How long delivered values are assumed to be in a record that cannot be read",
        "Hur länge skickade värden antas finnas kvar när uppgifterna inte går att läsa",
    ),
    ("Latency of each response", "Svarstid för varje anrop"),
    (
        "How often watch scans the inbox",
        "Hur ofta watch söker efter nya filer",
    ),
    ("Output format", "Format"),
    (
        "Retry failed rows from a results file",
        "Skicka de misslyckade raderna i en resultatfil igen",
    ),
    (
        "Import files as they arrive in a folder, for systemd",
        "Importera filer när de kommer till en mapp, för systemd",
    ),
    (
        "Import the files in a folder once, for cron",
        "Importera filerna i en mapp en gång, för cron",
    ),
    ("Store no values for undo", "Spara inga värden för undo"),
    ("Language", "Språk"),
    (
        "Skip rows hidden in the workbook",
        "Hoppa över rader som är dolda i arbetsboken",
    ),
    (
        "Send rows about protected persons, and record why",
        "Skicka även rader med skyddade personuppgifter och spara skälet",
    ),
    (
        "Let rows set a guarded value, such as membership_type=admin (repeatable)",
        "Låt rader sätta ett skyddat värde, till exempel membership_type=admin (kan upprepas)",
    ),
    (
        "List the known APIs, or show one",
        "Lista kända API:er, eller visa ett",
    ),
    ("List runs", "Lista körningar"),
    ("Timeout of one request", "Längsta tid för ett anrop"),
    (
        "Map COLUMN to FIELD; COLUMN= ignores it (repeatable)",
        "Koppla KOLUMN till FÄLT; KOLUMN= hoppar över kolumnen (kan upprepas)",
    ),
    (
        "Show the fields, kinds, sign-in and quota of an API",
        "Visa ett API:s fält, typer, inloggning och kvot",
    ),
    (
        "Only rows in these states: invalid, rejected, failed, not_sent",
        "Bara rader i dessa lägen: invalid, rejected, failed, not_sent",
    ),
    (
        "Only the first N of the valid rows",
        "Bara de N första giltiga raderna",
    ),
    (
        "List the files that arrived in inboxes within the last TIME, such as 1d",
        "Lista filerna som har kommit till inkorgar under den senaste tiden, till exempel 1d",
    ),
    ("List only the newest N", "Bara de N senaste"),
    (
        "Only these rows by spreadsheet row number",
        "Bara dessa rader, enligt kalkylbladets radnummer",
    ),
    (
        "Only these rows by import_row, such as 10-20,35",
        "Bara dessa rader, enligt import_row, till exempel 10-20,35",
    ),
    (
        "Print a CSV header for a target",
        "Skriv ut en rubrikrad i CSV för ett mål",
    ),
    (
        "Print a completion script for a shell",
        "Skriv ut ett kompletteringsskript för ett skal",
    ),
    (
        "Simulate the API that this file describes instead of the built-in ones",
        "Simulera API:et som filen beskriver i stället för de inbyggda",
    ),
    ("Print the target file", "Skriv ut målfilen"),
    (
        "Print the JSON Schema of target files, or of the config file, for editors",
        "Skriv ut JSON Schema för målfiler eller för konfigurationsfilen, för textredigerare",
    ),
    ("The kind of file", "Typ av fil"),
    ("Print less: no progress", "Skriv ut mindre: inget förlopp"),
    (
        "Print more: every retry, and requests by row number",
        "Skriv ut mer: varje nytt försök, och anrop med radnummer",
    ),
    (
        "Print a manual page, or write one for each command",
        "Skriv ut en manualsida, eller skriv en för varje kommando",
    ),
    (
        "The command; without it, the page of rosterpatch",
        "Kommandot; utan det visas sidan för rosterpatch",
    ),
    (
        "Write every page into a folder",
        "Skriv alla sidor till en mapp",
    ),
    (
        "Print the settings in force and where each comes from",
        "Visa inställningarna som gäller och var de kommer ifrån",
    ),
    (
        "Progress: auto, bar, plain, json, none",
        "Förlopp: auto, bar, plain, json, none",
    ),
    (
        "Restore the values that a run changed",
        "Återställ det som en körning ändrade",
    ),
    (
        "Check every row, without network access",
        "Kontrollera varje rad, utan nätverk",
    ),
    (
        "Send without reading records; cannot be undone",
        "Skicka utan att läsa; kan inte ångras",
    ),
    (
        "Release a run that a guard holds",
        "Godkänn en körning som väntar på ditt godkännande",
    ),
    (
        "Maximum requests in a burst",
        "Högsta antal anrop utan väntan emellan",
    ),
    ("Requests per s, m, h or d", "Anrop per s, m, h eller d"),
    (
        "Requests per s, m, h or d (unlimited follows only the API's rate-limit headers)",
        "Anrop per s, m, h eller d (unlimited följer bara gränserna i målsystemets svar)",
    ),
    (
        "Maximum concurrent requests",
        "Högsta antal samtidiga anrop",
    ),
    ("Rows that did not succeed", "Rader som inte lyckades"),
    (
        "Rows whose record was not found",
        "Rader vars person inte hittades",
    ),
    (
        "Delete runs that began longer ago than this; by default only what [retention] limits",
        "Ta bort körningar som började för längre sedan än så; annars bara det som [retention] begränsar",
    ),
    (
        "Duplicate keys: error, first, last",
        "Rader med samma nyckel: error, first, last",
    ),
    (
        "Duplicate keys: error, first, last (all but the first are invalid, or only the first or the last is sent)",
        "Rader med samma nyckel: error, first, last (alla utom den första är ogiltiga, eller så skickas den första eller den sista)",
    ),
    (
        "Print the request of one row (by import_row) as a curl command, without secrets",
        "Skriv ut anropet för en rad (enligt import_row) som ett curl-kommando, utan hemligheter",
    ),
    (
        "Save the plan for import --plan",
        "Spara planen för import --plan",
    ),
    (
        "Send exactly what a saved plan contains, without asking; fail if anything has changed since",
        "Skicka precis det som en sparad plan innehåller, utan att fråga; avbryt om något har ändrats sedan dess",
    ),
    (
        "List every change that any run made to one record",
        "Visa alla ändringar som har gjorts för en person",
    ),
    (
        "The record's id, an identity number, an e-mail address or a name",
        "Personens id, personnummer, e-postadress eller namn",
    ),
    (
        "Also list the changes of rehearsals, the runs against the sandbox",
        "Visa även ändringar från övningar, det vill säga körningar mot testmiljön",
    ),
    (
        "Also list rehearsals, the runs against the sandbox",
        "Visa även övningar, det vill säga körningar mot testmiljön",
    ),
    (
        "Remove the values that ended runs store for the record",
        "Ta bort de värden som avslutade körningar har sparat om personen",
    ),
    (
        "Also write everything stored about the person to a CSV, workbook or JSON file",
        "Skriv också allt som finns sparat om personen till en CSV-fil, en arbetsbok eller en JSON-fil",
    ),
    (
        "Check the setup and print a remedy for each problem",
        "Kontrollera inställningarna, och visa en åtgärd för varje fel",
    ),
    (
        "Show what an import would change, and how long it would take",
        "Visa vad en import skulle ändra, och hur lång tid den tar",
    ),
    (
        "Send N rows first, and continue",
        "Skicka N rader först och fortsätt sedan",
    ),
    (
        "Send N rows first, and continue if they read back as sent",
        "Skicka N rader först, läs tillbaka dem och fortsätt om de stämmer",
    ),
    (
        "Send rows that already match",
        "Skicka även rader som redan stämmer",
    ),
    (
        "Send to a sandbox in this process, seeded from FILE",
        "Skicka till en testmiljö i programmet, fylld från FILE",
    ),
    (
        "Serve simulated APIs on this machine",
        "Kör simulerade API:er på den egna datorn",
    ),
    (
        "Share of the quota to use",
        "Andel av kvoten som får användas",
    ),
    ("Show the summary of a run", "Visa resultatet av en körning"),
    (
        "Start over instead of resuming an unfinished run",
        "Börja om i stället för att återuppta en avbruten körning",
    ),
    (
        "Import files that were imported before",
        "Importera även filer som har importerats förut",
    ),
    (
        "The API: a built-in one, or a file",
        "Målsystemet: ett inbyggt, eller en fil",
    ),
    (
        "The API: a built-in one, or a file that describes one",
        "Målsystemet: ett inbyggt, eller en fil som beskriver det",
    ),
    ("The HTML report", "Rapporten i HTML"),
    (
        "The address to listen on; loopback only",
        "Adressen att lyssna på; bara på den egna datorn",
    ),
    ("The config file", "Konfigurationsfilen"),
    (
        "The file's delimiter: one character, or \"tab\"",
        "Filens avgränsare: ett tecken, eller \"tab\"",
    ),
    ("The file's encoding", "Filens teckenkodning"),
    ("The folder to import from", "Mappen som filerna läses från"),
    (
        "The spreadsheet row number of the header",
        "Rubrikradens radnummer",
    ),
    (
        "The spreadsheet row number of the header (detected, also below a title)",
        "Rubrikradens radnummer (hittas automatiskt, även under en titelrad)",
    ),
    ("The quota", "Kvoten"),
    (
        "The results or failed file of a run; - is standard input",
        "Resultatfilen eller filen med misslyckade rader från en körning; - är standard in",
    ),
    (
        "The roster; - is standard input",
        "Listan; - är standard in",
    ),
    (
        "The run that the file belongs to, if several match",
        "Körningen som filen hör till, om flera passar",
    ),
    ("The run; `runs` lists them", "Körningen; `runs` listar dem"),
    (
        "The run; the newest if none is named",
        "Körningen; den senaste om ingen anges",
    ),
    (
        "The run; the newest that was interrupted if none is named",
        "Körningen; den senast avbrutna om ingen anges",
    ),
    ("The sheet of a workbook", "Bladet i en arbetsbok"),
    ("The shell", "Skalet"),
    (
        "Position of the import_ columns in the results",
        "Placering av import_-kolumnerna i resultatet",
    ),
    (
        "The summary on standard output",
        "Sammanfattningen på standard ut",
    ),
    ("The target's environment", "Målets miljö"),
    (
        "Check every profile of the config file in turn",
        "Kontrollera alla profiler i konfigurationsfilen",
    ),
    (
        "Treat doubtful values as invalid",
        "Behandla tveksamma värden som ogiltiga",
    ),
    ("What an empty cell does", "Vad en tom cell gör"),
    (
        "What an empty cell does (keep the value, or clear it; the cell <null> always clears)",
        "Vad en tom cell gör (behåller värdet, eller tömmer det; cellen <null> tömmer alltid)",
    ),
    (
        "Faults, such as 500=2%,503=1%:retry-after=2,reset=1%,lost-answer=1%; also stall=1%:60s, slow=5%:800ms, truncate, garbage, html, close",
        "Fel, till exempel 500=2%,503=1%:retry-after=2,reset=1%,lost-answer=1%; även stall=1%:60s, slow=5%:800ms, truncate, garbage, html, close",
    ),
    ("Seed for the random numbers", "Startvärde för slumptalen"),
    (
        "The replaced values, as a roster",
        "De ersatta värdena, som en lista",
    ),
    (
        "When to use colors; NO_COLOR is respected",
        "När färger används; NO_COLOR respekteras",
    ),
    (
        "Write the results and the report of a run again",
        "Skriv resultatet och rapporten för en körning på nytt",
    ),
    (
        "Write every change to a CSV file",
        "Skriv varje ändring till en CSV-fil",
    ),
    (
        "Write every problem to a CSV file",
        "Skriv varje fel till en CSV-fil",
    ),
];

/// The headings of the groups of options.
pub(super) const HEADINGS: &[(&str, &str)] = &[
    ("Console", "Konsol"),
    ("Roster", "Lista"),
    ("Delivery", "Sändning"),
    ("Quota", "Kvot"),
    ("Guards", "Gränser"),
    ("Output", "Resultat"),
    ("General", "Allmänt"),
];

/// Words about a default that is no value.
pub(super) const DEFAULTS: &[(&str, &str)] = &[
    ("detected", "känns av automatiskt"),
    ("the first visible", "det första synliga"),
    ("the target's", "målets"),
    ("roster; ask in the console", "roster; ask i konsolen"),
    (
        "1500/h, or that of --target",
        "1500/h, eller den för --target",
    ),
    ("the locale's", "datorns"),
    (
        "the first key field whose kind fits",
        "det första nyckelfält vars typ passar",
    ),
    ("none", "ingen"),
    (
        "NAME.results.csv beside the file",
        "NAMN.results.csv bredvid filen",
    ),
    ("NAME.failed.csv", "NAMN.failed.csv"),
    ("NAME.report.html", "NAMN.report.html"),
    ("NAME.before.csv", "NAMN.before.csv"),
    ("NAME.new.csv", "NAMN.new.csv"),
    (
        "rosterpatch.toml here, else in the user's config folder",
        "rosterpatch.toml här, annars i användarens konfigurationsmapp",
    ),
    ("a free port of 127.0.0.1", "en ledig port på 127.0.0.1"),
];
