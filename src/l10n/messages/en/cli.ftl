### Messages of the command line: questions, usage errors and lists.

front-needs-yes = nothing was sent: there is no terminal to ask on; add --yes to import
front-undo-needs-yes = there is no terminal to ask on; add --yes to undo
front-no-figures = the summary cannot be written: { $why }
front-ask = Change { $records } at { $address }, { $target }?
front-ask-ending = [y/N]
front-stdout = cannot write to standard output: { $why }

cli-dry-run = `rosterpatch plan { $file }` shows what an import would send, without sending it
cli-retry-what = name a results file, or a run with --run
cli-only = --only accepts invalid, rejected, failed and not_sent, not "{ $word }"
cli-of-earlier-run = these are rows of an earlier run
cli-of-no-run = no run to this address has these rows, so all of them are included
cli-nothing-to-undo = the run { $run } changed nothing, so there is nothing to undo
cli-ask-close = There is nothing left to undo. Close the run { $run }, so that it cannot be resumed?
cli-closed = the run { $run } changed nothing, so there was nothing to undo; it is closed and cannot be resumed
cli-duplicate = { $name }: a duplicate of what the run { $run } imported, so nothing was sent: { $path }
cli-file-line = { $name }: { $counts }, { $requests } in { $time }: { $path }
cli-no-headers = { $target } has no headers in "{ $language }"; use one of { $known }
cli-listen-here = the sandbox listens only on this machine, for example 127.0.0.1:8787, not on { $address }
cli-cannot-listen = cannot listen on { $address }
cli-not-played = the sandbox cannot simulate the API of { $target }: { $why }
cli-no-port = cannot open a port for the sandbox: { $why }
cli-which-api = no API given; set --target, ROSTERPATCH_TARGET in the environment, or target in rosterpatch.toml; built-in: { $known }
cli-variable = the variable { $name } must be one of { $choices }, not "{ $value }"
cli-idle-allow = --allow { $field }={ $value } has no effect: { $target } does not guard that value
cli-no-environment = { $target } has no environment "{ $name }"; it has { $known }
cli-quota-too-slow = a quota of { $rate } with a burst of { $burst } would take more than a century to refill
cli-no-home = this user has no home folder for the journal; set a folder with --state
cli-not-text = the argument { $argument } is not UTF-8, and rosterpatch stores names as text; rename the file or folder (mv, convmv)
cli-run-with-target = the argument '--run <RUN>' cannot be used with '--target <NAME|FILE.toml>'

config-no-file = there is no { $name } here or in the user's config folder, so the profile "{ $profile }" does not exist
target-example = the { $key } of "{ $field }" is invalid: { $why }
config-mistakes = the config file { $path } has errors
config-nested = { $path }: the profile "{ $name }" contains profiles
config-profile-retention = { $path }: the profile "{ $name }" has [retention], which applies to all profiles; move it to the top level
config-pattern = { $path }: the profile "{ $profile }" has an invalid pattern, "{ $pattern }": { $why }
config-no-profile = { $path } has no profile "{ $name }"; it has: { $known }
config-several-fit = the file { $file } matches the patterns of several profiles: { $profiles }
config-no-field = { $origin }: { $setting } names "{ $name }", which is not a writable field of { $target }; writable fields: { $known }
config-origin = { $path }, profile { $profile }
config-command-line = command line
config-environment = environment, { $name }
config-file-named = the file that { $name } names
config-not-set = (not set)

runs-run = RUN
runs-started = STARTED
runs-state = STATE
runs-rows = ROWS
runs-to-mend = TO FIX
runs-account = ACCOUNT
runs-file = FILE
runs-none = no runs yet
runs-forgotten = { $runs } deleted
runs-expired = removed according to [retention]: { $files } from the archive, the values of { $runs }
runs-no-age = use --older-than TIME, or set [retention] in the config file
runs-left = { $count ->
    [one] { $runs } left, because another process is working on it
   *[other] { $runs } left, because another process is working on them
}
runs-damaged = { $runs } left: the age of a run cannot be read from a damaged record; `rosterpatch runs` shows what is damaged
runs-stdin-gone = the run { $run } read standard input, which cannot be read again; its results were written when it ended
runs-file-changed = { $file } has changed since the run { $run }, so its results cannot be written; restore the old file
runs-no-figures = the run { $run } did not finish, so it has no summary
runs-unreadable = the summary of the run { $run } in the journal cannot be read
run-state-planning = planning
run-state-running = running
run-state-interrupted = interrupted
run-state-held = held
run-state-replaced = replaced
run-state-finished = finished

