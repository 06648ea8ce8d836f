"""The vendor's SDK as a client of the sandbox.

Usage: meitner_client.py BASE FULL FAULTY, the base URLs of a sandbox, of one without remaining quota, and of one
that responds with 500. Exits with 0 if every response is as the SDK expects, and prints the requests.
"""

import json
import sys
import typing
from datetime import date, datetime

import httpx
from meitner import Meitner, errors, models
from pydantic import BaseModel

BASE, FULL, FAULTY = sys.argv[1:4]
sent = []


def client(base, secret="sandbox", client_id="sandbox", oauth=False):
    if oauth:
        security = models.Security(
            option2=models.SecurityOption2(client_id=client_id, client_secret=secret)
        )
    else:
        security = models.Security(
            option1=models.SecurityOption1(client_credentials=client_id, client_secret=secret)
        )
    recorder = httpx.Client(trust_env=False, event_hooks={"request": [sent.append]})
    return Meitner(
        server_url=base, security=security, retry_config=None, timeout_ms=10_000, client=recorder
    )


def refused(kind, call, status, code):
    try:
        call()
    except kind as error:
        assert error.status_code == status, error
        assert error.data.error.code == code, error.data
        assert error.data.error.message and error.data.error.request_id
        # Every response has the rate-limit headers, errors included.
        for name in ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"):
            assert int(error.headers[name]) >= 0, name
        print(f"{status} {code}")
        return
    raise AssertionError(f"nothing was refused with {status} {code}")


sdk = client(BASE)
students = []
while True:
    page = sdk.students.list(limit=2, offset=len(students)).result
    assert page.pagination.limit == 2 and page.pagination.offset == len(students)
    students.extend(page.data)
    if len(students) >= page.pagination.total:
        break
assert len(students) >= 3
print(f"listed {len(students)}")

first = students[0]
assert sdk.students.get(id=first.id).result == first
raw = {
    one.id: json.loads(one.model_dump_json(by_alias=True, exclude_unset=True)) for one in students
}


# Every field with every operator of the SDK's types, with the first student's value.
def arms(annotation):
    """Yields the innermost types of an annotation."""
    inner = typing.get_args(annotation)
    for one in inner:
        yield from arms(one)
    if not inner:
        yield annotation


def group_of(annotation):
    for arm in arms(annotation):
        is_model = isinstance(arm, type) and issubclass(arm, BaseModel)
        if is_model and arm.__name__ != "Unset":
            return arm
    return None


def leaves(group, path=()):
    for name, field in group.model_fields.items():
        place = path + (field.alias or name,)
        inner = group_of(field.annotation)
        if inner is None:
            yield place
        else:
            yield from leaves(inner, place)


def at(student, place):
    for name in place:
        student = (student or {}).get(name)
    return student


def moment(value):
    is_one = isinstance(value, str) and value[10:11] == "T"
    return datetime.fromisoformat(value) if is_one else value


def holds(operator, found, value):
    found, value = moment(found), value
    if operator in ("contains", "notContains"):
        inside = found in [moment(one) for one in value]
        return inside == (operator == "contains")
    if operator in ("null", "notNull"):
        return (found is None) == (operator == "null")
    value = moment(value)
    if operator in ("equals", "notEquals"):
        return (found == value) == (operator == "equals")
    if operator in ("like", "notLike"):
        return (found is not None and value in found) == (operator == "like")
    if found is None:
        return False
    return {
        "greaterThan": found > value,
        "smallerThan": found < value,
        "greaterOrEqual": found >= value,
        "smallerOrEqual": found <= value,
    }[operator]


def nest(place, value):
    for name in reversed(place):
        value = {name: value}
    return value


def search(filter_):
    answer = sdk.students.search(filter_=filter_, limit=50, offset=0).result
    body = json.loads(sent[-1].content)
    assert body == {"filter": filter_}, f"the SDK sent {body} for {filter_}"
    return {one.id for one in answer.data}


