"""Sends a roster with the vendor's SDK, with 64 requests in progress."""
import asyncio
import csv
import datetime
import sys

import httpx
from meitner import Meitner, errors, models

TEXT = [
    "identity_number",
    "first_name",
    "last_name",
    "gender",
    "email_address1",
    "phone_number1",
    "edu_person_principal_name",
]
ADDRESS = ["postal_address", "postal_code", "postal_city", "country_code", "municipality_code"]


def arguments(row):
    said = {name: row[name] for name in TEXT if row.get(name)}
    if row.get("external_source_id"):
        said["external"] = {"source_id": row["external_source_id"]}
    if row.get("identity_temporary"):
        said["identity_temporary"] = row["identity_temporary"] == "true"
    if row.get("date_of_birth"):
        said["date_of_birth"] = datetime.date.fromisoformat(row["date_of_birth"])
    address = {name: row[name] for name in ADDRESS if row.get(name)}
    if address:
        said["address"] = address
    return said


async def main(base_url, roster):
    rows = csv.DictReader(open(roster, encoding="utf-8", newline=""))
    security = models.Security(
        option1=models.SecurityOption1(client_credentials="sandbox", client_secret="sandbox")
    )
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    async with httpx.AsyncClient(trust_env=False, limits=limits, timeout=None) as connections:
        sdk = Meitner(server_url=base_url, security=security, async_client=connections)

        async def work():
            for row in rows:
                try:
                    await sdk.students.update_async(id=row["id"], **arguments(row))
                except errors.ResponseValidationError:
                    # The server's response has fewer members than the API's; only the status code 200 matters
                    # here.
                    pass

        await asyncio.gather(*(work() for _ in range(64)))


asyncio.run(main(sys.argv[1], sys.argv[2]))