value-time = "{ $text }" is not a time such as 45s, 20ms or 2m
value-above-zero = it must be greater than 0
value-share-percent = write the share as "{ $text }%"
value-share = "{ $text }" is not a share such as 80%
value-delimiter = "{ $text }" is not a delimiter: use one character such as ; or the word tab
value-encoding = "{ $text }" is not an encoding such as utf-8, windows-1252 or utf-16le
value-none-of = "{ $text }" is not one of { $known }
value-conflicts = roster, theirs or ask, or a table of fields with one of these for each
value-no-equals = it has no =
value-language = "{ $text }" is neither sv nor en

usage-unknown-argument = unknown option { $argument }
usage-unknown-command = there is no command "{ $command }"
usage-no-command = a command is missing
usage-missing = missing: { $arguments }
usage-conflict = { $argument } cannot be used with { $other }
usage-value = "{ $value }" is not a valid value of { $argument }
usage-value-of = "{ $value }" is not a valid value of { $argument }; use one of { $known }
usage-value-because = "{ $value }" is not a valid value of { $argument }: { $why }
usage-meant = ; did you mean { $meant }?
usage-help = --help lists commands and options

doctor-config = config
doctor-no-config = no config file (none is needed)
doctor-state = journal
doctor-target = target
doctor-credentials = credentials
doctor-present = set in { $variables } (values not shown)
cli-blind-put = --blind cannot be used with { $target }: its PUT replaces the whole record, so the record must be read first
cli-blind-protected = --blind reads nothing, and { $target } marks protected persons in their records, which must be read first; import without --blind
doctor-token = token endpoint
doctor-token-at = { $address }; the client secret is sent there
doctor-name = name
doctor-network = network
doctor-sign-in = sign-in
doctor-refused = the API refused the credentials ({ $status }); check them in the environment
doctor-said = { $told }. The API responded: { $said }
doctor-read = reading
doctor-keys = the list of keys
doctor-unreadable = this API has no read endpoint, so only sending a row tests the sign-in
doctor-blind = these credentials have no read access ({ $status }); if they have write access, --blind sends without reading
doctor-clock = clock
doctor-clock-off = differs from the API's by { $time }
doctor-clock-wrong = differs from the API's by { $time }, which is more than a minute: synchronize this machine's clock with a time server
doctor-tls = { $address }; TLS handshake completed, certificate trusted
doctor-not-tried = not checked: this check needs the credentials, the journal and the quota
doctor-proxy = proxy
doctor-proxy-used = { $proxy }, from the environment
doctor-proxy-away = the proxy { $proxy } cannot be reached: { $why }. Check HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY in the environment
doctor-proxy-refuses = the proxy { $proxy } does not connect to { $address }. It may require a login or block the address: ask the proxy's administrator, or add the API's host to NO_PROXY
doctor-by-proxy = { $host }, through the proxy { $proxy }
doctor-issuer = { $address }: the issuer of the server's certificate is unknown. A firewall that inspects TLS can cause this: get its root certificate and set --ca-cert FILE, or ca_cert in the config
doctor-other = the response is not from the API: { $why } ({ $status }). Something else answers at { $address }, such as a login page or a proxy: check the address and the network
doctor-no-json = it is not JSON
doctor-redirect = it is a redirect
doctor-webhook-address = not an http or https address (address not shown)
doctor-no-command = there is no executable file { $program }; check the path, PATH and the file's permissions
doctor-no-profiles = { $path } has no profiles
doctor-profile = Profile { $profile }
doctor-quota-name = quota
doctor-quota = { $rate }, { $burst } at once; the API sends no rate-limit headers
doctor-quota-left = { $rate }, { $left } left now
man-no-command = there is no command { $asked }; there are { $known }

