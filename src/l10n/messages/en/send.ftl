### Planning and sending: what a plan needs, why a run is held or stops, why a row was not delivered.

threshold-unclear = "{ $text }" is neither a number of rows such as 50 nor a part of them such as 20%
selection-unclear = "{ $text }" is not a list of rows such as 10-20,35
rate-unclear = "{ $text }" is not a rate such as 1500/h, or unlimited; the unit is s, m, h or d, and the number above 0
held-no-rows = the file has a header and no rows
held-invalid = { $invalid } of { $rows } rows are invalid, and --max-invalid is { $most }
held-shrunk = the file has { $rows } rows and had { $last } the last time, and --max-shrink is { $most }
held-changes = { $changes } of { $rows } rows would change a record, and --max-changes is { $most }
held-conflicts = { $conflicts }: values were changed since rosterpatch last wrote them, and --conflicts is ask
lookup-nobody-has-it = the API needs { $field } in every update, and neither the row nor the { $record } has it
lookup-several-elements = { $pointer } selects { $count } elements in this { $record }, so it is not known which one is meant
lookup-not-a-list = { $pointer } selects from a list, and this { $record } has something else there
lookup-record-lacks = the API needs { $field }, and the { $record } has none
lookup-same-page = page { $page } has no new records or leads back to an earlier page, so the listing would never end; correct { $setting } in the target's file, or set lookup.trust_total = true if the first page has all records
lookup-fewer = { $listed } of { $total } records were listed and there is no further page, so the listing is incomplete; correct { $setting } or lookup.total in the target's file, or run again if records were removed meanwhile
lookup-fewer-repeated = { $listed } of { $total } records were listed and { $repeated } of them repeatedly, so the listing is incomplete; correct { $setting } in the target's file, or run again if records were added or removed meanwhile
lookup-no-next = the first page is full ({ $records } records) and names no next page, so the listing may be incomplete; correct { $setting } in the target's file, or set lookup.total (with lookup.trust_total = true if it counts the records of all pages)
lookup-elsewhere = the next page is at { $address }, which is not below the API's address, and credentials are sent only to the API; correct the address or lookup.paging in the target's file
lookup-no-address = the answer's value for the next page is neither an address, a cursor, nor null; correct { $setting } in the target's file
lookup-exists = the listing or search is incomplete: it did not return the { $record } of row { $row }, and a request for that { $record } alone does. No row is reported as missing; correct { $setting } in the target's file
lookup-linked = the answer's Link header names a next page, which the target's file does not follow; set paging = {"{"} kind = "link" {"}"} in [lookup]
lookup-no-list = its answer has no list of records at { $pointer }
lookup-no-record = the answer to { $path } has no record with an id at { $pointer }; correct answers.record or lookup.id in the target's file, or set parameter in [[lookup.query]] if the answer is a list

answer-not-applied = not applied: { $fields } (the API accepted the request, but its answer does not show what was sent)

credentials-missing = no credentials for { $target }: set { $ways } in the environment, or the same names with _FILE behind them to files that hold the values
credentials-or = , or{" "}
credentials-file = cannot read the file { $path } that { $variable } names
credentials-empty = the value of { $variable } is white space and nothing else
credentials-character = the value of { $variable } has white space or a control character within it, which no credential has; copy it once more
log-exposed-secret = the file with a credential can be read by other accounts; close it with: chmod 600
address-unusable = the address { $url } cannot be used: { $why }
address-no-url = it is not a URL
address-scheme = it is neither https nor http
address-secret = it holds a user name or a password; credentials belong in the environment
address-query = it has a ? or a # in it, and paths are put behind it
address-no-host = it has no host
address-variable = set its variable with --var { $name }=VALUE
address-plain = plain http is for this machine alone, or credentials and personal data could be read on the way; use https
client-failed = cannot set up the HTTP client: { $why }
client-no-certificate = the --ca-cert file holds no certificate in PEM
client-header = the target's header { $name } is not valid
network-failed = cannot set up the network
token-unusable = the token endpoint's answer cannot be used: { $why }
token-no-object = its body is no JSON object
token-missing = there is no access_token in it
token-no-bearer = its token_type is not Bearer
token-lifetime = its expires_in is no number
token-lifetime-zero = its expires_in is not above 0
token-no-header = its access_token cannot stand in a header

answer-empty = HTTP { $status }, with an empty body
answer-too-large = the answer was too large to be read
answer-none-in-time = { $count ->
    [one] no answer came in time in { $number } attempt
   *[other] no answer came in time in { $number } attempts
}
answer-lost = { $count ->
    [one] the connection ended before the answer in { $number } attempt
   *[other] the connection ended before the answer in { $number } attempts
}
answer-no-connection = { $count ->
    [one] no connection could be made in { $number } attempt ({ $why })
   *[other] no connection could be made in { $number } attempts ({ $why })
}
answer-doubtful = no answer came, and the API may have made the change; it was not sent again because the target does not say that this is safe
answer-unseen = the request was sent and the run ended before an answer came; the API may have made the change

trouble-refused = connection refused
trouble-no-host = there is no such host
trouble-certificate = its certificate is not trusted
trouble-issuer = its certificate is not trusted: the issuer is unknown
trouble-proxy = the proxy refuses the connection
trouble-time-out = no answer in time
trouble-tls = the TLS handshake failed
trouble-other = no connection
named-time = the API answered { $status } and named this time

stop-refused = the API refused the credentials ({ $what })
record-other = a member that the target does not name
record-changed = someone changed { $field } after the record was read, so nothing was sent; retry the row to compare it again
stop-foreign = the response is not from the API: HTTP { $status } with { $what }. Something else answered, such as a login page or a proxy
came-html = an HTML page
came-empty = an empty body
came-no-json = a body that is not JSON
came-no-record = JSON without the record
came-content = content, where 204 No Content is expected
stop-unreachable = the API at { $address } could not be reached: { $why }
stop-failing = nearly every row ends in the same error ({ $error })
stop-held = held, and nothing was sent: { $why }
stop-canary = the first rows were read back, and { $why }
stop-lookup = the API's records could not be read ({ $why })
stop-lookup-at = { $what } at { $path }
stop-due = the next batch is due later
stop-asked = the run was asked to stop
stop-page-too-large = a page of records is larger than 64 KiB a record; lower page_size in the target's file

word-record = record
word-records = records
