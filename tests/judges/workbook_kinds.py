"""Writes workbooks with cells of every kind, with openpyxl.

    workbook_kinds.py OUT [RANGE...]    writes the cells from standard input, as JSON: [[kind, value, format], ...],
                                        one per row below a header, in the column external_source_id, and merges
                                        the cells of each range
"""

import datetime
import json
import sys

from openpyxl import Workbook

HEADER = ["id", "identity_number", "first_name", "last_name", "external_source_id"]


def value_of(kind, value):
    if kind == "date":
        return datetime.date.fromisoformat(value)
    if kind == "datetime":
        return datetime.datetime.fromisoformat(value)
    if kind == "time":
        return datetime.time.fromisoformat(value)
    return value


book = Workbook()
sheet = book.active
sheet.append(HEADER)
for number, (people, kind, value, form) in enumerate(json.load(sys.stdin), start=2):
    for column, text in enumerate(people, start=1):
        sheet.cell(number, column).value = text
    cell = sheet.cell(number, 5)
    cell.value = value_of(kind, value)
    if form:
        cell.number_format = form
for merged in sys.argv[2:]:
    sheet.merge_cells(merged)
book.save(sys.argv[1])
