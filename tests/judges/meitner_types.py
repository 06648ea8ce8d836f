"""Validates requests with the request types of the vendor's SDK.

The SDK drops invalid values of optional members and accepts unknown members, so a body is parsed strictly and
compared with the result.
"""

import json
import re
from datetime import datetime

from meitner import models
from pydantic import ValidationError

STRICT = dict(strict=True, extra="forbid", by_alias=True, by_name=False)
UUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
PAGE = r"\?limit=\d+&offset=\d+"
REQUESTS = [
    ("GET", rf"/student{PAGE}", None),
    ("GET", rf"/student/{UUID}", None),
    ("POST", rf"/student/_search{PAGE}", models.StudentSearchRequestBody),
    ("PATCH", rf"/student/{UUID}", models.StudentUpdate),
]


def same(one, other):
    if one == other and type(one) is type(other):
        return True
    try:
        return datetime.fromisoformat(one) == datetime.fromisoformat(other)
    except (TypeError, ValueError):
        return False


def lost(sent, kept, path=""):
    """Yields the paths of members that parsing dropped or changed."""
    if isinstance(sent, dict) and isinstance(kept, dict):
        for name, value in sent.items():
            if name not in kept:
                yield f"{path}/{name}"
            else:
                yield from lost(value, kept[name], f"{path}/{name}")
    elif isinstance(sent, list) and isinstance(kept, list) and len(sent) == len(kept):
        for number, (one, other) in enumerate(zip(sent, kept)):
            yield from lost(one, other, f"{path}/{number}")
    elif not same(sent, kept):
        yield path


def complaints(method, path, body):
    """Returns the faults of a request; an empty list if the SDK's types accept it unchanged."""
    for known_method, pattern, kind in REQUESTS:
        if method == known_method and re.fullmatch(pattern, path):
            break
    else:
        return [f"the SDK makes no request {method} {path}"]
    if kind is None:
        return ["a GET has no body"] if body else []
    try:
        parsed = kind.model_validate_json(body, **STRICT)
    except ValidationError as error:
        errors = [one for one in error.errors() if "Unset" not in one["loc"]]
        return [f"{one['loc']}: {one['msg']}" for one in errors]
    kept = parsed.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return [f"{place} is dropped or changed" for place in lost(json.loads(body), kept)]
