"""Sends a roster with aiohttp, with 64 requests in progress."""
import asyncio
import csv
import json
import sys

import aiohttp

TEXT = [
    ("identity_number", "identityNumber", None),
    ("first_name", "firstName", None),
    ("last_name", "lastName", None),
    ("external_source_id", "external", "sourceID"),
    ("gender", "gender", None),
    ("identity_temporary", "identityTemporary", None),
    ("date_of_birth", "dateOfBirth", None),
    ("postal_address", "address", "postalAddress"),
    ("postal_code", "address", "postalCode"),
    ("postal_city", "address", "postalCity"),
    ("country_code", "address", "countryCode"),
    ("municipality_code", "address", "municipalityCode"),
    ("email_address1", "emailAddress1", None),
    ("phone_number1", "phoneNumber1", None),
    ("edu_person_principal_name", "eduPersonPrincipalName", None),
]


def body_of(row):
    body = {}
    for name, outer, inner in TEXT:
        text = row.get(name)
        if not text:
            continue
        value = text == "true" if name == "identity_temporary" else text
        if inner is None:
            body[outer] = value
        else:
            body.setdefault(outer, {})[inner] = value
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


async def main(base_url, roster):
    rows = csv.DictReader(open(roster, encoding="utf-8", newline=""))
    headers = {
        "Content-Type": "application/json",
        "Client-ID": "sandbox",
        "Client-Secret": "sandbox",
    }
    connector = aiohttp.TCPConnector(limit=64)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def work():
            for row in rows:
                path = f"{base_url}/student/{row['id']}"
                async with session.patch(path, data=body_of(row)) as answer:
                    assert answer.status == 200
                    await answer.read()

        await asyncio.gather(*(work() for _ in range(64)))


asyncio.run(main(sys.argv[1], sys.argv[2]))
