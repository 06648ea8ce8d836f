### Why the record of runs cannot be kept or read.

journal-folder = cannot use the state folder { $path } (--state names another)
journal-network = the state folder { $path } is on a network file system, where SQLite cannot keep a journal safely; name a local one with --state
journal-sqlite = cannot { $action } the journal { $path }
journal-action-open = open
journal-action-read = read
journal-action-write = write
journal-action-quota = keep the quota in
journal-action-records = keep the records that were read in
journal-database = cannot { $action } the journal in { $place }
journal-address = the address of the database cannot be used: { $why }; it looks like postgres://USER@HOST/DATABASE, with the password in PGPASSWORD
journal-address-unclear = it does not say for certain what is the password; write @ : / ? and # in a password as %40 %3A %2F %3F and %23
journal-not-migrated = { $place } has no tables of this version yet; make them with: rosterpatch database migrate
journal-taken-over = another process has taken this over; nothing more is sent here
journal-not-built = this program was built without PostgreSQL (the cargo feature postgres); take a package, or build it with: cargo build --release --features postgres
journal-newer = the journal { $path } has format { $found }, and this version knows up to { $known }; use a newer version of the program
journal-no-run = there is no run "{ $name }"; `rosterpatch runs` lists them
journal-nothing-unfinished = no run was interrupted, so there is nothing to resume; `rosterpatch runs` lists all
journal-damaged-run = the journal's record of the run { $run } is damaged
journal-damaged-row = the journal's record of row { $row } of the run { $run } is damaged: { $why }
journal-damaged-outcome = the journal's record of this row is damaged ({ $why }), so it is not known what became of it
journal-changes-unclear = what it changed cannot be read
journal-no-changes = what the run { $run } changed in one of its records is not in the journal, so it cannot be put back
journal-closed = the journal is closed
journal-broken = the journal could not be written, so nothing more is sent: { $why }
journal-gone = its file was deleted or replaced while the run was under way
journal-overwritten = its file was overwritten while the run was under way; what was sent until then has no record, and `rosterpatch plan` shows what still differs
