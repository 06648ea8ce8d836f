### The command line: what it asks, what it cannot do, and its lists.

front-needs-yes = nothing was sent: without a terminal to ask on, an import needs --yes
front-undo-needs-yes = without a terminal to ask on, an undo needs --yes
front-no-figures = the figures cannot be written: { $why }
front-ask = Change { $records } at { $address }, { $target }?
front-ask-ending = [y/N]
front-stdout = cannot write to standard output: { $why }

cli-dry-run = `rosterpatch plan { $file }` says what an import would send, and sends nothing
cli-retry-what = retry which file, or which --run?
cli-only = --only takes invalid, rejected, failed and not_sent, not "{ $word }"
cli-of-earlier-run = these are rows of an earlier run
cli-of-no-run = no run to this address knows these rows, so every one of them is looked at
cli-nothing-to-undo = the run { $run } changed nothing, so there is nothing to undo
cli-ask-close = There is nothing left to undo. Close the run { $run }, so that it cannot be resumed?
cli-closed = the run { $run } changed nothing, so there was nothing to undo; it is closed and cannot be resumed
cli-duplicate = { $name }: a duplicate of what the run { $run } imported, so nothing was sent: { $path }
cli-file-line = { $name }: { $counts }, { $requests } in { $time }: { $path }
cli-no-headers = { $target } has no headers in "{ $language }"; it has { $known }
cli-listen-here = the sandbox listens on this machine alone, such as 127.0.0.1:8787, not on { $address }
cli-cannot-listen = cannot listen on { $address }
cli-not-played = the sandbox cannot play the API of { $target }: { $why }
cli-no-port = cannot open a port for the sandbox: { $why }
cli-which-api = which API? Say it with --target, ROSTERPATCH_TARGET in the environment, or target in rosterpatch.toml; known: { $known }
cli-variable = the variable { $name } is one of { $choices }, not "{ $value }"
cli-idle-allow = --allow { $field }={ $value } allows nothing: { $target } does not guard that value
cli-no-environment = { $target } has no environment "{ $name }"; it has { $known }
cli-quota-too-slow = a quota of { $rate } with a burst of { $burst } would take more than a century to refill
cli-no-home = this user has no home folder to keep the journal in; name one with --state
cli-not-text = the argument { $argument } is not UTF-8, and names are kept as text; rename the file or folder (mv, convmv)
cli-run-with-target = the argument '--run <RUN>' cannot be used with '--target <NAME|FILE.toml>'

config-no-file = there is no { $name } here or in the user's config folder, and so no profile "{ $profile }"
target-example = the { $key } of "{ $field }" is none: { $why }
config-mistakes = the config file { $path } cannot be used as it is
config-nested = { $path }: the profile "{ $name }" holds profiles
config-profile-retention = { $path }: the profile "{ $name }" has [retention], which applies to all profiles; move it to the top level
config-pattern = { $path }: the profile "{ $profile }" has the pattern "{ $pattern }", which is not a pattern: { $why }
config-no-profile = { $path } has no profile "{ $name }"; it has: { $known }
config-several-fit = the file { $file } fits the patterns of several profiles: { $profiles }
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
runs-to-mend = TO MEND
runs-account = ACCOUNT
runs-file = FILE
runs-none = no runs yet
runs-forgotten = { $runs } forgotten
runs-expired = removed according to [retention]: { $files } from the archive, the values of { $runs }
runs-no-age = use --older-than TIME, or set [retention] in the config file
runs-left = { $count ->
    [one] { $runs } left, since another process is at work on it
   *[other] { $runs } left, since another process is at work on them
}
runs-damaged = { $runs } left: how old a run is cannot be told from a damaged record; `rosterpatch runs` says what is damaged
runs-stdin-gone = the run { $run } read standard input, which is gone; its results were written when it ended
runs-file-changed = { $file } has changed since the run { $run }, so its results cannot be put beside it; restore the old file
runs-no-figures = the run { $run } did not come to its end, so there are no figures
runs-unreadable = the journal's figures of the run { $run } cannot be read
run-state-planning = planning
run-state-running = running
run-state-interrupted = interrupted
run-state-held = held
run-state-replaced = replaced
run-state-finished = finished

