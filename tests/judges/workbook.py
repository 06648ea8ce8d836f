"""Reads a workbook with openpyxl, or edits cells as a user would.

    workbook.py look FILE           prints the workbook as JSON
    workbook.py mend FILE OUT       writes the cells from standard input, as JSON:
                                    [["Mobil", 3, "070-174 06 05"], ...]
"""

import json
import sys

from openpyxl import load_workbook


def look(path):
    sheet = load_workbook(path).active
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    kinds = {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value is not None}
    notes = [
        [cell.row, sheet.cell(1, cell.column).value, cell.comment.text]
        for row in sheet.iter_rows()
        for cell in row
        if cell.comment
    ]
    colored = [row[0].row for row in sheet.iter_rows(min_row=2) if row[0].fill.fill_type]
    print(json.dumps({
        "rows": rows,
        "kinds": sorted(kinds),
        "frozen": sheet.freeze_panes,
        "filter": sheet.auto_filter.ref,
        "notes": notes,
        "colored": colored,
    }))


def mend(path, out):
    book = load_workbook(path)
    sheet = book.active
    columns = {cell.value: cell.column for cell in sheet[1]}
    for column, row, value in json.load(sys.stdin):
        sheet.cell(row, columns[column]).value = value
    book.save(out)


if __name__ == "__main__":
    {"look": look, "mend": mend}[sys.argv[1]](*sys.argv[2:])
