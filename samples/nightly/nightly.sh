#!/bin/sh
# Imports the files in the inbox once. After a night with errors it prints the outcome of every file of the last day,
# and cron mails the output. rosterpatch.cron starts it. Settings: /etc/rosterpatch.toml. Credentials: /etc/rosterpatch.env.
set -u
PATH=/usr/local/bin:$PATH
program=${ROSTERPATCH:-rosterpatch}
inbox=${INBOX:-/srv/rosters}
config=${CONFIG:-/etc/rosterpatch.toml}
environment=${ENVIRONMENT:-/etc/rosterpatch.env}
log=${LOG:-/var/log/rosterpatch/rosterpatch.log}

set -a
# shellcheck disable=SC1090
. "$environment" || exit 6
set +a
# Other arguments are passed to the sweep, such as --settle 30s.
"$program" sweep "$inbox" --config "$config" "$@" 2>>"$log"
code=$?
case $code in
  0) ;;
  6) echo "The API refused the credentials or could not be reached. The next sweep goes on: see $log." ;;
  *) "$program" runs --config "$config" --since 1d 2>>"$log" ;;
esac
exit "$code"