searches = 0
for name, field in models.StudentSearchFilter.model_fields.items():
    operator = field.alias or name
    group = group_of(field.annotation)
    if operator in ("orCondition", "nestedFilters"):
        continue
    for place in leaves(group):
        value = at(raw[first.id], place)
        if operator in ("null", "notNull"):
            value = True
        elif value is None:
            continue
        elif operator in ("contains", "notContains"):
            value = [value]
        fields = nest(place, value)
        expected = {
            id for id, student in raw.items() if holds(operator, at(student, place), value)
        }
        plain = {"orCondition": False, operator: fields}
        assert search(plain) == expected, plain
        nested = {"orCondition": True, "nestedFilters": [plain]}
        assert search(nested) == expected, nested
        searches += 2
assert searches > 200, searches
print(f"searched {searches} times, by every field and operator")

second = students[1]
both = {"contains": {"id": [first.id, second.id]}, "equals": {"id": first.id}}
assert search({"orCondition": False, **both}) == {first.id}
assert search({"orCondition": True, **both}) == {first.id, second.id}

updated = sdk.students.update(
    id=first.id,
    identity_number=first.identity_number,
    first_name="Lise",
    last_name="Meitner",
    external={"source_id": "12345678"},
    gender="Female",
    identity_temporary=True,
    date_of_birth=date(2019, 12, 16),
    address={
        "postal_address": "Dalvägen 14",
        "postal_code": "169 56",
        "postal_city": "Solna",
        "country_code": "SWE",
        "municipality_code": "0184",
    },
    email_address1="lise@meitner.se",
    email_address2="lise@gmail.com",
    phone_number1="+46701234567",
    phone_number2="example",
    edu_person_principal_name="kalko@edu.goteborg.se",
).result
assert (updated.first_name, updated.external.source_id) == ("Lise", "12345678")
assert (updated.address.municipality_code, updated.phone_number2) == ("0184", "example")
assert updated.meta.updated_at > first.meta.created_at
needed = dict(
    id=first.id,
    identity_number=updated.identity_number,
    first_name="Lise",
    last_name="Meitner",
    identity_temporary=True,
)
cleared = sdk.students.update(
    **needed,
    gender=None,
    date_of_birth=None,
    address={"postal_code": None},
    email_address1=None,
    email_address2=None,
    phone_number1=None,
    phone_number2=None,
    edu_person_principal_name=None,
).result
assert cleared.gender is None and cleared.email_address1 is None
assert cleared.address.postal_code is None and cleared.address.postal_city == "Solna"
assert cleared.external.source_id == "12345678"
print("updated and cleared")

other = students[2]
for field in ("identity_number", "email_address1", "edu_person_principal_name"):
    taken = {**needed, field: getattr(other, field)}
    assert taken[field], field
    call = lambda: sdk.students.update(**taken)
    refused(errors.Error409ResponseBody, call, 409, "Conflict")
refused(
    errors.Error400ResponseBody, lambda: sdk.students.get(id="nobody"), 400, "BadRequest"
)
refused(
    errors.Error404ResponseBody,
    lambda: sdk.students.get(id="00000000-0000-4000-8000-ffffffffffff"),
    404,
    "NotFound",
)
refused(
    errors.StudentUpdate422ResponseBodyError,
    lambda: sdk.students.update(**{**needed, "identity_number": "x"}),
    422,
    "UnprocessableEntity",
)
refused(
    errors.Error401ResponseBody,
    lambda: client(BASE, secret="wrong").students.get(id=first.id),
    401,
    "Unauthorized",
)
refused(
    errors.Error403ResponseBody,
    lambda: client(BASE, client_id="sandbox-readonly").students.update(**needed),
    403,
    "Forbidden",
)
refused(
    errors.Error403ResponseBody,
    lambda: client(BASE, client_id="sandbox-writeonly").students.get(id=first.id),
    403,
    "Forbidden",
)
refused(
    errors.Error429ResponseBody,
    lambda: client(FULL).students.get(id=first.id),
    429,
    "RateLimited",
)
refused(
    errors.Error500ResponseBody,
    lambda: client(FAULTY).students.get(id=first.id),
    500,
    "Internal",
)

signed = client(BASE, oauth=True)
assert signed.students.get(id=first.id).result.id == first.id
assert sent[-1].headers["Authorization"].startswith("Bearer ")
print("signed in by OAuth")
