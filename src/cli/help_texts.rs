//! What the commands and options say of themselves, in English as they do, and in Swedish. A table, and
//! long for that.

/// English to Swedish: of each command, option and heading.
pub(super) const SWEDISH: &[(&str, &str)] = &[
    (
        "Put files into the queue of many machines",
        "Lägg filer i kön för många datorer",
    ),
    (
        "Import what waits in the queue, a slice at a time, for as long as it runs",
        "Importera det som väntar i kön, en del i taget, så länge programmet är igång",
    ),
    (
        "List what waits in the queue, what is being imported, and when the rest is due",
        "Lista vad som väntar i kön, vad som importeras och när resten är i tur",
    ),
    (
        "Look after the database that many machines share",
        "Sköt databasen som många datorer delar",
    ),
    ("The rosters", "Listorna"),
    ("Slices that are done at a time", "Delar som görs samtidigt"),
    (
        "A Prometheus textfile about the queue that is written while it works",
        "En Prometheus-textfil om kön som skrivs under arbetet",
    ),
    (
        "Take a file out of the queue, by its number; what was sent stays sent",
        "Ta bort en fil ur kön, med dess nummer; det som har skickats förblir skickat",
    ),
    ("What has ended too", "Även det som är klart"),
    (
        "Write a Prometheus textfile about the queue, and print nothing",
        "Skriv en Prometheus-textfil om kön, och skriv inte ut något",
    ),
    (
        "Make the tables of the journal and the queue, or bring them to this version",
        "Skapa journalens och köns tabeller, eller uppdatera dem till den här versionen",
    ),
    (
        "Put the files into the queue of many machines, and put away those whose runs have ended there",
        "Lägg filerna i kön för många datorer, och lägg undan dem vars körningar är klara där",
    ),
    (
        "Read one record and one page from the API, and show how each field is understood",
        "Läs en post och en sida från API:et, och visa hur varje fält tolkas",
    ),
    (
        "The key of an existing record, such as an identity number",
        "Nyckeln till en post som finns, till exempel ett personnummer",
    ),
    (
        "The field that the key belongs to",
        "Fältet som nyckeln hör till",
    ),
    (
        "Differ from the target file: capped-pages, other-first, absent-members, null-members, unnamed-members, shuffled-records, page-totals, strict-members of Pathwright, or frozen-times, unset-times, ignored-times, silent-deletions of Meitner (repeatable)",
        "Avvik från målfilen: capped-pages, other-first, absent-members, null-members, unnamed-members, shuffled-records, page-totals, strict-members för Pathwright, eller frozen-times, unset-times, ignored-times, silent-deletions för Meitner (kan upprepas)",
    ),
    (
        "List all records again after this time",
        "Lista alla poster på nytt efter den här tiden",
    ),
    (
        "List all records again after this time (until then a run reads what changed since the last list, if the target says how)",
        "Lista alla poster på nytt efter den här tiden (till dess läser en körning det som har ändrats sedan den senaste listan, om målet anger hur)",
    ),
    (
        "Read the records anew, and keep no snapshot of them",
        "Läs posterna på nytt, och spara ingen ögonblicksbild av dem",
    ),
    ("Explain a problem code", "Förklara en felkod"),
    (
        "A code from import_error_code; without it, list all codes",
        "En kod från import_error_code; utan den listas alla koder",
    ),
    (
        "Open the console in this machine's browser",
        "Öppna konsolen i datorns webbläsare",
    ),
    (
        "The roster; it can be chosen in the browser, too",
        "Listan; den kan också väljas i webbläsaren",
    ),
    (
        "Start no browser, and print the address that opens the console",
        "Starta ingen webbläsare, och skriv ut adressen som öppnar konsolen",
    ),
    (
        "End when nobody has been there for this long and no run is under way",
        "Avsluta när ingen har varit där så här länge och ingen körning pågår",
    ),
    (
        "A built-in target, or a file that describes one",
        "Ett inbyggt mål, eller en fil som beskriver ett",
    ),
    (
        "A file of root certificates in PEM, trusted besides the machine's own",
        "En fil med rotcertifikat i PEM, betrodda utöver datorns egna",
    ),
    (
        "A profile of the config file",
        "En profil i konfigurationsfilen",
    ),
    (
        "A roster whose students the sandbox is to hold (repeatable)",
        "En lista vars elever testmiljön ska ha (kan upprepas)",
    ),
    (
        "A row with an example of each field too",
        "Även en rad med exempel på varje fält",
    ),
    (
        "A run whose rows failed for the API's fault: no file is needed, and it goes where it went",
        "En körning vars rader misslyckades på grund av API:et: ingen fil behövs, och den skickas till samma adress som förut",
    ),
    (
        "A variable of the target's addresses (repeatable)",
        "En variabel i målets adresser (kan upprepas)",
    ),
    (
        "Leave a column out of the rows that are still to be sent (repeatable)",
        "Utelämna en kolumn i raderna som ännu inte skickats (kan upprepas)",
    ),
    ("All rows", "Alla rader"),
    (
        "Another address, in place of that of --env",
        "En annan adress, i stället för den i --env",
    ),
    (
        "Another address, in place of that of --env (plain http to this machine alone)",
        "En annan adress, i stället för den i --env (http utan kryptering bara till den egna datorn)",
    ),
    (
        "Attempts for one row at most",
        "Högsta antal försök för en rad",
    ),
    (
        "Bring the API up to date with a roster",
        "Uppdatera API:et efter en lista",
    ),
    (
        "Brings a school's directory API up to date with a CSV roster: one rate-limited request a row, every row accounted for",
        "Uppdaterar en skolas katalog-API efter en CSV-lista: ett taktbegränsat anrop per rad, och varje rad redovisas",
    ),
    (
        "Do not ask before sending",
        "Fråga inte innan något skickas",
    ),
    (
        "Do not ask before sending, where the run had not begun to send",
        "Fråga inte innan något skickas, om körningen inte hade börjat skicka",
    ),
    (
        "Field that finds the record",
        "Fältet som posten hittas med",
    ),
    (
        "Folder of the journal, or its postgres:// address",
        "Journalens mapp, eller dess adress (postgres://)",
    ),
    (
        "Forget old runs, and the personal data kept for undo",
        "Ta bort gamla körningar och de personuppgifter som sparats för undo",
    ),
    (
        "Go on with a run that was interrupted",
        "Fortsätt en avbruten körning",
    ),
    (
        "Headers in a language of the target's aliases, such as sv, as a Swedish Excel reads them",
        "Rubriker på ett språk bland målets alias, till exempel sv, som en svensk Excel läser dem",
    ),
    (
        "Hold a run whose file shrank more",
        "Spärra en körning vars fil har krympt mer",
    ),
    (
        "Hold a run whose file shrank more since the last one of its name",
        "Spärra en körning vars fil har krympt mer sedan den förra med samma namn",
    ),
    (
        "Hold a run with more changes",
        "Spärra en körning med fler ändringar",
    ),
    (
        "Hold a run with more invalid rows",
        "Spärra en körning med fler ogiltiga rader",
    ),
    ("Hold no records at all", "Ha inga poster alls"),
    ("How it is shown", "Hur den visas"),
    ("How log lines are written", "Hur loggrader skrivs"),
    (
        "How long a file must lie unchanged",
        "Hur länge en fil måste ligga orörd",
    ),
    (
        "How long a file must lie unchanged (unless NAME.ready lies beside it)",
        "Hur länge en fil måste ligga orörd (om inte NAMN.ready ligger bredvid)",
    ),
    (
        "How long a record that cannot be read is believed to hold what was delivered",
        "Hur länge en post som inte går att läsa antas ha det som levererats",
    ),
    ("How long every answer takes", "Hur lång tid varje svar tar"),
    ("How often watch looks", "Hur ofta watch tittar"),
    ("How they are shown", "Hur de visas"),
    (
        "Import again the rows of a results file that did not succeed, fixed or not",
        "Importera på nytt de rader i en resultatfil som inte lyckades, rättade eller inte",
    ),
    (
        "Import the files that come into a folder, for as long as it runs: for systemd",
        "Importera filer som kommer till en mapp, så länge kommandot körs: för systemd",
    ),
    (
        "Import the files that lie in a folder, once: for cron",
        "Importera filerna som ligger i en mapp, en gång: för cron",
    ),
    ("Keep no values for undo", "Spara inga värden för undo"),
    ("Language", "Språk"),
    (
        "Skip rows hidden in the workbook",
        "Hoppa över rader som är dolda i arbetsboken",
    ),
    (
        "Send rows about protected persons, too, and record why",
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
    ("List what has been run", "Lista körningar"),
    ("Longest time for one request", "Längsta tid för ett anrop"),
    (
        "Map COLUMN to FIELD; COLUMN= ignores it (repeatable)",
        "Koppla KOLUMN till FÄLT; KOLUMN= hoppar över den (kan upprepas)",
    ),
    (
        "One API's fields, kinds, sign-in and quota",
        "Ett API:s fält, typer, inloggning och kvot",
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
    ("Only the newest N", "Bara de N senaste"),
    (
        "Only these rows by the spreadsheet's numbers",
        "Bara dessa rader enligt kalkylbladets radnummer",
    ),
    (
        "Only these rows by import_row, such as 10-20,35",
        "Bara dessa rader enligt import_row, till exempel 10-20,35",
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
        "Play the API of this file, as it says, in place of the built-in ones",
        "Efterlikna API:et i den här filen, så som den säger, i stället för de inbyggda",
    ),
    ("Print its file", "Skriv ut dess fil"),
    (
        "Print the JSON Schema of target files, or of the config file, for editors",
        "Skriv ut JSON Schema för målfiler eller för konfigurationsfilen, för textredigerare",
    ),
    ("Of which kind of file", "För vilket slags fil"),
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
        "The command whose page it is; the program's own if none is named",
        "Kommandot vars sida det är; programmets egen om inget anges",
    ),
    (
        "Write every page into a folder",
        "Skriv alla sidor till en mapp",
    ),
    (
        "Print the settings in force, and where each comes from",
        "Visa gällande inställningar och varifrån var och en kommer",
    ),
    (
        "Progress: auto, bar, plain, json, none",
        "Förlopp: auto, bar, plain, json, none",
    ),
    (
        "Put back what a run changed, where it still holds what the run wrote",
        "Återställ det som en körning ändrade, där det fortfarande står vad körningen skrev",
    ),
    (
        "Read and check every row; no network",
        "Läs och kontrollera varje rad; inget nätverk",
    ),
    (
        "Read nothing: all is sent, nothing can be undone",
        "Läs inget: allt skickas, inget kan ångras",
    ),
    (
        "Release a run that a guard held, if its file is still the same",
        "Godkänn en körning som en spärr har stoppat, om filen fortfarande är densamma",
    ),
    ("Requests in one burst", "Anrop på en gång"),
    ("Requests per s, m, h or d", "Anrop per s, m, h eller d"),
    (
        "Requests per s, m, h or d (or unlimited: only what the API announces counts)",
        "Anrop per s, m, h eller d (eller unlimited: bara det som API:et meddelar gäller)",
    ),
    ("Requests under way at most", "Högsta antal samtidiga anrop"),
    ("Rows that did not succeed", "Rader som inte lyckades"),
    (
        "Rows whose record was not found",
        "Rader vars post inte hittades",
    ),
    (
        "Runs that began longer ago than this",
        "Körningar som började för längre sedan än så",
    ),
    (
        "Same-key rows: error, first, last",
        "Rader med samma nyckel: error, first, last",
    ),
    (
        "Same-key rows: error, first, last (all but the first are invalid, or the first is sent, or the last)",
        "Rader med samma nyckel: error, first, last (alla utom den första är ogiltiga, eller så skickas den första eller den sista)",
    ),
    (
        "Print the request of one row, by import_row, as curl would make it; without secrets",
        "Skriv ut anropet för en rad, enligt import_row, som curl skulle göra det; utan hemligheter",
    ),
    (
        "Save the plan, so that import --plan sends exactly what it says",
        "Spara planen, så att import --plan skickar precis det som står i den",
    ),
    (
        "Send exactly what a saved plan says, or say what has changed since; it was seen, so nothing is asked",
        "Skicka precis det som en sparad plan säger, eller säg vad som har ändrats sedan dess; den är granskad, så inget frågas",
    ),
    (
        "Say every change that any run made to one record",
        "Visa varje ändring som någon körning har gjort i en post",
    ),
    (
        "What leads to the record: its id, an identity number, an e-mail address",
        "Det som leder till posten: dess id, ett personnummer, en e-postadress",
    ),
    (
        "Remove the values that ended runs hold of it",
        "Ta bort de värden som avslutade körningar har sparat om den",
    ),
    (
        "Write the changes to a CSV file too, one a line",
        "Skriv också ändringarna till en CSV-fil, en per rad",
    ),
    (
        "Say what would stop an import here, and what to do about it",
        "Visa vad som skulle stoppa en import här, och vad du kan göra åt det",
    ),
    (
        "Say what an import would send, how many requests, how long; changes nothing",
        "Visa vad en import skulle skicka, hur många anrop och hur lång tid; ändrar inget",
    ),
    (
        "Send N rows first, read them back, and then go on",
        "Skicka först N rader, läs tillbaka dem och fortsätt sedan",
    ),
    (
        "Send N rows first, read them back, and then go on if they hold what was sent",
        "Skicka först N rader, läs tillbaka dem och fortsätt sedan om de har det som skickades",
    ),
    (
        "Send rows that already match, too",
        "Skicka även rader som redan stämmer",
    ),
    (
        "Send to a sandbox in this process, seeded from FILE",
        "Skicka till en testmiljö i programmet, fylld från FILE",
    ),
    (
        "Serve the APIs on this machine, to try things out",
        "Kör API:erna som testmiljö på den egna datorn",
    ),
    (
        "Share of the quota to use",
        "Andel av kvoten som får användas",
    ),
    ("Show one run's figures", "Visa en körnings siffror"),
    (
        "Start over instead of resuming an unfinished run",
        "Börja om i stället för att återuppta en avbruten körning",
    ),
    (
        "Take files that were imported before, too",
        "Ta även filer som har importerats förut",
    ),
    (
        "The API: a built-in one, or a file",
        "API:et: ett inbyggt, eller en fil",
    ),
    (
        "The API: a built-in one, or a file that describes one",
        "API:et: ett inbyggt, eller en fil som beskriver ett",
    ),
    ("The HTML report", "Rapporten i HTML"),
    (
        "The address to listen on; this machine's own only",
        "Adressen att lyssna på; bara den egna datorns",
    ),
    ("The config file", "Konfigurationsfilen"),
    (
        "The file's delimiter: one character, or \"tab\"",
        "Filens avgränsare: ett tecken, eller \"tab\"",
    ),
    ("The file's encoding", "Filens teckenkodning"),
    (
        "The folder into which files are dropped",
        "Mappen som filer läggs i",
    ),
    ("The line of the header", "Rubrikradens radnummer"),
    (
        "The line of the header (found by itself, also below a title)",
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
        "The run that the file belongs to, where it does not show by itself",
        "Körningen som filen hör till, om det inte framgår av sig självt",
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
        "Where the import_ columns stand in the results",
        "Var import_-kolumnerna står i resultatet",
    ),
    (
        "The summary on standard output",
        "Sammanfattningen på standard ut",
    ),
    ("The target's environment", "Målets miljö"),
    (
        "Check every profile of the config file in turn",
        "Kontrollera konfigurationsfilens alla profiler i tur och ordning",
    ),
    (
        "Treat doubtful values as invalid",
        "Behandla tveksamma värden som ogiltiga",
    ),
    ("What an empty cell does", "Vad en tom cell gör"),
    (
        "What an empty cell does (leave the value alone, or clear it; the cell <null> always clears)",
        "Vad en tom cell gör (lämnar värdet i fred, eller tömmer det; cellen <null> tömmer alltid)",
    ),
    (
        "What goes wrong, such as 500=2%,503=1%:retry-after=2,reset=1%,lost-answer=1%; also stall=1%:60s, slow=5%:800ms, truncate, garbage, html, close",
        "Vad som går fel, till exempel 500=2%,503=1%:retry-after=2,reset=1%,lost-answer=1%; även stall=1%:60s, slow=5%:800ms, truncate, garbage, html, close",
    ),
    (
        "What is drawn by chance is drawn from this number",
        "Slumpen utgår från det här talet",
    ),
    (
        "What was replaced, as a roster",
        "Det som ersattes, som en lista",
    ),
    (
        "Whether there are colours; NO_COLOR is honoured",
        "Om färg används; NO_COLOR respekteras",
    ),
    (
        "Write a run's results and report again",
        "Skriv en körnings resultat och rapport på nytt",
    ),
    (
        "Write every change to a CSV file, one a line",
        "Skriv varje ändring till en CSV-fil, en per rad",
    ),
    (
        "Write every problem to a CSV file, one a line",
        "Skriv varje fel till en CSV-fil, ett per rad",
    ),
];

/// The headings of the groups of options.
pub(super) const HEADINGS: &[(&str, &str)] = &[
    ("Console", "Konsol"),
    ("Roster", "Lista"),
    ("Delivery", "Sändning"),
    ("Quota", "Kvot"),
    ("Guards", "Spärrar"),
    ("Output", "Resultat"),
    ("General", "Allmänt"),
];

/// Words about a default that is no value.
pub(super) const DEFAULTS: &[(&str, &str)] = &[
    ("detected", "känns av automatiskt"),
    ("the first visible", "det första synliga"),
    ("the target's", "målets"),
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
