"""A roster as a school secretary keeps it: a title, groups of columns, merged cells, dates and numbers.

    messy.py SAMPLE.csv OUT.xlsx ROWS
"""

import csv
import datetime
import sys

from openpyxl import Workbook

GROUPS = {"Elev-ID": "Elev", "Gatuadress": "Adress", "E-post": "Kontakt", "Klass": "Skola"}
NUMBERS = {"Personnummer", "Kommunkod"}
DATES = {"Födelsedatum"}
# What the headers of some systems are.
HEADERS = {"E-post": "Konto"}


def cell_of(name, text):
    if name in DATES:
        return datetime.date.fromisoformat(text)
    if name in NUMBERS and text.replace("-", "").isdigit():
        return int(text.replace("-", ""))
    return text


def main(sample, out, count):
    with open(sample, encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file, delimiter=";")
    book = Workbook()
    sheet = book.active
    sheet.title = "Elever"
    sheet.append(["Elevlista höstterminen"])
    sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(header))
    sheet.append([GROUPS.get(name) for name in header])
    starts = [at for at, name in enumerate(header, 1) if name in GROUPS] + [len(header) + 1]
    for start, end in zip(starts, starts[1:]):
        sheet.merge_cells(start_row=2, start_column=start, end_row=2, end_column=end - 1)
    sheet.append([HEADERS.get(name, name) for name in header])
    rows = sorted(rows[:count], key=lambda row: row[header.index("Klass")])
    for row in rows:
        sheet.append([cell_of(name, text) for name, text in zip(header, row)])
    sheet.cell(4, header.index("Kön") + 1).value = "Okänt"
    for name, form in (("Personnummer", "000000000000"), ("Födelsedatum", "yyyy-mm-dd"), ("Kommunkod", "0000")):
        for at in range(4, 4 + count):
            sheet.cell(at, header.index(name) + 1).number_format = form
    # Neighbours in one class share its cell.
    column = header.index("Klass") + 1
    if sheet.cell(5, column).value == sheet.cell(6, column).value:
        sheet.merge_cells(start_row=5, start_column=column, end_row=6, end_column=column)
    book.save(out)


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
