"""The forms that browsers send, and the JSON that programs send in place of them."""

import json
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request

from buoy.plugins.text import short_repr

LARGEST_FORM = 4 * 1024 * 1024
"""Bytes."""
MOST_FIELDS = 20_000


class WrongForm(ValueError):
    """A form is too large, or is none; the message says so."""


Form = dict[str, list[str]]


async def read_form(request: Request) -> bytes:
    """Returns the body of a form. Raises WrongForm if it is larger than LARGEST_FORM."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST_FORM:
            raise WrongForm(f"expected a form of at most {LARGEST_FORM} bytes, got more")
        parts.append(part)
    return b"".join(parts)


def parse_form(body: bytes) -> Form:
    """Returns the fields of a form. Raises WrongForm for more than MOST_FIELDS."""
    return parse_fields(body.decode(errors="replace"), "form")


def parse_fields(text: str, what: str = "address") -> Form:
    """Returns the fields of a form, or of what stands behind ``?``. Raises WrongForm."""
    try:
        return parse_qs(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise WrongForm(f"expected a {what} of at most {MOST_FIELDS} fields, got more") from None


def parse_json(body: bytes) -> Form:
    """Returns the fields in a JSON object. Raises WrongForm for anything else."""
    try:
        values = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise WrongForm("expected a JSON object with the fields of the action")
    return {name: [field_text(name, each) for each in as_list(values[name])] for name in values}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def field_text(name: str, value: Any) -> str:
    """Returns a value as a form has it: true is "yes", false is an empty text."""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, str | int | float):
        return str(value).encode(errors="replace").decode()
    raise WrongForm(
        f"{short_repr(name)}: expected a text, a number, true or false, or a list of them"
    )