value-time = "{ $text }" is not a time such as 45s, 20ms or 2m
value-above-zero = it must be above 0
value-share-percent = a share is written "{ $text }%"
value-share = "{ $text }" is not a share such as 80%
value-delimiter = "{ $text }" is not a delimiter: one character such as ; or the word tab
value-encoding = "{ $text }" is not an encoding such as utf-8, windows-1252 or utf-16le
value-none-of = "{ $text }" is none of { $known }
value-conflicts = roster, theirs or ask, or a table of fields with one of these for each
value-no-equals = there is no = in it
value-language = "{ $text }" is neither sv nor en

usage-unknown-argument = the option { $argument } is not known here
usage-unknown-command = there is no command "{ $command }"
usage-no-command = a command is missing
usage-missing = this is missing: { $arguments }
usage-conflict = { $argument } cannot be used with { $other }
usage-value = "{ $value }" cannot be the value of { $argument }
usage-value-of = "{ $value }" cannot be the value of { $argument }; it is one of { $known }
usage-value-because = "{ $value }" cannot be the value of { $argument }: { $why }
usage-meant = ; did you mean { $meant }?
usage-help = --help shows what there is

doctor-config = config
doctor-no-config = no config file, which is no fault
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
doctor-refused = the API refuses the credentials ({ $status }); check them in the environment
doctor-said = { $told }. The API said: { $said }
doctor-read = reading
doctor-keys = the list of keys
doctor-unreadable = this API cannot be asked for records, so the first row that is sent will show whether it lets you in
doctor-blind = these credentials may not read ({ $status }); if they may write, --blind sends without reading
doctor-clock = clock
doctor-clock-off = { $time } from the API's
doctor-clock-wrong = { $time } from the API's, which is more than a minute: set this machine's clock by a time server
doctor-tls = { $address }; TLS agreed on, certificate trusted
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
doctor-quota = { $rate }, { $burst } at once; the API announces nothing
doctor-quota-left = { $rate }, { $left } left now
man-no-command = there is no command { $asked }; there are { $known }

history-none = no run of this journal has changed a record by { $key }
history-under-way = the run { $run } is under way; try again when it has ended
history-forgotten = the values of { $rows } are forgotten
history-not-kept = what was changed is not kept
history-line = line { $line } of { $file }
cli-state-unknown = the place of the journal (--state, ROSTERPATCH_STATE) cannot be { $what }: it is a folder, or a database as postgres://USER@HOST/DATABASE with the password in PGPASSWORD; write ./ before a folder's name that looks like an address
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
test-no-such-key = { $field } is not a key of this target; --by takes one of { $known }
test-no-key = the value of --key is of none of the kinds of the target's keys: { $known }. Name one with --by
test-not-found = no record has this { $field }: check --key, and what lookup.keys and the field's pointer say
test-several = { $count } records have this { $field }: a row cannot be matched by it
test-unasked = the answer has records that were not searched for ({ $count }): the API ignores the filter. Check { $setting }
test-no-record = the answer has no JSON object at answers.record = "{ $pointer }"
test-enough = not requested: the test makes at most { $most } requests, and a new token may be needed
test-limit = limit: { $rate }
test-remaining = remaining: { $left }
test-reset = reset: in { $seconds } s
test-retry-after = wait: { $seconds } s
test-header-unnamed = not named in quota.headers
test-header-unreadable = cannot be read: ignored
test-header-absent = not in the answers
test-key = Key: { $field } at { $pointer }
test-answered = HTTP { $status }
test-records = records: { $count }
test-record = Record (from { $step })
test-absent = absent
test-empty = empty
test-same = compared as it is
test-compared = compared as { $value }
test-cannot-compare = cannot be compared: { $why }
test-unnamed = Members that no field names
test-none = none
test-list = List
test-page = { $records } records on the page, { $size } asked for
test-total = total: { $total } at { $pointer }
test-total-doubtful = total: { $total } at { $pointer }; it may count this page alone, so the next page is requested (lookup.trust_total)
test-total-missing = total: nothing at { $pointer }
test-total-unset = total: not set (lookup.total)
test-next = next page: { $path }
test-no-next = next page: none
test-quota = Quota headers
test-requests = Requests: { $made } of at most { $most }
cli-press-enter = Press Enter to close this window.
cli-start =
    rosterpatch updates a school's directory API from a CSV or Excel roster. To start:
    rosterpatch import ROSTER --target meitner --sandbox    try it on a simulated API
    rosterpatch check ROSTER --target meitner               check every row, send nothing
    rosterpatch open ROSTER --target meitner                do the same in the browser
    rosterpatch --help                                      list all commands
