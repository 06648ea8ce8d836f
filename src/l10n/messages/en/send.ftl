### Messages of planning and sending: requirements, guards, stops and undelivered rows.

threshold-unclear = "{ $text }" is neither a number of rows such as 50 nor a percentage such as 20%
selection-unclear = "{ $text }" is not a list of rows such as 10-20,35
rate-unclear = "{ $text }" is not a rate such as 1500/h, or unlimited; the unit is s, m, h or d, and the number must be greater than 0
held-no-rows = the file has a header and no rows
held-invalid = { $invalid } of { $rows } rows are invalid, more than --max-invalid { $most } allows
held-shrunk = the file has { $rows } rows and had { $last } last time, a larger decrease than --max-shrink { $most } allows
held-identity = { $rows } would turn one person into another, more than --max-identity-changes { $most } allows
held-renumbering = { $rows } would give a person another identity number, which requires approval
held-rows = { $count ->
    [one] {":"} row { $lines } of the spreadsheet
   *[other] {":"} rows { $lines } of the spreadsheet
}
held-rows-more = {":"} rows { $lines } of the spreadsheet, and { $more } more
held-changes = { $changes } of { $rows } rows would change a record, more than --max-changes { $most } allows
held-conflicts = { $conflicts }: values were changed since rosterpatch last wrote them, and --conflicts ask requires a decision
lookup-nobody-has-it = the API requires { $field } in every update, and neither the row nor the { $record } has it
lookup-several-elements = { $pointer } matches { $count } elements in this { $record }, so the value is ambiguous
lookup-not-a-list = { $pointer } selects from a list, and this { $record } has no list there
lookup-record-lacks = the API requires { $field }, and the { $record } has none
lookup-same-page = page { $page } has no new records or leads back to an earlier page, so the listing would never end; correct { $setting } in the target file, or set lookup.trust_total = true if the first page has all records
lookup-fewer = { $listed } of { $total } records were listed and there is no further page, so the listing is incomplete; correct { $setting } or lookup.total in the target file, or run again if records were removed meanwhile
lookup-fewer-repeated = { $listed } of { $total } records were listed and { $repeated } of them repeatedly, so the listing is incomplete; correct { $setting } in the target file, or run again if records were added or removed meanwhile
lookup-no-next = the first page is full ({ $records } records) and names no next page, so the listing may be incomplete; correct { $setting } in the target file, or set lookup.total (with lookup.trust_total = true if it counts the records of all pages)
lookup-elsewhere = the next page is at { $address }, which is not below the API's address, and credentials are sent only to the API; correct the address or lookup.paging in the target file
lookup-no-address = the value for the next page is neither an address, a cursor, nor null; correct { $setting } in the target file
lookup-exists = the listing or search is incomplete: it did not return the { $record } of row { $row }, but a request for that { $record } does. No row is reported as missing; correct { $setting } in the target file
lookup-linked = the response's Link header names a next page, which the target file does not follow; set paging = {"{"} kind = "link" {"}"} in [lookup]
lookup-no-list = the response has no list of records at { $pointer }
lookup-no-record = the response to { $path } has no record with an id at { $pointer }; correct answers.record or lookup.id in the target file, or set parameter in [[lookup.query]] if the response is a list

answer-not-applied = not applied: { $fields } (the API accepted the request, but its response does not show what was sent)

credentials-missing = no credentials for { $target }: set { $ways } in the environment, or the same names followed by _FILE for files with the values
credentials-or = , or{" "}
credentials-file = cannot read the file { $path } that { $variable } names
credentials-empty = the value of { $variable } is only white space
credentials-character = the value of { $variable } contains white space or a control character, which no credential has; copy it again
log-exposed-secret = other accounts can read the file with a credential; restrict it with: chmod 600
address-unusable = the address { $url } cannot be used: { $why }
address-no-url = it is not a URL
address-scheme = it is neither https nor http
address-secret = it contains a user name or a password; credentials belong in the environment
address-query = it contains ? or #, and paths are appended to it
address-no-host = it has no host
address-variable = set its variable with --var { $name }=VALUE
address-plain = plain http is allowed to this machine only, because credentials and personal data could be intercepted; use https
client-failed = cannot set up the HTTP client: { $why }
client-no-certificate = the --ca-cert file contains no PEM certificate
client-header = the target's header { $name } is not valid
network-failed = cannot set up the network
token-unusable = the response of the token endpoint cannot be used: { $why }
token-no-object = its body is not a JSON object
token-missing = access_token is missing
token-no-bearer = token_type is not Bearer
token-lifetime = expires_in is not a number
token-lifetime-zero = expires_in is not greater than 0
token-no-header = access_token contains characters that a header cannot have

answer-empty = HTTP { $status }, with an empty body
answer-too-large = the response was too large
answer-none-in-time = { $count ->
    [one] no response in time in { $number } attempt
   *[other] no response in time in { $number } attempts
}
answer-lost = { $count ->
    [one] the connection was closed before a response arrived in { $number } attempt
   *[other] the connection was closed before a response arrived in { $number } attempts
}
answer-no-connection = { $count ->
    [one] could not connect in { $number } attempt ({ $why })
   *[other] could not connect in { $number } attempts ({ $why })
}
answer-doubtful = no response was received, and the API may have made the change; it was not sent again because the target file does not mark this as safe
answer-unseen = the request was sent and the run ended before a response arrived; the API may have made the change

trouble-refused = connection refused
trouble-no-host = the host does not exist
trouble-certificate = its certificate is not trusted
trouble-issuer = its certificate is not trusted: the issuer is unknown
trouble-proxy = the proxy refuses the connection
trouble-time-out = timed out
trouble-tls = the TLS handshake failed
trouble-other = no connection
named-time = the API responded { $status } and gave this time

stop-refused = the API refused the credentials ({ $what })
record-other = a member that is not a field of the target
record-changed = someone changed { $field } after the record was read, so nothing was sent; retry the row to compare it again
stop-foreign = the response is not from the API: HTTP { $status } with { $what }. Something else answered, such as a login page or a proxy
came-html = an HTML page
came-empty = an empty body
came-no-json = a body that is not JSON
came-no-record = JSON without the record
came-content = content, where 204 No Content was expected
stop-unreachable = the API at { $address } could not be reached: { $why }
stop-failing = nearly every row failed with the same error ({ $error })
stop-held = held, and nothing was sent: { $why }
stop-canary = the first rows were read back, and { $why }
stop-lookup = the API's records could not be read ({ $why })
stop-lookup-at = { $what } at { $path }
stop-due = the next batch is due later
stop-asked = the run was stopped
stop-page-too-large = a page of records is larger than 64 KiB per record; lower page_size in the target file

word-record = record
word-records = records
