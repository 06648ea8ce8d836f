#!/bin/sh
# Imports what lies in a folder, and says in a line what came of it: for cron.
#
#   30 2 * * * INBOX=/srv/rosters /usr/local/bin/nightly.sh >> /var/log/rosterpatch.log 2>&1
#
# Settings and profiles stand in rosterpatch.toml in the inbox's folder or in the user's config
# folder; credentials in the environment, or in files that SOLNA_SECRET_FILE and so on name.
set -u
inbox=${INBOX:?"set INBOX to the folder into which rosters are dropped"}
program=${ROSTERPATCH:-rosterpatch}

# More arguments go to the program as they are, such as --config FILE or --settle 30s.
"$program" sweep "$inbox" "$@"
code=$?
case $code in
  0) what='all rows are up to date' ;;
  3) what='some rows did not succeed: see failed/' ;;
  4) what='a file is held: see held/, then rosterpatch approve RUN' ;;
  5) what='interrupted: the next sweep goes on' ;;
  6) what='the API refused the credentials or could not be reached: the next sweep goes on' ;;
  *) what='a file could not be imported: see failed/ and the lines above' ;;
esac
echo "$(date '+%Y-%m-%d %H:%M:%S') rosterpatch ended with $code: $what"
exit "$code"
