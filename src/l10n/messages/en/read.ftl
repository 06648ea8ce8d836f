### Why a file cannot be read as a roster, or its header not be understood.

read-header-too-long = { $path }: the first row does not end within { $most } bytes, so it cannot be a header; look for a missing quote
read-io = cannot read { $path }
read-empty = { $path } is empty: a roster needs a header line and at least one row
read-too-many-rows = { $path } has { $rows } rows, and { $most } can be kept apart; divide it
read-no-rows = { $path } has a header and no rows below it
read-not-csv = cannot read { $path }: it is { $what }; { $fix }
read-workbook = cannot read the workbook { $path }: { $why }; open it in Excel and save it as "CSV UTF-8"
read-no-sheet = the workbook { $path } has no sheet "{ $sheet }"; it has: { $found }
read-several-sheets = { $path } has several sheets, and these have a matching header: { $sheets }; choose one with --sheet
read-no-workbook = { $path } is not a workbook, so it has no sheets; drop --sheet
read-encoding-in-doubt = the encoding of { $path } is not certain: { $likely }; choose one with --encoding, or save the file as "CSV UTF-8"
read-likely = { $name } reads "{ $word }" (--encoding { $label })
read-unknown-encoding = the encoding of { $path } is unknown: it is not UTF-8, and its text has no known words in any encoding that rosterpatch tries; choose an encoding with --encoding, or save the file as "CSV UTF-8"
read-ask-encoding = The encoding of { $path } is not certain. How should it be read?
read-ask-which = Number (Enter to stop):
read-no-such-encoding = there is no encoding "{ $label }"; try utf-8, windows-1252, utf-16le, macintosh or cp850
read-duplicate-header = { $path }: columns { $first } and { $second } of the header are both called "{ $name }"; rename or remove one
read-undecodable-header = { $path }: column { $column } of the header has bytes that are not { $encoding }; name the file's encoding with --encoding
read-unclosed-quote = { $path }: a quote that opens on line { $line } is never closed, so all that follows would be one cell; remove or close the quote
read-stray-quote = { $path }: a quote on line { $line } makes lines { $line } to { $last } one row, and hides the rows among them; remove or close the quote
read-row-too-large = { $path }: the row that begins on line { $line } is larger than { $limit } MiB; is this a roster?
read-changed = { $path } was changed while it was being read; run the command again
read-no-header-row = { $path } has no line { $line } (--header-row); it has { $lines }

fix-save = open it in Excel or LibreOffice and save it as an Excel workbook (.xlsx)
fix-export = export the list again, as CSV or as an Excel workbook
fix-unpack-or-save = unpack it, or open it in Excel and save it as an Excel workbook (.xlsx)
fix-unpack = unpack it first
kind-pdf = a PDF document
kind-zip = a ZIP archive or an Office document
kind-ole = an old Office document
kind-gzip = a gzip archive
kind-picture = a picture
kind-database = a database
kind-rich-text = a rich text document
kind-web-page = a web page
fix-save-or-export = export the list again as CSV, or open it in Excel and save it as an Excel workbook (.xlsx)
fix-password = open it in Excel, remove the password (File, Info, Protect Workbook, Encrypt with Password) and save it
fix-numbers = open it in Numbers and export it to CSV or Excel
kind-xml = an XML document
kind-xml-spreadsheet = an XML spreadsheet of Excel 2003
kind-json = JSON
kind-archive = a packed archive
kind-word = a Word document
kind-presentation = a presentation
kind-xlsb = a binary Excel workbook (.xlsb)
kind-numbers = a Numbers spreadsheet
kind-open-document = an OpenDocument file that is not a spreadsheet
kind-password = a workbook protected by a password
kind-binary = binary data

workbook-texts-too-large = unpacked its texts would be larger than 256 MiB
workbook-part-too-large = its part { $part } is larger than { $limit } MiB
workbook-construct-too-long = its part { $part } holds more than { $most } bytes in one piece, from byte { $at } on
workbook-too-many-tags = its part { $part } holds more than { $most } entries, or fewer and larger ones
workbook-part-missing = its part { $part } is missing
workbook-two-parts = it has two parts called { $part }
workbook-only-hidden = all its sheets are hidden: { $found }; choose one with --sheet
workbook-no-sheets = it has no sheet with cells
workbook-size-wrong = its part { $part } is larger than the { $said } bytes that the archive says
workbook-damaged = it is damaged
workbook-scattered = row { $row } has a cell in column { $column }, far from the others; delete what stands beside or below the roster
workbook-too-many-repeated = up to row { $row } cells are repeated more than { $most } times; delete what stands beside or below the roster
workbook-too-large = unpacked it would be larger than 1 GiB
workbook-file-too-large = it is larger than { $limit } MiB
workbook-too-many-marks = up to row { $row }, the cell type changes more than { $most } times within the columns; save the sheet as text in a new workbook
workbook-too-many-merged = the sheet has more than { $most } merged cells; unmerge them, or save the sheet as text in a new workbook
workbook-too-many-columns = row { $row } has a cell in column { $column }, and { $most } columns are the most; delete what stands beside the roster
workbook-too-far-below = row { $row } stands far below the others, and { $most } empty rows between two are the most; delete what stands below the roster
workbook-cell-too-large = row { $row } has a cell with { $length } bytes of text, and { $most } are the most
workbook-too-much-text = up to row { $row } its cells hold more than 512 MiB of text

dialect-mark = { $encoding } with byte-order mark
dialect-semicolon = { $encoding }, semicolon
dialect-comma = { $encoding }, comma
dialect-tab = { $encoding }, tab
dialect-pipe = { $encoding }, pipe
dialect-other = { $encoding }, delimiter "{ $delimiter }"
dialect-header-on = { $format }, header on line { $line }
dialect-workbook = { $kind }, sheet "{ $sheet }"
dialect-xlsx = Excel workbook
dialect-xls = old Excel workbook
dialect-ods = OpenDocument spreadsheet

map-result-column = the column "{ $column }" has the name of one that the results add, and the file is not a results file; give it another name
map-two-columns = the columns "{ $first }" and "{ $second }" both hold the field { $field }; leave one out with --map "{ $second }="
map-protected = column "{ $column }" marks protected persons; it can be ignored or used for a field only with --release-protected "REASON"
map-read-only = the column "{ $column }" holds { $field }, which { $target } does not let anyone set; leave it out with --map "{ $column }="
map-no-column = --map names the column "{ $column }", which the file does not have; it has: { $found }
map-no-field = there is no field "{ $field }" in the target { $target }; it has: { $known }
map-no-key = the header has nothing by which a record is found; one of these is enough
map-lacking = the header lacks what every row needs
map-found = found: { $headers }
map-or = { $name } (or: { $others })
map-did-you-mean = "{ $found }": did you mean "{ $meant }" ({ $field })?
map-what-to-do = rename the column, or say which one it is with --map COLUMN=FIELD; --header-row N says where the header stands
