"""Writes one roster per language and encoding to a folder with Python's codecs, and prints a list of the files.

Argument: the folder. Standard output: a JSON array of {"file", "encoding", "names"}.
"""

import json
import pathlib
import sys

NAMES = {
    "sv": ["Åsa", "Örjan", "Märta", "Sjöström", "Källström", "Åkerlund", "Björk", "André", "Linnéa", "Ängström"],
    "no": ["Øystein", "Bjørn", "Åse", "Kjærstad", "Sørensen", "Ærø", "Håkon", "Bråten", "Grønli"],
    "de": ["Müller", "Günther", "Jürgen", "Größe", "Weiß", "Köhler", "Schäfer", "Jörg", "Özdemir", "Übach"],
    "fr": ["François", "Hélène", "Gaël", "Noël", "Loïc", "Zoé", "Benoît", "Jérôme", "Garçon", "Maëlys"],
    "es": ["José", "Peña", "García", "Núñez", "Ángel", "López", "Martín", "Muñoz", "Verónica", "Sofía"],
    "is": ["Þór", "Guðrún", "Sigríður", "Ásdís", "Jóhann", "Örn", "Ýmir", "Ævar"],
}
# Python's single-byte encodings for Western and Northern Europe, and other encodings that programs write.
ENCODINGS = """cp1252 latin-1 iso8859-15 iso8859-4 iso8859-10 iso8859-14 cp850 cp858 cp437 cp860 cp861 cp863 cp865
    mac_roman mac_iceland hp_roman8 cp500 cp037 cp1140 cp273 utf-8 utf-8-sig utf-16 utf-16-le utf-16-be""".split()



def identity_number(row):
    """Returns a unique identity number with its check digit, the Luhn sum of the last ten digits."""
    digits = f"100402{200 + row:03}"
    total = sum(sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(digits))
    return f"20{digits[:6]}-{digits[6:]}{-total % 10}"


folder = pathlib.Path(sys.argv[1])
written = []
for language, names in NAMES.items():
    rows = [f"4a07a72e-200d-4e22-bc26-7ad10e7081{row:02};{identity_number(row)};{name};Lind" for row, name in enumerate(names)]
    text = "\r\n".join(["id;identity_number;first_name;last_name", *rows, ""])
    for encoding in ENCODINGS:
        try:
            content = text.encode(encoding)
        except UnicodeEncodeError:
            continue
        path = folder / f"{language}-{encoding}.csv"
        path.write_bytes(content)
        written.append({"file": path.name, "encoding": encoding, "names": names})
json.dump(written, sys.stdout)
