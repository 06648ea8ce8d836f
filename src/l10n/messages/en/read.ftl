### Errors of reading a roster and mapping its header.

read-header-too-long = { $path }: the first row is longer than { $most } bytes, so it cannot be a header; look for a missing quote
read-io = cannot read { $path }
read-empty = { $path } is empty: a roster needs a header line and at least one row
read-too-many-rows = { $path } has { $rows } rows, and the limit is { $most }; split the file
read-no-rows = { $path } has a header and no rows below it
read-not-csv = cannot read { $path }: it is { $what }; { $fix }
read-workbook = cannot read the workbook { $path }: { $why }; open it in Excel and save it as "CSV UTF-8"
read-no-sheet = the workbook { $path } has no sheet "{ $sheet }"; its sheets: { $found }
read-several-sheets = { $path } has several sheets, and these have a matching header: { $sheets }; choose one with --sheet
read-no-workbook = { $path } is not a workbook, so it has no sheets; remove --sheet
read-encoding-in-doubt = the encoding of { $path } is ambiguous: { $likely }; choose one with --encoding, or save the file as "CSV UTF-8"
read-likely = { $name } reads "{ $word }" (--encoding { $label })
read-unknown-encoding = the encoding of { $path } is unknown: it is not UTF-8, and its text has no known words in any encoding that rosterpatch tries; choose an encoding with --encoding, or save the file as "CSV UTF-8"
read-ask-encoding = The encoding of { $path } is ambiguous. How should it be read?
read-ask-which = Number (Enter to stop):
read-no-such-encoding = there is no encoding "{ $label }"; try utf-8, windows-1252, utf-16le, macintosh or cp850
read-duplicate-header = { $path }: columns { $first } and { $second } of the header are both called "{ $name }"; rename or remove one
read-undecodable-header = { $path }: column { $column } of the header has bytes that are not { $encoding }; specify the encoding with --encoding
read-unclosed-quote = { $path }: a quote that opens on line { $line } is never closed, so the rest of the file would be one cell; remove or close the quote
read-stray-quote = { $path }: a quote on line { $line } makes lines { $line } to { $last } one row; remove or close the quote
read-row-too-large = { $path }: the row that begins on line { $line } is larger than { $limit } MiB; check that the file is a roster
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
kind-picture = an image
kind-database = a database
kind-rich-text = an RTF document
kind-web-page = a web page
fix-save-or-export = export the list again as CSV, or open it in Excel and save it as an Excel workbook (.xlsx)
fix-password = open it in Excel, remove the password (File, Info, Protect Workbook, Encrypt with Password) and save it
fix-numbers = open it in Numbers and export it to CSV or Excel
kind-xml = an XML document
kind-xml-spreadsheet = an Excel 2003 XML spreadsheet
kind-json = JSON
kind-archive = a compressed archive
kind-word = a Word document
kind-presentation = a presentation
kind-xlsb = a binary Excel workbook (.xlsb)
kind-numbers = a Numbers spreadsheet
kind-open-document = an OpenDocument file that is not a spreadsheet
kind-password = a password-protected workbook
kind-binary = binary data

workbook-texts-too-large = its texts would be larger than 256 MiB uncompressed
workbook-part-too-large = its part { $part } is larger than { $limit } MiB
workbook-construct-too-long = its part { $part } has an XML construct of more than { $most } bytes, from byte { $at } on
workbook-too-many-tags = its part { $part } has more than { $most } XML elements, or too large ones
workbook-part-missing = its part { $part } is missing
workbook-two-parts = it has two parts named { $part }
workbook-only-hidden = all its sheets are hidden: { $found }; choose one with --sheet
workbook-no-sheets = no sheet has cells
workbook-size-wrong = its part { $part } is larger than the { $said } bytes that the archive declares
workbook-damaged = it is damaged
workbook-scattered = row { $row } has a cell in column { $column }, far from the others; delete the cells beside or below the roster
workbook-too-many-repeated = up to row { $row }, cells are repeated more than { $most } times; delete the cells beside or below the roster
workbook-too-large = it would be larger than 1 GiB uncompressed
workbook-file-too-large = it is larger than { $limit } MiB
workbook-too-many-marks = up to row { $row }, the cell type changes more than { $most } times within the columns; save the sheet as text in a new workbook
workbook-too-many-merged = the sheet has more than { $most } merged cells; unmerge them, or save the sheet as text in a new workbook
workbook-too-many-columns = row { $row } has a cell in column { $column }, and the limit is { $most } columns; delete the cells beside the roster
workbook-too-far-below = row { $row } is far below the others, and the limit is { $most } empty rows between two; delete the cells below the roster
workbook-cell-too-large = row { $row } has a cell with { $length } bytes of text, and the limit is { $most }
workbook-too-much-text = up to row { $row }, its cells contain more than 512 MiB of text

dialect-mark = { $encoding } with BOM
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

map-result-column = the column "{ $column }" has the name of a result column, and the file is not a results file; rename the column
map-two-columns = the columns "{ $first }" and "{ $second }" both contain the field { $field }; ignore one with --map "{ $second }="
map-protected = column "{ $column }" marks protected persons; it can be ignored or used for a field only with --release-protected "REASON"
map-read-only = the column "{ $column }" contains { $field }, which is read-only in { $target }; ignore it with --map "{ $column }="
map-no-column = --map names the column "{ $column }", which the file does not have; its columns: { $found }
map-no-field = the field "{ $field }" does not exist in the target { $target }; its fields: { $known }
map-no-key = the header has no key column; one of these is enough
map-lacking = the header lacks required columns
map-found = found: { $headers }
map-or = { $name } (or: { $others })
map-did-you-mean = "{ $found }": did you mean "{ $meant }" ({ $field })?
map-what-to-do = rename the column, or map it with --map COLUMN=FIELD; --header-row N sets the header's row
