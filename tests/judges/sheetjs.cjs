// Writes a workbook with SheetJS: `node sheetjs.cjs OUT`, in the format of the file name's extension.
// Standard input is the cells as JSON: [[person, kind, value, format], ...], one per row below a header, in
// the last column.
const xlsx = require("xlsx");

const HEADER = ["id", "identity_number", "first_name", "last_name", "external_source_id"];
const cells = JSON.parse(require("fs").readFileSync(0, "utf8"));
const sheet = xlsx.utils.aoa_to_sheet([HEADER, ...cells.map(([person]) => person)]);
cells.forEach(([, kind, value, format], index) => {
  const cell = {
    number: { t: "n", v: value },
    text: { t: "s", v: value },
    boolean: { t: "b", v: value },
    date: { t: "n", v: value },
    formula: { t: "n", f: value },
  }[kind];
  if (format) cell.z = format;
  sheet[xlsx.utils.encode_cell({ r: index + 1, c: 4 })] = cell;
});
sheet["!ref"] = xlsx.utils.encode_range({ s: { r: 0, c: 0 }, e: { r: cells.length, c: 4 } });
const book = xlsx.utils.book_new();
xlsx.utils.book_append_sheet(book, sheet, "Elever");
xlsx.writeFile(book, process.argv[2]);