history-none = no run in this journal has changed a record with the key { $key }
history-under-way = the run { $run } is in progress; try again when it has ended
history-forgotten = the values of { $rows } were removed
history-not-kept = the changes are not stored
history-line = line { $line } of { $file }
cli-state-unknown = --state or ROSTERPATCH_STATE cannot be { $what }: use a folder, or a database as postgres://USER@HOST/DATABASE with the password in PGPASSWORD; write ./ before a folder name that looks like an address
run-state-undone = undone
front-which-sheet = which sheet is the roster? Enter its number:
sweep-closing = { $files }: { $fates }
sweep-done = { $count } done
sweep-duplicate = { $count } duplicate
sweep-held = { $count } held
sweep-partial = { $count } partial
sweep-failed = { $count } failed
sweep-waiting = { $count } waiting for the next sweep
sweep-not-processed = { $count } not processed ({ $reasons })
sweep-no-profile = { $count } without a profile
sweep-several-profiles = { $count } with several profiles
sweep-not-a-roster = { $count } not a roster
sweep-unfinished = { $count } unfinished upload
sweep-not-utf8 = { $count } with a name that is not UTF-8
sweep-not-a-file = { $count } not a file
sweep-other = { $count } unusable
runs-no-files = no files have arrived in that time
runs-arrived = { $time }  { $name }: { $fate }: { $path }
fate-done = done
fate-duplicate = duplicate
fate-held = held
fate-partial = partial
fate-failed = failed
fate-waiting = waiting
fate-not-processed = not processed
sweep-as-account = as the account { $account }

test-unreadable = the API of { $target } cannot be read: its target file has no lookup.search, lookup.list or lookup.read, so there is nothing to test
test-no-such-key = { $field } is not a key of this target; --by accepts { $known }
test-no-key = the value of --key matches none of the target's key kinds: { $known }. Name one with --by
test-not-found = no record has this { $field }: check --key, lookup.keys and the field's pointer
test-several = { $count } records have this { $field }: a row cannot be matched by it
test-unasked = the response contains records that were not searched for ({ $count }): the API ignores the filter. Check { $setting }
test-no-record = the response has no JSON object at answers.record = "{ $pointer }"
test-enough = not requested: the test makes at most { $most } requests, and a new token may be needed
test-limit = limit: { $rate }
test-remaining = remaining: { $left }
test-reset = reset: in { $seconds } s
test-retry-after = wait: { $seconds } s
test-header-unnamed = not named in quota.headers
test-header-unreadable = cannot be read: ignored
test-header-absent = not in the responses
test-key = Key: { $field } at { $pointer }
test-answered = HTTP { $status }
test-records = records: { $count }
test-record = Record (from { $step })
test-absent = absent
test-empty = empty
test-same = compared as it is
test-compared = compared as { $value }
test-cannot-compare = cannot be compared: { $why }
test-unnamed = Members that are not fields
test-none = none
test-list = List
test-page = { $records } records on the page, { $size } requested
test-total = total: { $total } at { $pointer }
test-total-doubtful = total: { $total } at { $pointer }; it may count only this page, so the next page is requested (lookup.trust_total)
test-total-missing = total: nothing at { $pointer }
test-total-unset = total: not set (lookup.total)
test-next = next page: { $path }
test-no-next = next page: none
test-quota = Quota headers
test-requests = Requests: { $made } of at most { $most }
cli-start =
    rosterpatch updates a school's directory API from a CSV or Excel roster. To start:
    rosterpatch import ROSTER --target meitner --sandbox    try it on a simulated API
    rosterpatch check ROSTER --target meitner               check every row, send nothing
    rosterpatch open ROSTER --target meitner                do the same in the browser
    rosterpatch --help                                      list all commands
